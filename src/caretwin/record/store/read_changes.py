"""Reading what is new since a sequence number, for whoever was away."""

from __future__ import annotations

import orjson

from caretwin.record.bedside import Quality
from caretwin.record.entry import Status, Stored
from caretwin.record.store.connection import Connection


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
    return [
        Stored(*row[:8], Status(row[8]), Quality(row[9]), {} if row[10] is None else orjson.loads(row[10]))
        for row in rows
    ]


def changed_since(connection: Connection, sequence: int) -> dict[str, tuple[int, int]]:
    """Subjects of which observations came or ceased to hold after a sequence number: (first effective time, last
    sequence number) of each.
    """
    rows = connection.query(
        "SELECT u.key, min(o.effective), max(o.sequence) FROM observation o JOIN series s ON s.id = o.series"
        " JOIN subject u ON u.id = s.subject WHERE o.sequence > ? GROUP BY u.key",
        [sequence],
    )
    rows += connection.query(
        "SELECT u.key, min(o.effective), max(g.by_sequence) FROM superseded g"
        " JOIN observation o ON o.sequence = g.sequence JOIN series s ON s.id = o.series"
        " JOIN subject u ON u.id = s.subject WHERE g.by_sequence > ? GROUP BY u.key",
        [sequence],
    )
    found: dict[str, tuple[int, int]] = {}
    into: dict[str, str] = dict(
        connection.query(
            "SELECT a.key, b.key FROM merged m JOIN subject a ON a.id = m.subject"
            " JOIN subject b ON b.id = m.into_subject ORDER BY m.sequence"
        )
    )
    for key, effective, last in rows:
        seen: set[str] = set()
        while key in into and key not in seen:
            seen.add(key)
            key = into[key]
        known = found.get(key, (effective, last))
        found[key] = (min(known[0], effective), max(known[1], last))
    return found
