"""A person's own session: who they are here, in which role, their passkeys, signing out."""

from __future__ import annotations

from typing import Any

import webauthn
from fastapi import Request, Response
from pydantic import BaseModel, Field

from caretwin.record.accounts import SignInError
from caretwin.record.store.accounts import Account
from caretwin.serve.web import passkeys
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.fields import Text
from caretwin.serve.web.identify import drop_cookie, set_cookie
from caretwin.serve.web.problems import Refusal, documented
from caretwin.serve.web.routes.sign_in import LONGEST, Asked
from caretwin.serve.web.routing import Here, Routes, Signed
from caretwin.serve.web.served import Served
from caretwin.serve.web.session_info import SessionInfo, told

routes = Routes("session")
OWN = "session:own"


class Act(BaseModel):
    """In which role to act from now on, and for what."""

    role: str = Field(max_length=20)
    purpose: str | None = Field(None, max_length=40, description="The role's first where nothing is said.")


class NewPasskey(BaseModel):
    """A browser's answer, and what its owner calls it."""

    ceremony: str = Field(max_length=LONGEST)
    credential: dict[str, Any] = Field(description="PublicKeyCredential in its JSON form.")
    name: Text = Field("passkey", min_length=1, max_length=80)


class PasskeyInfo(BaseModel):
    """A passkey of one's own."""

    id: str
    name: str
    created: int = Field(description="us since 1970")


class PasskeyId(BaseModel):
    """Which passkey."""

    id: str = Field(max_length=2000)


@routes.get("/api/session", permission=OWN)
def session(caller: Signed, here: Here) -> SessionInfo:
    """Who has signed in, and what they may do here."""
    found = here.accounts.session(int(caller.session))
    assert found is not None, "who asks has a session"
    return told(here, _own(here, caller), found)


@routes.post("/api/session/act", permission=OWN, responses=documented(409))
def act(wish: Act, caller: Signed, here: Here, response: Response) -> SessionInfo:
    """Act in another role, or for another purpose: a new session, which ends no later than this one."""
    account, before = _own(here, caller), here.accounts.session(int(caller.session))
    assert before is not None, "who asks has a session"
    try:
        secret, begun = here.sessions.begin(account, "session", wish.role, wish.purpose, before.ends)
    except SignInError as problem:
        raise Refusal(409, problem.seen, fix=problem.fix, rule="account:role") from None
    here.sessions.end(caller.session, f"goes on as session {begun.number}")
    set_cookie(here, response, secret)
    return told(here, account, begun)


@routes.post("/api/session/out", permission=OWN, status_code=204)
def sign_out(caller: Signed, here: Here, response: Response) -> None:
    """Sign out; the cookie opens nothing any more."""
    here.sessions.end(caller.session)
    drop_cookie(here, response)


@routes.get("/api/session/passkeys", permission=OWN)
def own_passkeys(caller: Signed, here: Here) -> list[PasskeyInfo]:
    """One's own passkeys."""
    found = here.accounts.passkeys(caller.account)
    return [PasskeyInfo(id=_text(one.credential), name=one.name, created=one.created) for one in found]


@routes.post("/api/session/passkey/options", permission=OWN, responses=documented(409))
def ask_for_new_passkey(request: Request, caller: Signed, here: Here) -> Asked:
    """Begin to add a passkey."""
    ceremony, options = passkeys.ask_new(here, request.headers["host"], _own(here, caller))
    return Asked(ceremony=ceremony, options=options)


@routes.post("/api/session/passkey", permission=OWN, responses=documented(409))
def add_passkey(proof: NewPasskey, request: Request, caller: Signed, here: Here) -> PasskeyInfo:
    """Add a passkey: from now on one can sign in by it."""
    account = _own(here, caller)
    found = passkeys.check_new(here, request.headers["host"], account, proof.ceremony, proof.credential)
    found = found._replace(name=proof.name)
    here.accounts.add_passkey(caller.actor(), found)
    return PasskeyInfo(id=_text(found.credential), name=found.name, created=found.created)


@routes.post("/api/session/passkey/remove", permission=OWN, status_code=204, responses=documented(404))
def remove_passkey(which: PasskeyId, caller: Signed, here: Here) -> None:
    """Remove a passkey, such as that of a tablet that was lost."""
    try:
        here.accounts.remove_passkey(caller.actor(), caller.account, webauthn.base64url_to_bytes(which.id))
    except (KeyError, ValueError):
        raise Refusal(404, "no such passkey of yours") from None


def _own(here: Served, caller: Caller) -> Account:
    found = here.rules.account(caller.account)
    if found is None:
        raise Refusal(401, "an account that was closed", fix="ask whoever runs this site")
    return found


def _text(credential: bytes) -> str:
    return str(webauthn.helpers.bytes_to_base64url(credential))
