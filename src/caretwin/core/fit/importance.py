"""Draws from the posterior by importance sampling around every optimum found, with the prior mixed in.

The proposal is a mixture: multivariate t with 4 degrees of freedom at each optimum (covariance the inverse Hessian),
and the prior itself with a tenth of the weight, so that weights stay bounded where the likelihood is flat. All draws
are weighted by the whole mixture (balance heuristic, Veach & Guibas 1995; Owen & Zhou, J Am Stat Assoc
2000;95:135-143).

How many draws come from each part, and how far out they lie, is stratified; only their directions are random.
"""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caretwin.core.fit.newton import Optimum, cholesky
from caretwin.core.fit.objective import objective, to_theta
from caretwin.core.fit.pareto import pareto_k
from caretwin.core.history import History
from caretwin.core.model import Model

DEGREES_OF_FREEDOM = 4.0
PRIOR_SHARE = 0.1
LEAST_CURVATURE = 0.05  # of the Hessian in prior standard deviations: the prior alone gives 1


class Draws(NamedTuple):
    """Weighted draws: theta [N, d], state at the end of the history [N, ...], normalised log weights [N], log evidence,
    Pareto k, and the effective sample size."""

    theta: Float[Array, "N d"]
    x: Any
    logw: Float[Array, " N"]
    log_evidence: Float[Array, ""]
    pareto_k: Float[Array, ""]
    ess: Float[Array, ""]


def sample(model: Model, key: Array, optima: Optimum, history: History, draws: int) -> Draws:
    """``draws`` weighted draws for one subject, given its optima (leaves [R, ...])."""
    lower = jax.vmap(_precision_factor)(optima.hessian)
    weights = _mode_weights(optima, lower)
    z = _propose(key, optima.z, lower, weights, draws)
    value, x = jax.vmap(lambda one: objective(model, one, history))(z)
    logq = _log_mixture(z, optima.z, lower, weights)
    logw = -value - 0.5 * z.shape[1] * jnp.log(2 * jnp.pi) - logq
    logw = jnp.where(jnp.isfinite(logw), logw, -jnp.inf)
    total = jax.scipy.special.logsumexp(logw)
    theta = jax.vmap(lambda one: to_theta(model.prior, one))(z)
    ess = jnp.where(jnp.isfinite(total), 1.0 / jnp.sum(jnp.exp(2 * (logw - total))), 0.0)
    return Draws(theta, x, logw - total, total - jnp.log(draws), pareto_k(logw), ess)


@cache
def _strata(draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Scales [N] of the multivariate t and uniforms [N] that choose the mode: midpoints of equal strata, shuffled.

    They are the same for every subject; what differs between subjects, and is random, are the directions.
    """
    even = (np.arange(draws) + 0.5) / draws
    shuffle = np.random.Generator(np.random.PCG64(20241121))
    chi_square = _chi_square_of_four(shuffle.permutation(even))
    return np.sqrt(DEGREES_OF_FREEDOM / chi_square), shuffle.permutation(even)


def _chi_square_of_four(probability: np.ndarray) -> np.ndarray:
    """Quantiles of the chi-square with 4 degrees of freedom: 1 - (1 + x/2) exp(-x/2) = p, by halving intervals."""
    low, high = np.zeros_like(probability), np.full_like(probability, 200.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = 1 - (1 + middle / 2) * np.exp(-middle / 2) < probability
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return 0.5 * (low + high)


def _precision_factor(hessian: Float[Array, "d d"]) -> Float[Array, "d d"]:
    """Lower Cholesky factor of the Hessian; one that is not convex is lifted first."""
    d = hessian.shape[0]
    _, convex = cholesky(hessian - LEAST_CURVATURE * jnp.eye(d))
    lift = jnp.max(jnp.sum(jnp.abs(hessian), axis=1))
    repaired = jnp.where(convex, hessian, hessian + (lift + LEAST_CURVATURE) * jnp.eye(d))
    lower, _ = cholesky(repaired)
    return jnp.stack([jnp.stack([lower[i][j] if j <= i else jnp.zeros(()) for j in range(d)]) for i in range(d)])


def _mode_weights(optima: Optimum, lower: Array) -> Array:
    # Laplace's mass of each optimum; optima that coincide share it, which changes nothing.
    log_volume = -jnp.sum(jnp.log(jnp.diagonal(lower, axis1=1, axis2=2)), axis=1)
    mass = -optima.value + log_volume
    return jax.nn.softmax(jnp.where(jnp.isfinite(mass), mass, -jnp.inf))


def _propose(key: Array, modes: Array, lower: Array, weights: Array, draws: int) -> Array:
    d = modes.shape[1]
    scale, choice = _strata(draws)
    standard = jax.random.normal(key, (draws, d))
    from_prior = jnp.asarray(choice) < PRIOR_SHARE
    place = (jnp.asarray(choice) - PRIOR_SHARE) / (1 - PRIOR_SHARE)
    mode = jnp.sum(place[:, None] > jnp.cumsum(weights)[:-1], axis=1)
    one_of = jax.nn.one_hot(mode, modes.shape[0])
    around = one_of @ modes
    factor = jnp.einsum("nr,rij->nij", one_of, lower)
    wide = around + _scaled(standard * jnp.asarray(scale)[:, None], factor)
    return jnp.where(from_prior[:, None], standard, wide)


def _scaled(standard: Float[Array, "N d"], lower: Float[Array, "N d d"]) -> Float[Array, "N d"]:
    """Solves lower' v = s for every row: standard normals become draws with covariance (lower lower')^-1."""
    d = lower.shape[-1]
    found: list[Array] = [jnp.zeros(())] * d
    for i in reversed(range(d)):
        known = sum((lower[:, k, i] * found[k] for k in range(i + 1, d)), jnp.zeros(()))
        found[i] = (standard[:, i] - known) / lower[:, i, i]
    return jnp.stack(found, axis=1)


def _log_mixture(z: Array, modes: Array, lower: Array, weights: Array) -> Array:
    d = z.shape[1]
    nu = DEGREES_OF_FREEDOM
    gammaln = jax.scipy.special.gammaln
    constant = gammaln((nu + d) / 2) - gammaln(nu / 2) - 0.5 * d * jnp.log(nu * jnp.pi)

    def part(mode: Array, factor: Array, weight: Array) -> Array:
        offset = z - mode
        squares = sum(
            (sum((factor[k, i] * offset[:, k] for k in range(i, d)), jnp.zeros(())) ** 2 for i in range(d)),
            jnp.zeros(()),
        )
        log_t = constant + jnp.sum(jnp.log(jnp.diagonal(factor))) - 0.5 * (nu + d) * jnp.log1p(squares / nu)
        return log_t + jnp.log(weight) + jnp.log1p(-PRIOR_SHARE)

    parts = jax.vmap(part)(modes, lower, weights)
    prior = jnp.log(PRIOR_SHARE) - 0.5 * jnp.sum(z**2, axis=1) - 0.5 * d * jnp.log(2 * jnp.pi)
    return jax.scipy.special.logsumexp(jnp.concatenate([parts, prior[None]]), axis=0)
