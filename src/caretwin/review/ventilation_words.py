"""The ventilator advice in words: the same in the terminal, in the report and in the JSON file."""

import re

from caretwin.decide.bedside_change import amount, in_words
from caretwin.decide.ventilation import Advice, Judged
from caretwin.decide.ventilation_doubts import ALONE, UNKNOWN
from caretwin.decide.ventilation_limits import named
from caretwin.review.bedside_words import ADVISES_ONLY, band, moment, percent

__all__ = ["ADVISES_ONLY", "answer", "change_of", "current", "limit_names", "per_kg", "plain", "remedies"]

UNSURE = 1.25
"""Factor by which predicted weight may be off where the height is not known: 18 cm, two standard deviations
(assumed)."""


def change_of(judged: Judged, advice: Advice) -> str:
    """What would be set, against what is set."""
    if judged.candidate.kind == "as now" or not judged.candidate.change:
        return "no change"
    return in_words(advice.bedside.settings, judged.candidate.change)


def plain(judged: Judged, advice: Advice) -> str:
    """What would be set, without what is set now."""
    return re.sub(r" \(now [^)]*\)", "", change_of(judged, advice))


def per_kg(volume_mL: float, advice: Advice) -> str:
    """A volume by predicted body weight; with its range where the height is only assumed (a fifth to either side)."""
    value = volume_mL / advice.bedside.predicted_weight
    if "height_cm" not in advice.bedside.assumed:
        return f"{value:.1f} mL/kg"
    return f"{value:.1f} ({value / UNSURE:.1f}-{value * UNSURE:.1f}) mL/kg"


def current(advice: Advice) -> str:
    """What the ventilator is set to, or that there is none."""
    u = advice.bedside.settings
    if float(u.mode) == 0.0:
        return (
            "no ventilator is charted" if UNKNOWN in advice.abstained else "no ventilator: breathes alone, as charted"
        )
    names = ("mode", "peep", "fio2", "tidal_volume", "rate", "inspiratory_fraction")
    if round(float(u.mode)) in (2, 4):
        names = ("mode", "peep", "fio2", "pressure", "rate", "inspiratory_fraction")
    labels = {
        "peep": "PEEP ",
        "fio2": "FiO2 ",
        "tidal_volume": "VT ",
        "rate": "rate ",
        "pressure": "pressure above PEEP ",
    }
    text = ", ".join(labels.get(n, "") + amount(n, float(getattr(u, n))) for n in names)
    if "tidal_volume" in names:
        text += f"; {per_kg(1000 * float(u.tidal_volume), advice)} predicted weight"
    return text


def answer(advice: Advice) -> str:
    """The advice in one sentence with its uncertainty, or that there is none."""
    if advice.chosen is None:
        return "No advice: " + "; ".join(advice.abstained) + "."
    chosen, names = advice.chosen, advice.outlook_names
    last, at = chosen.bands[-1], f"{advice.minutes[-1]:.0f} min"

    def read(name: str) -> str:
        return band(last[names.index(name)], name)

    expected = (
        f"expected after {at}: SpO2 {read('oxygen_saturation_percent')} %, PaCO2 "
        f"{read('arterial_carbon_dioxide_pressure_mmHg')} mmHg, plateau {read('plateau_pressure_cmH2O')} cmH2O, MAP "
        f"{read('mean_arterial_pressure_mmHg')} mmHg (median and 90 % band); every hard limit holds with a chance of "
        f"{percent(chosen.safe)}."
    )
    if chosen.candidate.kind == "as now":
        return f"Leave the ventilator as it is: {expected}"
    return f"{change_of(chosen, advice)}: {expected}"


def limit_names(advice: Advice) -> dict[str, str]:
    """Each limit as people write it."""
    return named(advice.question.limits)


def asked_at(advice: Advice) -> str:
    """The time of the question."""
    return moment(advice.bedside.now, advice.bedside.record)


def remedies(advice: Advice) -> list[str]:
    """What a person could do when there is no advice."""
    text, found = " ".join(advice.abstained), []
    if UNKNOWN in advice.abstained:
        found.append(
            "if this person is ventilated, put it in the record: mode (such as VC, PC or PRVC), PEEP, FiO2, VT set or"
            " inspiratory pressure, RR set, and a plateau pressure"
        )
    if ALONE in advice.abstained:
        found.append("ask with --at for a time at which a ventilator was charted")
    if "plateau" in text and "never" in text:
        found.append("make an end-inspiratory hold without effort and chart the plateau pressure")
    if "neither SpO2" in text or "neither PaCO2" in text:
        found.append("draw an arterial gas, or chart SpO2 and end-tidal CO2")
    if "assisted mode" in text:
        found.append("judge assisted breaths by effort (occlusion pressure, oesophageal pressure), not by plateau")
    if "contradict" in text:
        found.append("check the sensor, repeat the sample, and chart settings that were changed and not written down")
    if "fraction of oxygen" in text:
        found.append("chart FiO2")
    return found or ["ask again with a later time, after the next data"]
