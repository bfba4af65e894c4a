"""The predictive distribution of a level: predicted values with weights, and measurements drawn from them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray
from scipy.special import ndtri

from caretwin.core.model import Model

PARTICLES = 512  # of the predicted level, equally weighted
ERRORS = 2  # measurement errors drawn for each of them
Numbers = NDArray[np.float64]


class Predictive(NamedTuple):
    """What is forecast for one level under one model, in the unit of the record.

    typical      []     prediction with all random effects 0
    prior        [P]    predicted levels before any level was seen, equally weighted
    prior_next   [P R]  the same with measurement error
    level        [P]    predicted levels given the earlier ones
    next         [P R]  the same with measurement error
    log_score    []     log predictive density of what was measured, given the earlier levels
    prior_log_score []  the same before any level was seen
    log_evidence []     log density of the earlier levels; 0 when there were none
    ess          []     effective number of draws behind the forecast
    reliable     []     whether it is enough
    """

    typical: Any
    prior: Any
    prior_next: Any
    level: Any
    next: Any
    log_score: Any
    prior_log_score: Any
    log_evidence: Any
    ess: Any
    reliable: Any


def spread(values: Numbers, weights: Numbers, count: int = PARTICLES) -> Numbers:
    """``count`` equally weighted values of weighted ones [N], at the midpoints of equal steps of the weight."""
    held = weights > 0
    order = np.argsort(values[held], kind="stable")
    chosen, mass = values[held][order], np.cumsum(weights[held][order])
    places = np.searchsorted(mass / mass[-1], (np.arange(count) + 0.5) / count)
    found: Numbers = chosen[np.minimum(places, len(chosen) - 1)]
    return found


def measurements(
    models: Sequence[Model], channels: Sequence[int], levels: Numbers, luck: Sequence[np.random.Generator]
) -> Numbers:
    """Measured values [B, P R] of predicted levels [B, P], canonical units, one model and channel per row.

    Measurement errors come from equal strata of the normal distribution in an order of each row's own ``luck``.
    """
    count = levels.shape[1] * ERRORS
    strata = ndtri((np.arange(count) + 0.5) / count)
    errors = np.stack([one.permutation(strata) for one in luck]).reshape(len(levels), levels.shape[1], ERRORS)
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *(_error(model) for model in models))
    drawn = _measured(stacked, np.asarray(channels, dtype=np.int32), levels, errors)
    return np.asarray(drawn).reshape(len(levels), count)


def _error(model: Any) -> Any:
    return model.error


@eqx.filter_jit
def _measured(errors: Any, channels: Array, levels: Array, normal: Array) -> Array:
    def one(error: Any, channel: Array, level: Array, e: Array) -> Array:
        width = error.additive.shape[0]
        return error.sample(jnp.full(width, level), jnp.full(width, e))[channel]

    many = jax.vmap(jax.vmap(one, (None, None, None, 0)), (None, None, 0, 0))
    return eqx.filter_vmap(many)(errors, channels, levels, normal)
