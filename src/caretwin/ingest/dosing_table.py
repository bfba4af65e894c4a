"""One patient's doses, levels and covariates from a table that a ward pharmacist fills in with a spreadsheet.

    # zone: Europe/Zurich
    time,             kind,      name,       value, unit,  duration, note
    2026-03-01 08:00, covariate, weight,     78,    kg,    ,
    2026-03-01 08:00, dose,      vancomycin, 1500,  mg,    1.5 h,
    2026-03-01 19:30, level,     vancomycin, 14.8,  mg/L,  ,         trough

``docs/data-formats.md`` is the description for people. Everything questionable is noted with its row and
column; with errors, one TableError lists them all. Tables with NONMEM columns (TIME AMT DV ...) are read as
such.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from caretwin.base.errors import TimeError
from caretwin.base.time import parse_instant
from caretwin.ingest import nonmem_rows, table_times
from caretwin.ingest.conversion import Converter
from caretwin.ingest.data_quality import check
from caretwin.ingest.findings import Findings, TableError
from caretwin.ingest.hints import DrugHints
from caretwin.ingest.text_table import TextTable, read_text_table
from caretwin.ingest.ward_rows import WardRows
from caretwin.record.dosing import DosingRecord

HEADERS = {
    "time": ("time", "time_h", "time (h)", "hours", "datetime", "date time", "when"),
    "date": ("date", "day"),
    "kind": ("kind", "type", "event"),
    "name": ("name", "item", "what", "parameter"),
    "value": ("value", "amount", "result"),
    "unit": ("unit", "units"),
    "duration": ("duration", "duration_h", "duration (h)", "infusion time", "infusion", "infusion_h"),
    "duration_min": ("duration_min", "duration (min)", "infusion_min"),
    "route": ("route", "input"),
    "occasion": ("occasion",),
    "received": ("received", "received_h"),
    "note": ("note", "notes", "comment", "comments", "remark", "remarks"),
}
REQUIRED = ("time", "kind", "value", "unit")
ALIASES = {alias: name for name, aliases in HEADERS.items() for alias in aliases}


def read_dosing_table(
    path: str | Path, *, hints: DrugHints | None = None, zone: str | None = None, strict: bool = True
) -> DosingRecord:
    """Read one patient's table.

    path     CSV (comma, semicolon or tab) as documented in docs/data-formats.md, or NONMEM style for one
             subject
    hints    names and units of the drug, so that values arrive in the drug file's units; None keeps the
             table's
    zone     IANA zone of clock times that carry none, when the table does not declare ``# zone:``
    strict   False returns the record even with errors, which then stand in ``record.findings``
    Returns a DosingRecord with times in hours from the first row (clock times) or as written (hours).
    Raises TableError, with every finding, when there is an error.

    >>> record = read_dosing_table("examples/vancomycin_two_levels.csv")
    >>> [round(level.value, 1) for level in record.levels]
    [14.8, 17.2]
    """
    findings = Findings()
    table = read_text_table(path, findings)
    if nonmem_rows.looks_like(table.columns):
        record, first_dose_h = _from_nonmem(table, findings), None
    else:
        record, first_dose_h = _from_ward_table(table, findings, hints or DrugHints(), zone)
    findings.extend(check(record, hints or DrugHints(), first_dose_h))
    if strict and findings.has_errors:
        raise TableError(table.where, findings.all)
    return DosingRecord(
        record.subject,
        record.doses,
        record.levels,
        record.covariates,
        record.origin,
        findings.all,
        (),
        table.where,
        record.zone,
    )


def _from_nonmem(table: TextTable, findings: Findings) -> DosingRecord:
    records = nonmem_rows.records(table, findings)
    if len(records) != 1:
        findings.error(
            None,
            "id",
            seen=f"{len(records)} subjects",
            wanted="one patient",
            fix="keep the rows of one patient, or use `caretwin fit` for many",
        )
        raise TableError(table.where, findings.all)
    return records[0]


def _from_ward_table(
    table: TextTable, findings: Findings, hints: DrugHints, zone: str | None
) -> tuple[DosingRecord, float | None]:
    rows = _rename(table, findings)
    zone = table.directives.get("zone", zone)
    if _nothing_to_read(rows, zone, findings):
        raise TableError(table.where, findings.all)
    times = table_times.resolve(
        {n: row for n, row in rows},
        zone=zone,
        comma=table.decimal_comma,
        findings=findings,
    )
    reader = WardRows(findings, hints, times.hours, times.received, table.decimal_comma, Converter(findings))
    for number, row in rows:
        reader.read(number, row)
    _report_order(reader, findings)
    record = DosingRecord(
        table.directives.get("patient", Path(table.where).stem),
        tuple(sorted(reader.doses, key=lambda d: d.time_h)),
        tuple(sorted(reader.levels, key=lambda v: v.time_h)),
        tuple(sorted(reader.covariates, key=lambda c: c.time_h)),
        times.origin,
        zone=zone,
    )
    return record, reader.first_dose_h


def _nothing_to_read(rows: list[tuple[int, Mapping[str, str]]], zone: str | None, findings: Findings) -> bool:
    """Faults of the whole table, said once: no row, or a zone that every clock time would stumble over."""
    if not rows and not findings.has_errors:
        seen, wanted = "a header line and no rows", "doses, levels and covariates, one per row"
        findings.error(None, None, seen=seen, wanted=wanted, fix="see docs/data-formats.md, or write the rows")
        return True
    try:
        if zone is not None:
            parse_instant("2000-01-01T12:00", zone)
    except TimeError as error:
        findings.error(None, None, seen=f"# zone: {zone}", wanted=error.wanted, fix=error.fix)
        return True
    return False


def _rename(table: TextTable, findings: Findings) -> list[tuple[int, Mapping[str, str]]]:
    """Rows under the documented column names; an unknown column is reported, a missing one is an error."""
    known = {column: ALIASES[column] for column in table.columns if column in ALIASES}
    for column in table.columns:
        if column and column not in known:
            findings.info(
                None,
                column,
                seen=f"a column {column!r}",
                wanted=f"one of {', '.join(HEADERS)}",
                fix="it was not read; rename it if it matters",
            )
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
    return [(n, {known[c]: text for c, text in row.items() if c in known}) for n, row in table.rows]


def _report_order(reader: WardRows, findings: Findings) -> None:
    backwards = [n for (_, a), (n, b) in zip(reader.timed, reader.timed[1:], strict=False) if b < a]
    for number in backwards:
        findings.warning(
            number,
            "time",
            seen="a time before that of the row above",
            wanted="rows in order of time",
            fix="they were sorted; check that the time is right",
        )
