"""Does a record contradict itself, or look like a slip of the pen? Checks over whole records, whatever
their source.

The bounds separate what is humanly possible from what is not; they are declared assumptions of this
project, set wide on purpose (they are no normal ranges), and each finding says which bound was crossed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from caretwin.base.errors import UnitError
from caretwin.base.units import convert
from caretwin.ingest.hints import DrugHints
from caretwin.ingest.names import SUBSTANCES
from caretwin.record.dosing import CovariateValue, Dose, DosingRecord, Level
from caretwin.record.finding import Finding

POUNDS_PER_KG = 2.20462
MOST_KG, MOST_BMI = 250.0, 60.0
CREATININE_MG_DL = (0.1, 25.0)  # 0.1 is the lowest that laboratories report
HIGH_CREATININE_MG_DL = 15.0
UNUSUAL_DOSE = 4.0  # times beyond the largest, or below the smallest, practical dose
REPEAT_WORDS = ("repeat", "twice", "second line")


def check(record: DosingRecord, hints: DrugHints, first_dose_h: float | None = None) -> list[Finding]:
    """Every finding about the record as a whole, in the order of the checks. Never raises.

    first_dose_h  time of the first dose the source mentions (h), readable or not; None: that of the record
    """
    checks: tuple[Callable[[DosingRecord, DrugHints], Iterable[Finding]], ...] = (
        _duplicates,
        _overlaps,
        _levels_in_infusions,
        _odd_doses,
        _weights,
        _body_mass,
        _heights,
        _creatinine,
        _ages,
    )
    first = [dose.time_h for dose in record.doses] + ([] if first_dose_h is None else [first_dose_h])
    before = [] if hints.endogenous else _levels_before_doses(record, min(first, default=None))
    return [*before, *(finding for one in checks for finding in one(record, hints))]


def _finding(
    severity: str, item: Dose | Level | CovariateValue, column: str, seen: str, wanted: str, fix: str
) -> Finding:
    return Finding(severity, item.row, column, seen, wanted, fix)  # type: ignore[arg-type]


def _values(record: DosingRecord, name: str, unit: str) -> list[tuple[CovariateValue, float]]:
    """The recorded values of a covariate in ``unit``; those in another dimension or without a unit are left
    out."""
    found = []
    for item in record.covariate(name):
        try:
            if item.unit is not None:
                value = convert(item.value, item.unit, unit, substance=SUBSTANCES.get(name))
                found.append((item, value))
        except UnitError:
            continue
    return found


def _duplicates(record: DosingRecord, hints: DrugHints) -> Iterator[Finding]:
    seen: dict[tuple[object, ...], Dose | Level | CovariateValue] = {}
    covariates = [c for c in record.covariates if c.unit is not None]  # a NONMEM table repeats them in every row
    items: list[Dose | Level | CovariateValue] = [*record.doses, *record.levels, *covariates]
    for item in items:
        amount = item.amount if isinstance(item, Dose) else item.value
        which = item.input if isinstance(item, Dose) else item.channel if isinstance(item, Level) else item.name
        where = item.compartment if isinstance(item, Dose) else None
        first = seen.setdefault((type(item), item.time_h, amount, item.unit, which, where), item)
        if first is item:
            continue
        what = f"the same {_word(item)} as row {first.row}: {amount:g} {item.unit or ''} at {item.time_h:g} h"
        if not isinstance(item, Dose):
            yield _finding("warning", item, "value", what.strip(), "each value once", "delete one row if it is a copy")
        elif not any(word in item.note.lower() for word in REPEAT_WORDS):
            yield _finding(
                "error",
                item,
                "value",
                what.strip(),
                "each dose once",
                "delete one row, or write 'repeat' in the note if it was given twice",
            )


def _word(item: Dose | Level | CovariateValue) -> str:
    return item.name if isinstance(item, CovariateValue) else type(item).__name__.lower()


def _overlaps(record: DosingRecord, hints: DrugHints) -> Iterator[Finding]:
    infusions = [d for d in record.doses if d.duration_h > 0]
    for first, second in pairwise(infusions):
        copy = (second.time_h, second.amount) == (first.time_h, first.amount)  # reported as a duplicate
        if second.time_h < first.end_h - 1e-9 and first.input == second.input and not copy:
            yield _finding(
                "warning",
                second,
                "duration",
                f"an infusion from {second.time_h:g} h; that of row {first.row} runs until {first.end_h:g} h",
                "one infusion after the other",
                "correct the duration or the time; if both ran, nothing is to be done",
            )


def _levels_before_doses(record: DosingRecord, start: float | None) -> Iterator[Finding]:
    for level in record.levels:
        if level.channel != "level" or level.censoring == "below" or level.value == 0:
            continue
        if start is None or level.time_h < start:
            when = "no dose at all" if start is None else f"the first dose at {start:g} h"
            yield _finding(
                "error",
                level,
                "time",
                f"a level of {level.value:g} at {level.time_h:g} h, and {when}",
                "a dose before every measurable level",
                "add the earlier doses, or correct the time of the level",
            )


def _levels_in_infusions(record: DosingRecord, hints: DrugHints) -> Iterator[Finding]:
    for level in record.levels:
        for dose in record.doses:
            if level.channel == "level" and dose.time_h < level.time_h < dose.end_h:
                yield _finding(
                    "warning",
                    level,
                    "time",
                    f"a level at {level.time_h:g} h; the infusion of row {dose.row} ends at {dose.end_h:g} h",
                    "a sample after the end of an infusion",
                    "check both times; a sample from the infusing line is far too high",
                )


def _odd_doses(record: DosingRecord, hints: DrugHints) -> Iterator[Finding]:
    for dose in record.doses:
        if dose.amount == 0:
            yield _finding(
                "warning",
                dose,
                "value",
                "a dose of 0",
                "the amount that was given",
                "it adds nothing; delete the row if the dose was held",
            )
        elif hints.usual_dose is not None and dose.unit == hints.dose_unit:
            low, high = hints.usual_dose
            if not low / UNUSUAL_DOSE <= dose.amount <= high * UNUSUAL_DOSE:
                yield _finding(
                    "warning",
                    dose,
                    "value",
                    f"a dose of {dose.amount:g} {dose.unit}",
                    f"something near the usual {low:g} to {high:g} {dose.unit}",
                    "check the amount and its unit: g, mg and ug are a thousandfold apart",
                )


def _weights(record: DosingRecord, hints: DrugHints) -> Iterator[Finding]:
    weights = _values(record, "WT", "kg")
    for item, kg in weights:
        if kg <= 0:
            yield _finding(
                "error",
                item,
                "value",
                f"a weight of {kg:g} kg",
                "a weight above zero",
                "delete or correct the row",
            )
        elif kg > MOST_KG:
            yield _finding(
                "warning",
                item,
                "value",
                f"a weight of {kg:g} kg; it looks like pounds",
                f"a weight below {MOST_KG:g} kg",
                f"write lb as the unit if it is in pounds ({kg / POUNDS_PER_KG:.0f} kg); else leave it",
            )
    for (_, before), (item, after) in pairwise(w for w in weights if w[1] > 0):
        ratio = max(before, after) / min(before, after)
        if 2.0 <= ratio <= 2.4:
            yield _finding(
                "warning",
                item,
                "value",
                f"{after:g} kg after {before:g} kg, {ratio:.2f} times; it looks like pounds",
                "weights of one body in kg",
                "one of the two is probably in pounds: write lb as its unit",
            )
        elif ratio > 1.5:
            yield _finding(
                "warning",
                item,
                "value",
                f"{after:g} kg after {before:g} kg",
                "weights of one body",
                "delete the wrong one; if it is fluid, use the weight the model asks for",
            )


def _body_mass(record: DosingRecord, hints: DrugHints) -> Iterator[Finding]:
    heights = [(item, cm) for item, cm in _values(record, "HT", "cm") if cm > 0]
    for item, kg in _values(record, "WT", "kg"):
        for _, cm in heights[-1:]:
            bmi = kg / (cm / 100) ** 2
            if bmi > MOST_BMI and 100 < cm < 250:
                yield _finding(
                    "warning",
                    item,
                    "value",
                    f"{kg:g} kg at {cm:g} cm, a body-mass index of {bmi:.0f}; it looks like pounds",
                    f"a body-mass index below {MOST_BMI:g}",
                    f"write lb as the unit if it is in pounds ({kg / POUNDS_PER_KG:.0f} kg)",
                )


def _heights(record: DosingRecord, hints: DrugHints) -> Iterator[Finding]:
    adult = any(years >= 18 for _, years in _values(record, "AGE", "a"))
    for item, cm in _values(record, "HT", "cm"):
        if cm < 20 or cm > 260:
            guess = f"{cm * 100:g} cm, if it was in m" if 0.3 <= cm <= 2.6 else "the height in cm"
            yield _finding(
                "error", item, "value", f"a height of {cm:g} cm", "a height of 20 to 260 cm", f"write {guess}"
            )
        elif adult and cm < 100:
            yield _finding(
                "warning",
                item,
                "value",
                f"{cm:g} cm in an adult; it looks like inches",
                "the height in cm",
                f"write [in_i] as the unit if it is in inches ({cm * 2.54:.0f} cm)",
            )


def _creatinine(record: DosingRecord, hints: DrugHints) -> Iterator[Finding]:
    low, high = CREATININE_MG_DL
    wanted = f"a creatinine of {low:g} to {high:g} mg/dL ({low * 88.4:.0f} to {high * 88.4:.0f} umol/L)"
    for item, mg_dl in _values(record, "SCR", "mg/dL"):
        micromolar = mg_dl * 88.4
        if mg_dl < low:
            fix = (
                f"write mg/dL: {micromolar:.3g} mg/dL is possible" if low <= micromolar <= high else "correct the value"
            )
            seen = f"a creatinine of {micromolar:.3g} umol/L ({mg_dl:.2g} mg/dL)"
            yield _finding("error", item, "unit", seen, wanted, fix)
        elif mg_dl > high:
            fits = low <= mg_dl / 88.4 <= high
            fix = f"write umol/L: {mg_dl:.4g} umol/L is possible" if fits else "correct the value; no person has it"
            yield _finding("error", item, "unit", f"a creatinine of {mg_dl:.4g} mg/dL", wanted, fix)
        elif mg_dl > HIGH_CREATININE_MG_DL:
            yield _finding(
                "warning",
                item,
                "unit",
                f"a creatinine of {mg_dl:.4g} mg/dL",
                "the value with its true unit",
                "check the unit; write umol/L if the laboratory reports that",
            )


def _ages(record: DosingRecord, hints: DrugHints) -> Iterator[Finding]:
    for item, years in _values(record, "AGE", "a"):
        if not 0 <= years <= 120:
            yield _finding(
                "error",
                item,
                "value",
                f"an age of {years:g} years",
                "an age of 0 to 120 years",
                "correct it; ages that were shifted to hide the oldest patients must be given as 90",
            )
