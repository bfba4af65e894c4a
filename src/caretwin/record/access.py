"""Who may do what with the record: deny by default, and say by which rule.

What programs may do is said here. What people may do who sign in (:data:`PEOPLE`) is said by the policies of the web
application (:mod:`caretwin.serve.access`): to this module they are nobody, and are refused.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, get_args

from caretwin.base.errors import CaretwinError

Action = Literal["read", "write", "derive", "export", "erase", "configure", "accounts", "sign-in", "break-glass"]
"""``configure``: how the site works; ``accounts``: who may what; ``sign-in``: sessions and what they are opened with;
``break-glass``: leave to look at somebody who is not one's own."""
PersonRole = Literal[
    "nurse", "doctor", "pharmacist", "therapist", "manager", "carer", "resident", "family", "engineer", "auditor"
]
Role = Literal[
    "door", "twin", "operator", "gate",
    "nurse", "doctor", "pharmacist", "therapist", "manager", "carer", "resident", "family", "engineer", "auditor",
]  # fmt: skip
"""Who acts: a program (the first four; ``operator`` is whoever sits at its keyboard, ``gate`` lets people in), or a
person who signed in."""
PEOPLE: frozenset[str] = frozenset(get_args(PersonRole))
"""Roles of people who sign in."""

RULES: Mapping[Role, frozenset[Action]] = {
    "door": frozenset({"write"}),
    "twin": frozenset({"read", "derive"}),
    "operator": frozenset({"read", "write", "derive", "export", "erase", "configure", "accounts"}),
    "gate": frozenset({"sign-in", "accounts"}),
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
    """Raised when no rule allows what was asked, or one forbids it. rule: the one that decided."""

    rule: str = "default:deny"


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
        problem = AccessDeniedError(
            f"{action} of {subject or 'the record'} by {actor.name}",
            seen=decision.reason,
            wanted="a rule that allows it",
            fix=f"act as somebody whose role may {action}",
        )
        problem.rule = decision.rule
        raise problem
    return decision
