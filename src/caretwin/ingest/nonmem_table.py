"""Many subjects from one table with NONMEM columns, as population studies keep them.

Columns, in any order and case: ID TIME AMT RATE (or DUR) EVID MDV CMT DV OCC II ADDL SS CENS (or BLQ) LLOQ
DVID; every other column is a covariate, kept at each row's time. "." is missing. There are no units: all
values are in the drug file's units.
"""

from __future__ import annotations

from pathlib import Path

from caretwin.ingest import nonmem_rows
from caretwin.ingest.findings import Findings, TableError
from caretwin.ingest.text_table import read_text_table
from caretwin.record.dosing import DosingRecord
from caretwin.record.finding import Finding

__all__ = ["read_nonmem", "read_nonmem_with_findings"]


def read_nonmem(path: str | Path) -> list[DosingRecord]:
    """One DosingRecord per ID, in order of first appearance; times in hours, units None (the drug file's).

    Rows keep the order of the file where times are equal. ADDL and II are expanded; SS = 1 becomes earlier
    doses, which is noted; RATE = -2 marks a duration that the model estimates. Occasions come from OCC.

    Raises TableError, with every finding, for anything that cannot be read: a reset (EVID 3 or 4), a
    negative rate other than -2, times that go backwards, text where a number belongs.

    >>> records = read_nonmem("examples/two_subjects_nonmem.csv")
    >>> [(r.subject, len(r.doses), len(r.levels)) for r in records]
    [('1', 3, 2), ('2', 1, 2)]
    """
    return read_nonmem_with_findings(path)[0]


def read_nonmem_with_findings(path: str | Path) -> tuple[list[DosingRecord], tuple[Finding, ...]]:
    """The records and what was noted about the whole table (warnings and notes; errors raise TableError)."""
    findings = Findings()
    table = read_text_table(path, findings)
    if not nonmem_rows.looks_like(table.columns):
        findings.error(
            1,
            None,
            seen=f"the columns {', '.join(table.columns)}",
            wanted="at least TIME, AMT and DV",
            fix="see docs/data-formats.md for the columns; one patient's own table is for `caretwin dose`",
        )
        raise TableError(table.where, findings.all)
    records = nonmem_rows.records(table, findings)
    if findings.has_errors:
        raise TableError(table.where, findings.all)
    return records, findings.all
