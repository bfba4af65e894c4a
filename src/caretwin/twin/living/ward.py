"""A ward of twins that live: each follows the record of its subject, whatever comes late, twice or corrected.

A twin is a fold of its course (see :mod:`caretwin.twin.living.course`): it is never mended, only made again. What comes
in order is one step on; what changes the past takes the twin back to the last checkpoint before it and steps through
the rows again, so that it ends as if everything had come in order, bit for bit. The others go on meanwhile: replays
take turns with what is new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from caretwin.record.entry import Batch, Receipt
from caretwin.twin.bedside_twin import BedsideTwin, Living
from caretwin.twin.living.calls import Stepper
from caretwin.twin.living.checkpoints import Checkpoint
from caretwin.twin.living.course import Course, minute_of
from caretwin.twin.living.failure import Failure, failed
from caretwin.twin.living.hearing import Hearing
from caretwin.twin.living.roll import Book, Roll
from caretwin.twin.living.step import JOBS
from caretwin.twin.living.twin import Alive, LivingTwin

AHEAD_MIN = 2
"""min that a datum's time may be ahead of the clock and still be believed: clocks of devices differ by as much
(assumed).
"""
KEPT_MIN = 12 * 60
"""min of a course that stay in memory before the twin: what is later than that is read from the record again."""
MOST_REMEMBERED = 20_000
"""Minutes of channels of a course beyond which old ones are dropped: a day and a half of ten channels."""


class Turn(NamedTuple):
    """What a turn of the ward did.

    updated  twins that are now up to date with all that was known; waiting  twins whose replay goes on in the next turn
    steps    rows taken in; replayed  of them, after going back, or by a twin that had much to catch up with
    failed   twins that could not be brought up to date: they are tried again (see :mod:`caretwin.twin.living.failure`)
    over     twins that are up to date and whose subjects left: whoever keeps their checkpoints may end them
    """

    updated: tuple[str, ...]
    waiting: tuple[str, ...]
    steps: int
    replayed: int
    failed: tuple[str, ...] = ()
    over: tuple[str, ...] = ()


class LivingWard:
    """Twins by subject. :meth:`wake` may be called by any thread, everything else by one.

    twin  model, filter and luck of all (see :func:`caretwin.twin.bedside_twin.bedside_twin`)
    book  where the record is read; None: nothing is heard, courses they remember everything, and no twin ends
    roll  who is in the ward
    """

    def __init__(self, twin: BedsideTwin, book: Book | None = None) -> None:
        self.twin, self.roll = twin, Roll(book)
        self._twins = self.roll.twins
        news, upto = (book.news, book.newest()) if book is not None else (None, 0)
        self._hearing, self._stepper = Hearing(self._twins, self.roll.ended, news, upto), Stepper(twin)

    def wake(self, batches: Sequence[Batch], receipts: Sequence[Receipt]) -> None:
        """Something was committed: a listener of the record. Replays make way for what is new."""
        del batches, receipts  # it is read where it stands
        self._hearing.wake()

    # a turn ----------------------------------------------------------------------------------------------------------

    def turn(self, now: int) -> Turn:
        """Bring every twin up to what is known, and go on with replays for a while.

        now  clock (us): rows that are further ahead than clocks differ wait until their time has come
        """
        self._hearing.listen()
        self.roll.follow_the_book()
        self.roll.bring_back(sorted(self._hearing.returning))
        self._hearing.returning = set()
        until = minute_of(now) + AHEAD_MIN
        for key in self._to_do(now):
            self.roll.safely(key, lambda key: self._plan(key, until))
        new = [one for one in self._twins.values() if one.waiting and not one.replaying]
        back = [(one, len(one.waiting)) for one in new if one.back]
        steps = self._stepper.advance(new)
        again = sum(rows - len(one.waiting) for one, rows in back if one.problem is None)
        behind = [one for one in self._twins.values() if one.waiting and one.replaying]
        replayed = self._stepper.replay(behind, self._hearing.waits)
        wrong = self._judge(now)
        busy = tuple(key for key, one in self._twins.items() if one.waiting)
        updated = tuple(one.course.subject for one in new if not one.waiting and one.failure is None)
        return Turn(updated, busy, steps + replayed, again + replayed, wrong, self.roll.over(now))

    def _to_do(self, now: int) -> list[str]:
        """Twins whose turn it is: all but those that failed and wait until they are tried again."""
        return [key for key, one in self._twins.items() if one.failure is None or one.failure.again <= now]

    def _judge(self, now: int) -> tuple[str, ...]:
        """Who failed, each with when it is tried again; who did not any more is forgiven."""
        for one in self._twins.values():
            if one.problem is not None:
                one.failure, one.problem = failed(one.failure, one.problem, now), None
            elif one.failure is not None and one.failure.again <= now and not one.waiting:
                one.failure = None
        return tuple(key for key, one in self._twins.items() if one.failure is not None)

    def _plan(self, key: str, until: int) -> None:
        """Go back to before what changed, and list the rows that follow."""
        if self._twins[key].failure is not None and not self._twins[key].waiting:
            self.roll.read_again(key)  # whatever it was: what is in memory may be half of what there is
        one = self._twins[key]
        one.embody()
        if one.changed is None or one.changed > until:
            return
        one.mend()
        if one.alive is not None and one.changed <= one.alive.minute:
            one.go_back(one.changed)
        self._remember(one)
        after = None if one.alive is None else one.alive.minute
        one.waiting = one.course.rows(after, until, chosen=one.chosen)
        one.replaying = len(one.waiting) > JOBS // 4
        ahead = one.course.last_minute()
        one.changed = until + 1 if ahead is not None and ahead > until else None

    def _remember(self, one: LivingTwin) -> None:
        """Read the course again where it no longer has what the rows to come need; drop what they do not need."""
        book, course = self.roll.book, one.course
        first = None if one.alive is None else one.alive.minute + 1
        if book is None:
            return
        if course.complete_from is not None and (first is None or first < course.complete_from):
            one.course = book.course(course.subject, first)
            one.course.person = one.course.body_known()
            return
        for channel, minute in sorted(course.doubtful):
            course.renew(channel, minute, book.minute(course.subject, channel, minute))
        if first is not None:
            course.settle(first)
            if len(course) > MOST_REMEMBERED:
                course.forget_before(first - KEPT_MIN)

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

    def failure(self, subject: str) -> Failure | None:
        """Why a twin could not be brought up to date, None where it could. Raises KeyError for one that is not here."""
        return self._twins[subject].failure

    def restarted(self, subject: str) -> int | None:
        """When a twin's numbers were not finite, so that it went back to ones that were (minute). Raises KeyError."""
        return self._twins[subject].restarted

    def checkpoint(self, subject: str) -> tuple[Checkpoint, int] | None:
        """The last row's checkpoint with the sequence number up to which entries are in it; None: not alive or not up
        to date.
        """
        one = self._twins[subject]
        return (one.previous, self._hearing.upto) if one.up_to_date() and one.previous is not None else None

    def kept(self, subject: str) -> bool:
        """Whether a twin has nothing that the record does not: it was read from there, and nothing came since."""
        one = self._twins[subject]
        return one.alive is None or (one.up_to_date() and one.previous is None)

    def older(self, subject: str, count: int) -> list[Checkpoint]:
        """The last checkpoints of a subject before that one, at most so many, each as good as new."""
        return self._twins[subject].older(count)

    def fork(self, subject: str) -> Living | None:
        """A copy of the twin for a what-if: nothing that is done with it touches the living one.

        None where it is not alive. Raises KeyError for a subject that the ward does not have.
        """
        return self._twins[subject].fork(self.twin)
