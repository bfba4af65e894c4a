"""Taking in one piece of evidence by degrees, so that no step leaves too few particles to stand on.

The likelihood is raised from power 0 to power 1 in steps chosen so that the effective sample size stays at a
set fraction of the particles; between steps the particles are resampled and moved. An unsurprising datum
takes one step and is then the ordinary reweighting of a particle filter.

Source: Del Moral, Doucet & Jasra, J R Stat Soc B 2006;68:411-436, doi:10.1111/j.1467-9868.2006.00553.x
(samplers); Jasra et al., Scand J Stat 2011;38:1-22, doi:10.1111/j.1467-9469.2010.00723.x (powers by bisection
on effective sample size).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from caretwin.core.ensemble import effective_sample_size, equal_log_weights, take
from caretwin.core.resample import systematic

Rejuvenate = Callable[[Array, Any, Float[Array, " N"], Float[Array, ""]], tuple[Any, Float[Array, " N"]]]
"""(key, particles, log likelihood [N], power) -> (particles, log likelihood [N]), leaving prior x
likelihood^power as it is."""

_HALVINGS = 40  # 2^-40 of the remaining power is as good as none


class Tempered(NamedTuple):
    """What is left when all of the evidence is in.

    particles       pytree [N, ...]
    log_likelihood  [N]  full log likelihood of each particle
    logw            [N]  log weights; they keep the normalisation they came with
    log_evidence    []   log of the weighted mean likelihood, 0 when nothing was taken in, -inf when all found
                    it impossible
    ess             []   effective sample size at the end, before a last resampling made the weights equal
    stages          []   steps taken: 0 nothing to do, 1 an ordinary update, more when tempered
    """

    particles: Any
    log_likelihood: Float[Array, " N"]
    logw: Float[Array, " N"]
    log_evidence: Float[Array, ""]
    ess: Float[Array, ""]
    stages: Int[Array, ""]


class _State(NamedTuple):
    particles: Any
    log_likelihood: Float[Array, " N"]
    logw: Float[Array, " N"]
    power: Float[Array, ""]
    log_evidence: Float[Array, ""]
    ess: Float[Array, ""]
    stages: Int[Array, ""]


def temper(
    key: Array,
    particles: Any,
    log_likelihood: Float[Array, " N"],
    logw: Float[Array, " N"],
    rejuvenate: Rejuvenate,
    *,
    seen: Bool[Array, ""] | bool,
    threshold: Float[Array | np.ndarray, ""] | float,
    most_stages: Int[Array | np.ndarray, ""] | int,
) -> Tempered:
    """Multiply the weights by the likelihood, by degrees where needed.

    key             for resampling and moving
    particles       pytree with leaves [N, ...]
    log_likelihood  [N], finite or -inf
    logw            [N] log weights, not all -inf
    rejuvenate      moves equally weighted particles and returns their log likelihood
    seen            False: there is no evidence, and everything comes back untouched, bit for bit
    threshold       smallest effective sample size of a step, as a fraction of the particles that are still
                    possible
    most_stages     the last of these steps takes what remains, whatever its effective sample size; 1: never
                    temper

    Example: a batch posterior from prior draws ``theta`` is
    ``temper(key, theta, loglik(theta), jnp.zeros(N), mcmc, seen=True, threshold=0.5, most_stages=32)``.
    """
    possible = jnp.any((logw > -jnp.inf) & (log_likelihood > -jnp.inf))
    nothing_to_do = ~jnp.asarray(seen) | ~possible
    start = _State(
        particles,
        log_likelihood,
        logw,
        power=jnp.where(nothing_to_do, 1.0, 0.0).astype(logw.dtype),
        log_evidence=jnp.where(jnp.asarray(seen) & ~possible, -jnp.inf, 0.0).astype(logw.dtype),
        ess=effective_sample_size(logw),
        stages=jnp.asarray(0),
    )

    def stage(state: _State) -> _State:
        return _stage(key, state, rejuvenate, threshold, most_stages)

    end: _State = jax.lax.while_loop(lambda state: state.power < 1, stage, start)
    return Tempered(end.particles, end.log_likelihood, end.logw, end.log_evidence, end.ess, end.stages)


def _stage(
    key: Array,
    state: _State,
    rejuvenate: Rejuvenate,
    threshold: Float[Array | np.ndarray, ""] | float,
    most_stages: Int[Array | np.ndarray, ""] | int,
) -> _State:
    alive = (state.logw > -jnp.inf) & (state.log_likelihood > -jnp.inf)
    target = jnp.asarray(threshold * jnp.sum(alive))
    remaining = 1 - state.power
    last = state.stages + 1 >= most_stages
    step = jnp.where(last, remaining, _largest_step(state, alive, remaining, target))
    finished = step >= remaining
    power = jnp.where(finished, 1.0, state.power + step)

    logw = _reweighted(state, alive, step)
    log_increment = jax.nn.logsumexp(logw) - jax.nn.logsumexp(state.logw)
    ess = effective_sample_size(logw)
    state = state._replace(
        logw=logw - log_increment,
        power=power,
        log_evidence=state.log_evidence + log_increment,
        ess=ess,
        stages=state.stages + 1,
    )

    def renew(state: _State) -> _State:
        resampling, moving = jax.random.split(jax.random.fold_in(key, state.stages))
        uniform = jax.random.uniform(resampling, dtype=state.logw.dtype)
        survivors, scores = take((state.particles, state.log_likelihood), systematic(state.logw, uniform))
        particles, log_likelihood = rejuvenate(moving, survivors, scores, power)
        return state._replace(particles=particles, log_likelihood=log_likelihood, logw=equal_log_weights(state.logw))

    return jax.lax.cond(finished & (ess >= target), lambda s: s, renew, state)


def _largest_step(
    state: _State, alive: Bool[Array, " N"], remaining: Float[Array, ""], target: Float[Array, ""]
) -> Float[Array, ""]:
    """The largest increase of power that keeps the effective sample size at ``target``; all that remains if
    it can."""

    def enough(step: Float[Array, ""]) -> Bool[Array, ""]:
        return effective_sample_size(_reweighted(state, alive, step)) >= target

    def halve(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = 0.5 * (low + high)
        fits = enough(middle)
        return jnp.where(fits, middle, low), jnp.where(fits, high, middle)

    low, _ = jax.lax.fori_loop(0, _HALVINGS, halve, (jnp.zeros_like(remaining), remaining))
    return jnp.where(enough(remaining), remaining, low)


def _reweighted(state: _State, alive: Bool[Array, " N"], step: Float[Array, ""]) -> Float[Array, " N"]:
    # An impossible particle is out from the first step on: -inf times a small power must not become 0 or NaN.
    return jnp.where(alive, state.logw + step * jnp.where(alive, state.log_likelihood, 0.0), -jnp.inf)
