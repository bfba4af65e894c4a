"""What a ward hears of the record: at every turn it asks what came since the last, and puts that into the courses.

It asks the record and not whoever wrote: so what another process wrote, and what nobody knew to be kept until a server
came back, is heard in the same way, once, and in order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from caretwin.record.entry import Status, Stored, StoredEvent, kind_of
from caretwin.record.store.read_changes import Gone, News
from caretwin.twin.living.course import Course, minute_of, value_of
from caretwin.twin.living.roll import Ended
from caretwin.twin.living.stays import Stay
from caretwin.twin.living.twin import LivingTwin


class Hearing:
    """The ears of a ward: :meth:`wake` may be called by any thread, everything else by the ward's.

    twins      of the ward, by subject: whoever is heard of for the first time gets one
    ended      those whose twins have ended
    upto       sequence number up to which everything was heard
    returning  of the ended, those of whom something was said by which they may be here again
    """

    def __init__(
        self,
        twins: dict[str, LivingTwin],
        ended: Mapping[str, Ended],
        news: Callable[[int], News] | None,
        upto: int,
    ) -> None:
        self._twins, self._ended, self._news = twins, ended, news
        self.upto = upto
        self.returning: set[str] = set()
        self._woken = threading.Event()

    def wake(self) -> None:
        """Something was committed."""
        self._woken.set()

    def waits(self) -> bool:
        """Whether something is known to be in the record that is not in the courses."""
        return self._woken.is_set()

    def listen(self) -> None:
        """Take what came since the last time into the courses."""
        self._woken.clear()
        while self._news is not None:
            found = self._news(self.upto)
            self._take_in(found)
            self.upto = found.upto
            if found.whole:
                return

    def _take_in(self, found: News) -> None:
        for one in found.gone:
            self._safely(one.subject, lambda one=one: self._forget(one))  # type: ignore[misc]
        for event in found.events:
            self._safely(event.subject, lambda event=event: self._happened(event))  # type: ignore[misc]
        for stored in found.observations:
            self._safely(stored.subject, lambda stored=stored: self._observe(stored))  # type: ignore[misc]

    def _safely(self, key: str, job: Callable[[], None]) -> None:
        """What is of residents and places has models of its own; what cannot be understood keeps nobody else's from
        being heard.
        """
        if kind_of(key) != "patient":
            return
        try:
            job()
        except Exception as problem:
            self._of(key).fail(problem)

    def _forget(self, gone: Gone) -> None:
        minute = None if gone.effective is None else minute_of(gone.effective)
        if gone.subject in self._ended:
            if minute is not None:
                self.returning.add(gone.subject)
        elif gone.subject in self._twins:
            one = self._twins[gone.subject]
            one.course.remove(gone.sequence, minute)
            one.note_change(minute)  # also of what a course no longer remembers

    def _happened(self, event: StoredEvent) -> None:
        if event.subject in self._ended:
            self.returning.add(event.subject)
        elif event.status != Status.RETRACTED:
            self._of(event.subject).course.tell(
                event.sequence, Stay(event.kind, event.effective, event.stop, event.body, event.received)
            )

    def _observe(self, stored: Stored) -> None:
        if stored.subject in self._ended:
            heard = self._ended[stored.subject].heard
            if heard is None or minute_of(stored.effective) > heard:  # late data of before bring nobody back
                self.returning.add(stored.subject)
            return
        one = self._of(stored.subject)
        if one.course.has(stored.sequence):  # it was read with the course, and perhaps not in the state
            one.note_change(minute_of(stored.effective))
        else:
            value = value_of(stored.code, stored.effective, stored.value, stored.quality, stored.sequence, stored.note)
            one.note_change(one.course.put(value))

    def _of(self, key: str) -> LivingTwin:
        if key not in self._twins:
            self._twins[key] = LivingTwin(Course(key))
        return self._twins[key]
