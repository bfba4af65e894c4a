"""Where the network's thread leaves messages and the event loop fetches them: bounded, so that neither runs away.

When it is full the network's thread waits, the connection is not read, and the broker keeps what it has.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import NamedTuple

from caretwin.ingest.doors.mqtt.media import Arrival

MOST_TOGETHER = 500
"""Messages of one batch: so many are decoded before anything else has its turn (assumed)."""
MOST_BYTES, MOST_BYTES_TOGETHER = 64_000_000, 8_000_000
"""Of payloads that wait, and of one batch (assumed)."""


class Waiting(NamedTuple):
    """A message that is not kept yet.

    number      packet identifier by which it is acknowledged, 0 for one that needs no acknowledgement
    connection  which connection it came by: another one must not acknowledge it
    """

    raw: bytes
    arrival: Arrival
    number: int
    connection: int


class Inbox:
    """A bounded hand-over from one thread to one event loop.

    most  messages that it holds
    """

    def __init__(self, most: int, loop: asyncio.AbstractEventLoop) -> None:
        self.most, self._loop = most, loop
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._filled = asyncio.Event()
        self._closed = False

    def put(self, message: Waiting) -> None:
        """Leave a message, when there is room (network's thread)."""
        with self._changed:
            while (len(self._waiting) >= self.most or self._bytes > MOST_BYTES) and not self._closed:
                self._changed.wait()
            if self._closed:
                return  # it was not acknowledged: the broker keeps it
            self._waiting.append(message)
            self._bytes += len(message.raw)
            if len(self._waiting) > 1:
                return  # the loop knows already
        self.wake()

    def wake(self) -> None:
        """Let :meth:`take` look again (any thread)."""
        if not self._closed:
            self._loop.call_soon_threadsafe(self._filled.set)

    async def take(self) -> list[Waiting]:
        """What waits, up to :data:`MOST_TOGETHER`: what arrives together is taken together. Empty when only woken."""
        await self._filled.wait()
        with self._changed:
            found, size = list[Waiting](), 0
            while self._waiting and len(found) < MOST_TOGETHER and size < MOST_BYTES_TOGETHER:
                found.append(self._waiting.popleft())
                size += len(found[-1].raw)
            self._bytes -= size
            if not self._waiting:
                self._filled.clear()
            self._changed.notify()
        return found

    def close(self) -> None:
        """Take nothing more in."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
