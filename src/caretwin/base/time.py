"""Instants: aware UTC datetimes from text, and whole microseconds where a stream or an array needs them.

A text that could be two instants is refused: a day without a time of day, a clock time without a zone, the
hour that a clock shows twice in autumn and the one it never shows in spring. Guessing moves a dose by hours.

Source of the text format: ISO 8601-1:2019 (extended format, as in RFC 3339); of the zones: IANA tz database.
"""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from caretwin.base.errors import TimeError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Origin of microsecond numbers."""
_DATE_ONLY = re.compile(r"\d{4}-?\d{2}-?\d{2}|\d{4}-W\d{2}(-\d)?|\d{4}(-\d{2})?")
_WANTED = "an instant in ISO 8601, such as 2024-03-01T06:10:00Z or 2024-03-01T06:10+01:00"


def parse_instant(text: str, zone: str | None = None) -> datetime:
    """Read one instant.

    text  ISO 8601 date and time of day; with an offset (or Z), or else ``zone`` must be given
    zone  IANA zone of clock times without an offset, such as ``"Europe/Berlin"``; an offset in the text wins
    Returns an aware datetime in UTC.
    Raises :class:`TimeError` for a date alone, a text that is not ISO 8601, a clock time without a zone, an
    unknown zone, and a clock time that the zone shows twice or never.

    Example: ``parse_instant("2024-03-01T06:10", "Europe/Berlin")`` is 2024-03-01 05:10 UTC.
    """
    text = text.strip()
    if _DATE_ONLY.fullmatch(text):
        fix = "send the time of day; a dose known only by its day is an uncertain dose, not one at midnight"
        raise TimeError(f"instant {text!r}", seen="a date without a time of day", wanted=_WANTED, fix=fix)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as problem:
        fix = "write year-month-day, T, hour:minute and the offset"
        seen = "no date and time of day" if "isoformat" in str(problem) else f"{problem}"
        raise TimeError(f"instant {text!r}", seen=seen, wanted=_WANTED, fix=fix) from problem
    if found.tzinfo is None:
        found = _place(found, zone, text)
    return found.astimezone(UTC)


def end_of_date(text: str, zone: str | None = None) -> datetime:
    """The first instant after a day, a month or a year: by then what is known only by its date had happened.

    text  ISO 8601, extended: ``"2024-03-01"``, ``"2024-03"`` or ``"2024"``
    zone  IANA zone, or an offset such as ``"+01:00"``, of whoever wrote the date; None or "": UTC
    Raises :class:`TimeError` for another text, a day that its month does not have, an unknown zone, and the last date
    of the calendar.

    Example: ``end_of_date("2024-02", "Europe/Berlin")`` is 2024-02-29 23:00 UTC.
    """
    zone = zone or "UTC"
    try:
        year, month, day = ([int(part) for part in text.split("-")] + [0, 0])[:3]
        said = date(year, month or 12, day or 28)  # every month has a 28th, and 4 days later it is over
        following = said + timedelta(days=1) if day else (said + timedelta(days=4)).replace(day=1)
    except (ValueError, OverflowError) as problem:
        fix = "write year-month-day, year-month or year"
        raise TimeError(f"date {text!r}", seen=f"{problem}", wanted="a date of the calendar", fix=fix) from problem
    if zone[0] in "+-":
        return parse_instant(f"{following}T00:00{zone}")
    try:
        return parse_instant(f"{following}T00:00", zone)
    except TimeError:  # clocks of some zones change at midnight: then the day begins an hour later there
        return parse_instant(f"{following}T01:00", zone)


def hours_between(first: datetime, second: datetime) -> float:
    """Hours from ``first`` to ``second``, negative when ``second`` is earlier.

    Both are aware datetimes, of any zone. Raises :class:`TimeError` for a naive one.

    Example: from 05:00 UTC to 05:30 UTC it is 0.5.
    """
    return (_aware(second) - _aware(first)) / timedelta(hours=1)


def to_microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970-01-01T00:00Z, negative before: exact, and the time of a random stream.

    Raises :class:`TimeError` for a naive datetime. Example: one second after the origin is 1_000_000.
    """
    return (_aware(instant) - EPOCH) // timedelta(microseconds=1)


def from_microseconds(microseconds: int) -> datetime:
    """The aware UTC datetime of a microsecond number; the inverse of :func:`to_microseconds`."""
    return EPOCH + timedelta(microseconds=microseconds)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        fix = "make it with parse_instant(text, zone)"
        raise TimeError(f"instant {instant}", seen="a datetime without a zone", wanted="an aware datetime", fix=fix)
    return instant.astimezone(UTC)


def _place(clock: datetime, zone: str | None, text: str) -> datetime:
    """A clock time as the one instant at which a zone's clocks showed it."""
    where = f"instant {text!r}"
    if zone is None:
        fix = "add the offset to the text, or name the zone of the clock it was read from"
        raise TimeError(where, seen="a clock time without a zone", wanted=_WANTED, fix=fix)
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        fix = "write a name from the IANA tz database; on a system without one, install the package tzdata"
        raise TimeError(where, seen=f"zone {zone!r}", wanted="such as Europe/Berlin or UTC", fix=fix) from problem
    earlier, later = (clock.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    if earlier == later:
        return earlier
    never = earlier.astimezone(place).replace(tzinfo=None) != clock
    seen = f"a clock time that {zone} {'never showed' if never else 'showed twice'} when its clocks changed"
    raise TimeError(where, seen=seen, wanted=_WANTED, fix="add the offset that was in force")
