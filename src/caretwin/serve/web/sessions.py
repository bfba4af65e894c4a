"""Sessions: from a cookie to who asks; they end by inactivity, by age, by signing out, and with their account."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import get_args

from caretwin.record.access import PersonRole, Role
from caretwin.record.accounts import Accounts, SignInError
from caretwin.record.store.accounts import Account, Session
from caretwin.serve.access.roles import PURPOSES
from caretwin.serve.access.rules import Rules
from caretwin.serve.web.caller import Caller

MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
KEEP_EVERY_US = 5 * MINUTE_US
"""us between two times at which the record is told which sessions go on: after a crash a session may seem to have been
idle for that much longer, never shorter (assumed)."""


class Sessions:
    """The sessions of a site.

    clock  microseconds UTC of the wall; idle_us, longest_us  after which a session ends: without a request, and in all
    """

    def __init__(
        self, accounts: Accounts, rules: Rules, clock: Callable[[], int], idle_us: int, longest_us: int
    ) -> None:
        self._accounts, self._rules, self._clock = accounts, rules, clock
        self.idle_us, self.longest_us = idle_us, longest_us
        self._lock = threading.Lock()
        self._seen: dict[int, int] = {}
        self._untold: dict[int, int] = {}
        self._told = clock()

    def begin(
        self, account: Account, how: str, role: str | None = None, purpose: str | None = None, ends: int | None = None
    ) -> tuple[str, Session]:
        """A session of an account that has proved who it is; its secret is for the cookie and is not kept.

        role     its first where none is said; purpose  the role's first where none is said
        ends     when it ends at the latest (us); None: ``longest_us`` from now
        Raises SignInError for a role that the account does not have, or a purpose that is not the role's.
        """
        role = role or account.roles[0]
        may = purposes_of(role)
        if purpose is not None and purpose not in may:
            wanted = ", ".join(may) or "none"
            fix = "choose a purpose of that role"
            raise SignInError("signing in", seen=f"a {role} for {purpose}", wanted=wanted, fix=fix)
        now = self._clock()
        last = now + self.longest_us if ends is None else ends
        secret, session = self._accounts.begin(account, role, purpose or (*may, "none")[0], now, last, how)
        with self._lock:
            self._seen[session.number] = now
        return secret, session

    def caller(self, secret: str, *, unattended: bool = False) -> Caller:
        """Who asks, by the secret of a cookie. Raises SignInError, and audits it, for a session that is over.

        unattended  a page asks by itself, and nobody has touched it: that keeps no session open
        """
        now, session = self._clock(), self._accounts.session_of(secret)
        if session is None:
            raise over("a cookie of no session")
        account, why = self._rules.account(session.account), self._over(session, now)
        if account is None or session.role not in account.roles:
            why = why or "its account was closed, or lost the role"
        if why or account is None:
            self._refuse(session, now, why)
            raise over(f"a session that is over: {why}")
        if not unattended:
            self._use(session, now)
        return caller_of(account, session)

    def still_valid(self, session: str) -> bool:
        """Whether a session (``Caller.session``) goes on: for streams, which ask every second or so.

        It is no sign of activity: a page that is left open ends with its session.
        """
        found = self._accounts.session(int(session)) if session.isdigit() else None
        if found is None or self._over(found, self._clock()):
            return False
        account = self._rules.account(found.account)
        return account is not None and found.role in account.roles

    def replace(self, secret: str | None) -> None:
        """End the session of a browser that signs in anew: a secret is never good beside the next one."""
        before = self._accounts.session_of(secret) if secret else None
        if before is not None and before.ended is None:
            self.end(str(before.number), "signed in anew")

    def end(self, session: str, why: str = "signed out") -> None:
        """End a session."""
        found = self._accounts.session(int(session))
        if found is not None and found.ended is None:
            self._accounts.end(found, self._clock(), why)
        with self._lock:
            self._seen.pop(int(session), None)
            self._untold.pop(int(session), None)

    def keep(self) -> None:
        """Tell the record which sessions go on."""
        with self._lock:
            told, self._untold, self._told = self._untold, {}, self._clock()
        self._accounts.seen(told)

    def __len__(self) -> int:
        """Sessions of which something was heard within ``idle_us``."""
        now = self._clock()
        with self._lock:
            return sum(now - at < self.idle_us for at in self._seen.values())

    def _over(self, session: Session, now: int) -> str:
        """Why a session is over, "" for one that goes on."""
        if session.ended is not None:
            return "somebody signed out, or was shut out"
        if now >= session.ends:
            return f"{self.longest_us / HOUR_US:g} h after signing in"
        last = max(session.seen, self._seen.get(session.number, 0))
        return f"{self.idle_us / MINUTE_US:g} min without a request" if now - last >= self.idle_us else ""

    def _refuse(self, session: Session, now: int, why: str) -> None:
        if session.ended is None:
            self.end(str(session.number), why)
        self._accounts.refuse(session.account, "sign-in", "session:valid", f"session {session.number}: {why}")

    def _use(self, session: Session, now: int) -> None:
        with self._lock:
            self._seen[session.number] = self._untold[session.number] = now
            due = now - self._told >= KEEP_EVERY_US
            for number in [number for number, at in self._seen.items() if now - at >= self.idle_us] if due else ():
                del self._seen[number]
        if due:
            self.keep()


def caller_of(account: Account, session: Session) -> Caller:
    """Who asks in a session."""
    role: Role = session.role  # type: ignore[assignment]  # was checked when the session began
    return Caller(account.key, account.name, role, account.units, session.purpose, str(session.number))


def purposes_of(role: str) -> tuple[str, ...]:
    """Purposes that a role can have; the first is the usual one."""
    return next((PURPOSES[one] for one in get_args(PersonRole) if one == role), ())


def over(seen: str) -> SignInError:
    """The error for a session that opens nothing."""
    return SignInError("the session", seen=seen, wanted="one that goes on", fix="sign in again")
