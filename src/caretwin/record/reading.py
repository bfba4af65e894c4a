"""Reading the record as somebody: every look is authorised and audited before anything is shown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from caretwin.record.access import Actor
from caretwin.record.entry import Identifier, Stored, StoredDerived, StoredEvent
from caretwin.record.store import keep, read_changes, read_events, read_observations, read_subjects
from caretwin.record.store.as_of import ALWAYS, NEVER
from caretwin.record.store.connection import Connection
from caretwin.record.store.read_observations import SeriesData

if TYPE_CHECKING:
    from caretwin.record.record import Record


class SubjectInfo(NamedTuple):
    """A subject of the record: its key, what it is, and since when it is known (us)."""

    key: str
    kind: str
    received: int


class Reading:
    """What one actor reads; see ``caretwin.record.store.read_*`` for what each answer is."""

    def __init__(self, record: Record, actor: Actor) -> None:
        self._record, self.actor = record, actor
        self._seen: set[str] = set()

    def of(self, subjects: Sequence[str]) -> Reading:
        """Authorise and audit several subjects at once."""
        new = [subject for subject in dict.fromkeys(subjects) if subject not in self._seen]
        if new:
            self._record.allow_reading(self.actor, new, "")
            self._seen.update(new)
        return self

    def subjects(self) -> list[SubjectInfo]:
        """Every subject, in the order in which they became known."""
        return [SubjectInfo(*row) for row in read_subjects.keys(self.of([""])._connection())]

    def subject_of(self, identifier: Identifier) -> str | None:
        """The key of an identifier's subject, None where it is unknown."""
        return read_subjects.key_of(self.of([""])._connection(), identifier)

    def identifiers(self, subject: str) -> list[Identifier]:
        """By what a subject is known."""
        return read_subjects.identifiers(self.of([subject])._connection(), subject)

    def series(
        self,
        subject: str,
        codes: Collection[str] | None = None,
        start: int = NEVER,
        stop: int = ALWAYS,
        as_of: int = ALWAYS,
    ) -> list[SeriesData]:
        """Observations in [start, stop) as known at ``as_of`` (us)."""
        return read_observations.series(self.of([subject])._connection(), subject, codes, start, stop, as_of)

    def latest(
        self,
        subject: str,
        codes: Collection[str] | None = None,
        as_of: int = ALWAYS,
        before: int = ALWAYS,
    ) -> list[Stored]:
        """The last observation of every series before an effective time, as known at ``as_of`` (us)."""
        return read_observations.latest(self.of([subject])._connection(), subject, codes, as_of, before)

    def events(
        self,
        subject: str,
        kinds: Sequence[str] | None = None,
        start: int = NEVER,
        stop: int = ALWAYS,
        as_of: int = ALWAYS,
    ) -> list[StoredEvent]:
        """Events that began in [start, stop), as known at ``as_of`` (us)."""
        return read_events.events(self.of([subject])._connection(), subject, kinds, start, stop, as_of)

    def derived(
        self,
        subject: str,
        kinds: Sequence[str] | None = None,
        start: int = NEVER,
        stop: int = ALWAYS,
        as_of: int = ALWAYS,
    ) -> list[StoredDerived]:
        """What was derived, speaking from [start, stop)."""
        return read_events.derived(self.of([subject])._connection(), subject, kinds, start, stop, as_of)

    def changes(self, after: int, most: int = 10_000) -> list[Stored]:
        """Observations since a sequence number, of all subjects."""
        return read_changes.changes(self.of([""])._connection(), after, most)

    def changed_since(self, sequence: int) -> dict[str, tuple[int, int]]:
        """Subjects with anything new since a sequence number: (first effective time, last sequence number) of each."""
        return read_changes.changed_since(self.of([""])._connection(), sequence)

    def epoch(self) -> int:
        """How often subjects were merged or erased: another number says that keys mean something else."""
        return int(self._connection().query("SELECT erasures FROM counter")[0][0])

    def first_effective(self, subject: str, codes: Collection[str]) -> int | None:
        """The earliest time (us) of any observation of these codes."""
        return read_observations.first_effective(self.of([subject])._connection(), subject, codes)

    def checkpoints(self, subject: str, model: str) -> list[tuple[int, int, bytes]]:
        """(time us, sequence, state) of the checkpoints of a subject's twin."""
        return keep.checkpoints(self.of([subject])._connection(), subject, model)

    def _connection(self) -> Connection:
        return self._record.connection()
