"""Who may do what with the record: deny by default, and say by which rule.

Roles with finer rules than these come with the sign-in of the web application; a program that is embedded has the
four here.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from caretwin.base.errors import CaretwinError

Action = Literal["read", "write", "derive", "export", "erase", "configure"]
Role = Literal["door", "twin", "operator", "auditor"]

RULES: Mapping[Role, frozenset[Action]] = {
    "door": frozenset({"write"}),
    "twin": frozenset({"read", "derive"}),
    "operator": frozenset({"read", "write", "derive", "export", "erase", "configure"}),
    "auditor": frozenset({"read"}),
}
"""What each role may do. A door only writes: what comes in through it never reads what others sent."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, or a service with an identity of its own.

    name     such as ``"door:hl7v2:icu"`` or the name of a person's account; never empty
    purpose  what for: ``"direct care"``, ``"research"``, ``"operation"``
    """

    name: str
    role: Role
    purpose: str = "direct care"

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("an actor without a name: wanted who it is")


class Decision(NamedTuple):
    """Whether an action is allowed, why, and by which rule."""

    allow: bool
    reason: str
    rule: str


Policy: TypeAlias = Callable[[Actor, Action, str], Decision]
"""Decides for an actor, an action and a subject's key ("" for all of the record)."""


class AccessDeniedError(CaretwinError):
    """Raised when no rule allows what was asked."""


def by_role(actor: Actor, action: Action, subject: str) -> Decision:
    """The built-in policy: :data:`RULES`, for every subject of the record.

    >>> by_role(Actor("door:mqtt", "door"), "read", "p0a1b2c3d4e5").allow
    False
    """
    del subject
    allowed = RULES.get(actor.role, frozenset())
    if action in allowed:
        return Decision(True, f"{actor.role} may {action}", f"role:{actor.role}:{action}")
    may = ", ".join(sorted(allowed)) or "nothing"
    return Decision(False, f"{actor.role} may {may}; {action} is not among it", "default:deny")


def operator(purpose: str = "operation") -> Actor:
    """The person at the keyboard, by the account of this machine."""
    return Actor(f"account:{getpass.getuser()}", "operator", purpose)


def require(policy: Policy, actor: Actor, action: Action, subject: str) -> Decision:
    """The decision, when it allows. Raises AccessDeniedError otherwise."""
    decision = policy(actor, action, subject)
    if not decision.allow:
        raise AccessDeniedError(
            f"{action} of {subject or 'the record'} by {actor.name}",
            seen=decision.reason,
            wanted="a rule that allows it",
            fix=f"act as somebody whose role may {action}",
        )
    return decision
