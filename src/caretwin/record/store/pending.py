"""What a transaction is about to insert, table by table, and the sequence numbers that it gives out."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from caretwin.record.entry import Derived, Event, Observation
from caretwin.record.store.connection import Connection, Row

TABLES = {
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
"""Columns of the tables that are filled in bulk, in the order of their rows."""


@dataclass
class Pending:
    """Rows of a transaction that is open.

    sequence  the last sequence number that was given out
    """

    sequence: int
    rows: dict[str, list[Row]] = field(default_factory=lambda: {table: [] for table in TABLES})

    def next(self) -> int:
        """A new sequence number."""
        self.sequence += 1
        return self.sequence

    def insert(self, connection: Connection) -> None:
        """Put the rows into the tables, and keep the sequence number."""
        for table, rows in self.rows.items():
            if rows:
                connection.insert(table, TABLES[table], rows)
        connection.query("UPDATE counter SET sequence = ?", [self.sequence])


def observation_row(entry: Observation, series: int, sequence: int, received: int, intake: int) -> Row:
    """An observation as its table keeps it."""
    note = orjson.dumps(entry.note).decode() if entry.note else None
    said = (entry.value, int(entry.quality), int(entry.status))
    return (series, entry.effective, sequence, received, *said, intake, note)


def event_row(entry: Event, subject: int, sequence: int, received: int, intake: int) -> Row:
    """An event as its table keeps it."""
    when = (entry.effective, entry.stop, received)
    body = orjson.dumps(entry.body).decode()
    return (sequence, subject, entry.kind, entry.source, *when, int(entry.status), intake, body)


def derived_row(entry: Derived, subject: int, sequence: int, received: int, intake: int) -> Row:
    """A derived thing as its table keeps it."""
    body, provenance = (orjson.dumps(part).decode() for part in (entry.body, entry.provenance))
    return (sequence, subject, entry.kind, entry.at, received, entry.about, intake, body, provenance)
