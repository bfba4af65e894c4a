"""Which column says when, and how it writes it: what can be told by looking, and what has to be asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import NamedTuple

from caretwin.ingest.doors.tables.grid import Cell
from caretwin.ingest.doors.tables.names import TIME, rank
from caretwin.ingest.doors.tables.times import Written, clock_of, written

MOST, MOST_NAMED = 0.8, 0.5
"""Share of cells that have to be dates for a column to be one; of a column whose name says so (assumed)."""
RANGES = {"excel": (18_000.0, 90_000.0), "unix_s": (6e8, 8e9), "unix_ms": (6e11, 8e12)}
"""Numbers of days from 1949 to 2146, and of seconds and milliseconds from 1989 to 2223."""
_SHORT_YEAR = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2}(\D.*)?")
_DOTTED = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}")
"""Dates with points: of all locales of Unicode CLDR none writes the month first with them."""
_HOURS = ("time h", "hours", "hour", "h", "time (h)", "elapsed", "elapsed h")


class Clock(NamedTuple):
    """What a column of times looks like.

    format    one of FORMATS; "" where day and month could be exchanged
    why       in a sentence; question  what has to be answered before it can be read, "" for nothing
    zoned     whether every time has an offset; clocked  whether there is a time of day; dated  whether a day
    """

    format: str
    why: str
    question: str = ""
    zoned: bool = False
    clocked: bool = True
    dated: bool = True


def clock(name: str, cells: Sequence[Cell]) -> Clock | None:
    """How a column writes times, None where it holds none."""
    there = [cell for cell in cells if cell is not None]
    if not there:
        return None
    least = (MOST if rank(name, TIME) is None else MOST_NAMED) * len(there)
    native = [cell for cell in there if isinstance(cell, datetime | date | time)]
    if len(native) >= least:
        return _native(native)
    numbers = [float(str(cell).replace(",", ".")) for cell in there if _is_number(cell)]
    if len(numbers) >= least:
        return _counted(name, numbers)
    texts = [cell.strip() for cell in there if isinstance(cell, str)]
    dates = [said for text in texts if (said := written(text)) is not None]
    if len(dates) >= least:
        return _dates(dates, texts)
    if sum(clock_of(text) is not None for text in texts) >= least:
        return Clock("iso", "its cells are times of day", dated=False)
    if sum(_SHORT_YEAR.fullmatch(text) is not None for text in texts) >= least:
        question = "Its years have two digits: let the export write four, so that no cell can be three days."
        return Clock("", "its cells look like dates", question)
    return None


def _is_number(cell: Cell) -> bool:
    if isinstance(cell, str):
        return re.fullmatch(r"[+-]?\d+([.,]\d+)?", cell.strip()) is not None
    return isinstance(cell, float)


def _native(cells: Sequence[Cell]) -> Clock:
    if all(isinstance(cell, time) for cell in cells):
        return Clock("iso", "its cells are times of day", dated=False)
    zoned = all(isinstance(cell, datetime) and cell.tzinfo is not None for cell in cells)
    clocked = any(isinstance(cell, datetime) and cell.time() != time(0) for cell in cells)
    return Clock("iso", "the file says itself that its cells are times", zoned=zoned, clocked=clocked)


def _counted(name: str, numbers: Sequence[float]) -> Clock | None:
    """Numbers are times only where the name says so or the count can be nothing else."""
    if name.lower().replace("_", " ") in _HOURS:
        question = "Its hours are from an origin: write origin = 2026-03-27T08:00:00Z into [time]."
        return Clock("hours", "its name says hours", question, zoned=True)
    for form, (low, high) in RANGES.items():
        if all(low <= number <= high for number in numbers):
            kind = {"excel": "the serial numbers by which spreadsheets count days", "unix_s": "seconds since 1970"}
            whole = form == "excel" and all(number.is_integer() for number in numbers)
            why = f"its numbers are {kind.get(form, 'milliseconds since 1970')}"
            return Clock(form, why, zoned=form != "excel", clocked=not whole)
    return None


def _dates(dates: Sequence[Written], texts: Sequence[str]) -> Clock:
    zoned, clocked = all(said.offset for said in dates), any(said.clock for said in dates)
    rest = len(texts) - len(dates)
    left = f"; {rest} cells are no date" if rest else ""
    if all(said.year_first for said in dates):
        return Clock("iso", f"its cells are year-month-day{left}", "", zoned, clocked)
    parts = [said.parts for said in dates if not said.year_first]
    day_first, month_first = any(p[0] > 12 for p in parts), any(p[1] > 12 for p in parts)
    if day_first and month_first:
        question = "Some dates can only be day/month and others only month/day: export it again in one order."
        return Clock("", f"its cells are dates{left}", question, zoned, clocked)
    if not month_first and all(_DOTTED.match(text) for text in texts if written(text) is not None):
        why = f"its cells are day.month.year: nobody writes the month first with points{left}"
        return Clock("dmy", why, "", zoned, clocked)
    if day_first or month_first:
        one = next(p for p in parts if p[0 if day_first else 1] > 12)
        what = "day/month/year" if day_first else "month/day/year"
        why = f"its cells are {what}: {one[0]}/{one[1]}/{one[2]} can be nothing else{left}"
        return Clock("dmy" if day_first else "mdy", why, "", zoned, clocked)
    return Clock("", f"its cells are dates{left}", _which(parts[0]), zoned, clocked)


def _which(parts: tuple[int, int, int]) -> str:
    one, two, year = parts
    first = date(2000, two, 1).strftime("%B") if 1 <= two <= 12 else "?"
    second = date(2000, one, 1).strftime("%B") if 1 <= one <= 12 else "?"
    return (
        f"No date shows whether the day or the month comes first: {one}/{two}/{year} is {one} {first} with dmy, and"
        f" {two} {second} with mdy."
    )
