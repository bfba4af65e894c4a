"""Particles that a datum shows to be nowhere near: replaced before they spoil the regressions of an ensemble.

A filter that moves every particle by the regression of the ensemble has no way to discard one. A particle whose person
has died, say, expects a pressure of 10 mmHg and no pulse; a handful of them carry nearly all of the covariance between
what is unknown and what is measured, and the living ones then move by regressions on death. A particle filter would
give such particles no weight; here they become copies of others.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from caretwin.core.ensemble_update import Datum

FARTHEST = 6.0
"""Robust standard deviations from the middle of the ensemble, the error of the datum added, beyond which a particle is
lost when the datum lies on the other side (assumed: a normal ensemble of any size in use has none)."""
NORMAL = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


HALVINGS = 12
"""Steps towards a median: it is known to 1/4096 of the range of the particles, and costs a tenth of sorting them."""


def replaced(expected: Float[Array, "M N"], datum: Datum) -> tuple[Int[Array, " N"], Bool[Array, ""]]:
    """Which particle each one is to be from now on: itself, or, where it is lost, one that is not; and whether any is.

    expected  what each particle expects to be measured, on the scale where errors are additive; datum  of the same M
    channels. A particle is lost when, in a channel that was seen, it lies more than :data:`FARTHEST` from the median
    of all and farther from the datum than that median. No luck is used: particles are in no order, and a lost one
    becomes a copy of the last living one before it.

    Example: of 100 particles that expect 80 +- 5 mmHg and one that expects 10, the one becomes a copy when 75 is seen.
    """
    N = expected.shape[1]
    middle = _median(expected)[:, None]
    away = jnp.abs(expected - middle)
    spread = NORMAL * _median(away)[:, None] + jnp.sqrt(datum.variance)[:, None]
    value = datum.value[:, None]
    far = (away > FARTHEST * spread) & (jnp.abs(value - expected) > jnp.abs(value - middle))
    lost = jnp.any(far & (datum.seen > 0)[:, None], axis=0)
    # Two rounds of the circle, so that the first one too has somebody before it.
    twice = jnp.where(jnp.tile(lost, 2), -1, jnp.arange(2 * N))
    return jax.lax.cummax(twice)[N:] % N, jnp.any(lost)


def _median(values: Float[Array, "M N"]) -> Float[Array, " M"]:
    """The median of each row, by halving the range in which it lies."""

    def halve(_: Array, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = 0.5 * (low + high)
        above = 2 * jnp.sum(values <= middle[:, None], axis=1) < values.shape[1]
        return jnp.where(above, middle, low), jnp.where(above, high, middle)

    low, high = jax.lax.fori_loop(0, HALVINGS, halve, (jnp.min(values, axis=1), jnp.max(values, axis=1)))
    return 0.5 * (low + high)
