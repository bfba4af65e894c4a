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
MAPPED_FROM = "mapped_from"
"""In the note of what was remapped: the code and unit under which it came."""
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


class Taken(NamedTuple):
    """What a value was taken for when it was remapped: as it stands now, without ``mapped_from`` in its note."""

    code: str
    unit: str
    value: float | None
    quality: Quality
    note: Mapping[str, Any]


class Standing(NamedTuple):
    """A value that stands under such a code; times in us, the rest as :class:`caretwin.record.entry.Remapped`.

    taken  of one that was remapped: what for. Value, quality and note are then as the source said them, and the
           sequence number, version and origin are of what stands
    """

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
    taken: Taken | None = None


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


def remapped(connection: Connection, places: Sequence[int]) -> list[Standing]:
    """What came in these series and was remapped, perhaps several times, and stands as that."""
    rows = connection.among(
        "WITH RECURSIVE said(place, first, at, last) AS ("
        " SELECT o.series, o.sequence, o.series, o.sequence FROM observation o WHERE o.series IN ? UNION"
        " SELECT s.place, s.first, n.series, n.sequence FROM said s"
        " JOIN superseded g ON g.place = s.at AND g.sequence = s.last JOIN observation n ON n.sequence = g.by_sequence"
        f" WHERE n.note LIKE '%\"{MAPPED_FROM}\"%')"
        " SELECT s.place, s.last, o.effective, o.received, o.value, o.quality, n.status, o.note, s.at,"
        " c.code, c.unit, n.value, n.quality, n.note FROM said s JOIN observation n ON n.sequence = s.last"
        " JOIN observation o ON o.sequence = s.first JOIN series c ON c.id = s.at"
        " WHERE n.status <> 3 AND NOT EXISTS"
        " (SELECT 1 FROM superseded g WHERE g.place = s.at AND g.sequence = s.last) ORDER BY s.last",
        places,
    )
    rows = [row for row in rows if MARK not in row[9]]  # those stand under such a code
    versions = _versions(connection, {row[8] for row in rows})
    found = []
    for place, sequence, effective, received, value, quality, status, note, _, *taken in rows:
        number, origin, named = versions[sequence]
        said = (value, Quality(quality), Status(status), note_of(note), number, origin, named)
        found.append(Standing(place, sequence, effective, received, *said, _taken(*taken)))
    return found


def _taken(code: str, unit: str, value: float | None, quality: int, note: str) -> Taken:
    words = {name: said for name, said in note_of(note).items() if name != MAPPED_FROM}
    return Taken(code, unit, value, Quality(quality), words)


def _versions(connection: Connection, places: Iterable[int]) -> dict[int, tuple[int, bytes, bool]]:
    """Version, origin, and whether that is the source's own name, of all that was remapped into series."""
    rows = connection.among(
        "SELECT v.sequence, v.version, v.origin, v.content FROM version v"
        " JOIN observation o ON o.series = v.place AND o.effective = v.effective AND o.sequence = v.sequence"
        f" WHERE v.place IN ? AND o.note LIKE '%\"{MAPPED_FROM}\"%'",
        sorted(places),
    )
    return {row[0]: (row[1], bytes(row[2]), is_named(bytes(row[2]), bytes(row[3]))) for row in rows}


def anything_usable(connection: Connection, places: Iterable[int]) -> bool | None:
    """Whether a value that was not refused stands in any of these series; None where they never had one."""
    had, good = False, f"o.status <> 3 AND o.quality <> 2 AND {_STANDS}"
    for place in places:
        if connection.query(f"SELECT 1 FROM observation o WHERE o.series = ? AND {good} LIMIT 1", [place]):
            return True
        had = had or bool(connection.query("SELECT 1 FROM observation WHERE series = ? LIMIT 1", [place]))
    return False if had else None
