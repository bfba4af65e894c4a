"""Whether the audit trail is as it was written: looked through now and then, for it is long."""

from __future__ import annotations

import threading

from caretwin.record import audit
from caretwin.record.record import Record
from caretwin.serve.web.views.audit import Chain

EVERY_US = 10 * 60_000_000
"""us for which what was found is told again (assumed)."""


class ChainCheck:
    """The last look through the trail of a record."""

    def __init__(self, record: Record) -> None:
        self._record, self._lock = record, threading.Lock()
        self._found: Chain | None = None

    def chain(self, now: int) -> Chain:
        """What was found last, or is found now (us) where that is too long ago; others wait meanwhile."""
        with self._lock:
            if self._found is None or not 0 <= now - self._found.checked < EVERY_US:
                rows, trouble = audit.verify(self._record.connection())
                self._found = Chain(whole=trouble is None, trouble=trouble or "", rows=rows, checked=now)
            return self._found
