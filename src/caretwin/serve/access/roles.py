"""Roles of people: the groups of which policies speak, and what each is here for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from caretwin.record.access import PEOPLE, PersonRole

GROUPS: Mapping[str, tuple[str, ...]] = {
    "nurse": ("clinical",),
    "doctor": ("clinical", "prescriber"),
    "pharmacist": ("clinical", "prescriber"),
    "therapist": ("clinical",),
    "carer": ("care",),
    "clinical": ("care",),
    "prescriber": ("care",),
    "care": ("person",),
    "manager": ("person",),
    "engineer": ("person",),
    "auditor": ("person",),
    "resident": ("private",),
    "family": ("private",),
    "private": ("person",),
}
"""To which groups a role, or a group, belongs."""


def groups(role: str) -> list[str]:
    """A role, and all groups that it belongs to.

    >>> groups("nurse")
    ['nurse', 'clinical', 'care', 'person']
    """
    found = [role]
    for one in found:  # grows while it is read
        found += [group for group in GROUPS.get(one, ()) if group not in found]
    return found


Purpose = Literal["direct care", "service management", "system administration", "audit", "own record"]
"""What somebody looks for, said at sign-in and kept with every look."""
PURPOSES: Mapping[PersonRole, tuple[Purpose, ...]] = {
    "nurse": ("direct care",),
    "doctor": ("direct care",),
    "pharmacist": ("direct care",),
    "therapist": ("direct care",),
    "carer": ("direct care",),
    "manager": ("service management", "direct care"),
    "engineer": ("system administration",),
    "auditor": ("audit",),
    "resident": ("own record",),
    "family": ("own record",),
}
"""Purposes that a role can have; the first is taken where none is said."""
assert set(PURPOSES) == PEOPLE and set(get_args(Purpose)) == {one for some in PURPOSES.values() for one in some}
