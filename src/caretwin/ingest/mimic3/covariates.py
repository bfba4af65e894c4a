"""Age, sex, weight, height, creatinine and renal replacement of a MIMIC-III patient, with the traps of the
tables.

Weights of zero, of 263 kg, in pounds, with litres of fluid; heights in inches by label only; creatinine of
138 mg/dL; ages of 300 years. Nothing is repaired silently: what is left out is a finding.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from caretwin.ingest.mimic3.clock import Clock
from caretwin.record.dosing import CovariateValue
from caretwin.record.finding import Finding

CREATININE = 50912
WEIGHT_KG = (762, 763, 226512, 224639)
WEIGHT_LB = (226531,)
HEIGHT_CM = (226730,)
HEIGHT_INCHES = (920, 226707)
DIALYSIS_PATIENT = 225126  # 1 means yes
DIALYSIS_ITEMS = (
    146, 147, 152, 173, 40286, 226457, 226499, 224153, 224154, 227290, 225441, 225802, 225803, 225805, 225809,
    225955,
)  # fmt: skip
CHART_ITEMS = (*WEIGHT_KG, *WEIGHT_LB, *HEIGHT_CM, *HEIGHT_INCHES, DIALYSIS_PATIENT, *DIALYSIS_ITEMS)

KG_PER_POUND = 0.45359237  # exact, international pound of 1959
POSSIBLE_KG = (25.0, 250.0)  # assumed bounds of an adult's weight
POSSIBLE_CM = (120.0, 220.0)  # assumed bounds of an adult's height
MOST_CREATININE = 25.0  # mg/dL, assumed: beyond it is an entry error
OVER_89_YEARS = 91.4
"""Age for patients older than 89, whose birth was moved to 300 years before admission: their median
(MIMIC-III documentation)."""

Hours = Callable[[Any], float]
THERAPY = re.compile(r"cvvh|crrt|dialys|ultrafiltrat|hemodial|effluent press", re.I)
NO_THERAPY = re.compile(r"patient|catheter|access|site|last dialysis|fluid$|history", re.I)
CONTINUOUS = re.compile(r"cvvh|crrt|dialysate flow|dialysate infus|ultrafiltrat|effluent", re.I)
END_STAGE = re.compile(r"585\.?6|V45\.?1|V56|403\.?[019]1|404\.?[019][23]|996\.?73|E879\.?1")
"""ICD-9 codes of end-stage disease or of dialysis: 585.6, V45.1, V56, 403.x1, 404.x2-3, 996.73, E879.1."""


def dialysis_labels(items: Any) -> dict[int, str]:
    """Items that mean that renal replacement is running, with their label; the known ones when d_items is
    absent."""
    found = {int(item): "renal replacement" for item in DIALYSIS_ITEMS}
    for item, label in zip(items["itemid"], items["label"], strict=True):
        if item == item and isinstance(label, str) and THERAPY.search(label):
            if NO_THERAPY.search(label):
                found.pop(int(item), None)
            else:
                found[int(item)] = label
    return found


def age(born: Any, admitted: Any) -> tuple[float, str] | None:
    """Age at admission (a) and a remark ("" when exact); None when the birth is not known.

    Years are subtracted as text: the shifted birth of the oldest lies 300 years back.
    """
    if born is None or born != born or admitted != admitted:
        return None
    years = admitted.year - born.year - ((admitted.month, admitted.day) < (born.month, born.day))
    if years > 120:
        return (
            OVER_89_YEARS,
            f"over 89 years, shown as {years} in the table; the median of such patients is used",
        )
    return float(years), ""


def weights(chart: Any, hours: Hours, findings: list[Finding]) -> list[CovariateValue]:
    """The median of the day's and all earlier plausible weights (kg), at each day with a weight.

    The running median resists an entry error and the weight of resuscitation fluid; it uses only what had
    been charted.
    """
    rows = []
    for items, factor in ((WEIGHT_KG, 1.0), (WEIGHT_LB, KG_PER_POUND)):
        chosen = chart[chart["itemid"].isin(items)].dropna(subset=["valuenum", "charttime"])
        rows += [(hours(t), v * factor) for t, v in zip(chosen["charttime"], chosen["valuenum"], strict=True)]
    low, high = POSSIBLE_KG
    impossible = [kg for _, kg in rows if not low <= kg <= high]
    if impossible:
        findings.append(
            _left_out(
                "weight",
                f"{len(impossible)} of {min(impossible):g} to {max(impossible):g} kg",
                f"{low:g} to {high:g} kg",
            )
        )
    by_day: dict[int, list[tuple[float, float]]] = {}
    for time, kg in sorted(rows):
        if low <= kg <= high:
            by_day.setdefault(int(time // 24), []).append((time, kg))
    seen: list[float] = []
    values = []
    for day in by_day.values():
        seen.append(statistics.median(kg for _, kg in day))
        values.append(
            CovariateValue("WT", day[0][0], statistics.median(seen), "kg", note="median of the weights so far")
        )
    if seen and max(seen) / min(seen) > 1.2:
        findings.append(
            _left_out("weight", f"{min(seen):.4g} to {max(seen):.4g} kg", "one body", "the running median is used")
        )
    return values


def height(chart: Any, hours: Hours) -> list[CovariateValue]:
    """The median height (cm); inches are known by their item only."""
    centimetres = []
    for items, factor in ((HEIGHT_CM, 1.0), (HEIGHT_INCHES, 2.54)):
        chosen = chart[chart["itemid"].isin(items)].dropna(subset=["valuenum", "charttime"])
        for time, value in zip(chosen["charttime"], chosen["valuenum"], strict=True):
            cm = value if factor != 1.0 and value > 100 else value * factor
            if POSSIBLE_CM[0] <= cm <= POSSIBLE_CM[1]:
                centimetres.append((hours(time), cm))
    if not centimetres:
        return []
    start = min(time for time, _ in centimetres)
    return [CovariateValue("HT", start, statistics.median(cm for _, cm in centimetres), "cm")]


def creatinine(labs: Any, hours: Hours, clock: Clock, findings: list[Finding]) -> list[CovariateValue]:
    """Creatinine (mg/dL) on the chart's clock, without values that no person has and without lone spikes."""
    chosen = labs[labs["itemid"] == CREATININE]
    empty = [str(v) for v, n in zip(chosen["value"], chosen["valuenum"], strict=True) if n != n]
    if empty:
        findings.append(
            _left_out("creatinine", f"{len(empty)} without a number ({', '.join(sorted(set(empty)))})", "mg/dL")
        )
    rows = sorted((hours(t), v) for t, v in zip(chosen["charttime"], chosen["valuenum"], strict=True) if v == v)
    kept = [(t, v) for t, v in rows if 0 < v <= MOST_CREATININE]
    for _, value in [row for row in rows if row not in kept]:
        findings.append(_left_out("creatinine", f"{value:g} mg/dL", f"at most {MOST_CREATININE:g} mg/dL"))
    spikes = set(_spikes(kept))
    for _, value in spikes:
        findings.append(_left_out("creatinine", f"{value:g} mg/dL, four times both neighbours", "a value like them"))
    return [CovariateValue("SCR", t + clock.offset(t), value, "mg/dL") for t, value in kept if (t, value) not in spikes]


def _spikes(rows: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Values more than four times (or less than a quarter of) both neighbours within two days."""
    for (before, middle), (_, after) in pairwise(pairwise(rows)):
        if middle[0] - before[0] <= 48 and after[0] - middle[0] <= 48:
            ratios = (middle[1] / before[1], middle[1] / after[1])
            if min(ratios) > 4 or max(ratios) < 0.25:
                yield middle


def renal_replacement(tables: dict[str, Any], labels: dict[int, str], hours: Hours) -> list[tuple[float, bool]]:
    """(hour, continuous?) of every row that shows renal replacement; frames of one patient by table."""
    found = []
    for name, column in (
        ("chartevents", "charttime"), ("outputevents", "charttime"), ("procedureevents_mv", "starttime"),
    ):  # fmt: skip
        frame = tables[name]
        for item, time, value in zip(
            frame["itemid"],
            frame[column],
            frame["value"] if "value" in frame else frame["itemid"],
            strict=True,
        ):
            if time != time or item != item:
                continue
            if int(item) == DIALYSIS_PATIENT:
                if str(value).strip() in {"1", "1.0"}:
                    found.append((hours(time), False))
            elif int(item) in labels and not _nothing(value):
                found.append((hours(time), bool(CONTINUOUS.search(f"{labels[int(item)]} {value}"))))
    return sorted(found)


def _nothing(value: Any) -> bool:
    return value is None or value != value or str(value).strip().lower() in {"", "0", "0.0", "none", "no", "off"}


def end_stage(diagnoses: Any) -> str | None:
    """The ICD-9 code that says dialysis or end-stage disease, or None."""
    codes = [str(code) for code in diagnoses["icd9_code"] if code is not None]
    return next((code for code in codes if END_STAGE.match(code)), None)


def _left_out(column: str, seen: str, wanted: str, fix: str = "left out") -> Finding:
    return Finding("warning", None, column, seen, wanted, fix)
