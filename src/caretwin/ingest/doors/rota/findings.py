"""What a person should look at in a rota: two shifts at once, a shift during an absence. Findings, never refusals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from caretwin.ingest.doors.rota.home import ABSENCE, SHIFT
from caretwin.ingest.doors.rota.times import HOUR
from caretwin.record.entry import Event, Status


def with_findings(events: Iterable[Event]) -> list[Event]:
    """The events, each with what is odd about it under ``findings``."""
    events = list(events)
    odd: dict[int, list[str]] = {}
    people: dict[str, list[int]] = {}
    for i, event in enumerate(events):
        if event.kind in (SHIFT, ABSENCE) and event.status != Status.RETRACTED and event.stop is not None:
            people.setdefault(str(event.body.get("staff")), []).append(i)
    for numbers in people.values():
        numbers.sort(key=lambda i: events[i].effective)
        _look(events, numbers, odd)
    return [
        replace(event, body={**event.body, "findings": odd[i]}) if i in odd else event for i, event in enumerate(events)
    ]


def _look(events: list[Event], numbers: list[int], odd: dict[int, list[str]]) -> None:
    """Overlaps of one person's shifts and absences, in order of begin."""
    open_until: list[int] = []
    for i in numbers:
        one = events[i]
        open_until = [j for j in open_until if (events[j].stop or 0) > one.effective]
        for j in open_until:
            other = events[j]
            hours = (min(one.stop or 0, other.stop or 0) - one.effective) / HOUR
            if one.kind == other.kind == SHIFT:
                odd.setdefault(i, []).append(f"overlaps another shift of the same person by {hours:g} h")
                odd.setdefault(j, []).append(f"overlaps another shift of the same person by {hours:g} h")
            elif one.kind != other.kind:
                odd.setdefault(i if one.kind == SHIFT else j, []).append(f"in an absence of the person, {hours:g} h")
        open_until.append(i)
