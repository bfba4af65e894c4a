"""Reading the record as somebody: every look is authorised and audited before anything is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

from caretwin.record import audit
from caretwin.record.access import Actor
from caretwin.record.connections import Connections
from caretwin.record.entry import Identifier, Stored, StoredDerived, StoredEvent
from caretwin.record.guard import Guard
from caretwin.record.store import keep, parting, provenance, read_changes, read_events, read_observations, read_subjects
from caretwin.record.store.as_of import ALWAYS, NEVER
from caretwin.record.store.connection import Connection
from caretwin.record.store.foreign import Foreign, Standing, foreign_series, remapped, standing
from caretwin.record.store.read_observations import SeriesData

T = TypeVar("T")


class SubjectInfo(NamedTuple):
    """A subject of the record: its key, what it is, and since when it is known (us)."""

    key: str
    kind: str
    received: int


AUDITED_EVERY_US = 3_600_000_000
"""us: a Reading's looks at one person within this time are one row of the audit trail, that of the first."""


class Reading:
    """What one actor reads; see ``caretwin.record.store.read_*`` for what each answer is.

    Every answer is of one moment of the record. The policy is asked at every look, for whoever may read now may not
    later; the first look at a person in every hour (AUDITED_EVERY_US) is audited before anything is shown.
    """

    def __init__(self, connections: Connections, guard: Guard, actor: Actor) -> None:
        self._connections, self._guard, self.actor = connections, guard, actor
        self._audited: dict[str, int] = {}

    def of(self, subjects: Sequence[str]) -> Reading:
        """Authorise and audit several subjects at once ("" is what is about no one, or about all).

        Raises AccessDeniedError.
        """
        rules = self._guard.allow(self.actor, "read", subjects)
        now = self._guard.clock()
        due = {one: rule for one, rule in rules.items() if not self._recently(one, now)}
        self._guard.audit_reading(self.actor, due)
        self._audited.update(dict.fromkeys(due, now))
        return self

    def _recently(self, subject: str, now: int) -> bool:
        last = self._audited.get(subject)
        return last is not None and 0 <= now - last < AUDITED_EVERY_US

    def at_once(self, ask: Callable[[], T]) -> T:
        """Several questions to this object, all answered of one moment of the record.

        ask  puts them; it may be called anew when a server went away. Example:
             ``reading.at_once(lambda: (reading.series(key), reading.events(key)))``
        """
        return self._connections.look(lambda _: ask())

    def _answer(self, subject: str, ask: Callable[[Connection], T]) -> T:
        return self.of([subject])._connections.look(ask)

    def subjects(self) -> list[SubjectInfo]:
        """Every subject, in the order in which they became known."""
        return [SubjectInfo(*row) for row in self._answer("", read_subjects.keys)]

    def subject_of(self, identifier: Identifier) -> str | None:
        """The key of an identifier's subject, None where it is unknown."""
        return self._answer("", lambda it: read_subjects.key_of(it, identifier))

    def identifiers(self, subject: str) -> list[Identifier]:
        """By what a subject is known."""
        return self._answer(subject, lambda it: read_subjects.identifiers(it, subject))

    def extent(self, subject: str) -> read_subjects.Extent:
        """How much there is about a person, under all keys."""
        return self._answer(subject, lambda it: read_subjects.extent(it, subject))

    def series(
        self,
        subject: str,
        codes: Collection[str] | None = None,
        start: int = NEVER,
        stop: int = ALWAYS,
        as_of: int = ALWAYS,
    ) -> list[SeriesData]:
        """Observations in [start, stop) as known at ``as_of`` (us)."""
        return self._answer(subject, lambda it: read_observations.series(it, subject, codes, start, stop, as_of))

    def latest(
        self,
        subject: str,
        codes: Collection[str] | None = None,
        as_of: int = ALWAYS,
        before: int = ALWAYS,
        *,
        usable: bool = False,
    ) -> list[Stored]:
        """The last observation (or usable value) of every series before a time, as known at ``as_of`` (us)."""
        ask = read_observations.latest
        return self._answer(subject, lambda it: ask(it, subject, codes, as_of, before, usable=usable))

    def held(self, subject: str, codes: Collection[str], before: int, as_of: int = ALWAYS) -> list[Stored]:
        """What was set last before an effective time (us), by every order of every series, as known at ``as_of``."""
        return self._answer(subject, lambda it: read_observations.held(it, subject, codes, before, as_of))

    def events(
        self,
        subject: str,
        kinds: Sequence[str] | None = None,
        start: int = NEVER,
        stop: int = ALWAYS,
        as_of: int = ALWAYS,
    ) -> list[StoredEvent]:
        """Events that began in [start, stop), as known at ``as_of`` (us)."""
        return self._answer(subject, lambda it: read_events.events(it, subject, kinds, start, stop, as_of))

    def spans(self, subject: str) -> list[provenance.Span]:
        """What there is of a person, series by series."""
        return self._answer(subject, lambda it: provenance.spans(it, subject))

    def origin(self, subject: str, sequence: int) -> provenance.Origin | None:
        """Where an observation of a person came from; None where the person has none of this number."""
        return self._answer(subject, lambda it: provenance.origin(it, subject, sequence))

    def said_since(self, event: StoredEvent, names: Sequence[str]) -> int | None:
        """Since when (us) its source has said, without a break, what an event says of these entries of its body."""
        return self._answer(event.subject, lambda it: read_events.said_since(it, event.sequence, names))

    def derived(
        self,
        subject: str,
        kinds: Sequence[str] | None = None,
        start: int = NEVER,
        stop: int = ALWAYS,
        as_of: int = ALWAYS,
    ) -> list[StoredDerived]:
        """What was derived, speaking from [start, stop)."""
        return self._answer(subject, lambda it: read_events.derived(it, subject, kinds, start, stop, as_of))

    def changes(self, after: int, most: int = 10_000) -> list[Stored]:
        """Observations since a sequence number, of all subjects."""
        return self._answer("", lambda it: read_changes.changes(it, after, most))

    def newest(self) -> int:
        """The last sequence number of the record."""
        return self._answer("", read_changes.newest)

    def news(self, after: int, kinds: Collection[str]) -> read_changes.News:
        """What came after a sequence number, whoever wrote it, and what ceased to hold; events of these kinds."""
        found = self._answer("", lambda it: read_changes.news(it, after, kinds))
        self.of(sorted({one.subject for one in found.observations} | {one.subject for one in found.events}))
        return found

    def changed_since(self, since: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        """Subjects with anything new since a sequence number of each: (first effective time, last sequence number)."""
        return self._answer("", lambda it: read_changes.changed_since(it, since))

    def merges(self, as_of: int = ALWAYS) -> dict[str, tuple[str, ...]]:
        """Keys of subjects that became another, by the key of that one, as known at ``as_of`` (us)."""
        return self._answer("", lambda it: read_subjects.merges(it, as_of))

    def merge_of(self, subject: str) -> parting.Merge:
        """The merge by which a subject became another. Raises KeyError where there is none that holds."""
        return self._answer(subject, lambda it: parting.merge_of(it, subject))

    def wholes(self) -> dict[str, tuple[int, ...]]:
        """Of what each person is made: another answer says that a key means another person, or more or less of one."""
        return self._answer("", read_subjects.wholes)

    def epoch(self) -> int:
        """How often subjects were merged, parted or erased: another number says that keys mean something else."""
        return int(self._connections.reading().query("SELECT erasures FROM counter")[0][0])

    def erased(self) -> int:
        """How often somebody was erased: another number says that what was remembered may be of who is gone."""
        # every merge counts once in both, and every parting
        counted = "SELECT erasures - (SELECT count(*) FROM merged) - (SELECT count(*) FROM parted) FROM counter"
        return int(self._connections.reading().query(counted)[0][0])

    def first_effective(self, subject: str, codes: Collection[str]) -> int | None:
        """The earliest time (us) of any observation of these codes."""
        return self._answer(subject, lambda it: read_observations.first_effective(it, subject, codes))

    def foreign(self) -> list[Foreign]:
        """All series under codes that are no channels."""
        return self._answer("", foreign_series)

    def standing(self, series: Sequence[Foreign]) -> list[Standing]:
        """What stands in these series."""
        self.of(sorted({one.subject for one in series}))
        return self._connections.look(lambda it: standing(it, [one.place for one in series]))

    def remapped(self, series: Sequence[Foreign]) -> list[Standing]:
        """What came in these series, was remapped, and stands as that."""
        self.of(sorted({one.subject for one in series}))
        return self._connections.look(lambda it: remapped(it, [one.place for one in series]))

    def refused(self, number: int) -> bytes:
        """A refused message as it came: a look at everybody whom it is known to be about.

        Raises KeyError for a number that is not there, and AccessDeniedError.
        """
        self.of(["", *self._connections.look(lambda it: keep.whose(it, number))])
        return self._connections.look(lambda it: keep.message(it, number))

    def acts(self, wanted: audit.Wanted, most: int, before: int | None = None) -> list[tuple[int, audit.Act]]:
        """The newest acts of the audit trail that are looked for, with their numbers, the newest first."""
        return self._answer("", lambda it: audit.newest(it, wanted, most, before))

    def checkpoints(self, subject: str, model: str) -> list[tuple[int, int, bytes]]:
        """(time us, sequence, state) of the checkpoints of a subject's twin."""
        return self._answer(subject, lambda it: keep.checkpoints(it, subject, model))
