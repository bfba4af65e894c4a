"""An ensemble Kalman filter with channels that shrug off artefacts: many channels, many states, few hundred particles.

Weights of a particle filter collapse when a dozen channels speak at once about thirty unknowns. Here every particle
moves instead: by the regression, over the ensemble, of what is unknown on what would be measured (see
:mod:`ensemble_update`). Particles stay equally weighted.

The error of each channel grows with its own residual as a Student t demands, so a flushed line or a slipped probe pulls
little. Particles that a datum shows to be nowhere near become copies of others (see :mod:`lost_particles`).
Parameters drift: their ensemble relaxes towards the prior at a stated rate, so that nothing is ever certain.

Sources: Evensen, Ocean Dyn 2003;53:343, doi:10.1007/s10236-003-0036-9 (ensemble Kalman filter); Emerick & Reynolds,
Comput Geosci 2013;55:3, doi:10.1016/j.cageo.2012.03.011 (several passes with inflated error for curved channels).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial as PytreePartial
from jaxtyping import Array, Float, Int

from caretwin.core import luck
from caretwin.core.ensemble import Ensemble, equal_log_weights
from caretwin.core.ensemble_update import Datum, ensemble_after, robust_variance, unlikely
from caretwin.core.exact_moments import exact_moments
from caretwin.core.filter import SURPRISING_ABOVE, Filter, Info
from caretwin.core.lost_particles import replaced
from caretwin.core.model import MEASURED, Context, Inputs, Observation, State
from caretwin.core.seldom import seldom
from caretwin.core.status import Status, when, worst

NO_ARTEFACT = 1e3
"""Degrees of freedom of a Student t that is as good as normal."""


@runtime_checkable
class Smooth(Protocol):
    """What a model offers beside :class:`caretwin.core.model.Model` to be filtered this way.

    scaled(values [..., C])              channels on the scale where their error is additive
    noise_scale(dtype) -> [C]            scale of that error; degrees(dtype) -> [C]: of its Student t
    to_vector(x) -> [n], from_vector(v, x) -> x   the part of a state that data may move, unbounded, and back
    memory_days [d]                      how long theta stays what it was
    reach() -> [C, d + n + C]            if there is one: whether a channel may move theta, the vector and the channels
    """

    def scaled(self, values: Array) -> Array:
        """Channels on their own scale."""
        ...

    def noise_scale(self, dtype: Any = None) -> Array:
        """Scale of the error [C]."""
        ...

    def to_vector(self, x: State) -> Array:
        """What data may move [n]."""
        ...

    def from_vector(self, v: Array, x: State) -> State:
        """The state with that part replaced."""
        ...


class KalmanSettings(eqx.Module):
    """How the filter works (see :func:`ensemble_kalman_filter`)."""

    particles: int = eqx.field(static=True)
    passes: int = eqx.field(static=True)
    single: bool = eqx.field(static=True)


def ensemble_kalman_filter(model: Any, *, particles: int = 512, passes: int = 1, single: bool = False) -> Filter:
    """A filter with the interface of :func:`caretwin.core.filter.particle_filter`, for models that are :class:`Smooth`.

    particles  N
    passes     how often a datum is taken in, each time with its error inflated by as much: 1 for a steady flow of data,
               2-4 where a rare datum moves a curved channel far
    single     single precision

    Raises ValueError for counts below 2 and 1.
    """
    if particles < 2 or passes < 1:
        raise ValueError(f"particles {particles}, passes {passes}: wanted at least 2 particles and 1 pass")
    settings = KalmanSettings(particles, passes, single)
    bind: Callable[..., Any] = PytreePartial
    return Filter(bind(_init, model, settings), bind(_update, model, settings))


def _init(model: Any, settings: KalmanSettings, key: Array, context: Context, t: Any, subject: Any = 0) -> Ensemble:
    context, t = jax.tree.map(jnp.asarray, (context, t))
    return _compiled_init(model, settings, key, context, t, luck.subject_number(subject))


@eqx.filter_jit
def _compiled_init(
    model: Any, settings: KalmanSettings, key: Array, context: Context, t: Array, subject: Array
) -> Ensemble:
    return begin(model, settings, key, context, t, subject)


def begin(model: Any, settings: KalmanSettings, key: Array, context: Context, t: Array, subject: Array) -> Ensemble:
    """The prior ensemble at time t [h], its sample moments exact: a pure function, to be mapped over a ward."""
    dtype = jnp.float32 if settings.single else jnp.float64
    d = model.prior.mean.shape[-1]
    here = luck.address(key, "prior", subject, t)
    draws = exact_moments(jax.random.normal(here, (settings.particles, d + model.noise_dimension), dtype))
    theta = (model.prior.mean + draws[:, :d] @ model.prior.cholesky.T).astype(dtype)
    z = draws[:, d:]
    context = _cast(context, dtype)
    x = jax.vmap(lambda one, z: model.initial(model.individual(one, context), z))(theta, z)
    return Ensemble(theta, _cast(x, dtype), equal_log_weights(jnp.zeros(settings.particles, dtype)), t)


def _cast(tree: Any, dtype: Any) -> Any:
    def leaf(a: Any) -> Array:
        a = jnp.asarray(a)
        return a.astype(dtype) if jnp.issubdtype(a.dtype, jnp.floating) else a

    return jax.tree.map(leaf, tree)


def _update(
    model: Any,
    settings: KalmanSettings,
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
    del occurrence  # of several data at one time: a datum is taken in without luck
    arrays = jax.tree.map(jnp.asarray, (ensemble, u, context, y, t))
    answer: tuple[Ensemble, Info] = _compiled_update(model, settings, key, luck.subject_number(subject), *arrays)
    return answer


@eqx.filter_jit
def _compiled_update(model: Any, settings: KalmanSettings, key: Array, subject: Array, *arrays: Any) -> Any:
    return update(model, settings, key, subject, *arrays)


def update(
    model: Any,
    settings: KalmanSettings,
    key: Array,
    subject: Int[Array, ""],
    ensemble: Ensemble,
    u: Inputs,
    context: Context,
    y: Observation,
    t: Float[Array, ""],
    most: int | None = None,
) -> tuple[Ensemble, Info]:
    """The ensemble moved to time t [h] under ``u`` and corrected by ``y``: a pure function, to be mapped over a
    ward.

    most  channels that can have been seen at once: a ward with four monitored channels need not work on all; None: all
    """
    moved, fine = move(model, key, subject, ensemble, u, context, t)
    u, context = _cast((u, context), moved.theta.dtype)
    return correct(model, settings, moved, u, context, y, fine, most)


def move(
    model: Any,
    key: Array,
    subject: Int[Array, ""],
    ensemble: Ensemble,
    u: Inputs,
    context: Context,
    t: Float[Array, ""],
    *,
    apart: bool = False,
) -> tuple[Ensemble, Array]:
    """The ensemble at time t [h] under ``u`` when nothing is seen, and whether every number stayed finite.

    apart  every leaf of ``u`` has one row per particle: each has settings of its own

    A particle ensemble that did not stay finite keeps its old state at the new time.
    """
    dtype = ensemble.theta.dtype
    N = ensemble.theta.shape[0]
    u, context = _cast((u, context), dtype)
    dt = (t - ensemble.t).astype(dtype)
    w = luck.centred_process_noise(key, subject, t, N, model.noise_dimension, dtype)
    theta = relax(ensemble.theta, dt, jnp.asarray(model.memory_days, dtype))

    def advance(theta: Array, x: State, w: Array, u: Inputs) -> State:
        return model.transition(model.individual(theta, context), x, u, w, dt)

    x = jax.vmap(advance, in_axes=(0, 0, 0, 0 if apart else None))(theta, ensemble.x, w, u)
    fine = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(x)]))
    return Ensemble(theta, seldom(~fine, lambda _: ensemble.x, x), ensemble.logw, t), fine


def relax(theta: Float[Array, "N d"], dt: Float[Array, ""], memory_days: Float[Array, " d"]) -> Float[Array, "N d"]:
    """Theta after ``dt`` hours of a stationary drift with standard normal equilibrium: mean and variance exactly, no
    luck used.

    The mean decays by r = exp(-dt / memory), the variance becomes r^2 v + 1 - r^2: each particle keeps its rank.
    """
    r = jnp.exp(-dt / (24.0 * memory_days))
    mean = jnp.mean(theta, axis=0)
    variance = jnp.maximum(jnp.var(theta, axis=0), 1e-6)
    stretch = jnp.sqrt(r * r + (1.0 - r * r) / variance)
    return r * mean + stretch * (theta - mean)


def correct(
    model: Any,
    settings: KalmanSettings,
    ensemble: Ensemble,
    u: Inputs,
    context: Context,
    y: Observation,
    fine: Array | bool = True,
    most: int | None = None,
) -> tuple[Ensemble, Info]:
    """The ensemble after the datum ``y`` at its own time; nothing changes where nothing was seen."""
    ensemble, _, info = correct_with_past(model, settings, ensemble, u, context, y, None, fine, most=most)
    return ensemble, info


def _reach(model: Any, unknowns: int, lags: int, channels: Array, dtype: Any) -> Float[Array, "M n"] | None:
    """What each of the channels may move, of the unknowns and of ``lags`` kept expectations; None: everything."""
    if not hasattr(model, "reach"):
        return None
    whole = jnp.asarray(model.reach(), dtype)
    whole = jnp.concatenate([whole[:, :unknowns], jnp.tile(whole[:, unknowns:], (1, lags))], axis=1)
    return whole[channels]


def _taken(which: Int[Array, " N"], tree: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[which], tree)


class Past(NamedTuple):
    """What the particles expected to be measured at earlier times, so that a late result can be taken in where it
    belongs.

    expected  [N, L, C]  on the channels' scale, of the last L updates
    late      []         -1: the datum is of now; else the row 0 ... L-1 to which it belongs
    """

    expected: Float[Array, "N L C"]
    late: Int[Array, ""]


def correct_with_past(
    model: Any,
    settings: KalmanSettings,
    ensemble: Ensemble,
    u: Inputs,
    context: Context,
    y: Observation,
    past: Past | None,
    fine: Array | bool = True,
    error: Array | float = 1.0,
    most: int | None = None,
    believed: Array | None = None,
) -> tuple[Ensemble, Float[Array, "N L C"] | None, Info]:
    """As :func:`correct`, for a datum of now or of an earlier update.

    A late datum is compared with what was expected when its sample was drawn, and moves both the present state and
    the kept expectations by their regression on that: nothing has to be run again.

    error  [C] variance of each channel's error over the model's
    most   channels that may have been seen (see :func:`update`)
    believed  [C] channels whose datum is no artefact, however far it lies (None: any may be one)
    Source: Sakov, Evensen & Bertino, Tellus A 2010;62:24, doi:10.1111/j.1600-0870.2009.00417.x.
    """
    dtype = ensemble.theta.dtype
    N, d = ensemble.theta.shape

    def predict(theta: Array, x: State) -> Array:
        return model.scaled(model.predict(model.individual(theta, context), x, u)).astype(dtype)

    seen = (jnp.asarray(y.kind) == MEASURED).astype(dtype)
    value = model.scaled(jnp.where(seen > 0, jnp.asarray(y.value, dtype), 1.0)).astype(dtype)
    datum = Datum(value, seen, model.noise_scale(dtype) ** 2 * error)
    first = jnp.argsort(-seen, stable=True)[:most]
    dof = model.degrees(dtype) if believed is None else jnp.where(believed, NO_ARTEFACT, model.degrees(dtype))
    datum, dof = datum.of(first), dof[first]
    free = jax.eval_shape(jax.vmap(model.to_vector), ensemble.x).shape[1]

    def once(carry: tuple[Array, State, Array | None], _: None) -> tuple[Any, tuple[Array, Array]]:
        theta, x, kept = carry
        h = jax.vmap(predict)(theta, x).T
        if past is not None and kept is not None:
            then = jnp.take(kept, jnp.maximum(past.late, 0), axis=1).T
            h = jnp.where(past.late >= 0, then, h)
        h = h[first]
        stays, lost = replaced(h, datum)
        theta, x, kept, by_particle = seldom(lost, partial(_taken, stays), (theta, x, kept, h.T))
        h = by_particle.T
        variance, evidence = robust_variance(h, datum, dof)
        z = [theta.T, jax.vmap(model.to_vector)(x).T]
        if kept is not None:
            z.append(kept.reshape(N, -1).T)
        lags = 0 if kept is None else kept.shape[1]
        reach = _reach(model, d + free, lags, first, dtype)
        moved = ensemble_after(jnp.concatenate(z), h, datum._replace(variance=variance * settings.passes), reach)
        x = jax.vmap(model.from_vector)(moved[d : d + free].T, x)
        kept = None if kept is None else moved[d + free :].T.reshape(kept.shape)
        return (moved[:d].T, x, kept), (h, evidence)

    # One program for all passes: a model's expectation is long, and is compiled once.
    start = (ensemble.theta, ensemble.x, None if past is None else past.expected)
    (theta, x, kept), of_passes = jax.lax.scan(once, start, None, length=settings.passes)
    h, evidence = jax.tree.map(lambda leaf: leaf[0], of_passes)
    channels = jnp.zeros_like(seen).at[first].set(unlikely(h, datum))
    finite = jnp.all(jnp.isfinite(theta)) & jnp.all(jnp.stack([jnp.all(jnp.isfinite(q)) for q in jax.tree.leaves(x)]))
    anything = (jnp.sum(seen) > 0) & finite
    before = (ensemble.theta, ensemble.x, None if past is None else past.expected)
    theta, x, kept = seldom(~anything, lambda _: before, (theta, x, kept))
    status = worst(
        when(~jnp.asarray(fine) | ~finite, Status.NON_FINITE),
        when(jnp.any(channels >= SURPRISING_ABOVE - 0.7), Status.SURPRISING_DATUM),
    )
    info = Info(evidence, jnp.asarray(N, dtype), channels, seen > 0, status, (jnp.sum(seen) > 0).astype(int))
    return Ensemble(theta, x, ensemble.logw, ensemble.t), kept, info


def memory(days: np.ndarray | list[float]) -> Float[np.ndarray, " d"]:
    """Memory of theta in days as the array that :class:`Smooth` models carry."""
    return np.asarray(days, dtype=float)
