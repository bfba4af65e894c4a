"""A table as it lies in a file: names of columns, rows with their numbers, cells as they were written.

Nothing is interpreted here. A cell is a text, a number, a clock time, or None where it is empty; row numbers are those
that a spreadsheet shows, so that a message can be followed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, TypeAlias

import orjson

from caretwin.ingest.decoded import Refusal, RefusedError
from caretwin.ingest.doors.mqtt.payload import clean

Cell: TypeAlias = "str | float | bool | datetime | date | time | None"
MOST_BYTES = 200_000_000
"""Of a file: a larger one is cut in pieces, or loaded as Parquet by months (assumed)."""
MOST_ROWS = 1_048_576
"""Rows of a worksheet, and of any other table."""
MOST_COLUMNS = 2_000
SHORT_NAMED = 5
"""Rows with too few cells that are named."""
ROWS_MEDIA = "application/vnd.caretwin.rows+json"
"""Rows of a table that were refused, with the names of the columns and their numbers: what waits in quarantine."""


@dataclass(frozen=True)
class Layout:
    """How a table is written; what is empty or 0 is found by looking.

    delimiter  between cells; encoding  of the text; decimal  ``"."`` or ``","``
    header     row with the names of the columns, counted from 1; sheet  of a workbook
    """

    delimiter: str = ""
    encoding: str = ""
    decimal: str = ""
    header: int = 0
    sheet: str = ""


@dataclass(frozen=True)
class Grid:
    """A table that was read.

    rows       (row number, cells), as many as ``columns``, or more where a delimiter stands within a cell; rows
               without any cell are left out
    layout     how it is written, with all that was found
    remarks    what a person should know of how it was read, in sentences
    directives what lines such as ``# zone: Europe/Zurich`` declare
    short      numbers of the rows with fewer cells than the header: those that are missing are taken for empty
    """

    file: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[Cell, ...]], ...]
    layout: Layout = Layout()
    remarks: tuple[str, ...] = ()
    directives: dict[str, str] = field(default_factory=dict)
    short: tuple[int, ...] = ()

    def told_short(self) -> str:
        """What to say of rows with fewer cells than the header; "" where there is none."""
        if not self.short:
            return ""
        some = ", ".join(str(number) for number in self.short[:SHORT_NAMED])
        more = f" and {len(self.short) - SHORT_NAMED} more" if len(self.short) > SHORT_NAMED else ""
        rows = f"Row {some} has" if len(self.short) == 1 else f"Rows {some}{more} have"
        return f"{rows} fewer cells than the header: the last are taken for empty. Look whether one before is missing."

    def column(self, name: str) -> list[Cell]:
        """The cells of a column."""
        place = self.columns.index(name)
        return [cells[place] for _, cells in self.rows]


def as_rows(grid: Grid, numbers: set[int]) -> bytes:
    """Some rows of a table as they can be kept and read again (:data:`ROWS_MEDIA`)."""
    rows = [[number, [_plain(cell) for cell in cells]] for number, cells in grid.rows if number in numbers]
    return orjson.dumps({"columns": grid.columns, "rows": rows}, option=orjson.OPT_APPEND_NEWLINE)


def from_rows(raw: bytes, file: str, layout: Layout) -> Grid:
    """The rows of :func:`as_rows`. Raises RefusedError for anything else."""
    try:
        said = orjson.loads(raw)
        columns = tuple(str(name) for name in said["columns"])
        rows = tuple((int(number), tuple(_cell(cell) for cell in cells)) for number, cells in said["rows"])
        whole = all(len(cells) >= len(columns) for _, cells in rows)
    except (ValueError, TypeError, KeyError, OverflowError):
        whole, columns, rows = False, (), ()
    if not whole or not columns:
        wanted = "rows of a table as the quarantine keeps them"
        raise RefusedError(Refusal(file, "something else", wanted, "take the file itself in again", "structure"))
    return Grid(file, columns, rows, layout)


def _plain(cell: Cell) -> Any:
    if isinstance(cell, datetime):
        return {"at": cell.isoformat()}
    if isinstance(cell, date):
        return {"day": cell.isoformat()}
    return {"clock": cell.isoformat()} if isinstance(cell, time) else cell


def _cell(said: Any) -> Cell:
    if isinstance(said, dict):
        if "at" in said:
            return datetime.fromisoformat(said["at"])
        return date.fromisoformat(said["day"]) if "day" in said else time.fromisoformat(said["clock"])
    if said is None or isinstance(said, str | bool):
        return said
    return float(said)


def named(header: list[Cell], file: str) -> tuple[str, ...]:
    """Names of columns: one without a name is called by its letter. Raises RefusedError for a name that is there
    twice.
    """
    written = [clean(" ".join(str(cell).split())) if cell is not None else "" for cell in header]
    names = tuple(name or f"column {letter(place)}" for place, name in enumerate(written))
    if len(names) > MOST_COLUMNS:
        raise RefusedError(Refusal(file, f"{len(names)} columns", f"at most {MOST_COLUMNS}", "split the table"))
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        seen, fix = f"the column {twice[:60]!r} twice", "rename one of them"
        raise RefusedError(Refusal(f"{file}, header", seen, "each name once", fix, "structure"))
    return names


def letter(place: int) -> str:
    """The letter that a spreadsheet gives a column.

    >>> letter(0), letter(27)
    ('A', 'AB')
    """
    more, rest = divmod(place, 26)
    return (letter(more - 1) if more else "") + chr(ord("A") + rest)
