"""What is known of one subject, minute by minute, in order of effective time: the rows that a living twin is made of.

A course is a function of what holds in the record and of nothing else: not of the order in which it came, nor of how
often. Of several values of one channel in one minute the median counts; of a setting the last. A minute ends when its
number says, so that a value in (10:04, 10:05] is of minute 10:05.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from caretwin.base.time import EPOCH
from caretwin.record.bedside import BedsideRecord, Person, Quality, Sex, Signal, channels
from caretwin.record.stay import age
from caretwin.twin.bedside import Row, rows

MINUTE = 60_000_000
"""us."""
MINUTES_PER_HOUR = 60
BACK_MIN = 13 * 60
"""min that a row looks back at :data:`LOOKED_BACK_AT` (see :mod:`caretwin.twin.bedside`), and an hour more."""
LOOKED_BACK_AT = frozenset({"temperature", "tidal_volume"})
BODY = ("weight", "height")


class Value(NamedTuple):
    """An observation as a course needs it; rank orders values of one time: the sequence number."""

    channel: str
    effective: int
    value: float | None
    quality: Quality
    sequence: int


def minute_of(effective: int) -> int:
    """The minute that a time (us) belongs to: the one that ends at or after it.

    >>> minute_of(60_000_000), minute_of(60_000_001)
    (1, 2)
    """
    return -(-effective // MINUTE)


@dataclass
class _Track:
    """One channel: its minutes in order, what came in each (by sequence), and what that comes to."""

    minutes: list[int] = field(default_factory=list)
    raw: dict[int, dict[int, Value]] = field(default_factory=dict)
    summed: dict[int, tuple[float, int]] = field(default_factory=dict)

    def put(self, minute: int, value: Value) -> None:
        there = self.raw.get(minute)
        if there is None:
            insort(self.minutes, minute)
            there = self.raw[minute] = {}
        there[value.sequence] = value
        self.summed.pop(minute, None)

    def remove(self, minute: int, sequence: int) -> None:
        there = self.raw.get(minute, {})
        there.pop(sequence, None)
        self.summed.pop(minute, None)
        if not there and minute in self.raw:
            del self.raw[minute]
            del self.minutes[bisect_left(self.minutes, minute)]

    def of_minute(self, minute: int, *, held: bool) -> tuple[float, int]:
        """Value and quality of a minute."""
        if minute not in self.summed:
            self.summed[minute] = _of_minute(self.raw[minute].values(), held=held)
        return self.summed[minute]

    def between(self, first: int, last: int) -> list[int]:
        return self.minutes[bisect_left(self.minutes, first) : bisect_left(self.minutes, last + 1)]

    def last_before(self, minute: int) -> list[int]:
        place = bisect_left(self.minutes, minute)
        return self.minutes[place - 1 : place] if place else []


class Course:
    """The course of one subject.

    subject  key in the record
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.person = Person(subject)
        self._tracks: dict[str, _Track] = {}
        self._places: dict[int, tuple[str, int]] = {}
        self._body: dict[str, dict[int, tuple[int, float]]] = {name: {} for name in BODY}
        self._facts: dict[int, tuple[int, str, str]] = {}
        self._first: int | None = None
        self.complete_from: int | None = None  # rows before this minute cannot be made of what is in memory

    # what is known ---------------------------------------------------------------------------------------------------

    def put(self, value: Value) -> int | None:
        """Take a value in; the first minute that it changes, None where it changes none."""
        if value.channel in BODY:
            if value.value is not None and value.quality == Quality.GOOD:
                self._body[value.channel][value.sequence] = (value.effective, value.value)
            return None
        if value.channel not in channels() or value.quality == Quality.REFUSED:
            return None
        if value.value is None and channels()[value.channel].kind != "setting":
            return None  # of a setting it says that it is no longer set
        minute = minute_of(value.effective)
        self._tracks.setdefault(value.channel, _Track()).put(minute, value)
        self._places[value.sequence] = (value.channel, minute)
        return minute

    def remove(self, sequence: int) -> int | None:
        """A value no longer holds; the first minute that this changes, None where it changes none."""
        for known in self._body.values():
            known.pop(sequence, None)
        self._facts.pop(sequence, None)
        place = self._places.pop(sequence, None)
        if place is None:
            return None
        self._tracks[place[0]].remove(place[1], sequence)
        return place[1]

    def tell_person(self, sequence: int, effective: int, body: Mapping[str, Any]) -> None:
        """Who it is, from what was said of the person: ``sex`` and ``birth_date``."""
        self._facts[sequence] = (effective, str(body.get("birth_date") or ""), str(body.get("sex") or ""))

    def body_known(self) -> Person:
        """The person as known now: first weight and height, so that a daily weight does not make another person, and
        the age at the first datum, so that a birthday does not.
        """
        first = {name: min(known.values())[1] for name, known in self._body.items() if known}
        facts = sorted(self._facts.values())
        sexes: list[Sex] = [sex for _, _, sex in facts if sex in ("female", "male")]  # type: ignore[misc]
        births = [birth for _, birth, _ in facts if birth]
        begun = self.first_minute()
        years = age(births[-1], begun * MINUTE) if births and begun is not None else None
        return Person(self.subject, sexes[-1] if sexes else None, years, first.get("height"), first.get("weight"))

    def first_minute(self) -> int | None:
        """The first minute of which anything is known, in memory or before it."""
        starts = [track.minutes[0] for track in self._tracks.values() if track.minutes]
        return min([*starts, *([] if self._first is None else [self._first])], default=None)

    def began(self, minute: int) -> None:
        """Tell that something is known of a minute, though it is not in memory, or will not be."""
        self._first = minute if self._first is None else min(self._first, minute)

    def __len__(self) -> int:
        return len(self._places)

    def has(self, sequence: int) -> bool:
        """Whether an observation is in the course already."""
        return sequence in self._places

    def last_minute(self) -> int | None:
        """The last minute of which anything is known."""
        ends = [track.minutes[-1] for track in self._tracks.values() if track.minutes]
        return max(ends, default=None)

    def channels_seen(self) -> Mapping[str, int]:
        """Channels of which anything is known, with the last minute of each."""
        return {name: track.minutes[-1] for name, track in self._tracks.items() if track.minutes}

    def latest(self, channel: str) -> tuple[int, float] | None:
        """The last minute of a channel and its value, None where nothing is known of it."""
        track = self._tracks.get(channel)
        if track is None or not track.minutes:
            return None
        minute = track.minutes[-1]
        return minute, track.of_minute(minute, held=channels()[channel].kind == "setting")[0]

    # what follows ----------------------------------------------------------------------------------------------------

    def rows(self, after: int | None, until: int, *, chosen: bool = False) -> list[Row]:
        """The rows of data in (after, until] (minutes; None: from the beginning), in order, one for each minute.

        chosen  whether a row before them had the evidence of who chose the ventilation
        """
        first = -(2**40) if after is None else after + 1
        record = self.record(first, until)
        start, stop = (first - 0.5) / MINUTES_PER_HOUR, (until + 0.5) / MINUTES_PER_HOUR
        return rows(record, start_h=start, stop_h=stop, chosen=chosen)

    def record(self, first: int, last: int) -> BedsideRecord:
        """What is known of [first, last] (minutes), and what rows of them look back at; hours since 1970."""
        observations, settings = dict[str, Signal](), dict[str, Signal]()
        for name, track in self._tracks.items():
            held = channels()[name].kind == "setting"
            minutes = track.between(first - BACK_MIN if name in LOOKED_BACK_AT else first, last)
            if held:
                minutes = track.last_before(first) + minutes
            found = [track.of_minute(minute, held=held) for minute in minutes]
            if found:
                hours = np.array(minutes, dtype=float) / MINUTES_PER_HOUR
                value, quality = (np.array(column) for column in zip(*found, strict=True))
                (settings if held else observations)[name] = Signal(hours, hours, value.astype(float), quality)
        return BedsideRecord(self.person, observations, settings, origin=EPOCH, zone="UTC")

    def forget_before(self, minute: int) -> None:
        """Drop what no row from ``minute`` on needs; the record still has it."""
        first = self.first_minute()
        if first is not None:
            self.began(first)
        self.complete_from = minute if self.complete_from is None else max(minute, self.complete_from)
        for name, track in self._tracks.items():
            keep = track.last_before(minute - BACK_MIN) if channels()[name].kind == "setting" else []
            for old in track.between(-(2**40), minute - BACK_MIN - 1):
                if old not in keep:
                    for sequence in list(track.raw[old]):
                        self._places.pop(sequence, None)
                        track.remove(old, sequence)


def _of_minute(values: Iterable[Value], *, held: bool) -> tuple[float, int]:
    """Value and quality of a minute: the median of the good ones, or the last setting."""
    known = sorted(values, key=lambda one: (one.effective, _number(one)))  # never by the order of arrival
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


def value_of(code: str, effective: int, value: float | None, quality: Any, sequence: int) -> Value:
    """A stored or a new observation as a course takes it in."""
    return Value(code, effective, value, Quality(int(quality)), sequence)
