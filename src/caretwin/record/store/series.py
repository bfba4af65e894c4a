"""Series: one code of one subject in one unit from one source has one number, which its observations carry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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

    def find(self, names: Iterable[SeriesName], family: Callable[[int], Sequence[int]]) -> None:
        """Look up series, and make those that are new.

        family  of a subject: itself, and those that are one with it, whose series are looked up too
        """
        wanted = set(names)
        # those of the family may have come since, by another process: what was remapped is kept where it came
        kin = {one._replace(subject=member) for one in wanted for member in family(one.subject)}
        subjects = {one.subject for one in (kin | wanted) - self._numbers.keys()}
        if not subjects:
            return
        rows = self._connection.among(
            "SELECT subject, code, unit, source, id FROM series WHERE subject IN ?", sorted(subjects)
        )
        self._numbers |= {SeriesName(*row[:4]): row[4] for row in rows}
        new = sorted(wanted - self._numbers.keys())
        if new:
            start = int(self._connection.query("SELECT coalesce(max(id), 0) + 1 FROM series")[0][0])
            made = [(start + i, *one) for i, one in enumerate(new)]
            self._connection.insert("series", ("id", "subject", "code", "unit", "source"), made)
            self._numbers |= {SeriesName(*row[1:]): row[0] for row in made}

    def numbers(self, name: SeriesName, family: Sequence[int]) -> list[int]:
        """Number of a series that :meth:`find` has found before, then those of the same series of the family."""
        own = self._numbers[name]
        if len(family) == 1:
            return [own]
        same = (self._numbers.get(name._replace(subject=member)) for member in family if member != name.subject)
        return [own, *(number for number in same if number is not None)]
