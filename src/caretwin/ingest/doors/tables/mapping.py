"""The mapping file of a table: which column is what (docs/doors/tables.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from caretwin.base.errors import CaretwinError, DataError
from caretwin.base.time import parse_instant, to_microseconds
from caretwin.ingest.doors.tables.grid import Layout
from caretwin.ingest.doors.tables.times import FORMATS, TimeRule
from caretwin.ingest.doors.toml_file import check, table_of, words_of
from caretwin.ingest.meanings import by_line, check_unit, no_channel
from caretwin.record.entry import Status, SubjectKind
from caretwin.record.vocabulary import vocabulary

KEYS = {
    "file": dict, "subject": dict, "time": dict, "issued": dict, "column": list, "long": dict, "code": list,
    "person": dict, "status": dict, "id": dict, "device": dict, "ignored": list,
}  # fmt: skip
PAIR = "blood_pressure"
"""A channel that is two: cells such as 120/80."""
STATUSES: Mapping[str, Status] = {
    "preliminary": Status.PRELIMINARY, "registered": Status.PRELIMINARY, "pending": Status.PRELIMINARY,
    "provisional": Status.PRELIMINARY, "p": Status.PRELIMINARY, "final": Status.FINAL, "f": Status.FINAL,
    "complete": Status.FINAL, "completed": Status.FINAL, "verified": Status.FINAL, "authorised": Status.FINAL,
    "validated": Status.FINAL, "": Status.FINAL, "corrected": Status.CORRECTED, "amended": Status.CORRECTED,
    "c": Status.CORRECTED, "modified": Status.CORRECTED, "entered in error": Status.RETRACTED,
    "entered-in-error": Status.RETRACTED, "cancelled": Status.RETRACTED, "canceled": Status.RETRACTED,
    "deleted": Status.RETRACTED, "void": Status.RETRACTED, "wrong": Status.RETRACTED, "retracted": Status.RETRACTED,
}  # fmt: skip
"""Words for the state of a row, in small letters."""
_STATUS_NAMES = ("preliminary", "final", "corrected", "retracted")


@dataclass(frozen=True)
class Channelled:
    """What a column (wide) or a code (long) means.

    name     of the column, or the code; channel  of the vocabulary, or PAIR
    unit     of values without one of their own; "" where the unit column or the cell says it
    words    what words mean, in small letters
    """

    name: str
    channel: str
    unit: str = ""
    words: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Long:
    """The columns of a table with a row for each value: ``code`` says what, ``value`` how much; unit "" for none.

    system  of the codes: ``"http://loinc.org"``, or ``"local:NAME"``
    """

    code: str
    value: str
    unit: str = ""
    system: str = "local:tables"


@dataclass(frozen=True)
class SubjectRule:
    """Whom rows are about: a column, or one value for the whole file; system  who gives the number."""

    column: str = ""
    value: str = ""
    system: str = "local:tables"
    kind: SubjectKind = "patient"


@dataclass(frozen=True)
class TableMapping:
    """What the columns of a table are.

    issued   when a result was published, "" columns for none; kept as ``note["issued"]``
    columns  of a wide table; long  of a long one, with codes
    sex, birth_date  columns of the person; status, id, version, device  columns, "" for none
    statuses what words in the status column mean; ignored  columns that nobody needs
    """

    subject: SubjectRule
    time: TimeRule
    layout: Layout = field(default_factory=Layout)
    issued: TimeRule = field(default_factory=lambda: TimeRule(()))
    columns: tuple[Channelled, ...] = ()
    long: Long | None = None
    codes: tuple[Channelled, ...] = ()
    sex: str = ""
    birth_date: str = ""
    status: str = ""
    statuses: Mapping[str, Status] = field(default_factory=lambda: STATUSES)
    id: str = ""
    version: str = ""
    device: str = ""
    ignored: tuple[str, ...] = ()

    def needed(self) -> tuple[str, ...]:
        """Columns that a table must have to be read by this mapping."""
        long = (self.long.code, self.long.value, self.long.unit) if self.long else ()
        rest = (self.subject.column, *self.time.columns, *long, self.status, self.id, self.version)
        return tuple(dict.fromkeys(name for name in rest if name))


def read_table_mapping(path: str | Path) -> TableMapping:
    """Read a mapping file. Raises DataError with the place for whatever is wrong in it."""
    with by_line(path):
        return mapping_of(table_of(path), str(path))


def mapping_of(table: Mapping[str, Any], where: str) -> TableMapping:
    """The mapping of a table as read from TOML (see :func:`read_table_mapping`)."""
    check(table, KEYS, where, ("subject", "time"))
    wide, long = table.get("column", []), table.get("long")
    if bool(wide) == (long is not None):
        seen = "both [[column]] and [long]" if wide else "neither [[column]] nor [long]"
        wanted = "[[column]] for a table with a column for each channel, [long] for one with a row for each value"
        raise DataError(where, seen=seen, wanted=wanted, fix="caretwin ingest preview FILE --write FILE makes one")
    person, row_id = table.get("person", {}), table.get("id", {})
    check(person, {"sex": str, "birth_date": str}, f"{where}, person")
    check(row_id, {"column": str, "version": str}, f"{where}, id")
    check(table.get("device", {}), {"column": str}, f"{where}, device")
    status = table.get("status", {})
    check(status, {"column": str, "words": dict}, f"{where}, status")
    return TableMapping(
        _subject(table["subject"], f"{where}, subject"),
        _time(table["time"], f"{where}, time"),
        _layout(table.get("file", {}), f"{where}, file"),
        _time(table["issued"], f"{where}, issued") if "issued" in table else TimeRule(()),
        tuple(_channelled(one, "name", f"{where}, column {n}") for n, one in enumerate(wide, start=1)),
        _long(long, f"{where}, long") if long is not None else None,
        tuple(_channelled(one, "code", f"{where}, code {n}") for n, one in enumerate(table.get("code", []), start=1)),
        person.get("sex", ""),
        person.get("birth_date", ""),
        status.get("column", ""),
        _statuses(status.get("words", {}), f"{where}, status"),
        row_id.get("column", ""),
        row_id.get("version", ""),
        table.get("device", {}).get("column", ""),
        tuple(str(name) for name in table.get("ignored", [])),
    )


def _subject(entry: Any, where: str) -> SubjectRule:
    check(entry, {"column": str, "value": str, "system": str, "kind": str}, where)
    if bool(entry.get("column")) == bool(entry.get("value")):
        fix = 'write column = "..." for a table about many, or value = "..." for one about one'
        raise DataError(where, seen="neither or both of column and value", wanted="whom rows are about", fix=fix)
    if entry.get("kind", "patient") not in get_args(SubjectKind):
        wanted = ", ".join(get_args(SubjectKind))
        raise DataError(where, seen=f"kind = {entry['kind']!r}", wanted=wanted, fix="write one of them")
    return SubjectRule(**entry)


def _time(entry: Any, where: str) -> TimeRule:
    keys = {"column": str, "columns": list, "format": str, "zone": str, "origin": object, "future": bool}
    check(entry, keys, where)
    columns = tuple(str(name) for name in entry.get("columns", [entry.get("column", "")]) if name)
    if not 1 <= len(columns) <= 2 or ("column" in entry) == ("columns" in entry):
        fix = 'write column = "Time", or columns = ["Date", "Time"]'
        raise DataError(where, seen=f"{len(columns)} columns", wanted="one, or a date and a time of day", fix=fix)
    form = entry.get("format", "iso")
    if form and form not in FORMATS:
        lines = "; ".join(f"{name}: {what}" for name, what in FORMATS.items())
        raise DataError(where, seen=f"format = {form!r}", wanted=lines, fix="write one of them")
    return TimeRule(
        columns, form, entry.get("zone", ""), _origin(entry.get("origin"), where), "future" in entry and entry["future"]
    )


def _origin(said: Any, where: str) -> int | None:
    if said is None:
        return None
    try:
        return to_microseconds(said if isinstance(said, datetime) else parse_instant(str(said)))
    except CaretwinError as problem:
        raise DataError(where, seen=problem.seen, wanted="such as 2026-03-27T08:00:00Z", fix=problem.fix) from None


def _layout(entry: Any, where: str) -> Layout:
    check(entry, {"delimiter": str, "encoding": str, "decimal": str, "header": int, "sheet": str}, where)
    if entry.get("decimal", "") not in ("", ".", ",") or len(entry.get("delimiter", "")) > 1:
        fix = "write one character; leave it out and it is found by looking"
        raise DataError(
            where, seen="no such delimiter or decimal sign", wanted="one of , ; tab | and one of . ,", fix=fix
        )
    return Layout(**entry)


def _long(entry: Any, where: str) -> Long:
    check(entry, {"code": str, "value": str, "unit": str, "system": str}, where, ("code", "value"))
    return Long(**entry)


def _channelled(entry: Any, key: str, where: str) -> Channelled:
    check(entry, {key: str, "channel": str, "unit": str, "words": dict}, where, (key, "channel"))
    channel = entry["channel"]
    if channel not in vocabulary() and channel != PAIR:
        raise no_channel(where, channel, PAIR)
    if unit := entry.get("unit", ""):
        check_unit(where, unit, "systolic_pressure" if channel == PAIR else channel)
    words = words_of(entry["words"], where) if entry.get("words") else {}
    return Channelled(entry[key], channel, unit, words)


def _statuses(words: Mapping[str, Any], where: str) -> Mapping[str, Status]:
    for word, name in words.items():
        if name not in _STATUS_NAMES:
            wanted = ", ".join(_STATUS_NAMES)
            raise DataError(where, seen=f"words.{word} = {name!r}", wanted=wanted, fix="write one of them")
    return {**STATUSES, **{word.casefold(): Status[name.upper()] for word, name in words.items()}}
