"""Weighted particles: the posterior of one subject at one time, and what can be read from it."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from caretwin.core.model import State
from caretwin.core.resample import systematic

_TINY = 2.3e-308  # smallest normal double: above zero, below any weight that counts


class Ensemble(NamedTuple):
    """N weighted particles over parameters and state at time t; a ward is a leading axis [S, N, ...].

    theta  [N, d]             parameters that differ between subjects, on the scale where their prior is
           normal
    x      pytree [N, ...]    state
    logw   [N]                log weights; normalised up to rounding when a filter made them
    t      []                 hours from the subject's own origin
    """

    theta: Float[Array, "N d"]
    x: State
    logw: Float[Array, " N"]
    t: Float[Array, ""]


def normalised(logw: Float[Array, " N"]) -> Float[Array, " N"]:
    """Log weights whose exponentials sum to one."""
    return logw - jax.nn.logsumexp(logw)


def weights(logw: Float[Array, " N"]) -> Float[Array, " N"]:
    """Weights that sum to one."""
    return jnp.exp(normalised(logw))


def effective_sample_size(logw: Float[Array, " N"]) -> Float[Array, ""]:
    """1 / sum W_i^2: between 1 (one particle counts) and N (all count alike).

    Source: Kong, Liu & Wong, J Am Stat Assoc 1994;89:278-288, doi:10.1080/01621459.1994.10476469.
    """
    scaled = jnp.exp(logw - jnp.max(logw))
    return jnp.sum(scaled) ** 2 / jnp.sum(scaled**2)


def take(particles: Any, index: Int[Array, " M"]) -> Any:
    """The particles at ``index`` [M] of a pytree with leaves [N, ...]."""
    return jax.tree.map(lambda leaf: jnp.take(leaf, index, axis=0), particles)


def resample(ensemble: Ensemble, uniform: Float[Array, ""] | float) -> Ensemble:
    """An ensemble of equal weights that represents the same posterior (systematic resampling, one uniform
    number)."""
    ancestors = systematic(ensemble.logw, uniform)
    theta, x = take((ensemble.theta, ensemble.x), ancestors)
    return Ensemble(theta, x, equal_log_weights(ensemble.logw), ensemble.t)


def equal_log_weights(logw: Float[Array, " N"]) -> Float[Array, " N"]:
    """Normalised log weights of as many equally weighted particles, in the same precision."""
    return jnp.full_like(logw, -jnp.log(logw.shape[0]))


def weighted_mean(values: Any, logw: Float[Array, " N"]) -> Any:
    """Weighted mean over particles of a pytree with leaves [N, ...]; a particle of weight zero has no say,
    NaN or not."""
    w = weights(logw)

    def mean(leaf: Array) -> Array:
        column = w.reshape(-1, *(1,) * (leaf.ndim - 1))
        return jnp.sum(jnp.where(column > 0, column * leaf, 0.0), axis=0)

    return jax.tree.map(mean, values)


def covariance(values: Float[Array, "N d"], logw: Float[Array, " N"]) -> Float[Array, "d d"]:
    """Weighted covariance matrix of values [N, d] (weights as probabilities: no correction for N)."""
    w = weights(logw)
    centred = jnp.where(w[:, None] > 0, values - weighted_mean(values, logw), 0.0)
    return jnp.einsum("n,ni,nj->ij", w, centred, centred)


def quantiles(
    values: Float[Array, "N ..."], logw: Float[Array, " N"], probabilities: Float[Array, " Q"]
) -> Float[Array, "Q ..."]:
    """Weighted quantiles over particles, shape [Q, ...]: the smallest value whose cumulative weight reaches
    p.

    It is always the value of a particle with weight, so nothing is interpolated across a gap between two
    modes. Definition 1 of Hyndman & Fan, Am Stat 1996;50:361-365, doi:10.1080/00031305.1996.10473566, with
    weights.
    """
    w = weights(logw)
    wanted = jnp.asarray(probabilities)

    def one(column: Array) -> Array:
        order = jnp.argsort(jnp.where(w > 0, column, jnp.inf))
        cumulative = jnp.cumsum(w[order])
        # Below one ulp of the total nothing is reached: p = 0 asks for the smallest particle that has any
        # weight.
        target = jnp.maximum(wanted * cumulative[-1] * (1 - 4e-16 * w.shape[0]), _TINY)
        return column[order][jnp.searchsorted(cumulative, target, side="left")]

    flat = values.reshape(values.shape[0], -1)
    found = jax.vmap(one, in_axes=1, out_axes=1)(flat)
    return found.reshape(wanted.shape[0], *values.shape[1:])
