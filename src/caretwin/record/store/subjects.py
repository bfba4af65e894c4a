"""Whom entries are about: identifiers find or make a subject, and merges make one of two.

What is remembered here are only numbers that never change within one count of erasures and merges; when that count
moves, in whatever process, all of it is forgotten (:meth:`SubjectBook.forget`).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from caretwin.record.entry import KIND_LETTERS, Identifier, Link, SubjectRef
from caretwin.record.store.as_of import ALWAYS
from caretwin.record.store.connection import Connection
from caretwin.record.store.pending import Pending
from caretwin.record.store.read_subjects import HOLDS, LAST

_NEXT = (
    "1 + max(a) FROM (SELECT coalesce(max(id), 0) AS a FROM subject UNION SELECT coalesce(max(subject), 0) FROM merged"
    " UNION SELECT coalesce(max(into_subject), 0) FROM merged) AS used"
)
"""The next number of a subject: not that of somebody erased, of whom a merge of others still knows."""


class SubjectBook:
    """Numbers and keys of subjects, for one writer.

    salt  makes subject keys of this record from identifiers: whoever sees a key cannot tell the number behind it
    """

    def __init__(self, connection: Connection, salt: str) -> None:
        self._connection, self._salt = connection, salt
        self.forget()

    def forget(self) -> None:
        """Drop what is remembered: after a transaction that failed, and after an erasure or a merge elsewhere."""
        self._by_identifier: dict[Identifier, int] = {}
        self._keys: dict[int, str] = {}
        self._by_key: dict[str, int] = {}
        self._into: dict[int, int] | None = None

    def recall(self, refs: Iterable[str | SubjectRef]) -> None:
        """Look up the identifiers of many subjects at once."""
        wanted = {
            identifier
            for ref in refs
            if isinstance(ref, SubjectRef)
            for identifier in ref.identifiers
            if identifier not in self._by_identifier
        }
        found = self._connection.among(
            "SELECT system, value, subject FROM identifier WHERE value IN ? ORDER BY sequence",
            sorted({identifier.value for identifier in wanted}),
        )
        self._by_identifier |= {Identifier(system, value): subject for system, value, subject in found}

    def number(self, ref: str | SubjectRef) -> int:
        """Number of a subject that :meth:`find` has found before. Raises KeyError for an unknown key."""
        return self._of_key(ref) if isinstance(ref, str) else self._by_identifier[ref.identifiers[0]]

    def place(self, ref: str | SubjectRef) -> int:
        """As :meth:`number`, of a key the number that is its own: also where it was merged into another."""
        return self._own(ref) if isinstance(ref, str) else self.number(ref)

    def find(self, ref: str | SubjectRef, received: int, pending: Pending) -> int:
        """Number of a subject; a new one is made for identifiers that are all unknown.

        Raises KeyError for a key that the record does not have.
        """
        if isinstance(ref, str):
            return self._of_key(ref)
        known = [self._by_identifier[i] for i in ref.identifiers if i in self._by_identifier]
        number = known[0] if known else self._make(ref, received)
        for identifier in ref.identifiers:
            if identifier not in self._by_identifier:
                self._by_identifier[identifier] = number
                pending.rows["identifier"].append((*identifier, pending.next(), number, received))
        return number

    def key(self, number: int) -> str:
        """Key of a subject's number."""
        if number not in self._keys:
            rows = self._connection.query("SELECT key FROM subject WHERE id = ?", [number])
            self._keys[number] = str(rows[0][0])
        return self._keys[number]

    def root(self, number: int) -> int:
        """Whom a subject was merged into, at the end of all merges."""
        into, seen = self._merges(), {number}
        while number in into and into[number] not in seen:
            number = into[number]
            seen.add(number)
        return number

    def family(self, number: int) -> list[int]:
        """All who are one with a subject, the one that they became first."""
        found = [self.root(number)]
        if not self._merges():
            return found
        for one in found:  # grows while it is read: merges of merges
            found += [other for other, into in self._merges().items() if into == one and other not in found]
        return found

    def _merges(self) -> dict[int, int]:
        """Who was merged into whom: few, so all are remembered."""
        if self._into is None:
            rows = self._connection.query(
                f"SELECT m.subject, m.into_subject FROM merged m WHERE {HOLDS} ORDER BY m.sequence", [ALWAYS]
            )
            self._into = {subject: into for subject, into in rows}
        return self._into

    def several(self, ref: str | SubjectRef) -> bool:
        """Whether identifiers that were found are of several subjects."""
        if isinstance(ref, str) or len({self._by_identifier[one] for one in ref.identifiers}) == 1:
            return False
        return len(self._roots(ref)) > 1

    def contradicts(self, entry: Link) -> bool:
        """Whether a merge names more than two subjects: which of them are one, nobody can tell; and whether a sender
        merges again, by name, those whom somebody parted.
        """
        if len({*self._roots(entry.subject), *self._roots(entry.other)}) > 2:
            return True
        return not (entry.alone or entry.agreeing) and self._kept_apart(entry)

    def _kept_apart(self, entry: Link) -> bool:
        """Whether somebody parted the two, and this is no word of somebody who knows that."""
        if entry.again:
            return False
        one, other = (set(self.family(number)) for number in self._ends(entry))
        pairs = self._connection.query(
            "SELECT m.subject, m.into_subject FROM parted p JOIN merged m ON m.sequence = p.undone"
        )
        return one != other and any((a in one and b in other) or (a in other and b in one) for a, b in pairs)

    def _roots(self, ref: SubjectRef) -> list[int]:
        """The subjects whom identifiers name, each once, in the order of the identifiers."""
        return list(dict.fromkeys(self.root(self._by_identifier[identifier]) for identifier in ref.identifiers))

    def _ends(self, entry: Link) -> tuple[int, int]:
        """Who stays and who goes; the same twice where they are one. Either list may hold the other's number too."""
        kept, gone = self._roots(entry.subject), self._roots(entry.other)
        one = next((number for number in kept if number not in gone), kept[0])
        return one, next((number for number in (*gone, *kept) if number != one), one)

    def link(self, entry: Link, received: int, pending: Pending) -> int:
        """The other subject is the one from now on: all that it was known by leads to the survivor.

        Other processes are told to drop what they remember, and checkpoints of both end: each is of half a person.
        Returns the sequence number of the merge, 0 where they were one already, and where the link does not hold: what
        it asks of them (``alone``, ``agreeing``) is not so, or somebody parted them.
        """
        one, other = self._ends(entry)
        if one == other or self._kept_apart(entry):
            return 0
        query = self._connection.query
        known = self._known(other, pending) | set(entry.other.identifiers)
        if entry.alone and known != set(entry.other.identifiers):
            return 0
        if entry.agreeing and _differ(self._known(one, pending), known):
            return 0
        sequence = pending.next()
        self._merges()[other] = one
        query("INSERT INTO merged VALUES (?, ?, ?, ?, ?)", [sequence, other, one, received, entry.source])
        for identifier in sorted(known):
            self._by_identifier[identifier] = one
            pending.rows["identifier"].append((*identifier, pending.next(), one, received))
        for number in (one, other):
            query("DELETE FROM checkpoint WHERE subject = ?", [number])
        query("UPDATE counter SET erasures = erasures + 1")
        return sequence

    def _known(self, number: int, pending: Pending) -> set[Identifier]:
        """By what a subject is known, with what this transaction tells."""
        rows = self._connection.query(
            f"SELECT DISTINCT i.system, i.value FROM identifier i WHERE i.subject = ? AND {LAST}", [number]
        )
        rows += [row[:2] for row in pending.rows["identifier"] if row[3] == number]
        return {Identifier(*row) for row in rows}

    def _of_key(self, key: str) -> int:
        return self.root(self._own(key))  # a merge of this very moment counts

    def _own(self, key: str) -> int:
        if key not in self._by_key:
            rows = self._connection.query("SELECT id FROM subject WHERE key = ?", [key])
            if not rows:
                raise KeyError(f"no subject {key!r} in this record")
            self._by_key[key] = int(rows[0][0])
        return self._by_key[key]

    def _make(self, ref: SubjectRef, received: int) -> int:
        """A subject whose key follows from its identifiers, whichever message came first."""
        first = min(ref.identifiers)
        digest = blake2b(f"{self._salt}\x00{first.system}\x00{first.value}".encode(), digest_size=8).hexdigest()
        key = f"{KIND_LETTERS[ref.kind]}{digest}"
        number = int(self._connection.query(f"SELECT {_NEXT}")[0][0])
        self._connection.query("INSERT INTO subject VALUES (?, ?, ?, ?)", [number, key, ref.kind, received])
        self._keys[number], self._by_key[key] = key, number
        return number


def _differ(one: set[Identifier], other: set[Identifier]) -> bool:
    """Whether somebody who gives numbers gave both, and none of them alike."""
    numbers: dict[str, tuple[set[str], set[str]]] = {}
    for side, identifiers in enumerate((one, other)):
        for identifier in identifiers:
            numbers.setdefault(identifier.system, (set(), set()))[side].add(identifier.value)
    return any(mine and theirs and not mine & theirs for mine, theirs in numbers.values())
