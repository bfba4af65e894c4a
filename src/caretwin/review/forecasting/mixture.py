"""Mixtures of predictive distributions: over histories of doses that are possible, and over models that are valid.

Weights are prior weight times evidence of the levels seen so far, so that what is averaged is forecasts, never
parameters, and nothing later than the forecast has a say: Bayesian model averaging, Hoeting et al., Stat Sci
1999;14:382-417, doi:10.1214/ss/1009212519. The evidence of the levels seen is the product of their one-step-ahead
predictive densities (Dawid 1984, doi:10.2307/2981683), so the weights are those of the prequential log score.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from caretwin.review.forecasting.predictive import Predictive

Numbers = NDArray[np.float64]
COUNTS = 0.01  # weight from which a member's reliability is the mixture's


def weights_of(log_prior: Sequence[float], members: Sequence[Predictive]) -> Numbers:
    """Weights [M] that sum to 1; a member whose evidence is not a number has none; equal ones if all are like that."""
    logw = np.asarray(log_prior, dtype=np.float64) + [float(one.log_evidence) for one in members]
    healthy = np.isfinite(logw) & [bool(np.isfinite(one.next).all()) for one in members]
    if not healthy.any():
        return np.full(len(members), 1 / len(members))
    logw = np.where(healthy, logw, -np.inf)
    weights: Numbers = np.exp(logw - logw.max())
    return weights / weights.sum()


def prior_weights(log_prior: Sequence[float]) -> Numbers:
    """Weights [M] before anything was seen."""
    weights: Numbers = np.exp(np.asarray(log_prior, dtype=np.float64) - max(log_prior))
    return weights / weights.sum()


def mix(log_prior: Sequence[float], members: Sequence[Predictive]) -> Predictive:
    """One predictive distribution of several, as if they were one model: its evidence is theirs, averaged.

    log_prior  [M] log prior weights, up to a constant
    """
    if len(members) == 1:
        return members[0]
    before, after = prior_weights(log_prior), weights_of(log_prior, members)
    evidence = np.asarray([one.log_evidence for one in members])
    heavy = [m for m, w in zip(members, after, strict=True) if w > COUNTS] or members
    return Predictive(
        typical=np.float64(_median([one.typical for one in members], before)),
        prior=_drawn([one.prior for one in members], before),
        prior_next=_drawn([one.prior_next for one in members], before),
        level=_drawn([one.level for one in members], after),
        next=_drawn([one.next for one in members], after),
        log_score=_log_average([one.log_score for one in members], after),
        prior_log_score=_log_average([one.prior_log_score for one in members], before),
        log_evidence=_log_average(evidence, before),
        ess=min(m.ess for m in heavy),
        reliable=all(m.reliable for m in heavy),
    )


def _drawn(particles: Sequence[Numbers], weights: Numbers) -> Numbers:
    """As many equally weighted particles as one member has, at even places of the mixture's own order."""
    count = len(particles[0])
    values = np.concatenate([np.asarray(p) for p in particles])
    mass = np.repeat(weights / count, count)
    held = mass > 0
    values, mass = values[held], mass[held]
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(mass[order])
    places = np.searchsorted(cumulative / cumulative[-1], (np.arange(count) + 0.5) / count)
    return values[order][np.minimum(places, len(values) - 1)]


def _median(values: Sequence[float], weights: Numbers) -> float:
    order = np.argsort(values)
    reached = np.searchsorted(np.cumsum(weights[order]), 0.5)
    return float(np.asarray(values)[order][min(int(reached), len(values) - 1)])


def _log_average(logs: Sequence[float] | Numbers, weights: Numbers) -> np.float64:
    held = weights > 0
    values, shares = np.asarray(logs, dtype=np.float64)[held], np.log(weights[held])
    top = np.max(values + shares)
    if not np.isfinite(top):
        return np.float64(top)
    return np.float64(top + np.log(np.sum(np.exp(values + shares - top))))
