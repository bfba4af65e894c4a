"""The population behind the glucose twin, fitted to measured glucose by its marginal likelihood.

For each patient a plain bootstrap particle filter estimates how probable the measured values are under a population,
with the same luck for every population that is tried, so that the search sees a surface and not its own noise. Weak
priors hold what the data cannot tell apart (an unknown feed and an unknown sensitivity move glucose alike).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caretwin.core.history import History, bucket, pad_rows
from caretwin.core.model import MISSING, Observation
from caretwin.core.program import program
from caretwin.core.resample import systematic

SEARCHED = ("SI centre", "SI between", "SI within", "SI hours", "A centre", "A between", "A within", "A hours")
PRIOR = {
    "SI centre": (np.log(4e-4), 0.7),
    "SI between": (np.log(0.4), 0.5),
    "SI within": (np.log(0.5), 0.5),
    "SI hours": (np.log(12.0), 0.7),
    "A centre": (np.log(0.3), 1.0),
    "A between": (np.log(0.5), 0.5),
    "A within": (np.log(0.7), 0.5),
    "A hours": (np.log(12.0), 0.7),
}
"""Mean and standard deviation of each logarithm. Assumed: SI within 1e-4 to 1e-3 L/mU/min as reported for ICING, A
between nothing and a full feed (about 0.6 mmol/min), time constants from a shift to some days."""
COARSE_STEP = 3.0
"""Minutes. Three times the step of the twin: the search takes a third of the time, and its luck outweighs the error."""
KEPT = 0.98
"""Discount of the kernel that keeps the personal levels alive (Liu & West 2001); as in the filter of the engine."""


class Fit(NamedTuple):
    """What the search found.

    values         by name of :data:`SEARCHED`, in natural units
    log_evidence   sum over patients at those values; ``before`` at the start
    evaluations    how many populations were tried
    """

    values: Mapping[str, float]
    log_evidence: float
    before: float
    evaluations: int


def with_population(model: Any, logs: Float[Array, " 8"]) -> Any:
    """The model with another population: logarithms in the order of :data:`SEARCHED`."""
    numbers = jnp.exp(logs)
    kind = type(model.population.sensitivity)
    s, a = kind(*numbers[:4]), kind(*numbers[4:])
    population = model.population._replace(sensitivity=s, uncharted=a)
    prior = type(model.prior)(jnp.stack([logs[0], logs[4]]), jnp.diag(jnp.stack([numbers[1], numbers[5]])))
    return type(model)(prior, population, model.constants, longest_step=COARSE_STEP)


def batches(histories: Sequence[History], size: int) -> list[History]:
    """Histories of like length in stacks of ``size`` [S, E, ...]; the last stack is filled with silent copies."""
    ordered = sorted(histories, key=lambda h: len(h.time))
    found = []
    for first in range(0, len(ordered), size):
        chosen = ordered[first : first + size]
        silent = chosen[-1]._replace(y=Observation(chosen[-1].y.value, np.zeros_like(chosen[-1].y.kind)))
        chosen = [*chosen, *[silent] * (size - len(chosen))]
        rows = bucket(max(len(h.time) for h in chosen))
        found.append(jax.tree.map(lambda *leaves: np.stack(leaves), *[pad_rows(h, rows) for h in chosen]))
    return found


@program(static=(3,))
def log_evidence(model: Any, histories: History, key: Array, particles: int) -> Float[Array, " S"]:
    """Log probability of everything measured, one per patient of a stack [S, E, ...]."""
    keys = jax.random.split(key, histories.time.shape[0])
    return jax.vmap(lambda history, key: _one(model, history, key, particles))(histories, keys)


def _one(model: Any, history: History, key: Array, particles: int) -> Float[Array, ""]:
    context = jax.tree.map(lambda leaf: leaf[0], history.contexts)
    first, begin, walk = jax.random.split(key, 3)
    theta = model.prior.sample(first, particles)
    z = jax.random.normal(begin, (particles, model.noise_dimension))
    x = jax.vmap(lambda theta, z: model.initial(model.individual(theta, context), z))(theta, z)

    def step(carry: Any, row: Any) -> tuple[Any, None]:
        theta, x, total = carry
        dt, u, y, key = row
        moving, choosing, keeping = jax.random.split(key, 3)
        w = jax.random.normal(moving, (particles, model.noise_dimension))

        def one(theta: Array, x: Any, w: Array) -> tuple[Any, Array]:
            phi = model.individual(theta, context)
            after = model.transition(phi, x, u, w, dt)
            return after, jnp.sum(model.log_observation(phi, after, u, y))

        x, density = jax.vmap(one)(theta, x, w)
        seen = jnp.any(y.kind != MISSING)
        gained = jax.nn.logsumexp(density) - jnp.log(particles)
        ancestors = systematic(density, jax.random.uniform(choosing))
        chosen = jax.tree.map(lambda leaf: leaf[ancestors], (theta, x))
        kept = (_jittered(chosen[0], jax.random.normal(keeping, theta.shape)), chosen[1])
        theta, x = jax.tree.map(lambda new, old: jnp.where(seen, new, old), kept, (theta, x))
        return (theta, x, total + jnp.where(seen, gained, 0.0)), None

    keys = jax.random.split(walk, history.time.shape[0])
    rows = (history.dt, history.u, Observation(*history.y), keys)
    (_, _, total), _ = jax.lax.scan(step, (theta, x, jnp.zeros(())), rows)
    return total


def _jittered(theta: Float[Array, "N d"], z: Float[Array, "N d"]) -> Float[Array, "N d"]:
    a = (3 * KEPT - 1) / (2 * KEPT)
    mean, spread = jnp.mean(theta, axis=0), jnp.std(theta, axis=0)
    return mean + a * (theta - mean) + jnp.sqrt(1 - a * a) * spread * z


def fit_population(
    model: Any,
    histories: Sequence[History],
    key: Array,
    *,
    start: Mapping[str, float] | None = None,
    particles: int = 256,
    size: int = 16,
    evaluations: int = 120,
) -> Fit:
    """The population under which the histories are most probable, by Nelder and Mead's simplex.

    model        gives everything that is not searched (constants, measurement errors)
    histories    one per patient, not padded (:func:`caretwin.twin.glucose.series`)
    start        by name of :data:`SEARCHED`, in natural units; the centres of :data:`PRIOR` when None
    particles    N of each filter; size  patients per compiled call; evaluations  at most so many populations

    Source of the search: Nelder & Mead, Comput J 1965;7:308-313, doi:10.1093/comjnl/7.4.308; of the estimate of the
    likelihood: Chopin & Papaspiliopoulos, An Introduction to Sequential Monte Carlo 2020, ch. 14.
    """
    from scipy.optimize import minimize

    stacks = batches(histories, size)
    mean, sd = np.array([PRIOR[name] for name in SEARCHED]).T

    def evidence(logs: np.ndarray) -> float:
        tried = with_population(model, jnp.asarray(logs))
        return float(sum(np.sum(log_evidence(tried, stack, key, particles)) for stack in stacks))

    def loss(logs: np.ndarray) -> float:
        value = evidence(logs) - 0.5 * float(np.sum(((logs - mean) / sd) ** 2))
        return -value if np.isfinite(value) else 1e9

    first = mean if start is None else np.log([start[name] for name in SEARCHED])
    simplex = np.vstack([first, *(first + 0.35 * np.eye(len(first)))])
    options = {"maxfev": evaluations, "initial_simplex": simplex, "xatol": 0.02, "fatol": 1.0}
    found = minimize(loss, first, method="Nelder-Mead", options=options)
    values = dict(zip(SEARCHED, (float(v) for v in np.exp(found.x)), strict=True))
    return Fit(values, evidence(found.x), evidence(first), int(found.nfev))
