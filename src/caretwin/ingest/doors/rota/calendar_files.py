"""Rotas as calendars (iCalendar, RFC 5545): what a rota system exports or a shared calendar publishes.

An appointment is a shift, or an absence when its category or the first word of its summary says so. It is of whoever
attends; where nobody is named, of whom the file is named after. A later SEQUENCE replaces an earlier one, and what is
cancelled or taken out of a series is retracted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import icalendar

from caretwin.ingest.decoded import Decoded, Refusal, RefusedError
from caretwin.ingest.doors.mqtt.payload import clean
from caretwin.ingest.doors.rota.home import ABSENCE, LONGEST_SHIFT_H, SHIFT, Home
from caretwin.ingest.doors.rota.recurrence import Occurrence, Times, UnreadableError
from caretwin.ingest.doors.rota.times import DAY, HOUR
from caretwin.record.entry import Event

MOST_SEQUENCE = 1_000_000
_STAMPS = 2**42
"""More than any count of seconds in a stamp: versions are ordered by SEQUENCE first, and by their stamp then."""


def decode_calendar(raw: bytes, file: str, window: tuple[int, int], home: Home) -> Decoded:
    """What a calendar says about a window of time (us). Raises RefusedError for what is none."""
    try:
        calendar = icalendar.Calendar.from_ical(raw)
        events = list(calendar.walk("VEVENT"))
        withdrawn = str(calendar.get("METHOD", "")).upper() == "CANCEL"
    except Exception:  # the parser raises many kinds; whichever it is, the file is no calendar
        fix = "export it again as iCalendar (.ics)"
        raise RefusedError(Refusal(clean(file), "what is no calendar", "iCalendar", fix, "structure")) from None
    moved = _moved(events, home)
    parts, problems = list[Event](), list[Refusal]()
    for number, event in enumerate(events, start=1):
        try:
            parts += list(_events(event, file, window, home, moved, withdrawn))
        except UnreadableError as problem:
            problems.append(_refusal(f"{clean(file)}, appointment {number}", str(problem)))
        except Exception as problem:  # a property that the parser took and cannot tell
            problems.append(
                _refusal(f"{clean(file)}, appointment {number}", f"a property that is none ({_kind(problem)})")
            )
    if problems and not parts:
        raise RefusedError(problems[0])
    return Decoded(tuple(parts), tuple(problems))


def _refusal(place: str, seen: str) -> Refusal:
    return Refusal(place, seen, "an appointment of RFC 5545 with a begin and an end", "mend it in the calendar")


def _kind(problem: Exception) -> str:
    return type(problem).__name__


def _moved(events: list[Any], home: Home) -> dict[str, set[int]]:
    """Which occurrences of a series stand in the calendar by themselves (RECURRENCE-ID), by UID."""
    found: dict[str, set[int]] = {}
    for event in events:
        if "RECURRENCE-ID" in event:
            try:
                found.setdefault(_uid(event), set()).add(_recurrence(event, home))
            except Exception:
                continue  # refused with its appointment
    return found


def _recurrence(event: Any, home: Home) -> int:
    times = Times(event, home.zone)
    return times.instant(times.naive(event["RECURRENCE-ID"].dt))


def _uid(event: Any) -> str:
    uid = clean(str(event.get("UID", "")))
    if not uid:
        raise UnreadableError("no UID")
    return uid


def _events(
    event: Any, file: str, window: tuple[int, int], home: Home, moved: dict[str, set[int]], withdrawn: bool
) -> Iterator[Event]:
    uid, times, version = _uid(event), Times(event, home.zone), _version(event)
    cancelled = withdrawn or str(event.get("STATUS", "")).upper() == "CANCELLED"
    found, out = times.occurrences(window)
    series = "RRULE" in event or "RDATE" in event
    own = _recurrence(event, home) if "RECURRENCE-ID" in event else None
    body, kind = _body(event), _kind_of(event, home)
    for staff in _staff(event, file):
        said = {"staff": staff, **body}
        for one in found:
            if own is None and one.original in moved.get(uid, ()):
                continue  # it stands by itself
            name = uid if own is None and not series else f"{uid}/{own if own is not None else one.original}"
            _in_order(one, kind)
            yield home.event(kind, one[:2], said, f"{name}/{staff}", version, cancelled=cancelled)
        for begin in out if own is None else ():
            name = f"{uid}/{begin}/{staff}"
            yield home.event(kind, (begin, begin), said, name, version, cancelled=True)


def _in_order(one: Occurrence, kind: str) -> None:
    hours, most = (one.end - one.begin) / HOUR, LONGEST_SHIFT_H if kind == SHIFT else 3 * 366 * 24.0
    if not 0.0 < hours <= most:
        raise UnreadableError(f"an end {hours:g} h after the begin")


def _version(event: Any) -> int:
    sequence = max(0, min(int(event.get("SEQUENCE", 0)), MOST_SEQUENCE))
    stamp = event.get("LAST-MODIFIED") or event.get("DTSTAMP")
    moment = getattr(stamp, "dt", None)
    seconds = int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()) if isinstance(moment, datetime) else 0
    return sequence * _STAMPS + max(0, seconds)


def _categories(event: Any) -> list[str]:
    found = event.get("CATEGORIES", [])
    return [
        clean(str(cat)) for one in (found if isinstance(found, list) else [found]) for cat in getattr(one, "cats", ())
    ]


def _kind_of(event: Any, home: Home) -> str:
    first = re.findall(r"\w+", str(event.get("SUMMARY", "")).lower())[:1]
    words = {word for category in _categories(event) for word in re.findall(r"\w+", category.lower())}
    return ABSENCE if home.absence & (words | set(first)) else SHIFT


def _body(event: Any) -> dict[str, Any]:
    return {
        "shift": clean(str(event.get("SUMMARY", "")), 80),
        "unit": clean(str(event.get("LOCATION", "")), 80),
        "categories": _categories(event),
        "planned": True,
    }


def _staff(event: Any, file: str) -> list[str]:
    """Who it is of: mail addresses of those who attend and have not declined; else the name of the file."""
    given = event.get("ATTENDEE", [])
    found = []
    for one in given if isinstance(given, list) else [given]:
        if str(getattr(one, "params", {}).get("PARTSTAT", "")).upper() != "DECLINED":
            found.append(clean(re.sub(r"^mailto:", "", str(one), flags=re.IGNORECASE)))
    return list(dict.fromkeys(filter(None, found))) or [clean(PurePath(file).stem) or "somebody"]


def window_of(now: int, back_days: int, ahead_days: int) -> tuple[int, int]:
    """From some days before now until some days after it (us)."""
    return now - back_days * DAY, now + ahead_days * DAY
