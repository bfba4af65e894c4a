"""The predictive distribution of every case: what the model, given the past, says that the next measurement will be.

Posteriors come from :func:`caretwin.core.fit.fit_many`, the same that advice is made from. Cases of one structure go
through one compiled program in batches of one size; a case's numbers do not depend on what else is in its batch.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caretwin.base.random import stable_hash, stream
from caretwin.core.fit import Fit, fit_many
from caretwin.core.fit.posterior import stack_models
from caretwin.core.history import (
    History,
    bucket,
    pad_contexts,
    pad_doses,
    pad_rows,
    small_bucket,
    stack,
)
from caretwin.core.model import MEASURED, Model, Observation
from caretwin.core.simulate import individuals, log_likelihood, pick
from caretwin.core.status import usable
from caretwin.review.forecasting.cases import Case

PARTICLES = 512  # of the predicted level, equally weighted
ERRORS = 2  # measurement errors drawn for each of them
BATCH = 256  # cases that are fitted at once
LONG = 1.5  # histories longer than this many times the usual one have a batch of their own


class Predictive(NamedTuple):
    """What is forecast for one case, in the unit of the record (inside compiled programs: the model's canonical unit).

    typical      []     prediction with all random effects 0
    prior        [P]    predicted levels before any level was seen, equally weighted
    prior_next   [P R]  the same with measurement error
    level        [P]    predicted levels given the earlier ones
    next         [P R]  the same with measurement error
    log_score    []     log predictive density of what was measured, given the earlier levels
    prior_log_score []  the same before any level was seen
    log_evidence []     log density of the earlier levels; 0 when there were none
    pareto_k     []     of the posterior; 0 when there was no earlier level
    reliable     []     whether the posterior may be used
    """

    typical: Any
    prior: Any
    prior_next: Any
    level: Any
    next: Any
    log_score: Any
    prior_log_score: Any
    log_evidence: Any
    pareto_k: Any
    reliable: Any


def predictives(
    cases: Sequence[Case], key: Array, *, draws: int, progress: Callable[[int], None] = lambda done: None
) -> list[Predictive]:
    """The predictive distribution of every case, in their order.

    draws     posterior draws per case
    progress  told how many more cases are done
    """
    found: list[Predictive | None] = [None] * len(cases)
    for places, rows, contexts, doses in _batches(cases):
        size = BATCH if len(places) > BATCH else small_bucket(len(places))
        for first in range(0, len(places), size):
            part = places[first : first + size]
            chosen = [cases[i] for i in part]
            even = [_even(case.history, rows, contexts, doses) for case in chosen]
            for place, one in zip(part, _batch(chosen, even, key, draws, size), strict=True):
                found[place] = one
            progress(len(part))
    return [one for one in found if one is not None]


def _batches(cases: Sequence[Case]) -> list[tuple[list[int], int, int, int]]:
    """Places of the cases that share a program, with the numbers of rows, contexts and doses they are padded to."""
    groups: dict[Any, list[int]] = {}
    for i, case in enumerate(cases):
        structure = jax.tree.structure(case.model)
        groups.setdefault((structure, case.history.doses is None), []).append(i)
    found = []
    for places in groups.values():
        contexts = small_bucket(max(_contexts(cases[i].history) for i in places))
        doses = small_bucket(max(0 if (d := cases[i].history.doses) is None else len(d.time) for i in places))
        for part in _by_length([(len(cases[i].history.time), i) for i in places]):
            rows = bucket(max(length for length, _ in part))
            found.append(([i for _, i in part], rows, contexts, doses))
    return found


def _by_length(lengths: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """One part, or two when many histories are much shorter than the longest: a program more, but less work."""
    longest = bucket(max(length for length, _ in lengths))
    usual = bucket(int(np.median([length for length, _ in lengths])))
    if len(lengths) <= BATCH or longest <= LONG * usual:
        return [lengths]
    short = [one for one in lengths if one[0] <= usual]
    return [short, [one for one in lengths if one[0] > usual]]


def _contexts(history: History) -> int:
    return int(jax.tree.leaves(history.contexts)[0].shape[0])


def _even(history: History, rows: int, contexts: int, doses: int) -> History:
    return pad_doses(pad_contexts(pad_rows(history, rows), contexts), doses)


def _batch(cases: list[Case], histories: list[History], key: Array, draws: int, size: int) -> list[Predictive]:
    extra = size - len(cases)
    filled = cases + cases[-1:] * extra
    names = [case.name for case in cases] + [f"filling {i}" for i in range(extra)]
    histories = histories + histories[-1:] * extra
    models = [case.model for case in filled]
    fits = fit_many(models, key, histories, subjects=names, draws=draws)
    numbers = np.asarray([stable_hash(name) for name in names], dtype=np.int64)
    targets = jax.tree.map(lambda *leaves: np.stack(leaves), *(case.target for case in filled))
    channels = np.asarray([case.channel for case in filled], dtype=np.int32)
    arrays = _predict(stack_models(models), stack(histories), fits, targets, channels, key, numbers)
    arrays = jax.tree.map(np.asarray, arrays)
    return [_shown(jax.tree.map(lambda leaf, i=i: leaf[i], arrays), case) for i, case in enumerate(cases)]


def _shown(one: Predictive, case: Case) -> Predictive:
    """In the unit of the record; densities are then per that unit."""
    kinds = np.asarray(case.history.y.kind)
    shift = np.log(case.factor)
    now = shift if case.target.kind[case.channel] == MEASURED else 0.0
    return one._replace(
        typical=one.typical * case.factor,
        prior=one.prior * case.factor,
        prior_next=one.prior_next * case.factor,
        level=one.level * case.factor,
        next=one.next * case.factor,
        log_score=one.log_score - now,
        prior_log_score=one.prior_log_score - now,
        log_evidence=one.log_evidence - shift * np.sum(kinds[:, case.channel] == MEASURED),
    )


@eqx.filter_jit
def _predict(
    models: Model, histories: History, fits: Fit, targets: Observation, channels: Array, key: Array, numbers: Array
) -> Predictive:
    of_one = partial(_predict_one, key=key)
    return eqx.filter_vmap(of_one)(models, histories, fits, targets, channels, numbers)


def _predict_one(
    model: Model, history: History, fit: Fit, target: Observation, channel: Array, number: Array, key: Array
) -> Predictive:
    luck = jax.random.split(stream(key, "forecast", number), 3)
    earlier = jnp.sum(history.y.kind > 0)
    draws = fit.ensemble.theta.shape[0]
    unseen = history._replace(y=Observation(history.y.value, jnp.zeros_like(history.y.kind)))

    def end(theta: Array) -> Any:
        return log_likelihood(model, theta, unseen)[1]

    def level(theta: Array, x: Any) -> tuple[Array, Array, Any]:
        phi, u = _at_the_end(model, theta, history)
        density = model.log_observation(phi, x, u, target)[channel]
        return model.predict(phi, x, u)[channel], density, (phi, x, u)

    theta = model.prior.sample(luck[0], draws)
    before, before_density, before_state = jax.vmap(level)(theta, jax.vmap(end)(theta))
    after, density, state = jax.vmap(level)(fit.ensemble.theta, fit.ensemble.x)
    equal = jnp.zeros(draws)
    first, kept = _spread(equal), _spread(fit.ensemble.logw)
    typical = level(model.prior.mean, end(model.prior.mean))[0]
    log_score = _log_mean(density, fit.ensemble.logw)
    return Predictive(
        typical=typical,
        prior=before[first],
        prior_next=_measured(model, before_state, first, channel, luck[1]),
        level=after[kept],
        next=_measured(model, state, kept, channel, luck[2]),
        log_score=log_score,
        prior_log_score=_log_mean(before_density, equal),
        log_evidence=jnp.where(earlier > 0, fit.log_evidence, 0.0),
        pareto_k=jnp.where(earlier > 0, fit.pareto_k, 0.0),
        reliable=usable(fit.status) | (earlier == 0),
    )


def _spread(logw: Float[Array, " N"]) -> Array:
    """Places [P] of equally weighted particles among weighted draws, at the midpoints of equal steps of the weight."""
    cumulative = jnp.cumsum(jnp.exp(logw - jnp.max(logw)))
    middle = (jnp.arange(PARTICLES) + 0.5) * (cumulative[-1] / PARTICLES)
    return jnp.minimum(jnp.searchsorted(cumulative, middle, side="right"), logw.shape[0] - 1)


def _at_the_end(model: Model, theta: Array, history: History) -> tuple[Any, Any]:
    phi = pick(individuals(model, theta, history), history.at[-1])
    return phi, jax.tree.map(lambda leaf: leaf[-1], history.u)


def _log_mean(density: Float[Array, " N"], logw: Float[Array, " N"]) -> Float[Array, ""]:
    joint = jnp.where(logw == -jnp.inf, -jnp.inf, logw + density)
    return jax.nn.logsumexp(joint) - jax.nn.logsumexp(logw)


def _measured(model: Model, state: Any, index: Array, channel: Array, key: Array) -> Float[Array, " PR"]:
    """Measurements of the particles at ``index``, with standard normal errors from equal strata in random order."""
    count = PARTICLES * ERRORS
    strata = jax.random.permutation(key, count).reshape(PARTICLES, ERRORS)
    errors = jax.scipy.special.ndtri((strata + 0.5) / count)
    phi, x, u = jax.tree.map(lambda leaf: jnp.take(leaf, index, axis=0), state)

    def of_particle(phi: Any, x: Any, u: Any, few: Array) -> Array:
        channels = model.predict(phi, x, u).shape[0]
        return jax.vmap(lambda e: model.sample_observation(phi, x, u, jnp.full(channels, e))[channel])(few)

    return jax.vmap(of_particle)(phi, x, u, errors).reshape(-1)
