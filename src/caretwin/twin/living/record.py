"""A living ward and the record: what a ward reads when it starts, and the checkpoints by which it starts quickly."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import jax
import numpy as np

from caretwin.base.errors import DataError
from caretwin.record.access import Actor
from caretwin.record.bedside import channels
from caretwin.record.entry import StoredEvent
from caretwin.record.reading import Reading
from caretwin.record.record import Record
from caretwin.record.store import keep
from caretwin.record.store.as_of import ALWAYS
from caretwin.record.store.read_changes import News
from caretwin.record.store.read_subjects import numbers
from caretwin.twin.bedside import context, settings_at
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.living.checkpoints import Checkpoint, before, from_bytes, model_name, to_bytes
from caretwin.twin.living.course import BACK_MIN, MINUTE, Course, minute_of, value_of
from caretwin.twin.living.facts import BODY
from caretwin.twin.living.roll import Book, Ended, Found, is_over
from caretwin.twin.living.stays import DEATH, KINDS, Stay
from caretwin.twin.living.step import born, subject_number
from caretwin.twin.living.track import Value
from caretwin.twin.living.ward import LivingWard

TWIN = Actor("twin:bedside", "twin")
"""Who reads the record and writes checkpoints and forecasts."""
KEPT = 3
"""Checkpoints of a subject in the record: the last, and two before it for data that come late after a restart."""


def start(record: Record, twin: BedsideTwin, now: int | None = None) -> LivingWard:
    """A ward of all patients of the record that listens to it; its first turns bring every twin up to date.

    now  clock (us): the twins of those who left long before are not woken; None: all are, and end in the first turns
    """
    reading = record.reading(TWIN)

    def people() -> list[str]:
        return [one.key for one in reading.subjects() if one.kind == "patient"]

    def course(subject: str, minute: int | None) -> Course:
        return course_of(reading, subject, minute)

    def minute(subject: str, channel: str, minute: int) -> list[Value]:
        return _values(reading, subject, [channel], (minute - 1) * MINUTE + 1, minute * MINUTE + 1)

    def again(subject: str) -> Found:
        stored = _checkpoints(reading, twin, subject)
        since = {subject: stored[-1][1]} if stored else {}
        return _found(reading, subject, stored, reading.changed_since(since))

    def news(after: int) -> News:
        found = reading.news(after, KINDS)
        return found._replace(events=tuple(first_told(reading, found.events)))

    # It hears from here on: what comes while we read is heard again, which does no harm.
    book = Book(news, reading.newest, course, minute, people, reading.epoch, reading.merges, again)
    ward = LivingWard(twin, book)
    end = record.listen(ward.wake)
    try:
        everybody = people()
        reading.of(everybody)
        keys = _here(ward, reading, everybody, now)
        found = {key: _checkpoints(reading, twin, key) for key in keys}
        changed = reading.changed_since({key: of[-1][1] for key, of in found.items() if of})
        for key in keys:
            try:
                ward.roll.adopt(_found(reading, key, found[key], changed))
            except Exception as problem:  # one that cannot be read keeps nobody else's twin from waking
                ward.roll.adopt_later(key, problem)
    except BaseException:
        end()
        raise
    return ward


def course_of(reading: Reading, subject: str, since: int | None) -> Course:
    """The course of a subject from the record.

    since  the first minute whose rows are wanted: what they look back at is read too; None: from the beginning
    """
    course = Course(subject)
    start_us = -ALWAYS if since is None else (since - 1 - BACK_MIN) * MINUTE
    bedside = [*channels()]
    if since is not None:
        settings = [name for name, channel in channels().items() if channel.kind == "setting"]
        for held in reading.held(subject, settings, start_us):
            course.put(value_of(held.code, held.effective, held.value, held.quality, held.sequence, held.note))
        first = reading.first_effective(subject, bedside)
        if first is not None:
            course.began(minute_of(first))
        course.complete_from = since
    known = {one.code for one in reading.latest(subject, bedside)}
    for channel in sorted(known):  # one by one, each settled before the next: together they may be too much
        for value in _values(reading, subject, [channel], start_us):
            course.put(value)
        last = course.last_minute()
        if last is not None:
            course.settle(last)
    for value in _values(reading, subject, BODY):
        course.put(value)
    _tell_stays(course, reading)
    return course


def _values(
    reading: Reading, subject: str, codes: Collection[str], start: int = -ALWAYS, stop: int = ALWAYS
) -> list[Value]:
    """What holds of these codes in [start, stop) (us)."""
    found = []
    for series in reading.series(subject, codes, start, stop):
        rows = zip(series.effective, series.value, series.quality, series.sequence, strict=True)
        for row, (effective, value, quality, sequence) in enumerate(rows):
            known = None if np.isnan(value) else float(value)
            found.append(value_of(series.code, int(effective), known, quality, int(sequence), series.note.get(row)))
    return found


def _tell_stays(course: Course, reading: Reading) -> None:
    for event in first_told(reading, reading.events(course.subject, KINDS)):
        course.tell(event.sequence, Stay(event.kind, event.effective, event.stop, event.body, event.received))


def first_told(reading: Reading, events: Iterable[StoredEvent]) -> Iterator[StoredEvent]:
    """Events by the time at which what they say of a death was first received: said again, it is not said anew."""
    for event in events:
        since = reading.said_since(event, DEATH) if any(name in event.body for name in DEATH) else None
        yield event if since is None else event._replace(received=since)


def _here(ward: LivingWard, reading: Reading, keys: Sequence[str], now: int | None) -> list[str]:
    """Those whose twins are woken: who left long before is only noted."""
    found = []
    for key in keys:
        course = Course(key)
        _tell_stays(course, reading)
        left = course.left()
        if left is not None and now is not None:
            for one in reading.latest(key, [*channels()]):
                course.put(value_of(one.code, one.effective, one.value, one.quality, one.sequence))
            if is_over(course, now):
                ward.roll.adopt_ended(key, Ended(left, course.last_minute()))
                continue
        found.append(key)
    return found


def save(record: Record, ward: LivingWard, subjects: Sequence[str]) -> int:
    """Keep a checkpoint of each of these twins that is up to date; returns how many were.

    None is kept while the ward has not heard that two subjects became one: a twin may be of half a person.
    """
    name, saved = model_name(ward.twin), 0
    if not subjects:
        return saved
    found = {subject: (ward.older(subject, KEPT - 1), ward.checkpoint(subject)) for subject in subjects}
    with record.writing(TWIN, "derive", f"checkpoints of {name}", subjects) as connection:
        if int(connection.query("SELECT erasures FROM counter")[0][0]) != ward.roll.epoch:
            return 0
        for subject, (older, last) in found.items():
            if last is None or not numbers(connection, subject):  # not up to date, or erased by another process
                continue
            checkpoint, sequence = last
            keep.drop_checkpoints(connection, subject, name, ALWAYS, keep=0)  # some may be of a past that has changed
            for one in (*older, checkpoint):
                keep.save_checkpoint(connection, subject, name, one.minute * MINUTE, sequence, to_bytes(one))
            saved += 1
    return saved


def retire(record: Record, ward: LivingWard, subjects: Sequence[str]) -> None:
    """End twins whose subjects left, each after its last checkpoint is kept; who cannot be kept yet lives on."""
    for subject in subjects:
        if ward.kept(subject) or save(record, ward, [subject]):
            ward.roll.end(subject)


def _found(
    reading: Reading, key: str, stored: Sequence[tuple[Checkpoint, int]], changed: dict[str, tuple[int, int]]
) -> Found:
    checkpoints = [one for one, _ in stored]
    if not stored:  # from the beginning: nothing in it can be missed
        return Found(course_of(reading, key, None))
    first, last = changed.get(key, (ALWAYS, 0))
    sequence = stored[-1][1]
    new = minute_of(first) if last > sequence else None
    good = checkpoints if new is None else checkpoints[: 1 + _place(checkpoints, new)]
    since = good[-1].minute + 1 if good else None
    return Found(course_of(reading, key, since), good, new)


def _place(checkpoints: Sequence[Checkpoint], minute: int) -> int:
    found = before(checkpoints, minute)
    return -1 if found is None else [one.minute for one in checkpoints].index(found.minute)


def _checkpoints(reading: Reading, twin: BedsideTwin, key: str) -> list[tuple[Checkpoint, int]]:
    """Checkpoints of a twin in order of time; what cannot be read is as if it were not there."""
    found = []
    for _, sequence, content in reading.checkpoints(key, model_name(twin)):
        try:
            found.append((from_bytes(content, _structure(twin)), sequence))
        except DataError:
            continue
    return found


def _structure(twin: BedsideTwin) -> Callable[[], object]:
    """The structure of a twin's state, without making one."""

    def tree() -> object:
        from caretwin.record.bedside import BedsideRecord, Person

        person = Person("nobody")
        body, _ = context(person)
        settings, _ = settings_at(BedsideRecord(person), 0.0, float(body.predicted_weight))
        state = jax.eval_shape(
            born.function, twin.model, twin.settings, twin.key, body, settings, 0.0, subject_number("nobody")
        )
        return jax.tree.structure(state)

    return tree
