"""Tables of text: which encoding, which delimiter, which decimal sign, and where the header stands."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence

from caretwin.ingest.decoded import Refusal, RefusedError
from caretwin.ingest.doors.mqtt.payload import clean
from caretwin.ingest.doors.tables.grid import MOST_ROWS, Cell, Grid, Layout, named

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
"""Byte-order marks. UTF-32 does not occur."""
LOOKED_AT = 200
"""Lines by which delimiter, header and decimal sign are told (assumed)."""
LONGEST_CELL = 1000
LEAST_TEXT = 100
"""One control character in so many signs is an accident; more of them are no text (assumed)."""
_STRANGE = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f-\x84\x86-\x9f\ufffd]")
"""Control characters, but spaces, ends of lines and pages, and the end of a file that old systems write."""
_DECIMAL_COMMA = re.compile(r"[<>]?=?\s*[+-]?\d+,\d+")
_DECIMAL_POINT = re.compile(r"[<>]?=?\s*[+-]?\d+\.\d+")
_DIRECTIVE = re.compile(r"#\s*(zone|subject|patient)\s*:\s*(\S.*?)[\s,;]*")


def read_text(raw: bytes, file: str, wanted: Layout) -> Grid:
    """The table of a text file. Raises RefusedError for what is none.

    wanted  what the mapping says of how it is written; the rest is found
    """
    text, encoding, remarks = _text(raw, file, wanted.encoding)
    _readable(text, file)
    lines = text.replace("\x00", "").splitlines()
    directives = {m[1].lower(): m[2] for line in lines[:LOOKED_AT] if (m := _DIRECTIVE.fullmatch(line.strip()))}
    first = next((number for number, line in enumerate(lines) if _counts(line)), len(lines))
    delimiter = wanted.delimiter
    if first < len(lines) and re.fullmatch(r"sep=.", lines[first].strip().lower()):
        delimiter, lines[first] = delimiter or lines[first].strip()[4], ""
    sample = [line for line in lines[:LOOKED_AT] if _counts(line)]
    delimiter = delimiter or _delimiter(sample)
    records = _records(lines, delimiter, file)
    start = wanted.header or _header(records)
    header = next((cells for number, cells in records if number == start), None)
    if header is None:
        seen = f"no row {start}" if records else "an empty table"
        raise RefusedError(Refusal(file, seen, "a row with the names of the columns, then rows", "look at the file"))
    above = [number for number, _ in records if number < start]
    if above and not wanted.header:
        rows = f"Row {above[0]} was" if len(above) == 1 else f"Rows {above[0]} to {above[-1]} were"
        remarks.append(f"{rows} taken for a title: less than half of the cells are filled.")
    decimal = wanted.decimal or _decimal(records, start, delimiter)
    columns = named(list(header), file)
    body = _rows(records, start, columns)
    filled = {number for number, _ in body}
    short = tuple(number for number, cells in records if number in filled and len(cells) < len(columns))
    return Grid(file, columns, body, Layout(delimiter, encoding, decimal, start), tuple(remarks), directives, short)


def _text(raw: bytes, file: str, encoding: str) -> tuple[str, str, list[str]]:
    marked = next((name for mark, name in MARKS if raw.startswith(mark)), "")
    try:
        if encoding or marked:
            return raw.decode(encoding or marked), encoding or marked, []
        return raw.decode("utf-8"), "utf-8", []
    except (UnicodeDecodeError, LookupError):
        if encoding or marked:
            fix = "save it as CSV UTF-8, or mend encoding in the mapping"
            raise RefusedError(Refusal(file, f"no {(encoding or marked)[:30]}", "text", fix)) from None
    remark = "It is not UTF-8 and was read as Windows-1252: look whether letters such as ° and µ are right."
    return raw.decode("cp1252", errors="replace"), "cp1252", [remark]


def _readable(text: str, file: str) -> None:
    """Raises RefusedError for bytes that are no text: pictures, programs, what a transfer has spoilt."""
    strange = len(_STRANGE.findall(text))
    if strange * LEAST_TEXT > len(text):
        seen = f"bytes that are no text ({strange} of {len(text)} signs are none of a table)"
        raise RefusedError(
            Refusal(file, seen, "CSV, .xlsx or Parquet", "look whether it is the right file", "structure")
        )


def _counts(line: str) -> bool:
    """Whether a line belongs to the table: it is not empty and no remark."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _delimiter(sample: Sequence[str]) -> str:
    """The delimiter by which most lines have the same number of cells, and more than one."""

    def fits(sign: str) -> tuple[int, int]:
        try:
            widths = Counter(len(cells) for cells in csv.reader(sample, delimiter=sign) if len(cells) > 1)
        except csv.Error:
            return (0, 0)
        (width, lines), *_ = widths.most_common(1) or [(0, 0)]
        return lines, width

    return max(DELIMITERS, key=fits)


def _records(lines: Sequence[str], delimiter: str, file: str) -> list[tuple[int, list[str]]]:
    """Cells of each record with the number of the line on which it starts: a quoted cell may hold line ends."""
    kept = [(number, line) for number, line in enumerate(lines, start=1) if _counts(line)]
    if len(kept) > MOST_ROWS:
        raise RefusedError(Refusal(file, "too many rows", f"at most {MOST_ROWS}", "split the file", "not-supported"))
    reader = csv.reader((line + "\n" for _, line in kept), delimiter=delimiter)
    found = []
    try:
        while reader.line_num < len(kept):
            start = kept[reader.line_num][0]
            found.append((start, next(reader)))
    except csv.Error:
        fix = "save it as CSV again"
        raise RefusedError(Refusal(file, "quotes that do not close, or an endless cell", "CSV", fix)) from None
    return found


def _header(records: Sequence[tuple[int, list[str]]]) -> int:
    """The first row that fills more than half of the table's usual width: what stands above it is a title."""
    widths = Counter(len(cells) for _, cells in records[:LOOKED_AT])
    usual = widths.most_common(1)[0][0] if widths else 0
    return next((n for n, cells in records if 2 * sum(bool(cell.strip()) for cell in cells) > usual), 1)


def _decimal(records: Sequence[tuple[int, list[str]]], start: int, delimiter: str) -> str:
    """A comma where no comma separates the cells and more numbers have a comma than a point."""
    cells = [cell.strip() for number, row in records[:LOOKED_AT] if number > start for cell in row]
    commas = sum(_DECIMAL_COMMA.fullmatch(cell) is not None for cell in cells)
    points = sum(_DECIMAL_POINT.fullmatch(cell) is not None for cell in cells)
    return "," if delimiter != "," and commas > points else "."


def _rows(
    records: Sequence[tuple[int, list[str]]], start: int, columns: tuple[str, ...]
) -> tuple[tuple[int, tuple[Cell, ...]], ...]:
    """Cells of each row; more than there are columns where the row has more that are filled (it is refused later)."""
    found = []
    for number, cells in records:
        if number <= start:
            continue
        kept: list[Cell] = [_cell(cell) for cell in cells]
        kept = kept if any(kept[len(columns) :]) else (kept + [None] * len(columns))[: len(columns)]
        if any(cell is not None for cell in kept):
            found.append((number, tuple(kept)))
    return tuple(found)


def _cell(text: str) -> str | None:
    return clean(text.replace("\n", " "), LONGEST_CELL) or None
