"""One set of data from the pushed trend, and one compiled filter, shared by the tests that compare with exact
answers."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from tests.core.linear_gaussian import kalman, pushed_trend

from caretwin.core.filter import particle_filter, replay
from caretwin.core.history import History
from caretwin.core.model import MEASURED, MISSING, Observation

MODEL = pushed_trend(q=0.5, r=0.2)  # moving much and seen well: most data are tempered
CONTEXT = {"offset": jnp.array(0.0)}
REPLICATES = 48
PARTICLES = 1000


def history(time, push, y, seen):
    rows = len(time)
    kind = np.where(seen, MEASURED, MISSING)
    return History(
        time=jnp.array(time, dtype=float),
        u={"push": jnp.array(push, dtype=float)},
        between=jnp.zeros(rows, dtype=int),
        at=jnp.zeros(rows, dtype=int),
        y=Observation(jnp.array(y, dtype=float)[:, None], jnp.array(kind)[:, None]),
        contexts={"offset": jnp.zeros(1)},
    )


@cache
def data():
    """time [16] (h), push, y, seen: drawn from the model itself, three observations missing."""
    rng = np.random.default_rng(11)
    time = np.concatenate([[0.0], np.cumsum(rng.uniform(0.3, 1.5, 15))])
    push = rng.choice([0.0, 1.0], 16)
    level, trend = rng.normal(), 0.5 * rng.normal()
    y = [level + 0.2 * rng.normal()]
    for dt, force in zip(np.diff(time), push[1:], strict=True):
        noise = rng.multivariate_normal([0, 0], 0.5 * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]]))
        level, trend = level + (trend + 0.8 * force) * dt + noise[0], trend + noise[1]
        y.append(level + 0.2 * rng.normal())
    seen = np.ones(16, dtype=bool)
    seen[[3, 8, 9]] = False
    return time, push, np.array(y), seen


@cache
def exact():
    return kalman(MODEL, *data())


@cache
def replicates():
    """Ensemble and Info of the same history under many keys, leading axis [REPLICATES]."""
    twin = particle_filter(MODEL, particles=PARTICLES)
    keys = jax.random.split(jax.random.key(5), REPLICATES)
    return jax.jit(jax.vmap(lambda key: replay(twin, key, history(*data()), jnp.array(3))))(keys)
