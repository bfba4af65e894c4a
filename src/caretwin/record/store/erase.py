"""Erasing a subject by law: the one operation that removes rows."""

from __future__ import annotations

from caretwin.record.store.connection import Connection
from caretwin.record.store.read_subjects import numbers

_BY_SUBJECT = ("event", "derived", "checkpoint", "identifier", "series")


def erase(connection: Connection, key: str) -> int:
    """Remove all rows about a subject and about who was merged into it; returns how many.

    Raises KeyError for a subject that the record does not have.
    """
    found = numbers(connection, key)
    if not found:
        raise KeyError(f"no subject {key!r} in this record")
    removed = 0
    for number in found:
        places = [row[0] for row in connection.query("SELECT id FROM series WHERE subject = ?", [number])]
        for place in places:
            removed += _delete(connection, "observation", "series", place)
        for place in (*places, -number):
            _delete(connection, "version", "place", place)
            _delete(connection, "superseded", "place", place)
        for table in _BY_SUBJECT:
            removed += _delete(connection, table, "subject", number)
        _delete(connection, "merged", "subject", number)
        _delete(connection, "subject", "id", number)
    connection.query("UPDATE counter SET erasures = erasures + 1")
    return removed


def _delete(connection: Connection, table: str, column: str, value: int) -> int:
    count = int(connection.query(f"SELECT count(*) FROM {table} WHERE {column} = ?", [value])[0][0])
    if count:
        connection.query(f"DELETE FROM {table} WHERE {column} = ?", [value])
    return count
