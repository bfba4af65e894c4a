"""FHIR's times as microseconds: how exact they are is kept beside them (FHIR R4, section 2.24.0.1).

A day, a month or a year is no instant. Where one is all that is known, its beginning stands for it and its precision
is told, so that nobody takes it for a minute.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from caretwin.base.errors import CaretwinError, TimeError
from caretwin.base.time import EPOCH, parse_instant, to_microseconds
from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.fhir.strict_json import refusal

SECOND = 1_000_000
_DATE = re.compile(r"(?!0000)\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?")
_TIME = re.compile(
    r"(?P<date>(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))T(?P<minute>(?:[01]\d|2[0-3]):[0-5]\d):"
    r"(?P<second>[0-5]\d|60)(?P<part>\.\d+)?(?P<offset>Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?"
)
_PRECISIONS = {4: "year", 7: "month", 10: "day"}
_FIX = "send date, time of day and offset, such as 2024-03-01T06:10:00+01:00"


class When(NamedTuple):
    """A time (us) and how exact it is: "" for an instant, else "day", "month" or "year"."""

    at: int
    precision: str = ""


@lru_cache(maxsize=16_384)
def when(text: str, zone: str = "") -> When:
    """A FHIR date, dateTime or instant.

    zone  IANA zone of dates, and of clock times without an offset; "": dates are in UTC, and an offset is needed
    A leap second is the first second of the next minute: clocks that count microseconds do not have it.
    Raises TimeError for another form, a day that the month does not have, and a clock time without an offset that the
    zone shows twice or never.

    >>> when("1970-01-01T00:00:01.5Z"), when("1970-01-02")
    (When(at=1500000, precision=''), When(at=86400000000, precision='day'))
    """
    if _DATE.fullmatch(text):
        return When(_beginning(text, zone), _PRECISIONS[len(text)])
    found = _TIME.fullmatch(text)
    if found is None:
        raise TimeError("a FHIR time", seen="a text of another form", wanted="YYYY-MM-DDThh:mm:ss+zz:zz", fix=_FIX)
    date, minute, second, part, offset = found.group("date", "minute", "second", "part", "offset")
    leap = SECOND if second == "60" else 0
    clock = f"{date}T{minute}:{'59' if leap else second}{(part or '')[:7]}"
    return When(_instant(clock, offset, zone) + leap)


def time_of(text: str, place: str, zone: str) -> When:
    """As :func:`when`; a text that is none is refused, with its place."""
    try:
        return when(text, zone)
    except TimeError as problem:
        raise refused(problem, place) from None


def instant_of(text: str, place: str, zone: str) -> int:
    """Microseconds of a FHIR instant, for which a date alone is not enough."""
    found = time_of(text, place, zone)
    if found.precision:
        raise refusal(place, f"only a {found.precision}", "an instant", _FIX)
    return found.at


def refused(problem: CaretwinError, place: str) -> RefusedError:
    """An error of ours about a value of a message, as a refusal of what stands at ``place``."""
    return refusal(place, problem.seen, problem.wanted, problem.fix)


def _instant(clock: str, offset: str | None, zone: str) -> int:
    if offset is None:
        return to_microseconds(parse_instant(clock, zone or None))
    try:
        found = datetime.fromisoformat(clock + offset)
    except ValueError:
        raise _no_day() from None
    whole = found - EPOCH  # not astimezone: it fails in the first and the last hours that datetime knows
    return (whole.days * 86_400 + whole.seconds) * SECOND + whole.microseconds


def _beginning(text: str, zone: str) -> int:
    """The first instant of a year, month or day."""
    full = f"{text}-01-01"[:10] if len(text) == 4 else f"{text}-01"[:10]
    try:
        day = datetime.fromisoformat(full).replace(tzinfo=UTC)
    except ValueError:
        raise _no_day() from None
    if not zone:
        return to_microseconds(day)
    try:
        return to_microseconds(parse_instant(f"{full}T00:00:00", zone))
    except TimeError:  # clocks of some zones change at midnight: then the day begins an hour later there
        return to_microseconds(parse_instant(f"{full}T01:00:00", zone))


def _no_day() -> TimeError:
    return TimeError("a FHIR time", seen="a day that its month does not have", wanted="a real day", fix=_FIX)
