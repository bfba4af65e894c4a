"""Forecasts of the next blood gas against what came, beside the simplest rules that one could use instead."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from caretwin.core.score.crps import crps_ensemble, crps_normal
from caretwin.twin.gas_pairs import PairForecast, Pairs

OXYGEN, CARBON = "arterial_oxygen_pressure", "arterial_carbon_dioxide_pressure"


class Linear(NamedTuple):
    """a + b x fitted on the other subjects: forecast and its standard deviation, [n]."""

    mean: Float[np.ndarray, " n"]
    sd: Float[np.ndarray, " n"]


def leave_one_subject_out(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], subject: np.ndarray) -> Linear:
    """The linear rule for every pair, fitted by least squares on the pairs of all other subjects."""
    mean, sd = np.full(len(y), np.nan), np.full(len(y), np.nan)
    for one in np.unique(subject):
        out = subject == one
        if (~out).sum() < 3:
            continue
        design = np.stack([np.ones((~out).sum()), x[~out]], axis=1)
        coefficients, *_ = np.linalg.lstsq(design, y[~out], rcond=None)
        mean[out] = coefficients[0] + coefficients[1] * x[out]
        sd[out] = np.std(y[~out] - design @ coefficients, ddof=2)
    return Linear(mean, sd)


def root_mean_square(error: Float[np.ndarray, " n"]) -> float:
    """sqrt of the mean of squares; NaN of nothing."""
    return float(np.sqrt(np.mean(error**2))) if len(error) else float("nan")


def score(pairs: Pairs, forecasts: Sequence[PairForecast]) -> dict[str, float]:
    """The table of the task: FiO2-changed clean pairs for oxygen, clean pairs with known ventilation for carbon
    dioxide.

    Point forecasts are the mean of the particles' log PaO2 and the median of PaCO2; intervals are central 90 %.
    """
    number = np.array([f.pair for f in forecasts], dtype=int)
    values = np.stack([f.values for f in forecasts])  # [n, N, 3]
    return {**_oxygen(pairs, number, values), **_carbon_dioxide(pairs, number, values)}


def _oxygen(pairs: Pairs, number: np.ndarray, values: np.ndarray) -> dict[str, float]:
    kept = (pairs.clean & pairs.fio2_changed)[number]
    rows, particles = number[kept], np.log(values[kept, :, 0])
    x, y = np.log(pairs.first[OXYGEN][rows]), np.log(pairs.second[OXYGEN][rows])
    ratio = x + np.log(pairs.told["fio2"][rows] / pairs.fio2_before[rows])
    linear = leave_one_subject_out(x, y, pairs.subject[rows])
    low, high = np.quantile(particles, [0.05, 0.95], axis=1)
    linear_crps = np.asarray(crps_normal(linear.mean, linear.sd, y))
    return {
        "fio2_pairs": int(kept.sum()),
        "rmse_log_pao2": root_mean_square(particles.mean(axis=1) - y),
        "rmse_log_pao2_persistence": root_mean_square(x - y),
        "rmse_log_pao2_constant_pf": root_mean_square(ratio - y),
        "rmse_log_pao2_linear": root_mean_square((linear.mean - y)[np.isfinite(linear.mean)]),
        "crps_log_pao2": float(np.mean(np.asarray(crps_ensemble(particles, y)))) if len(y) else float("nan"),
        "crps_log_pao2_linear": float(np.nanmean(linear_crps)) if np.isfinite(linear_crps).any() else float("nan"),
        "coverage90_pao2": float(np.mean((low <= y) & (y <= high))) if len(y) else float("nan"),
        "coverage90_pao2_linear": float(np.mean(np.abs(y - linear.mean) <= 1.645 * linear.sd)),
        "bias_log_pao2": float(np.mean(particles.mean(axis=1) - y)) if len(y) else float("nan"),
    }


def _carbon_dioxide(pairs: Pairs, number: np.ndarray, values: np.ndarray) -> dict[str, float]:
    kept = (pairs.clean & pairs.ventilation_known)[number]
    rows, particles = number[kept], values[kept, :, 1]
    x, y = pairs.first[CARBON][rows], pairs.second[CARBON][rows]
    linear = leave_one_subject_out(x, y, pairs.subject[rows])
    low, middle, high = np.quantile(particles, [0.05, 0.5, 0.95], axis=1)
    changed = pairs.breath_changed[rows]
    return {
        "paco2_pairs": int(kept.sum()),
        "mae_paco2": float(np.mean(np.abs(middle - y))) if len(y) else float("nan"),
        "mae_paco2_persistence": float(np.mean(np.abs(x - y))) if len(y) else float("nan"),
        "mae_paco2_linear": float(np.nanmean(np.abs(linear.mean - y)))
        if np.isfinite(linear.mean).any()
        else float("nan"),
        "coverage90_paco2": float(np.mean((low <= y) & (y <= high))) if len(y) else float("nan"),
        "crps_paco2": float(np.mean(np.asarray(crps_ensemble(particles, y)))) if len(y) else float("nan"),
        "paco2_pairs_breath_changed": int(changed.sum()),
        "mae_paco2_breath_changed": float(np.mean(np.abs(middle - y)[changed])) if changed.any() else float("nan"),
        "mae_paco2_persistence_breath_changed": float(np.mean(np.abs(x - y)[changed]))
        if changed.any()
        else float("nan"),
    }
