"""The glucose advice in words and short numbers: the same in the terminal, in the report and in the JSON file."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from caretwin.decide.glucose import Advice, Choice, Judged
from caretwin.record.bedside import BedsideRecord

ADVISES_ONLY = "caretwin advises; it orders nothing and gives nothing. A person decides. Not a medical device."
UNIT = "mmol/L"
GLUCOSE = ("glucose", "glucose_meter")


@dataclass(frozen=True)
class Provenance:
    """Where an answer came from, so that it can be had again.

    computed_at   ISO 8601; the only clock there is, read by the command
    source, source_sha256   name and content of the patient's table or folder
    model         name and version
    options       how the question was asked
    """

    code_version: str
    computed_at: str
    seed: int
    source: str
    source_sha256: str
    model: tuple[str, str]
    options: tuple[tuple[str, str], ...]


def percent(probability: float) -> str:
    """A probability as people read it; a simulation never shows 0 or 100 %.

    >>> percent(0.123), percent(0.0004), percent(1.0)
    ('12 %', '<1 %', '>99 %')
    """
    if probability < 0.005:
        return "<1 %"
    return ">99 %" if probability > 0.995 else f"{100 * probability:.0f} %"


def moment(hours: float, record: BedsideRecord) -> str:
    """A time of the record: by the clock where the source had one, else in hours."""
    if record.origin is None:
        return f"{round(hours, 2):g} h"
    at = (record.origin + timedelta(hours=hours)).astimezone(ZoneInfo(record.zone or "UTC"))
    return f"{at:%Y-%m-%d %H:%M} {record.zone or 'UTC'}"


def rate(insulin: float) -> str:
    """An insulin rate.

    >>> rate(2.5), rate(0.0)
    ('2.5 U/h', 'no insulin')
    """
    return f"{round(insulin, 2):g} U/h" if insulin > 0 else "no insulin"


def feed_of(judged: Judged, advice: Advice) -> str:
    """The feed, as a share of its goal where there is one."""
    goal = advice.question.feed_goal
    if goal is None:
        return f"{judged.feed:.2f} mmol/min" if judged.feed > 0 else "unchanged"
    return f"{100 * judged.feed / goal:.0f} % of goal"


def ends(judged: Judged, hours: int) -> str:
    """Glucose at the end of an interval: median and 90 % band."""
    low, median, high = end_band(judged, hours)
    return f"{median:.1f} ({low:.1f}-{high:.1f})"


def end_band(judged: Judged, hours: int) -> tuple[float, float, float]:
    """5 %, 50 % and 95 % of glucose at the end of an interval, mmol/L."""
    row = judged.bands[6 * hours - 1]
    return float(row[0]), float(row[2]), float(row[4])


def change(advice: Advice, choice: Choice) -> str:
    """What is to be done, against what is running."""
    best, current = choice.best, advice.current
    text = rate(best.insulin)
    if current is not None and best.insulin != current.insulin:
        text += f" (now {rate(current.insulin)})"
    elif current is not None:
        text += ", as now"
    if current is not None and best.feed != current.feed:
        text += f"; feed {feed_of(best, advice)} (now {feed_of(current, advice)})"
    elif best.feed > 0:
        text += f"; feed as now, {feed_of(best, advice)}"
    return text


def answer(advice: Advice) -> str:
    """The advice in one sentence with its uncertainty, or that there is none."""
    if advice.chosen is None:
        return "No advice: " + "; ".join(advice.abstained) + "."
    chosen, limits = advice.chosen, advice.question.limits
    best, at = chosen.best, chosen.hours - 1
    sentence = (
        f"{change(advice, chosen)}; next glucose in {chosen.hours} h, at "
        f"{moment(advice.question.now + chosen.hours, advice.record)}: {percent(float(best.inside[at]))} of the time "
        f"in {limits.low:g}-{limits.high:g} {UNIT}, chance of a glucose below {limits.low:g} in between "
        f"{percent(float(best.low[at]))}; expected then {ends(best, chosen.hours)} {UNIT}, with its 90 % interval."
    )
    if chosen.safe:
        return sentence[0].upper() + sentence[1:]
    return (
        f"No treatment meets the limit of {percent(limits.allowed)}. The least risky: {sentence} Think of giving "
        "glucose, and of measuring earlier."
    )


def sensitivity(advice: Advice) -> str:
    """The patient's insulin sensitivity now."""
    if advice.followed is None:
        return "unknown"
    low, median, high = (float(v) * 1e4 for v in np.asarray(advice.followed.sensitivity)[-1])
    return f"{median:.1f} ({low:.1f}-{high:.1f}) x 1e-4 L/mU/min"


def estimate(advice: Advice) -> str:
    """Where glucose is believed to be now."""
    if advice.followed is None:
        return "unknown"
    low, median, high = (float(v) for v in np.asarray(advice.followed.glucose)[-1])
    return f"{median:.1f} ({low:.1f}-{high:.1f}) {UNIT}"


def measured(advice: Advice) -> str:
    """The last glucose that was received, with its time; "none" where there is none."""
    now = advice.question.now
    values = [
        (float(known.time_h[-1]), float(known.value[-1]))
        for name in GLUCOSE
        if (signal := advice.record.observations.get(name)) is not None and len(known := signal.known_by(now))
    ]
    if not values:
        return "none"
    time, value = max(values)
    return f"{value:.1f} {UNIT} at {moment(time, advice.record)}"


def remedies(advice: Advice) -> list[str]:
    """What a person could do when there is no advice."""
    text = " ".join(advice.abstained)
    found = []
    if "measure first" in text:
        found.append("measure glucose now, and ask again with its result")
    if "contradict the twin" in text:
        found.append("repeat the sample from another place; chart what was fed or injected and not written down")
    if "check the unit" in text:
        found.append("correct the charted rate, and ask again")
    if "record contradicts itself" in text:
        found.append("correct the rows that are named, and ask again")
    return found or ["ask again after the next glucose; until then the local protocol counts"]
