"""Signing in: by a link that is good once, by a passkey, or at an identity provider. No password exists."""

from __future__ import annotations

import asyncio
import secrets
from hashlib import sha256
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse

from caretwin.record.accounts import GATE, SignInError
from caretwin.record.store.accounts import Account, Session
from caretwin.serve.web import passkeys
from caretwin.serve.web.ceremonies import GOOD_US
from caretwin.serve.web.identify import secret_of, set_cookie
from caretwin.serve.web.oidc import BACK, OidcError, Provider, Who, secret_text
from caretwin.serve.web.problems import Refusal, documented
from caretwin.serve.web.routing import PUBLIC, Here, Routes
from caretwin.serve.web.served import Served
from caretwin.serve.web.session_info import SessionInfo, told

routes = Routes("sign-in")
OIDC, OIDC_COOKIE = "oidc", "caretwin-oidc"
LONGEST = 200
"""Characters of a secret, and of the name of a ceremony."""


class As(BaseModel):
    """In which role to act, and for what: the first of the account, and of the role, where nothing is said."""

    role: str | None = Field(None, max_length=20)
    purpose: str | None = Field(None, max_length=40)


class Link(As):
    """A link's secret: what stands behind ``#link=``."""

    secret: str = Field(min_length=1, max_length=LONGEST)


class Ways(BaseModel):
    """How people can sign in here."""

    passkey: bool = Field(description="By a passkey, which belongs to the name of this site.")
    oidc: str | None = Field(description="Name of the identity provider, if there is one.")
    site: str = Field(description="Name of the site.")


class Asked(BaseModel):
    """What a browser is asked for."""

    ceremony: str = Field(description="To be sent back with the answer, within five minutes.")
    options: dict[str, Any] = Field(description="Options for navigator.credentials (WebAuthn, JSON form).")


class Proof(As):
    """A browser's answer."""

    ceremony: str = Field(max_length=LONGEST)
    credential: dict[str, Any] = Field(description="PublicKeyCredential in its JSON form.")


class Elsewhere(BaseModel):
    """Where to go on."""

    address: str = Field(description="Page of the identity provider.")


@routes.get("/api/sign-in/ways", permission=PUBLIC)
def ways(here: Here) -> Ways:
    """How people can sign in here."""
    oidc = here.settings.oidc
    return Ways(passkey=True, oidc=oidc.name if oidc else None, site=here.running.site.name)


@routes.post("/api/sign-in/link", permission=PUBLIC, responses=documented(401))
def sign_in_by_link(link: Link, request: Request, here: Here, response: Response) -> SessionInfo:
    """Sign in by a link, which is good no more afterwards."""
    account = here.accounts.use_link(link.secret, here.clock())
    return told(here, account, _begun(here, request, response, account, "link", link))


@routes.post("/api/sign-in/passkey/options", permission=PUBLIC, responses=documented(409))
def ask_for_passkey(request: Request, here: Here) -> Asked:
    """Begin to sign in by a passkey."""
    ceremony, options = passkeys.ask_known(here, request.headers["host"])
    return Asked(ceremony=ceremony, options=options)


@routes.post("/api/sign-in/passkey", permission=PUBLIC, responses=documented(401, 409))
def sign_in_by_passkey(proof: Proof, request: Request, here: Here, response: Response) -> SessionInfo:
    """Sign in by a passkey."""
    account = passkeys.check_known(here, request.headers["host"], proof.ceremony, proof.credential)
    return told(here, account, _begun(here, request, response, account, "passkey", proof))


@routes.post("/api/sign-in/oidc", permission=PUBLIC, responses=documented(404, 409))
async def ask_for_identity(wish: As, here: Here, response: Response) -> Elsewhere:
    """Begin to sign in at the identity provider: the browser goes to the address that is answered."""
    provider = _provider(here)
    browser = secrets.token_urlsafe(32)
    state = secrets.token_urlsafe(32)
    try:
        asked = await provider.ask(state)
    except OidcError as problem:
        raise Refusal(409, str(problem), fix="try again, or sign in another way", rule="oidc:proved") from None
    kept = here.ceremonies.begin(
        OIDC, state=state, verifier=asked.verifier, nonce=asked.nonce, browser=_digest(browser), wish=wish
    )
    # Lax, not Strict: the browser comes back by a link of the provider, and must be known to be the one that left.
    response.set_cookie(
        OIDC_COOKIE, f"{kept}.{browser}", max_age=GOOD_US // 1_000_000, path="/api/sign-in/oidc",
        secure=here.settings.secure, httponly=True, samesite="lax",
    )  # fmt: skip
    return Elsewhere(address=asked.address)


@routes.get(BACK, permission=PUBLIC, include_in_schema=False, response_class=Response)
async def back(request: Request, here: Here) -> Response:
    """Whoever comes back from the identity provider goes on to the application, signed in or told why not."""
    response: Response = RedirectResponse("/", 303)
    try:
        who, wish = await _came_back(here, request)
        await asyncio.to_thread(_welcome, here, request, response, who, wish)
    except (OidcError, SignInError) as problem:
        why = problem.seen if isinstance(problem, SignInError) else str(problem)
        await asyncio.to_thread(here.accounts.refuse, "", "sign-in", "oidc:proved", why)
        response = RedirectResponse("/#sign-in=refused", 303)
    response.delete_cookie(OIDC_COOKIE, path="/api/sign-in/oidc")
    return response


async def _came_back(here: Served, request: Request) -> tuple[Who, As]:
    """Who it is. Raises OidcError for an answer to no question of this browser, or one that proves nothing."""
    kept, _, browser = request.cookies.get(OIDC_COOKIE, "").partition(".")
    asked, said = here.ceremonies.end(OIDC, kept), request.query_params
    if asked is None or not secrets.compare_digest(asked["browser"], _digest(browser)):
        raise OidcError("an answer to a question that this browser did not ask, or asked too long ago")
    if not secrets.compare_digest(asked["state"].encode(), said.get("state", "").encode()):
        raise OidcError("an answer to another question")
    if "code" not in said:
        raise OidcError("the identity provider did not say who it is")
    return await _provider(here).who(said["code"], asked["verifier"], asked["nonce"]), asked["wish"]


def _welcome(here: Served, request: Request, response: Response, who: Who, wish: As) -> None:
    """Begin a session of whom a provider names; the account has the roles and units that the provider says now."""
    if not who.roles:
        raise OidcError("nobody to whom [web.oidc.roles] gives a role")
    if who.units is None:
        raise OidcError("nobody to whom the provider gives a unit")
    account = here.accounts.by_identity(who.issuer, who.subject)
    if account is None:
        account = here.accounts.add(GATE, who.name, who.roles, here.clock(), who.units)
        here.accounts.add_identity(GATE, who.issuer, who.subject, account.key, here.clock())
    elif (account.roles, account.units) != (who.roles, who.units):
        account = here.accounts.let(GATE, account.key, who.roles, who.units)
    _begun(here, request, response, account, "oidc", wish)


def _provider(here: Served) -> Provider:
    oidc = here.settings.oidc
    if oidc is None:
        raise Refusal(404, "no identity provider here", fix="sign in by a passkey or a link")
    return Provider(oidc, secret_text(oidc.client_secret), here.settings.origin + BACK, here.clock)


def _begun(here: Served, request: Request, response: Response, account: Account, how: str, wish: As) -> Session:
    """A new session, which replaces the one that this browser has."""
    secret, session = here.sessions.begin(account, how, wish.role, wish.purpose)
    here.sessions.replace(secret_of(here.settings, request))
    set_cookie(here, response, secret)
    return session


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
