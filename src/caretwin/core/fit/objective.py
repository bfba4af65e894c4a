"""What a fit minimises, in coordinates where the prior is a standard normal.

    theta = mean + L z,  L L' = Omega          z ~ N(0, I)
    objective(z) = z'z/2 - sum log p(y | theta)        OFV = 2 objective - n ln(2 pi), as NONMEM prints it

In z the prior alone makes the Hessian the identity, so one damping and one tolerance suit every drug.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.core.history import History, measured
from caretwin.core.model import GaussianPrior, Model
from caretwin.core.simulate import log_likelihood


class Derivatives(NamedTuple):
    """Objective [], gradient [d] and Hessian [d, d] at one z."""

    value: Float[Array, ""]
    gradient: Float[Array, " d"]
    hessian: Float[Array, "d d"]


def to_theta(prior: GaussianPrior, z: Float[Array, " d"]) -> Float[Array, " d"]:
    """theta for standardised coordinates z [d]."""
    return prior.mean + prior.cholesky @ z


def objective(model: Model, z: Float[Array, " d"], history: History) -> tuple[Float[Array, ""], Any]:
    """Negative log posterior up to the constant (d/2) ln(2 pi), and the state at the end of the history."""
    likelihood, x = log_likelihood(model, to_theta(model.prior, z), history)
    return 0.5 * jnp.sum(z**2) - likelihood, x


def derivatives(model: Model, z: Float[Array, " d"], history: History) -> Derivatives:
    """Exact derivatives by forward mode over forward mode: cheap for a handful of parameters, and one single run."""

    def value(z: Array) -> tuple[Array, Array]:
        f = objective(model, z, history)[0]
        return f, f

    def gradient(z: Array) -> tuple[Array, tuple[Array, Array]]:
        g, f = jax.jacfwd(value, has_aux=True)(z)
        return g, (g, f)

    hessian, (g, f) = jax.jacfwd(gradient, has_aux=True)(z)
    return Derivatives(f, g, hessian)


def ofv(value: Float[Array, ""], history: History) -> Float[Array, ""]:
    """NONMEM's objective function value from the objective: twice it, less ln(2 pi) for every measured value."""
    return 2.0 * value - jnp.sum(measured(history)) * jnp.log(2 * jnp.pi)
