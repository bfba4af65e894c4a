"""One patient's bedside record from a table in long form, as a person or an export writes it.

    # zone: Europe/Zurich
    time,             name,           value, unit,       received
    2026-03-01 08:00, sex,            male,  ,
    2026-03-01 08:00, weight,         82,    kg,
    2026-03-01 08:00, FiO2,           0.60,  ,
    2026-03-01 08:10, PaO2,           9.8,   kPa,        2026-03-01 08:14
    2026-03-01 08:00, noradrenaline,  8,     ug/min,

Times are all hours or all clock times. A setting or rate holds until its next row; "off" ends it. Everything
questionable is noted with its row and column; with errors, one TableError lists them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from caretwin.base.errors import UnitError
from caretwin.base.units import convert
from caretwin.ingest import cells, table_times
from caretwin.ingest.bedside import names
from caretwin.ingest.bedside import person as bedside_person
from caretwin.ingest.bedside.quality import judgements
from caretwin.ingest.bedside.rows import BedsideRows, Read
from caretwin.ingest.bedside.verdict import Verdict, signal_of
from caretwin.ingest.cells import CellProblem
from caretwin.ingest.findings import Findings, TableError
from caretwin.ingest.text_table import TextTable, read_text_table
from caretwin.record.bedside import BedsideRecord, Person, Quality, Signal, channels
from caretwin.record.finding import Finding, Severity

HEADERS = {
    "time": ("time", "time_h", "time (h)", "hours", "datetime", "date time", "when", "charttime"),
    "date": ("date", "day"),
    "name": ("name", "item", "what", "parameter", "code", "loinc"),
    "value": ("value", "result", "rate"),
    "unit": ("unit", "units"),
    "received": ("received", "received_h", "resulted"),
    "note": ("note", "notes", "comment", "comments", "remark"),
}
REQUIRED = ("time", "name", "value")
ALIASES = {alias: name for name, aliases in HEADERS.items() for alias in aliases}
PERSON_UNITS = {"age": "a", "height": "cm", "weight": "kg"}
Rows = Mapping[int, Mapping[str, str]]


def read_bedside_table(
    path: str | Path, *, person: Person | None = None, zone: str | None = None, strict: bool = True
) -> BedsideRecord:
    """Read one patient's table.

    path     CSV (comma, semicolon or tab) with the columns time, name, value, unit and, if wanted, received
    person   what the caller knows about the patient; it wins over rows of the table
    zone     IANA zone of clock times that carry none, when the table does not declare ``# zone:``
    strict   False returns the record even with errors, which then stand in its findings
    Returns a BedsideRecord with times in hours from the first row (clock times) or as written (hours).
    Raises TableError, with every finding, when there is an error.

    >>> record = read_bedside_table("examples/bedside_ventilated.csv")
    >>> record.person.sex, record.settings["peep"].value[0].item()
    ('male', 10.0)
    """
    findings = Findings()
    table = read_text_table(path, findings)
    rows = _renamed(table, findings)
    about, others = _divided(rows)
    zone = table.directives.get("zone", zone)
    times = table_times.resolve(_with_kind(rows, about), zone=zone, comma=table.decimal_comma, findings=findings)
    known = _person(table, about, person, findings)
    reader = BedsideRows(findings, times.hours, times.received, table.decimal_comma, known.weight_kg)
    for number, row in others.items():
        reader.read(number, row)
    record, places = _record(known, reader.values)
    record = _judged(record, places, findings)
    if not reader.values:
        findings.error(None, None, seen="no row that can be used", wanted="values", fix="see the findings of the rows")
    if strict and findings.has_errors:
        raise TableError(table.where, findings.all)
    return replace(record, findings=findings.all, origin=times.origin, zone=zone)


def _renamed(table: TextTable, findings: Findings) -> Rows:
    """Rows under the documented column names. Raises TableError when one is missing."""
    known = {column: ALIASES[column] for column in table.columns if column in ALIASES}
    for column in table.columns:
        if column and column not in known:
            wanted = f"one of {', '.join(HEADERS)}"
            findings.info(None, column, seen=f"a column {column!r}", wanted=wanted, fix="it was not read")
    missing = [name for name in REQUIRED if name not in known.values()]
    for name in missing:
        findings.error(
            None,
            name,
            seen=f"the columns {', '.join(c for c in table.columns if c)}",
            wanted=f"a column {name!r}",
            fix=f"add it to the header line; other names for it: {', '.join(HEADERS[name][1:])}",
        )
    if missing:
        raise TableError(table.where, findings.all)
    return {n: {known[c]: text for c, text in row.items() if c in known} for n, row in table.rows}


def _divided(rows: Rows) -> tuple[Rows, Rows]:
    """Rows about the person and rows about channels."""
    about = {n: row for n, row in rows.items() if names.plain(row.get("name", "")) in names.PERSON}
    return about, {n: row for n, row in rows.items() if n not in about}


def _with_kind(rows: Rows, about: Rows) -> Rows:
    """A row about the person may go without a time."""
    return {n: {**row, "kind": "patient" if n in about else "value"} for n, row in rows.items()}


def _person(table: TextTable, rows: Rows, given: Person | None, findings: Findings) -> Person:
    """What the table says about the person, under what the caller says."""
    found: dict[str, str | float | None] = {}
    for number, row in rows.items():
        what, text = names.PERSON[names.plain(row["name"])], row.get("value", "")
        value = _about(number, what, text, row.get("unit"), table.decimal_comma, findings)
        if value is not None:
            found.setdefault(what, value)
    subject = table.directives.get("patient", Path(table.where).stem)
    read = Person(
        subject,
        bedside_person.sex(str(found.get("sex", ""))),
        _number(found.get("age")),
        _number(found.get("height")),
        _number(found.get("weight")),
        _text(found.get("race")),
        _text(found.get("ethnicity")),
    )
    if given is None:
        return read
    known = {name: value for name, value in vars(given).items() if value is not None}
    return replace(read, **known)


def _about(number: int, what: str, text: str, unit: str | None, comma: bool, findings: Findings) -> str | float | None:
    if what in ("race", "ethnicity"):
        return text or None
    if what == "sex":
        if bedside_person.sex(text) is None:
            findings.error(number, "value", seen=repr(text), wanted="female or male", fix="write one of the two")
            return None
        return text
    wanted = PERSON_UNITS[what]
    try:
        if unit is None and what != "age":
            raise CellProblem(f"the {what} with its unit", f"write {wanted}")
        value = convert(cells.number(text, decimal_comma=comma), unit or wanted, wanted)
    except (CellProblem, UnitError) as problem:
        findings.error(number, "value", seen=f"{text} {unit or ''}".strip(), wanted=problem.wanted, fix=problem.fix)
        return None
    low, high = {"age": (0.0, 120.0), "height": (50.0, 250.0), "weight": (2.0, 400.0)}[what]
    if not low <= value <= high:
        seen = f"{what} {value:g} {wanted}"
        findings.error(
            number, "value", seen=seen, wanted=f"{low:g} to {high:g} {wanted}", fix="correct the value or its unit"
        )
        return None
    return value


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _record(person: Person, values: Mapping[str, list[Read]]) -> tuple[BedsideRecord, dict[str, np.ndarray]]:
    """The record, and for each channel the row of the table behind each row of its signal."""
    signals, places = {}, {}
    for channel, reads in values.items():
        time, value, received = (np.array([r[i] for r in reads], dtype=float) for i in range(3))
        signals[channel] = Signal.of(time, value, received)
        places[channel] = np.array([r.row for r in reads])[np.argsort(time, kind="stable")]
    settings = {n: s for n, s in signals.items() if channels()[n].kind == "setting"}
    observations = {n: s for n, s in signals.items() if n not in settings}
    return BedsideRecord(person, observations, settings), places


def _judged(record: BedsideRecord, places: Mapping[str, np.ndarray], findings: Findings) -> BedsideRecord:
    """The record with its values judged; each oddity at its row. A setting that cannot be is an error."""
    for verdict, after in judgements(record):
        signal = signal_of(record, verdict.channel)
        assert signal is not None
        findings.extend(
            Finding(
                _severity(verdict),
                int(places[verdict.channel][row]),
                "value",
                f"{verdict.channel} {signal.value[row]:.5g} {_unit(verdict.channel)}: {verdict.why}",
                verdict.wanted,
                verdict.fix,
                (float(signal.received_h[row]),),
            )
            for row in verdict.rows
        )
        record = after
    return record


def _severity(verdict: Verdict) -> Severity:
    setting = channels()[verdict.channel].kind == "setting"
    return "error" if setting and verdict.quality == Quality.REFUSED else verdict.severity


def _unit(channel: str) -> str:
    unit = channels()[channel].unit
    return "" if unit == "1" else unit
