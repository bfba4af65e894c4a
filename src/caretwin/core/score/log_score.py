"""Logarithmic score: the log probability density that the forecast gave to what happened. Larger is better.

Source: Good, J R Stat Soc B 1952;14:107-114, doi:10.1111/j.2517-6161.1952.tb00104.x; Gneiting & Raftery, J
Am Stat Assoc 2007;102:359-378, doi:10.1198/016214506000001437, section 4.1.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@jax.jit
def log_score(
    log_density: Float[Array, "... N"], log_weights: Float[Array, "... N"] | None = None
) -> Float[Array, "..."]:
    """Log predictive density of an observation under an ensemble: ln of the sum of w_i p(y | particle i).

    log_density  [..., N] log density of the observation given each particle, in 1/(unit of the observation)
    log_weights  [..., N] log weights before the observation was seen, up to a constant, or ``None``: equal
    Returns [...]; -inf when no particle thought it possible. It depends on the unit of the observation:
    compare models only on the same data in the same unit.

    Example: ``log_score(jnp.log(jnp.array([0.2, 0.4])))`` is ln 0.3.
    """
    if log_weights is None:
        return jax.nn.logsumexp(log_density, axis=-1) - jnp.log(jnp.shape(log_density)[-1])
    # A particle without weight may hold anything, even NaN.
    log_weights = jnp.asarray(log_weights)
    joint = jnp.where(log_weights == -jnp.inf, -jnp.inf, log_weights + jnp.asarray(log_density))
    return jax.nn.logsumexp(joint, axis=-1) - jax.nn.logsumexp(log_weights, axis=-1)
