"""Targets, limits and the stated utility by which regimens are ranked.

    utility = mean over moments of [1 - cost_under P(under the target) - cost_over P(over the target)]

Moments are early (first two days or first interval) and late (end of the horizon), with the weights below. A regimen
that breaks a hard limit more often than the limit allows is not offered, whatever its utility. Target kinds: auc24,
auc24_over_mic, peak, trough, steady_state_level, time_above_mic, effect.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caretwin.base.errors import PlanError
from caretwin.base.units import convert
from caretwin.decide.curves import Course, Curves

KINDS = ("auc24", "auc24_over_mic", "peak", "trough", "steady_state_level", "time_above_mic", "effect")

ADDITIVE = ("auc24", "auc24_over_mic", "trough", "steady_state_level")


@dataclass(frozen=True)
class Preferences:
    """What being under or over the target costs, relative to each other, and how much the early time counts.

    The defaults are an assumption: both errors cost the same and the start counts as much as the end. A site sets its
    own.
    """

    cost_under: float = 1.0
    cost_over: float = 1.0
    early: float = 0.5


@dataclass(frozen=True)
class Mic:
    """The minimum inhibitory concentration (canonical level unit): one value, or values with probabilities."""

    values: tuple[float, ...]
    probabilities: tuple[float, ...]

    def draws(self, count: int) -> np.ndarray:
        """``count`` values in proportion to the probabilities, in a fixed scattered order (no randomness needed)."""
        edges = np.cumsum(self.probabilities) / np.sum(self.probabilities)
        even = ((np.arange(count) * 0.6180339887498949) + 0.5) % 1.0  # golden-ratio sequence: evenly spread
        return np.asarray(self.values)[np.minimum(np.searchsorted(edges, even), len(self.values) - 1)]


@dataclass(frozen=True)
class Goal:
    """A target or a limit in canonical units, ready to be read from curves.

    low, high  bounds (None: open); values are those of :func:`metric`
    """

    kind: str
    low: float | None
    high: float | None
    label: str
    unit: str
    factor: float
    multiple: float = 1.0
    free: float = 1.0
    after: float | None = None
    maximum_probability: float | None = None

    @property
    def needs_shape(self) -> bool:
        """Whether the curve between doses must be known."""
        return self.kind in ("peak", "time_above_mic") or self.after is not None

    def under(self, value: np.ndarray) -> np.ndarray:
        """1 where the value is below the range."""
        return (value < self.low) * 1.0 if self.low is not None else np.zeros_like(value)

    def over(self, value: np.ndarray) -> np.ndarray:
        """1 where the value is above the range."""
        return (value > self.high) * 1.0 if self.high is not None else np.zeros_like(value)


def goal(drug: Any, described: Any) -> Goal:
    """A drug file's target or limit in canonical units.

    Raises PlanError for a kind that is not known, UnitError for a unit that does not fit.
    """
    if described.kind not in KINDS:
        raise PlanError(
            f"target of {drug.name}",
            seen=repr(described.kind),
            wanted="one of " + ", ".join(KINDS),
            fix="correct the drug file or the question",
        )
    factor = 1.0 / _scale(drug, described)

    def canonical(value: float | None) -> float | None:
        return None if value is None else value / factor

    return Goal(
        described.kind,
        canonical(described.low),
        canonical(described.high),
        described.label,
        described.unit,
        factor,
        getattr(described, "multiple", 1.0),
        getattr(described, "free", 1.0),
        described.after,
        getattr(described, "maximum_probability", None),
    )


def _scale(drug: Any, described: Any) -> float:
    level = f"{drug.dose.unit}/L"
    if described.kind == "auc24":
        return convert(1.0, described.unit, f"{drug.dose.unit}.h/L", substance=drug.drug)
    if described.kind in ("peak", "trough", "steady_state_level"):
        return convert(1.0, described.unit, level, substance=drug.drug)
    if described.kind == "auc24_over_mic":
        return convert(1.0, described.unit, "h")
    return 1.0


def metric(goal: Goal, courses: Sequence[Course], late: bool, mic: np.ndarray | None) -> np.ndarray:
    """The number that a goal is about, for every course and draw [R, N], in canonical units; NaN where it has none."""
    if goal.kind not in ADDITIVE:
        return np.stack([_of_shape(goal, course.whole(), late, mic) for course in courses])
    total = _summed(courses, lambda part: _additive(goal, part, late))
    return total / _needed(mic) if goal.kind == "auc24_over_mic" else total


def _summed(courses: Sequence[Course], read: Callable[[Curves], np.ndarray]) -> np.ndarray:
    """What adds up over doses [R, N]: each part is read once, however many courses it belongs to."""
    places: dict[int, int] = {}
    distinct: list[np.ndarray] = []
    share = []
    for r, course in enumerate(courses):
        for factor, part in course.parts:
            if id(part) not in places:
                places[id(part)] = len(distinct)
                distinct.append(read(part))
            share.append((factor, r, places[id(part)]))
    factors, rows, columns = (np.asarray(column) for column in zip(*share, strict=True))
    weights = np.zeros((len(courses), len(distinct)))
    np.add.at(weights, (rows, columns), factors)
    return weights @ np.stack(distinct)


def _of_shape(goal: Goal, curves: Curves, late: bool, mic: np.ndarray | None) -> np.ndarray:
    """Peaks, time above a level and effects are read from the curve itself [N]."""
    look = curves.moments
    if goal.kind == "peak":
        grid = curves.at(curves.level, look.late if late else look.early).max(axis=1)
        return np.maximum(curves.at(curves.level, look.peak[int(late)])[:, 0], grid)
    if goal.kind == "time_above_mic":
        levels = curves.at(curves.level, look.late if late else look.early) * goal.free
        return np.mean(levels > (goal.multiple * _needed(mic))[:, None], axis=1)
    return curves.at(curves.effect, look.trough[int(late)])[:, 0]


def _additive(goal: Goal, part: Curves, late: bool) -> np.ndarray:
    """A number that adds up over doses, read from one part once and remembered there."""
    at_a_time = goal.kind == "trough" or goal.after is not None
    question = (at_a_time, goal.after, late)
    if question not in part.read:
        part.read[question] = _level_at(goal, part, late) if at_a_time else _auc24(part, late)
    found = part.read[question]
    return found / 24.0 if goal.kind == "steady_state_level" and not at_a_time else found


def _auc24(part: Curves, late: bool) -> np.ndarray:
    return part.auc24(2) if late else 0.5 * (part.auc24(0) + part.auc24(1))


def _level_at(goal: Goal, part: Curves, late: bool) -> np.ndarray:
    if goal.after is not None:
        return _after_dose(goal.after, part, late)
    return part.at(part.level, part.moments.trough[int(late)])[:, 0]


def _after_dose(after: float, curves: Curves, late: bool) -> np.ndarray:
    """Level a stated time after the dose [N] (lithium: 12 h), between the points of the grid by straight lines."""
    look = curves.moments
    grid = look.late if late else look.early
    begin = look.trough[1] - look.trough[0] if late else 0.0
    place = np.clip(np.searchsorted(grid, begin + after) - 1, 0, len(grid) - 2)
    share = np.clip((begin + after - grid[place]) / (grid[place + 1] - grid[place]), 0.0, 1.0)
    pair = curves.at(curves.level, grid[place : place + 2])
    return pair[:, 0] * (1 - share) + pair[:, 1] * share


def _needed(mic: np.ndarray | None) -> np.ndarray:
    if mic is None:
        raise PlanError(
            "target relative to the minimum inhibitory concentration",
            seen="no MIC",
            wanted="the MIC of this patient's organism, or a distribution of it",
            fix="give the MIC (mg/L) with the question or in the patient's table; it is not assumed",
        )
    return mic
