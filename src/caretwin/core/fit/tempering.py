"""From the prior to the posterior through a ladder of tempered likelihoods, for posteriors no proposal fits.

Sequential Monte Carlo of Del Moral, Doucet & Jasra, J R Stat Soc B 2006;68:411-436,
doi:10.1111/j.1467-9868.2006.00553.x: the exponent rises so that the effective sample size stays at half, then
systematic resampling, then random-walk Metropolis moves with the particles' own covariance, scaled by 2.38/sqrt(d)
(Roberts & Rosenthal, Stat Sci 2001;16:351-367).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.core.fit.importance import Draws
from caretwin.core.fit.objective import to_theta
from caretwin.core.history import History
from caretwin.core.model import Model
from caretwin.core.simulate import log_likelihood

LEAST_ESS = 0.5  # of the number of particles, after each rise of the exponent
MOVES = 8  # Metropolis steps after each resampling
MOST_STAGES = 60
_BISECTIONS = 40


class _Cloud(NamedTuple):
    z: Array
    likelihood: Array
    exponent: Array
    evidence: Array
    stage: Array


def sample(model: Model, key: Array, history: History, draws: int) -> Draws:
    """``draws`` equally weighted draws for one subject; Pareto k is 0, since no importance weight is left."""

    def likelihood(z: Array) -> Array:
        value = log_likelihood(model, to_theta(model.prior, z), history)[0]
        return jnp.where(jnp.isfinite(value), value, -1e30)

    many = jax.vmap(likelihood)
    z = jax.random.normal(key, (draws, model.prior.mean.shape[0]))
    first = _Cloud(z, many(z), jnp.zeros(()), jnp.zeros(()), jnp.asarray(0))

    def going(c: _Cloud) -> Array:
        return (c.exponent < 1.0) & (c.stage < MOST_STAGES)

    def stage(c: _Cloud) -> _Cloud:
        step = jax.random.fold_in(key, c.stage + 1)
        choose, move = jax.random.split(step)
        raised = _next_exponent(c.likelihood, c.exponent)
        logw = (raised - c.exponent) * c.likelihood
        evidence = c.evidence + jax.scipy.special.logsumexp(logw) - jnp.log(draws)
        index = _systematic(choose, logw)
        z, value = _metropolis(move, many, c.z[index], c.likelihood[index], raised)
        return _Cloud(z, value, raised, evidence, c.stage + 1)

    end = jax.lax.while_loop(going, stage, first)
    theta = jax.vmap(lambda one: to_theta(model.prior, one))(end.z)
    x = jax.vmap(lambda one: log_likelihood(model, one, history)[1])(theta)
    return Draws(theta, x, jnp.full(draws, -jnp.log(draws)), end.evidence, jnp.zeros(()), jnp.asarray(1.0 * draws))


def _next_exponent(likelihood: Array, now: Array) -> Array:
    """The largest exponent that keeps the effective sample size at LEAST_ESS, by bisection."""
    count = likelihood.shape[0]

    def enough(exponent: Array) -> Array:
        logw = (exponent - now) * likelihood
        ess = jnp.exp(2 * jax.scipy.special.logsumexp(logw) - jax.scipy.special.logsumexp(2 * logw))
        return ess >= LEAST_ESS * count

    def halve(_: int, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = 0.5 * (low + high)
        fits = enough(middle)
        return jnp.where(fits, middle, low), jnp.where(fits, high, middle)

    low, _ = jax.lax.fori_loop(0, _BISECTIONS, halve, (now, jnp.ones(())))
    return jnp.where(enough(jnp.ones(())), 1.0, jnp.maximum(low, now + 1e-9))


def _systematic(key: Array, logw: Float[Array, " N"]) -> Array:
    count = logw.shape[0]
    cumulative = jnp.cumsum(jax.nn.softmax(logw))
    points = (jnp.arange(count) + jax.random.uniform(key)) / count
    return jnp.clip(jnp.searchsorted(cumulative, points), 0, count - 1)


def _metropolis(key: Array, many: Any, z: Array, likelihood: Array, exponent: Array) -> tuple[Array, Array]:
    d = z.shape[1]
    covariance = jnp.atleast_2d(jnp.cov(z, rowvar=False)) + 1e-10 * jnp.eye(d)
    factor = jnp.linalg.cholesky(covariance) * 2.38 / jnp.sqrt(d)

    def move(i: int, state: tuple[Array, Array]) -> tuple[Array, Array]:
        z, value = state
        propose, accept = jax.random.split(jax.random.fold_in(key, i))
        trial = z + jax.random.normal(propose, z.shape) @ factor.T
        trial_value = many(trial)
        log_ratio = exponent * (trial_value - value) - 0.5 * (jnp.sum(trial**2, 1) - jnp.sum(z**2, 1))
        taken = jnp.log(jax.random.uniform(accept, (z.shape[0],))) < log_ratio
        return jnp.where(taken[:, None], trial, z), jnp.where(taken, trial_value, value)

    return jax.lax.fori_loop(0, MOVES, move, (z, likelihood))
