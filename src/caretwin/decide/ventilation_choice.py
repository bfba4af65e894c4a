"""Which small step is advised: limits first, then worth, and no change unless something is clearly better; with the
reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from caretwin.decide.bedside_change import in_words
from caretwin.decide.ventilation_limits import HARD, Limits, named
from caretwin.decide.ventilation_worth import Worth


@dataclass(frozen=True)
class Choice:
    """What was chosen and why.

    best      the judged candidate
    allowed   whether it keeps the chance of breaking every hard limit at or under the allowed one
    reasons   why this, and why not the others
    rank      worth of each candidate in the order of preference, by identity
    """

    best: Any
    allowed: bool
    reasons: tuple[str, ...]
    rank: Mapping[int, tuple[int, float]]


def choose(judged: Sequence[Any], valued: Float[np.ndarray, "K N"], limits: Limits, costs: Worth) -> Choice:
    """The best of no change (the first) and the small steps.

    valued   [K, N] worth per particle
    Settings that keep all hard limits come first. When none does, those come first that break no limit more often than
    5 % or, where it is broken already, than now.
    """
    chances = np.array([[j.chances[name] for name in HARD] for j in judged])
    eligible = np.array([j.candidate.kind in ("as now", "step") and j.candidate.refused is None for j in judged])
    tier = tiers(chances, limits)
    means = valued.mean(axis=1)
    rank = {id(j): (int(tier[k]), float(means[k])) for k, j in enumerate(judged)}
    highest = tier[eligible].max()
    options = np.flatnonzero(eligible & (tier == highest))
    best = int(options[np.argmax(means[options])])
    if best != 0 and tier[0] == highest and not _clearly(valued[best], valued[0], tier[0] == 2, costs):
        best = 0
    reasons = _reasons(judged, best, tier, means, chances, eligible, limits)
    return Choice(judged[best], bool(tier[best] == 2), tuple(reasons), rank)


def tiers(chances: Float[np.ndarray, "K H"], limits: Limits) -> Float[np.ndarray, " K"]:
    """2: every hard limit is kept; 1: none is broken more often than allowed or than now (the first row); 0: the
    others."""
    kept = np.all(chances <= limits.allowed + 1e-12, axis=1)
    no_worse = np.all(chances <= np.maximum(limits.allowed, chances[0] + limits.worse) + 1e-12, axis=1)
    return np.where(kept, 2, np.where(no_worse, 1, 0))


def _clearly(new: Float[np.ndarray, " N"], now: Float[np.ndarray, " N"], fine: bool, costs: Worth) -> bool:
    """Whether a change is clearly better; where a limit is broken already, the mean alone decides."""
    gain = new - now
    sure = (gain > 0).mean() >= costs.sure
    return bool(gain.mean() >= costs.clear and (sure or not fine))


def _reasons(
    judged: Sequence[Any],
    best: int,
    tier: Float[np.ndarray, " K"],
    means: Float[np.ndarray, " K"],
    chances: Float[np.ndarray, "K H"],
    eligible: Bool[np.ndarray, " K"],
    limits: Limits,
) -> list[str]:
    names, found = named(limits), []
    chosen = judged[best]
    if tier[best] < 2:
        worst = [
            f"{names[h]}: {_percent(chances[best, i])}" for i, h in enumerate(HARD) if chances[best, i] > limits.allowed
        ]
        found.append(f"no small step keeps every hard limit ({'; '.join(worst)} with the setting advised)")
    if best != 0:
        for i, h in enumerate(HARD):
            if abs(chances[best, i] - chances[0, i]) >= 0.02:
                found.append(f"{names[h]}: chance {_percent(chances[0, i])} as now, {_percent(chances[best, i])} then")
        for name in ("driving", "power", "oxygen_excess"):
            before, after = judged[0].chances[name], chosen.chances[name]
            if abs(after - before) >= 0.05:
                found.append(f"{names[name]}: chance {_percent(before)} as now, {_percent(after)} then")
        found.append(f"better than no change in {_percent(chosen.better)} of this patient's possible states")
    else:
        near = [int(k) for k in np.flatnonzero(eligible) if k != 0 and tier[k] == tier[0]]
        if near:
            next_best = max(near, key=lambda k: means[k])
            words = in_words(judged[0].candidate.settings, judged[next_best].candidate.change)
            found.append(
                f"no small step is clearly better: the best, {words}, would gain {means[next_best] - means[0]:+.2f} "
                f"and is better in {_percent(judged[next_best].better)} of this patient's possible states"
            )
    tempting = [int(k) for k in np.flatnonzero(eligible) if means[k] > means[best] + 1e-9 and tier[k] < tier[best]]
    for k in sorted(tempting, key=lambda k: -means[k])[:2]:
        broken = [f"{names[h]} {_percent(chances[k, i])}" for i, h in enumerate(HARD) if chances[k, i] > limits.allowed]
        words = in_words(judged[0].candidate.settings, judged[k].candidate.change)
        found.append(f"not {words}: chance of {' and of '.join(broken)}")
    return found


def _percent(p: float) -> str:
    return "<1 %" if p < 0.005 else ">99 %" if p > 0.995 else f"{100 * p:.0f} %"
