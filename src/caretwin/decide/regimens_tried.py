"""Every practical regimen judged, from the time when the next dose is due, and after a pause where that is needed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from caretwin.base.units import convert
from caretwin.decide.curves import Course
from caretwin.decide.members import Member, thinned
from caretwin.decide.preferences import Mic
from caretwin.decide.question import Question
from caretwin.decide.ranking import Judged, courses_of, judge
from caretwin.decide.regimen import NOTHING, Regimen, due, practical_regimens
from caretwin.record.dosing import DosingRecord

SCREENING_PARTICLES = 64  # enough to see which maintenance doses are hopeless
SCREENED = 12  # maintenance regimens that are kept for integrated models, with their loading doses
# Assumption: advice that misses its target four times in five is not worth having.
LEAST_CHANCE = 0.2
PAUSES = (24.0, 48.0)  # h; assumption: how long a drug is held before it is given again


class Tried(NamedTuple):
    """All regimens judged, the present one and none at all beside them, the courses behind, and the draws' weights."""

    judged: list[Judged]
    current: Judged | None
    nothing: Judged | None
    courses: tuple[dict[Regimen, Course], ...]
    weights: np.ndarray


def try_regimens(
    question: Question, record: DosingRecord, speaking: Sequence[Member], drug: Any, target: Any, mic: Mic | None
) -> tuple[Tried, list[str]]:
    """Regimens from the time when the next dose is due, and notes; if none is good enough, after a pause."""
    notes: list[str] = []
    found: list[Tried] = []
    for pause in (0.0, *(PAUSES if was_given(speaking, question.now) else ())):
        tried, ruled_out = _after_pause(pause, question, record, speaking, drug, target, mic)
        notes += ruled_out
        if worth_having(tried.judged):
            if pause:
                notes.append(
                    f"no regimen that starts when it is due is good enough: a pause of {pause:g} h is kept first"
                )
            return tried, notes
        found.append(tried)
    return found[0], notes


def worth_having(judged: Sequence[Judged]) -> bool:
    """Whether the best regimen keeps the limits and has a fair chance to reach the target in the end."""
    return bool(judged) and judged[0].allowed and judged[0].late.target >= LEAST_CHANCE


def _after_pause(
    pause: float,
    question: Question,
    record: DosingRecord,
    speaking: Sequence[Member],
    drug: Any,
    target: Any,
    mic: Mic | None,
) -> tuple[Tried, list[str]]:
    notes: list[str] = []
    regimens = practical_regimens(
        drug,
        weight_of(record),
        every_duration=target.kind in ("time_above_mic", "peak"),
        since_last=_since_last(speaking[0].twin, question.now),
        pause=pause,
    )
    if any(integrated(m.twin) for m in speaking):
        count = len(regimens)
        regimens = _screened(question, speaking, regimens, target, mic)
        if len(regimens) < count:
            notes.append(f"{count - len(regimens)} of {count} practical regimens were ruled out on fewer draws")
    present = regimen_now(drug, speaking[0].twin, question.now)
    asked = (*regimens, NOTHING) if present is None or present in regimens else (*regimens, NOTHING, present)
    courses = courses_of(speaking, asked, target, question.now, question.horizon)
    everything, weights = judge(speaking, asked, courses, target, mic, question.preferences)
    offered = set(regimens)
    judged = [j for j in everything if j.regimen in offered]
    current, nothing = (next((j for j in everything if j.regimen == r), None) for r in (present, NOTHING))
    return Tried(judged, current, nothing, tuple(dict(zip(asked, row, strict=True)) for row in courses), weights), notes


def was_given(speaking: Sequence[Member], now: float) -> bool:
    """Whether any dose began before now; what is only planned cannot be paused."""
    return _since_last(speaking[0].twin, now) is not None


def _since_last(twin: Any, now: float) -> float | None:
    """Hours since the last dose began; None when nothing was given."""
    return min((now - d.time for d in twin.doses if d.time < now), default=None)


def integrated(twin: Any) -> bool:
    """Whether the model of a twin is integrated numerically, which costs a hundred times as much."""
    return not twin.model.linear_kinetics


def _screened(
    question: Question, members: Sequence[Member], regimens: tuple[Regimen, ...], target: Any, mic: Mic | None
) -> tuple[Regimen, ...]:
    """The regimens whose maintenance is among the best on a few draws; all of them when they are few."""
    maintenance = tuple(r for r in regimens if r.loading is None)
    if len(maintenance) <= SCREENED:
        return regimens
    few = [replace(m, ensemble=thinned(m.ensemble, SCREENING_PARTICLES)) for m in members]
    asked = (*maintenance, NOTHING)
    courses = courses_of(few, asked, target, question.now, question.horizon)
    judged, _ = judge(few, asked, courses, target, mic, question.preferences)
    best = [j.regimen for j in judged if j.regimen != NOTHING][:SCREENED]
    kept = {(r.dose, r.interval, r.duration) for r in best}
    return tuple(r for r in regimens if (r.dose, r.interval, r.duration) in kept)


def weight_of(record: DosingRecord) -> float | None:
    """The last body weight of the record (kg); None without one."""
    values = record.covariate("WT")
    if not values:
        return None
    last = values[-1]
    return last.value if last.unit is None else convert(last.value, last.unit, "kg")


def regimen_now(drug: Any, twin: Any, now: float) -> Regimen | None:
    """The regimen that is being given: the last dose, at the interval between the last two; None with fewer.

    An interval within a fifth of a practical one is read as that one: rounds are late, orders are not.
    """
    given = sorted((d for d in twin.doses if d.time < now), key=lambda d: d.time)
    if len(given) < 2 or given[-1].time <= given[-2].time or given[-1].amount <= 0:
        return None
    interval = given[-1].time - given[-2].time
    practical = drug.practical.intervals.values if drug.practical is not None else ()
    nearest = min(practical, key=lambda value: abs(value - interval), default=interval)
    interval = nearest if abs(nearest - interval) <= 0.2 * nearest else interval
    start = 0.0 if given[-1].duration >= interval else due(interval, now - given[-1].time)
    return Regimen(given[-1].amount, interval, given[-1].duration, start=start)
