"""What body temperature does to metabolism, heart rate and blood flow, as factors on their values at 37 degC.

Twelve febrile patients cooled from 39.4 to 37.0 degC while ventilated and relaxed: VCO2 304 to 244 mL/min, cardiac
output 8.4 to 6.5 L/min (Manthous, Hall, Olson et al., Am J Respir Crit Care Med 1995;151:10). Below 37 degC the same
factors are taken to go on (assumed). Temperature degC.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.physiology.elementary import power

Values = Float[Array, "..."]

USUAL = 37.0
"""degC."""
COLDEST, HOTTEST = 30.0, 42.0
"""degC: beyond them the factors stay (assumed)."""
METABOLISM = 1.09
"""Per degC: oxygen used and carbon dioxide made (8.2 and 9.2 %, Manthous 1995)."""
FLOW = 1.107
"""Per degC: cardiac output (Manthous 1995)."""
HEART_RATE = 1.10
"""Per degC: 8.5 per min of about 85 (Karjalainen & Viitasalo, Arch Intern Med 1986;146:1169)."""


class Warmth(NamedTuple):
    """Factors, 1 at 37 degC: on metabolism, blood flow and heart rate."""

    metabolism: Values
    flow: Values
    heart_rate: Values


def warmth(temperature: Values) -> Warmth:
    """The factors at a body temperature (degC).

    Example: at 39.4 degC 1.23, 1.28 and 1.26.
    """
    above = jnp.clip(temperature, COLDEST, HOTTEST) - USUAL
    return Warmth(power(METABOLISM, above), power(FLOW, above), power(HEART_RATE, above))
