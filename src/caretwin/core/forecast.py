"""What is likely to happen: the ensemble pushed forward under a plan, with the luck that its addresses hold.

Two forecasts of one subject with one key have the same luck, so a what-if shows the action alone: equal plans
differ by exactly 0.0.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from caretwin.base.errors import PlanError
from caretwin.core import luck
from caretwin.core.ensemble import Ensemble, quantiles, weights
from caretwin.core.history import bucket
from caretwin.core.model import Context, Inputs, Model, State
from caretwin.core.plan import Plan, apply, checked_grid, regrid, union_grid


class Trajectories(NamedTuple):
    """One future per particle on a grid of G times; a ward has a leading axis [S].

    time    [G]                 hours from the subject's origin
    x       pytree [N, G, ...]  state
    mean    [N, G, C]           expected value of every channel
    sample  [N, G, C]           what would be measured: with measurement noise
    logw    [N]                 log weights of the particles
    """

    time: Float[Array, " G"]
    x: State
    mean: Float[Array, "N G C"]
    sample: Float[Array, "N G C"]
    logw: Float[Array, " N"]


def simulate(
    model: Model,
    key: Array,
    ensemble: Ensemble,
    u: Inputs,
    time: Float[Array, " G"],
    context: Context,
    subject: Int[Array, ""],
) -> Trajectories:
    """Every particle's future on the times of a grid: a pure function, to be compiled or mapped over a ward.

    u        pytree of [G, ...]: row g is what holds from time[g-1] to time[g], row 0 from ensemble.t to
             time[0]
    time     [G] hours, non-decreasing, the first not before ensemble.t
    context  the covariates and occasion that hold throughout
    subject  integer scalar (:func:`caretwin.core.luck.subject_number`)

    The noise has the filter's addresses: a forecast is what the filter would do if nothing were seen.
    """
    count = ensemble.logw.shape[0]
    phi = jax.vmap(lambda theta: model.individual(theta, context))(ensemble.theta)
    first = jax.tree.map(lambda leaf: leaf[0], u)
    channels = jax.eval_shape(jax.vmap(lambda p, x: model.predict(p, x, first)), phi, ensemble.x).shape[1]

    def step(carry: tuple[State, Array], row: tuple[Inputs, Array]) -> tuple[Any, Any]:
        x, before = carry
        inputs, now = row
        w = luck.process_noise(key, subject, now, count, model.noise_dimension)
        e = luck.measurement_noise(key, subject, now, count, channels)

        def one(phi: Any, x: State, w: Array, e: Array) -> tuple[State, Array, Array]:
            after = model.transition(phi, x, inputs, w, now - before)
            return after, model.predict(phi, after, inputs), model.sample_observation(phi, after, inputs, e)

        after, mean, sample = jax.vmap(one)(phi, x, w, e)
        return (after, now), (after, mean, sample)

    _, (x, mean, sample) = jax.lax.scan(step, (ensemble.x, ensemble.t), (u, time))
    x, mean, sample = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), (x, mean, sample))
    return Trajectories(time, x, mean, sample, ensemble.logw)


@eqx.filter_jit
def _compiled(
    model: Model,
    key: Array,
    ensemble: Ensemble,
    u: Inputs,
    time: Array,
    wanted: Array,
    context: Context,
    subject: Array,
) -> Trajectories:
    whole = simulate(model, key, ensemble, u, time, context, subject)
    x, mean, sample = jax.tree.map(lambda leaf: jnp.take(leaf, wanted, axis=1), (whole.x, whole.mean, whole.sample))
    return Trajectories(time[wanted], x, mean, sample, whole.logw)


def forecast(
    model: Model,
    key: Array,
    ensemble: Ensemble,
    inputs: Inputs,
    plan: Plan,
    grid: Float[np.ndarray, " G"],
    *,
    context: Context,
    subject: str | int = 0,
) -> Trajectories:
    """The posterior predictive under one plan, on the times of ``grid``.

    inputs   the present course: by name, [G], each a level or rate that holds from grid[g-1] to grid[g] (row
             0 from ensemble.t to grid[0]). With an empty plan, any pytree with leaves [G, ...]
    plan     interventions on those inputs; steps split where they start and stop
    grid     [G] hours from the subject's origin, non-decreasing, the first not before ensemble.t
    context  covariates and occasion that hold throughout
    subject  identifier, as given to the filter

    Raises :class:`PlanError` for a plan that cannot be carried out and a grid that begins in the past.
    Example: ``forecast(model, key, ensemble, {"rate": np.full(25, 80.0)}, Plan(), np.arange(25.0),
    context=context)``.
    """
    return what_if(model, key, ensemble, inputs, (plan,), grid, context=context, subject=subject)[0]


def counterfactual(
    model: Model,
    key: Array,
    ensemble: Ensemble,
    inputs: Inputs,
    factual: Plan,
    alternative: Plan,
    grid: Float[np.ndarray, " G"],
    *,
    context: Context,
    subject: str | int = 0,
) -> tuple[Trajectories, Trajectories]:
    """Two forecasts under common noise: particle n of one and of the other are the same person with the same
    luck.

    Arguments and errors as :func:`forecast`. Equal plans give equal trajectories, bit for bit.
    """
    first, second = what_if(
        model, key, ensemble, inputs, (factual, alternative), grid, context=context, subject=subject
    )
    return first, second


def what_if(
    model: Model,
    key: Array,
    ensemble: Ensemble,
    inputs: Inputs,
    plans: Sequence[Plan],
    grid: Float[np.ndarray, " G"],
    *,
    context: Context,
    subject: str | int = 0,
) -> tuple[Trajectories, ...]:
    """One forecast per plan under common noise: all are run on the union of the times of all plans.

    Arguments and errors as :func:`forecast`.
    """
    asked = checked_grid(grid)
    present = float(ensemble.t)
    _check_present(present, asked)
    times = asked
    if any(plan.actions for plan in plans):
        inputs = _by_name(inputs)
        if present < asked[0]:  # so that the first step, too, splits where an intervention starts
            inputs = {name: np.concatenate([values[:1], values]) for name, values in inputs.items()}
            asked = np.concatenate([[present], asked])
        times = union_grid(asked, *plans)
        inputs = regrid(inputs, asked, times)
    rows = bucket(len(times))  # a short list of shapes: the next plan does not compile again
    padded = np.concatenate([times, np.full(rows - len(times), times[-1])])
    wanted = np.searchsorted(times, np.asarray(grid, dtype=float), side="right") - 1
    number = luck.subject_number(subject)

    def one(plan: Plan) -> Trajectories:
        u = _padded(apply(plan, inputs, times) if plan.actions else inputs, rows)
        arrays = jax.tree.map(jnp.asarray, (ensemble, u, padded, wanted, context, number))
        answer: Trajectories = _compiled(model, key, *arrays)
        return answer

    return tuple(one(plan) for plan in plans)


def _by_name(inputs: Inputs) -> dict[str, np.ndarray]:
    if not isinstance(inputs, Mapping):
        raise PlanError(
            "plan of a forecast",
            seen=f"interventions on inputs that are a {type(inputs).__name__}",
            wanted="inputs by name, each a level or a rate",
            fix="put the change into the inputs themselves and forecast under Plan()",
        )
    return {name: np.asarray(values, dtype=float) for name, values in inputs.items()}


def _padded(inputs: Inputs, rows: int) -> Inputs:
    # Rows after the last time have no length; a rate does nothing there, and nothing else is given.
    def leaf(values: Any) -> np.ndarray:
        known = np.asarray(values)
        return np.concatenate([known, np.zeros((rows - len(known), *known.shape[1:]), known.dtype)])

    return jax.tree.map(leaf, inputs)


def _check_present(present: float, times: Float[np.ndarray, " H"]) -> None:
    if times[0] < present:
        raise PlanError(
            "grid of a forecast",
            seen=f"first time {times[0]} h, before the ensemble's own {present} h",
            wanted="times from the ensemble's on",
            fix="begin the grid at ensemble.t, or forecast from an earlier ensemble",
        )


def probability(
    trajectories: Trajectories,
    event: Callable[[Float[Array, "N G C"]], Bool[Array, "N G"]],
    *,
    start: float = -np.inf,
    stop: float = np.inf,
    measured: bool = False,
) -> Float[Array, ""]:
    """Probability that an event happens at any time of a window.

    event        for the values [N, G, C] of every channel, whether it happens [N, G]
    start, stop  the window (h), both ends included; the grid decides how finely it is watched
    measured     judge what would be measured rather than what is expected

    Example, a level above 20 within a day: ``probability(future, lambda y: y[..., 0] > 20, stop=24.0)``.
    """
    window = (trajectories.time >= start) & (trajectories.time <= stop)
    values = trajectories.sample if measured else trajectories.mean
    happens = jnp.any(event(values) & window, axis=1)
    return jnp.sum(jnp.where(happens, weights(trajectories.logw), 0.0))


def bands(
    trajectories: Trajectories, probabilities: Sequence[float], *, measured: bool = False
) -> Float[Array, "Q G C"]:
    """Weighted quantiles of every channel over time [Q, G, C]; with measurement noise when ``measured``."""
    values = trajectories.sample if measured else trajectories.mean
    return quantiles(values, trajectories.logw, jnp.asarray(probabilities))
