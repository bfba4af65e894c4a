"""Runs a deterministic model along a history: the one loop that fit, forecast and every dose search share."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.core.history import History
from caretwin.core.model import Model, Observation, State


class Run(NamedTuple):
    """What came out of one run along a history.

    time       [E]     of the rows (h): those of the history, and those that lag times added
    predicted  [E, C]  expected value of every channel at every row, in the channels' units
    log_density [E, C] log density of what was observed; 0 where nothing was
    exposure   [E]     area under the level over the interval that ends at the row (amount h / L)
    end        pytree  state at the last row
    """

    time: Float[Array, " E"]
    predicted: Float[Array, "E C"]
    log_density: Float[Array, "E C"]
    exposure: Float[Array, " E"]
    end: State


def pick(tree: Any, index: Array) -> Any:
    """Row ``index`` of every leaf; without a gather when there is only one row."""
    if jax.tree.leaves(tree)[0].shape[0] == 1:
        return jax.tree.map(lambda leaf: leaf[0], tree)
    return jax.tree.map(lambda leaf: jnp.take(leaf, index, axis=0, mode="clip"), tree)


def individuals(model: Model, theta: Float[Array, " d"], history: History) -> Any:
    """Individual parameters in every context of the history, leaves [K, ...]."""
    return jax.vmap(lambda context: model.individual(theta, context))(history.contexts)


def schedule(model: Model, phis: Any, history: History) -> History:
    """The history with its inputs placed in time: moved by lag times and durations when the model has them."""
    return model.schedule(phis, history)


def start(model: Model, phis: Any, history: History) -> State:
    """The state before the first row: known, or in equilibrium, for a model without noise."""
    return model.initial(pick(phis, history.between[0]), jnp.zeros(model.noise_dimension))


def log_likelihood(model: Model, theta: Float[Array, " d"], history: History) -> tuple[Float[Array, ""], State]:
    """Log density of everything observed given theta, and the state at the end of the history."""
    phis = individuals(model, theta, history)
    rows = schedule(model, phis, history)

    def step(carry: Any, row: Any) -> tuple[Any, None]:
        x, total = carry
        dt, u, between, at, value, kind = row
        x = model.transition(pick(phis, between), x, u, jnp.zeros(model.noise_dimension), dt)
        density = model.log_observation(pick(phis, at), x, u, Observation(value, kind))
        return (x, total + jnp.sum(density)), None

    first = (start(model, phis, history), jnp.zeros(()))
    columns = (rows.dt, rows.u, rows.between, rows.at, rows.y.value, rows.y.kind)
    (x, total), _ = jax.lax.scan(step, first, columns)
    return total, x


def run(model: Model, theta: Float[Array, " d"], history: History, x: State | None = None) -> Run:
    """Predictions, densities and exposure along the history, from ``x`` or from the model's own start.

    The rows of the answer are the rows of :func:`schedule` (those of ``history`` unless the model has lag times).
    """
    phis = individuals(model, theta, history)
    rows = schedule(model, phis, history)
    origin = start(model, phis, history) if x is None else x

    def step(x: State, row: Any) -> tuple[State, Any]:
        dt, u, between, at, value, kind = row
        phi = pick(phis, between)
        after = model.transition(phi, x, u, jnp.zeros(model.noise_dimension), dt)
        point = pick(phis, at)
        predicted = model.predict(point, after, u)
        density = model.log_observation(point, after, u, Observation(value, kind))
        return after, (predicted, density, model.exposure(phi, x, after, u, dt))

    columns = (rows.dt, rows.u, rows.between, rows.at, rows.y.value, rows.y.kind)
    end, (predicted, density, exposure) = jax.lax.scan(step, origin, columns)
    return Run(rows.time, predicted, density, exposure, end)
