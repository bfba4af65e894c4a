"""Insulin sensitivity as luck: a logarithm that wanders hour by hour around a level of the patient's own.

    s = ln SI,   s(t + dt) = m + (s(t) - m) rho + sd sqrt(1 - rho^2) e,   rho = exp(-dt/tau)

e has variance 1 and the shape of a Student t with four degrees of freedom; m is personal. SI is held over a step, as
everyone who fits it hour by hour does (Lin et al., Biomed Signal Process Control 2006;1:229-242), so steps of at most
one hour belong to this process. The same form serves any other positive personal quantity that wanders.

STAR describes the next hour's SI by kernel densities that are not public. Ours is fitted to the measured glucose of an
open set; the numbers stand in :data:`caretwin.models.physiology.glucose.FITTED`.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.core.robust import student_t4_from_normal

_UNIT_VARIANCE = 0.5**0.5  # a Student t with four degrees of freedom has variance two


class Wandering(NamedTuple):
    """A positive quantity that wanders in its logarithm, in a population of patients.

    centre   of the population, in the quantity's unit
    between  standard deviation of the patients' own levels, of the logarithm
    within   standard deviation around one's own level, of the logarithm
    hours    time constant of the return to it [h]
    """

    centre: float
    between: float
    within: float
    hours: float


def wander(
    process: Wandering, s: Float[Array, ""], m: Float[Array, ""], e: Float[Array, ""], dt: Float[Array, ""]
) -> Float[Array, ""]:
    """The logarithm ``dt`` hours later, from s around m, with luck ``e`` of variance 1; s itself when no time passes.

    Example: ``wander(Wandering(4e-4, 0.5, 0.5, 12.0), s, m, e, 1.0)``.
    """
    rho = jnp.exp(-dt / process.hours)
    return m + (s - m) * rho + process.within * jnp.sqrt(1 - rho**2) * e


def heavy_tailed(w: Float[Array, ""]) -> Float[Array, ""]:
    """A standard normal number as a Student-t one (four degrees of freedom) of variance 1."""
    return student_t4_from_normal(jnp.clip(w, -7.9, 7.9)) * _UNIT_VARIANCE
