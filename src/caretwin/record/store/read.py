"""Reading the record as it was known at a time: what had been received by then, and had not been superseded by then."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
from jaxtyping import Float, Int

from caretwin.record.bedside import Quality
from caretwin.record.entry import Identifier, Status, Stored, StoredDerived, StoredEvent
from caretwin.record.store.connection import Connection, Row

ALWAYS = 2**62
"""us: later than any time that is received."""
NEVER = -(2**62)


@dataclass(frozen=True)
class SeriesData:
    """Observations of one series [n], in order of effective time and sequence; value NaN where there is none.

    effective, received [n] us; sequence [n]; quality, status [n]; note by row, where there is one
    """

    code: str
    unit: str
    source: str
    effective: Int[np.ndarray, " n"]
    received: Int[np.ndarray, " n"]
    value: Float[np.ndarray, " n"]
    quality: Int[np.ndarray, " n"]
    status: Int[np.ndarray, " n"]
    sequence: Int[np.ndarray, " n"]
    note: Mapping[int, Mapping[str, Any]]

    def __len__(self) -> int:
        return len(self.effective)


def numbers(connection: Connection, key: str, as_of: int = ALWAYS) -> list[int]:
    """Numbers of a subject and of those known at ``as_of`` to be the same; empty where there is no such subject."""
    found = [row[0] for row in connection.query("SELECT id FROM subject WHERE key = ?", [key])]
    for number in found:  # grows while it is read: merges of merges
        rows = connection.query("SELECT subject FROM merged WHERE into_subject = ? AND received <= ?", [number, as_of])
        found += [row[0] for row in rows if row[0] not in found]
    return found


def keys(connection: Connection) -> list[tuple[str, str, int]]:
    """Key, kind and first received time of every subject that was not merged into another."""
    rows = connection.query(
        "SELECT key, kind, received FROM subject WHERE id NOT IN (SELECT subject FROM merged) ORDER BY id"
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
        "SELECT DISTINCT system, value FROM identifier WHERE subject IN ? ORDER BY system, value",
        numbers(connection, key),
    )
    return [Identifier(*row) for row in rows]


def series(
    connection: Connection,
    key: str,
    codes: Collection[str] | None = None,
    start: int = NEVER,
    stop: int = ALWAYS,
    as_of: int = ALWAYS,
) -> list[SeriesData]:
    """Observations of a subject with effective times in [start, stop), as they were known at ``as_of`` (us).

    codes  which; None: all
    Retracted observations are not among them.
    """
    found = []
    for number, code, unit, source in _series_of(connection, key, codes, as_of):
        rows = connection.query(
            "SELECT effective, received, value, quality, status, sequence, note FROM observation"
            " WHERE series = ? AND effective >= ? AND effective < ? AND received <= ? ORDER BY effective, sequence",
            [number, start, stop, as_of],
        )
        gone = _superseded(connection, number, as_of)
        rows = [row for row in rows if row[5] not in gone and row[4] != Status.RETRACTED]
        if rows:
            found.append(_columns(code, unit, source, rows))
    return found


def latest(
    connection: Connection,
    key: str,
    codes: Collection[str] | None = None,
    as_of: int = ALWAYS,
    before: int = ALWAYS,
) -> list[Stored]:
    """The last observation of every series of a subject with an effective time below ``before``, as known at
    ``as_of`` (us).
    """
    found = []
    for number, code, unit, source in _series_of(connection, key, codes, as_of):
        gone = _superseded(connection, number, as_of)
        rows = connection.query(
            "SELECT sequence, effective, received, value, status, quality, note FROM observation"
            " WHERE series = ? AND received <= ? AND effective < ? AND status <> 3"
            " ORDER BY effective DESC, sequence DESC LIMIT ?",
            [number, as_of, before, 1 + len(gone)],
        )
        for sequence, effective, received, value, status, quality, note in rows:
            if sequence not in gone:
                known = (effective, received, value, Status(status), Quality(quality), _json(note))
                found.append(Stored(sequence, key, code, unit, source, *known))
                break
    return found


def held(connection: Connection, key: str, codes: Collection[str], before: int) -> list[Stored]:
    """The last usable observation of every order (``note["order"]``) of every series before an effective time; those
    without an order are one more.
    """
    named = "coalesce(note, '') LIKE '%\"order\":%'"
    found = []
    for number, code, unit, source in _series_of(connection, key, codes):
        gone = _superseded(connection, number, ALWAYS)
        sql = (
            "SELECT sequence, effective, received, value, status, quality, note FROM observation"
            " WHERE series = ? AND effective < ? AND status <> 3 AND quality <> 2"
        )
        last = " ORDER BY effective DESC, sequence DESC"
        unnamed = connection.query(f"{sql} AND NOT {named}{last} LIMIT ?", [number, before, 1 + len(gone)])
        first: dict[str, Row] = {}
        for row in (*unnamed, *connection.query(f"{sql} AND {named}{last}", [number, before])):
            if row[0] not in gone:
                first.setdefault(str(_json(row[6]).get("order", "")), row)
        found += [
            Stored(row[0], key, code, unit, source, *row[1:4], Status(row[4]), Quality(row[5]), _json(row[6]))
            for row in first.values()
        ]
    return found


def events(
    connection: Connection,
    key: str,
    kinds: Sequence[str] | None = None,
    start: int = NEVER,
    stop: int = ALWAYS,
    as_of: int = ALWAYS,
) -> list[StoredEvent]:
    """Events of a subject that began in [start, stop), as known at ``as_of``, in order of their beginning."""
    found = []
    for number in numbers(connection, key, as_of):
        gone = _superseded(connection, -number, as_of)
        rows = connection.query(
            "SELECT sequence, kind, source, effective, stop, received, status, body FROM event"
            " WHERE subject = ? AND effective >= ? AND effective < ? AND received <= ?",
            [number, start, stop, as_of],
        )
        found += [
            StoredEvent(row[0], key, row[1], row[2], row[3], row[4], row[5], Status(row[6]), orjson.loads(row[7]))
            for row in rows
            if row[0] not in gone and row[6] != Status.RETRACTED and (kinds is None or row[1] in kinds)
        ]
    return sorted(found, key=lambda event: (event.effective, event.sequence))


def derived(
    connection: Connection,
    key: str,
    kinds: Sequence[str] | None = None,
    start: int = NEVER,
    stop: int = ALWAYS,
    as_of: int = ALWAYS,
) -> list[StoredDerived]:
    """What was derived about a subject, speaking from a time in [start, stop), in order of that time."""
    rows = []
    for number in numbers(connection, key, as_of):
        rows += connection.query(
            "SELECT sequence, kind, at, received, about, body, provenance FROM derived"
            " WHERE subject = ? AND at >= ? AND at < ? AND received <= ?",
            [number, start, stop, as_of],
        )
    found = [
        StoredDerived(row[0], key, *row[1:5], orjson.loads(row[5]), orjson.loads(row[6]))
        for row in rows
        if kinds is None or row[1] in kinds
    ]
    return sorted(found, key=lambda one: (one.at, one.sequence))


def changes(connection: Connection, after: int, most: int = 10_000) -> list[Stored]:
    """Observations with sequence numbers above ``after``, in order, at most so many: for whoever was away.

    Retractions and versions that were superseded when they came are among them.
    """
    rows = connection.query(
        "SELECT o.sequence, u.key, s.code, s.unit, s.source, o.effective, o.received, o.value, o.status, o.quality,"
        " o.note"
        " FROM observation o JOIN series s ON s.id = o.series JOIN subject u ON u.id = s.subject"
        " WHERE o.sequence > ? ORDER BY o.sequence LIMIT ?",
        [after, most],
    )
    return [Stored(*row[:8], Status(row[8]), Quality(row[9]), _json(row[10])) for row in rows]


def _series_of(
    connection: Connection, key: str, codes: Collection[str] | None, as_of: int = ALWAYS
) -> list[tuple[int, str, str, str]]:
    rows = connection.among(
        "SELECT id, code, unit, source FROM series WHERE subject IN ? ORDER BY code, source, id",
        numbers(connection, key, as_of),
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows if codes is None or row[1] in codes]


def _superseded(connection: Connection, place: int, as_of: int) -> frozenset[int]:
    """Sequences of a place that no longer held at ``as_of``."""
    rows = connection.query("SELECT sequence FROM superseded WHERE place = ? AND received <= ?", [place, as_of])
    return frozenset(row[0] for row in rows)


def _columns(code: str, unit: str, source: str, rows: list[Row]) -> SeriesData:
    effective, received, value, quality, status, sequence, note = zip(*rows, strict=True)
    return SeriesData(
        code,
        unit,
        source,
        np.array(effective, dtype=np.int64),
        np.array(received, dtype=np.int64),
        np.array([np.nan if one is None else one for one in value], dtype=float),
        np.array(quality, dtype=np.int64),
        np.array(status, dtype=np.int64),
        np.array(sequence, dtype=np.int64),
        {i: orjson.loads(text) for i, text in enumerate(note) if text is not None},
    )


def _json(text: str | None) -> Mapping[str, Any]:
    return {} if text is None else orjson.loads(text)


def changed_since(connection: Connection, since: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Subjects of which observations came or ceased to hold after the sequence number that is given for each: (first
    effective time, last sequence number) of each that has any.
    """
    found: dict[str, tuple[int, int]] = {}
    into = {other: one for one, others in merges(connection).items() for other in others}
    marks = sorted(set(since.values()))
    for low, high in pairwise([*marks, ALWAYS]):
        rows = connection.query(
            "SELECT u.key, min(o.effective), max(o.sequence) FROM observation o JOIN series s ON s.id = o.series"
            " JOIN subject u ON u.id = s.subject WHERE o.sequence > ? AND o.sequence <= ? GROUP BY u.key",
            [low, high],
        )
        for key, effective, last in rows:
            root = _root(key, into)
            if since.get(root, ALWAYS) <= low:
                _widen(found, root, effective, last)
    if marks:
        rows = connection.query(
            "SELECT u.key, o.effective, g.by_sequence FROM superseded g"
            " JOIN observation o ON o.sequence = g.sequence JOIN series s ON s.id = o.series"
            " JOIN subject u ON u.id = s.subject WHERE g.by_sequence > ?",
            [marks[0]],
        )
        for key, effective, last in rows:
            root = _root(key, into)
            if since.get(root, ALWAYS) < last:
                _widen(found, root, effective, last)
    return found


def merges(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Who was merged into whom: keys of subjects by the key of the one that they became, in order."""
    found: dict[str, tuple[str, ...]] = {}
    for other, one in connection.query(
        "SELECT a.key, b.key FROM merged m JOIN subject a ON a.id = m.subject"
        " JOIN subject b ON b.id = m.into_subject ORDER BY m.sequence"
    ):
        found[one] = (*found.get(one, ()), other)
    return found


def _root(key: str, into: Mapping[str, str]) -> str:
    seen: set[str] = set()
    while key in into and key not in seen:
        seen.add(key)
        key = into[key]
    return key


def _widen(found: dict[str, tuple[int, int]], key: str, effective: int, last: int) -> None:
    known = found.get(key, (effective, last))
    found[key] = (min(known[0], effective), max(known[1], last))


def first_effective(connection: Connection, key: str, codes: Collection[str]) -> int | None:
    """The earliest time of any observation of these codes, None where there is none."""
    places = [row[0] for row in _series_of(connection, key, codes)]
    firsts = [
        row[0]
        for place in places
        for row in connection.query(
            "SELECT effective FROM observation WHERE series = ? AND status <> 3 AND quality <> 2"
            " AND sequence NOT IN (SELECT sequence FROM superseded WHERE place = ?) ORDER BY effective LIMIT 1",
            [place, place],
        )
    ]
    return min(firsts, default=None)
