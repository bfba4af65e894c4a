"""The compiled part of the replay: particles of static parameters that are moved without changing their distribution.

A particle is z [d], parameters in standard deviations of the prior; with it travel the level it predicts at every
sample of the record and the log density of what was measured there. A move proposes

    z' = m + r (z - m) + sqrt(1 - r^2) L e,      e ~ N(0, I)

around the cloud's own mean m and covariance L L', and is accepted with the probability that keeps the target (the
prior times the densities of the levels seen so far). r = 0 is an independent draw, r near 1 a local step; the
proposal is reversible for N(m, L L') (Neal 1999, doi:10.1093/oso/9780198504856.003.0021; Cotter et al., Stat Sci
2013;28:424-446, doi:10.1214/13-STS421, there with the prior in place of the cloud).
"""

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.core.history import History
from caretwin.core.model import Model
from caretwin.core.simulate import run, schedule

PULLS = (0.0, 0.6, 0.9, 0.3, 0.8, 0.95)  # r of the moves, in turn
LEAST_SPREAD = 1e-5  # added to the cloud's covariance: prior standard deviations squared


class Cloud(NamedTuple):
    """Particles of one series [N, ...], or of many [S, N, ...].

    z            [N, d]  parameters in standard deviations of the prior
    level        [N, L]  predicted value of each sample, in canonical units
    log_density  [N, L]  of what was measured there
    """

    z: Any
    level: Any
    log_density: Any


class Target(NamedTuple):
    """What the particles shall represent: which samples were seen, and where the cloud is.

    seen    [L]    exponent of each sample's density: 1 when seen, 0 when not, between while it is taken in
    mean    [d]    of the cloud
    spread  [d, d] its covariance
    """

    seen: Any
    mean: Any
    spread: Any


@eqx.filter_jit
def moved(models: Model, histories: History, clouds: Cloud, targets: Target, keys: Array, moves: Array) -> Any:
    """Clouds [S, ...] after ``moves`` moves (-1: only computed), and the share of proposals that were accepted [S]."""
    return eqx.filter_vmap(partial(_moved_one, moves=moves))(models, histories, clouds, targets, keys)


def _moved_one(
    model: Model, history: History, cloud: Cloud, target: Target, key: Array, moves: Array
) -> tuple[Cloud, Array]:
    d = cloud.z.shape[1]
    factor = jnp.linalg.cholesky(target.spread + LEAST_SPREAD * jnp.eye(d))
    compute = moves < 0

    def body(i: Array, carry: tuple[Cloud, Array]) -> tuple[Cloud, Array]:
        now, accepted = carry
        propose, decide = jax.random.split(jax.random.fold_in(key, i))
        pull = jnp.asarray(PULLS)[i % len(PULLS)]
        noise = jax.random.normal(propose, now.z.shape) @ factor.T
        fresh = target.mean + pull * (now.z - target.mean) + jnp.sqrt(1 - pull**2) * noise
        trial = _computed(model, history, jnp.where(compute, now.z, fresh), now.level.shape[1])
        ratio = _gain(trial, target, factor) - _gain(now, target, factor)
        taken = (jnp.log(jax.random.uniform(decide, (now.z.shape[0],))) < ratio) | compute
        kept = jax.tree.map(lambda new, old: jnp.where(taken[:, None], new, old), trial, now)
        return kept, accepted + jnp.mean(taken)

    count = jnp.maximum(moves, 1)
    end, accepted = jax.lax.fori_loop(0, count, body, (cloud, jnp.zeros(())))
    return end, accepted / count


def _gain(cloud: Cloud, target: Target, factor: Array) -> Float[Array, " N"]:
    """Log target less the log density of the proposal's own distribution, up to a constant; -inf when impossible."""
    seen = jnp.sum(jnp.where(target.seen > 0, target.seen * cloud.log_density, 0.0), axis=1)
    offset = jax.scipy.linalg.solve_triangular(factor, (cloud.z - target.mean).T, lower=True)
    gain = seen - 0.5 * jnp.sum(cloud.z**2, axis=1) + 0.5 * jnp.sum(offset**2, axis=0)
    return jnp.where(jnp.isfinite(gain), gain, -jnp.inf)


def _computed(model: Model, history: History, z: Float[Array, "N d"], samples: int) -> Cloud:
    """What each particle predicts at the samples of the history, which are its observed rows in order."""

    def one(z: Array) -> tuple[Array, Array]:
        theta = model.prior.mean + model.prior.cholesky @ z
        outcome = run(model, theta, history)
        kind = schedule(model, jax.vmap(partial(model.individual, theta))(history.contexts), history).y.kind
        rows = jnp.nonzero(jnp.any(kind > 0, axis=1), size=samples, fill_value=0)[0]
        level = jnp.sum(jnp.where(kind > 0, outcome.predicted, 0.0), axis=1)[rows]
        density = jnp.sum(outcome.log_density, axis=1)[rows]
        return level, jnp.where(jnp.isnan(density), -jnp.inf, density)

    level, density = jax.vmap(one)(z)
    return Cloud(z, level, density)
