"""One patient of MIMIC-III: every vancomycin level goes into the record of its admission or to a refusal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from caretwin.ingest.mimic3 import covariates, doses
from caretwin.ingest.mimic3.clock import VANCOMYCIN_COPIES, Clock, clock
from caretwin.ingest.mimic3.tables import Mimic3
from caretwin.record.dosing import CovariateValue, DoseHistory, DosingRecord, Level
from caretwin.record.finding import Finding

LEVEL_ITEM = 51009
ORDER_REMEMBERED_H = 72.0
"""A level counts when an order was active or ended in the 3 days before it."""
WASHED_OUT_H = 120.0
"""A measurable level so soon before the first known dose means that earlier doses are missing. Assumed."""


@dataclass(frozen=True)
class Refusal:
    """Something that was not used: ``what`` is "level", "dose", "order" or "patient"."""

    subject: str
    what: str
    reason: str


@dataclass
class Collected:
    """What has been read so far, of all patients."""

    records: list[DosingRecord] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    within_admission: Counter[str] = field(default_factory=Counter)
    with_orders: Counter[str] = field(default_factory=Counter)

    def refuse(self, subject: str, what: str, reason: str, count: int = 1) -> None:
        """Add ``count`` refusals."""
        self.refusals += [Refusal(subject, what, reason)] * count

    def forget(self, subject: str, count: int, reason: str) -> None:
        """Take back what was read of a patient, and refuse all its levels."""
        self.records = [r for r in self.records if r.subject.split("-")[0] != subject]
        self.refusals = [r for r in self.refusals if not (r.subject == subject and r.what == "level")]
        self.refuse(subject, "level", reason, count)


@dataclass(frozen=True)
class _Drawn:
    """A level: hours on the laboratory's and the chart's clock, value, and whether it is only a limit."""

    lab_h: float
    time_h: float
    value: float
    below: bool
    admission: int | None


class Patient:
    """Reads one patient, one record per admission."""

    def __init__(self, subject: int, source: Mimic3, labels: dict[int, str], collected: Collected) -> None:
        self.subject, self.labels, self.collected, self.missing = (
            str(subject),
            labels,
            collected,
            source.missing,
        )
        self.tables = {name: source.of(name, subject) for name in source.tables if name != "d_items"}
        stays = self.tables["admissions"].dropna(subset=["hadm_id", "admittime"]).sort_values("admittime")
        self.stays = stays.to_dict("records")

    def read(self, levels: Any, given: Any, orders: Any) -> None:
        """Every level goes to the record of its admission or to a refusal."""
        for stay in self.stays:
            stay_hours = hours_from(stay["admittime"])
            self._stay(stay, stay_hours, self._levels(levels, stay, stay_hours), given, orders)
        for time, admission in zip(levels["charttime"], levels["hadm_id"], strict=True):
            if self._stay_of(time, admission) is None:
                self._refuse("level", "drawn outside every admission: doses unknown")

    def _stay_of(self, time: Any, admission: Any) -> int | None:
        for stay in self.stays:
            inside = stay["admittime"] <= time and not time > stay["dischtime"]
            if admission == stay["hadm_id"] or (admission != admission and inside):
                return int(stay["hadm_id"])
        return None

    def _levels(self, levels: Any, stay: dict[str, Any], hours: Callable[[Any], float]) -> list[_Drawn]:
        times = self._clock(hours)
        copies = self.tables["chartevents"]
        copies = copies[copies["itemid"].isin(VANCOMYCIN_COPIES)]
        charted = {(round(hours(t), 4), v) for t, v in zip(copies["charttime"], copies["valuenum"], strict=True)}
        found: list[_Drawn] = []
        for row in levels.sort_values("charttime").to_dict("records"):
            if self._stay_of(row["charttime"], row["hadm_id"]) != int(stay["hadm_id"]):
                continue
            value, below = _value(row)
            at = hours(row["charttime"])
            if value is None or at != at:
                self._refuse("level", "no number and no limit, or no time")
                continue
            if any(d.lab_h == at and d.value == value for d in found):
                self._refuse("level", "the same sample twice")
                continue
            offset = next((k for k in (0, 1) if (round(at + k, 4), value) in charted), times.offset(at))
            found.append(_Drawn(at, at + offset, value, below, int(stay["hadm_id"])))
        return found

    def _clock(self, hours: Callable[[Any], float]) -> Clock:
        return clock(self.tables["labevents"], self.tables["chartevents"], lambda t: round(hours(t), 6))

    def _stay(
        self,
        stay: dict[str, Any],
        hours: Callable[[Any], float],
        drawn: list[_Drawn],
        given: Any,
        orders: Any,
    ) -> None:
        """The record of one admission, if it has a usable level."""
        length = hours(stay["dischtime"]) if stay["dischtime"] == stay["dischtime"] else float("inf")
        placed = doses.orders(orders[orders["hadm_id"] == stay["hadm_id"]], hours, _nowhere)
        was_given = doses.given(given[given["hadm_id"] == stay["hadm_id"]], hours, _nowhere)
        early = [d for d in drawn if d.lab_h < 0]
        self._refuse("level", "drawn before its admission: doses unknown", len(early))
        inside = [d for d in drawn if d.lab_h >= 0]
        self.collected.within_admission[self.subject] += len(inside)
        usable = self._covered(inside, placed, was_given)
        if not usable:
            return
        history = doses.histories(
            was_given, placed, earliest_h=0.0, latest_h=length, charted=self._charted_stays(hours)
        )
        usable = self._after_first_dose(usable, drawn, history, hours, stay)
        usable = self._without_replacement(usable, hours, stay)
        if usable:
            self._record(stay, hours, usable, history)

    def _covered(
        self, drawn: list[_Drawn], placed: list[doses.Order], given: list[tuple[float, float | None]]
    ) -> list[_Drawn]:
        """The levels that known doses or orders can explain."""
        if not placed and not given:
            self._refuse("level", "no given dose and no intravenous order in the admission", len(drawn))
            return []
        kept = [
            d
            for d in drawn
            if any(o.covers(d.time_h, ORDER_REMEMBERED_H) for o in placed)
            or any(0 <= d.time_h - t <= ORDER_REMEMBERED_H for t, _ in given)
        ]
        self.collected.with_orders[self.subject] += len(kept)
        self._refuse("level", "no order active or ended in the 3 days before", len(drawn) - len(kept))
        return kept

    def _charted_stays(self, hours: Callable[[Any], float]) -> list[tuple[float, float]]:
        """Stays in units that chart every given dose (MetaVision)."""
        if "inputevents_mv" in self.missing:
            return []
        rows = self.tables["icustays"].dropna(subset=["intime", "outtime"]).to_dict("records")
        return [(hours(r["intime"]), hours(r["outtime"])) for r in rows if r["dbsource"] in {"metavision", "both"}]

    def _after_first_dose(
        self, usable: list[_Drawn], drawn: list[_Drawn], history: Sequence[DoseHistory], hours: Any, stay: Any
    ) -> list[_Drawn]:
        """Levels after the first possible dose; none when an earlier measurable level shows that doses are
        missing."""
        if not history:
            self._refuse("level", "orders, but no dose can have been given under them", len(usable))
            return []
        first = min(h.doses[0].time_h for h in history)
        labs = self.tables["labevents"]
        every = labs[(labs["itemid"] == LEVEL_ITEM) & labs["valuenum"].notna()]
        before = [hours(t) for t in every["charttime"] if first - WASHED_OUT_H <= hours(t) < first]
        if before:
            self._refuse("level", "measurable before the first known dose: earlier doses are missing", len(usable))
            return []
        return usable

    def _without_replacement(self, usable: list[_Drawn], hours: Callable[[Any], float], stay: Any) -> list[_Drawn]:
        """Levels before continuous renal replacement began in this admission."""
        rows = [t for t, continuous in self._replacement(hours, stay) if continuous]
        kept = [d for d in usable if not rows or d.time_h < rows[0]]
        reason = "after the start of continuous renal replacement: creatinine does not tell the clearance"
        self._refuse("level", reason, len(usable) - len(kept))
        return kept

    def _replacement(self, hours: Callable[[Any], float], stay: Any) -> list[tuple[float, bool]]:
        own = {n: f[f["hadm_id"] == stay["hadm_id"]] for n, f in self.tables.items() if "hadm_id" in f}
        return covariates.renal_replacement(own, self.labels, hours)

    def _record(
        self,
        stay: dict[str, Any],
        hours: Callable[[Any], float],
        drawn: list[_Drawn],
        history: list[DoseHistory],
    ) -> None:
        findings: list[Finding] = []
        values, lacking = self._covariates(stay, hours, findings)
        if lacking:
            self._refuse("level", f"no {' and no '.join(lacking)} in the admission", len(drawn))
            return
        best = max(history, key=lambda h: h.weight)
        levels = tuple(
            Level(
                d.time_h,
                d.value,
                "mg/L",
                "level",
                "below" if d.below else "measured",
                d.value if d.below else None,
            )
            for d in drawn
        )
        self.collected.records.append(
            DosingRecord(
                f"{self.subject}-{int(stay['hadm_id'])}",
                best.doses,
                levels,
                tuple(values),
                None,
                tuple(findings),
                tuple(history) if len(history) > 1 else (),
                "MIMIC-III",
            )
        )

    def _covariates(
        self, stay: dict[str, Any], hours: Callable[[Any], float], findings: list[Finding]
    ) -> tuple[list[CovariateValue], list[str]]:
        """All covariates of the admission, and the names of the indispensable ones that it lacks."""
        chart = self.tables["chartevents"]
        chart = chart[(chart["hadm_id"] == stay["hadm_id"]) & (chart["error"] != 1)]
        labs = self.tables["labevents"]
        window = (labs["charttime"] >= stay["admittime"]) & ~(labs["charttime"] > stay["dischtime"])
        weight = covariates.weights(chart, hours, findings) or self._pump_weight(stay, hours)
        creatinine = covariates.creatinine(labs[window], hours, self._clock(hours), findings)
        person = self._person(stay, findings)
        lacking = [
            name
            for name, found in (
                ("weight", weight),
                ("creatinine", creatinine),
                ("age and sex", len(person) == 2),
            )
            if not found
        ]
        return [
            *person,
            *weight,
            *covariates.height(chart, hours),
            *creatinine,
            *self._dialysis(stay, hours, findings),
        ], lacking

    def _person(self, stay: dict[str, Any], findings: list[Finding]) -> list[CovariateValue]:
        values = []
        for row in self.tables["patients"].to_dict("records")[:1]:
            if (found := covariates.age(row["dob"], stay["admittime"])) is not None:
                values.append(CovariateValue("AGE", 0.0, found[0], "a", note=found[1]))
                if found[1]:
                    findings.append(Finding("warning", None, "dob", found[1], "an age", "shown as assumed"))
            if row["gender"] in {"F", "M"}:
                values.append(CovariateValue("FEMALE", 0.0, float(row["gender"] == "F"), "1"))
        return values

    def _pump_weight(self, stay: dict[str, Any], hours: Callable[[Any], float]) -> list[CovariateValue]:
        """The weight that was entered for infusions, when none was charted."""
        rows = self.tables["inputevents_mv"]
        rows = rows[(rows["hadm_id"] == stay["hadm_id"]) & rows["patientweight"].between(*covariates.POSSIBLE_KG)]
        rows = rows.dropna(subset=["starttime"]).sort_values("starttime").to_dict("records")
        note = "the weight entered for infusions"
        return [CovariateValue("WT", hours(r["starttime"]), r["patientweight"], "kg", note=note) for r in rows[:1]]

    def _dialysis(
        self, stay: dict[str, Any], hours: Callable[[Any], float], findings: list[Finding]
    ) -> list[CovariateValue]:
        """DIAL and CRRT (0/1): from rows that show therapy, and DIAL from a diagnosis of end-stage
        disease."""
        diagnoses = self.tables["diagnoses_icd"]
        code = covariates.end_stage(diagnoses[diagnoses["hadm_id"] == stay["hadm_id"]])
        values = [
            CovariateValue("CRRT", 0.0, 0.0, "1"),
            CovariateValue("DIAL", 0.0, float(code is not None), "1"),
        ]
        if code is not None:
            findings.append(
                Finding(
                    "warning",
                    None,
                    "icd9_code",
                    f"diagnosis {code}",
                    "times of dialysis",
                    "taken as on dialysis",
                )
            )
        starts: dict[str, float] = {}
        for time, continuous in self._replacement(hours, stay):
            starts.setdefault("CRRT" if continuous else "DIAL", time)
        return [*values, *(CovariateValue(name, time, 1.0, "1") for name, time in starts.items() if time > 0)]

    def _refuse(self, what: str, reason: str, count: int = 1) -> None:
        self.collected.refuse(self.subject, what, reason, count)


def _nowhere(reason: str) -> None:
    """Rows that are not used are refused once, over all patients, in ``_count_doses``."""


def hours_from(origin: Any) -> Callable[[Any], float]:
    """A function that gives the hours from ``origin`` to a time (NaN for a missing one)."""
    return lambda time: float((time - origin).total_seconds() / 3600)


def _value(row: dict[str, Any]) -> tuple[float | None, bool]:
    """(mg/L, below?) of a laboratory row: the number, or the limit in a text such as "<2.0"."""
    text = str(row["value"] or "").strip()
    unit = str(row["valueuom"] or "ug/mL").strip().lower()
    if unit not in {"ug/ml", "mcg/ml", "mg/l"}:
        return None, False
    if text.startswith("<"):
        try:
            return float(text[1:]), True
        except ValueError:
            return None, False
    number = row["valuenum"]
    return (float(number), False) if number == number and number >= 0 else (None, False)
