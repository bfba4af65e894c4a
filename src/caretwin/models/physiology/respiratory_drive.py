"""How much a patient wants to breathe: chemoreflex drive on rate and effort, scaled by sedation.

Used when the patient breathes or triggers; a paralysed or deeply sedated patient takes the ventilator's rate.
Each of rate and effort follows its target with a lag.

Sources: Albanese et al., Am J Physiol Heart 2016;310:H899 (rate: 0.9 per min and mmHg of PaCO2, 0.87 per min and
spike/s of the peripheral chemoreceptors; lags of 2-7 min); peripheral firing after Ursino & Magosso, Am J Physiol Heart
2000;279:H149. Pressures mmHg, rate 1/min, effort cmH2O, time min.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Values = Float[Array, "..."]

RATE_PER_CARBON_DIOXIDE, EFFORT_PER_CARBON_DIOXIDE = 0.9, 0.85
"""1/min and cmH2O per mmHg above the set point, central (Albanese 2016; the effort's gain is printed 850 in code)."""
RATE_PER_FIRING, EFFORT_PER_FIRING = 0.8735, 1.31
"""1/min and cmH2O per spike/s of the peripheral chemoreceptors (Albanese 2016)."""
RESTING_FIRING = 3.63
"""spikes/s at PaO2 95 and PaCO2 40."""
RATE_LAG, EFFORT_LAG = 4.0, 1.6
"""min: between the central and the peripheral time constants (400 and 148 s; 105 and 83 s)."""
ACIDOSIS, ALKALOSIS = 1.25, 0.7
"""mmHg by which the set point of PaCO2 moves per mmol/L of base excess below and above 0. Settled people have a PaCO2
1.0 mmHg lower and 0.6 mmHg higher per mmol/L (Schlichtig, Grogono & Severinghaus, Crit Care Med 1998;26:1173); the set
point must move further, because the reflex closes the gap only in part (chosen by the tests)."""
WAKEFULNESS = 0.4
"""Of a person's own rate and effort, what is kept however low the carbon dioxide: who is awake breathes on (the dog-leg
of Nielsen & Smith, Acta Physiol Scand 1952;24:293; size assumed). Sedation takes it too."""
LARGEST_SHIFT = 28.0
"""mmHg either way (assumed: PaCO2 does not fall much below 12 mmHg in any acidosis)."""


class Drive(NamedTuple):
    """Deviation of spontaneous rate (1/min) and inspiratory effort (cmH2O) from the person's own."""

    rate: Values
    effort: Values


def peripheral_firing(pao2: Values, paco2: Values) -> Values:
    """spikes/s of the peripheral chemoreceptors at these arterial pressures.

    The published slope of the carbon dioxide term jumps at 40 mmHg of oxygen; here it is linear from 4.6 at 40 to 3
    at 80 and constant outside. Example: (95, 40) 3.6, (60, 40) 7.2, (40, 40) 9.9.
    """
    e = jnp.exp(jnp.clip((pao2 - 45.0) / 29.27, -5.0, 8.0))
    rising = jnp.clip(4.6 - 1.6 * (pao2 - 40.0) / 40.0, 3.0, 4.6)
    K = jnp.minimum(rising, jnp.clip(4.6 - 0.32 * (40.0 - pao2), 1.4, 4.6))
    response = K * jnp.log(jnp.maximum(paco2, 5.0) / 40.0) + 1.4
    return (12.3 + 0.835 * e) / (1.0 + e) * jnp.maximum(response, 0.0)


def metabolic_shift(base_excess: Values) -> Values:
    """mmHg that the set point of PaCO2 moves with metabolic acidosis or alkalosis (base excess, mmol/L).

    Example: at -10 mmol/L -12.5 mmHg.
    """
    shift = ACIDOSIS * jnp.minimum(base_excess, 0.0) + ALKALOSIS * jnp.maximum(base_excess, 0.0)
    return jnp.clip(shift, -LARGEST_SHIFT, LARGEST_SHIFT)


def follow(
    drive: Drive, pao2: Values, paco2: Values, carbon_dioxide_set: Values, gain: Values, minutes: Values
) -> Drive:
    """The drive after ``minutes`` at these gases, with ``gain`` (1 awake and healthy, 0 paralysed)."""
    firing = peripheral_firing(pao2, paco2 * 40.0 / carbon_dioxide_set) - RESTING_FIRING
    excess = paco2 - carbon_dioxide_set
    rate = gain * (RATE_PER_CARBON_DIOXIDE * excess + RATE_PER_FIRING * firing)
    effort = gain * (EFFORT_PER_CARBON_DIOXIDE * excess + EFFORT_PER_FIRING * firing)
    return Drive(
        drive.rate - jnp.expm1(-minutes / RATE_LAG) * (rate - drive.rate),
        drive.effort - jnp.expm1(-minutes / EFFORT_LAG) * (effort - drive.effort),
    )


def kept_up(own: Values, change: Values) -> Values:
    """Rate or effort of a person whose own is that, after the drive changed it: never below what being awake keeps up.

    Example: 10 and -8 give 4.
    """
    return jnp.maximum(own + change, WAKEFULNESS * own)
