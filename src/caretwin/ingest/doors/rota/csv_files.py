"""Rotas as tables: one CSV file each of shifts, absences and staff, as spreadsheets save them (docs/doors/rota.md)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import NamedTuple

from caretwin.base.errors import TimeError
from caretwin.ingest.decoded import Decoded, Refusal, RefusedError
from caretwin.ingest.doors.mqtt.payload import clean
from caretwin.ingest.doors.rota.home import ABSENCE, LONGEST_SHIFT_H, SHIFT, STAFF, Home
from caretwin.ingest.doors.rota.times import HOUR, Moment, after, midnight
from caretwin.record.entry import Event

COLUMNS: Mapping[str, Mapping[str, str]] = {
    SHIFT: {
        "staff": "who works it, by the number or short name that the home uses",
        "date": "its day, where start and end are only times of day",
        "start": "when it begins", "end": "when it ends; a time before start is of the next day",
        "shift": "its name, such as E, L or N", "unit": "where in the home", "role": "such as carer or nurse",
        "skills": "what is needed for it, with semicolons between", "agency": "yes for bank or agency staff",
        "break_min": "minutes of unpaid break", "id": "the rota system's number of it",
        "status": "planned, worked or cancelled",
    },
    ABSENCE: {
        "staff": "who is away", "start": "from when; a day counts from its beginning",
        "end": "until when; a day counts to its end", "reason": "such as leave or sickness", "id": "its number",
        "status": "approved, or cancelled",
    },
    STAFF: {
        "staff": "number or short name", "role": "such as carer or nurse", "skills": "with semicolons between",
        "hours": "contracted hours a week", "unit": "where they usually work", "agency": "yes for bank or agency",
        "from": "first day", "to": "last day",
    },
}  # fmt: skip
NEEDED = {SHIFT: ("staff", "start", "end"), ABSENCE: ("staff", "start", "end"), STAFF: ("staff",)}
PREFIXES = {"shift": SHIFT, "rota": SHIFT, "absence": ABSENCE, "leave": ABSENCE, "sick": ABSENCE, "staff": STAFF}
"""First letters of a file's name, and what it holds."""
CANCELLED = frozenset({"cancelled", "canceled", "deleted", "withdrawn", "declined", "rejected"})
YES = frozenset({"yes", "y", "true", "1", "x"})
MOST_ROWS = 200_000


class Row(NamedTuple):
    """A row of a table: its cells, and where it stands."""

    cells: Mapping[str, str]
    place: str

    def cell(self, name: str) -> str:
        """A cell, "" where there is none."""
        return self.cells.get(name, "")

    def refused(self, column: str, seen: str, wanted: str, fix: str) -> RefusedError:
        """A refusal of a cell."""
        return RefusedError(Refusal(f"{self.place}, column {column}", seen, wanted, fix))


def decode_table(raw: bytes, file: str, version: int, home: Home) -> Decoded:
    """What a table says. Raises RefusedError for one without the columns it needs.

    file     its name, which says what it holds; version  when it was saved (us), 0 where that is not known
    """
    kind = next((kind for prefix, kind in PREFIXES.items() if PurePath(file).name.lower().startswith(prefix)), None)
    if kind is None:
        wanted = "a name that begins with shifts, absence or staff"
        raise RefusedError(
            Refusal(f"file {clean(file)}", "a name that does not say what it holds", wanted, "rename it")
        )
    read = {SHIFT: _shift, ABSENCE: _absence, STAFF: _staff}[kind]
    return _rows(raw, kind, clean(PurePath(file).name), lambda row: read(row, version, home))


def _rows(raw: bytes, kind: str, file: str, read: Callable[[Row], Event]) -> Decoded:
    parts, problems = list[Event](), list[Refusal]()
    for row in _table(raw, kind, file):
        try:
            parts.append(read(row))
        except RefusedError as error:
            problems.append(error.refusal)
    if problems and not parts:
        raise RefusedError(problems[0])
    return Decoded(tuple(parts), tuple(problems))


def _table(raw: bytes, kind: str, file: str) -> Iterator[Row]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")  # what spreadsheets in English save otherwise
    first = text.split("\n", 1)[0]
    sign = max(",;\t", key=first.count)
    table = csv.reader(io.StringIO(text.replace("\x00", "")), delimiter=sign)
    try:
        header = [name.strip().lower().replace(" ", "_") for name in next(table, [])]
        missing = [name for name in NEEDED[kind] if name not in header]
        if missing:
            lines = "; ".join(f"{name}: {what}" for name, what in COLUMNS[kind].items())
            fix = "write the names of the columns into the first row"
            raise RefusedError(Refusal(f"{file}, row 1", f"no column {missing[0]}", lines, fix, "required"))
        for number, cells in enumerate(table, start=2):
            if number > MOST_ROWS:
                fix = "split the file"
                raise RefusedError(Refusal(file, "too many rows", f"at most {MOST_ROWS}", fix, "not-supported"))
            kept = [clean(cell) for cell in cells]
            if any(kept):
                yield Row(dict(zip(header, kept, strict=False)), f"{file}, row {number}")
    except csv.Error:
        raise RefusedError(Refusal(file, "a table that cannot be read", "CSV", "save it as CSV again")) from None


def _who(row: Row) -> str:
    if not row.cell("staff"):
        raise row.refused("staff", "nothing", "a number or a short name", "fill the cell, or take the row out")
    return row.cell("staff")


def _moment(row: Row, column: str, home: Home) -> Moment:
    try:
        return Moment(row.cell(column), home.order)
    except TimeError as problem:
        raise row.refused(column, problem.seen, problem.wanted, problem.fix) from None


def _shift(row: Row, version: int, home: Home) -> Event:
    staff, start, end = _who(row), _moment(row, "start", home), _moment(row, "end", home)
    day = start.day or (_moment(row, "date", home).day if row.cell("date") else None)
    if day is None:
        raise row.refused("date", "no day", "a day here or in start", "fill the cell")
    column = "start"
    try:
        begin = start.at(home.zone, day)
        column = "end"
        next_day = end.day is None and end.clock <= start.clock
        stop = end.at(home.zone, after(day) if next_day else day)
    except TimeError as problem:
        raise row.refused(column, problem.seen, problem.wanted, problem.fix) from None
    _in_order(row, begin, stop, LONGEST_SHIFT_H)
    body = {
        "staff": staff, "shift": row.cell("shift"), "unit": row.cell("unit"), "role": row.cell("role"),
        "skills": _list(row.cell("skills")), "agency": _yes(row, "agency"), "break_min": _number(row, "break_min"),
        "planned": row.cell("status").lower() != "worked",
    }  # fmt: skip
    name = row.cell("id") or f"{staff}/{day.isoformat()}/{row.cell('shift') or start.clock}"
    return home.event(SHIFT, (begin, stop), body, name, version, cancelled=_cancelled(row))


def _absence(row: Row, version: int, home: Home) -> Event:
    staff, start, end = _who(row), _moment(row, "start", home), _moment(row, "end", home)
    try:
        begin = start.at(home.zone)
        stop = end.at(home.zone, start.day) if end.clock or end.day is None else midnight(after(end.day), home.zone)
    except TimeError as problem:
        raise row.refused("start", problem.seen, problem.wanted, problem.fix) from None
    _in_order(row, begin, stop, 3 * 366 * 24.0)
    body = {"staff": staff, "reason": row.cell("reason").lower()}
    name = row.cell("id") or f"{staff}/{start.day}"
    return home.event(ABSENCE, (begin, stop), body, name, version, cancelled=_cancelled(row))


def _staff(row: Row, version: int, home: Home) -> Event:
    staff = _who(row)
    try:
        begin = _moment(row, "from", home).at(home.zone) if row.cell("from") else version
        last = _moment(row, "to", home).day if row.cell("to") else None
        stop = midnight(after(last), home.zone) if last is not None else None
    except TimeError as problem:
        raise row.refused("from", problem.seen, problem.wanted, problem.fix) from None
    if not begin:
        raise row.refused("from", "nothing", "the first day", "fill the cell")
    body = {
        "staff": staff, "role": row.cell("role"), "skills": _list(row.cell("skills")), "unit": row.cell("unit"),
        "hours_week": _number(row, "hours"), "agency": _yes(row, "agency"),
    }  # fmt: skip
    return home.event(STAFF, (begin, stop), body, staff, version)


def _in_order(row: Row, begin: int, stop: int, most_h: float) -> None:
    hours = (stop - begin) / HOUR
    if not 0.0 < hours <= most_h:
        raise row.refused("end", f"an end {hours:g} h after the start", f"0 to {most_h:g} h", "look at both times")


def _cancelled(row: Row) -> bool:
    return row.cell("status").lower() in CANCELLED


def _list(text: str) -> list[str]:
    return [one.strip() for one in text.replace("|", ";").split(";") if one.strip()]


def _yes(row: Row, column: str) -> bool | None:
    return row.cell(column).lower() in YES or None


def _number(row: Row, column: str) -> float | None:
    if not row.cell(column):
        return None
    try:
        number = float(row.cell(column))
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= 1000.0:
        raise row.refused(column, "no number from 0 to 1000", "such as 37.5", "mend the cell, with a decimal point")
    return number
