"""The haemodynamic advice in words: the same in the terminal, in the report and in the JSON file."""

from collections.abc import Mapping

from caretwin.decide.haemodynamics import Advice, Judged
from caretwin.decide.haemodynamics_candidates import FLUIDS, OVER
from caretwin.review.bedside_words import ADVISES_ONLY, band, moment, percent

__all__ = ["ADVISES_ONLY", "answer", "asked_at", "change_of", "remedies", "responsiveness", "running", "span"]

LABELS = {"crystalloid": "crystalloid", "colloid": "colloid", "red_cells": "red cells"}


def change_of(judged: Judged, advice: Advice) -> str:
    """What would be given, against what runs."""
    return described(judged.candidate.change, advice)


def described(change: Mapping[str, float], advice: Advice) -> str:
    """A change in words; "no change" when there is none."""
    found = []
    if "norepinephrine" in change:
        now = float(advice.bedside.settings.infusions.norepinephrine)
        found.append(f"norepinephrine {change['norepinephrine']:.3g} ug/kg/min (now {now:.3g})")
    found += [f"{1000 * change[n]:.0f} mL {LABELS[n]} in {OVER:.0f} min" for n in FLUIDS if change.get(n)]
    return ", ".join(found) or "no change"


def running(advice: Advice) -> str:
    """What runs now."""
    infusions = advice.bedside.settings.infusions
    units = {"vasopressin": "U/h", "propofol": "mg/kg/h"}
    found = [
        f"{name} {float(getattr(infusions, name)):.3g} {units.get(name, 'ug/kg/min')}"
        for name in infusions._fields
        if float(getattr(infusions, name)) > 0
    ]
    return ", ".join(found) or "no vasoactive drug"


def span(values: tuple[float, float, float], digits: int = 0) -> str:
    """A change with its band.

    >>> span((-2.04, 3.1, 9.2))
    '+3 (-2 to +9)'
    """
    low, middle, high = values
    return f"{middle:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def answer(advice: Advice) -> str:
    """The advice in one sentence with its uncertainty, or that there is none."""
    if advice.chosen is None:
        return "No advice: " + "; ".join(advice.abstained) + "."
    chosen, target = advice.chosen, advice.question.target
    last = chosen.bands[-1][advice.names.index("mean_arterial_pressure_mmHg")]
    pressure = band(last, "mean_arterial_pressure_mmHg")
    head = "Leave what runs as it is" if chosen.candidate.kind == "as now" else change_of(chosen, advice).capitalize()
    return (
        f"{head}: MAP after 60 min {pressure} mmHg (median and 90 % band); its mean over minutes 15-60 lies under "
        f"{target.low:g} mmHg with a chance of {percent(chosen.below)}, over {target.high:g} with "
        f"{percent(chosen.above)}."
    )


def responsiveness(advice: Advice) -> str:
    """Preload responsiveness in a sentence."""
    r = advice.responsiveness
    return (
        f"output rises by 10 % or more after a passive leg raise with a chance of {percent(r.legs)} (rise "
        f"{span(r.legs_rise)} %), after 500 mL of crystalloid with {percent(r.fluid)} (rise {span(r.fluid_rise)} %)"
    )


def asked_at(advice: Advice) -> str:
    """The time of the question."""
    return moment(advice.bedside.now, advice.bedside.record)


def remedies(advice: Advice) -> list[str]:
    """What a person could do when there is no advice."""
    text, found = " ".join(advice.abstained), []
    if "arterial pressure" in text:
        found.append("measure arterial pressure now, and ask again with it")
    if "contradict" in text:
        found.append("check line and transducer, and chart infusions that were changed and not written down")
    return found or ["ask again with a later time, after the next data"]
