"""Tables that are no text: workbooks (.xlsx) and Parquet files."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from importlib import import_module
from typing import Any

from caretwin.ingest.decoded import Refusal, RefusedError
from caretwin.ingest.doors.mqtt.payload import clean
from caretwin.ingest.doors.tables.grid import MOST_BYTES, MOST_COLUMNS, MOST_ROWS, Cell, Grid, Layout, named
from caretwin.ingest.doors.tables.text import LONGEST_CELL

MOST_UNPACKED = 5 * MOST_BYTES
"""Bytes of a workbook when it is unpacked: one that grows more was made to fill the memory (assumed)."""


def read_workbook(raw: bytes, file: str, wanted: Layout) -> Grid:
    """A sheet of a workbook: the one that is named, else the first with cells. Raises RefusedError for what is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            size = sum(part.file_size for part in packed.infolist())
    except Exception:
        fix = "save it as .xlsx or as CSV"
        raise RefusedError(Refusal(file, "no workbook", "a file as .xlsx", fix, "structure")) from None
    if size > MOST_UNPACKED:
        seen = f"{size} bytes when it is unpacked"
        raise RefusedError(Refusal(file, seen, f"at most {MOST_UNPACKED}", "save it as CSV", "not-supported"))
    openpyxl = _module("openpyxl", file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and validations that it cannot keep: we only read cells
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
            sheets = {name: _sheet(book[name]) for name in book.sheetnames if wanted.sheet in ("", name)}
            book.close()
    except Exception as problem:  # whatever is wrong inside, the library raises as it comes
        seen, fix = f"a workbook that cannot be read ({type(problem).__name__})", "save it again, or as CSV"
        raise RefusedError(Refusal(file, seen, "a file as .xlsx", fix, "structure")) from None
    return _grid_of(sheets, file, wanted)


def _grid_of(sheets: dict[str, list[tuple[int, list[Cell]]]], file: str, wanted: Layout) -> Grid:
    full = [name for name, rows in sheets.items() if rows]
    if not full:
        seen = f"no sheet {wanted.sheet[:40]!r}" if wanted.sheet else "no cells"
        raise RefusedError(Refusal(file, seen, "a sheet with a header and rows", "look at the file", "structure"))
    rows, sheet = sheets[full[0]], full[0]
    width = max(_width(cells) for _, cells in rows)
    start = wanted.header or next(number for number, cells in rows if _width(cells) * 2 > width)
    header = next((cells for number, cells in rows if number == start), [])
    columns = named(header[: max(_width(header), 1)], file)
    remarks = [f"Only the sheet {full[0]!r} is read; there are also {', '.join(full[1:])}."] if len(full) > 1 else []
    more = max((_width(cells) for number, cells in rows if number > start), default=0) - len(columns)
    if more > 0:
        remarks.append(f"{more} columns at the right have no name and are not read.")
    body = ((n, (cells + [None] * len(columns))[: len(columns)]) for n, cells in rows if n > start)
    kept = tuple((n, tuple(cells)) for n, cells in body if any(cell is not None for cell in cells))
    return Grid(file, columns, kept, Layout("", "", wanted.decimal or ".", start, sheet), tuple(remarks))


def _width(cells: list[Cell]) -> int:
    """Cells up to the last that is filled."""
    return max((place for place, cell in enumerate(cells, start=1) if cell is not None), default=0)


def _sheet(sheet: Any) -> list[tuple[int, list[Cell]]]:
    sheet.reset_dimensions()  # some programs write a wrong size
    found = []
    for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS), start=1):
        cells = [_cell(value) for value in row]
        if any(cell is not None for cell in cells):
            found.append((number, cells))
        if number > MOST_ROWS:
            raise ValueError("too many rows")
    return found


def read_parquet(raw: bytes, file: str, wanted: Layout) -> Grid:
    """A Parquet file. Raises RefusedError for what is none."""
    parquet = _module("pyarrow.parquet", file)
    arrow = _module("pyarrow", file)
    try:
        inside = parquet.ParquetFile(arrow.BufferReader(raw))
        if inside.metadata.num_rows > MOST_ROWS or inside.metadata.num_columns > MOST_COLUMNS:
            raise OverflowError
        table = inside.read()
        names = list(table.column_names)
        lists = [[_cell(value) for value in _values(table.column(place), arrow)] for place in range(len(names))]
    except OverflowError:
        seen, wanted_ = "too many rows or columns", f"at most {MOST_ROWS} rows and {MOST_COLUMNS} columns"
        fix = "split the file; for research data in MEDS or CLIF use their own doors"
        raise RefusedError(Refusal(file, seen, wanted_, fix, "not-supported")) from None
    except Exception as problem:
        seen = f"a Parquet file that cannot be read ({type(problem).__name__})"
        raise RefusedError(Refusal(file, seen, "Parquet", "export it again", "structure")) from None
    if not names or not lists[0]:
        raise RefusedError(Refusal(file, "an empty table", "columns and rows", "export it again"))
    rows = tuple((number, cells) for number, cells in enumerate(zip(*lists, strict=True), start=1))
    return Grid(file, named(list(names), file), rows, Layout("", "", wanted.decimal or ".", 0))


def _values(column: Any, arrow: Any) -> Iterable[Any]:
    """Python values; nanoseconds are cut to microseconds: no clock at a bedside has them."""
    if str(column.type).startswith("timestamp[ns"):
        column = column.cast(arrow.timestamp("us", tz=column.type.tz), safe=False)
    found: Iterable[Any] = column.to_pylist()
    return found


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, bool | datetime | date | time):
        return value
    if isinstance(value, int | float | Decimal):
        try:
            number = float(value)
        except OverflowError:
            return None
        return None if math.isnan(number) else number
    text = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
    return clean(text.replace("\n", " "), LONGEST_CELL) or None


def _module(name: str, file: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        fix = "pip install 'caretwin[data,doors]'"
        raise RefusedError(Refusal(file, f"no module {name}", "what reads it", fix, "not-supported")) from None
