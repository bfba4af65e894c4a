"""Appointments that recur: which of them fall into a window, on the clock of their zone, with exceptions taken out.

Source: RFC 5545, sections 3.3.10 (RRULE), 3.8.5 (EXDATE, RDATE) and 3.3.5: a clock time that a change of the clocks
shows twice is the first of the two, and one that it leaves out is read with the offset before the change. Of a series
with an end the same exact duration holds for all, of one with a duration the nominal one (section 3.8.5.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from caretwin.base.time import to_microseconds

MOST = 2_000
"""Occurrences of one appointment within a window (assumed)."""
FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
"""Of shifts; a rule by the second is none, and would not end."""
EARLIEST = datetime(1990, 1, 1)


class UnreadableError(Exception):
    """Raised for an appointment that cannot be placed in time, with what was seen."""


class Occurrence(NamedTuple):
    """One of an appointment: begin, end (us), and the begin by which exceptions name it."""

    begin: int
    end: int
    original: int


class Times:
    """When an appointment is.

    event  a VEVENT of icalendar; zone  IANA, of times that float
    """

    def __init__(self, event: Any, zone: str) -> None:
        if "DTSTART" not in event:
            raise UnreadableError("no DTSTART")
        self.event, self.home = event, ZoneInfo(zone)
        self.start = event["DTSTART"].dt
        self.whole_days = not isinstance(self.start, datetime)
        self.zone = self._zone_of(self.start)
        if self.naive(self.start) < EARLIEST:
            raise UnreadableError("a DTSTART before 1990")
        if self.naive(self.start).year > 2200:
            raise UnreadableError("a DTSTART after 2200")

    def _zone_of(self, moment: Any) -> tzinfo:
        return (moment.tzinfo if isinstance(moment, datetime) else None) or self.home

    def naive(self, moment: Any) -> datetime:
        """A moment on the clock of the appointment's zone."""
        if isinstance(moment, datetime):
            return (moment if moment.tzinfo is None else moment.astimezone(self.zone)).replace(tzinfo=None)
        if isinstance(moment, date):
            return datetime.combine(moment, time())
        raise UnreadableError("a time that is none")

    def instant(self, clock: datetime) -> int:
        """The instant of a clock time (us)."""
        return to_microseconds(clock.replace(tzinfo=self.zone, fold=0).astimezone(UTC))

    def end(self, begin: datetime) -> int:
        """When the occurrence that begins so ends (us)."""
        nominal = self.event["DURATION"].dt if "DURATION" in self.event else None
        if nominal is not None and not isinstance(nominal, timedelta):
            raise UnreadableError("a DURATION that is none")
        if nominal is None and "DTEND" not in self.event:
            nominal = timedelta(days=1) if self.whole_days else None
        if nominal is not None:
            days = timedelta(days=nominal.days)
            return self.instant(begin + days) + (nominal - days) // timedelta(microseconds=1)
        if "DTEND" not in self.event:
            raise UnreadableError("neither DTEND nor DURATION")
        first, last = self.naive(self.start), self.naive(self.event["DTEND"].dt)
        if self.whole_days:
            return self.instant(begin + (last - first))
        return self.instant(begin) + self.instant(last) - self.instant(first)

    def occurrences(self, window: tuple[int, int]) -> tuple[list[Occurrence], list[int]]:
        """Those of the window (us), and the begins that were taken out. Raises UnreadableError."""
        taken = {self.instant(self.naive(one)) for one in _listed(self.event, "EXDATE")}
        begins = dict.fromkeys(self._begins(window))
        for one in _listed(self.event, "RDATE"):
            begins[self.naive(one[0] if isinstance(one, tuple) else one)] = None
        found = [Occurrence(self.instant(one), self.end(one), self.instant(one)) for one in begins]
        inside = [one for one in found if one.end > window[0] and one.begin < window[1]]
        out = [one for one in taken if window[0] <= one < window[1]]
        return [one for one in inside if one.original not in taken][:MOST], out[:MOST]

    def _begins(self, window: tuple[int, int]) -> Iterator[datetime]:
        start = self.naive(self.start)
        if "RRULE" not in self.event:
            yield start
            return
        horizon = min(window[1], self.instant(start + timedelta(days=36_525)))
        until = datetime.fromtimestamp(horizon / 1e6, UTC).astimezone(self.zone).replace(tzinfo=None)
        for i, one in enumerate(_rule(self, start)):
            if one > until or i > 40 * MOST:
                return
            yield one


def _listed(event: Any, name: str) -> list[Any]:
    found = event.get(name, [])
    return [each.dt for one in (found if isinstance(found, list) else [found]) for each in getattr(one, "dts", ())]


def _rule(times: Times, start: datetime) -> Any:
    rules = times.event["RRULE"]
    if isinstance(rules, list) or str(rules.get("FREQ", [""])[0]).upper() not in FREQUENCIES:
        raise UnreadableError("a rule that does not recur by days, weeks, months or years, or several rules")
    until = rules.get("UNTIL", [None])[0]
    text = re.sub(r";?UNTIL=[^;]*", "", rules.to_ical().decode()).strip(";")
    if re.search(r"INTERVAL=0*(?:;|$)", text):
        raise UnreadableError("an INTERVAL of 0")
    if until is not None:
        last = times.naive(until) if isinstance(until, datetime) else datetime.combine(until, time(23, 59, 59))
        text += f";UNTIL={last:%Y%m%dT%H%M%S}"
    return rrulestr(text, dtstart=start)
