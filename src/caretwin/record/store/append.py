"""Writing batches: subjects and series get their numbers, duplicates are recognised, versions replace one another.

Everything here happens inside one transaction of one writer (:meth:`Appender.transaction`); what is remembered
between transactions are only numbers that never change, and it is dropped when another process erased a subject.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b

import orjson

from caretwin.record.entry import (
    KIND_LETTERS,
    Batch,
    Derived,
    Entry,
    Event,
    Identifier,
    Link,
    Observation,
    Receipt,
    SubjectRef,
)
from caretwin.record.store.connection import Connection, Row
from caretwin.record.store.versions import Version, content, judge, origin

_TABLES = {
    "observation": ("series", "effective", "sequence", "received", "value", "quality", "status", "intake", "note"),
    "event": (
        "sequence", "subject", "kind", "source", "effective", "stop", "received", "status", "intake", "body",
    ),
    "derived": ("sequence", "subject", "kind", "at", "received", "about", "intake", "body", "provenance"),
    "version": ("origin", "sequence", "place", "effective", "version", "status", "content"),
    "superseded": ("place", "sequence", "by_sequence", "received"),
    "intake": ("id", "received", "actor", "message", "entries", "duplicates"),
    "identifier": ("system", "value", "sequence", "subject", "received"),
}  # fmt: skip


@dataclass
class _Pending:
    """Rows of a transaction, by table, and the versions that it makes."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {table: [] for table in _TABLES})
    versions: dict[bytes, list[Version]] = field(default_factory=dict)
    links: dict[int, int] = field(default_factory=dict)


class Appender:
    """Writes batches through one connection.

    salt  makes subject keys of this record from identifiers: whoever sees a key cannot tell the number behind it
    """

    def __init__(self, connection: Connection, salt: str) -> None:
        self.connection, self.salt = connection, salt
        self._subjects: dict[Identifier, int] = {}
        self._keys: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._series: dict[tuple[int, str, str, str], int] = {}
        self._erasures = -1
        self._sequence = 0

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
        self._begin()
        pending = _Pending()
        self._resolve(batches, pending)
        self._recall(batches, pending)
        receipts = [self._write(batch, pending) for batch in batches]
        for table, rows in pending.rows.items():
            if rows:
                self.connection.insert(table, _TABLES[table], rows)
        self.connection.query("UPDATE counter SET sequence = ?", [self._sequence])
        return receipts

    def forget(self) -> None:
        """Drop what is remembered: after a transaction that failed, and after an erasure."""
        self._subjects, self._keys, self._numbers, self._series = {}, {}, {}, {}

    def _begin(self) -> None:
        self._sequence, erasures = self.connection.query("SELECT sequence, erasures FROM counter")[0]
        if erasures != self._erasures:
            self.forget()
            self._erasures = erasures

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    # subjects and series -------------------------------------------------------------------------------------------

    def _resolve(self, batches: Sequence[Batch], pending: _Pending) -> None:
        """Numbers of all subjects and series of the batches, new ones made."""
        wanted = {
            identifier
            for batch in batches
            for entry in batch.entries
            for ref in _refs(entry)
            if isinstance(ref, SubjectRef)
            for identifier in ref.identifiers
            if identifier not in self._subjects
        }
        found = self.connection.among(
            "SELECT system, value, subject FROM identifier WHERE value IN ? ORDER BY sequence",
            sorted({identifier.value for identifier in wanted}),
        )
        self._subjects |= {Identifier(system, value): subject for system, value, subject in found}
        for batch in batches:
            for entry in batch.entries:
                for ref in _refs(entry):
                    self._subject(ref, batch.received, pending)
                if isinstance(entry, Link):  # before series are found: what follows is the survivor's
                    pending.links[id(entry)] = self._link(entry, batch.received, pending)
        self._find_series(batches)

    def _subject(self, ref: str | SubjectRef, received: int, pending: _Pending) -> int:
        """Number of a subject; a new one is made for identifiers that are all unknown."""
        if isinstance(ref, str):
            return self._of_key(ref)
        known = [self._subjects[i] for i in ref.identifiers if i in self._subjects]
        number = known[0] if known else self._new_subject(ref, received)
        for identifier in ref.identifiers:
            if identifier not in self._subjects:
                self._subjects[identifier] = number
                pending.rows["identifier"].append((*identifier, self._next(), number, received))
        return number

    def _of_key(self, key: str) -> int:
        if key not in self._numbers:
            rows = self.connection.query("SELECT id FROM subject WHERE key = ?", [key])
            if not rows:
                raise KeyError(f"no subject {key!r} in this record")
            self._numbers[key] = self._root(int(rows[0][0]))
        return self._numbers[key]

    def _new_subject(self, ref: SubjectRef, received: int) -> int:
        """A subject whose key follows from its identifiers, whichever message came first."""
        first = min(ref.identifiers)
        digest = blake2b(f"{self.salt}\x00{first.system}\x00{first.value}".encode(), digest_size=8).hexdigest()
        key = f"{KIND_LETTERS[ref.kind]}{digest}"
        number = int(self.connection.query("SELECT coalesce(max(id), 0) + 1 FROM subject")[0][0])
        self.connection.query("INSERT INTO subject VALUES (?, ?, ?, ?)", [number, key, ref.kind, received])
        self._keys[number], self._numbers[key] = key, number
        return number

    def key(self, number: int) -> str:
        """Key of a subject's number."""
        if number not in self._keys:
            self._keys[number] = str(self.connection.query("SELECT key FROM subject WHERE id = ?", [number])[0][0])
        return self._keys[number]

    def _number(self, ref: str | SubjectRef) -> int:
        return self._of_key(ref) if isinstance(ref, str) else self._subjects[ref.identifiers[0]]

    def _find_series(self, batches: Sequence[Batch]) -> None:
        wanted = {
            (self._number(entry.subject), entry.code, entry.unit, entry.source)
            for batch in batches
            for entry in batch.entries
            if isinstance(entry, Observation)
        }
        missing = sorted(wanted - self._series.keys())
        if not missing:
            return
        rows = self.connection.among(
            "SELECT subject, code, unit, source, id FROM series WHERE subject IN ?", sorted({m[0] for m in missing})
        )
        self._series |= {row[:4]: row[4] for row in rows}
        new = [one for one in missing if one not in self._series]
        if new:
            start = int(self.connection.query("SELECT coalesce(max(id), 0) + 1 FROM series")[0][0])
            made = [(start + i, *one) for i, one in enumerate(new)]
            self.connection.insert("series", ("id", "subject", "code", "unit", "source"), made)
            self._series |= {row[1:]: row[0] for row in made}

    # entries -------------------------------------------------------------------------------------------------------

    def _place(self, entry: Observation | Event) -> int:
        number = self._number(entry.subject)
        return -number if isinstance(entry, Event) else self._series[number, entry.code, entry.unit, entry.source]

    def _recall(self, batches: Sequence[Batch], pending: _Pending) -> None:
        """The versions that the record has of what the batches name."""
        origins = {
            origin(entry, self._place(entry))
            for batch in batches
            for entry in batch.entries
            if isinstance(entry, Observation | Event)
        }
        sql = "SELECT origin, sequence, place, effective, version, status, content FROM version WHERE origin IN ?"
        for row in self.connection.among(sql, sorted(origins)):
            pending.versions.setdefault(bytes(row[0]), []).append(Version(*row[1:6], bytes(row[6])))

    def _write(self, batch: Batch, pending: _Pending) -> Receipt:
        intake, sequences, gone = self._next(), list[int](), list[int]()
        repeats, changed = list[int](), list[tuple[str, int]]()
        for place, entry in enumerate(batch.entries):
            if isinstance(entry, Link):
                sequences.append(pending.links[id(entry)])
                continue
            if isinstance(entry, Derived):
                sequences.append(self._derive(entry, batch.received, intake, pending))
                continue
            sequence, verdict = self._keep(entry, batch.received, intake, pending)
            sequences.append(sequence)
            repeats += [place] if verdict.repeats is not None else []
            gone += [old for _, old in verdict.supersedes]
            changed += self._changed(entry, verdict, pending)
            gone += [sequence] if verdict.superseded_by is not None else []
        row = (intake, batch.received, batch.actor, batch.message, len(batch.entries), len(repeats))
        pending.rows["intake"].append(row)
        subjects = tuple(self.key(self._number(entry.subject)) for entry in batch.entries)
        replaced = len(changed)
        return Receipt(tuple(sequences), len(repeats), replaced, subjects, tuple(gone), tuple(repeats), tuple(changed))

    def _changed(self, entry: Observation | Event, verdict: Verdict, pending: _Pending) -> list[tuple[str, int]]:
        """Whose past an entry changes, and from when: subject and effective time of what it supersedes."""
        old = (
            {version.sequence: version for known in pending.versions.values() for version in known}
            if (verdict.supersedes)
            else {}
        )
        found = []
        for place, sequence in verdict.supersedes:
            rows = self.connection.query("SELECT subject FROM series WHERE id = ?", [place]) if place > 0 else []
            number = int(rows[0][0]) if rows else -place if place < 0 else self._number(entry.subject)
            found.append((self.key(self._root(number)), old[sequence].effective))
        return found

    def _keep(self, entry: Observation | Event, received: int, intake: int, pending: _Pending) -> tuple[int, bool, int]:
        """Sequence number, whether it was known, and how many entries it replaces."""
        place = self._place(entry)
        name = origin(entry, place)
        known = pending.versions.setdefault(name, [])
        version = Version(
            self._sequence + 1, place, entry.effective, entry.version, int(entry.status), content(entry, place)
        )
        verdict = judge(version, known, bool(entry.source_id))
        if verdict.repeats is not None:
            return verdict.repeats, verdict
        sequence = self._next()
        known.append(version)
        pending.rows["version"].append((name, *version))
        superseded = pending.rows["superseded"]
        superseded += [(old, number, sequence, received) for old, number in verdict.supersedes]
        if verdict.superseded_by is not None:
            superseded.append((place, sequence, verdict.superseded_by, received))
        pending.rows["observation" if isinstance(entry, Observation) else "event"].append(
            _row(entry, place, sequence, received, intake)
        )
        return sequence, verdict

    def _derive(self, entry: Derived, received: int, intake: int, pending: _Pending) -> int:
        sequence = self._next()
        body, provenance = (orjson.dumps(part).decode() for part in (entry.body, entry.provenance))
        number = self._number(entry.subject)
        pending.rows["derived"].append(
            (sequence, number, entry.kind, entry.at, received, entry.about, intake, body, provenance)
        )
        return sequence

    def _link(self, entry: Link, received: int, pending: _Pending) -> int:
        """The other subject is the one from now on: all that it was known by leads to the survivor.

        Other processes are told to drop what they remember, and checkpoints of both end: each is of half a person.
        """
        one, other = self._root(self._number(entry.subject)), self._root(self._number(entry.other))
        if one == other:
            return 0
        sequence = self._next()
        query = self.connection.query
        query("INSERT INTO merged VALUES (?, ?, ?, ?, ?)", [sequence, other, one, received, entry.source])
        rows = query("SELECT DISTINCT system, value FROM identifier WHERE subject = ?", [other])
        known = {Identifier(*row) for row in rows} | set(entry.other.identifiers)
        for identifier in sorted(known):
            self._subjects[identifier] = one
            pending.rows["identifier"].append((*identifier, self._next(), one, received))
        for number in (one, other):
            query("DELETE FROM checkpoint WHERE subject = ?", [number])
        query("UPDATE counter SET erasures = erasures + 1")
        self._erasures += 1
        return sequence

    def _root(self, number: int) -> int:
        """Whom a subject was merged into, at the end of all merges."""
        seen = {number}
        while True:
            rows = self.connection.query(
                "SELECT into_subject FROM merged WHERE subject = ? ORDER BY sequence DESC LIMIT 1", [number]
            )
            if not rows or rows[0][0] in seen:
                return number
            number = int(rows[0][0])
            seen.add(number)


def _refs(entry: Entry) -> tuple[str | SubjectRef, ...]:
    return (entry.subject, entry.other) if isinstance(entry, Link) else (entry.subject,)


def _row(entry: Observation | Event, place: int, sequence: int, received: int, intake: int) -> Row:
    if isinstance(entry, Observation):
        note = orjson.dumps(entry.note).decode() if entry.note else None
        said = (entry.value, int(entry.quality), int(entry.status))
        return (place, entry.effective, sequence, received, *said, intake, note)
    body = orjson.dumps(entry.body).decode()
    when = (entry.effective, entry.stop, received)
    return (sequence, -place, entry.kind, entry.source, *when, int(entry.status), intake, body)
