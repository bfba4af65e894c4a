"""A record on a PostgreSQL server, for more than one node (15 or later), by psycopg 3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from caretwin.record.store import migrate
from caretwin.record.store.connection import Connection, ConnectionLostError, Row
from caretwin.record.store.postgres_session import Session

WORDS = {
    "whole": "BIGINT",
    "small": "SMALLINT",
    "real": "DOUBLE PRECISION",
    "bytes": "BYTEA",
    "clustered": "",
}
WRITERS_LOCK = 0x63617265
"""Number of the advisory lock under which one writer at a time holds the sequence: any, but always the same."""
TRIES = 3
"""Times that a question is asked, or a transaction begun, of a server that goes away each time."""


class PostgresDatabase:
    """A server, by its URL (``postgresql://user@host/database``).

    Raises DataError where psycopg is not installed or the server does not answer.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def connect(self, *, writes: bool) -> PostgresConnection:
        """A connection; see :class:`caretwin.record.store.connection.Database`."""
        return PostgresConnection(Session(self.url, writes=writes))

    def migrate(self, connection: Connection) -> int:
        """Bring the tables to the newest form."""
        connection.query("CREATE TABLE IF NOT EXISTS caretwin_version (version INTEGER NOT NULL)")

        def have() -> int:
            return int(connection.query("SELECT max(version) FROM caretwin_version")[0][0] or 0)

        return migrate.apply(connection, have, WORDS, "INSERT INTO caretwin_version VALUES ({})")


class PostgresConnection:
    """One session in the words of :class:`caretwin.record.store.connection.Connection`.

    A session that was lost is opened anew. A statement on its own and the beginning of a transaction are then tried
    again; within a transaction the loss is raised, for what came before is gone too.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._inside = False

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows of a statement."""
        sql = sql.replace("?", "%s")
        if self._inside:
            return self._session.execute(sql, parameters)
        return self._tried(lambda: self._session.execute(sql, parameters))

    def among(self, sql: str, values: Sequence[Any]) -> list[Row]:
        """Rows of a statement whose ``IN ?`` stands for a list."""
        return self.query(sql.replace("IN ?", "= ANY(?)"), [list(values)]) if values else []

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Many rows into a table, by COPY."""
        self._session.copy(f"COPY {table} ({','.join(columns)}) FROM STDIN", rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one writer at a time.

        Where the server goes away during the commit it is asked afterwards what became of it: so a group that was
        kept is not written again, and one that was not is not taken for kept.
        """
        lock = f"SELECT pg_current_xact_id()::text, pg_advisory_xact_lock({WRITERS_LOCK})"
        number = str(self._begin("BEGIN", lock)[0][0])
        try:
            yield
        except BaseException:
            self._session.roll_back()
            raise
        finally:
            self._inside = False
        self._session.commit(number)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """One moment: that of the first statement."""
        if self._inside:
            yield
            return
        self._begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            self._inside = False
            self._session.roll_back()  # nothing was written

    def _begin(self, *statements: str) -> list[Row]:
        """Begin a transaction; the rows of the last statement."""
        rows = self._tried(lambda: [self._session.execute(statement) for statement in statements][-1])
        self._inside = True
        return rows

    def _tried(self, work: Callable[[], list[Row]]) -> list[Row]:
        """What stands at the beginning, or on its own: on a new session, where the old one is lost."""
        for _ in range(TRIES - 1):
            with suppress(ConnectionLostError):
                self._session.reopen()
                return work()
        self._session.reopen()
        return work()

    def scrub(self, tables: Sequence[str]) -> bool:
        """Write tables anew without what was deleted; backups, replicas and archived logs are the operator's.

        The planner's statistics hold common values of a column, and those of a table that is empty now would stay:
        they are dropped and made anew. Their old rows go where we may clean that catalogue, else when the server
        does.
        """
        for table in tables:
            columns = self.query(
                "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = ?"
                " AND table_schema = current_schema() AND data_type IN ('text', 'bytea')",
                [table],
            )
            if columns:  # a column that is given a type, be it its own, loses its statistics
                same = ", ".join(f"ALTER COLUMN {name} TYPE {kind}" for name, kind in columns)
                self.query(f"ALTER TABLE {table} {same}")
            self.query(f"VACUUM (FULL, ANALYZE) {table}")
        self.query("VACUUM FULL pg_statistic")
        return True

    def close(self) -> None:
        """Give the connection back."""
        self._session.close()
