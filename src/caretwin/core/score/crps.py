"""Continuous ranked probability score: how far a forecast lies from what happened, in the unit of the value.

CRPS(F, y) = integral of (F(x) - 1{y <= x})^2 over x. It is 0 for a certain and correct forecast, the absolute
error for a certain one, and smallest on average for the honest one. Smaller is better.

Source: Gneiting & Raftery, J Am Stat Assoc 2007;102:359-378, doi:10.1198/016214506000001437, section 4.2.
"""

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from caretwin.core.score.weights import normalised


@jax.jit
def crps_ensemble(
    values: Float[Array, "... N"],
    observed: Float[Array, "..."],
    log_weights: Float[Array, "... N"] | None = None,
) -> Float[Array, "..."]:
    """CRPS of weighted particles, exact, in O(N log N).

    values       [..., N] forecast particles, measurement noise included, in the unit of ``observed``
    observed     [...] what happened; NaN where absent
    log_weights  [..., N] log weights up to a constant, or ``None`` for equal ones
    Returns [...] in the unit of ``observed``; NaN where it is absent.

    The integral is summed between neighbouring particles, as the definition says. Every term is positive, so
    nothing cancels as it does in E|X - y| - E|X - X'|/2.

    Example: ``crps_ensemble(jnp.array([1.0, 3.0]), 2.0)`` is 0.5.
    """
    target = jnp.asarray(observed)[..., None]
    weights = normalised(values, log_weights)
    # A particle without weight may hold anything, even NaN: put it where it changes no interval.
    particles = jnp.where(weights > 0, values, target)
    order = jnp.argsort(particles, axis=-1)
    x = jnp.take_along_axis(particles, order, axis=-1)
    below = jnp.cumsum(jnp.take_along_axis(weights, order, axis=-1), axis=-1)[..., :-1]
    left, right = x[..., :-1], x[..., 1:]
    before = jnp.maximum(jnp.minimum(right, target) - left, 0.0)
    after = jnp.maximum(right - jnp.maximum(left, target), 0.0)
    inside = jnp.sum(below**2 * before + (1 - below) ** 2 * after, axis=-1)
    outside = jnp.maximum(x[..., :1] - target, 0.0) + jnp.maximum(target - x[..., -1:], 0.0)
    return inside + outside[..., 0]


@jax.jit
def crps_normal(
    mean: Float[Array, "..."], sd: Float[Array, "..."], observed: Float[Array, "..."]
) -> Float[Array, "..."]:
    """CRPS of a normal forecast in closed form.

    mean, sd, observed  [...] in one unit; ``sd`` 0 means certainty, and gives the absolute error
    Returns [...] in that unit; NaN where ``observed`` is absent.

    Source: Gneiting et al., Mon Weather Rev 2005;133:1098-1118, doi:10.1175/MWR2904.1, eq. 5.

    Example: ``crps_normal(0.0, 1.0, 0.0)`` is 0.2337.
    """
    error = jnp.asarray(observed) - mean
    positive = jnp.asarray(sd) > 0
    spread = jnp.where(positive, sd, 1.0)
    z = error / spread
    score = spread * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / jnp.sqrt(jnp.pi))
    return jnp.where(positive, score, jnp.abs(error))
