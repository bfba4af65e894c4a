"""Series: one code of one subject in one unit from one source has one number, which its observations carry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from caretwin.record.store.connection import Connection


class SeriesName(NamedTuple):
    """What makes a series; subject: its number."""

    subject: int
    code: str
    unit: str
    source: str


class SeriesBook:
    """Numbers of series, for one writer; what is remembered is forgotten together with the subjects."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.forget()

    def forget(self) -> None:
        """Drop what is remembered."""
        self._numbers: dict[SeriesName, int] = {}

    def find(self, names: Iterable[SeriesName]) -> None:
        """Look up series, and make those that are new."""
        missing = sorted(set(names) - self._numbers.keys())
        if not missing:
            return
        rows = self._connection.among(
            "SELECT subject, code, unit, source, id FROM series WHERE subject IN ?",
            sorted({m.subject for m in missing}),
        )
        self._numbers |= {SeriesName(*row[:4]): row[4] for row in rows}
        new = [one for one in missing if one not in self._numbers]
        if new:
            start = int(self._connection.query("SELECT coalesce(max(id), 0) + 1 FROM series")[0][0])
            made = [(start + i, *one) for i, one in enumerate(new)]
            self._connection.insert("series", ("id", "subject", "code", "unit", "source"), made)
            self._numbers |= {SeriesName(*row[1:]): row[0] for row in made}

    def number(self, name: SeriesName) -> int:
        """Number of a series that :meth:`find` has found before."""
        return self._numbers[name]
