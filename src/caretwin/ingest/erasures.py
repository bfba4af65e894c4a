"""What a door remembers of its messages goes when somebody is erased: it would write the person back.

It must not matter which process erased: the record's own count tells it.
"""

from __future__ import annotations

from collections.abc import Callable


class Erasures:
    """How often somebody was erased from the record that a door writes into; the door's intake says how to ask."""

    def __init__(self) -> None:
        self._ask: Callable[[], int] = int
        self._known = 0

    def watch(self, ask: Callable[[], int]) -> None:
        """Look at a record from now on; ask  for its count (:meth:`caretwin.record.reading.Reading.erased`)."""
        self._ask, self._known = ask, ask()

    def happened(self) -> bool:
        """Whether somebody was erased since the last look; also where that cannot be known just now."""
        try:
            count = self._ask()
        except Exception:  # the record is away: forgetting harms less than remembering
            return True
        known, self._known = self._known, count
        return count != known
