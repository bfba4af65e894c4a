"""Times of a rota: what a clock on the wall of the home will show, as instants that hold across a change of the clocks.

A night shift from 21:30 to 07:30 lasts ten hours, eleven in the night when the clocks go back, and nine when they go
forward: both ends are made instants first, and only then subtracted.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from caretwin.base.errors import TimeError
from caretwin.base.time import parse_instant, to_microseconds

HOUR, DAY = 3_600_000_000, 86_400_000_000
"""Microseconds."""
ORDERS = {"iso": "%Y-%m-%d", "dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y"}
"""How a file writes its dates; only the first can be told from the others by looking."""
_CELL = re.compile(
    r"(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})?(?:[T ]+|^|$)(\d{1,2}:\d{2}(?::\d{2})?)?\s*(Z|[+-]\d{2}:?\d{2})?"
)
_WANTED = {"iso": "2025-11-25 07:30", "dmy": "25/11/2025 07:30", "mdy": "11/25/2025 07:30"}


class Moment:
    """A cell with a date, a time of day, or both.

    day  None where the cell has only a time; clock  "" where it has only a date
    """

    def __init__(self, text: str, order: str) -> None:
        """Read a cell. Raises TimeError."""
        found = _CELL.fullmatch(text.strip())
        if found is None or not (found[1] or found[2]):
            raise _unreadable(text, order)
        self.day: date | None = None
        if found[1]:
            separated = found[1] if order == "iso" else re.sub(r"[-.]", "/", found[1])
            try:
                self.day = datetime.strptime(separated, ORDERS[order]).date()
            except ValueError:
                raise _unreadable(text, order) from None
        self.clock, self.offset = (found[2] or "").rjust(5, "0") if found[2] else "", found[3] or ""

    def at(self, zone: str, day: date | None = None) -> int:
        """The instant (us); ``day`` where the cell has none. Raises TimeError for one that a clock shows twice."""
        on = self.day or day
        if on is None:
            raise _unreadable("a time without a day", "iso")
        return to_microseconds(parse_instant(f"{on.isoformat()}T{self.clock or '00:00'}{self.offset}", zone))


def midnight(day: date, zone: str) -> int:
    """When a day begins at a place (us)."""
    return to_microseconds(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)))


def after(day: date, days: int = 1) -> date:
    """Some days later. Raises TimeError beyond the calendar."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        raise _unreadable("a day beyond the calendar", "iso") from None


def _unreadable(text: str, order: str) -> TimeError:
    fix = 'write the date and the time of day so, or set dates = "dmy" in the door\'s section'
    return TimeError("a time of the rota", seen=repr(text[:30]), wanted=f"such as {_WANTED[order]}", fix=fix)
