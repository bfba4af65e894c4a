"""Quantiles of an ensemble, central intervals, and how often they hold what happened.

A calibrated 90 % interval holds nine of ten observations: fewer, and the twin is too sure; more, and it is
vague.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.core.score.weights import normalised


@jax.jit
def weighted_quantile(
    values: Float[Array, "... N"],
    probability: float | Float[Array, " Q"],
    log_weights: Float[Array, "... N"] | None = None,
) -> Float[Array, "..."]:
    """Quantiles of weighted particles.

    values       [..., N] particles in any unit
    probability  one number or [Q], between 0 and 1
    log_weights  [..., N] log weights up to a constant, or ``None`` for equal ones
    Returns [...] for one probability, [..., Q] for several, in the unit of ``values``.

    Each particle stands at the middle of its own step of the cumulative weight, with straight lines
    between: for equal weights this is Hazen's rule, type 5 of Hyndman & Fan, Am Stat 1996;50:361-365,
    doi:10.1080/00031305.1996.10473566. A particle without weight changes nothing. Beyond the outermost
    particles the quantile stays at them.

    Example: ``weighted_quantile(jnp.array([1.0, 2.0, 3.0]), 0.5)`` is 2.
    """
    weights = normalised(values, log_weights)
    particles = jnp.where(weights > 0, values, jnp.inf)
    order = jnp.argsort(particles, axis=-1)
    x = jnp.take_along_axis(particles, order, axis=-1)
    w = jnp.take_along_axis(weights, order, axis=-1)
    largest = jnp.max(jnp.where(weights > 0, values, -jnp.inf), axis=-1, keepdims=True)
    x = jnp.where(w > 0, x, largest)  # weightless particles came last
    middle = jnp.cumsum(w, axis=-1) - w / 2
    wanted = jnp.atleast_1d(jnp.asarray(probability, dtype=x.dtype))
    interpolate = jnp.vectorize(jnp.interp, excluded={0}, signature="(n),(n)->(q)")
    found: Array = interpolate(wanted, middle, x)
    return found if jnp.ndim(probability) else found[..., 0]


def central_interval(
    values: Float[Array, "... N"], level: float, log_weights: Float[Array, "... N"] | None = None
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Lower and upper end of the central interval that holds ``level`` of the forecast probability.

    values, log_weights  as in :func:`weighted_quantile`
    level                between 0 and 1, such as 0.9
    Returns two arrays [...] in the unit of ``values``.

    Example: ``central_interval(particles, 0.9)`` are the 5 % and 95 % quantiles.
    """
    both = weighted_quantile(values, jnp.array([(1 - level) / 2, (1 + level) / 2]), log_weights)
    return both[..., 0], both[..., 1]


@jax.jit
def covered(
    values: Float[Array, "... N"],
    observed: Float[Array, "..."],
    level: float,
    log_weights: Float[Array, "... N"] | None = None,
) -> Float[Array, "..."]:
    """Whether each observation lies in the central interval of its forecast: 1, 0, or NaN where absent.

    values, log_weights  as in :func:`weighted_quantile`, measurement noise included
    observed             [...] in the unit of ``values``; NaN where absent
    level                between 0 and 1, such as 0.9
    Returns [...]; its mean over what was observed is the coverage (:func:`coverage`).

    Example: ``covered(jnp.arange(100.0), 50.0, level=0.9)`` is 1.
    """
    lower, upper = central_interval(values, level, log_weights)
    within = (lower <= observed) & (observed <= upper)
    return jnp.where(jnp.isnan(jnp.asarray(observed)), jnp.nan, within.astype(lower.dtype))


def coverage(
    values: Float[Array, "... N"],
    observed: Float[Array, "..."],
    level: float,
    log_weights: Float[Array, "... N"] | None = None,
) -> Float[Array, ""]:
    """Fraction of the observations that lie in the central interval of their forecast, absent ones left out.

    Arguments as in :func:`covered`. Returns one number between 0 and 1; NaN when nothing was observed.

    Example: ``coverage(particles, levels, 0.9)`` of a calibrated twin is near 0.9.
    """
    return jnp.nanmean(covered(values, observed, level, log_weights))
