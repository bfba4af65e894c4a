"""Systematic resampling: which particles survive, decided by one uniform number that is passed in."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def systematic(logw: Float[Array, " N"], uniform: Float[Array, ""] | float) -> Int[Array, " N"]:
    """Ancestor [N] of each new particle, in non-decreasing order.

    Particle i of weight W_i gets floor(N W_i) or ceil(N W_i) descendants, N W_i on average over ``uniform``
    in [0, 1); a particle of weight zero gets none, and equal weights change nothing (the answer is 0, 1, ...,
    N-1).

    logw     [N] log weights, up to a constant; at least one finite
    uniform  one draw from the uniform distribution on [0, 1)

    Source: Kitagawa, J Comput Graph Stat 1996;5:1-25, appendix; Douc, Cappé & Moulines 2005,
    doi:10.1109/ISPA.2005.195385, section 2.4. Example: ``systematic(jnp.log(jnp.array([0.5, 0.25, 0.25,
    0.0])), 0.5)`` is [0, 0, 1, 2].
    """
    count = logw.shape[0]
    cumulative = jnp.cumsum(jnp.exp(logw - jnp.max(logw)))
    positions = (jnp.arange(count) + uniform) * (cumulative[-1] / count)
    # side="right": a position that equals a boundary belongs to the particle above it, never to an empty one.
    found = jnp.searchsorted(cumulative, positions, side="right")
    # Rounding may push the last position onto the total; the last particle with any weight owns it.
    last = jnp.searchsorted(cumulative, cumulative[-1], side="left")
    ancestors = jnp.minimum(found, last)
    return jnp.where(jnp.all(logw == logw[0]), jnp.arange(count), ancestors)
