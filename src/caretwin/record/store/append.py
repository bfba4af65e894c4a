"""Writing batches: each entry gets its sequence number, duplicates are recognised, versions replace one another.

Everything here happens inside one transaction of one writer (:meth:`Appender.transaction`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from caretwin.record.conflict import IdentityConflictError
from caretwin.record.entry import Batch, Derived, Entry, Event, Link, Observation, Receipt, Remapped, SubjectRef
from caretwin.record.store.batch_rows import BatchRows
from caretwin.record.store.connection import Connection
from caretwin.record.store.pending import Pending
from caretwin.record.store.series import SeriesBook, SeriesName
from caretwin.record.store.subjects import SubjectBook
from caretwin.record.store.versions import Claim, Version, claim, claim_anew, recall

May: TypeAlias = Callable[[int, Sequence[str]], object]
"""Raises where the subjects (their keys) of a batch (its place in the group) may not be written about."""


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

    def append(self, batches: Sequence[Batch], may: May) -> list[Receipt]:
        """What becomes of each batch when the transaction that is open is committed.

        may  is asked of every batch, with the keys of its subjects as they were before it; what it raises ends it all
        Raises KeyError for a subject key that the record does not have, and IdentityConflictError for an entry whose
        identifiers are those of several subjects.
        """
        pending = self._begin()
        links = self._resolve(batches, pending, may)
        claims = [[self._claim(entry) for entry in batch.entries] for batch in batches]
        known = recall(self.connection, (one for several in claims for one in several if one is not None))
        receipts = []
        for batch, claimed in zip(batches, claims, strict=True):
            rows = BatchRows(batch, pending.next(), pending, known)
            receipts.append(self._write(rows, claimed, links))
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

    def _resolve(self, batches: Sequence[Batch], pending: Pending, may: May) -> dict[int, int]:
        """Find or make all subjects and series of the batches; the sequence numbers of links, by identity."""
        links: dict[int, int] = {}
        self._subjects.recall(ref for batch in batches for entry in batch.entries for ref in _refs(entry))
        for number, batch in enumerate(batches):
            concerned: dict[str, None] = {}
            for entry in batch.entries:
                for ref in _refs(entry):
                    concerned[self._subjects.key(self._subjects.find(ref, batch.received, pending))] = None
                if isinstance(entry, Link) and not self._subjects.contradicts(entry):
                    # before series are found: what follows is the survivor's
                    links[id(entry)] = self._subjects.link(entry, batch.received, pending)
                    self._erasures += links[id(entry)] > 0
            may(number, tuple(concerned))
            self._refuse_contradictions(batch, links)
        if links:  # the series of the merged are looked up with those of the survivor
            self._series.forget()
        observations = (entry for batch in batches for entry in batch.entries if isinstance(entry, Observation))
        self._series.find((self._name(entry) for entry in observations), self._subjects.family)
        return links

    def _refuse_contradictions(self, batch: Batch, links: Mapping[int, int]) -> None:
        """Raises IdentityConflictError for entries whose identifiers are those of several subjects, after all merges of
        the batch: a message may tell the merge that explains its numbers.
        """
        conflicts = {
            place: _refs(entry)
            for place, entry in enumerate(batch.entries)
            if (id(entry) not in links if isinstance(entry, Link) else self._subjects.several(entry.subject))
        }
        if conflicts:
            refs = (ref for several in conflicts.values() for ref in several if isinstance(ref, SubjectRef))
            systems = {identifier.system for ref in refs for identifier in ref.identifiers}
            raise IdentityConflictError(tuple(conflicts), sorted(systems))

    def _name(self, entry: Observation) -> SeriesName:
        """Its series; what is remapped stays with the key under which it came, in case the two are parted."""
        number = self._subjects.place if isinstance(entry, Remapped) else self._subjects.number
        return SeriesName(number(entry.subject), entry.code, entry.unit, entry.source)

    def _claim(self, entry: Entry) -> Claim | None:
        """What an entry claims; None for one that has no versions."""
        if not isinstance(entry, Observation | Event):
            return None
        family = self._subjects.family(self._subjects.number(entry.subject))
        if isinstance(entry, Event):
            return claim(entry, [-member for member in family])
        numbers = self._series.numbers(self._name(entry), family)
        return claim_anew(entry, numbers) if isinstance(entry, Remapped) else claim(entry, numbers)

    def _write(self, rows: BatchRows, claims: Sequence[Claim | None], links: dict[int, int]) -> Receipt:
        sequences, gone = list[int](), list[int]()
        repeats, changed = list[int](), list[tuple[str, int]]()
        for place, (entry, claimed) in enumerate(zip(rows.batch.entries, claims, strict=True)):
            if isinstance(entry, Link):
                sequences.append(links[id(entry)])
            elif isinstance(entry, Derived):
                sequences.append(rows.derive(entry, self._subjects.number(entry.subject)))
            elif claimed is not None:
                if isinstance(entry, Remapped):
                    sequence, verdict = rows.keep_anew(entry, claimed, self._has_ended)
                else:
                    sequence, verdict = rows.keep(entry, claimed)
                sequences.append(sequence)
                repeats += [place] if verdict.repeats is not None else []
                if verdict.superseded:
                    ended = {one.sequence for one in verdict.superseded if one.held}
                    gone += sorted(ended)
                    changed += self._changed(rows.earlier(claimed), ended - {sequence})
        rows.close(len(repeats))
        subjects = tuple(self._subjects.key(self._subjects.number(entry.subject)) for entry in rows.batch.entries)
        return Receipt(
            tuple(sequences), len(repeats), len(changed), subjects, tuple(gone), tuple(repeats), tuple(changed)
        )

    def _has_ended(self, sequence: int) -> bool:
        """Whether an observation holds no more; one that is gone does not either."""
        rows = self.connection.query("SELECT series FROM observation WHERE sequence = ?", [sequence])
        place = [rows[0][0], sequence] if rows else []
        ended = "SELECT 1 FROM superseded WHERE place = ? AND sequence = ? LIMIT 1"
        return not rows or bool(self.connection.query(ended, place))

    def _changed(self, versions: Sequence[Version], ended: Collection[int]) -> list[tuple[str, int]]:
        """Whose past changes, and from when: subject and effective time of the versions that ended."""
        return [
            (self._subjects.key(self._subjects.root(self._owner(old.place))), old.effective)
            for old in versions
            if old.sequence in ended
        ]

    def _owner(self, place: int) -> int:
        """The subject of a place."""
        if place < 0:
            return -place
        return int(self.connection.query("SELECT subject FROM series WHERE id = ?", [place])[0][0])


def _refs(entry: Entry) -> tuple[str | SubjectRef, ...]:
    return (entry.subject, entry.other) if isinstance(entry, Link) else (entry.subject,)
