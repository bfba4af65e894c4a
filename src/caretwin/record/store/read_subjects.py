"""Reading who is in the record, and by which identifiers."""

from __future__ import annotations

from typing import NamedTuple

from caretwin.record.entry import Identifier
from caretwin.record.store.as_of import ALWAYS
from caretwin.record.store.connection import Connection

HOLDS = "NOT EXISTS (SELECT 1 FROM parted p WHERE p.undone = m.sequence AND p.received <= ?)"
"""Of a merge ``m``: whether nobody had parted the two at a time (us)."""
_TOUCHED = "touched by erasure, subject "
LAST = (
    "NOT EXISTS (SELECT 1 FROM identifier l WHERE l.system = i.system AND l.value = i.value"
    " AND l.sequence > i.sequence AND l.subject <> i.subject)"
)
"""Of a row ``i`` of an identifier: whether it leads nowhere else since."""


def numbers(connection: Connection, key: str, as_of: int = ALWAYS) -> list[int]:
    """Numbers of a subject and of those known at ``as_of`` to be the same; empty where there is no such subject."""
    found = [row[0] for row in connection.query("SELECT id FROM subject WHERE key = ?", [key])]
    for number in found:  # grows while it is read: merges of merges
        rows = connection.query(
            f"SELECT DISTINCT m.subject FROM merged m WHERE m.into_subject = ? AND m.received <= ? AND {HOLDS}",
            [number, as_of, as_of],
        )
        found += [row[0] for row in rows if row[0] not in found]
    return found


def person(connection: Connection, key: str) -> list[int]:
    """Numbers of all keys of a person, whichever of them is asked for; empty where there is no such subject."""
    found = [row[0] for row in connection.query("SELECT id FROM subject WHERE key = ?", [key])]
    for number in found:  # grows while it is read, up to whom it was merged into and down again
        rows = connection.query(
            f"SELECT m.subject, m.into_subject FROM merged m WHERE ? IN (m.subject, m.into_subject) AND {HOLDS}",
            [number, ALWAYS],
        )
        found += [one for one in dict.fromkeys(one for row in rows for one in row) if one not in found]
    return found


class Extent(NamedTuple):
    """How many values and events there are, corrected ones too, and the first effective time (us; None: nothing)."""

    values: int
    events: int
    first: int | None


def extent(connection: Connection, key: str) -> Extent:
    """How much there is about a person, under whichever of the person's keys."""
    counts, firsts = [0, 0], list[int]()
    asked = (
        "SELECT count(*), min(effective) FROM observation WHERE series IN (SELECT id FROM series WHERE subject = ?)",
        "SELECT count(*), min(effective) FROM event WHERE subject = ?",
    )
    for number in person(connection, key):
        for place, sql in enumerate(asked):
            count, first = connection.query(sql, [number])[0]
            counts[place] += int(count)
            firsts += [] if first is None else [int(first)]
    return Extent(counts[0], counts[1], min(firsts, default=None))


def keys(connection: Connection) -> list[tuple[str, str, int]]:
    """Key, kind and first received time of every subject that was not merged into another."""
    rows = connection.query(
        "SELECT key, kind, received FROM subject"
        f" WHERE id NOT IN (SELECT m.subject FROM merged m WHERE {HOLDS}) ORDER BY id",
        [ALWAYS],
    )
    return [(row[0], row[1], row[2]) for row in rows]


def key_of(connection: Connection, identifier: Identifier) -> str | None:
    """The subject of an identifier, None where it is unknown."""
    rows = connection.query(
        "SELECT s.key FROM identifier i JOIN subject s ON s.id = i.subject WHERE i.system = ? AND i.value = ?"
        " ORDER BY i.sequence DESC LIMIT 1",
        [identifier.system, identifier.value],
    )
    return str(rows[0][0]) if rows else None


def identifiers(connection: Connection, key: str) -> list[Identifier]:
    """By what a subject is known."""
    rows = connection.among(
        f"SELECT DISTINCT i.system, i.value FROM identifier i WHERE i.subject IN ? AND {LAST}"
        " ORDER BY i.system, i.value",
        numbers(connection, key),
    )
    return [Identifier(*row) for row in rows]


def merges(connection: Connection, as_of: int = ALWAYS) -> dict[str, tuple[str, ...]]:
    """Who was merged into whom: keys of subjects by the key of the one that they became, in order, as known then."""
    found: dict[str, tuple[str, ...]] = {}
    for other, one in connection.query(
        "SELECT a.key, b.key FROM merged m JOIN subject a ON a.id = m.subject"
        " JOIN subject b ON b.id = m.into_subject WHERE m.received <= ? AND " + HOLDS + " ORDER BY m.sequence",
        [as_of, as_of],
    ):
        found[one] = (*found.get(one, ()), other)
    return found


def touch(connection: Connection, number: int) -> None:
    """Note that an erasure which is under way takes something from somebody else's places: of what it was made, nothing
    tells any more.
    """
    untouch(connection, number)
    count = connection.query("SELECT erasures + 1 FROM counter")[0][0]
    connection.query("INSERT INTO meta VALUES (?, ?)", [f"{_TOUCHED}{number}", str(count)])


def untouch(connection: Connection, number: int) -> None:
    """Forget that."""
    connection.query("DELETE FROM meta WHERE name = ?", [f"{_TOUCHED}{number}"])


def wholes(connection: Connection) -> dict[str, tuple[int, ...]]:
    """Of what each person is made: by the key of everybody who was not merged into another, the first sequence numbers
    of all who are that person now, merges of merges too; below zero, of which erasures took something from them.

    Sequence numbers are never given twice: who was erased and came again under the same key is another.
    """
    firsts = {
        row[0]: (str(row[1]), int(row[2]))
        for row in connection.query(
            "SELECT s.id, s.key, min(i.sequence) FROM subject s JOIN identifier i ON i.subject = s.id"
            " GROUP BY s.id, s.key"
        )
    }
    into = {
        row[0]: row[1]
        for row in connection.query(
            f"SELECT m.subject, m.into_subject FROM merged m WHERE {HOLDS} ORDER BY m.sequence", [ALWAYS]
        )
    }
    told = connection.query("SELECT name, value FROM meta WHERE name LIKE ?", [f"{_TOUCHED}%"])
    taken = {int(name.removeprefix(_TOUCHED)): -int(value) for name, value in told}
    found: dict[str, list[int]] = {}
    for number, (_, first) in firsts.items():
        root, seen = number, {number}
        while root in into and into[root] not in seen:
            root = into[root]
            seen.add(root)
        if root in firsts:
            found.setdefault(firsts[root][0], []).extend([first, *([taken[number]] if number in taken else [])])
    return {key: tuple(sorted(of)) for key, of in found.items()}
