"""When the next blood sample would help most, and how much: the expected value of sample information.

For each candidate time the levels that could be found are drawn from the posterior; each re-weights the draws; the best
regimen is chosen again; the mean gain in utility over deciding now is the worth of that sample. Raiffa & Schlaifer,
Applied Statistical Decision Theory, 1961, ch. 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from jaxtyping import Array

from caretwin.core.program import program
from caretwin.decide.curves import Curves
from caretwin.decide.members import Member
from caretwin.decide.outcomes import simulate
from caretwin.decide.ranking import Judged
from caretwin.decide.regimen import Regimen

CONTENDERS = 40  # the best regimens, between which a new level could decide
# Assumption: what earns nine tenths of the best gain and three quarters of the sharpening sooner is worth more.
ABOUT_AS_GOOD, ABOUT_AS_SHARP = 0.9, 0.75
MOST_DRAWS = 1024  # of all models together; each candidate time weighs every draw for every possible level
POSSIBLE_LEVELS = 64  # levels that are tried at each time; a count, not a parameter of the patient


@dataclass(frozen=True)
class Sample:
    """A candidate sample: hours from now, gain in utility, and the share of the exposure's variance it removes."""

    hours: float
    gain: float
    variance_removed: float


def candidate_samples(
    members: Sequence[Member],
    judged: Sequence[Judged],
    weights: np.ndarray,
    now: float,
    regimen: Regimen,
    effect: bool = False,
) -> list[Sample]:
    """Every sensible time in the first intervals of ``regimen``, best first.

    judged   regimens with their scores on the pooled draws; only allowed ones are chosen between
    weights  [D] of the pooled draws
    effect   whether the effect is measured (an INR), not the level
    """
    horizon = max(48.0, regimen.start + 2 * regimen.interval)
    courses = simulate([m.twin for m in members], [m.ensemble.theta for m in members], [regimen], now, horizon)
    curves = [row[0].whole() for row in courses]
    allowed = [j for j in judged if j.allowed][:CONTENDERS] or list(judged[:1])
    scores = np.stack([j.score for j in allowed])  # [R, D]
    exposure = next(j.exposure for j in judged if j.regimen == regimen)
    given = regimen.start + (0.0 if regimen.duration == 0 else min(regimen.duration, regimen.interval / 2))
    look = curves[0].moments
    times = [t for t in (*look.wait[::2], *look.early[::2], *look.late[::2]) if t < regimen.start or t >= given + 0.5]
    thin = slice(None, None, max(1, len(weights) // MOST_DRAWS))  # equally weighted within a model, so any will do
    few = weights[thin] / weights[thin].sum()
    measured = [_measured(member, c, np.asarray(times), effect) for member, c in zip(members, curves, strict=True)]
    level, sd = (np.concatenate(part, axis=1)[:, thin] for part in zip(*measured, strict=True))
    found = [_worth(t, *own, scores[:, thin], exposure[thin], few) for t, *own in zip(times, level, sd, strict=True)]
    most, sharpest = max(s.gain for s in found), max(s.variance_removed for s in found)

    def order(s: Sample) -> tuple[bool, float]:
        # Of samples that are about as good the earliest is the best: it helps sooner.
        about = s.gain >= ABOUT_AS_GOOD * most - 5e-4 and s.variance_removed >= ABOUT_AS_SHARP * sharpest
        return not about, s.hours if about else -s.gain

    return sorted(found, key=order)


def _worth(t: float, level: np.ndarray, sd: np.ndarray, scores: np.ndarray,
           exposure: np.ndarray, weights: np.ndarray) -> Sample:  # fmt: skip
    possible = _possible_levels(level, sd, weights)
    density = np.exp(-0.5 * ((possible[:, None] - level) / sd) ** 2) / sd * weights  # [Y, D]
    share = density / np.maximum(density.sum(axis=1, keepdims=True), 1e-300)
    utility_after = (share @ scores.T).max(axis=1).mean()
    utility_now = (scores @ weights).max()
    mean = share @ exposure
    left = (share @ exposure**2 - mean**2).mean()
    now = weights @ exposure**2 - (weights @ exposure) ** 2
    removed = 1.0 - left / now if now > 0 else 0.0
    return Sample(float(t), float(max(utility_after - utility_now, 0.0)), float(np.clip(removed, 0.0, 1.0)))


def _measured(member: Member, curves: Curves, times: np.ndarray, effect: bool) -> tuple[np.ndarray, np.ndarray]:
    """Expected value and standard deviation [T, N] of a measurement at each time for each draw."""
    columns = [curves.at(curves.level, times).T]
    if effect:
        columns.append(curves.at(curves.effect, times).T)
    sd = np.asarray(_spread(member.twin.model.error, np.stack(columns, axis=-1)))
    return columns[-1], sd[..., len(columns) - 1]


@program
def _spread(error: Any, predicted: Array) -> Array:
    spread: Array = error.standard_deviation(predicted)
    return spread


def _possible_levels(level: np.ndarray, sd: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Equally likely levels: draws at the midpoints of equal shares of weight, each with its own spread-out error."""
    order = np.argsort(level)
    cumulative = np.cumsum(weights[order]) / weights.sum()
    even = (np.arange(POSSIBLE_LEVELS) + 0.5) / POSSIBLE_LEVELS
    chosen = order[np.minimum(np.searchsorted(cumulative, even), len(level) - 1)]
    spread = (even * POSSIBLE_LEVELS * 0.6180339887498949) % 1.0
    error = np.asarray([NormalDist().inv_cdf(share) for share in spread])
    return np.maximum(level[chosen] + sd[chosen] * error, 0.0)
