"""The sequential filter: an ensemble that learns from each datum as it arrives.

One update is: the state moves on under its inputs and its luck; the weights are multiplied by the likelihood
of what was seen, by degrees when that would leave too few particles (:mod:`tempering`); then, if needed,
particles are resampled and moved. Luck is addressed by (name, subject, time), so neither the order of calls
nor the neighbours matter.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial as PytreePartial
from jaxtyping import Array, Bool, Float, Int

from caretwin.core import luck
from caretwin.core.ensemble import Ensemble, equal_log_weights, normalised
from caretwin.core.history import History
from caretwin.core.model import MISSING, Context, Inputs, Model, Observation, State
from caretwin.core.move import LiuWest, Move
from caretwin.core.status import Status, when, worst
from caretwin.core.surprise import surprise
from caretwin.core.tempering import temper

COLLAPSED_BELOW = 10.0
"""Effective particles. Assumed: with fewer, a mean is uncertain by more than a third of a standard
deviation."""
SURPRISING_ABOVE = 3.0
"""-log10 of the predictive tail probability. Assumed: one value in a thousand is worth a second look."""


class Info(NamedTuple):
    """What a person should know of one update; a replay has a leading axis [E], a ward [S].

    log_evidence  []   log p(datum | data before it), sums to the evidence of a history; 0 when nothing was
                  seen
    ess           []   effective sample size after the datum, before any last resampling
    surprise      [C]  -log10 of the two-sided predictive tail probability; 0 where not seen
    seen          [C]  False where the channel was missing
    status        []   a :class:`~caretwin.core.status.Status` code
    stages        []   steps in which the datum was taken in: 0 nothing seen, 1 as usual, more when tempered
    """

    log_evidence: Float[Array, ""]
    ess: Float[Array, ""]
    surprise: Float[Array, " C"]
    seen: Bool[Array, " C"]
    status: Int[Array, ""]
    stages: Int[Array, ""]


class Filter(NamedTuple):
    """Two functions. A filter is a pytree: filters of models of one structure share their compiled programs.

    init(key, context, t, subject=0) -> Ensemble
    update(key, ensemble, u, context, y, t, subject=0, *, at=None, occurrence=0) -> (Ensemble, Info)
    """

    init: Callable[..., Ensemble]
    update: Callable[..., tuple[Ensemble, Info]]


class Settings(eqx.Module):
    """How a particle filter works (see :func:`particle_filter`); a change of what is static compiles anew."""

    particles: int = eqx.field(static=True)
    ess_threshold: Float[np.ndarray, ""]
    stages: Int[np.ndarray, ""]
    noise_moves: int = eqx.field(static=True)
    noise_step: float = eqx.field(static=True)
    move: Move | None


def particle_filter(
    model: Model,
    *,
    particles: int = 1000,
    ess_threshold: float = 0.5,
    stages: int = 12,
    noise_moves: int = 2,
    noise_step: float = 0.5,
    move: Move | None = LiuWest(),  # noqa: B008  an immutable value
) -> Filter:
    """A bootstrap particle filter with tempering and a move step.

    particles      N
    ess_threshold  resample when the effective sample size falls below this fraction of N; in (0, 1)
    stages         a datum that would take it below is taken in by at most this many steps; 1: never temper
    noise_moves    Metropolis moves of the last step's noise at each resampling (0: none)
    noise_step     beta of those moves, in (0, 1]: w' = sqrt(1 - beta^2) w + beta z
    move           what keeps static parameters from collapsing; None: nothing, and they will

    ``update`` moves ``ensemble`` to time t [h] with inputs ``u`` held in ``context``, and takes in ``y``
    observed in the context ``at`` (``context`` itself unless given). ``occurrence`` numbers several updates
    at one instant, so that they do not share a resampling. With no time passed and nothing seen it returns
    the very same ensemble and a log evidence of 0.0, provided that the model's transition over dt = 0 without
    input changes nothing.

    Raises ValueError for a threshold, a step or a count outside its range.

    Source: Gordon, Salmond & Smith, IEE Proc F 1993;140:107, doi:10.1049/ip-f-2.1993.0015 (bootstrap filter);
    Chopin & Papaspiliopoulos, An Introduction to Sequential Monte Carlo 2020, ch. 10 and 17; Cotter et al.,
    Stat Sci 2013;28:424, doi:10.1214/13-STS421 (the moves of the noise, eq. 4.6: they leave prior x
    likelihood exactly as it is).

    Example::

        twin = particle_filter(model, particles=1000)
        ensemble = twin.init(key, context, 0.0, "7f3c")
        ensemble, info = twin.update(key, ensemble, u, context, y, 6.0, "7f3c")
    """
    if not (0 < ess_threshold < 1 and 0 < noise_step <= 1 and min(particles, stages) >= 1 and noise_moves >= 0):
        raise ValueError(
            f"particles {particles}, ess_threshold {ess_threshold}, stages {stages}, "
            f"noise_moves {noise_moves}, noise_step {noise_step}: wanted counts of 1 or more "
            "(noise_moves 0) and fractions in (0, 1)"
        )
    settings = Settings(particles, np.asarray(ess_threshold), np.asarray(stages), noise_moves, noise_step, move)
    # Pytrees rather than closures, so that a filter may be an argument of compiled functions.
    bind: Callable[..., Any] = PytreePartial
    return Filter(bind(_init, model, settings), bind(_update, model, settings))


@eqx.filter_jit
def replay(twin: Filter, key: Array, history: History, subject: Int[Array, ""]) -> tuple[Ensemble, Info]:
    """The ensemble after a whole history, and the Info of every row (leading axis E).

    Padded rows change nothing, so one compiled program serves every history of the same bucket. For a ward,
    ``vmap`` over ``history`` and ``subject`` (integers: see :func:`caretwin.core.luck.subject_number`).
    """
    rows = _row_numbers(history.time)

    def context(index: Array) -> Context:
        return jax.tree.map(lambda leaf: jnp.take(leaf, index, axis=0), history.contexts)

    def step(ensemble: Ensemble, row: Any) -> tuple[Ensemble, Info]:
        time, u, between, at, y, occurrence = row
        return twin.update(key, ensemble, u, context(between), y, time, subject, at=context(at), occurrence=occurrence)

    first = twin.init(key, context(jnp.asarray(history.between)[0]), history.time[0], subject)
    columns = (history.time, history.u, history.between, history.at, history.y, rows)
    return jax.lax.scan(step, first, jax.tree.map(jnp.asarray, columns))


def _row_numbers(time: Float[Array, " E"]) -> Int[Array, " E"]:
    """How many rows before each one have the same time."""
    time = jnp.asarray(time)
    return jnp.arange(time.shape[0]) - jnp.searchsorted(time, time, side="left")


def _init(model: Model, settings: Settings, key: Array, context: Context, t: Any, subject: Any = 0) -> Ensemble:
    context, t = jax.tree.map(jnp.asarray, (context, t))
    return _compiled_init(model, settings, key, context, t, luck.subject_number(subject))


@eqx.filter_jit
def _compiled_init(
    model: Model, settings: Settings, key: Array, context: Context, t: Array, subject: Array
) -> Ensemble:
    parameters, beginning = jax.random.split(luck.address(key, "prior", subject, t))
    theta = model.prior.sample(parameters, settings.particles)
    z = jax.random.normal(beginning, (settings.particles, model.noise_dimension))
    x = jax.vmap(lambda one, z: model.initial(model.individual(one, context), z))(theta, z)
    return Ensemble(theta, x, equal_log_weights(jnp.zeros(settings.particles)), t)


def _update(
    model: Model,
    settings: Settings,
    key: Array,
    ensemble: Ensemble,
    u: Inputs,
    context: Context,
    y: Observation,
    t: Any,
    subject: Any = 0,
    *,
    at: Context | None = None,
    occurrence: Any = 0,
) -> tuple[Ensemble, Info]:
    at = context if at is None else at
    arrays = jax.tree.map(jnp.asarray, (ensemble, u, context, at, y, t, occurrence))
    answer: tuple[Ensemble, Info] = _compiled_update(model, settings, key, luck.subject_number(subject), *arrays)
    return answer


class _Particles(NamedTuple):
    theta: Float[Array, "N d"]
    before: State
    w: Float[Array, "N n"]
    after: State


@eqx.filter_jit
def _compiled_update(
    model: Model,
    settings: Settings,
    key: Array,
    subject: Array,
    ensemble: Ensemble,
    u: Inputs,
    context: Context,
    at: Context,
    y: Observation,
    t: Array,
    occurrence: Array,
) -> tuple[Ensemble, Info]:
    dt = t - ensemble.t
    seen = y.kind != MISSING
    advance = _advancer(model, u, context, at, y, dt)

    w = luck.process_noise(key, subject, t, ensemble.theta.shape[0], model.noise_dimension)
    particles, log_likelihood, finite = advance(ensemble.theta, ensemble.x, w)
    alive = finite & (ensemble.logw > -jnp.inf)
    failed = ~jnp.any(alive)
    lost = jnp.any(alive != (ensemble.logw > -jnp.inf))
    logw = jnp.where(lost & ~failed, normalised(jnp.where(alive, ensemble.logw, -jnp.inf)), ensemble.logw)

    e = luck.measurement_noise(key, subject, t, *_predicted_shape(model, ensemble, u, at))
    expected = jax.vmap(lambda theta, x, e: model.sample_observation(model.individual(theta, at), x, u, e))(
        particles.theta, particles.after, e
    )
    channels = jnp.where(seen, surprise(expected, logw, y), 0.0)

    algorithm = jax.random.fold_in(luck.address(key, "filter", subject, t), occurrence)
    result = temper(
        algorithm,
        particles,
        jnp.where(alive, log_likelihood, -jnp.inf),
        logw,
        _rejuvenator(settings, advance),
        seen=jnp.any(seen) & ~failed,
        threshold=settings.ess_threshold,
        most_stages=settings.stages,
    )
    moved_on = Ensemble(result.particles.theta, result.particles.after, result.logw, t)
    kept = jax.tree.map(lambda new, old: jnp.where(failed, old, new), moved_on, ensemble)
    limit = min(SURPRISING_ABOVE, math.log10(len(ensemble.logw) + 1))  # all that N particles can show
    status = worst(
        when(failed, Status.NON_FINITE),
        when(result.log_evidence == -jnp.inf, Status.DATUM_IMPOSSIBLE),
        when((result.ess < COLLAPSED_BELOW) & jnp.any(seen), Status.WEIGHTS_COLLAPSED),
        when(lost, Status.PARTICLES_LOST),
        when(jnp.any(channels >= limit), Status.SURPRISING_DATUM),
        when(result.stages > 1, Status.TEMPERED),
    )
    return kept, Info(result.log_evidence, result.ess, channels, seen, status, result.stages)


def _advancer(
    model: Model, u: Inputs, context: Context, at: Context, y: Observation, dt: Array
) -> Callable[[Array, State, Array], tuple[_Particles, Array, Array]]:
    """One step of every particle: (theta, state before, noise) -> (particles, log likelihood, finite)."""

    def one(theta: Array, before: State, w: Array) -> tuple[State, Array, Array]:
        after = model.transition(model.individual(theta, context), before, u, w, dt)
        finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(after)] or [True]))
        # A state that is not a number goes no further: no weight, and the last good state.
        after = jax.tree.map(lambda new, old: jnp.where(finite, new, old), after, before)
        density = model.log_observation(model.individual(theta, at), after, u, y)
        log_likelihood = jnp.sum(jnp.where(y.kind != MISSING, density, 0.0))
        finite = finite & ~jnp.isnan(log_likelihood) & (log_likelihood < jnp.inf)
        return after, jnp.where(finite, log_likelihood, -jnp.inf), finite

    def advance(theta: Array, before: State, w: Array) -> tuple[_Particles, Array, Array]:
        after, log_likelihood, finite = jax.vmap(one)(theta, before, w)
        return _Particles(theta, before, w, after), log_likelihood, finite

    return advance


def _rejuvenator(
    settings: Settings, advance: Callable[..., tuple[_Particles, Array, Array]]
) -> Callable[[Array, _Particles, Array, Array], tuple[_Particles, Array]]:
    """Moves theta by the chosen kernel, then the noise of the last step by Metropolis."""

    def choose(accept: Array, new: Any, old: Any) -> Any:
        def leaf(a: Array, b: Array) -> Array:
            return jnp.where(accept.reshape(-1, *(1,) * (a.ndim - 1)), a, b)

        return jax.tree.map(leaf, new, old)

    def move_theta(key: Array, particles: _Particles, ll: Array, move: Move) -> tuple[_Particles, Array]:
        theta = move(key, particles.theta, (particles.before, particles.w))
        moved, new, _ = advance(theta, particles.before, particles.w)
        possible = new > -jnp.inf  # never trade a possible particle for an impossible one
        return choose(possible, (moved, new), (particles, ll))

    def move_noise(key: Array, particles: _Particles, ll: Array, power: Array) -> tuple[_Particles, Array]:
        beta = settings.noise_step
        proposing, accepting = jax.random.split(key)
        w = (1 - beta**2) ** 0.5 * particles.w + beta * jax.random.normal(proposing, particles.w.shape)
        moved, new, _ = advance(particles.theta, particles.before, w)
        accept = jnp.log(jax.random.uniform(accepting, ll.shape)) < power * (new - ll)
        return choose(accept, (moved, new), (particles, ll))

    def rejuvenate(key: Array, particles: _Particles, ll: Array, power: Array) -> tuple[_Particles, Array]:
        keys = jax.random.split(key, settings.noise_moves + 1)
        if settings.move is not None:
            particles, ll = move_theta(keys[0], particles, ll, settings.move)
        if particles.w.shape[1] > 0 and settings.noise_moves > 0:

            def once(carry: tuple[_Particles, Array], key: Array) -> tuple[tuple[_Particles, Array], None]:
                return move_noise(key, *carry, power), None

            (particles, ll), _ = jax.lax.scan(once, (particles, ll), keys[1:])
        return particles, ll

    return rejuvenate


def _predicted_shape(model: Model, ensemble: Ensemble, u: Inputs, at: Context) -> tuple[int, int]:
    """Number of particles and of channels."""

    def predict(theta: Array, x: State) -> Array:
        return model.predict(model.individual(theta, at), x, u)

    count, channels = jax.eval_shape(jax.vmap(predict), ensemble.theta, ensemble.x).shape
    return count, channels
