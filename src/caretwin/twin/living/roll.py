"""Who is in a ward: whose twins live, whose have ended with a discharge, and who became whom.

A twin ends some hours after the discharge, or the death, that stands in the record, if nothing of the bedside was
charted since; its last checkpoint stays in the record. A correction, a readmission or new data bring it back: it is
read again from there, to the same bits as if it had never ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from caretwin.record.store.read_changes import News
from caretwin.twin.living.checkpoints import Checkpoint
from caretwin.twin.living.course import MINUTE, Course
from caretwin.twin.living.track import Value
from caretwin.twin.living.twin import Alive, LivingTwin

ENDS_AFTER_US = 6 * 60 * MINUTE
"""us from a discharge, or the last datum after it, to the end of the twin: the longest forecast is over after 5 h
(assumed otherwise).
"""


class Found(NamedTuple):
    """A subject as the record has it.

    checkpoints  of its twin; changed  first minute that is not in the last of them, None where all is
    """

    course: Course
    checkpoints: Sequence[Checkpoint] = ()
    changed: int | None = None


class Ended(NamedTuple):
    """Somebody whose twin has ended: when they left (us), and the last minute of which anything is known."""

    left: int
    heard: int | None
    parts: tuple[str, ...] = ()


class Book(NamedTuple):
    """Where a ward reads the record.

    news      what came after a sequence number; newest  the last sequence number
    course    of a subject from a minute on (None: from the beginning): for what came later than a course remembers
    minute    all of one channel of a subject in one minute
    subjects  keys of everybody there is: asked when two were merged, or one was erased, by whatever process
    epoch     how often that has happened
    merges    keys of subjects that became another, by the key of that one
    again     a subject with the checkpoints of its twin: for one that ended and comes back
    """

    news: Callable[[int], News]
    newest: Callable[[], int]
    course: Callable[[str, int | None], Course]
    minute: Callable[[str, str, int], Sequence[Value]]
    subjects: Callable[[], Sequence[str]]
    epoch: Callable[[], int]
    merges: Callable[[], Mapping[str, tuple[str, ...]]]
    again: Callable[[str], Found]


class Roll:
    """The people of a ward.

    twins, ended  by subject; epoch  how often subjects had been merged or erased, as far as the twins know
    """

    def __init__(self, book: Book | None) -> None:
        self.book = book
        self.twins: dict[str, LivingTwin] = {}
        self.ended: dict[str, Ended] = {}
        self.epoch = book.epoch() if book is not None else 0
        self._merges = book.merges() if book is not None else {}

    def adopt(self, found: Found) -> None:
        """Take in a subject whose course was read from the record."""
        course = found.course
        one = LivingTwin(course, checkpoints=list(found.checkpoints))
        one.parts = self._merges.get(course.subject, ())
        self.twins[course.subject] = one
        one.embody()
        if any(checkpoint.person != one.born_of for checkpoint in one.checkpoints):
            one.checkpoints = []  # of another body: the twin is made again from its beginning
        last = one.checkpoints[-1] if one.checkpoints else None
        begin = course.first_minute() if last is None else last.minute + 1
        starts = [minute for minute in (found.changed, begin) if minute is not None]
        one.changed = min(starts, default=None)
        if last is not None:
            one.alive, one.chosen = Alive(last.minute, last.state, None, None), last.chosen

    def adopt_ended(self, subject: str, ended: Ended) -> None:
        """Note a subject whose twin ended before this process began."""
        self.ended[subject] = ended._replace(parts=self._merges.get(subject, ()))

    def adopt_later(self, subject: str, problem: Exception) -> None:
        """Take in a subject whose course could not be read: that is tried again."""
        self.twins[subject] = LivingTwin(Course(subject), problem=problem)

    def safely(self, key: str, job: Callable[[str], None]) -> None:
        """Do something for one twin; what goes wrong is its own, and the others go on."""
        try:
            job(key)
        except Exception as problem:  # whatever it is: a ward must not end by one of its subjects
            self.twins[key].fail(problem)

    def read_again(self, key: str) -> None:
        """Begin a twin again, with all that the record has of its subject."""
        old = self.twins[key]
        course = self.book.course(key, None) if self.book is not None else old.course
        try:
            self.adopt(Found(course))
        finally:
            self.twins[key].failure = old.failure

    def follow_the_book(self) -> None:
        """Drop who is no longer in the record; of who was merged or parted, begin again with all that is now theirs."""
        if self.book is None:
            return
        epoch = self.book.epoch()
        if epoch == self.epoch:
            return
        there, former = set(self.book.subjects()), {key for others in self._merges.values() for key in others}
        self._merges = self.book.merges()
        self.epoch = epoch  # only now: a read that failed is tried again
        for known in (self.twins, self.ended):
            for key in [key for key in known if key not in there]:
                del known[key]  # type: ignore[attr-defined]
        self.bring_back([key for key, one in self.ended.items() if one.parts != self._merges.get(key, ())])
        for key in [key for key, one in self.twins.items() if one.parts != self._merges.get(key, ())]:
            self.safely(key, self.read_again)
        for key in sorted(there & (self._merges.keys() | former) - self.twins.keys() - self.ended.keys()):
            self._adopt_again(
                key
            )  # a number of which nothing was known but that a person is known by it, or who was parted

    # the end, and back -----------------------------------------------------------------------------------------------

    def over(self, now: int) -> tuple[str, ...]:
        """Twins that are up to date and whose subjects left long enough ago (now: us)."""
        if self.book is None:
            return ()
        return tuple(key for key, one in self.twins.items() if one.finished() and is_over(one.course, now))

    def end(self, key: str) -> None:
        """A twin ends: nothing of it stays in memory. Raises KeyError for a subject that has none."""
        one = self.twins[key]
        left = one.course.left()
        assert left is not None
        del self.twins[key]
        self.ended[key] = Ended(left, one.course.last_minute(), one.parts)

    def bring_back(self, keys: Sequence[str]) -> None:
        """Let twins live again from what the record has of them."""
        for key in keys:
            if self.ended.pop(key, None) is not None and self.book is not None:
                self._adopt_again(key)

    def _adopt_again(self, key: str) -> None:
        assert self.book is not None
        try:
            self.adopt(self.book.again(key))
        except Exception as problem:
            self.adopt_later(key, problem)


def is_over(course: Course, now: int) -> bool:
    """Whether somebody left long enough ago (now: us), and nothing of the bedside was charted since."""
    left, heard = course.left(), course.last_minute()
    return left is not None and now >= ENDS_AFTER_US + max(left, left if heard is None else heard * MINUTE)
