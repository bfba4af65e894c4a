"""Writing batches: each entry gets its sequence number, duplicates are recognised, versions replace one another.

Everything here happens inside one transaction of one writer (:meth:`Appender.transaction`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from caretwin.record.entry import Batch, Derived, Entry, Event, Link, Observation, Receipt, SubjectRef
from caretwin.record.store.connection import Connection
from caretwin.record.store.pending import Pending, derived_row, event_row, observation_row
from caretwin.record.store.series import SeriesBook, SeriesName
from caretwin.record.store.subjects import SubjectBook
from caretwin.record.store.versions import Verdict, Version, content, judge, origin


class Appender:
    """Writes batches through one connection; salt  see :class:`caretwin.record.store.subjects.SubjectBook`."""

    def __init__(self, connection: Connection, salt: str) -> None:
        self.connection = connection
        self._subjects, self._series = SubjectBook(connection, salt), SeriesBook(connection)
        self._erasures = -1

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction; when it fails, what was remembered of it is forgotten."""
        try:
            with self.connection.transaction():
                yield
        except BaseException:
            self.forget()
            raise

    def append(self, batches: Sequence[Batch]) -> list[Receipt]:
        """What becomes of each batch when the transaction that is open is committed.

        Raises KeyError for a subject key that the record does not have.
        """
        pending = self._begin()
        links = self._resolve(batches, pending)
        known = self._recall(batches)
        receipts = [self._write(batch, pending, links, known) for batch in batches]
        pending.insert(self.connection)
        return receipts

    def forget(self) -> None:
        """Drop what is remembered: after a transaction that failed, and after an erasure."""
        self._subjects.forget()
        self._series.forget()

    def _begin(self) -> Pending:
        sequence, erasures = self.connection.query("SELECT sequence, erasures FROM counter")[0]
        if erasures != self._erasures:
            self.forget()
            self._erasures = erasures
        return Pending(sequence)

    def _resolve(self, batches: Sequence[Batch], pending: Pending) -> dict[int, int]:
        """Find or make all subjects and series of the batches; the sequence numbers of links, by identity."""
        links: dict[int, int] = {}
        self._subjects.recall(ref for batch in batches for entry in batch.entries for ref in _refs(entry))
        for batch in batches:
            for entry in batch.entries:
                for ref in _refs(entry):
                    self._subjects.find(ref, batch.received, pending)
                if isinstance(entry, Link):  # before series are found: what follows is the survivor's
                    links[id(entry)] = self._subjects.link(entry, batch.received, pending)
                    self._erasures += links[id(entry)] > 0
        observations = (entry for batch in batches for entry in batch.entries if isinstance(entry, Observation))
        self._series.find(self._name(entry) for entry in observations)
        return links

    def _name(self, entry: Observation) -> SeriesName:
        return SeriesName(self._subjects.number(entry.subject), entry.code, entry.unit, entry.source)

    def _place(self, entry: Observation | Event) -> int:
        """Where an entry stands: the series of an observation, minus the subject of an event."""
        if isinstance(entry, Event):
            return -self._subjects.number(entry.subject)
        return self._series.number(self._name(entry))

    def _recall(self, batches: Sequence[Batch]) -> dict[bytes, list[Version]]:
        """The versions that the record has of what the batches name."""
        origins = {
            origin(entry, self._place(entry))
            for batch in batches
            for entry in batch.entries
            if isinstance(entry, Observation | Event)
        }
        known: dict[bytes, list[Version]] = {}
        sql = "SELECT origin, sequence, place, effective, version, status, content FROM version WHERE origin IN ?"
        for row in self.connection.among(sql, sorted(origins)):
            known.setdefault(bytes(row[0]), []).append(Version(*row[1:6], bytes(row[6])))
        return known

    def _write(
        self, batch: Batch, pending: Pending, links: dict[int, int], known: dict[bytes, list[Version]]
    ) -> Receipt:
        intake, sequences, gone = pending.next(), list[int](), list[int]()
        repeats, changed = list[int](), list[tuple[str, int]]()
        for place, entry in enumerate(batch.entries):
            if isinstance(entry, Link):
                sequences.append(links[id(entry)])
                continue
            if isinstance(entry, Derived):
                sequences.append(self._derive(entry, batch.received, intake, pending))
                continue
            sequence, verdict = self._keep(entry, batch.received, intake, pending, known)
            sequences.append(sequence)
            repeats += [place] if verdict.repeats is not None else []
            gone += [old for _, old in verdict.supersedes]
            changed += self._changed(entry, verdict, known)
            gone += [sequence] if verdict.superseded_by is not None else []
        row = (intake, batch.received, batch.actor, batch.message, len(batch.entries), len(repeats))
        pending.rows["intake"].append(row)
        subjects = tuple(self._subjects.key(self._subjects.number(entry.subject)) for entry in batch.entries)
        replaced = len(changed)
        return Receipt(tuple(sequences), len(repeats), replaced, subjects, tuple(gone), tuple(repeats), tuple(changed))

    def _changed(
        self, entry: Observation | Event, verdict: Verdict, known: dict[bytes, list[Version]]
    ) -> list[tuple[str, int]]:
        """Whose past an entry changes, and from when: subject and effective time of what it supersedes."""
        old = (
            {version.sequence: version for versions in known.values() for version in versions}
            if verdict.supersedes
            else {}
        )
        found = []
        for place, sequence in verdict.supersedes:
            rows = self.connection.query("SELECT subject FROM series WHERE id = ?", [place]) if place > 0 else []
            number = int(rows[0][0]) if rows else -place if place < 0 else self._subjects.number(entry.subject)
            found.append((self._subjects.key(self._subjects.root(number)), old[sequence].effective))
        return found

    def _keep(
        self,
        entry: Observation | Event,
        received: int,
        intake: int,
        pending: Pending,
        known: dict[bytes, list[Version]],
    ) -> tuple[int, Verdict]:
        """Sequence number of an entry, that of the one it repeats for a duplicate; and what it does to others."""
        place = self._place(entry)
        name = origin(entry, place)
        versions = known.setdefault(name, [])
        said = (place, entry.effective, entry.version, int(entry.status), content(entry, place))
        version = Version(pending.sequence + 1, *said)
        verdict = judge(version, versions, bool(entry.source_id))
        if verdict.repeats is not None:
            return verdict.repeats, verdict
        sequence = pending.next()
        versions.append(version)
        pending.rows["version"].append((name, *version))
        superseded = pending.rows["superseded"]
        superseded += [(old, number, sequence, received) for old, number in verdict.supersedes]
        if verdict.superseded_by is not None:
            superseded.append((place, sequence, verdict.superseded_by, received))
        if isinstance(entry, Observation):
            pending.rows["observation"].append(observation_row(entry, place, sequence, received, intake))
        else:
            pending.rows["event"].append(event_row(entry, -place, sequence, received, intake))
        return sequence, verdict

    def _derive(self, entry: Derived, received: int, intake: int, pending: Pending) -> int:
        sequence, number = pending.next(), self._subjects.number(entry.subject)
        pending.rows["derived"].append(derived_row(entry, number, sequence, received, intake))
        return sequence


def _refs(entry: Entry) -> tuple[str | SubjectRef, ...]:
    return (entry.subject, entry.other) if isinstance(entry, Link) else (entry.subject,)
