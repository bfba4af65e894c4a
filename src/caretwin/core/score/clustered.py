"""Intervals of a score that know that levels of one patient resemble each other.

Ten levels of one patient are not ten patients. The bootstrap here draws patients, each with all of their
levels; drawing levels would give intervals that are too narrow by the factor that patients differ.

Source: Davison & Hinkley, Bootstrap Methods and their Application, 1997, section 3.8 (clusters drawn whole,
levels within them kept); percentile interval: Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
section 13.3.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Statistic = Callable[[NDArray[np.float64]], float]


class ClusteredScore(NamedTuple):
    """A score with its uncertainty.

    estimate      the statistic over all levels, in the unit of the score; NaN when there are none
    lower, upper  ends of the interval; NaN with fewer than two patients, who say nothing about the others
    patients      how many patients had at least one score
    levels        how many scores there were
    """

    estimate: float
    lower: float
    upper: float
    patients: int
    levels: int


def mean(scores: NDArray[np.float64]) -> float:
    """Arithmetic mean: for CRPS, log score and coverage."""
    return float(np.mean(scores))


def median(scores: NDArray[np.float64]) -> float:
    """Median: of prediction errors it is MdPE."""
    return float(np.median(scores))


def median_absolute(scores: NDArray[np.float64]) -> float:
    """Median of absolute values: of prediction errors it is MdAPE."""
    return float(np.median(np.abs(scores)))


def clustered_interval(
    scores: ArrayLike,
    patients: Sequence[str] | Sequence[int] | NDArray[np.generic],
    statistic: Statistic = mean,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> ClusteredScore:
    """A statistic of scores over many patients, with a bootstrap interval that draws patients.

    scores     [L] one score per level, in any unit; NaN where there is none
    patients   [L] whose level it is
    statistic  a function of an array [M] without NaN to one number: :func:`mean`, :func:`median`,
               :func:`median_absolute` or another NumPy function
    level      probability of the percentile interval, between 0 and 1
    resamples  how many times patients are drawn
    seed       same seed, same interval
    Returns a :class:`ClusteredScore`.
    Raises ``ValueError`` when the two arrays differ in length.

    Example: ``clustered_interval(errors, patients, median)`` is MdPE with its 95 % interval.
    """
    values, owners = np.asarray(scores, dtype=np.float64), np.asarray(patients)
    if values.ndim != 1 or values.shape != owners.shape:
        raise ValueError(f"one patient per score: scores {values.shape}, patients {owners.shape}")
    present = ~np.isnan(values)
    values, owners = values[present], owners[present]
    if not values.size:
        return ClusteredScore(np.nan, np.nan, np.nan, 0, 0)
    by_patient = _split(values, owners)
    lower, upper = np.nan, np.nan
    if len(by_patient) > 1:
        drawn = np.random.default_rng(seed).integers(len(by_patient), size=(resamples, len(by_patient)))
        repeated = [statistic(np.concatenate([by_patient[i] for i in row])) for row in drawn]
        lower, upper = (float(end) for end in np.quantile(repeated, [(1 - level) / 2, (1 + level) / 2]))
    return ClusteredScore(statistic(values), lower, upper, len(by_patient), values.size)


def _split(values: NDArray[np.float64], owners: NDArray[np.generic]) -> list[NDArray[np.float64]]:
    """The scores of each patient, patients in sorted order so that the order of rows changes nothing."""
    order = np.argsort(owners, kind="stable")
    _, first = np.unique(owners[order], return_index=True)
    return np.split(values[order], first[1:])
