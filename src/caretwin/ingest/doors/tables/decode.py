"""From the rows of a table to coded values, by its mapping; what cannot be accepted is named by row and column.

A row without an identifier of its own is known by its subject, time and code: the same table saved again changes
nothing, a value that was corrected in it replaces the earlier one. Two rows that agree in all three are two values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from caretwin.ingest.decoded import Decodable, Decoded, Refusal, RefusedError
from caretwin.ingest.doors.mqtt.payload import refused
from caretwin.ingest.doors.tables.grid import Cell, Grid
from caretwin.ingest.doors.tables.mapping import TableMapping
from caretwin.ingest.doors.tables.row import Row, Table, parts_of

MOST_NAMED = 200
"""Refusals that are named one by one; of more only the number is told (assumed)."""


class Found(NamedTuple):
    """What a table says, and the numbers of the rows of which something was refused."""

    decoded: Decoded
    bad: frozenset[int]


def read_rows(grid: Grid, mapping: TableMapping, source: str, saved: int) -> Found:
    """Everything that a table says. Raises RefusedError for one without the columns that the mapping names.

    source  name of the door; saved  when the file was saved (us), 0 where that is not known
    """
    _check(grid, mapping)
    table = Table(mapping, source, saved, codes={one.name.casefold(): one for one in mapping.codes})
    parts: list[Decodable] = []
    problems: list[Refusal] = []
    bad: set[int] = set()
    for number, cells in grid.rows:
        row = Row(dict(zip(grid.columns, cells, strict=False)), number, grid.file)
        wrong: list[Refusal] = []
        try:
            _whole(grid, number, cells)
            parts += parts_of(row, table, wrong)
        except RefusedError as error:
            wrong.append(error.refusal)
        if wrong:
            bad.add(number)
            problems += wrong
    parts += table.persons.values()
    return Found(Decoded(tuple(parts), _named(problems, grid.file), ignored=_unused(grid, mapping)), frozenset(bad))


def _whole(grid: Grid, number: int, cells: Sequence[Cell]) -> None:
    """Raises RefusedError for a row with more cells than there are columns: which of them is which is not known."""
    if len(cells) > len(grid.columns):
        hint = "; a decimal comma splits a number in two" if grid.layout.delimiter == "," else ""
        fix = "put quotes around a text that holds the delimiter, and write decimals with a point"
        wanted = f"{len(grid.columns)} cells, as in the header"
        raise refused(f"{grid.file}, row {number}", f"{len(cells)} cells{hint}", wanted, fix, "structure")


def _check(grid: Grid, mapping: TableMapping) -> None:
    wide = [one.name for one in mapping.columns]
    missing = [name for name in mapping.needed() if name not in grid.columns]
    if wide and not any(name in grid.columns for name in wide):
        missing.append(wide[0])
    if missing:
        there = ", ".join(name[:40] for name in grid.columns[:20])
        fix = "correct the mapping; caretwin ingest preview shows what the file has"
        seen = f"no column {missing[0]!r}"
        raise RefusedError(
            Refusal(f"{grid.file}, header", seen, f"the mapping's columns; it has {there}", fix, "required")
        )


def _unused(grid: Grid, mapping: TableMapping) -> tuple[str, ...]:
    used = {*mapping.needed(), *(one.name for one in mapping.columns), *mapping.ignored, *mapping.issued.columns}
    used |= {mapping.sex, mapping.birth_date, mapping.device}
    return tuple(f"column {name}" for name in grid.columns if name not in used)


def _named(problems: Sequence[Refusal], file: str) -> tuple[Refusal, ...]:
    if len(problems) <= MOST_NAMED:
        return tuple(problems)
    more = f"{len(problems) - MOST_NAMED} more cells of this kind"
    last = Refusal(file, more, "cells that can be read", "mend the mapping first: most of them have one cause")
    return (*problems[:MOST_NAMED], last)
