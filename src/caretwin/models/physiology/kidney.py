"""Perfusion of the kidney and of tissue, as far as dosing and early warning need it: urine, creatinine, lactate.

    filtration follows arterial less venous pressure, flat over the range of autoregulation, to nothing below it
    creatinine  V dCr/dt = production - GFR Cr                      V: total body water
    lactate     dL/dt = made - L / tau, more when tissue must take much of the oxygen that it gets, or wants more

Minimal on purpose: no tubules, no electrolytes. Pressures mmHg, time min.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Values = Float[Array, "..."]

AUTOREGULATION_MIDPOINT, AUTOREGULATION_WIDTH = 55.0, 7.0
"""mmHg of perfusion pressure (arterial less venous) at which filtration has halved, and how steeply (assumed; guided by
the fall of filtration below about 80 mmHg of arterial pressure in Guyton's textbook curve)."""
BODY_WATER_SHARE = 0.6
"""L/kg."""
LACTATE_MINUTES = 30.0
"""min: time constant of lactate at normal clearance (assumed; half-life of 20 min in health, longer in shock)."""
LACTATE_PER_DEBT = 0.06
"""mmol/L per min for each 1 % of wanted oxygen that is not delivered (assumed)."""
EXTRACTION_BORNE, LACTATE_PER_EXTRACTION = 0.45, 12.0
"""Share of the delivered oxygen that the body can take without lactate, and mmol/L for each unit beyond: gut and muscle
lack oxygen before the whole body's use falls (assumed: 0.6 mmol/L more where half of the oxygen is taken)."""
WATER_KEPT = 0.35
"""Relative fall of urine per mmHg of cardiopulmonary signal that is lacking: vasopressin and renin (size chosen to meet
the classes of haemorrhage: 20-30 mL/h after a fifth of the blood, 5-15 after a third)."""
USUAL_LACTATE = 1.0
"""mmol/L."""


class Kidney(NamedTuple):
    """creatinine mg/dL, lactate mmol/L."""

    creatinine: Values
    lactate: Values


def filtration_share(arterial: Values, venous: Values) -> Values:
    """Filtration (0-1) at these pressures, of that at good perfusion."""
    pressure = arterial - venous
    return jax.nn.sigmoid((pressure - AUTOREGULATION_MIDPOINT) / AUTOREGULATION_WIDTH)


def step(
    kidney: Kidney,
    filtration: Values,
    production: Values,
    weight: Values,
    lactate_made: Values,
    oxygen_missing: Values,
    extracted: Values,
    minutes: Values,
) -> Kidney:
    """Creatinine and lactate after ``minutes``.

    filtration     mL/min now; production  mg/min of creatinine; weight kg
    lactate_made   factor on resting production (1: health)
    oxygen_missing, extracted   fraction of wanted oxygen not used; of delivered oxygen that is used
    """
    water = BODY_WATER_SHARE * weight * 10.0  # dL
    k = filtration / 100.0 / water
    steady = production / jnp.maximum(filtration / 100.0, 1e-3)
    creatinine = steady + (kidney.creatinine - steady) * jnp.exp(-k * minutes)
    stressed = LACTATE_PER_EXTRACTION * jnp.maximum(extracted - EXTRACTION_BORNE, 0.0)
    target = USUAL_LACTATE * lactate_made + stressed + LACTATE_MINUTES * LACTATE_PER_DEBT * 100.0 * oxygen_missing
    lactate = kidney.lactate - jnp.expm1(-minutes / LACTATE_MINUTES) * (target - kidney.lactate)
    return Kidney(creatinine, lactate)


def urine(filtration_now: Values, usual_flow: Values, excess: Values, filling_signal: Values) -> Values:
    """mL/min: the person's usual flow times the share of filtration, more when plasma is overfull, less when the heart
    is short of filling.

    excess  L of crystalloid in plasma; filling_signal  mmHg, cardiopulmonary signal times the gain of the reflexes
    """
    kept_back = jnp.exp(WATER_KEPT * jnp.minimum(filling_signal, 0.0))
    return usual_flow * filtration_now * kept_back * (1.0 + 3.0 * jax.nn.sigmoid((excess - 0.6) / 0.2))
