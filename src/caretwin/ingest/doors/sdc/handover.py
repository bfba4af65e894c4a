"""From the library's threads to our event loop: bounded, in order, and nothing but waveform blocks is ever dropped."""

from __future__ import annotations

import asyncio
import threading
from collections import deque

ROOM = 4096
"""Reports that may wait (of the order of 10 MB)."""
PATIENCE_S = 0.5
"""s after which a waiting thread looks whether it still has to."""


class Handover:
    """A queue with one reader on an event loop and any number of writing threads.

    A report that may be dropped is dropped when half of the room is taken, and counted. One that may not be waits: the
    library's thread stands still, its own queue fills, and the device feels it. dropped  blocks that were dropped
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, room: int = ROOM) -> None:
        self._loop, self._room = loop, room
        self._waiting: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._ready = asyncio.Event()
        self._closed = False
        self.dropped = 0

    def put(self, raw: bytes, droppable: bool = False) -> bool:
        """Hand over from any thread but the loop's; whether it was taken."""
        with self._changed:
            if droppable and len(self._waiting) >= self._room // 2:
                self.dropped += 1
                return False
            while len(self._waiting) >= self._room and not self._closed:
                self._changed.wait(PATIENCE_S)
            if self._closed:
                return False
            self._waiting.append(raw)
        self._loop.call_soon_threadsafe(self._ready.set)
        return True

    async def get(self) -> bytes | None:
        """The next report; None when it is closed and empty."""
        while True:
            with self._changed:
                if self._waiting:
                    self._changed.notify_all()
                    return self._waiting.popleft()
                if self._closed:
                    return None
                self._ready.clear()
            await self._ready.wait()

    def close(self) -> None:
        """Take nothing more; what waits can still be had."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._ready.set()
