"""Particles that a datum shows to be nowhere near: replaced before they spoil the regressions of an ensemble.

A filter that moves every particle by the regression of the ensemble has no way to discard one. A particle whose person
has died, say, expects a pressure of 10 mmHg and no pulse; a handful of them carry nearly all of the covariance between
what is unknown and what is measured, and the living ones then move by regressions on death. A particle filter would
give such particles no weight; here they become copies of others.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from caretwin.core.ensemble_update import Datum

FARTHEST = 6.0
"""Robust standard deviations from the middle of the ensemble, the error of the datum added, beyond which a particle is
lost when the datum lies on the other side (assumed: a normal ensemble of any size in use has none)."""
NORMAL = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


def replaced(expected: Float[Array, "M N"], datum: Datum) -> Int[Array, " N"]:
    """Which particle each one is to be from now on: itself, or, where it is lost, one that is not.

    expected  what each particle expects to be measured, on the scale where errors are additive; datum  of the same M
    channels. A particle is lost when, in a channel that was seen, it lies more than :data:`FARTHEST` from the median
    of all and farther from the datum than that median. No luck is used: particles are in no order, and a lost one takes
    the place of the living one at its own rank.

    Example: of 100 particles that expect 80 +- 5 mmHg and one that expects 10, the one becomes a copy when 75 is seen.
    """
    N = expected.shape[1]
    middle = jnp.median(expected, axis=1, keepdims=True)
    away = jnp.abs(expected - middle)
    spread = NORMAL * jnp.median(away, axis=1, keepdims=True) + jnp.sqrt(datum.variance)[:, None]
    value = datum.value[:, None]
    far = (away > FARTHEST * spread) & (jnp.abs(value - expected) > jnp.abs(value - middle))
    lost = jnp.any(far & (datum.seen > 0)[:, None], axis=0)
    living = jnp.argsort(lost, stable=True)
    rank = jnp.arange(N) * jnp.maximum(N - jnp.sum(lost), 1) // N
    return jnp.where(lost, living[rank], jnp.arange(N))
