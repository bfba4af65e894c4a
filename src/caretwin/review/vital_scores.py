"""Forecasts of vital signs against what was charted, beside persistence and an autoregression with the same data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from caretwin.core.score.crps import crps_ensemble, crps_normal
from caretwin.twin.vital_forecasts import CHANNELS, HORIZONS_H, Target

FOLDS = 5


def score(targets: Sequence[Target]) -> dict[str, dict[str, dict[str, float]]]:
    """By channel and horizon (h, as text): n, subjects, crps, crps_persistence, crps_ar, coverage90, coverage90_ar, ...

    ``crps_persistence`` dresses the last value with the changes seen in other subjects; ``mae_persistence`` is the
    last value as a certain forecast. The autoregression is a least-squares rule on the last value, the one before and
    the mean of the day, fitted on the other subjects (five folds of subjects), with their residual spread.
    """
    answer: dict[str, dict[str, dict[str, float]]] = {}
    for channel in CHANNELS:
        for horizon in HORIZONS_H:
            chosen = [t for t in targets if t.channel == channel and t.horizon_h == horizon]
            answer.setdefault(channel, {})[f"{horizon:g}"] = scores_of(chosen)
    return answer


def scores_of(targets: Sequence[Target]) -> dict[str, float]:
    """The scores of one channel and horizon; only ``n`` when there is nothing to learn from."""
    if len({t.subject for t in targets}) < FOLDS:
        return {"n": len(targets)}
    y = np.array([t.value for t in targets])
    samples = np.stack([t.samples for t in targets])
    last = np.array([t.last for t in targets])
    fold = folds([t.subject for t in targets])
    mean, sd = autoregression(targets, y, fold)
    low, middle, high = np.quantile(samples, [0.05, 0.5, 0.95], axis=1)
    return {
        "n": len(y),
        "subjects": len({t.subject for t in targets}),
        "crps": float(np.mean(np.asarray(crps_ensemble(samples, y)))),
        "crps_persistence": persistence(last, y, fold),
        "crps_ar": float(np.mean(np.asarray(crps_normal(mean, sd, y)))),
        "coverage90": float(np.mean((low <= y) & (y <= high))),
        "coverage90_ar": float(np.mean(np.abs(y - mean) <= 1.645 * sd)),
        "mae": float(np.mean(np.abs(middle - y))),
        "mae_persistence": float(np.mean(np.abs(last - y))),
        "mae_ar": float(np.mean(np.abs(mean - y))),
    }


def folds(subjects: Sequence[str]) -> np.ndarray:
    """The fold of every row: subjects in order of their identifiers, dealt in turn, so that none is in two folds."""
    order = {subject: i % FOLDS for i, subject in enumerate(sorted(set(subjects)))}
    return np.array([order[subject] for subject in subjects])


def autoregression(
    targets: Sequence[Target], y: Float[np.ndarray, " n"], fold: np.ndarray
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Mean and standard deviation for every row by a rule fitted on the other folds."""
    design = np.array([(1.0, t.last, t.previous, t.usual) for t in targets])
    mean, sd = np.empty(len(y)), np.empty(len(y))
    for k in range(FOLDS):
        out = fold == k
        coefficients, *_ = np.linalg.lstsq(design[~out], y[~out], rcond=None)
        mean[out] = design[out] @ coefficients
        sd[out] = np.std(y[~out] - design[~out] @ coefficients)
    return mean, np.maximum(sd, 1e-6)


def persistence(last: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], fold: np.ndarray) -> float:
    """CRPS of the last value plus the changes that other subjects showed (201 quantiles of them)."""
    total = 0.0
    for k in range(FOLDS):
        out = fold == k
        changes = np.quantile((y - last)[~out], np.linspace(0.0025, 0.9975, 201))
        total += float(np.sum(np.asarray(crps_ensemble(last[out][:, None] + changes[None, :], y[out]))))
    return total / len(y)


def by_group(targets: Sequence[Target], group_of: dict[str, str]) -> dict[str, Any]:
    """CRPS and coverage of the twin by a property of the subject, for every channel and horizon, with counts."""
    answer: dict[str, Any] = {}
    for name in sorted(set(group_of.values())):
        chosen = [t for t in targets if group_of.get(t.subject) == name]
        answer[name] = {
            channel: {
                f"{h:g}": _plain([t for t in chosen if t.channel == channel and t.horizon_h == h]) for h in HORIZONS_H
            }
            for channel in CHANNELS
        }
    return answer


def _plain(targets: Sequence[Target]) -> dict[str, float]:
    if not targets:
        return {"n": 0}
    y, samples = np.array([t.value for t in targets]), np.stack([t.samples for t in targets])
    low, high = np.quantile(samples, [0.05, 0.95], axis=1)
    return {
        "n": len(y),
        "subjects": len({t.subject for t in targets}),
        "crps": float(np.mean(np.asarray(crps_ensemble(samples, y)))),
        "coverage90": float(np.mean((low <= y) & (y <= high))),
    }
