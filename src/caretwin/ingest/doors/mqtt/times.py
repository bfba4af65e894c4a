"""When a reading was true: ISO 8601 or a count since 1970, in a unit that is told and not guessed."""

from __future__ import annotations

import math
from collections.abc import Mapping

from caretwin.base.errors import TimeError
from caretwin.base.time import parse_instant, to_microseconds
from caretwin.ingest.doors.mqtt.payload import Json, refused

UNITS: Mapping[str, float] = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
"""Microseconds in one of each."""
FIRST, LAST = 946_684_800_000_000, 4_102_444_800_000_000
"""2000-01-01 and 2100-01-01 (us): outside of them a clock was never set, or its unit is another (assumed)."""
MOST_AHEAD = 3_600_000_000
"""us that a sender's clock may be ahead of ours (assumed)."""


def instant(found: Json, unit: str, zone: str, where: str, received: int | None) -> int:
    """A time as written in a message (us).

    unit      of a number: ``"s"``, ``"ms"``, ``"us"`` or ``"ns"`` since 1970
    zone      of a clock time without an offset, IANA; "" for none
    received  when the message arrived (us), or None
    Raises RefusedError for what is no instant, for a clock that was never set and for one that is ahead.

    >>> instant(1_700_000_000, "s", "", "at", None)
    1700000000000000
    """
    at = _microseconds(found, unit, zone, where)
    if not FIRST <= at < LAST:
        raise refused(
            where,
            "a time before 2000 or after 2099",
            f"a count of {unit} since 1970 of a clock that is set",
            'set the clock of the sender, or write time_unit = "ms" into the mapping',
        )
    if received is not None and at > received + MOST_AHEAD:
        raise refused(
            where,
            f"a time {(at - received) / 3.6e9:.1f} h ahead of its arrival",
            "a time that has passed",
            "set the clock or the zone of the sender",
        )
    return at


def _microseconds(found: Json, unit: str, zone: str, where: str) -> int:
    if isinstance(found, str):
        try:
            found = float(found)
        except ValueError:
            return _written(str(found), zone, where)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(_float(found)):
        raise refused(where, "no time", "ISO 8601 with an offset, or a number", "name the place of the time")
    if abs(found) > 1e20:
        return LAST  # no clock counts so far, in whichever unit
    return found * int(UNITS[unit]) if isinstance(found, int) and unit != "ns" else round(found * UNITS[unit])


def _float(found: int | float) -> float:
    try:
        return float(found)
    except OverflowError:
        return math.inf


def _written(text: str, zone: str, where: str) -> int:
    try:
        return to_microseconds(parse_instant(text, zone or None))
    except TimeError as problem:
        raise refused(where, problem.seen, problem.wanted, problem.fix) from None
    except (ValueError, OverflowError):
        raise refused(where, "a text that is no instant", "ISO 8601 with an offset", "look at the sender") from None
