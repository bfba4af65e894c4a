"""One channel of a course: its values by minute, and what each minute comes to."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from caretwin.record.bedside import Quality


class Value(NamedTuple):
    """An observation as a course needs it; order  the name of the order under which a drug runs, "" for none."""

    channel: str
    effective: int
    value: float | None
    quality: Quality
    sequence: int
    order: str = ""


@dataclass
class Track:
    """One channel, or one order of a setting: its minutes in order, what came in each (by sequence), and what that
    comes to.

    A minute of which only that is kept, and no longer what came, is settled: it has to be made again from the record
    when more of it is known.
    """

    minutes: list[int] = field(default_factory=list)
    raw: dict[int, dict[int, Value]] = field(default_factory=dict)
    summed: dict[int, tuple[float, int]] = field(default_factory=dict)

    def put(self, minute: int, value: Value) -> None:
        """Take a value of a minute in."""
        there = self.raw.get(minute)
        if there is None:
            insort(self.minutes, minute)
            there = self.raw[minute] = {}
        there[value.sequence] = value
        self.summed.pop(minute, None)

    def remove(self, minute: int, sequence: int) -> None:
        """Drop a value of a minute, if it is there."""
        there = self.raw.get(minute, {})
        there.pop(sequence, None)
        self.summed.pop(minute, None)
        if not there and minute in self.raw:
            del self.raw[minute]
            del self.minutes[bisect_left(self.minutes, minute)]

    def settled(self, minute: int) -> bool:
        """Whether only the sum of a minute is kept."""
        return minute in self.summed and minute not in self.raw

    def settle(self, minute: int, *, held: bool) -> list[int]:
        """Keep only the sum of a minute; returns the sequences of what came in it."""
        self.of_minute(minute, held=held)
        return list(self.raw.pop(minute))

    def forget(self, minute: int) -> list[int]:
        """Drop a minute; returns the sequences of what came in it, as far as they were kept."""
        place = bisect_left(self.minutes, minute)
        if self.minutes[place : place + 1] == [minute]:
            del self.minutes[place]
        self.summed.pop(minute, None)
        return list(self.raw.pop(minute, {}))

    def of_minute(self, minute: int, *, held: bool) -> tuple[float, int]:
        """Value and quality of a minute."""
        if minute not in self.summed:
            self.summed[minute] = _of_minute(self.raw[minute].values(), held=held)
        return self.summed[minute]

    def between(self, first: int, last: int) -> list[int]:
        """Minutes in [first, last] of which anything is known."""
        return self.minutes[bisect_left(self.minutes, first) : bisect_left(self.minutes, last + 1)]

    def last_before(self, minute: int) -> list[int]:
        """The last minute before one, if there is one."""
        place = bisect_left(self.minutes, minute)
        return self.minutes[place - 1 : place] if place else []

    def last_until(self, minute: int | None) -> list[int]:
        """The last minute up to one (None: of all), if there is one."""
        return self.minutes[-1:] if minute is None else self.last_before(minute + 1)


def _of_minute(values: Iterable[Value], *, held: bool) -> tuple[float, int]:
    """Value and quality of a minute: the median of the good ones, or the last setting."""
    # never by the order of arrival; a setting that ends at its own time has ended
    known = sorted(values, key=lambda one: (one.effective, one.value is None, one.value or 0.0, -one.quality))
    if held:
        return _number(known[-1]), int(known[-1].quality)
    if len(known) == 1:
        return _number(known[0]), int(known[0].quality)
    good = [float(one.value) for one in known if one.quality == Quality.GOOD and one.value is not None]
    if good:
        return float(np.median(good)), int(Quality.GOOD)
    return _number(known[-1]), int(known[-1].quality)


def _number(value: Value) -> float:
    return float("nan") if value.value is None else value.value
