"""Dosing advice in words and short numbers: the same in the terminal, in the report and in the JSON file."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from caretwin.base.units import convert
from caretwin.decide.dosing import Advice
from caretwin.decide.next_sample import Sample
from caretwin.decide.ranking import Chances, Judged
from caretwin.decide.regimen import Regimen
from caretwin.record.dosing import DosingRecord

ADVISES_ONLY = "caretwin advises; it orders nothing and gives nothing. A person decides. Not a medical device."

PERIOD = {
    "auc24": "AUC24",
    "auc24_over_mic": "AUC24/MIC",
    "peak": "peak",
    "trough": "trough",
    "steady_state_level": "level",
    "time_above_mic": "time above the MIC",
    "effect": "effect",
}


@dataclass(frozen=True)
class Provenance:
    """Where an answer came from, so that it can be had again.

    computed_at   ISO 8601; the only clock there is, read by the command
    source, source_sha256   name and content of the patient's table
    models        (name, version, SHA-256 of its file) of every model considered
    options       how the question was asked
    """

    code_version: str
    computed_at: str
    seed: int
    source: str
    source_sha256: str
    models: tuple[tuple[str, str, str], ...]
    options: tuple[tuple[str, str], ...]


def drug_of(advice: Advice) -> Any:
    """The drug file whose doses and target the advice uses; None when no model may speak."""
    members = advice.speaking or advice.members
    return max(members, key=lambda m: m.weight).twin.drug if members else None


def in_words(regimen: Regimen, drug: Any) -> str:
    """A regimen as it is ordered, in what is printed on the package: lithium in mg of its carbonate."""
    dose = drug.dose
    if dose.label_unit is None:
        return regimen.describe(dose.unit)
    scale = 1.0 / dose.label_factor
    loading = None if regimen.loading is None else round(regimen.loading * scale, 1)
    shown = replace(regimen, dose=round(regimen.dose * scale, 1), loading=loading)
    return shown.describe(f"{dose.label_unit} {dose.label}" if dose.label else dose.label_unit)


def percent(probability: float) -> str:
    """A probability as people read it; a simulation never shows 0 or 100 %.

    >>> percent(0.123), percent(0.0004), percent(1.0)
    ('12 %', '<1 %', '>99 %')
    """
    if probability < 0.005:
        return "<1 %"
    return ">99 %" if probability > 0.995 else f"{100 * probability:.0f} %"


def number(value: float) -> str:
    """Three significant digits, without an exponent for what occurs at a bedside.

    >>> number(497.97), number(0.6543), number(12.0)
    ('498', '0.654', '12')
    """
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def count(number: int, what: str) -> str:
    """A number of things.

    >>> count(0, "dose"), count(1, "level"), count(4, "dose")
    ('no doses', '1 level', '4 doses')
    """
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def is_share(target: Any) -> bool:
    """Whether the exposure is a share of time, shown in percent."""
    return bool(target.kind == "time_above_mic")


def exposure_unit(target: Any) -> str:
    """Unit behind an exposure; empty for a pure number."""
    if is_share(target):
        return "%"
    return "" if target.unit == "1" else _readable(target.unit)


def _readable(ucum: str) -> str:
    return ucum.replace(".", "·").replace("{", "").replace("}", "").replace("_", " ")


def exposure(chances: Chances, target: Any) -> str:
    """Mean and 90 % interval, such as "498 (338-671)"."""
    values = (chances.mean, chances.low, chances.high)
    mean, low, high = (f"{100 * v:.0f}" if is_share(target) else number(v) for v in values)
    return f"{mean} ({low}-{high})"


def aim(target: Any) -> str:
    """The target in words: what is wanted, and from where to where."""
    unit = exposure_unit(target)
    scale = 100.0 if is_share(target) else 1.0
    low, high = (None if v is None else number(scale * v) for v in (target.low, target.high))
    span = f"at least {low}" if high is None else f"at most {high}" if low is None else f"{low}-{high}"
    return f"{target.label}; read as {target.kind}, {span}{' ' + unit if unit else ''}"


def answer(advice: Advice) -> str:
    """The advice in one sentence with its uncertainty, or that there is none."""
    best = advice.best
    if best is None:
        return "No advice: " + "; ".join(advice.abstained) + "."
    drug, target, late = drug_of(advice), advice.target, best.late
    sides = [f"{percent(late.under)} under"] * (target.low is not None)
    sides += [f"{percent(late.over)} over"] * (target.high is not None)
    unit = exposure_unit(target)
    return (
        f"{in_words(best.regimen, drug)}: {percent(late.target)} likely to be on target ({target.label}) at the end of"
        f" {span_of(advice.question.horizon)}, {' and '.join(sides)}; expected {quantity(advice)}"
        f" {exposure(late, target)}{' ' + unit if unit else ''}, with its 90 % interval."
    )


def quantity(advice: Advice) -> str:
    """What the target is about: a period's exposure, or the effect by its own name, such as an INR."""
    if advice.target.kind != "effect":
        return PERIOD[advice.target.kind]
    described = str(drug_of(advice).channels["effect"].description)
    short = re.search(r"\(([A-Z]+)\)$", described)
    return short.group(1) if short else described


def span_of(hours: float) -> str:
    """A time span in days when it is a whole number of them."""
    return f"{hours / 24:g} days" if hours >= 48 and hours % 24 == 0 else f"{hours:g} h"


def moment(hours: float, record: DosingRecord) -> str:
    """A time of the record: by the clock of the ward where the table had one, else in hours."""
    if record.origin is None:
        return f"{round(hours, 2):g} h"
    at = (record.origin + timedelta(hours=hours)).astimezone(ZoneInfo(record.zone or "UTC"))
    return f"{at:%Y-%m-%d %H:%M} {record.zone or 'UTC'}"


def shown_regimens(advice: Advice, count: int) -> list[Judged]:
    """The best regimens; those that differ only in their loading dose make room for others after two."""
    found: list[Judged] = []
    for judged in advice.judged:
        same = sum(1 for j in found if _maintenance(j) == _maintenance(judged))
        if same < 2 and len(found) < count:
            found.append(judged)
    return found


def _maintenance(judged: Judged) -> tuple[float, float, float]:
    return judged.regimen.dose, judged.regimen.interval, judged.regimen.duration


def sample_in_words(sample: Sample, advice: Advice) -> str:
    """When to draw, and what it is worth."""
    when = f"{number(sample.hours)} h from now ({moment(advice.question.now + sample.hours, advice.record)})"
    return (
        f"draw {when}: it is expected to remove {percent(sample.variance_removed)} of the variance of the exposure and"
        f" to raise the expected utility by {sample.gain:.3f}"
    )


def remedies(advice: Advice) -> list[str]:
    """What a person could do when there is no advice, one sentence per kind of reason."""
    text = " ".join(advice.abstained)
    found = []
    if "record contradicts itself" in text:
        found.append("correct the rows of the table that are named, and ask again")
    if "no model may speak" in text:
        absent = any("not stated" in e.reason or "give " in e.reason for e in advice.excluded)
        found += ["add what the models need (see the reasons) to the table"] * absent
        found.append("or dose by your local guideline and measure a level: no model here was made for this patient")
    if "no model fits" in text:
        found.append(
            "check the times and amounts of the last doses, whether one was missed, and where the sample was drawn"
        )
        found.append("repeat the level; a level that is known to be wrong can be taken out of the table, with a note")
    if "the largest dose of the drug file" in text:
        found.append("consider another drug or another target; how much more could be given, its owner must say")
    elif "breaks a hard limit" in text or "likely to reach the target" in text:
        found.append("hold the drug and ask again at a later time (--now), or after another level")
        found.append("consider another drug; a limit is a local setting of the drug file, to be changed by its owner")
    if "no practical doses" in text:
        found.append("add a section [practical] with doses, intervals and infusion times to the drug file")
    return found or ["ask a clinical pharmacist"]


def origin_of_weights(advice: Advice) -> str:
    """One sentence on how models were averaged."""
    return (
        "weight = how well the model foretold the levels (evidence) x how far it was made for such patients;"
        " predictions are averaged, parameters never"
        if advice.record.levels
        else "no level was used: models are weighted by how far they were made for such patients"
    )


def rank_note(advice: Advice) -> str:
    """How regimens were ranked, in one sentence."""
    p = advice.question.preferences
    return (
        f"utility = 1 - {p.cost_under:g} x P(under) - {p.cost_over:g} x P(over), {percent(p.early)} of it early (first"
        f" two days or interval) and the rest late (end of {span_of(advice.question.horizon)}); regimens that break a"
        " limit are not offered"
    )


def in_unit(value: float, unit: str | None, wanted: str, substance: str | None) -> float:
    """A recorded value in the unit that is shown."""
    return value if unit is None else convert(value, unit, wanted, substance=substance)


def grouped_notes(advice: Advice) -> list[str]:
    """The notes, each said once: models that share one are named together, without the name of the drug."""
    labels = [m.label for m in advice.members] + [m.twin.drug.name for m in advice.members]
    found: dict[str, list[str]] = {}
    for note in advice.notes:
        label, _, text = note.partition(": ")
        known = text and label in labels
        owners = found.setdefault(text if known else note, [])
        if known:
            owners.append(label.removeprefix(f"{advice.question.drug}."))
    return [f"{text} ({', '.join(owners)})" if owners else text for text, owners in found.items()]
