"""Waiting that ends when a door is told to stop: a pause, and pauses that grow while something does not work."""

from __future__ import annotations

import asyncio


async def rest(stop: asyncio.Event, seconds: float) -> bool:
    """Wait so many seconds, or until ``stop`` is set; whether it is."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


class BackOff:
    """Pauses between attempts, each twice as long as the one before.

    first_s, longest_s  the shortest and the longest (s)

    >>> pauses = BackOff(0.5, 1.5)
    >>> pauses.next_s(), pauses.next_s(), pauses.next_s()
    (0.5, 1.0, 1.5)
    """

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self._next_s = first_s

    def next_s(self) -> float:
        """The next pause (s)."""
        now = min(self._next_s, self._longest_s)
        self._next_s = 2 * now
        return now

    def reset(self) -> None:
        """It works again: the next pause is the first."""
        self._next_s = self._first_s

    async def rest(self, stop: asyncio.Event) -> bool:
        """Take the next pause; whether ``stop`` is set."""
        return await rest(stop, self.next_s())
