"""When somebody left: what the stays and the deaths that stand in a record say of it.

The last discharge counts, unless a stay began after it (a readmission). Stays outside of the house, planned ones and
those that were cancelled say nothing. A discharge without a time is none: when it was is not known.

A death without a time of day is one all the same: nobody is treated after it. It counts from the end of its date, or
from when it was first told, whichever is earlier; where there is no date, from when it was first told. So it may count
hours late, and never from a birth date, a midnight, or another time before which somebody was still looked after.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from caretwin.base.errors import CaretwinError
from caretwin.base.time import from_microseconds, parse_instant, to_microseconds

KINDS = ("encounter", "person")
"""Events that say who is here."""
OUTSIDE = frozenset({"outpatient", "preadmission", "AMB", "PRENC", "VR", "HH"})
"""Classes of stays during which nobody lies in a bed of the house (HL7 v2 table 0004, v3 ActCode)."""
NOT_YET = frozenset({"planned", "cancelled", "entered-in-error", "unknown"})
ENDED = frozenset({"discharged", "finished"})
EMERGENCY = frozenset({"emergency", "EMER"})
DEATH = ("deceased", "death", "dead_by")
"""What is said of a death: whether or when (FHIR, HL7 v2), when (HL7 v2), and by when where only its date is known."""
DISCHARGE = "A03"
"""Event of HL7 v2 that says that a person leaves the house."""


class Stay(NamedTuple):
    """An event that says who is here.

    kind  "encounter" or "person"; begun, stop  us, None for a stay that is not over; body  what was said of it
    told  when what it says of a death was first received (us); None: not known, and when it begins stands for it
    """

    kind: str
    begun: int
    stop: int | None
    body: Mapping[str, Any]
    told: int | None = None


def left(stays: Iterable[Stay]) -> int | None:
    """When a person left or died (us), None for who is here, or of whom it is not said.

    >>> admitted = Stay("encounter", 10, None, {"status": "admitted"})
    >>> discharged = Stay("encounter", 10, 50, {"status": "discharged"})
    >>> left([admitted]), left([discharged]), left([discharged, admitted._replace(begun=60)])
    (None, 50, None)
    """
    known = list(stays)
    inside = [one for one in known if one.kind == "encounter" and _inside(one)]
    over = [one for one in inside if _ended(one) and one.stop is not None]
    death = _death([one for one in known if one.kind == "person"])
    for one in inside:
        died = death is not None and one.begun < death
        if not (_ended(one) or died or any(_closes(end, one) for end in over)):
            return None
    ends = [one.stop for one in over if one.stop is not None] + ([] if death is None else [death])
    return max(ends, default=None)


def _ended(stay: Stay) -> bool:
    return stay.body.get("status") in ENDED


def _closes(end: Stay, stay: Stay) -> bool:
    """Whether the end of one stay is that of another, of which nobody said that it is over.

    The end of a part (a ward, a theatre), or of an emergency stay beside another, is none: the person lies elsewhere.
    The end of the whole is that of its parts, and of what was left open before it began; a discharge (A03) is that of
    all that had begun.
    """
    if end.stop is None or stay.begun >= end.stop or end.body.get("part_of"):
        return False
    if _emergency(end) and not _emergency(stay):
        return False
    told = end.body.get("event") == DISCHARGE or bool(stay.body.get("part_of"))
    return told or stay.begun <= end.begun


def _emergency(stay: Stay) -> bool:
    return stay.body.get("class") in EMERGENCY


def _inside(stay: Stay) -> bool:
    return stay.body.get("class") not in OUTSIDE and stay.body.get("status") not in NOT_YET


def _death(said: Iterable[Stay]) -> int | None:
    """When somebody died: as it was said last.

    ``death`` is when (HL7 v2), ``deceased`` whether or when; a time alone says that it was, unless it was not. Of two
    sources that of the later news is believed: one that has said "no" since the admission knows less.
    """
    found = None
    for one in sorted(said, key=lambda stay: (_heard(stay), stay.begun)):
        when, dead = one.body.get("death"), one.body.get("deceased")
        if when or dead:
            found = None if dead is False else _time(one)
        elif "death" in one.body or dead is False:  # taken back
            found = None
    return found


def _time(dead: Stay) -> int:
    """The time of a death, else by when somebody was dead: the end of its date, or the time of the news if earlier."""
    for said in (dead.body.get("death"), dead.body.get("deceased")):
        if (instant := _instant(said)) is not None:
            return instant
    by = _instant(dead.body.get("dead_by"))
    return _heard(dead) if by is None else min(by, _heard(dead))


def _heard(stay: Stay) -> int:
    """When it was told: by the time of the message where it says one, and in any case when it was received."""
    if stay.told is None:
        return stay.begun
    return stay.told if _from_birth(stay) else min(stay.begun, stay.told)


def _from_birth(stay: Stay) -> bool:
    """Whether it begins with the person, or with the count of time where no birth date is known, as FHIR's do: then
    that tells nothing of when it was said.
    """
    born = str(stay.body.get("birth_date") or "")
    return stay.begun <= 0 or (born != "" and from_microseconds(stay.begun).date().isoformat()[: len(born)] <= born)


def _instant(said: Any) -> int | None:
    try:
        return to_microseconds(parse_instant(said)) if isinstance(said, str) else None
    except (CaretwinError, ValueError):  # a date alone
        return None
