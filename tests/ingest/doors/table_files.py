"""Tables for tests: a mapping, bytes of every kind of file, and what a door says of them."""

import io
from typing import Any

from caretwin.ingest.decoded import Decoded
from caretwin.ingest.doors.tables.door import TablesDoor
from caretwin.ingest.doors.tables.mapping import mapping_of

WIDE: dict[str, Any] = {
    "subject": {"column": "MRN", "system": "local:ward"},
    "time": {"column": "When", "format": "dmy", "zone": "Europe/London"},
    "column": [
        {"name": "HR", "channel": "heart_rate", "unit": "/min"},
        {"name": "Temp", "channel": "temperature", "unit": "[degF]"},
    ],
}
LONG: dict[str, Any] = {
    "subject": {"column": "who"},
    "time": {"column": "at", "zone": "Europe/London"},
    "issued": {"column": "resulted", "zone": "Europe/London"},
    "long": {"code": "test", "value": "result", "unit": "unit"},
    "code": [{"code": "K", "channel": "potassium"}, {"code": "Crea", "channel": "creatinine"}],
    "id": {"column": "row"},
    "status": {"column": "status", "words": {"oops": "retracted"}},
}
SAVED = 1_774_700_000_000_000
"""2026-03-28 12:13 UTC (us)."""
FILE = f"text/csv;file=ward.csv;saved={SAVED}"


def door(mapping: dict[str, Any] | None = None, folder: object = ".", **more: Any) -> TablesDoor:
    found = mapping_of(mapping or WIDE, "mapping")
    return TablesDoor("tables", {"path": str(folder), "every_s": 0.05} | more, found)


def decode(text: str | bytes, mapping: dict[str, Any] | None = None, media: str = FILE) -> Decoded:
    return door(mapping).decode(text.encode() if isinstance(text, str) else text, media)


def said(decoded: Decoded) -> list[tuple[str, float | None]]:
    """Code and value of everything."""
    return [(part.codes[0].code, part.value) for part in decoded.parts if hasattr(part, "codes")]


def workbook(*rows: list[Any], title: str = "Sheet1", formats: dict[str, str] | None = None) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    for cell, form in (formats or {}).items():
        book.active[cell].number_format = form
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet(**columns: list[Any]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), out)
    return out.getvalue()
