"""The drawings that belong to an advice: the ones that make sense for this answer, by name."""

from collections.abc import Sequence
from typing import Any

from caretwin.decide.bands import Band
from caretwin.decide.dosing import Advice
from caretwin.decide.ranking import Judged
from caretwin.review import dosing_words as words
from caretwin.review.drawings import (
    ChancesDrawing,
    CourseDrawing,
    Drawing,
    ExposureDrawing,
    Fan,
    Points,
    SamplesDrawing,
)

BARS = 10  # regimens in the comparison


def drawings_of_decision(advice: Advice) -> dict[str, Drawing]:
    """What needs the ranking alone: chances, exposures, the worth of samples."""
    found: dict[str, Drawing] = {}
    if advice.judged:
        found |= {"chances": _chances(advice), "exposure": _exposure(advice)}
    if advice.samples and advice.best is not None:
        found["samples"] = _samples(advice)
    return found


def drawings_of_course(advice: Advice, bands: Sequence[Band]) -> dict[str, Drawing]:
    """The curve behind and ahead of the patient; nothing when no model may speak."""
    return {"course": _course(advice, bands)} if bands else {}


def _course(advice: Advice, bands: Sequence[Band]) -> CourseDrawing:
    drug, first = words.drug_of(advice), bands[0]
    found = [v for v in advice.record.levels if v.channel == first.channel]

    def points(levels: list[Any]) -> Points:
        shown = [words.in_unit(v.limit or v.value, v.unit, first.unit, drug.drug) for v in levels]
        return tuple((v.time_h - advice.question.now, value) for v, value in zip(levels, shown, strict=True))

    fans = []
    for band in bands:
        role = _role(band, advice)
        name = "nothing more given" if band.regimen is None else words.in_words(band.regimen, drug)
        fans.append(_part(band, band.times >= advice.question.now, advice.question.now, role, f"{role}: {name}"))
    return CourseDrawing(
        drug.drug,
        _axis(drug, first.channel, first.unit),
        _part(first, first.times <= advice.question.now, advice.question.now, "past", ""),
        tuple(fans),
        points([v for v in found if v.censoring == "measured"]),
        points([v for v in found if v.censoring != "measured"]),
    )


def _part(band: Band, chosen: Any, now: float, role: str, label: str) -> Fan:
    return Fan(role, label, band.times[chosen] - now, band.median[chosen], band.low[chosen], band.high[chosen])


def _role(band: Band, advice: Advice) -> str:
    if advice.best is not None and band.regimen == advice.best.regimen:
        return "advised"
    return "as now" if band.regimen is not None else "without"


def _axis(drug: Any, channel: str, unit: str) -> str:
    if channel == "level":
        return f"{drug.drug}, {unit}"
    return str(drug.channels[channel].description) + ("" if unit == "1" else f", {unit}")


def _rows(advice: Advice) -> tuple[list[Judged], tuple[str, ...]]:
    drug = words.drug_of(advice)
    rows = list(words.shown_regimens(advice, BARS))
    names = [words.in_words(j.regimen, drug) for j in rows]
    if advice.current is not None:
        rows, names = [*rows, advice.current], [*names, f"as now: {words.in_words(advice.current.regimen, drug)}"]
    return rows, tuple(names)


def _chances(advice: Advice) -> ChancesDrawing:
    rows, names = _rows(advice)
    parts = ["under"] * (advice.target.low is not None) + ["target"] + ["over"] * (advice.target.high is not None)
    return ChancesDrawing(names, {part: tuple(getattr(j.late, part) for j in rows) for part in parts})


def _exposure(advice: Advice) -> ExposureDrawing:
    rows, names = _rows(advice)
    target = advice.target
    scale = 100.0 if words.is_share(target) else 1.0
    low = 0.0 if target.low is None else target.low
    high = max(j.late.high for j in rows) * 1.05 if target.high is None else target.high
    early, late = (
        tuple((scale * c.low, scale * c.mean, scale * c.high) for c in (getattr(j, moment) for j in rows))
        for moment in ("early", "late")
    )
    unit = words.exposure_unit(target)
    axis = words.PERIOD[target.kind] + (f", {unit}" if unit else "")
    return ExposureDrawing(names, early, late, (scale * low, scale * high), axis)


def _samples(advice: Advice) -> SamplesDrawing:
    found = sorted(advice.samples, key=lambda s: s.hours)
    return SamplesDrawing(
        tuple(s.hours for s in found),
        tuple(s.variance_removed for s in found),
        tuple(s.gain for s in found),
        advice.samples[0].hours,
    )
