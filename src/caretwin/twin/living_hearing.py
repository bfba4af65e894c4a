"""What a ward hears of commits: observations and events go into the courses of their subjects."""

from __future__ import annotations

import queue
from collections.abc import Sequence

from caretwin.record.entry import Batch, Entry, Event, Link, Observation, Receipt, Status, kind_of
from caretwin.twin.course import Course, minute_of, value_of
from caretwin.twin.living_twin import LivingTwin


class Hearing:
    """The ears of a ward: :meth:`tell` may be called by any thread, everything else by the ward's.

    twins           of the ward, by subject: whoever is heard of for the first time gets one
    others_changed  whether two subjects became one, or one was erased, since that was last looked at
    """

    def __init__(self, twins: dict[str, LivingTwin]) -> None:
        self._twins = twins
        self.others_changed = False
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

    def _hear(self, entry: Entry, sequence: int, key: str, gone: Sequence[int]) -> None:
        if isinstance(entry, Link):
            self.others_changed = True
        elif isinstance(entry, Observation):
            self._observe(entry, sequence, key, gone)
        elif isinstance(entry, Event) and entry.status != Status.RETRACTED and sequence not in gone:
            if entry.kind == "person":
                self._of(key).course.tell_person(sequence, entry.effective, entry.body)

    def _observe(self, entry: Observation, sequence: int, key: str, gone: Sequence[int]) -> None:
        one = self._of(key)
        one.sequence = max(one.sequence, sequence)
        if entry.status != Status.RETRACTED and sequence not in gone:
            value = value_of(entry.code, entry.effective, entry.value, entry.quality, sequence, entry.note)
            if not one.course.has(sequence):
                one.note_change(one.course.put(value))
            elif sequence > one.adopted:  # it was read with the course, after what had changed was asked
                one.note_change(minute_of(entry.effective))

    def _of(self, key: str) -> LivingTwin:
        if key not in self._twins:
            self._twins[key] = LivingTwin(Course(key))
        return self._twins[key]
