"""Scores of many predictive distributions at once, in the unit of the record."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from caretwin.core.history import small_bucket
from caretwin.core.score import central_interval, crps_ensemble, probability_integral_transform
from caretwin.record.dosing import Level
from caretwin.review.forecasting.level_forecast import Scores
from caretwin.review.forecasting.predictive import Predictive

Numbers = NDArray[np.float64]
LEVEL = 0.9  # the central interval that is checked


def observed(level: Level) -> float:
    """The measured value, or the limit when it lies beyond one."""
    return level.limit if level.censoring != "measured" and level.limit is not None else level.value


def scores(levels: Sequence[Level], forecasts: Sequence[Predictive]) -> tuple[list[Scores], list[Scores]]:
    """Scores of the forecasts before any level was seen, and given the earlier ones, level by level."""
    prior = _scores(
        levels,
        [f.prior for f in forecasts],
        [f.prior_next for f in forecasts],
        [float(f.prior_log_score) for f in forecasts],
    )
    following = _scores(
        levels,
        [f.level for f in forecasts],
        [f.next for f in forecasts],
        [float(f.log_score) for f in forecasts],
    )
    return prior, following


def _scores(
    levels: Sequence[Level], predicted: list[Numbers], measurements: list[Numbers], log_scores: list[float]
) -> list[Scores]:
    count = len(levels)
    if not count:
        return []
    truth = np.asarray([observed(one) if one.censoring == "measured" else np.nan for one in levels])
    points = np.median(np.stack(predicted), axis=1)
    # Padded to a power of two, so that another number of levels needs no other program.
    extra = small_bucket(count) - count
    values = np.stack(measurements)
    values = np.concatenate([values, np.repeat(values[-1:], extra, axis=0)])
    padded = np.concatenate([truth, np.full(extra, np.nan)])
    low, high = (np.asarray(end)[:count] for end in central_interval(values, LEVEL))
    crps = np.asarray(crps_ensemble(values, padded))[:count]
    pit = np.asarray(probability_integral_transform(values, padded))[:count]
    inside = np.where(np.isnan(truth), np.nan, (low <= truth) & (truth <= high))
    columns = (points, low, high, inside, crps, pit, np.asarray(log_scores))
    return [Scores(*(float(value) for value in row)) for row in zip(*columns, strict=True)]
