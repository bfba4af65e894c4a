"""A record on a PostgreSQL server, for more than one node (15 or later), by psycopg 3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from caretwin.base.errors import DataError
from caretwin.record.store import migrate
from caretwin.record.store.connection import Connection, Row

WORDS = {
    "whole": "BIGINT",
    "small": "SMALLINT",
    "real": "DOUBLE PRECISION",
    "bytes": "BYTEA",
    "clustered": "",
}
WRITERS_LOCK = 0x63617265
"""Number of the advisory lock under which one writer at a time holds the sequence: any, but always the same."""


class PostgresDatabase:
    """A server, by its URL (``postgresql://user@host/database``).

    Raises DataError where psycopg is not installed or the server does not answer.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def connect(self, *, writes: bool) -> PostgresConnection:
        """A connection; see :class:`caretwin.record.store.connection.Database`."""
        try:
            import psycopg
        except ImportError as problem:
            raise DataError(
                "opening a record on PostgreSQL",
                seen="no psycopg",
                wanted="its driver",
                fix="pip install 'caretwin[postgres]'",
            ) from problem
        try:
            raw = psycopg.connect(self.url, autocommit=True)
        except psycopg.OperationalError as problem:
            raise DataError(
                "opening a record on PostgreSQL",
                seen=str(problem).strip().splitlines()[0],
                wanted="a server that lets us in",
                fix="look at host, port, database and user of the URL; psql with the same URL must work",
            ) from problem
        if not writes:
            raw.read_only = True
        return PostgresConnection(raw)

    def migrate(self, connection: Connection) -> int:
        """Bring the tables to the newest form."""
        connection.query("CREATE TABLE IF NOT EXISTS caretwin_version (version INTEGER NOT NULL)")

        def have() -> int:
            return int(connection.query("SELECT max(version) FROM caretwin_version")[0][0] or 0)

        return migrate.apply(connection, have, WORDS, "INSERT INTO caretwin_version VALUES ({})")


class PostgresConnection:
    """One psycopg connection in the words of :class:`caretwin.record.store.connection.Connection`."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows of a statement."""
        with self.raw.cursor() as cursor:
            cursor.execute(sql.replace("?", "%s"), tuple(parameters))
            return [] if cursor.description is None else list(cursor.fetchall())

    def among(self, sql: str, values: Sequence[Any]) -> list[Row]:
        """Rows of a statement whose ``IN ?`` stands for a list."""
        return self.query(sql.replace("IN ?", "= ANY(?)"), [list(values)]) if values else []

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Many rows into a table, by COPY."""
        with (
            self.raw.cursor() as cursor,
            cursor.copy(f"COPY {table} ({','.join(columns)}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one writer at a time."""
        with self.raw.transaction():
            self.query(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")
            yield

    def scrub(self) -> None:
        """Overwrite what deletion left behind; backups and replicas are the operator's."""
        self.query("VACUUM FULL observation")
        self.query("VACUUM FULL event")
        self.query("VACUUM FULL derived")

    def close(self) -> None:
        """Give the connection back."""
        self.raw.close()
