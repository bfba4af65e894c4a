"""What the record asks of a database: plain statements, bulk inserts, and one transaction at a time.

SQL is written once, for both: ``?`` stands for a parameter. How a database differs stands in its own file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from caretwin.base.errors import CaretwinError

Row: TypeAlias = tuple[Any, ...]


class ConnectionLostError(CaretwinError):
    """Raised when a server went away and did not come back in time; what was being written has not been kept."""


class CommitUnknownError(ConnectionLostError):
    """Raised when a server went away while it committed, and did not come back to say whether it had."""


class Connection(Protocol):
    """One connection to a database, used by one thread at a time."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows of a statement."""
        ...

    def among(self, sql: str, values: Sequence[Any]) -> list[Row]:
        """Rows of a statement whose ``IN ?`` stands for a list of any length, empty too."""
        ...

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Many rows into a table."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, and durable when it ends; only one writer at a time, in any process.

        Raises ConnectionLostError where nothing was kept, and CommitUnknownError where nobody can say.
        """
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """All that is read within it is of one moment; one within another is the same moment.

        Raises ConnectionLostError, after which the whole may be read anew.
        """
        ...

    def scrub(self, tables: Sequence[str]) -> bool:
        """Overwrite what deletion left behind in tables; False where a reader that held on kept some of it."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


class Database(Protocol):
    """Where connections come from."""

    def connect(self, *, writes: bool) -> Connection:
        """A new connection; one that only reads sees a writer's commits and never waits for it."""
        ...

    def migrate(self, connection: Connection) -> int:
        """Bring the tables to the newest form; returns the version they then have."""
        ...
