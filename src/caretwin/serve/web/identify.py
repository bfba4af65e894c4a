"""From a request to who asks: by the cookie of a session, or by the token of a program."""

from __future__ import annotations

import hmac
from hashlib import sha256

from starlette.requests import HTTPConnection
from starlette.responses import Response

from caretwin.serve.access.rules import SERVICE
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.served import Served
from caretwin.serve.web.settings import WebSettings

PLAIN, HOSTED = "caretwin", "__Host-caretwin"
"""Names of the cookie: the second, which browsers take by https only and for one host, wherever there is https."""


UNATTENDED = "caretwin-unattended"
"""Header of what a page asks by itself while nobody touches it; a page that lies can only shorten its own session."""


def cookie_name(settings: WebSettings) -> str:
    """Name of the cookie of a session."""
    return HOSTED if settings.secure else PLAIN


def secret_of(settings: WebSettings, connection: HTTPConnection) -> str | None:
    """The secret of the session's cookie, None where there is none."""
    return connection.cookies.get(cookie_name(settings)) or None


def identify(served: Served, connection: HTTPConnection) -> Caller | None:
    """Who asks, None for nobody who says so. Raises SignInError for a session that is over."""
    secret = secret_of(served.settings, connection)
    if secret is not None:
        return served.sessions.caller(secret, unattended=UNATTENDED in connection.headers)
    return _program(served, connection.headers.get("authorization", ""))


def _program(served: Served, authorization: str) -> Caller | None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return None
    seen = sha256(token.strip().encode("utf-8", "surrogateescape")).hexdigest()
    found = None
    for name, known in served.tokens.items():  # as long for every answer
        if hmac.compare_digest(seen, known):
            found = name
    return None if found is None else Caller(SERVICE, found, "gate", purpose="monitoring")


def set_cookie(served: Served, response: Response, secret: str) -> None:
    """Give a browser the secret of a session: no script can read it, no other site can have it sent."""
    response.set_cookie(
        cookie_name(served.settings),
        secret,
        path="/",
        secure=served.settings.secure,
        httponly=True,
        samesite="strict",
    )


def drop_cookie(served: Served, response: Response) -> None:
    """Take the secret of a session back."""
    name, secure = cookie_name(served.settings), served.settings.secure
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")
