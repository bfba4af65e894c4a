"""What every request meets first: whose host it names, from which page it comes, how often, how long; and the headers
that every answer has.
"""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import urlsplit

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from caretwin.serve.web.identify import cookie_name
from caretwin.serve.web.metrics import Metrics
from caretwin.serve.web.problems import Refusal
from caretwin.serve.web.settings import WebSettings

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SIGN_IN = "/api/sign-in/"
"""Where secrets are tried: seldom, and counted by address, for who tries has no session."""
YEAR_S = 365 * 24 * 3600


class Shield:
    """Headers of every answer: strict content policy, nothing kept by caches, no address told to other sites."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app, self._headers = app, security_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add to its answer."""

        async def shielded(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                if "cache-control" not in headers:
                    headers["cache-control"] = "no-store"
            await send(message)

        await self._app(scope, receive, shielded)


def security_headers(settings: WebSettings) -> dict[str, str]:
    """The headers of every answer."""
    content = {
        "default-src": "'none'",
        **dict.fromkeys(("script-src", "style-src", "font-src", "connect-src", "worker-src"), "'self'"),
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "object-src": "'none'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(settings.frame_ancestors) or "'none'",
    }
    found = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in content.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    }
    if settings.secure:
        found["strict-transport-security"] = f"max-age={YEAR_S}"
    return found


class Border:
    """Refuses what comes to another host, from another page, too often, or is too long."""

    def __init__(self, app: ASGIApp, settings: WebSettings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._usual = RateLimitItemPerMinute(settings.requests_per_min)
        self._strict = RateLimitItemPerMinute(settings.sign_ins_per_min)
        self._hosts = frozenset(urlsplit(one).netloc for one in settings.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why not."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope, Headers(scope=scope))
        except Refusal as refusal:
            self._metrics.refused.labels(refusal.rule).inc()
            await _refuse(refusal, scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        if headers.get("host", "") not in self._hosts:
            wanted = self._settings.origin
            raise Refusal(403, "another host than this site's", fix=f"open {wanted}", rule="border:host")
        self._check_origin(scope, headers)
        self._check_often(scope, headers)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._settings.max_body_bytes:
            raise self._too_long()

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """What changes something, and every socket, comes from our own pages; a program that is no browser says
        nothing of pages, and then has no cookie.
        """
        if scope["type"] == "http" and scope["method"] in SAFE:
            if scope["path"].startswith("/api/") and headers.get("sec-fetch-site") == "cross-site":
                callback = headers.get("sec-fetch-mode") == "navigate" and scope["path"].startswith(SIGN_IN)
                if not callback:  # an identity provider sends people back by a link
                    raise _elsewhere()
            return
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is None and site is None:
            if cookie_name(self._settings) in headers.get("cookie", ""):
                raise _elsewhere()
            return
        if origin is not None and origin not in self._settings.origins:
            raise _elsewhere()
        if site is not None and site != "same-origin":
            raise _elsewhere()

    def _check_often(self, scope: Scope, headers: Headers) -> None:
        address = self._address(scope, headers)
        if scope["path"].startswith(SIGN_IN) and not self._limiter.hit(self._strict, "sign-in", address):
            raise _too_often("sign-ins")
        who = address
        for part in headers.get("cookie", "").split(";"):
            name, _, secret = part.strip().partition("=")
            if name == cookie_name(self._settings):
                who = sha256(secret.encode()).hexdigest()
        if not self._limiter.hit(self._usual, "usual", who):
            raise _too_often("requests")

    def _address(self, scope: Scope, headers: Headers) -> str:
        """Of whom a request comes; behind a proxy as that says, in the last place, which nobody else writes."""
        if self._settings.behind_proxy and "x-forwarded-for" in headers:
            return headers["x-forwarded-for"].rpartition(",")[2].strip()
        client = scope.get("client")
        return str(client[0]) if client else "unknown"

    def _counted(self, receive: Receive) -> Receive:
        """A body of which nobody said how long it is may be as long as another, and not longer."""
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > self._settings.max_body_bytes:
                    raise HTTPException(413, "a larger request than is taken")  # what FastAPI passes on as it is
            return message

        return counted

    def _too_long(self) -> Refusal:
        fix = f"send at most {self._settings.max_body_bytes} bytes"
        return Refusal(413, "a larger request than is taken", fix=fix, rule="border:length")


def _elsewhere() -> Refusal:
    return Refusal(403, "a request that came from a page of another site", fix="use this site", rule="border:origin")


def _too_often(what: str) -> Refusal:
    headers = {"retry-after": "60"}
    return Refusal(429, f"too many {what} within a minute", fix="wait a minute", rule="border:rate", headers=headers)


async def _refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.rule})
        return
    await refusal.response()(scope, receive, send)
