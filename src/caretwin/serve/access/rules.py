"""Who asks, about whom, and what the policies say: the one place where the web application decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from caretwin.record.access import PEOPLE, AccessDeniedError, Decision
from caretwin.record.accounts import Accounts
from caretwin.record.entry import KIND_LETTERS, kind_of
from caretwin.record.store.accounts import Account
from caretwin.serve.access.policies import Policies, Question
from caretwin.serve.access.whereabouts import Whereabouts
from caretwin.serve.web.caller import Caller

BREAK_GLASS_US = 3_600_000_000
"""us that leave to look at somebody lasts (assumed: long enough for an emergency; it can be taken again)."""
LOOK_EVERY_US = 250_000
"""us between two looks at accounts that other programs may have changed (assumed)."""
FLAG = "break-glass"
"""Stands in the rule of every look that leave to look made possible: what an auditor searches for."""
SERVICE = "service"
"""Account of a caller that is a program with a token."""


@dataclass
class Known:
    """Accounts and leave to look, as they were at a revision."""

    accounts: Mapping[str, Account] = field(default_factory=dict)
    grants: Mapping[tuple[str, str], int] = field(default_factory=dict)


class Rules:
    """Decides for callers.

    clock  microseconds UTC of the wall: a replayed ward's hours are not the hours of those who look at it
    """

    def __init__(
        self, policies: Policies, accounts: Accounts, whereabouts: Whereabouts, clock: Callable[[], int]
    ) -> None:
        self.policies, self.accounts, self._whereabouts, self._clock = policies, accounts, whereabouts, clock
        self._lock = threading.Lock()
        self._known, self._revision, self._looked, self._turn = Known(), -1, 0, -1

    def decide(self, caller: Caller | None, action: str, subject: str = "") -> Decision:
        """Whether a caller (None: nobody has signed in) may do something, by which policy, and why.

        action   of the policies, such as "person:see"; subject  key of whom it is about, "" for the site
        """
        question = self._question(caller, action, subject)
        found = self.policies.decide(question)
        if found.allow or caller is None or not subject or not self._broken(caller.account, subject):
            return found
        lifted = self.policies.decide(question._replace(break_glass=True))
        return lifted._replace(rule=f"{lifted.rule} {FLAG}") if lifted.allow else found

    def require(self, caller: Caller | None, action: str, subject: str = "") -> Decision:
        """The decision, when it allows. Raises AccessDeniedError otherwise, and audits who was refused what."""
        decision = self.decide(caller, action, subject)
        if not decision.allow:
            if caller is not None:
                self.accounts.refuse(caller.account, action, decision.rule, decision.reason, subject)
            raise denied(caller, action, decision, subject)
        return decision

    def visible(self, caller: Caller, subjects: Iterable[str], action: str = "person:see") -> list[str]:
        """Those of the subjects whom a caller may see; who is not theirs is left out, as if there were nobody."""
        return [one for one in subjects if self.decide(caller, action, one).allow]

    def unit_of(self, subject: str) -> str | None:
        """Where a subject is now, None where nobody has said."""
        return self._whereabouts.of(subject).unit

    def account(self, key: str) -> Account | None:
        """An account that is open, None for another."""
        found = self._look().accounts.get(key)
        return found if found is not None and found.disabled is None else None

    def _question(self, caller: Caller | None, action: str, subject: str) -> Question:
        asked = Question(action)
        if caller is not None and caller.account == SERVICE:
            asked = asked._replace(who="service")
        elif caller is not None and caller.role in PEOPLE:
            asked = asked._replace(who="person", role=caller.role, units=caller.units)
        if not subject:
            return asked
        standing = self._whereabouts.of(subject)
        account = self.account(caller.account) if caller is not None else None
        more: dict[str, Any] = {"about": _kind(subject), "unit": standing.unit, "sealed": standing.sealed}
        return asked._replace(own=account is not None and subject in account.people, **more)

    def _broken(self, account: str, subject: str) -> bool:
        return self._look().grants.get((account, subject), 0) > self._clock()

    def _look(self) -> Known:
        """Accounts as they are: those that this program changed at once, those that others did a moment later."""
        now = self._clock()
        with self._lock:
            if self._turn == self.accounts.turn and 0 <= now - self._looked < LOOK_EVERY_US:
                return self._known
            self._turn, self._looked = self.accounts.turn, now
            revision = self.accounts.revision()
            if revision != self._revision:
                grants = {(one.account, one.subject): one.until for one in self.accounts.grants(now)}
                self._known, self._revision = Known({one.key: one for one in self.accounts.all()}, grants), revision
            return self._known


def _kind(subject: str) -> str:
    """What a subject is; a key that no record makes is somebody of whom nothing is known."""
    return kind_of(subject) if subject[:1] in KIND_LETTERS.values() else "patient"


def denied(caller: Caller | None, action: str, decision: Decision, subject: str = "") -> AccessDeniedError:
    """The error that says why a caller may not."""
    who = caller.actor().name if caller is not None else "somebody who has not signed in"
    problem = AccessDeniedError(
        f"{action} of {subject or 'the site'} by {who}",
        seen=decision.reason,
        wanted="a policy that allows it",
        fix="act in a role that may, or ask a manager of the site",
    )
    problem.rule = decision.rule
    return problem
