"""Elementary functions from what a processor can do for many particles at once.

A library's power, arctangent and cube root are called for one number after the other, and a loop with such a call in it
is not vectorised at all.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

Values = Float[Array, "..."]

_ARCTANGENT = (
    -0.3333314528, 0.1999355085, -0.1420889944, 0.1065626393, -0.0752896400, 0.0429096138, -0.0161657367, 0.0028662257,
)  # fmt: skip
"""Abramowitz & Stegun, Handbook of Mathematical Functions 1964, 4.4.49: coefficients of x^2 ... x^16."""


def power(base: Values, exponent: Values) -> Values:
    """base^exponent for a base above 0. Example: ``power(16.0, 0.75)`` is 8."""
    return jnp.exp(exponent * jnp.log(base))


def cube_root(x: Values) -> Values:
    """The cube root of x above 0. Example: ``cube_root(27.0)`` is 3."""
    return jnp.exp(jnp.log(x) / 3.0)


def arctangent(x: Values) -> Values:
    """arctan x to 2e-8 (Abramowitz & Stegun 4.4.49). Example: ``arctangent(1.0)`` is 0.7853982."""
    # Odd in its form: an absolute value would have no slope at 0, where the reflexes rest.
    inverted = jnp.abs(x) > 1.0
    t = jnp.where(inverted, 1.0 / jnp.where(inverted, x, 1.0), x)
    square = t * t
    series = jnp.zeros_like(t)
    for coefficient in reversed(_ARCTANGENT):
        series = (series + coefficient) * square
    angle = t * (1.0 + series)
    return jnp.where(inverted, jnp.copysign(0.5 * jnp.pi, x) - angle, angle)
