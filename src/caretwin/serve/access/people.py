"""The record's own refusal: what a person may not do in the web application, no part of it can do in their name."""

from __future__ import annotations

from collections.abc import Mapping

from caretwin.record.access import PEOPLE, Action, Actor, Decision, by_role
from caretwin.serve.access.rules import Rules
from caretwin.serve.web.caller import Caller

MEANS: Mapping[Action, tuple[str, ...]] = {
    "read": ("person:see",),
    "write": ("person:write",),
    "derive": ("recommendation:propose", "recommendation:review"),
    "configure": ("mapping:edit", "setup:change"),
    "accounts": ("accounts:change",),
    "sign-in": ("session:own",),
    "break-glass": ("glass:break",),
}
"""What an action of the record is among the actions of the policies: any of them. Others are nobody's."""
SEARCH = "record:search"
"""Reading what is about nobody, or about all: who there is, and what changed."""
ACCOUNT = "account:"


class PeoplePolicy:
    """Policy of a record: programs by their role, people by the Cedar policies.

    rules  set when the record is open, of which they are; until then people are refused
    """

    def __init__(self) -> None:
        self.rules: Rules | None = None

    def __call__(self, actor: Actor, action: Action, subject: str) -> Decision:
        """The decision for an actor; see :data:`caretwin.record.access.Policy`."""
        if actor.role not in PEOPLE:
            return by_role(actor, action, subject)
        caller = self._caller(actor)
        if self.rules is None or caller is None:
            return Decision(False, "nobody of this name can act in this role here", "default:deny")
        meant = (SEARCH,) if action == "read" and not subject else MEANS.get(action, ())
        found = Decision(False, f"no policy lets people {action}", "default:deny")
        for one in meant:
            found = self.rules.decide(caller, one, subject)
            if found.allow:
                return found
        return found

    def _caller(self, actor: Actor) -> Caller | None:
        account = self.rules.account(actor.name.removeprefix(ACCOUNT)) if self.rules is not None else None
        if account is None or actor.role not in account.roles or not actor.name.startswith(ACCOUNT):
            return None
        return Caller(account.key, account.name, actor.role, account.units, actor.purpose)
