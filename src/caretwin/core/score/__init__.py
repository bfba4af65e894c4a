"""Scores of forecasts against what happened: pure functions of arrays, in which absent stays absent (NaN).

Those that take an ensemble are compiled once per shape, so score all levels of all patients in one call.
Bootstrap intervals are NumPy: each resample has a length of its own.
"""

from caretwin.core.score.clustered import ClusteredScore, clustered_interval, mean, median, median_absolute
from caretwin.core.score.coverage import central_interval, coverage, covered, weighted_quantile
from caretwin.core.score.crps import crps_ensemble, crps_normal
from caretwin.core.score.log_score import log_score
from caretwin.core.score.pit import probability_integral_transform
from caretwin.core.score.prediction_error import mdape, mdpe, mpe, prediction_error, rmse

__all__ = [
    "ClusteredScore",
    "central_interval",
    "clustered_interval",
    "coverage",
    "covered",
    "crps_ensemble",
    "crps_normal",
    "log_score",
    "mdape",
    "mdpe",
    "mean",
    "median",
    "median_absolute",
    "mpe",
    "prediction_error",
    "probability_integral_transform",
    "rmse",
    "weighted_quantile",
]
