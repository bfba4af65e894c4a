"""A posterior for a slightly different record, from the draws of the one that is known: importance weights.

    weight of a draw ~ p(changed record | draw) / p(record | draw)

The mean of the ratio is that of the two evidences, so models are re-weighted too. It holds only where enough draws
explain the changed record; their effective number says whether they do (Kong, Liu & Wong, J Am Stat Assoc
1994;89:278-288).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array

from caretwin.core.history import History, stack
from caretwin.core.program import program
from caretwin.core.simulate import log_likelihood
from caretwin.decide.batches import groups, padded, stacked
from caretwin.decide.members import Member
from caretwin.twin.dosing import DosingTwin

LEAST_EFFECTIVE_DRAWS = 50.0
COUNTS = 0.05  # weight of a model above which too few effective draws matter


def reweighed(
    members: Sequence[Member], known: np.ndarray, twins: Sequence[DosingTwin], now: float
) -> list[Member] | None:
    """The members as they would be with the records of ``twins``; None when too few of their draws explain these.

    known  log likelihoods [M, N] of the record that the members were learnt from
    """
    ratio = log_likelihoods(members, twins, now) - known
    ratio = np.where(np.isfinite(ratio), ratio, -np.inf)
    logw = np.stack([np.asarray(m.ensemble.logw) for m in members]) + ratio
    top = np.max(logw, axis=1, keepdims=True)
    if not np.isfinite(top).all():
        return None
    total = np.sum(np.exp(logw - top), axis=1)
    normal = logw - top - np.log(total)[:, None]
    effective = 1.0 / np.sum(np.exp(2 * normal), axis=1)
    belief = np.log(np.maximum([m.weight for m in members], 1e-300)) + top[:, 0] + np.log(total)
    weights = np.exp(belief - belief.max())
    weights /= weights.sum()
    if np.any((effective < LEAST_EFFECTIVE_DRAWS) & (weights > COUNTS)):
        return None
    return [
        replace(m, twin=t, weight=float(w), ensemble=m.ensemble._replace(logw=own))
        for m, t, w, own in zip(members, twins, weights, normal, strict=True)
    ]


def log_likelihoods(members: Sequence[Member], twins: Sequence[DosingTwin], now: float) -> np.ndarray:
    """Log likelihood [M, N] of each twin's record under the draws of its member."""
    found = np.zeros((len(members), len(members[0].ensemble.logw)))
    for places in groups([t.model for t in twins]):
        histories = [twins[i].history(times=() if twins[i].samples else (now,)) for i in places]
        theta = np.stack(padded([np.asarray(members[i].ensemble.theta) for i in places]))
        values = _of_draws(stacked([twins[i].model for i in places]), stack(padded(histories)), theta)
        found[places] = np.asarray(values)[: len(places)]
    return found


@program
def _of_draws(models: Any, histories: History, theta: Array) -> Array:
    def of_one(model: Any, history: History, draws: Array) -> Array:
        return jax.vmap(lambda draw: log_likelihood(model, draw, history)[0])(draws)

    return eqx.filter_vmap(of_one)(models, histories, theta)
