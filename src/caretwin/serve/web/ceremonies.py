"""Ceremonies of signing in that take two requests: what was asked in the first, until the second, once."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any

GOOD_US = 5 * 60_000_000
"""us between the two requests of a ceremony (assumed: finding one's key, or signing in at an identity provider)."""
MOST = 10_000
"""Ceremonies that are open at once; the oldest is forgotten for one more (assumed)."""


class Ceremonies:
    """Open ceremonies, in memory: after a new start they are begun anew. clock: microseconds UTC of the wall."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._open: dict[str, tuple[int, str, Mapping[str, Any]]] = {}

    def begin(self, kind: str, **asked: Any) -> str:
        """Remember what was asked; returns the name under which :meth:`end` finds it, which nobody can guess."""
        name, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            for old in [one for one, (ends, _, _) in self._open.items() if ends <= now]:
                del self._open[old]
            while len(self._open) >= MOST:
                del self._open[next(iter(self._open))]
            self._open[name] = (now + GOOD_US, kind, asked)
        return name

    def end(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """What was asked, once; None for a ceremony that is unknown, over, of another kind, or too old."""
        with self._lock:
            ends, found, asked = self._open.pop(name, (0, "", {}))
        return asked if found == kind and self._clock() < ends else None
