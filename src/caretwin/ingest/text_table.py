"""A table of text cells from a file that a spreadsheet wrote: byte-order marks, separators, comments and
blank rows.

Nothing is interpreted here. Row numbers are those a spreadsheet shows, so that a message can be followed.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from caretwin.ingest.findings import Findings, TableError

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}


@dataclass(frozen=True)
class TextTable:
    """Cells by column name (lower case, stripped) with the row number each came from.

    where       the file's name, for messages
    rows        (row number, {column: text}) with empty texts left out
    directives  what lines such as ``# zone: Europe/Zurich`` declare, by lower-case name
    separator   the character between cells
    """

    where: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]
    directives: Mapping[str, str] = field(default_factory=dict)
    separator: str = ","

    @property
    def decimal_comma(self) -> bool:
        """True when the cells are not separated by commas and at least one of them is a number like 1,5."""
        comma = re.compile(r"[<>]?\s*[+-]?\d+,\d+")
        return self.separator != "," and any(comma.fullmatch(t) for _, row in self.rows for t in row.values())


def read_text_table(path: str | Path, findings: Findings) -> TextTable:
    """Read ``path`` and note in ``findings`` what was unusual about it. Raises TableError when it is no
    table.

    Comments start with ``#``; the separator (comma, semicolon or tab) is found from the header line.
    """
    where = Path(path).name
    lines = _decode(path, findings).splitlines()
    directives = dict(_directive(line) for line in lines if line.lstrip().startswith("#") and ":" in line)
    content = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")]
    separator = None
    if content and content[0][1].strip().lower().startswith("sep="):
        separator = content.pop(0)[1].strip()[4:5]
    if not content:
        findings.error(
            None, None, seen="an empty table", wanted="a header line and rows", fix="see docs/data-formats.md"
        )
        raise TableError(where, findings.all)
    separator = separator or _separator(content[0][1])
    (_, header), *body = _records(content, separator)
    columns = tuple(name.strip().lower() for name in header)
    _check_header(columns, header, findings)
    rows = tuple(
        (n, cells) for n, values in body if (cells := _row(n, values, columns, separator, findings)) is not None
    )
    return TextTable(where, columns, rows, directives, separator)


def _decode(path: str | Path, findings: Findings) -> str:
    raw = Path(path).read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        findings.info(
            None,
            None,
            seen="a file that is not UTF-8",
            wanted="UTF-8 text",
            fix="it was read as Windows-1252; save it as 'CSV UTF-8' if letters or units look wrong",
        )
        return raw.decode("cp1252", errors="replace")


def _directive(line: str) -> tuple[str, str]:
    name, _, value = line.lstrip("# \t").partition(":")
    return name.strip().lower(), value.strip().rstrip(",;\t ")


def _separator(header: str) -> str:
    """The separator that occurs most often in the header line; a comma when there is none."""
    return max(SEPARATORS, key=header.count)


def _records(content: list[tuple[int, str]], separator: str) -> list[tuple[int, list[str]]]:
    """Cells of each record with the number of the line on which it starts (a quoted note may span lines)."""
    reader = csv.reader((line + "\n" for _, line in content), delimiter=separator, skipinitialspace=True)
    records = []
    while reader.line_num < len(content):
        start = content[reader.line_num][0]
        records.append((start, next(reader)))
    return records


def _check_header(columns: tuple[str, ...], header: list[str], findings: Findings) -> None:
    repeated = sorted({name for name in columns if name and columns.count(name) > 1})
    if repeated:
        findings.error(
            1,
            repeated[0],
            seen=f"the column {repeated[0]} twice",
            wanted="each column once",
            fix="rename or delete one",
        )


def _row(
    number: int, values: list[str], columns: tuple[str, ...], separator: str, findings: Findings
) -> dict[str, str] | None:
    """Cells by column; None for a row of empty cells (a spreadsheet leaves such rows behind)."""
    stripped = [value.strip() for value in values]
    if not any(stripped):
        return None
    extra = [value for value in stripped[len(columns) :] if value]
    if extra:
        hint = " (a decimal comma splits a number in two)" if separator == "," else ""
        findings.error(
            number,
            None,
            seen=f"{len(values)} cells{hint}: {', '.join(stripped)}",
            wanted=f"{len(columns)} cells, as in the header",
            fix="put quotes around a note that contains the separator, and write decimals with a point",
        )
        return None
    return {c: value for c, value in zip(columns, stripped, strict=False) if c and value}
