"""Rows with NONMEM columns: which columns mean what, and how a row becomes a dose, a level or covariates.

Source of the meaning of the data items: NONMEM Users Guide VI (PREDPP), ch. V; EVID 0 observation, 1 dose,
2 other event, 3 reset, 4 reset and dose; RATE -2 duration estimated by the model; CMT as PREDPP numbers it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from caretwin.ingest.findings import Findings
from caretwin.ingest.text_table import TextTable
from caretwin.record.dosing import Censoring, CovariateValue, Dose, DosingRecord, Level

ITEMS = (
    "id",
    "time",
    "amt",
    "rate",
    "dur",
    "evid",
    "mdv",
    "cmt",
    "dv",
    "occ",
    "ii",
    "addl",
    "ss",
    "cens",
    "blq",
    "limit",
    "dvid",
    "lloq",
)
IGNORED = {"", "c", "date", "dat1", "dat2", "dat3", "l1", "l2"}
MISSING = {"", ".", "na", "nan", "-99"}
STEADY_STATE_DOSES = 60
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
CHANNELS = {
    "1": "level", "cp": "level", "conc": "level", "level": "level", "2": "effect",
    "pca": "effect", "inr": "effect",
    "effect": "effect", "pd": "effect", "bis": "effect", "metabolite": "metabolite",
}  # fmt: skip


def looks_like(columns: tuple[str, ...]) -> bool:
    """True when the columns are those of a NONMEM table and not of a ward's."""
    return "time" in columns and "kind" not in columns and {"amt", "dv"} & set(columns) != set()


@dataclass
class _Subject:
    doses: list[Dose] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    covariates: list[CovariateValue] = field(default_factory=list)
    last: float = float("-inf")
    given: set[tuple[float | None, ...]] = field(default_factory=set)


def records(table: TextTable, findings: Findings) -> list[DosingRecord]:
    """One record per ID in order of first appearance; what cannot be read is noted in ``findings``.

    Values carry no unit (``None``): a NONMEM table states none, so they are in the drug file's units.
    """
    if not {"amt", "dv"} <= set(table.columns):
        missing = sorted({"amt", "dv"} - set(table.columns))
        findings.error(
            None,
            missing[0],
            seen=f"the columns {', '.join(table.columns)}",
            wanted=f"a column {missing[0].upper()}",
            fix="add it; '.' where it does not apply",
        )
        return []
    subjects: dict[str, _Subject] = {}
    before, scattered = "", set()
    for number, row in table.rows:
        reader = _RowReader(number, row, findings)
        name = _identity(row.get("id", "1"))
        if name in subjects and name != before and name not in scattered:
            scattered.add(name)
            _say_scattered(reader, name)
        before = name
        subject = subjects.setdefault(name, _Subject())
        time = reader.number("time")
        if time is None:
            reader.error("time", repr(row.get("time", "nothing")), "hours as a number", "write the time of the row")
        elif time < subject.last:
            reader.error(
                "time",
                f"{time:g} h after {subject.last:g} h",
                "times that do not go backwards within a subject",
                "sort the rows of the subject, or give each course of treatment its own ID",
            )
        else:
            subject.last = time
            _read(reader, time, subject, table.columns)
    return [
        DosingRecord(
            name,
            tuple(sorted(s.doses, key=lambda d: d.time_h)),
            tuple(s.levels),
            tuple(s.covariates),
            source=table.where,
        )
        for name, s in subjects.items()
    ]


def _say_scattered(reader: _RowReader, name: str) -> None:
    fix = "all its rows were read as one subject (NONMEM would take each block for another); put them together"
    seen = f"a row of subject {name} after rows of others"
    reader.findings.warning(reader.row_number, "id", seen=seen, wanted="each subject's rows together", fix=fix)


def _identity(text: str) -> str:
    """1, 1.0 and 1.00E+00 are one subject; 12345678 and 12345679 are two, however long a number is."""
    if not _NUMBER.fullmatch(text):
        return text
    value = Decimal(text)
    return str(int(value)) if value == value.to_integral_value() else format(value.normalize(), "f")


def _read(reader: _RowReader, time: float, subject: _Subject, columns: tuple[str, ...]) -> None:
    amount = reader.number("amt") or 0.0
    event = reader.number("evid")
    kind = int(event) if event is not None else 1 if amount > 0 else 0
    _unused(reader, kind, event, amount)
    if kind in {3, 4}:
        reader.error(
            "evid",
            f"EVID {kind}, a reset of the system",
            "EVID 0, 1 or 2",
            "give what follows the reset an ID of its own",
        )
    elif kind not in {0, 1, 2}:
        reader.error("evid", f"EVID {kind}", "EVID 0, 1 or 2", "correct it")
    elif kind == 1:
        given = (time, amount, reader.number("cmt"), reader.number("rate"), reader.number("dur"))
        if given in subject.given:
            reader.findings.warning(
                reader.row_number,
                "amt",
                seen=f"a second dose of {amount:g} at {time:g} h, like the one before in every way",
                wanted="each dose once",
                fix="both were counted; delete one if the dose was given once",
            )
        subject.given.add(given)
        subject.doses.extend(_doses(reader, time, amount))
    elif kind == 0 and not reader.number("mdv"):
        levels = _levels(reader, time)
        if subject.doses and any(v.value == 0 and v.censoring == "measured" and v.channel == "level" for v in levels):
            _say_zero(reader)
        subject.levels.extend(levels)
    for column in columns:
        if column not in ITEMS and column not in IGNORED and (value := reader.covariate(column)) is not None:
            subject.covariates.append(CovariateValue(column.upper(), time, value, None, reader.row_number))


def _say_zero(reader: _RowReader) -> None:
    fix = "it was read as exactly 0; set CENS (or BLQ) to 1 and DV to the limit, or MDV to 1 if nothing was measured"
    seen, wanted = "a measured level of 0 after a dose", "a level above 0, or that it lies below a limit"
    reader.findings.warning(reader.row_number, "dv", seen=seen, wanted=wanted, fix=fix)


def _unused(reader: _RowReader, kind: int, event: float | None, amount: float) -> None:
    """Says which number of a row is not used, and why."""
    if kind == 1 and reader.number("dv") and not reader.number("mdv"):
        why = "an amount and an observation in one row" if event is None else "EVID 1 and an observation in one row"
        fix = "the row was read as a dose and its DV not used; put the observation in a row of its own, or set MDV 1"
        reader.findings.warning(reader.row_number, "dv", seen=why, wanted="one event in a row", fix=fix)
    if kind == 0 and amount > 0:
        fix = "the amount was not used; write EVID 1 if it was given"
        seen = f"EVID 0 with an amount of {amount:g}"
        reader.findings.warning(reader.row_number, "amt", seen=seen, wanted="EVID 1 for a dose", fix=fix)


def _doses(reader: _RowReader, time: float, amount: float) -> list[Dose]:
    """The dose of a row with its additional doses; empty after an error."""
    interval, additional = reader.number("ii") or 0.0, int(reader.number("addl") or 0)
    before = _steady_state(reader, interval)
    duration = _duration(reader, amount)
    if before is None or duration is None:
        return []
    if amount <= 0:
        reader.error(
            "amt",
            f"a dose of {amount:g}",
            "an amount above zero",
            "write the amount, or EVID 2 for a change of covariates",
        )
        return []
    if additional > 0 and interval <= 0:
        reader.error("ii", f"ADDL {additional} with II {interval:g}", "an interval above zero", "write II in hours")
        return []
    compartment, occasion = reader.number("cmt"), reader.number("occ")
    return [
        Dose(
            time + k * interval,
            amount,
            None,
            max(duration, 0.0),
            compartment=None if compartment is None else int(compartment),
            modelled_duration=duration < 0,
            occasion=None if occasion is None else int(occasion),
            row=reader.row_number,
        )
        for k in range(-before, additional + 1)
    ]


def _steady_state(reader: _RowReader, interval: float) -> int | None:
    """How many doses before this one stand for a steady state; None after an error."""
    state = int(reader.number("ss") or 0)
    if state == 0:
        return 0
    if state == 1 and interval > 0:
        reader.findings.info(
            reader.row_number,
            "ss",
            seen=f"SS 1 with II {interval:g} h",
            wanted="the doses that were given",
            fix=f"{STEADY_STATE_DOSES} equal doses before this one stand for the steady state",
        )
        return STEADY_STATE_DOSES
    reader.error(
        "ss",
        f"SS {state} with II {interval:g}",
        "SS 0, or SS 1 with an interval II",
        "write the earlier doses as rows; the steady state of an endless infusion has no interval",
    )
    return None


def _duration(reader: _RowReader, amount: float) -> float | None:
    """Infusion time (h) from RATE or DUR: 0 a bolus, -1 estimated by the model, None after an error."""
    rate, duration = reader.number("rate") or 0.0, reader.number("dur") or 0.0
    if rate == -2:
        return -1.0
    if rate < 0:
        reader.error(
            "rate",
            f"RATE {rate:g}",
            "a rate of zero or more, or -2 (duration estimated by the model)",
            "write the rate; a rate estimated by the model (-1) is not supported" if rate == -1 else "correct the sign",
        )
        return None
    if duration < 0:
        reader.error("dur", f"{duration:g} h, less than zero", "an infusion time of zero or more", "correct the sign")
        return None
    if rate > 0 and duration > 0 and abs(amount / rate - duration) > 0.01 * duration:
        reader.error(
            "rate",
            f"RATE {rate:g} and AMT {amount:g}, an infusion over {amount / rate:g} h, beside DUR {duration:g}",
            "a rate and a duration that agree",
            "correct one, or leave one of the columns out",
        )
        return None
    return amount / rate if rate > 0 else duration


def _levels(reader: _RowReader, time: float) -> list[Level]:
    """The observation of a row; empty when there is none or after an error."""
    value, occasion = reader.number("dv"), reader.number("occ")
    if value is None:
        return []
    flag = int(reader.number("cens") or reader.number("blq") or 0)
    channel = CHANNELS.get(reader.row.get("dvid", "1").lower().removesuffix(".0"))
    if channel is None:
        reader.error("dvid", repr(reader.row["dvid"]), "1 (level) or 2 (effect)", "write 1 or 2")
        return []
    flags: dict[int, Censoring] = {0: "measured", 1: "below", -1: "above"}
    censoring = flags.get(flag)
    if censoring is None:
        reader.error("cens", f"{flag}", "0 measured, 1 below the limit, -1 above the limit", "correct it")
        return []
    if censoring == "below" and value == 0 and reader.number("lloq"):
        value = reader.number("lloq") or 0.0
    return [
        Level(
            time,
            value,
            None,
            channel,
            censoring,
            None if flag == 0 else value,
            None if occasion is None else int(occasion),
            reader.row_number,
        )
    ]


@dataclass
class _RowReader:
    """The cells of one row."""

    row_number: int
    row: Mapping[str, str]
    findings: Findings

    def number(self, column: str) -> float | None:
        """The number in a column; None when it is missing or (after noting it) unreadable."""
        text = self.row.get(column, "")
        if text.lower() in MISSING:
            return None
        if _NUMBER.fullmatch(text):
            return float(text)
        self.error(column, repr(text), "a number, or '.' where there is none", "correct the cell")
        return None

    def covariate(self, column: str) -> float | None:
        """A covariate's number; text in an unknown column is reported once per column, not an error."""
        text = self.row.get(column, "")
        if text.lower() in MISSING - {"-99"}:
            return None
        if _NUMBER.fullmatch(text):
            return float(text)
        self.findings.warning(
            None,
            column,
            seen=f"text, such as {text!r} in row {self.row_number}",
            wanted="numbers",
            fix="the column was read where it holds numbers; code words as numbers if the model needs it",
        )
        return None

    def error(self, column: str, seen: str, wanted: str, fix: str) -> None:
        """Note an error in this row."""
        self.findings.error(self.row_number, column, seen=seen, wanted=wanted, fix=fix)
