"""Every practical regimen judged on the same draws of every model: chances, exposure, utility, limits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caretwin.decide.members import Member
from caretwin.decide.outcomes import Course, simulate
from caretwin.decide.preferences import Goal, Mic, Preferences, goal, limits_of, metric
from caretwin.decide.regimen import Regimen


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
    """One hard limit: the larger of the early and the late probability of breaking it, and what is allowed."""

    label: str
    probability: float
    allowed: float

    @property
    def broken(self) -> bool:
        """Whether the limit forbids this regimen."""
        return self.probability > self.allowed


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


def judge(
    members: Sequence[Member], regimens: Sequence[Regimen], described: object, mic: Mic | None, now: float,
    horizon: float, preferences: Preferences,
) -> tuple[list[Judged], np.ndarray]:
    """All regimens, best first, and the pooled weights [D] of the draws they were judged on.

    described  the target, as the drug file or the question states it
    Models are averaged by weighting their draws: predictions are mixed, parameters never.
    """
    weights = np.concatenate([np.full(len(m.ensemble.theta), m.weight / len(m.ensemble.theta)) for m in members])
    curves = simulate([m.twin for m in members], [m.ensemble.theta for m in members], regimens, now, horizon)
    mics = None if mic is None else [mic.draws(len(m.ensemble.theta)) for m in members]
    goals = [goal(m.twin.drug, described) for m in members]
    limits = [limits_of(m.twin.drug) for m in members]
    judged = [
        _judge_one(regimen, [c[i] for c in curves], goals, limits, mics, weights, preferences)
        for i, regimen in enumerate(regimens)
    ]
    return sorted(judged, key=_rank), weights


def _rank(judged: Judged) -> tuple[bool, float, float, float, float]:
    """Allowed before forbidden, then utility to half a percent, then fewer doses a day, a loading dose last, less drug."""
    r = judged.regimen
    return not judged.allowed, -round(judged.utility * 200), 24.0 / r.interval, float(r.loading is not None), r.per_day


def _judge_one(
    regimen: Regimen, curves: list[Course], goals: list[Goal], limits: list[Sequence[Goal]], mics: list[np.ndarray] | None,
    weights: np.ndarray, preferences: Preferences,
) -> Judged:
    first = goals[0]
    pooled = []
    for late in (False, True):
        values = [
            metric(g, c, late, None if mics is None else mics[m])
            for m, (g, c) in enumerate(zip(goals, curves, strict=True))
        ]
        pooled.append(np.concatenate(values))
    scores = [1 - preferences.cost_under * first.under(v) - preferences.cost_over * first.over(v) for v in pooled]
    score = preferences.early * scores[0] + (1 - preferences.early) * scores[1]
    return Judged(
        regimen,
        _chances(first, pooled[0], weights),
        _chances(first, pooled[1], weights),
        tuple(_risks(curves, limits, mics, weights)),
        float(np.sum(weights * score)),
        score,
        pooled[1] * first.factor,
    )


def _chances(g: Goal, values: np.ndarray, weights: np.ndarray) -> Chances:
    under, over = float(np.sum(weights * g.under(values))), float(np.sum(weights * g.over(values)))
    low, high = weighted_quantiles(values, weights, (0.05, 0.95))
    mean = float(np.sum(weights * values))
    on_target = max(0.0, float(np.sum(weights)) - under - over)
    return Chances(on_target, under, over, mean * g.factor, low * g.factor, high * g.factor)


def _risks(
    curves: list[Course], limits: list[Sequence[Goal]], mics: list[np.ndarray] | None, weights: np.ndarray
) -> list[Risk]:
    found = []
    for place, limit in enumerate(limits[0]):
        worst = 0.0
        for late in (False, True):
            broken = np.concatenate([
                np.maximum(own[place].under(v), own[place].over(v))
                for m, (own, c) in enumerate(zip(limits, curves, strict=True))
                for v in [metric(own[place], c, late, None if mics is None else mics[m])]
            ])  # fmt: skip
            worst = max(worst, float(np.sum(weights * broken)))
        found.append(Risk(limit.label, worst, float(limit.maximum_probability or 0.0)))
    return found


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, levels: Sequence[float]) -> list[float]:
    """Quantiles of weighted values [D]."""
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    cumulative = cumulative / cumulative[-1]
    return [float(values[order][min(np.searchsorted(cumulative, q), len(values) - 1)]) for q in levels]
