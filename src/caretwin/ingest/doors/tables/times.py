"""When a row was true: ISO 8601, day/month or month/day, a spreadsheet's serial number, a count since 1970, or hours.

Whether 03/04 is a day of April or of March cannot be seen: the mapping says it, and nothing is read before it does.
A clock time without an offset is of the zone that the mapping or the door names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from caretwin.base.errors import TimeError
from caretwin.base.time import parse_instant, to_microseconds
from caretwin.ingest.doors.mqtt.payload import refused
from caretwin.ingest.doors.tables.grid import Cell

FORMATS = {
    "iso": "year-month-day, such as 2026-03-27 08:10",
    "dmy": "day/month/year, such as 27/03/2026 08:10",
    "mdy": "month/day/year, such as 03/27/2026 08:10",
    "excel": "days since the end of 1899, as spreadsheets count (46108.34)",
    "unix_s": "seconds since 1970",
    "unix_ms": "milliseconds since 1970",
    "hours": "hours from an origin that the mapping names",
}
COUNTS = ("excel", "unix_s", "unix_ms", "hours")
EXCEL_EPOCH = datetime(1899, 12, 30)
"""Day 0 of spreadsheets as they count after their 29 February 1900, a day that never was (ECMA-376 Part 1, 18.17.4.1).
"""
FIRST_YEAR, LAST_YEAR = 1950, 2250
"""Outside of them a clock was never set, or the format is another; research data are shifted into the 22nd century
(assumed)."""
MOST_AHEAD_US = 3_600_000_000
"""us that a time may be after the file was saved: clocks differ (assumed)."""
_WRITTEN = re.compile(
    r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})"
    r"(?:(?:[T ]+|,\s*)(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?"
    r"(?:\s*(?:Uhr|h)\b)?\s*([AaPp])?\.?[Mm]?\.?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?"
)
_CLOCK = re.compile(r"(\d{1,2})[:.h](\d{2})(?:[:.](\d{2}))?(?:\s*(?:Uhr|h)\b)?\s*([AaPp])?\.?[Mm]?\.?")


@dataclass(frozen=True)
class TimeRule:
    """Where a row's time stands, and how it is written.

    columns  one, or two of which the second has the time of day
    format   one of FORMATS; "" while nobody said whether the day or the month comes first
    zone     IANA, of clock times without an offset; "" for none
    origin   of hours (us)
    future   True for times that may be after the file was saved: research data with shifted dates, plans
    """

    columns: tuple[str, ...]
    format: str = "iso"
    zone: str = ""
    origin: int | None = None
    future: bool = False


class Written(NamedTuple):
    """A date as it is written: its three numbers in order, and the rest of the cell."""

    parts: tuple[int, int, int]
    year_first: bool
    clock: str
    offset: str


def written(text: str) -> Written | None:
    """The numbers of a date, None for what is none.

    >>> written("27/03/2026 8:10 pm")
    Written(parts=(27, 3, 2026), year_first=False, clock='20:10:00', offset='')
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        return None
    first, last = found[1], found[4]
    if len(first) == 3 or len(last) == 3 or (len(first) == 4) == (len(last) == 4):
        return None  # no year of four digits, or two: 03/04/05 can be three days
    clock = _clock(found[5], found[6], found[7], found[9]) if found[5] else ""
    if clock is None:
        return None
    fraction = f".{found[8][:6]}" if found[8] else ""
    return Written((int(first), int(found[3]), int(last)), len(first) == 4, clock + fraction, found[10] or "")


def clock_of(text: str) -> str | None:
    """A time of day as HH:MM:SS, None for what is none.

    >>> clock_of("8:10 pm"), clock_of("24:10")
    ('20:10:00', None)
    """
    found = _CLOCK.fullmatch(text.strip())
    return _clock(found[1], found[2], found[3], found[4]) if found else None


def _clock(hour: str, minute: str, second: str | None, half: str | None) -> str | None:
    at = int(hour)
    if half:
        if not 1 <= at <= 12:
            return None
        at = at % 12 + (12 if half in "pP" else 0)
    if at > 23 or int(minute) > 59 or int(second or 0) > 59:
        return None
    return f"{at:02d}:{minute}:{second or '00'}"


def instant(cells: tuple[Cell, ...], rule: TimeRule, place: str, saved: int) -> int:
    """The time of a row (us).

    cells  those of ``rule.columns``; saved  when the file was saved (us), 0 where that is not known
    Raises RefusedError for what is no instant, for one that could be two, and for one after the file was saved.
    """
    try:
        at = to_microseconds(parse_instant(*_placed(cells, rule, place)))
    except TimeError as problem:
        raise refused(place, problem.seen, problem.wanted, problem.fix) from None
    except (ValueError, OverflowError):
        raise refused(place, "no day of the calendar", FORMATS.get(rule.format, "a time"), "correct it") from None
    if not rule.future and saved and at > saved + MOST_AHEAD_US:
        hours = (at - saved) / 3.6e9
        seen = f"a time {hours:.0f} h after the file was saved" if hours < 1000 else "a time long after it was saved"
        fix = "look at format and zone in the mapping; future = true for shifted dates"
        raise refused(place, seen, "a time that has passed", fix)
    return at


def _placed(cells: tuple[Cell, ...], rule: TimeRule, place: str) -> tuple[str, str | None]:
    """ISO text and zone. Raises RefusedError, TimeError, ValueError, OverflowError."""
    if cells[0] is None:
        raise refused(place, "nothing", "when it was true", "fill the cell, or take the row out", "required")
    day, clock, offset = _parts(cells[0], rule, place)
    if len(cells) > 1:
        clock = _time_of_day(cells[1], place)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        wanted = f"a year from {FIRST_YEAR} to {LAST_YEAR}"
        raise refused(place, f"the year {day.year}", wanted, "look at format in the mapping")
    if not clock:
        fix = "name the column with the time of day as the second of columns, or let the export write it"
        raise refused(place, "a date without a time of day", "both", fix, "required")
    return f"{day.isoformat()}T{clock}{offset}", rule.zone or None


def _parts(cell: Cell, rule: TimeRule, place: str) -> tuple[date, str, str]:
    """Day, time of day and offset of a cell."""
    if isinstance(cell, datetime):
        offset = "" if cell.utcoffset() is None else cell.strftime("%z")
        return cell.date(), cell.time().isoformat(), offset
    if isinstance(cell, date):
        return cell, "", ""
    if rule.format in COUNTS:
        return _counted(cell, rule, place)
    said = written(str(cell)) if isinstance(cell, str) else None
    if said is None:
        fix = "correct the cell, or format in the mapping"
        raise refused(place, _form(cell), FORMATS.get(rule.format, "a date and a time of day"), fix)
    year, month, day = _ordered(said, rule, place)
    return date(year, month, day), said.clock, said.offset


def _form(cell: Cell) -> str:
    """What kind of cell it is, without repeating it."""
    if isinstance(cell, str):
        return f"a text of {len(cell)} characters that is no date with a year of four digits"
    return "a number" if isinstance(cell, float) else "no date"


def _ordered(said: Written, rule: TimeRule, place: str) -> tuple[int, int, int]:
    one, two, three = said.parts
    if said.year_first:
        return one, two, three
    if rule.format == "dmy":
        return three, two, one
    if rule.format == "mdy":
        return three, one, two
    seen, wanted = "a date whose day and month could be exchanged", FORMATS["iso"]
    raise refused(place, seen, wanted, 'write format = "dmy" or "mdy" into the mapping', "required")


def _counted(cell: Cell, rule: TimeRule, place: str) -> tuple[date, str, str]:
    try:
        number = float(str(cell).replace(",", ".")) if not isinstance(cell, bool) else float("nan")
    except ValueError:
        raise refused(place, _form(cell), FORMATS[rule.format], "correct the cell, or format in the mapping") from None
    if not abs(number) < 1e15:
        raise refused(place, "no time", FORMATS[rule.format], "correct the cell, or format in the mapping")
    if rule.format == "excel":
        found, offset = EXCEL_EPOCH + timedelta(seconds=round(number * 86_400)), ""  # a serial number holds a second
    else:
        since = {"unix_s": 1e6, "unix_ms": 1e3, "hours": 3.6e9}[rule.format]
        start = rule.origin if rule.format == "hours" else 0
        if start is None:
            fix = "write origin = 2026-03-27T08:00:00Z into [time] of the mapping"
            raise refused(place, "hours from an unknown origin", "the origin of its hours", fix, "required")
        found, offset = datetime(1970, 1, 1) + timedelta(microseconds=start + round(number * since)), "+00:00"
    return found.date(), found.time().isoformat(), offset


def _time_of_day(cell: Cell, place: str) -> str:
    if isinstance(cell, datetime | time):
        return (cell.time() if isinstance(cell, datetime) else cell).replace(tzinfo=None).isoformat()
    if isinstance(cell, float) and 0.0 <= cell < 1.0:  # a spreadsheet's part of a day
        return (datetime(1970, 1, 1) + timedelta(seconds=min(round(cell * 86_400), 86_399))).time().isoformat()
    found = clock_of(cell) if isinstance(cell, str) else None
    if found is None:
        raise refused(place, "no time of day" if cell is not None else "nothing", "such as 08:10", "correct the cell")
    return found


def birth_day(cell: Cell, rule: TimeRule, place: str) -> str:
    """A day such as a birthday as ISO 8601; the order of its parts is that of the rows' times. Raises RefusedError."""
    try:
        return _parts(cell, TimeRule(rule.columns, "excel") if isinstance(cell, float) else rule, place)[0].isoformat()
    except (ValueError, OverflowError):
        raise refused(place, "no day of the calendar", "such as 1950-03-27", "correct it") from None
