"""Reading what is new since a sequence number, for whoever was away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import NamedTuple

import orjson

from caretwin.record.bedside import Quality
from caretwin.record.entry import Status, Stored, StoredEvent
from caretwin.record.store.as_of import ALWAYS
from caretwin.record.store.connection import Connection, Row
from caretwin.record.store.read_observations import note_of
from caretwin.record.store.read_subjects import merges


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
    return [_stored(row) for row in rows]


def _stored(row: Row) -> Stored:
    sequence, key, code, unit, source, *rest = row
    effective, received, value, status, quality, note = rest
    known = (effective, received, value, Status(status), Quality(quality), note_of(note))
    return Stored(sequence, key, code, unit, source, *known)


class Gone(NamedTuple):
    """What no longer holds: its sequence number, whose it was, and when it was true (us); None for an event."""

    sequence: int
    subject: str
    effective: int | None


class News(NamedTuple):
    """What came after a sequence number, and what ceased to hold.

    upto          sequence number up to which this is all there is; whole  whether there is nothing after it
    observations  that hold, in order; without retractions and versions that were superseded when they came
    events        of the kinds asked for, in order; retractions are among them, and say so
    """

    upto: int
    whole: bool
    observations: tuple[Stored, ...]
    events: tuple[StoredEvent, ...]
    gone: tuple[Gone, ...]


def newest(connection: Connection) -> int:
    """The last sequence number of the record."""
    return int(connection.query("SELECT sequence FROM counter")[0][0])


def news(connection: Connection, after: int, kinds: Collection[str], most: int = 10_000) -> News:
    """What is new since a sequence number, whoever wrote it, of all subjects: by the keys that they have now.

    most  about how many observations at once; the rest is after ``upto``
    """
    last = newest(connection)
    if last == after:
        return News(last, True, (), (), ())
    rows = connection.query(
        "SELECT o.sequence, u.key, s.code, s.unit, s.source, o.effective, o.received, o.value, o.status, o.quality,"
        " o.note, EXISTS (SELECT 1 FROM superseded g WHERE g.place = o.series AND g.sequence = o.sequence)"
        " FROM observation o JOIN series s ON s.id = o.series JOIN subject u ON u.id = s.subject"
        " WHERE o.sequence > ? ORDER BY o.sequence LIMIT ?",
        [after, most],
    )
    upto = last if len(rows) < most else int(rows[-1][0])
    into = _into(connection)
    observations = (_stored(row[:-1]) for row in rows if not row[-1] and row[8] != Status.RETRACTED)
    return News(
        upto,
        upto == last,
        tuple(one._replace(subject=_root(one.subject, into)) for one in observations),
        tuple(one._replace(subject=_root(one.subject, into)) for one in _events(connection, after, upto, kinds)),
        tuple(one._replace(subject=_root(one.subject, into)) for one in _gone(connection, after, upto)),
    )


def _events(connection: Connection, after: int, upto: int, kinds: Collection[str]) -> list[StoredEvent]:
    rows = connection.query(
        "SELECT e.sequence, u.key, e.kind, e.source, e.effective, e.stop, e.received, e.status, e.body"
        " FROM event e JOIN subject u ON u.id = e.subject WHERE e.sequence > ? AND e.sequence <= ?"
        " AND NOT EXISTS (SELECT 1 FROM superseded g WHERE g.place = -e.subject AND g.sequence = e.sequence)"
        " ORDER BY e.sequence",
        [after, upto],
    )
    return [
        StoredEvent(sequence, key, kind, source, begun, stop, received, Status(status), orjson.loads(body))
        for sequence, key, kind, source, begun, stop, received, status, body in rows
        if kind in kinds
    ]


def _gone(connection: Connection, after: int, upto: int) -> list[Gone]:
    of_observations = connection.query(
        "SELECT g.sequence, u.key, o.effective FROM superseded g JOIN observation o ON o.sequence = g.sequence"
        " JOIN series s ON s.id = o.series JOIN subject u ON u.id = s.subject"
        " WHERE g.by_sequence > ? AND g.by_sequence <= ?",
        [after, upto],
    )
    of_events = connection.query(
        "SELECT g.sequence, u.key FROM superseded g JOIN event e ON e.sequence = g.sequence"
        " JOIN subject u ON u.id = e.subject WHERE g.by_sequence > ? AND g.by_sequence <= ?",
        [after, upto],
    )
    found = [Gone(sequence, key, effective) for sequence, key, effective in of_observations]
    return found + [Gone(sequence, key, None) for sequence, key in of_events]


def _into(connection: Connection) -> dict[str, str]:
    """Who became whom."""
    return {other: one for one, others in merges(connection).items() for other in others}


def changed_since(connection: Connection, since: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Subjects of which observations came or ceased to hold after the sequence number that is given for each: (first
    effective time, last sequence number) of each that has any.
    """
    found: dict[str, tuple[int, int]] = {}
    into = _into(connection)
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


def _root(key: str, into: Mapping[str, str]) -> str:
    seen: set[str] = set()
    while key in into and key not in seen:
        seen.add(key)
        key = into[key]
    return key


def _widen(found: dict[str, tuple[int, int]], key: str, effective: int, last: int) -> None:
    known = found.get(key, (effective, last))
    found[key] = (min(known[0], effective), max(known[1], last))
