"""What the application is told of the session that a person has."""

from __future__ import annotations

from pydantic import BaseModel, Field

from caretwin.record.store.accounts import Account, Session
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.served import Served
from caretwin.serve.web.sessions import MINUTE_US, caller_of, purposes_of


class SessionInfo(BaseModel):
    """Who has signed in, in which role, for what, and until when."""

    account: str = Field(description="Key of the account.")
    name: str = Field(description="Name of the account, as shown to others.")
    role: str = Field(description="In which the person acts now.")
    roles: list[str] = Field(description="In which the account may act.")
    purpose: str = Field(description="For which data are looked at now; kept with every look.")
    purposes: list[str] = Field(description="That the role can have.")
    units: list[str] = Field(description="That the account works at; empty: all of the site.")
    may: list[str] = Field(description="Actions of the policies that the role may do here at all.")
    ends: int = Field(description="When the session ends at the latest (us since 1970).")
    idle_min: float = Field(description="Minutes without a request after which it ends earlier.")
    passkeys: int = Field(description="Passkeys of the account; without one, the next sign-in needs another link.")
    site: str = Field(description="Name of the site.")
    zone: str = Field(description="IANA time zone in which the site lives.")
    demo: bool = Field(description="Whether nobody of whom this site knows lies in its beds: a demonstration.")


def told(served: Served, account: Account, session: Session) -> SessionInfo:
    """What is told of a session."""
    caller = caller_of(account, session)
    return SessionInfo(
        account=account.key,
        name=account.name,
        role=session.role,
        roles=list(account.roles),
        purpose=session.purpose,
        purposes=list(purposes_of(session.role)),
        units=sorted(account.units),
        may=may(served, caller),
        ends=session.ends,
        idle_min=served.sessions.idle_us / MINUTE_US,
        passkeys=len(served.accounts.passkeys(account.key)),
        site=served.running.site.name,
        zone=served.running.site.zone,
        demo=served.running.site.demo,
    )


def may(served: Served, caller: Caller) -> list[str]:
    """What a caller may do here at all, so that pages show no door that does not open."""
    actions = served.rules.policies.actions
    return sorted(one for one in actions if served.rules.decide(caller, one).allow)
