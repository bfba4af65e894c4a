"""What stands under codes that are no channel: nobody had mapped them when they came, or their unit was another kind.

What is said anew under a channel (:class:`caretwin.record.entry.Remapped`) no longer stands there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from caretwin.record.bedside import Quality
from caretwin.record.entry import Status
from caretwin.record.store.connection import Connection
from caretwin.record.store.read_observations import note_of
from caretwin.record.store.versions import is_named

MARK = "|"
"""Stands between system and code; no channel has it in its name."""
SERIES_AT_ONCE = 500
"""Series of which the values are read together: each time all versions are looked through once (assumed)."""
_STANDS = "NOT EXISTS (SELECT 1 FROM superseded g WHERE g.place = o.series AND g.sequence = o.sequence)"


class Foreign(NamedTuple):
    """A series under a code that is no channel.

    place  its number; subject  key of whom it is about; source  who sent it: the door and the device
    """

    place: int
    subject: str
    code: str
    unit: str
    source: str


class Standing(NamedTuple):
    """A value that stands under such a code; times in us, the rest as :class:`caretwin.record.entry.Remapped`."""

    place: int
    sequence: int
    effective: int
    received: int
    value: float | None
    quality: Quality
    status: Status
    note: Mapping[str, Any]
    version: int
    origin: bytes
    named: bool


def foreign_series(connection: Connection) -> list[Foreign]:
    """All series under codes that are no channels, in the order in which they began."""
    rows = connection.query(
        "SELECT s.id, u.key, s.code, s.unit, s.source FROM series s JOIN subject u ON u.id = s.subject"
        " WHERE s.code LIKE ? ORDER BY s.id",
        [f"%{MARK}%"],
    )
    return [Foreign(*row) for row in rows]


def standing(connection: Connection, places: Sequence[int]) -> list[Standing]:
    """What stands in these series, in the order in which it came; without retractions."""
    rows = connection.among(
        "SELECT o.series, o.sequence, o.effective, o.received, o.value, o.quality, o.status, o.note, v.version,"
        " v.origin, v.content FROM version v"
        " JOIN observation o ON o.series = v.place AND o.effective = v.effective AND o.sequence = v.sequence"
        f" WHERE v.place IN ? AND o.status <> 3 AND {_STANDS}",
        places,
    )
    found = []
    for place, sequence, effective, received, value, quality, status, note, version, origin, content in rows:
        said = (value, Quality(quality), Status(status), note_of(note), version, bytes(origin))
        named = is_named(bytes(origin), bytes(content))
        found.append(Standing(place, sequence, effective, received, *said, named))
    return sorted(found, key=lambda one: one.sequence)


def anything_usable(connection: Connection, places: Iterable[int]) -> bool | None:
    """Whether a value that was not refused stands in any of these series; None where they never had one."""
    had, good = False, f"o.status <> 3 AND o.quality <> 2 AND {_STANDS}"
    for place in places:
        if connection.query(f"SELECT 1 FROM observation o WHERE o.series = ? AND {good} LIMIT 1", [place]):
            return True
        had = had or bool(connection.query("SELECT 1 FROM observation WHERE series = ? LIMIT 1", [place]))
    return False if had else None
