"""When a series is complete: nothing has come for a while, or its sender has hung up and no slice is missing.

DICOM does not say how many slices a series has. A sender that has released its association believes that it has sent
all; whether it has is seen by the places of the slices, which must follow one another without a gap.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class _Coming:
    """A series that comes in: when its last slice came (s), over which associations that are open, and what follows."""

    last: float
    open: set[int] = field(default_factory=set)
    released: bool = False
    looked_at: bool = False


class Arrivals:
    """Series that come in; safe for threads. Times are those of any clock that only goes forward (s).

    quiet_s   s without a slice after which a series is taken as it is
    settle_s  s after the release of its association, for a sender that opens another one for the next slices
    """

    def __init__(self, quiet_s: float, settle_s: float) -> None:
        self._quiet, self._settle = quiet_s, settle_s
        self._coming: dict[str, _Coming] = {}
        self._lock = threading.Lock()

    def came(self, series: str, now: float, association: int | None = None) -> None:
        """A slice of a series has come, over an association or from a folder."""
        with self._lock:
            one = self._coming.setdefault(series, _Coming(now))
            one.last, one.looked_at, one.released = now, False, False
            if association is not None:
                one.open.add(association)

    def ended(self, association: int, *, released: bool) -> None:
        """An association is over: released by its sender, or lost."""
        with self._lock:
            for one in self._coming.values():
                if association in one.open:
                    one.open.discard(association)
                    one.released = released and not one.open

    def due(self, now: float, whole: Callable[[str], bool]) -> list[str]:
        """Series that are complete at ``now``, which are then no longer coming.

        whole  whether the slices of a series follow one another without a gap; asked once after each slice
        """
        with self._lock:
            quiet = [name for name, one in self._coming.items() if now - one.last >= self._quiet]
            asked = [name for name, one in self._coming.items() if name not in quiet and self._may_be(one, now)]
            for name in asked:
                self._coming[name].looked_at = True
        found = quiet + [name for name in asked if whole(name)]  # reads files: others may come in meanwhile
        with self._lock:
            return [name for name in found if name in quiet or self._still(name, now)]

    def taken(self, series: str) -> None:
        """A series is being measured: what comes now begins anew."""
        with self._lock:
            self._coming.pop(series, None)

    def coming(self) -> int:
        """How many series come in now."""
        return len(self._coming)

    def _may_be(self, one: _Coming, now: float) -> bool:
        return one.released and not one.looked_at and now - one.last >= self._settle

    def _still(self, name: str, now: float) -> bool:
        one = self._coming.get(name)
        return one is not None and one.last <= now and one.released
