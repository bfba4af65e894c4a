"""Reading events and derived things as they were known at a time."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from caretwin.record.entry import Status, StoredDerived, StoredEvent
from caretwin.record.store.as_of import ALWAYS, NEVER, superseded
from caretwin.record.store.connection import Connection
from caretwin.record.store.read_subjects import numbers


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
    among = "" if kinds is None else f" AND kind IN ({','.join('?' * len(kinds))})"
    if kinds is not None and not kinds:
        return []
    for number in numbers(connection, key, as_of):
        gone = superseded(connection, -number, as_of)
        rows = connection.query(
            "SELECT sequence, kind, source, effective, stop, received, status, body FROM event"
            f" WHERE subject = ? AND effective >= ? AND effective < ? AND received <= ?{among}",
            [number, start, stop, as_of, *(kinds or ())],
        )
        found += [
            StoredEvent(row[0], key, row[1], row[2], row[3], row[4], row[5], Status(row[6]), orjson.loads(row[7]))
            for row in rows
            if row[0] not in gone and row[6] != Status.RETRACTED
        ]
    return sorted(found, key=lambda event: (event.effective, event.sequence))


def said_since(connection: Connection, sequence: int, names: Sequence[str]) -> int | None:
    """Since when (us, received) a source has said of an event what it says now: the first of the unbroken run of its
    versions that say the same of these entries of the body.

    Returns None where there is no such event.
    """
    own = _said(connection, sequence, names)
    if own is None:
        return None
    first, run = own[0], [sequence]
    for one in run:  # grows while it is read: back from version to version
        for (earlier,) in connection.query("SELECT sequence FROM superseded WHERE by_sequence = ?", [one]):
            said = _said(connection, earlier, names)
            if earlier not in run and said is not None and said[1:] == own[1:]:
                run.append(earlier)
                first = min(first, said[0])
    return first


def _said(connection: Connection, sequence: int, names: Sequence[str]) -> tuple[int, bool, list[object]] | None:
    """When an event was received, whether it was retracted, and what it says."""
    for received, status, text in connection.query(
        "SELECT received, status, body FROM event WHERE sequence = ?", [sequence]
    ):
        body = orjson.loads(text)
        return received, status == Status.RETRACTED, [body.get(name) for name in names]
    return None


def told_of(connection: Connection, kinds: Sequence[str], after: int) -> list[str]:
    """Keys of those of whom an event of these kinds came after a sequence number, retractions too."""
    marks = ",".join("?" * len(kinds))
    rows = connection.query(
        "SELECT DISTINCT s.key FROM event e JOIN subject s ON s.id = e.subject"
        f" WHERE e.sequence > ? AND e.kind IN ({marks})",
        [after, *kinds],
    )
    return [str(row[0]) for row in rows]


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
        StoredDerived(sequence, key, kind, at, received, about, orjson.loads(body), orjson.loads(provenance))
        for sequence, kind, at, received, about, body, provenance in rows
        if kinds is None or kind in kinds
    ]
    return sorted(found, key=lambda one: (one.at, one.sequence))
