"""What "as it was known at a time" means: received by then, and not superseded by then."""

from __future__ import annotations

from caretwin.record.store.connection import Connection

ALWAYS = 2**62
"""us: later than any time that is received."""
NEVER = -(2**62)
"""us: earlier than any time."""


def superseded(connection: Connection, place: int, as_of: int) -> frozenset[int]:
    """Sequence numbers of a place that no longer held at ``as_of`` (us).

    place  the series of observations, minus the subject of events
    """
    rows = connection.query("SELECT sequence FROM superseded WHERE place = ? AND received <= ?", [place, as_of])
    return frozenset(row[0] for row in rows)
