"""Connections of an open record: one that writes, under a lock, and one for each thread that reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from caretwin.record.store.connection import Connection, ConnectionLostError, Database

T = TypeVar("T")
TRIES = 3
"""Times that a whole question is asked of a server that goes away in the midst of it."""


class Connections:
    """Where an open record reads and writes.

    write  the one connection that writes; only who holds ``lock`` uses it
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.write = database.connect(writes=True)
        self.lock = threading.RLock()
        database.migrate(self.write)
        self._readers: list[Connection] = []
        self._local = threading.local()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The writing connection within one transaction, when it is our turn."""
        with self.lock, self.write.transaction():
            yield self.write

    def reading(self) -> Connection:
        """The reading connection of this thread."""
        if not hasattr(self._local, "connection"):
            self._local.connection = self._database.connect(writes=False)
            self._local.looking = False
            with self.lock:
                self._readers.append(self._local.connection)
        found: Connection = self._local.connection
        return found

    def look(self, ask: Callable[[Connection], T]) -> T:
        """The answer to a question, all of it of one moment of the record.

        ask  may be asked anew, from its beginning, when the server went away; a question within a question is of the
             same moment. Raises ConnectionLostError when the server does not come back.
        """
        connection = self.reading()
        if self._local.looking:
            return ask(connection)
        for turn in range(1, TRIES + 1):
            self._local.looking = True
            try:
                with connection.snapshot():
                    return ask(connection)
            except ConnectionLostError:
                if turn == TRIES:
                    raise
            finally:
                self._local.looking = False
        raise AssertionError("a loop that returns or raises")

    def close(self) -> None:
        """Give all connections back."""
        with self.lock:
            for connection in (*self._readers, self.write):
                connection.close()
            self._readers = []
