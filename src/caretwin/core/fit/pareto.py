"""How far importance weights can be trusted: the shape k of a generalised Pareto fitted to their upper tail.

k < 0.5: the weights have a variance, the estimates a central limit theorem; k > 0.7: do not use them.
Vehtari, Simpson, Gelman, Yao & Gabry, Pareto smoothed importance sampling, J Mach Learn Res 2024;25(72):1-58;
the fit is that of Zhang & Stephens, Technometrics 2009;51:316-325, doi:10.1198/tech.2009.08017, with the weakly
informative prior of the former (appendix G).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

UNRELIABLE = 0.7
_PRIOR_WEIGHT = 10.0  # pseudo-observations towards k = 0.5; Vehtari et al. 2024, appendix G
_PRIOR_SCALE = 3.0  # of the grid; Zhang & Stephens 2009, section 3


def tail_length(draws: int) -> int:
    """How many of the largest weights make the tail: min(0.2 N, 3 sqrt N); Vehtari et al. 2024, section 2.4."""
    return int(min(0.2 * draws, 3.0 * draws**0.5))


def pareto_k(log_weights: Float[Array, " N"]) -> Float[Array, ""]:
    """Shape of the tail of the importance weights [N]; infinite when they hold no information.

    Example: equal weights give -inf-like small k; weights of a proposal far too narrow give k above 0.7.
    """
    count = log_weights.shape[0]
    tail = tail_length(count)
    finite = jnp.where(jnp.isfinite(log_weights), log_weights, -jnp.inf)
    ordered = jax.lax.top_k(finite, tail + 1)[0][::-1]
    ordered = ordered - ordered[-1]
    cutoff = jnp.exp(ordered[0])
    excess = jnp.exp(ordered[1:]) - cutoff
    return _zhang_stephens(excess)


def _zhang_stephens(x: Float[Array, " M"]) -> Float[Array, ""]:
    count = x.shape[0]
    grid = 30 + int(count**0.5)
    place = jnp.arange(1, grid + 1)
    quartile = x[int(count / 4 + 0.5) - 1]
    spread = x[-1] > 0
    largest, quartile = jnp.where(spread, x[-1], 1.0), jnp.where(quartile > 0, quartile, 1e-300)
    b = 1.0 / largest + (1.0 - jnp.sqrt(grid / (place - 0.5))) / (_PRIOR_SCALE * quartile)
    k = jnp.mean(jnp.log1p(-b[:, None] * x), axis=1)
    profile = count * (jnp.log(-b / k) - k - 1.0)
    weight = 1.0 / jnp.sum(jnp.exp(profile - profile[:, None]), axis=1)
    best = jnp.sum(b * weight)
    shape = jnp.mean(jnp.log1p(-best * x))
    regular = (count * shape + _PRIOR_WEIGHT * 0.5) / (count + _PRIOR_WEIGHT)
    return jnp.where(spread, regular, -jnp.inf)
