"""What each treatment would do over the next hours: every candidate on the same particles with the same luck.

One compiled call pushes all candidates minute by minute; what a decision needs is counted inside it, so that no
trajectory leaves it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caretwin.core.ensemble import Ensemble, resample
from caretwin.core.history import bucket
from caretwin.core.luck import address, process_noise, subject_number
from caretwin.core.program import program

PARTICLES = 512
EVERY = 10  # min between the points of a band
BAND = (0.05, 0.25, 0.5, 0.75, 0.95)
AT_ONCE = 8  # candidates side by side in memory
ROOMS = (16, 32, 64, 128)  # candidates: few shapes, so that few programs are compiled


class Futures(NamedTuple):
    """What was counted, for K candidates and intervals of 1 to H hours.

    low, severe  [K, H]  chance that glucose is below the limit in any minute of the interval
    inside       [K, H]  expected share of the interval's minutes in the band
    excess       [K, H]  expected mmol/L above the band, mean over the interval
    above        [K, H]  chance of ending above the band
    bands        [K, 6 H, 5]  quantiles of glucose every ten minutes, at the shares of :data:`BAND`
    """

    low: Float[Array, "K H"]
    severe: Float[Array, "K H"]
    inside: Float[Array, "K H"]
    excess: Float[Array, "K H"]
    above: Float[Array, "K H"]
    bands: Float[Array, "K T 5"]


def futures(
    model: Any,
    key: Array,
    ensemble: Ensemble,
    candidates: Mapping[str, Float[np.ndarray, " K"]],
    context: Mapping[str, Any],
    hours: int,
    limits: Sequence[float],
    subject: str,
    *,
    particles: int = PARTICLES,
) -> Futures:
    """All candidates at once.

    candidates  inputs by name [K]; each holds from now on
    hours       H
    limits      severe, low, high [mmol/L]
    particles   drawn from the ensemble by its weights; the same ones for every candidate

    Example: ``futures(model, key, ensemble, {"insulin": rates, ...}, context, 3, (2.2, 4.4, 8.0), "7f3c").low[:, 0]``.
    """
    count = len(next(iter(candidates.values())))
    room = bucket(count, ROOMS)
    u = {name: np.concatenate([v, np.repeat(v[-1:], room - count)]) for name, v in candidates.items()}
    bounds = np.asarray(limits, dtype=float)
    found = _futures(model, key, ensemble, u, context, bounds, subject_number(subject), hours, particles)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:count], found)


@program(static=(7, 8))
def _futures(
    model: Any,
    key: Array,
    ensemble: Ensemble,
    candidates: Mapping[str, Array],
    context: Mapping[str, Array],
    limits: Float[Array, " 3"],
    subject: Array,
    hours: int,
    particles: int,
) -> Futures:
    chosen = _drawn(key, ensemble, subject, particles)
    phi = jax.vmap(lambda theta: model.individual(theta, context))(chosen.theta)
    luck = [process_noise(key, subject, ensemble.t + h + 1.0, particles, model.noise_dimension) for h in range(hours)]
    w = jnp.stack(luck)

    def one(u: Mapping[str, Array]) -> tuple[Array, ...]:
        def hour(x: Any, w: Array) -> tuple[Any, Array]:
            return jax.vmap(lambda phi, x, w: model.course(phi, x, u, w))(phi, x, w)

        _, glucose = jax.lax.scan(hour, chosen.x, w)
        return _counted(jnp.swapaxes(glucose, 1, 2).reshape(hours * 60, particles), limits, hours)

    return Futures(*jax.lax.map(one, candidates, batch_size=AT_ONCE))


def _drawn(key: Array, ensemble: Ensemble, subject: Array, particles: int) -> Ensemble:
    """So many particles of equal weight: every second or fourth of a resampled ensemble, sorted by ancestor."""
    uniform = jax.random.uniform(address(key, "futures", subject, ensemble.t))
    whole = resample(ensemble, uniform)
    index = jnp.linspace(0, whole.logw.shape[0] - 1, particles).round().astype(int)
    theta, x, logw = jax.tree.map(lambda leaf: leaf[index], (whole.theta, whole.x, whole.logw))
    return Ensemble(theta, x, logw, ensemble.t)


def _counted(glucose: Float[Array, "M N"], limits: Float[Array, " 3"], hours: int) -> tuple[Array, ...]:
    severe, low, high = limits
    ends = 60 * np.arange(1, hours + 1) - 1
    lowest = jax.lax.cummin(glucose, axis=0)[ends]
    minutes = (ends + 1).astype(float)
    inside = jnp.cumsum(_share((glucose >= low) & (glucose <= high)))[ends] / minutes
    excess = jnp.cumsum(jnp.mean(jnp.maximum(glucose - high, 0.0), axis=1))[ends] / minutes
    bands = jnp.quantile(glucose[EVERY - 1 :: EVERY], jnp.array(BAND), axis=1).T
    return (
        _share(lowest < low),
        _share(lowest < severe),
        inside,
        excess,
        _share(glucose[ends] > high),
        bands,
    )


def _share(happens: Array) -> Float[Array, " M"]:
    return jnp.mean(happens.astype(float), axis=1)
