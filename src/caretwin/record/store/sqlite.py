"""A record in one file: SQLite in write-ahead mode, by apsw with its ciphers (why: docs/adr/0013).

Every commit is on the disk before it is acknowledged (``synchronous = FULL``). Readers have connections of their own
and never wait for the writer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from caretwin.base.errors import DataError
from caretwin.record.store import migrate
from caretwin.record.store.connection import Connection, Row

OLDEST = (3, 51, 3)
"""SQLite before this could corrupt a file when its write-ahead log was reset (sqlite.org, release 3.51.3)."""
WAIT_MS = 10_000
"""ms that a writer waits for another process's transaction."""
CACHE_KIB, MAPPED_BYTES = 128 * 1024, 1 << 30
"""Pages kept in memory by the writer, and how much of the file is read without copying (chosen by measuring)."""
WORDS = {
    "whole": "INTEGER",
    "small": "INTEGER",
    "real": "REAL",
    "bytes": "BLOB",
    "clustered": "WITHOUT ROWID",
}


@contextmanager
def opening(path: str | Path) -> Iterator[None]:
    """Says what to do about a file that the system does not let be opened or written. Raises DataError."""
    where = Path(path)
    try:
        yield
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.IOError, apsw.FullError) as problem:
        wanted, fix = "a file that can be written, in a folder that can be", f"ls -ld {where.parent} {where}"
        if where.is_dir():
            seen, fix = "a folder", f"name a file, such as {where / 'ward.db'}"
        elif isinstance(problem, apsw.FullError):
            seen, wanted, fix = "a full disk", "room for the record", "make room there, then start again"
        elif isinstance(problem, apsw.IOError):
            seen, wanted, fix = f"an error of the disk ({problem})", "one that answers", "look at the system's log"
        else:
            seen = "a file, or a folder around it, that this account cannot write: even reading is audited there"
        raise DataError(f"record {where}", seen=seen, wanted=wanted, fix=fix) from problem


class SqliteDatabase:
    """A file, opened as often as there are threads.

    path  of the file; key  passphrase that encrypts it (SQLCipher format), or None for a plain file

    Raises DataError for a SQLite with the known defect, a folder that does not exist, and a wrong or missing key.
    """

    def __init__(self, path: str | Path, key: str | None = None) -> None:
        self.path, self.key = Path(path), key
        found = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
        if found < OLDEST:
            raise DataError(
                "opening a record",
                seen=f"SQLite {apsw.sqlite_lib_version()}",
                wanted="3.51.3 or later: older ones can corrupt a write-ahead log",
                fix="install the versions of requirements.lock",
            )
        if not self.path.parent.exists():
            raise DataError(
                f"record {self.path}",
                seen="a folder that does not exist",
                wanted="a file in a folder that exists",
                fix=f"mkdir -p {self.path.parent}",
            )

    def connect(self, *, writes: bool) -> SqliteConnection:
        """A connection; see :class:`caretwin.record.store.connection.Database`."""
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE if writes else apsw.SQLITE_OPEN_READONLY
        raw = apsw.Connection(str(self.path), flags=flags, statementcachesize=200)
        raw.set_busy_timeout(WAIT_MS)
        try:
            if self.key is not None:
                raw.pragma("cipher", "sqlcipher")
                raw.pragma("legacy", 4)  # SQLCipher 4's own file format, which other programs read too
                raw.pragma("key", self.key)
            raw.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        except apsw.NotADBError as problem:
            raw.close()
            raise DataError(
                f"record {self.path}",
                seen="a file that is no record, or is encrypted with another key",
                wanted="a record of caretwin, and the key that it was made with",
                fix="set CARETWIN_RECORD_KEY to its key, or name another file",
            ) from problem
        if writes:
            raw.pragma("journal_mode", "wal")
            raw.pragma("synchronous", "FULL")
            raw.pragma("cache_size", -CACHE_KIB)
            raw.pragma("wal_autocheckpoint", 4000)
        raw.pragma("mmap_size", 0 if self.key else MAPPED_BYTES)
        return SqliteConnection(raw)

    def migrate(self, connection: Connection) -> int:
        """Bring the tables to the newest form."""

        def have() -> int:
            return int(connection.query("PRAGMA user_version")[0][0])

        return migrate.apply(connection, have, WORDS, "PRAGMA user_version = {}")


class SqliteConnection:
    """One apsw connection in the words of :class:`caretwin.record.store.connection.Connection`."""

    def __init__(self, raw: apsw.Connection) -> None:
        self.raw = raw

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows of a statement."""
        return list(self.raw.execute(sql, tuple(parameters)).fetchall())

    def among(self, sql: str, values: Sequence[Any]) -> list[Row]:
        """Rows of a statement whose ``IN ?`` stands for a list."""
        found: list[Row] = []
        for start in range(0, len(values), 500):
            part = values[start : start + 500]
            marks = ",".join("?" * len(part))
            found += self.query(sql.replace("IN ?", f"IN ({marks})"), part)
        return found

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Many rows into a table."""
        marks = ",".join("?" * len(columns))
        self.raw.executemany(f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})", rows)

    def _within(self) -> bool:
        return bool(self.raw.in_transaction)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; it holds the write lock from its beginning, so that what it reads stays true."""
        self.raw.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._within():
                self.raw.execute("ROLLBACK")
            raise
        self.raw.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """One moment: that of the first statement; whoever writes meanwhile is not waited for."""
        if self._within():
            yield
            return
        self.raw.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            if self._within():
                self.raw.execute("ROLLBACK")  # nothing was written

    def scrub(self, tables: Sequence[str]) -> bool:
        """Overwrite what deletion left behind: in the pages of the whole file and in the write-ahead log."""
        del tables
        self.raw.execute("VACUUM")
        busy, _, _ = self.query("PRAGMA wal_checkpoint(TRUNCATE)")[0]  # it has waited for readers, WAIT_MS long
        return not busy

    def close(self) -> None:
        """Give the connection back."""
        self.raw.close()
