"""Scores of many predictive distributions at once, in the unit of the record."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from caretwin.core.history import small_bucket
from caretwin.core.model import MEASURED
from caretwin.core.score import central_interval, crps_ensemble, probability_integral_transform
from caretwin.review.forecasting.cases import Case
from caretwin.review.forecasting.level_forecast import Scores
from caretwin.review.forecasting.predictive import Predictive

Numbers = NDArray[np.float64]
LEVEL = 0.9  # the central interval that is checked


def scores(cases: Sequence[Case], forecasts: Sequence[Predictive]) -> tuple[list[Scores], list[Scores]]:
    """Scores of the forecasts before any level, and given the earlier ones, case by case."""
    prior = _scores(
        cases,
        [f.prior for f in forecasts],
        [f.prior_next for f in forecasts],
        [float(f.prior_log_score) for f in forecasts],
    )
    following = _scores(
        cases, [f.level for f in forecasts], [f.next for f in forecasts], [float(f.log_score) for f in forecasts]
    )
    return prior, following


def observed(case: Case) -> float:
    """The measured value (the limit when censored) in the unit of the record."""
    return float(case.target.value[case.channel]) * case.factor


def measured(case: Case) -> bool:
    """False for a value beyond a limit of quantification."""
    return int(case.target.kind[case.channel]) == MEASURED


def _scores(
    cases: Sequence[Case], levels: list[Numbers], measurements: list[Numbers], log_scores: list[float]
) -> list[Scores]:
    count = len(cases)
    if not count:
        return []
    truth = np.asarray([observed(case) if measured(case) else np.nan for case in cases])
    values = np.stack(measurements)
    points = np.median(np.stack(levels), axis=1)
    # Padded to a power of two, so that another number of levels needs no other program.
    extra = small_bucket(count) - count
    values = np.concatenate([values, np.repeat(values[-1:], extra, axis=0)])
    truth_padded = np.concatenate([truth, np.full(extra, np.nan)])
    low, high = (np.asarray(end)[:count] for end in central_interval(values, LEVEL))
    crps = np.asarray(crps_ensemble(values, truth_padded))[:count]
    pit = np.asarray(probability_integral_transform(values, truth_padded))[:count]
    inside = np.where(np.isnan(truth), np.nan, (low <= truth) & (truth <= high))
    columns = (points, low, high, inside, crps, pit, np.asarray(log_scores))
    return [Scores(*(float(value) for value in row)) for row in zip(*columns, strict=True)]
