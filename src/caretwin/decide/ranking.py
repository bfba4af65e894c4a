"""Every practical regimen judged on the same draws of every model: chances, exposure, utility, limits."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caretwin.decide.curves import Course
from caretwin.decide.members import Member
from caretwin.decide.outcomes import simulate
from caretwin.decide.preferences import Goal, Mic, Preferences, goal, metric
from caretwin.decide.regimen import NOTHING, Regimen

SAME_UTILITY = 0.02  # a smaller difference is none at a bedside: draws alone scatter as much
MOVING_INTERVAL = 0.05  # utility; assumption
NO_WORSE = 0.005  # probability, assumption: a regimen that adds less to what is unavoidable is not to blame for it
EVEN_DRAWS = 4096  # into which weighted draws are turned for quantiles


@dataclass(frozen=True)
class Chances:
    """Probabilities of one moment (early or late) and the exposure with its 90 % interval, in the target's unit."""

    target: float
    under: float
    over: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Risk:
    """One hard limit of one regimen.

    early, late   probabilities of breaking it in the first days, and in the end
    allowed       probability that is accepted
    unavoidable   early probability of breaking it if nothing more is given: what is in the body already is no
                  regimen's fault
    """

    label: str
    early: float
    late: float
    allowed: float
    unavoidable: float = 0.0

    @property
    def probability(self) -> float:
        """The larger of the early and the late probability."""
        return max(self.early, self.late)

    @property
    def broken(self) -> bool:
        """Whether the limit forbids this regimen."""
        return self.late > self.allowed or self.early > max(self.allowed, self.unavoidable + NO_WORSE)


@dataclass(frozen=True)
class Judged:
    """One regimen with everything that is said about it. ``score`` [D] is the utility of each pooled draw."""

    regimen: Regimen
    early: Chances
    late: Chances
    risks: tuple[Risk, ...]
    utility: float
    score: np.ndarray
    exposure: np.ndarray

    @property
    def allowed(self) -> bool:
        """Whether no hard limit forbids it."""
        return not any(risk.broken for risk in self.risks)


def courses_of(
    members: Sequence[Member], regimens: Sequence[Regimen], described: Any, now: float, horizon: float
) -> list[list[Course]]:
    """Courses [models][regimens] on each model's draws, in as much detail as the target and the limits ask for."""
    drugs = [m.twin.drug for m in members]
    rules = [described, *strictest(drugs)]
    shape = any(goal(drug, rule).needs_shape for drug in drugs for rule in rules)
    return simulate([m.twin for m in members], [m.ensemble.theta for m in members], regimens, now, horizon, shape)


def judge(
    members: Sequence[Member],
    regimens: Sequence[Regimen],
    courses: Sequence[Sequence[Course]],
    described: Any,
    mic: Mic | None,
    preferences: Preferences,
) -> tuple[list[Judged], np.ndarray]:
    """All regimens, best first, and the pooled weights [D] of the draws they were judged on.

    regimens   with NOTHING among them, what is in the body already is not held against the others
    courses    of every model and regimen; see :func:`courses_of`
    described  the target, as the drug file or the question states it
    Models are averaged by weighting their draws: predictions are mixed, parameters never.
    """
    if not regimens:
        return [], np.zeros(0)
    weights = np.concatenate([m.weight * np.exp(np.asarray(m.ensemble.logw)) for m in members])
    goals = [goal(m.twin.drug, described) for m in members]
    rules = strictest(m.twin.drug for m in members)
    limits = [[goal(m.twin.drug, rule) for rule in rules] for m in members]
    mics = [None if mic is None else mic.draws(len(m.ensemble.theta)) for m in members]

    def pooled(asked: Sequence[Goal], late: bool) -> np.ndarray:
        """The number asked for, of every regimen on every pooled draw [R, D]."""
        parts = [metric(g, row, late, own) for g, row, own in zip(asked, courses, mics, strict=True)]
        return np.concatenate(parts, axis=1)

    first = goals[0]
    values = [pooled(goals, late) for late in (False, True)]
    scores = [1 - preferences.cost_under * first.under(v) - preferences.cost_over * first.over(v) for v in values]
    score = preferences.early * scores[0] + (1 - preferences.early) * scores[1]
    chances = [_chances(first, v, weights) for v in values]
    risks = _risks(limits, pooled, weights, regimens) if limits[0] else [()] * len(regimens)
    utility = score @ weights
    judged = [
        Judged(r, chances[0][i], chances[1][i], risks[i], float(utility[i]), score[i], values[1][i] * first.factor)
        for i, r in enumerate(regimens)
    ]
    return sorted(judged, key=_rank), weights


def strictest(drugs: Iterable[Any]) -> list[Any]:
    """The limits of all models, each once and with the lowest chance that any of them allows."""
    found: dict[Any, Any] = {}
    for limit in (limit for drug in drugs for limit in drug.limits):
        what = (limit.kind, limit.low, limit.high, limit.unit, limit.after)
        if what not in found or limit.maximum_probability < found[what].maximum_probability:
            found[what] = limit
    return list(found.values())


def _rank(judged: Judged) -> tuple[float | bool, ...]:
    """Allowed before forbidden, then utility in steps of two percent; of equals the one nearest to once a day, then the
    more frequent one, without a loading dose, with less drug.

    An interval that moves around the clock (18 or 36 h) costs a little: wards err with it. That, the steps, and the
    preference for once a day are assumptions.
    """
    r = judged.regimen
    moves = r.interval % 24 != 0 and 24 % r.interval != 0
    steps = -round((judged.utility - (MOVING_INTERVAL if moves else 0.0)) / SAME_UTILITY)
    from_daily = round(abs(math.log2(r.interval / 24.0)), 9)
    return not judged.allowed, steps, from_daily, r.interval, r.loading is not None, r.per_day


def _chances(g: Goal, values: np.ndarray, weights: np.ndarray) -> list[Chances]:
    """Of every regimen, from values [R, D]."""
    under, over = g.under(values) @ weights, g.over(values) @ weights
    mean = values @ weights * g.factor
    low, high = weighted_quantiles(values, weights, (0.05, 0.95)) * g.factor
    on_target = np.maximum(0.0, weights.sum() - under - over)
    columns = (on_target, under, over, mean, low, high)
    return [Chances(*(float(column[i]) for column in columns)) for i in range(len(values))]


def _risks(
    limits: Sequence[Sequence[Goal]],
    pooled: Callable[[Sequence[Goal], bool], np.ndarray],
    weights: np.ndarray,
    regimens: Sequence[Regimen],
) -> list[tuple[Risk, ...]]:
    """Every limit of every regimen."""
    found: list[list[Risk]] = []
    for place, limit in enumerate(limits[0]):
        asked = [own[place] for own in limits]
        values = [pooled(asked, late) for late in (False, True)]
        early, late = (np.maximum(limit.under(v), limit.over(v)) @ weights for v in values)
        nothing = regimens.index(NOTHING) if NOTHING in regimens else None
        unavoidable = 0.0 if nothing is None else float(limit.over(values[0][nothing]) @ weights)
        allowed = float(limit.maximum_probability or 0.0)
        found.append(
            [Risk(limit.label, float(e), float(p), allowed, unavoidable) for e, p in zip(early, late, strict=True)]
        )
    return list(zip(*found, strict=True))


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Quantiles [levels, R] of weighted values [R, D]."""
    ranks = len(weights) - 1
    if np.ptp(weights) <= 1e-12 * weights.max():
        places = [min(ranks, max(0, math.ceil(q * len(weights)) - 1)) for q in levels]
        ordered = np.partition(values, places, axis=1)
        return np.stack([ordered[:, place] for place in places])
    # Draws in proportion to their weights, at the midpoints of equal shares, count the same: sorting is then enough.
    share = (np.arange(EVEN_DRAWS) + 0.5) / EVEN_DRAWS
    chosen = np.minimum(np.searchsorted(np.cumsum(weights) / weights.sum(), share), ranks)
    return weighted_quantiles(values[:, chosen], np.ones(EVEN_DRAWS), levels)
