"""A session with a PostgreSQL server: opened anew when it is lost, and it can say what became of a commit."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from caretwin.base.errors import DataError
from caretwin.record.store.connection import CommitUnknownError, ConnectionLostError, Row

PATIENCE_S = 30.0
"""s that a server may take to come back; a failover takes some seconds to half a minute (assumed)."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
"""s between two attempts to open a session: doubled each time, so that a server that starts is not stormed."""
ALIVE = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""Unless the URL says otherwise: a host that vanished silently is noticed in half a minute, not in two hours."""


class Session:
    """One connection of psycopg, used by one thread at a time.

    url     of the server; writes  whether it may
    Raises DataError without psycopg, and where the server does not let us in the first time.
    """

    def __init__(self, url: str, *, writes: bool) -> None:
        try:
            import psycopg
        except ImportError as problem:
            raise DataError(
                "opening a record on PostgreSQL",
                seen="no psycopg",
                wanted="its driver",
                fix="pip install 'caretwin[postgres]'",
            ) from problem
        self._driver, self._url, self._writes = psycopg, url, writes
        try:
            self._raw = self._open()
        except psycopg.OperationalError as problem:
            raise DataError(
                "opening a record on PostgreSQL",
                seen=_first_line(problem),
                wanted="a server that lets us in",
                fix="look at host, port, database and user of the URL; psql with the same URL must work",
            ) from problem

    def reopen(self) -> None:
        """A connection again where it is lost, waiting longer after each attempt. Raises ConnectionLostError."""
        pause, end = FIRST_PAUSE_S, time.monotonic() + PATIENCE_S
        while self._raw.closed:
            try:
                self._raw = self._open()
            except self._driver.OperationalError as problem:
                if time.monotonic() + pause > end:
                    raise _gone(problem) from problem
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows of a statement. Raises ConnectionLostError: the transaction that was open is gone with it."""
        with self._lost(), self._raw.cursor() as cursor:
            cursor.execute(sql, tuple(parameters))
            return [] if cursor.description is None else list(cursor.fetchall())

    def copy(self, sql: str, rows: Iterable[Row]) -> None:
        """Rows into a table by COPY. Raises ConnectionLostError."""
        with self._lost(), self._raw.cursor() as cursor, cursor.copy(sql) as copy:
            for row in rows:
                copy.write_row(row)

    def commit(self, number: str) -> None:
        """Commit the transaction of a number (``pg_current_xact_id``).

        When the connection is lost meanwhile the server is asked what became of it. Raises ConnectionLostError where
        it was not kept, and CommitUnknownError where the server does not come back to say.
        """
        try:
            with self._lost():
                self._raw.execute("COMMIT")
        except ConnectionLostError as problem:
            if not self._committed(number, problem):
                raise

    def roll_back(self) -> None:
        """End a transaction; with a connection that is lost it has ended already."""
        if not self._raw.closed:
            with suppress(ConnectionLostError), self._lost():
                self._raw.execute("ROLLBACK")

    def close(self) -> None:
        """Give the connection back."""
        self._raw.close()

    def _open(self) -> Any:
        settings: dict[str, Any] = {**ALIVE, **self._driver.conninfo.conninfo_to_dict(self._url)}
        raw = self._driver.connect(**settings, autocommit=True)
        if not self._writes:
            raw.execute("SET default_transaction_read_only = on")
        return raw

    def _committed(self, number: str, lost: ConnectionLostError) -> bool:
        """Whether a transaction was committed, by the server's own account."""
        pause, end = FIRST_PAUSE_S, time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                self.reopen()
                status = self.execute("SELECT pg_xact_status(%s::xid8)", [number])[0][0]
            except ConnectionLostError as problem:
                raise _unknown(problem) from lost
            except self._driver.errors.InvalidParameterValue:  # of the future: a stand-in that never heard of it
                return False
            if status == "in progress":  # its server process has not noticed yet that we are gone
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
                continue
            return bool(status == "committed")
        raise _unknown(lost) from lost

    @contextmanager
    def _lost(self) -> Iterator[None]:
        """Errors of a connection that is no more, as ours; a session that its server ended is no more either."""
        try:
            yield
        except (self._driver.OperationalError, self._driver.InterfaceError) as problem:
            ended = (self._driver.errors.AdminShutdown, self._driver.errors.CrashShutdown)
            if isinstance(problem, ended):
                self._raw.close()
            if self._raw.closed:
                raise _gone(problem) from problem
            raise


def _gone(problem: Exception) -> ConnectionLostError:
    return ConnectionLostError(
        "the record's PostgreSQL server",
        seen=_first_line(problem),
        wanted=f"a server that is there, or comes back within {PATIENCE_S:g} s",
        fix="see that it runs; what was not acknowledged is to be sent again",
    )


def _unknown(problem: Exception) -> CommitUnknownError:
    return CommitUnknownError(
        "a commit on the record's PostgreSQL server",
        seen=_first_line(problem),
        wanted="its word whether it was kept",
        fix="send it again when the server is back: what was kept is recognised by its source id or its content",
    )


def _first_line(problem: Exception) -> str:
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]
