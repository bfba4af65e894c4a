"""The times of a table: all hours, or all clock times with one origin. Nothing between is guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from caretwin.base.errors import TimeError
from caretwin.base.time import hours_between, parse_instant
from caretwin.ingest import cells
from caretwin.ingest.cells import CellProblem
from caretwin.ingest.findings import Findings

_ISO_PARTS = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d):")  # spreadsheets write 8:00 for 08:00
Rows = Mapping[int, Mapping[str, str]]


@dataclass(frozen=True)
class Times:
    """Hours by row number from ``origin`` (the earliest clock time; None when the table is in hours)."""

    hours: Mapping[int, float]
    received: Mapping[int, float]
    origin: datetime | None = None


def resolve(rows: Rows, *, zone: str | None, comma: bool, findings: Findings) -> Times:
    """Read the columns time (with or without date) and received; what cannot be read becomes a finding.

    zone     IANA name for clock times without a zone, or None
    comma    True when "1,5" is a number
    """
    texts = {n: _joined(row) for n, row in rows.items()}
    for n, row in rows.items():
        if texts[n] is None and row.get("kind", "").lower() not in {"covariate", "mic", "lab", "patient"}:
            findings.error(
                n,
                "time",
                seen="no time",
                wanted="when it was given or drawn",
                fix="write hours from the start, or a clock time; only covariates may go without",
            )
    written = {n: text for n, text in texts.items() if text is not None}
    received = {n: row["received"] for n, row in rows.items() if "received" in row}
    clocks = {n for n, text in written.items() if cells.looks_like_clock(text)}
    if clocks and len(clocks) * 2 >= len(written):
        return _from_clock(written, received, zone, findings)
    for n in sorted(clocks):
        _mixed(n, written[n], "hours", findings)
    hours = {
        n: h for n, t in written.items() if n not in clocks and (h := _hours(n, "time", t, comma, findings)) is not None
    }
    arrived = {n: h for n, t in received.items() if (h := _hours(n, "received", t, comma, findings)) is not None}
    return Times(hours, arrived)


def _joined(row: Mapping[str, str]) -> str | None:
    """The text of the time, with a separate date in front."""
    if "date" in row and "time" in row:
        return f"{row['date']} {row['time']}"
    return row.get("time", row.get("date"))


def _hours(n: int, column: str, text: str, comma: bool, findings: Findings) -> float | None:
    try:
        return cells.number(text, decimal_comma=comma)
    except CellProblem:
        problem = cells.clock_problem(text)
        findings.error(n, column, seen=repr(text), wanted=problem.wanted, fix=problem.fix)
        return None


def _mixed(n: int, text: str, rest: str, findings: Findings) -> None:
    findings.error(
        n,
        "time",
        seen=f"{text!r}, while most rows are in {rest}",
        wanted="one kind of time in the whole table",
        fix="write all times as hours, or all as clock times",
    )


def _from_clock(written: Mapping[int, str], received: Mapping[int, str], zone: str | None, findings: Findings) -> Times:
    instants = {n: t for n, text in written.items() if (t := _instant(n, "time", text, zone, findings)) is not None}
    if not instants:
        return Times({}, {})
    origin = min(instants.values())
    arrived = {n: t for n, text in received.items() if (t := _instant(n, "received", text, zone, findings)) is not None}
    return Times(
        {n: hours_between(origin, t) for n, t in instants.items()},
        {n: hours_between(origin, t) for n, t in arrived.items()},
        origin,
    )


def _instant(n: int, column: str, text: str, zone: str | None, findings: Findings) -> datetime | None:
    if not cells.looks_like_clock(text):
        try:
            cells.number(text)
        except CellProblem:
            problem = cells.clock_problem(text)
            findings.error(n, column, seen=repr(text), wanted=problem.wanted, fix=problem.fix)
        else:
            _mixed(n, text, "clock times", findings)
        return None
    if zone is None and not _has_zone(text):
        findings.error(
            None,
            column,
            seen="clock times without a zone",
            wanted="the zone of the ward's clock",
            fix="add a line such as '# zone: Europe/Zurich' above the header",
        )
        return None
    try:
        return parse_instant(_ISO_PARTS.sub(r"\1T0\2:", text) if _ISO_PARTS.match(text) else text, zone)
    except TimeError as problem:
        findings.error(n, column, seen=problem.seen, wanted=problem.wanted, fix=problem.fix)
        return None


def _has_zone(text: str) -> bool:
    return text.endswith("Z") or "+" in text or text.count("-") > 2
