"""A mapping file that a person changes while a door uses it: checked before, and never half written."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import stat
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from caretwin.base.errors import DataError
from caretwin.ingest.mapping import COLUMNS, Rule, cells_of, rule_of

Row = Mapping[str, str]
"""A row of a mapping by the names of its columns."""
KEY = COLUMNS[:4]
"""Columns that say of what a row speaks."""
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def digest(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file as it is. Raises OSError."""
    return sha256(path.read_bytes()).hexdigest()


def rows_of(path: Path) -> list[Row]:
    """The rows of a mapping, filled in or not. Raises DataError for what is none."""
    header, *rows = cells_of(path)
    return [{name: dict(zip(header, row, strict=False)).get(name, "").strip() for name in COLUMNS} for row in rows]


def read_only(path: Path) -> str:
    """Why a mapping cannot be changed here, "" where it can."""
    there = path.resolve()
    try:
        mode = there.stat().st_mode
    except OSError as problem:
        return f"the file {path.name} cannot be read ({problem.strerror})"
    if not mode & _WRITABLE or not os.access(there, os.W_OK):
        return f"the file {path.name} is read-only"
    return "" if os.access(there.parent, os.W_OK) else f"the folder of {path.name} is read-only"


def check_new(rows: Sequence[Row], number: int, new: Row) -> Rule:
    """The rule of a row that somebody adds, number (from 0) among those that they add.

    rows  that stand before it, filled in or not
    Raises DataError for a rule that says what cannot be, and for one that would never hold.
    """
    where = f"rule {number + 1}"
    rule = rule_of(where, new)
    for line, row in enumerate(rows, start=2):
        if row["channel"] and _covers(row, new):
            seen = f"{new['code']!r}, which is {row['channel']} by another rule (row {line} of the file)"
            fix = "change that row of the file: the first rule that fits holds"
            raise DataError(where, seen=seen, wanted="a code that no rule speaks of yet", fix=fix)
    return rule


def _covers(old: Row, new: Row) -> bool:
    """Whether a rule fits whatever another does."""
    same = old["code"].casefold() == new["code"].casefold()
    return same and all(old[name] in ("", new[name]) for name in KEY if name != "code")


def with_rows(path: Path, new: Sequence[Row]) -> str:
    """The text of a mapping with these rows: a row that waits to be filled in for the same code is, others are added.

    Raises DataError for a file that is no mapping.
    """
    cells = cells_of(path)
    header = [*cells[0], *(name for name in COLUMNS if name not in cells[0])]
    rows = [dict(zip(header, row, strict=False)) for row in cells[1:]]
    for one in new:
        waits = [it for it in rows if not _cell(it, "channel") and all(_cell(it, name) == one[name] for name in KEY)]
        if waits:
            waits[0].update({name: one[name] for name in COLUMNS if one[name]})
        else:
            rows.append(dict(one))
    text = path.read_bytes()
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n" if b"\r\n" in text else "\n")
    table.writerow(header)
    table.writerows([row.get(name, "") for name in header] for row in rows)
    return ("\ufeff" if text.startswith(b"\xef\xbb\xbf") else "") + out.getvalue()


def _cell(row: Row, name: str) -> str:
    return row.get(name, "").strip()


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all, on the disk when this returns; who may read it stays as it was.

    Raises OSError.
    """
    there = path.resolve()
    aside = there.with_name(f".{there.name}.{os.getpid()}.part")
    try:
        with aside.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.chmod(stat.S_IMODE(there.stat().st_mode))
        aside.replace(there)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
