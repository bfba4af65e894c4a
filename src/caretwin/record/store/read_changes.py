"""Reading what is new since a sequence number, for whoever was away."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from caretwin.record.bedside import Quality
from caretwin.record.entry import Status, Stored
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


def _root(key: str, into: Mapping[str, str]) -> str:
    seen: set[str] = set()
    while key in into and key not in seen:
        seen.add(key)
        key = into[key]
    return key


def _widen(found: dict[str, tuple[int, int]], key: str, effective: int, last: int) -> None:
    known = found.get(key, (effective, last))
    found[key] = (min(known[0], effective), max(known[1], last))
