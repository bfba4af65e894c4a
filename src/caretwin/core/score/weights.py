"""Log weights of an ensemble as weights that sum to one."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def normalised(values: Float[Array, "... N"], log_weights: Float[Array, "... N"] | None) -> Float[Array, "... N"]:
    """Weights [..., N] that sum to 1 over the particles; equal ones when ``log_weights`` is ``None``.

    log_weights  natural logarithms, up to a constant; -inf for a particle that counts for nothing
    """
    if log_weights is None:
        return jnp.full(jnp.shape(values), 1.0 / jnp.shape(values)[-1])
    return jnp.broadcast_to(jax.nn.softmax(jnp.asarray(log_weights), axis=-1), jnp.shape(values))
