"""Reading observations as they were known at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from jaxtyping import Float, Int

from caretwin.record.bedside import Quality, channels
from caretwin.record.entry import Status, Stored
from caretwin.record.store.as_of import ALWAYS, NEVER, superseded
from caretwin.record.store.connection import Connection, Row
from caretwin.record.store.read_subjects import numbers


@dataclass(frozen=True)
class SeriesData:
    """Observations of one series [n], in order of effective time and sequence; value NaN where there is none.

    effective, received [n] us; sequence [n]; quality, status [n]; note by row, where there is one
    """

    code: str
    unit: str
    source: str
    effective: Int[np.ndarray, " n"]
    received: Int[np.ndarray, " n"]
    value: Float[np.ndarray, " n"]
    quality: Int[np.ndarray, " n"]
    status: Int[np.ndarray, " n"]
    sequence: Int[np.ndarray, " n"]
    note: Mapping[int, Mapping[str, Any]]

    def __len__(self) -> int:
        return len(self.effective)


def series(
    connection: Connection,
    key: str,
    codes: Collection[str] | None = None,
    start: int = NEVER,
    stop: int = ALWAYS,
    as_of: int = ALWAYS,
) -> list[SeriesData]:
    """Observations of a subject with effective times in [start, stop), as they were known at ``as_of`` (us).

    codes  which; None: all
    Retracted observations are not among them.
    """
    found = []
    for number, code, unit, source in _series_of(connection, key, codes, as_of):
        rows = connection.query(
            "SELECT effective, received, value, quality, status, sequence, note FROM observation"
            " WHERE series = ? AND effective >= ? AND effective < ? AND received <= ? ORDER BY effective, sequence",
            [number, start, stop, as_of],
        )
        gone = superseded(connection, number, as_of)
        rows = [row for row in rows if row[5] not in gone and row[4] != Status.RETRACTED]
        if rows:
            found.append(_columns(code, unit, source, rows))
    return found


def latest(
    connection: Connection,
    key: str,
    codes: Collection[str] | None = None,
    as_of: int = ALWAYS,
    before: int = ALWAYS,
    *,
    usable: bool = False,
) -> list[Stored]:
    """The last observation of every series of a subject with an effective time below ``before``, as known at
    ``as_of`` (us).

    usable  the last that has a value which was not refused; series without one are left out
    """
    only = " AND quality <> 2 AND value IS NOT NULL" if usable else ""
    found = []
    for number, code, unit, source in _series_of(connection, key, codes, as_of):
        gone = superseded(connection, number, as_of)
        rows = connection.query(
            "SELECT sequence, effective, received, value, status, quality, note FROM observation"
            f" WHERE series = ? AND received <= ? AND effective < ? AND status <> 3{only}"
            " ORDER BY effective DESC, sequence DESC LIMIT ?",
            [number, as_of, before, 1 + len(gone)],
        )
        last = next((row for row in rows if row[0] not in gone), None)
        if last is not None:
            found.append(stored(last, key, code, unit, source))
    return found


def held(connection: Connection, key: str, codes: Collection[str], before: int, as_of: int = ALWAYS) -> list[Stored]:
    """The last usable observation of every order (``note["order"]``) of every series before an effective time, as
    known at ``as_of`` (us); those without an order are one more.
    """
    named, order = "coalesce(note, '') LIKE ?", '%"order":%'
    found = []
    for number, code, unit, source in _series_of(connection, key, codes, as_of):
        gone = superseded(connection, number, as_of)
        sql = (
            "SELECT sequence, effective, received, value, status, quality, note FROM observation"
            " WHERE series = ? AND effective < ? AND received <= ? AND status <> 3 AND quality <> 2"
        )
        # as a course orders them
        last = " ORDER BY effective DESC, (value IS NULL) DESC, value DESC, quality, sequence DESC"
        unnamed = connection.query(
            f"{sql} AND NOT {named}{last} LIMIT ?", [number, before, as_of, order, 1 + len(gone)]
        )
        first: dict[str, Row] = {}
        for row in (*unnamed, *connection.query(f"{sql} AND {named}{last}", [number, before, as_of, order])):
            if row[0] not in gone:
                first.setdefault(str(note_of(row[6]).get("order", "")), row)
        found += [stored(row, key, code, unit, source) for row in first.values()]
    return found


def first_effective(connection: Connection, key: str, codes: Collection[str]) -> int | None:
    """The earliest time at which any of these codes says anything, None where none does: an observation without a value
    says nothing, a setting without one that it has ended.
    """
    firsts = list[int]()
    for place, code, _, _ in _series_of(connection, key, codes):
        says = "" if code in channels() and channels()[code].kind == "setting" else " AND value IS NOT NULL"
        rows = connection.query(
            f"SELECT effective FROM observation WHERE series = ?{says} AND status <> 3 AND quality <> 2"
            " AND sequence NOT IN (SELECT sequence FROM superseded WHERE place = ?) ORDER BY effective LIMIT 1",
            [place, place],
        )
        firsts += [row[0] for row in rows]
    return min(firsts, default=None)


def _series_of(
    connection: Connection, key: str, codes: Collection[str] | None, as_of: int = ALWAYS
) -> list[tuple[int, str, str, str]]:
    rows = connection.among(
        "SELECT id, code, unit, source FROM series WHERE subject IN ? ORDER BY code, source, id",
        numbers(connection, key, as_of),
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows if codes is None or row[1] in codes]


def stored(row: Row, key: str, code: str, unit: str, source: str) -> Stored:
    """An observation of a row (sequence, effective, received, value, status, quality, note)."""
    sequence, effective, received, value, status, quality, note = row
    known = (effective, received, value, Status(status), Quality(quality), note_of(note))
    return Stored(sequence, key, code, unit, source, *known)


def note_of(text: str | None) -> Mapping[str, Any]:
    """What was noted beside a value."""
    return {} if text is None else orjson.loads(text)


def _columns(code: str, unit: str, source: str, rows: list[Row]) -> SeriesData:
    effective, received, value, quality, status, sequence, note = zip(*rows, strict=True)
    return SeriesData(
        code,
        unit,
        source,
        np.array(effective, dtype=np.int64),
        np.array(received, dtype=np.int64),
        np.array([np.nan if one is None else one for one in value], dtype=float),
        np.array(quality, dtype=np.int64),
        np.array(status, dtype=np.int64),
        np.array(sequence, dtype=np.int64),
        {i: note_of(text) for i, text in enumerate(note) if text is not None},
    )
