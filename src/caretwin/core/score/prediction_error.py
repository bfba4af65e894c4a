"""Prediction errors of point forecasts, relative as drug monitoring reports them: bias and inaccuracy.

Two conventions are in use, with opposite signs and different sizes; a number alone says nothing.

- ``relative_to="observed"``, the default: (predicted - observed) / observed, negative when predictions are
  low. It gives the MdPE of -30 % and MdAPE of 30 % of our vancomycin smoke test, in which predictions lie
  below the levels; the other gives +43 % and 43 %. Sign (prediction minus true value) as in Sheiner &
  Beal, J Pharmacokinet Biopharm 1981;9:503-512, doi:10.1007/BF01060893.
- ``relative_to="predicted"``: (observed - predicted) / predicted, positive when predictions are low. Used for
  target-controlled infusion: remifentanil in 65 people against Minto 1997 gives -1.6 % and 15.3 % in
  it, +1.6 % and 15.8 % in the other. Source: Varvel, Donoho & Shafer, J Pharmacokinet Biopharm 1992;20:63-94,
  doi:10.1007/BF01143186.

All are fractions, not per cent. A denominator that is not positive has no relative error: NaN, left out of
medians and means, so count what is left.
"""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Convention = Literal["observed", "predicted"]


@partial(jax.jit, static_argnames="relative_to")
def prediction_error(
    predicted: Float[Array, "..."], observed: Float[Array, "..."], relative_to: Convention = "observed"
) -> Float[Array, "..."]:
    """Relative prediction error of each observation.

    predicted, observed  [...] in one unit; NaN where absent
    relative_to          which convention, see the head of this file
    Returns [...], a fraction; NaN where either is absent or the denominator is not positive.
    Raises ``ValueError`` for another convention.

    Example: predicted 8, observed 10: -0.2 relative to the observed, +0.25 relative to the predicted.
    """
    predicted, observed = jnp.asarray(predicted), jnp.asarray(observed)
    if relative_to == "observed":
        difference, base = predicted - observed, observed
    elif relative_to == "predicted":
        difference, base = observed - predicted, predicted
    else:
        raise ValueError(f"relative_to is 'observed' or 'predicted', not {relative_to!r}")
    return jnp.where(base > 0, difference / jnp.where(base > 0, base, 1.0), jnp.nan)


def mdpe(
    predicted: Float[Array, "..."], observed: Float[Array, "..."], relative_to: Convention = "observed"
) -> Float[Array, ""]:
    """Median prediction error, a measure of bias, over all observations that have one.

    Arguments as in :func:`prediction_error`. Returns a fraction; NaN when there is none.

    Example: predicted 8, 9, 12 for observed 10, 10, 10 gives -0.1.
    """
    return jnp.nanmedian(prediction_error(predicted, observed, relative_to))


def mdape(
    predicted: Float[Array, "..."], observed: Float[Array, "..."], relative_to: Convention = "observed"
) -> Float[Array, ""]:
    """Median absolute prediction error, a measure of inaccuracy, over all observations that have one.

    Arguments as in :func:`prediction_error`. Returns a fraction; NaN when there is none.

    Example: predicted 8, 9, 12 for observed 10, 10, 10 gives 0.2.
    """
    return jnp.nanmedian(jnp.abs(prediction_error(predicted, observed, relative_to)))


def mpe(
    predicted: Float[Array, "..."], observed: Float[Array, "..."], relative_to: Convention = "observed"
) -> Float[Array, ""]:
    """Mean prediction error: bias, pulled by outliers where :func:`mdpe` is not.

    Arguments as in :func:`prediction_error`. Returns a fraction; NaN when there is none.

    Example: predicted 8, 9, 12 for observed 10, 10, 10 gives -0.0333.
    """
    return jnp.nanmean(prediction_error(predicted, observed, relative_to))


def rmse(predicted: Float[Array, "..."], observed: Float[Array, "..."]) -> Float[Array, ""]:
    """Root mean squared error in the unit of the observation, absent ones left out: precision.

    Source: Sheiner & Beal, J Pharmacokinet Biopharm 1981;9:503-512, doi:10.1007/BF01060893.

    Example: predicted 8, 9, 12 for observed 10, 10, 10 gives 1.732.
    """
    return jnp.sqrt(jnp.nanmean((jnp.asarray(predicted) - observed) ** 2))
