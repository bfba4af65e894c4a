"""The move step: spread duplicated particles apart again without widening or shifting the posterior they
represent."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Move = Callable[[Array, Float[Array, "N d"], Any], Float[Array, "N d"]]
"""(key, theta [N, d], rest: pytree [N, ...]) -> theta [N, d], for particles of equal weight."""

# Directions whose variance is below this fraction of the largest carry rounding, not information
# (dimensionless).
_NEGLIGIBLE = 1e-10


def _as_array(value: float) -> np.ndarray:
    return np.asarray(value, dtype=float)


class LiuWest(eqx.Module):
    """Kernel smoothing with shrinkage, given the rest of the particle (its state and its noise).

    With theta = m + B (r - mean(r)) + e, the regression of theta on the rest r of the particle,

        theta' = m + B (r - mean(r)) + a e + h S z,    a^2 + h^2 = 1,   S S' = cov(e),   z standard normal,

    which keeps the mean of theta, its covariance and its covariance with the rest: Liu and West's kernel
    (without r) keeps the first two and lets go of the third, and with it of what was learnt about theta
    through the state. When (theta, r) is jointly normal the posterior is left exactly as it was, for any
    discount.

    discount  delta of the paper, in (1/3, 1]; a = (3 delta - 1) / (2 delta). 0.98 gives a = 0.990, h = 0.142:
              each particle moves by a seventh of a standard deviation. 1 moves nothing.

    Raises ValueError for a discount outside that range. Example: ``particle_filter(model,
    move=LiuWest(0.99))``.

    Source: Liu & West, in Sequential Monte Carlo Methods in Practice 2001, ch. 10,
    doi:10.1007/978-1-4757-3437-9_10, section 10.3 (they advise 0.95 to 0.99). Limits: a posterior of theta
    with several separate modes is pulled towards its mean by 1 - a at each move; where the state is a
    function of theta alone (no noise) little is left to move. A batch fit serves both better.
    """

    # An array, so that all discounts share one compiled program; of NumPy, so that an import starts no device.
    discount: Float[np.ndarray, ""] = eqx.field(converter=_as_array, default=0.98)

    def __check_init__(self) -> None:
        if not 1 / 3 < self.discount <= 1:
            raise ValueError(f"discount {self.discount}: wanted above 1/3 and at most 1, such as 0.98")

    def __call__(self, key: Array, theta: Float[Array, "N d"], rest: Any) -> Float[Array, "N d"]:
        """Moved theta [N, d] of particles of equal weight, given their other leaves [N, ...]."""
        if theta.shape[1] == 0:
            return theta
        a = (3 * self.discount - 1) / (2 * self.discount)
        h = jnp.sqrt(1 - a * a)
        explained = _explained(theta, rest)
        residual = theta - explained
        z = jax.random.normal(key, theta.shape, theta.dtype)
        z = z - jnp.mean(z, axis=0)  # keeps the mean exactly, not only on average
        return explained + a * residual + h * z @ _power(residual.T @ residual / theta.shape[0], 0.5)


def _explained(theta: Float[Array, "N d"], rest: Any) -> Float[Array, "N d"]:
    """Least-squares prediction of theta from the floating-point leaves of the rest of the particle."""
    count = theta.shape[0]
    mean = jnp.mean(theta, axis=0)
    leaves = [leaf.reshape(count, -1) for leaf in jax.tree.leaves(rest) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    if sum(leaf.shape[1] for leaf in leaves) == 0:
        return jnp.broadcast_to(mean, theta.shape)
    r = jnp.concatenate(leaves, axis=1)
    r = r - jnp.mean(r, axis=0)
    spread = jnp.sqrt(jnp.mean(r**2, axis=0))
    r = r / jnp.where(spread > 0, spread, 1.0)  # one scale for all units, so that one cut-off is fair to all
    return mean + r @ (_power(r.T @ r / count, -1.0) @ (r.T @ (theta - mean) / count))


def _power(matrix: Float[Array, "d d"], exponent: float) -> Float[Array, "d d"]:
    """A power of a covariance matrix that may be singular: its root (0.5) or its pseudo-inverse (-1).

    With D the standard deviations and R the correlations, so that no unit outweighs another: the inverse is
    D^-1 R^-1 D^-1, and the root is M = R^(1/2) D, for which M' M is the covariance.
    """
    scale = jnp.sqrt(jnp.diagonal(matrix))
    scale = jnp.where(scale > 0, scale, 1.0)
    values, vectors = jnp.linalg.eigh(matrix / jnp.outer(scale, scale))
    kept = values > _NEGLIGIBLE * values[-1]
    powers = jnp.where(kept, jnp.where(kept, values, 1.0) ** exponent, 0.0)
    power = (vectors * powers) @ vectors.T
    return power * scale if exponent == 0.5 else power / jnp.outer(scale, scale)
