"""A ward of twins that live: each follows the record of its subject, whatever comes late, twice or corrected.

A twin is a fold of its course (see :mod:`caretwin.twin.course`): it is never mended, only made again. What comes in
order is one step on; what changes the past takes the twin back to the last checkpoint before it and steps through the
rows again, so that it ends as if everything had come in order, bit for bit. The others go on meanwhile: replays take
turns with what is new.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np

from caretwin.core.filter import Info
from caretwin.record.entry import Batch, Event, Link, Observation, Receipt, Status, kind_of
from caretwin.twin.bedside import Row, context, ventilation_was_chosen
from caretwin.twin.course import Course, minute_of, value_of
from caretwin.twin.live import REMEMBERED, BedsideTwin, Living, Scatter
from caretwin.twin.living_checkpoints import CLOSEST_MIN, Checkpoint, before, kept
from caretwin.twin.living_step import JOBS, TOGETHER, Jobs, State, advanced, born, subject_number

AHEAD_MIN = 2
"""min that a datum's time may be ahead of the clock and still be believed: clocks of devices differ by as much
(assumed).
"""
KEPT_MIN = 12 * 60
"""min of a course that stay in memory before the twin: what is later than that is read from the record again."""
MOST_REMEMBERED = 20_000
"""Values of a course beyond which old ones are dropped: a day and a half of ten channels by the minute."""
FEWEST_REPLAY_CALLS, REPLAY_CALLS = 2, 8
"""Calls of a turn that go to replays: two, some 0.1 s, and up to eight as long as nobody has new data."""


class Alive(NamedTuple):
    """A twin as of its last row: the minute, its state, the settings that hold, and what the last datum said."""

    minute: int
    state: State
    settings: Any
    info: Info | None


@dataclass
class _Twin:
    """What the ward keeps of one subject."""

    course: Course
    alive: Alive | None = None
    previous: Checkpoint | None = None  # before the last row: the minute that is still open is done again from here
    checkpoints: list[Checkpoint] = field(default_factory=list)
    chosen: bool = False
    changed: int | None = None  # first minute that is not in the state as it should be
    waiting: list[Row] = field(default_factory=list)
    replaying: bool = False
    body: Any = None
    born_of: tuple[Any, ...] = ()
    sequence: int = 0
    merged: bool = False
    adopted: int = 0  # last sequence number of which it was known, when the course was read, what it changed


class Turn(NamedTuple):
    """What a turn of the ward did.

    updated  twins that are now up to date with all that was known; waiting  twins whose replay goes on in the next turn
    steps    rows taken in; replayed  of them, in replays
    """

    updated: tuple[str, ...]
    waiting: tuple[str, ...]
    steps: int
    replayed: int


class Book(NamedTuple):
    """Where a ward reads the record again.

    course    of a subject from a minute on (None: from the beginning): for what came later than a course remembers
    subjects  keys of everybody there is: asked when two were merged, or one was erased, by whatever process
    epoch     how often that has happened
    """

    course: Callable[[str, int | None], Course]
    subjects: Callable[[], Sequence[str]]
    epoch: Callable[[], int]


class LivingWard:
    """Twins by subject. :meth:`tell` may be called by any thread, everything else by one.

    twin  model, filter and luck of all (see :func:`caretwin.twin.live.bedside_twin`)
    book  where courses are read again; None: they remember everything
    """

    def __init__(self, twin: BedsideTwin, book: Book | None = None) -> None:
        self.twin, self._book = twin, book
        self._others_changed = False
        self._epoch = book.epoch() if book is not None else 0
        self._twins: dict[str, _Twin] = {}
        self._workers = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._workers)  # groups of twins share the cores
        self._told: queue.SimpleQueue[tuple[Sequence[Batch], Sequence[Receipt]]] = queue.SimpleQueue()

    # what comes ------------------------------------------------------------------------------------------------------

    def tell(self, batches: Sequence[Batch], receipts: Sequence[Receipt]) -> None:
        """Batches were committed: a listener of the record."""
        self._told.put((batches, receipts))

    def adopt(self, course: Course, checkpoints: Sequence[Checkpoint], changed: int | None, sequence: int = 0) -> None:
        """Take in a subject whose course was read from the record.

        checkpoints  of its twin, made before this process; changed  first minute that is not in the last of them
        """
        one = _Twin(course, checkpoints=list(checkpoints), sequence=sequence, adopted=sequence)
        self._twins[course.subject] = one
        _embody(one)
        if any(checkpoint.person != one.born_of for checkpoint in one.checkpoints):
            one.checkpoints = []  # of another body: the twin is made again from its beginning
        last = one.checkpoints[-1] if one.checkpoints else None
        begin = course.first_minute() if last is None else last.minute + 1
        starts = [minute for minute in (changed, begin) if minute is not None]
        one.changed = min(starts, default=None)
        if last is not None:
            one.alive, one.chosen = Alive(last.minute, last.state, None, None), last.chosen

    def _hear(self) -> None:
        """Take what was told into the courses."""
        while True:
            try:
                batches, receipts = self._told.get_nowait()
            except queue.Empty:
                return
            self._others_changed = self._others_changed or not batches
            for batch, receipt in zip(batches, receipts, strict=True):
                self._take_in(batch, receipt)

    def _take_in(self, batch: Batch, receipt: Receipt) -> None:
        repeats = set(receipt.repeats)
        for place, (entry, sequence, key) in enumerate(
            zip(batch.entries, receipt.sequences, receipt.subjects, strict=True)
        ):
            if kind_of(key) != "patient" or place in repeats:
                continue  # residents and places have models of their own; what is repeated may no longer hold
            if isinstance(entry, Link):
                self._others_changed = True
                self._of(key).merged = True
            elif isinstance(entry, Observation):
                self._observe(entry, sequence, key, receipt.gone)
            elif isinstance(entry, Event) and entry.kind == "person" and sequence not in receipt.gone:
                if entry.status == Status.RETRACTED:
                    continue
                self._of(key).course.tell_person(sequence, entry.effective, entry.body)
        for sequence in receipt.gone:
            for one in self._twins.values():
                _note_change(one, one.course.remove(sequence))
        for key, effective in receipt.changed:  # also of what a course no longer remembers
            if key in self._twins:
                _note_change(self._twins[key], minute_of(effective))

    def _follow_the_book(self) -> None:
        """Drop who is no longer in the record; of who was merged, begin again with all that is now theirs."""
        if self._book is None:
            return
        epoch = self._book.epoch()
        if not self._others_changed and epoch == self._epoch:
            return
        self._others_changed, self._epoch = False, epoch
        there = set(self._book.subjects())
        for key in [key for key in self._twins if key not in there]:
            del self._twins[key]
        for key, one in list(self._twins.items()):
            if one.merged:
                self.adopt(self._book.course(key, None), [], None, one.sequence)

    def _observe(self, entry: Observation, sequence: int, key: str, gone: Sequence[int]) -> None:
        one = self._of(key)
        one.sequence = max(one.sequence, sequence)
        if entry.status != Status.RETRACTED and sequence not in gone:
            value = value_of(entry.code, entry.effective, entry.value, entry.quality, sequence)
            if not one.course.has(sequence):
                _note_change(one, one.course.put(value))
            elif sequence > one.adopted:  # it was read with the course, after what had changed was asked
                _note_change(one, minute_of(entry.effective))

    def _of(self, key: str) -> _Twin:
        if key not in self._twins:
            self._twins[key] = _Twin(Course(key))
        return self._twins[key]

    # a turn ----------------------------------------------------------------------------------------------------------

    def turn(self, now: int) -> Turn:
        """Bring every twin up to what is known, and go on with replays for a while.

        now  clock (us): rows that are further ahead than clocks differ wait until their time has come
        """
        self._hear()
        self._follow_the_book()
        until = minute_of(now) + AHEAD_MIN
        for one in self._twins.values():
            self._plan(one, until)
        new = [one for one in self._twins.values() if one.waiting and not one.replaying]
        steps = self._advance(new)
        replayed = self._replay([one for one in self._twins.values() if one.waiting and one.replaying])
        busy = tuple(key for key, one in self._twins.items() if one.waiting)
        updated = tuple(one.course.subject for one in new if not one.waiting)
        return Turn(updated, busy, steps + replayed, replayed)

    def _plan(self, one: _Twin, until: int) -> None:
        """Go back to before what changed, and list the rows that follow."""
        _embody(one)
        if one.changed is None or one.changed > until:
            return
        if one.alive is not None and one.changed <= one.alive.minute:
            self._go_back(one, one.changed)
        self._remember(one)
        after = None if one.alive is None else one.alive.minute
        one.waiting = one.course.rows(after, until, chosen=one.chosen)
        one.replaying = len(one.waiting) > JOBS // 4
        ahead = one.course.last_minute()
        one.changed = until + 1 if ahead is not None and ahead > until else None

    def _remember(self, one: _Twin) -> None:
        """Read the course again where it no longer has what the rows to come need; drop what they do not need."""
        first = None if one.alive is None else one.alive.minute + 1
        known = one.course.complete_from
        if self._book is None:
            return
        if known is not None and (first is None or first < known):
            one.course = self._book.course(one.course.subject, first)
            one.course.person = one.course.body_known()
        elif first is not None and len(one.course) > MOST_REMEMBERED:
            one.course.forget_before(first - KEPT_MIN)

    def _go_back(self, one: _Twin, minute: int) -> None:
        found = one.previous if one.previous is not None and one.previous.minute < minute else None
        found = found or before(one.checkpoints, minute)
        one.checkpoints = [c for c in one.checkpoints if c.minute < minute]
        one.previous = None
        one.alive = None if found is None else Alive(found.minute, found.state, None, None)
        one.chosen = found is not None and found.chosen

    def _advance(self, twins: Sequence[_Twin]) -> int:
        """Step every twin through its rows; the last row of each in a call of its own, so that it can be done again."""
        self._begin(twins)
        steps = 0
        while any(len(one.waiting) > 1 for one in twins):
            steps += self._call([one for one in twins if len(one.waiting) > 1][:TOGETHER], leave=1)
        last = [one for one in twins if one.waiting]
        groups = [last[start : start + TOGETHER] for start in range(0, len(last), TOGETHER)]
        return steps + sum(self._pool.map(lambda group: self._call(group, leave=0), groups))

    def _replay(self, twins: Sequence[_Twin]) -> int:
        """Some calls of the replays that wait, the shortest first."""
        steps = 0
        for call in range(REPLAY_CALLS):
            if call >= FEWEST_REPLAY_CALLS and not self._told.empty():
                break  # somebody has new data
            waiting = sorted((one for one in twins if one.waiting), key=lambda one: len(one.waiting))[: self._workers]
            if not waiting:
                break
            steps += sum(self._pool.map(self._replay_some, waiting))
        return steps

    def _replay_some(self, one: _Twin) -> int:
        """One call of one twin's replay; its last row in a call of its own, as in :meth:`_advance`."""
        self._begin([one])
        return self._call([one], leave=1 if len(one.waiting) > 1 else 0)

    def _begin(self, twins: Iterable[_Twin]) -> None:
        """The prior of those who have none yet."""
        for one in twins:
            if one.alive is None:
                row = one.waiting[0]
                number = subject_number(one.course.subject)
                time = float(row.time)
                state = born(self.twin.model, self.twin.settings, self.twin.key, one.body, row.settings, time, number)
                one.alive = Alive(_minute(row) - 1, jax.tree.map(np.asarray, state), row.settings, None)

    def _call(self, twins: Sequence[_Twin], leave: int) -> int:
        """One compiled call: rows of up to TOGETHER twins, all but the last ``leave`` of each, as many as fit."""
        work: list[tuple[int, Row]] = []
        for slot, one in enumerate(twins):
            room = max((JOBS - len(work)) // (len(twins) - slot), 0)
            rows = one.waiting[: min(len(one.waiting) - leave, room)]
            if leave == 0 and one.alive is not None:
                one.previous = Checkpoint(one.alive.minute, one.alive.state, one.chosen, one.born_of)
            work += [(slot, row) for row in rows]
        states = [one.alive.state for one in twins if one.alive is not None]
        group = _stacked(states + states[:1] * (TOGETHER - len(states)))
        model, settings, key = self.twin.model, self.twin.settings, self.twin.key
        after, info = jax.tree.map(np.asarray, advanced(model, settings, key, group, _jobs(work), len(work)))
        for slot, one in enumerate(twins):
            done = [number for number, (where, _) in enumerate(work) if where == slot]
            if done:
                self._done(one, slot, [work[number][1] for number in done], after, _taken(info, done[-1]))
        return len(work)

    def _done(self, one: _Twin, slot: int, rows: Sequence[Row], after: State, info: Info) -> None:
        one.waiting = one.waiting[len(rows) :]
        one.chosen = one.chosen or any(ventilation_was_chosen(row.settings) for row in rows)
        row = rows[-1]
        one.alive = Alive(_minute(row), _taken(after, slot), row.settings, info)
        one.replaying = one.replaying and bool(one.waiting)
        last = one.checkpoints[-1].minute if one.checkpoints else None
        if last is None or one.alive.minute - last >= CLOSEST_MIN:
            one.checkpoints.append(Checkpoint(one.alive.minute, one.alive.state, one.chosen, one.born_of))
            one.checkpoints = kept(one.checkpoints, one.alive.minute)

    # what can be asked -----------------------------------------------------------------------------------------------

    def subjects(self) -> Mapping[str, Alive | None]:
        """Every subject with its twin, None where nothing of the bedside is known yet."""
        return {key: one.alive for key, one in self._twins.items()}

    def course(self, subject: str) -> Course:
        """The course of a subject. Raises KeyError for one that the ward does not have."""
        return self._twins[subject].course

    def replays(self, subject: str) -> bool:
        """Whether a subject's twin is going through its past again. Raises KeyError for one that is not here."""
        return self._twins[subject].replaying

    def checkpoint(self, subject: str) -> tuple[Checkpoint, int] | None:
        """The last row's checkpoint with the sequence number up to which entries are in it; None: not alive or not up
        to date.
        """
        one = self._twins[subject]
        if one.alive is None or one.waiting or one.previous is None:
            return None
        if one.changed is not None and one.changed <= one.alive.minute:
            return None
        return one.previous, one.sequence

    def older(self, subject: str, count: int) -> list[Checkpoint]:
        """The last checkpoints of a subject before that one, at most so many, each as good as new."""
        one = self._twins[subject]
        last = one.previous.minute if one.previous is not None else 0
        return [found for found in one.checkpoints if found.minute < last][-count:] if count else []

    def fork(self, subject: str) -> Living | None:
        """A copy of the twin for a what-if: nothing that is done with it touches the living one.

        None where it is not alive. Raises KeyError for a subject that the ward does not have.
        """
        one = self._twins[subject]
        if one.alive is None:
            return None
        state = jax.tree.map(np.array, one.alive.state)
        settings = one.alive.settings
        if settings is None:
            rows = one.course.rows(one.alive.minute - 1, one.alive.minute, chosen=True)
            settings = rows[-1].settings if rows else None
        N, C = self.twin.settings.particles, len(self.twin.model.channel_names)
        expected = np.zeros((N, REMEMBERED, C), state.ensemble.theta.dtype)
        return Living(
            state.ensemble, expected, np.full(REMEMBERED, -np.inf), settings, state.body, state.subject, 0.0,
            Scatter(*state.scatter),
        )  # fmt: skip


def _embody(one: _Twin) -> None:
    """The body of the person as it is known; when that changed, the twin is another, from its beginning."""
    person = one.course.body_known()
    known = (person.sex, person.age_y, person.height_cm, person.weight_kg)
    if one.body is None or known != one.born_of:
        if one.body is not None:
            one.alive, one.previous, one.checkpoints, one.chosen = None, None, [], False
            one.changed = one.course.first_minute()
            one.waiting = []
        one.course.person = person
        one.body, one.born_of = context(person)[0], known


def _note_change(one: _Twin, minute: int | None) -> None:
    if minute is not None:
        one.changed = minute if one.changed is None else min(one.changed, minute)


def _minute(row: Row) -> int:
    return round(row.time * 60.0)


def _stacked(states: Sequence[State]) -> State:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *states)  # type: ignore[no-any-return]


def _taken(tree: Any, place: int) -> Any:
    return jax.tree.map(lambda leaf: np.array(leaf[place]), tree)


def _jobs(work: Sequence[tuple[int, Row]]) -> Jobs:
    """The work as arrays of a fixed length; what fills them up is not done."""
    filled = [*work, *[work[-1]] * (JOBS - len(work))]
    rows = [row for _, row in filled]
    return Jobs(
        np.array([slot for slot, _ in filled]),
        jax.tree.map(lambda *leaves: np.stack(leaves), *[row.settings for row in rows]),
        np.stack([row.value for row in rows]),
        np.stack([row.kind for row in rows]),
        np.array([row.time for row in rows]),
    )
