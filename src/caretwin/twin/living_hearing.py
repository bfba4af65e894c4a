"""What a ward hears of commits: observations and events go into the courses of their subjects."""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence

from caretwin.record.entry import Batch, Entry, Event, Link, Observation, Receipt, Status, kind_of
from caretwin.twin.course import Course, minute_of, value_of
from caretwin.twin.living_roll import Ended
from caretwin.twin.living_twin import LivingTwin
from caretwin.twin.stays import KINDS, Stay


class Hearing:
    """The ears of a ward: :meth:`tell` may be called by any thread, everything else by the ward's.

    twins           of the ward, by subject: whoever is heard of for the first time gets one
    ended           those whose twins have ended
    others_changed  whether two subjects became one, or one was erased, since that was last looked at
    returning       of the ended, those of whom something was said by which they may be here again
    """

    def __init__(self, twins: dict[str, LivingTwin], ended: Mapping[str, Ended]) -> None:
        self._twins, self._ended = twins, ended
        self.others_changed = False
        self.returning: set[str] = set()
        self._told: queue.SimpleQueue[tuple[Sequence[Batch], Sequence[Receipt]]] = queue.SimpleQueue()

    def tell(self, batches: Sequence[Batch], receipts: Sequence[Receipt]) -> None:
        """What was committed, in order."""
        self._told.put((batches, receipts))

    def waits(self) -> bool:
        """Whether something was told that is not in the courses."""
        return not self._told.empty()

    def listen(self) -> None:
        """Take what was told into the courses."""
        while True:
            try:
                batches, receipts = self._told.get_nowait()
            except queue.Empty:
                return
            self.others_changed = self.others_changed or not batches
            for batch, receipt in zip(batches, receipts, strict=True):
                self._take_in(batch, receipt)

    def _take_in(self, batch: Batch, receipt: Receipt) -> None:
        repeats = set(receipt.repeats)
        for place, (entry, sequence, key) in enumerate(
            zip(batch.entries, receipt.sequences, receipt.subjects, strict=True)
        ):
            if kind_of(key) != "patient" or place in repeats:
                continue  # residents and places have models of their own; what is repeated may no longer hold
            if key in self._ended:
                if self._brings_back(entry, key):
                    self.returning.add(key)
                continue  # what came stands in the record, and is read from there
            try:
                self._hear(entry, sequence, key, receipt.gone)
            except Exception as problem:  # one entry that cannot be understood keeps nobody else's from being heard
                self._of(key).fail(problem)
        for sequence in receipt.gone:
            for one in self._twins.values():
                one.note_change(one.course.remove(sequence))
        for key, effective in receipt.changed:  # also of what a course no longer remembers
            if key in self._twins:
                self._twins[key].note_change(minute_of(effective))
            elif key in self._ended:
                self.returning.add(key)

    def _brings_back(self, entry: Entry, key: str) -> bool:
        """Whether an entry may say that somebody is here again; late data of before do not."""
        if isinstance(entry, Observation):
            heard = self._ended[key].heard
            return heard is None or minute_of(entry.effective) > heard
        return isinstance(entry, Event) and entry.kind in KINDS

    def _hear(self, entry: Entry, sequence: int, key: str, gone: Sequence[int]) -> None:
        if isinstance(entry, Link):
            self.others_changed = True
        elif isinstance(entry, Observation):
            self._observe(entry, sequence, key, gone)
        elif isinstance(entry, Event) and entry.kind in KINDS and _holds(entry, sequence, gone):
            self._of(key).course.tell(sequence, Stay(entry.kind, entry.effective, entry.stop, entry.body))

    def _observe(self, entry: Observation, sequence: int, key: str, gone: Sequence[int]) -> None:
        one = self._of(key)
        one.sequence = max(one.sequence, sequence)
        if _holds(entry, sequence, gone):
            value = value_of(entry.code, entry.effective, entry.value, entry.quality, sequence, entry.note)
            if not one.course.has(sequence):
                one.note_change(one.course.put(value))
            elif sequence > one.adopted:  # it was read with the course, after what had changed was asked
                one.note_change(minute_of(entry.effective))

    def _of(self, key: str) -> LivingTwin:
        if key not in self._twins:
            self._twins[key] = LivingTwin(Course(key))
        return self._twins[key]


def _holds(entry: Observation | Event, sequence: int, gone: Sequence[int]) -> bool:
    return entry.status != Status.RETRACTED and sequence not in gone
