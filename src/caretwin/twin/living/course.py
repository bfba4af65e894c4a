"""What is known of one subject, minute by minute, in order of effective time: the rows that a living twin is made of.

A course is a function of what holds in the record and of nothing else: not of the order in which it came, nor of how
often. Of several values of one channel in one minute the median counts; of a setting the last; of a drug that several
orders let run at once, their sum. A minute ends when its number says, so that a value in (10:04, 10:05] is of minute
10:05.

What came stays in memory for a while; then only what each minute comes to. A monitor that speaks every second would
fill the memory of a ward in a day otherwise. What changes such a minute later has it read again from the record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from caretwin.base.time import EPOCH
from caretwin.record.bedside import BedsideRecord, Person, Quality, Signal, channels
from caretwin.record.orders import UNNAMED, Told, added, combined, together
from caretwin.twin.bedside import Row, rows
from caretwin.twin.living.facts import BODY, Facts
from caretwin.twin.living.stays import Stay
from caretwin.twin.living.track import Track, Value

MINUTE = 60_000_000
"""us."""
MINUTES_PER_HOUR = 60
BACK_MIN = 13 * 60
"""min that a row looks back at :data:`LOOKED_BACK_AT` (see :mod:`caretwin.twin.bedside`), and an hour more."""
LOOKED_BACK_AT = frozenset({"temperature", "tidal_volume"})
OPEN_MIN = 30
"""min for which what came stays in memory, value by value; of older minutes only what they come to: data that are
later than that, and of a minute of which something is known, are few (assumed).
"""
MOST_OPEN = 2_000
"""Values of a course beyond which old minutes are settled: three hours of ten channels by the minute, about .7 MB."""


def minute_of(effective: int) -> int:
    """The minute that a time (us) belongs to: the one that ends at or after it.

    >>> minute_of(60_000_000), minute_of(60_000_001)
    (1, 2)
    """
    return -(-effective // MINUTE)


class Course:
    """The course of one subject.

    subject  key in the record
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.person = Person(subject)
        self._tracks: dict[str, dict[str, Track]] = {}  # by channel and order
        self._places: dict[int, tuple[Track, int]] = {}
        self._facts = Facts()
        self._first: int | None = None
        self.complete_from: int | None = None  # rows before this minute cannot be made of what is in memory
        self.doubtful: set[tuple[str, int]] = set()  # channels and their settled minutes that are another now

    # what is known ---------------------------------------------------------------------------------------------------

    def put(self, value: Value) -> int | None:
        """Take a value in; the first minute that it changes, None where it changes none."""
        if value.channel in BODY:
            self._facts.measure(value)
            return None
        if value.channel not in channels() or value.quality == Quality.REFUSED:
            return None
        if value.value is None and channels()[value.channel].kind != "setting":
            return None  # of a setting it says that it is no longer set
        minute = minute_of(value.effective)
        order = value.order if value.channel in added() else UNNAMED
        track = self._tracks.setdefault(value.channel, {}).setdefault(order, Track())
        if track.settled(minute):
            self.doubtful.add((value.channel, minute))
            return minute
        track.put(minute, value)
        self._places[value.sequence] = (track, minute)
        return minute

    def remove(self, sequence: int, minute: int | None = None) -> int | None:
        """A value no longer holds; the first minute that this changes, None where it changes none.

        minute  that it was of, where that is known: of a settled one nobody remembers what it was made of
        """
        self._facts.drop(sequence)
        place = self._places.pop(sequence, None)
        if place is None:
            found = {(name, minute) for name, track in self._known() if minute is not None and track.settled(minute)}
            self.doubtful |= found
            return minute if found else None
        place[0].remove(place[1], sequence)
        return place[1]

    def tell(self, sequence: int, said: Stay) -> None:
        """Take in what was said of the person, or of a stay."""
        self._facts.tell(sequence, said)

    def left(self) -> int | None:
        """When the person left or died (us), None for who is here (see :mod:`caretwin.twin.living.stays`)."""
        return self._facts.left()

    def body_known(self) -> Person:
        """The person as known now, of the age at the first datum, so that a birthday does not make another."""
        begun = self.first_minute()
        return self._facts.person(self.subject, None if begun is None else begun * MINUTE)

    def first_minute(self) -> int | None:
        """The first minute of which anything is known, in memory or before it."""
        starts = [track.minutes[0] for _, track in self._known()]
        return min([*starts, *([] if self._first is None else [self._first])], default=None)

    def began(self, minute: int) -> None:
        """Tell that something is known of a minute, though it is not in memory, or will not be."""
        self._first = minute if self._first is None else min(self._first, minute)

    def __len__(self) -> int:
        """Minutes of channels that are in memory."""
        return sum(len(track.minutes) for _, track in self._known())

    def open(self) -> int:
        """Values that are in memory: those of minutes that are not settled."""
        return len(self._places)

    def has(self, sequence: int) -> bool:
        """Whether an observation is in the course already."""
        return sequence in self._places

    def last_minute(self, until: int | None = None) -> int | None:
        """The last minute of which anything is known, of those up to ``until`` where it is given."""
        return max((last for _, track in self._known() for last in track.last_until(until)), default=None)

    def _known(self) -> Iterator[tuple[str, Track]]:
        """Every track that has anything, with its channel."""
        for name, orders in self._tracks.items():
            yield from ((name, track) for track in orders.values() if track.minutes)

    def channels_seen(self) -> Mapping[str, int]:
        """Channels of which anything is known, with the last minute of each."""
        seen: dict[str, int] = {}
        for name, track in self._known():
            seen[name] = max(track.minutes[-1], seen.get(name, track.minutes[-1]))
        return seen

    def latest(self, channel: str, until: int | None = None) -> tuple[int, float] | None:
        """The last minute of a channel and its value, None where nothing is known of it.

        until  the last minute that counts: an end that was told beforehand waits for its time; None: all count
        """
        held = channels()[channel].kind == "setting"
        told = {
            order: Told(last, track.of_minute(last, held=held)[0])
            for order, track in self._tracks.get(channel, {}).items()
            for last in track.last_until(until)
        }
        if not told:
            return None
        minute = max(int(one.since) for one in told.values())
        values = [one.rate for one in told.values()]
        return minute, values[0] if len(values) == 1 else together(channel, told)

    def points(self, channel: str, first: int, last: int) -> list[tuple[int, float]]:
        """Minutes in [first, last] of an observed channel with their values, those that are good."""
        track = self._tracks.get(channel, {}).get(UNNAMED)
        if track is None:
            return []
        found = ((minute, *track.of_minute(minute, held=False)) for minute in track.between(first, last))
        return [(minute, value) for minute, value, quality in found if quality == Quality.GOOD and value == value]

    def stays(self) -> Collection[Stay]:
        """What was said of stays and of the person."""
        return self._facts.stays()

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
        for name, orders in self._tracks.items():
            signal = self._signal(name, orders, first, last)
            if len(signal):
                (settings if channels()[name].kind == "setting" else observations)[name] = signal
        return BedsideRecord(self.person, observations, settings, origin=EPOCH, zone="UTC")

    def _signal(self, name: str, orders: Mapping[str, Track], first: int, last: int) -> Signal:
        """A channel in [first, last], with what holds at the beginning."""
        held = channels()[name].kind == "setting"
        minutes, values, named = list[int](), list[tuple[float, int]](), list[str]()
        for order, track in orders.items():
            mine = track.between(first - BACK_MIN if name in LOOKED_BACK_AT else first, last)
            if held:
                mine = track.last_before(first) + mine
            minutes += mine
            values += [track.of_minute(minute, held=held) for minute in mine]
            named += [order] * len(mine)
        hours = np.array(minutes, dtype=float) / MINUTES_PER_HOUR
        columns = np.array(values, dtype=float).reshape(-1, 2)
        return combined(name, hours, hours, columns[:, 0], columns[:, 1].astype(int), named)

    # what stays in memory --------------------------------------------------------------------------------------------

    def settle(self, minute: int) -> None:
        """Of minutes long before this one, keep only what they come to, if there is much."""
        if self.open() <= MOST_OPEN:
            return
        for name, track in self._known():
            held = channels()[name].kind == "setting"
            for old in [old for old in track.raw if old < minute - OPEN_MIN]:
                self._drop(track.settle(old, held=held))

    def renew(self, channel: str, minute: int, values: Iterable[Value]) -> None:
        """Make a minute of a channel again, of all that the record has of it."""
        for track in self._tracks.get(channel, {}).values():
            self._drop(track.forget(minute))
        for value in values:
            self.put(value)
        self.doubtful.discard((channel, minute))

    def forget_before(self, minute: int) -> None:
        """Drop what no row from ``minute`` on needs; the record still has it."""
        first = self.first_minute()
        if first is not None:
            self.began(first)
        self.complete_from = minute if self.complete_from is None else max(minute, self.complete_from)
        for name, track in list(self._known()):
            keep = track.last_before(minute - BACK_MIN) if channels()[name].kind == "setting" else []
            for old in track.between(-(2**40), minute - BACK_MIN - 1):
                if old not in keep:
                    self._drop(track.forget(old))

    def _drop(self, sequences: Iterable[int]) -> None:
        for sequence in sequences:
            self._places.pop(sequence, None)


def value_of(
    code: str, effective: int, value: float | None, quality: Any, sequence: int, note: Mapping[str, Any] | None = None
) -> Value:
    """A stored or a new observation as a course takes it in."""
    order = str((note or {}).get("order", UNNAMED))
    return Value(code, effective, value, Quality(int(quality)), sequence, order)
