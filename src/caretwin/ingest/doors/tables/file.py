"""Which kind of table a file is, told by its first bytes and not by its name."""

from __future__ import annotations

from collections.abc import Mapping

from caretwin.ingest.decoded import Refusal, RefusedError
from caretwin.ingest.doors.tables.binary import read_parquet, read_workbook
from caretwin.ingest.doors.tables.grid import MOST_BYTES, Grid, Layout
from caretwin.ingest.doors.tables.text import read_text

ENDINGS: Mapping[str, str] = {
    ".csv": "text/csv", ".tsv": "text/tab-separated-values", ".txt": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xlsm": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
_OTHERS = {
    b"\xd0\xcf\x11\xe0": ("a workbook of before 2007 (.xls), or one with a password", "save it as .xlsx without one"),
    b"\x1f\x8b": ("a compressed file", "unpack it"),
    b"%PDF": ("a PDF", "ask for the table behind it"),
    b"SQLi": ("a database", "export its table as CSV"),
}


def read_grid(raw: bytes, file: str, layout: Layout) -> Grid:
    """The table in these bytes. Raises RefusedError for what is none.

    layout  what the mapping says of how it is written
    """
    if len(raw) > MOST_BYTES:
        seen = f"{len(raw)} bytes"
        raise RefusedError(Refusal(file, seen, f"at most {MOST_BYTES}", "split the file", "not-supported"))
    other = next((said for mark, said in _OTHERS.items() if raw.startswith(mark)), None)
    if other is not None:
        raise RefusedError(Refusal(file, other[0], "CSV, .xlsx or Parquet", other[1], "not-supported"))
    if raw.startswith(b"PAR1"):
        return read_parquet(raw, file, layout)
    if raw.startswith(b"PK\x03\x04"):
        return read_workbook(raw, file, layout)
    return read_text(raw, file, layout)
