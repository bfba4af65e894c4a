"""Probability integral transform: the place of what happened within its forecast, between 0 and 1.

Over many calibrated forecasts the places are uniform. Too many near 0 and 1: too sure of itself. Too many
in the middle: not sure enough. Too many near 1: the forecasts are low.

Source: Dawid, J R Stat Soc A 1984;147:278-292, doi:10.2307/2981683; Gneiting et al., J R Stat Soc B
2007;69:243-268, doi:10.1111/j.1467-9868.2007.00587.x, section 3.1.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.core.score.weights import normalised


@jax.jit
def probability_integral_transform(
    values: Float[Array, "... N"],
    observed: Float[Array, "..."],
    log_weights: Float[Array, "... N"] | None = None,
) -> Float[Array, "..."]:
    """Forecast probability of less than was observed, half of any probability of exactly that much included.

    values       [..., N] forecast particles, measurement noise included, in the unit of ``observed``
    observed     [...] what happened; NaN where absent
    log_weights  [..., N] log weights up to a constant, or ``None`` for equal ones
    Returns [...] between 0 and 1, no unit; NaN where ``observed`` is absent.

    Example: ``probability_integral_transform(jnp.array([1.0, 2.0, 3.0, 4.0]), 2.0)`` is 0.375.
    """
    target = jnp.asarray(observed)[..., None]
    weights = normalised(values, log_weights)
    share = jnp.where(values < target, 1.0, jnp.where(values == target, 0.5, 0.0))
    return jnp.where(jnp.isnan(target[..., 0]), jnp.nan, jnp.sum(weights * share, axis=-1))
