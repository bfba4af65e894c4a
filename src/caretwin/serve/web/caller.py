"""Who asks: a person who signed in, with roles, the places that they work at, and what for."""

from __future__ import annotations

from dataclasses import dataclass

from caretwin.record.access import Actor, Role


@dataclass(frozen=True)
class Caller:
    """A person who signed in.

    account  key of the account; name  as shown to others; role  in which they act in this session
    units    names of the units that they work at; empty: all of this site
    purpose  what for, said at sign-in: "direct care", "service management", "audit", ...
    session  number of the session, for the audit trail; never the secret of the cookie
    """

    account: str
    name: str
    role: Role
    units: frozenset[str] = frozenset()
    purpose: str = "direct care"
    session: str = ""

    def actor(self) -> Actor:
        """As the record knows them: every look is attributed to the account."""
        return Actor(f"account:{self.account}", self.role, self.purpose)
