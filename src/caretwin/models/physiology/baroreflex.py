"""Short-term control of pressure: arterial and cardiopulmonary baroreceptors act on heart, arteries and veins.

    error = s arctan((P - set) / s)      signal: the error, low-passed
    R-R interval, resistance, venous capacity, contractility move in proportion to the signal, times a personal gain

Gains: Heldt, Shim, Kamm & Mark, J Appl Physiol 2002;92:1239, doi:10.1152/japplphysiol.00241.2001, table 4, with the
standard deviations of Heldt's thesis (2004). Pressures mmHg, time s.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.physiology.elementary import arctangent

Values = Float[Array, "..."]

ARTERIAL_SCALE, CARDIOPULMONARY_SCALE = 18.0, 5.0
"""mmHg at which each reflex saturates (Heldt 2002)."""
RAISED_SCALE = 12.0
"""mmHg at which the arterial reflex saturates above its set point: with it and the interval gain the steady heart rates
of Ursino, Am J Physiol 1998;275:H1733, at 62, 77, 92, 107, 122 mmHg (102, 90, 69, 57, 54 per min) are met within 6."""
PULSE_SHARE = 0.6
"""mmHg of mean pressure that a lost mmHg of pulse pressure counts for: baroreceptors feel both (size assumed, to meet
the heart rate of Hosomi 1979 after loss of blood that leaves mean pressure nearly as it was)."""
INTERVAL_GAIN = 0.0165
"""s of R-R interval per mmHg: sympathetic and vagal; 0.018 in Heldt 2002, 0.0125 over +-15 mmHg in Ursino 1998."""
RESISTANCE_GAIN = 0.057 / 4.5
"""Relative change per mmHg: -0.057 mmHg s/mL in beds of 4 to 12 (Heldt 2002), here of the typical bed."""
VENOUS_GAIN = 0.0266
"""L per mmHg: 5.3 + 1.3 + 13.3 + 6.7 mL of unstressed volume (Heldt 2002)."""
CARDIOPULMONARY_RESISTANCE_GAIN = 0.052 / 4.5
"""Relative change per mmHg of right atrial transmural pressure (Heldt 2002)."""
CARDIOPULMONARY_VENOUS_GAIN = 0.110
"""L per mmHg of right atrial transmural pressure: 13.5 + 2.7 + 64 + 30 mL (Heldt 2002)."""
CARDIOPULMONARY_RATE_GAIN = 0.085
"""Relative rise of heart rate per mmHg of right atrial transmural pressure that is lacking: in volunteers the heart
speeds up while suction on the legs takes blood from the chest and arterial pressure still holds (Cooke, Ryan &
Convertino, J Appl Physiol 2004;96:1249, doi:10.1152/japplphysiol.01155.2003; size chosen to meet the classes of
haemorrhage: 100-120 per min after a fifth to a third of the blood)."""
CONTRACTILITY_GAIN = 0.007 / 0.4 * 0.5
"""Relative change of cardiac function per mmHg: end-systolic compliance 0.007 of 0.4 mL/mmHg (Heldt 2002); that half of
it reaches the stroke volume is assumed."""
TIME_CONSTANT = 8.0
"""s: between vagal (1 s) and venous (20 s) limbs (Ursino, Am J Physiol 1998;275:H1733)."""
RESET_SHARE, RESET_HOURS = 0.35, 0.25
"""How far of the way from the person's own pressure to the pressure that it sees the set point moves, and in how many
hours. Resetting within minutes is partial: 35 % (Pulse, after Ottesen; its 7 min taken for half of the way,
assumed)."""


class Signals(NamedTuple):
    """Low-passed errors (mmHg): positive when the pressure is above its set point."""

    arterial: Values
    cardiopulmonary: Values


class Tone(NamedTuple):
    """What the reflexes do: factors on heart rate, resistance and cardiac function; L of blood moved into stress.

    quickening  the part of the factor on heart rate that answers a lack of filling: it brings no output, because a
                heart that is short of blood fills less the faster it beats
    """

    heart_rate: Values
    quickening: Values
    resistance: Values
    contractility: Values
    venous: Values


def saturated(deviation: Values, scale: Values | float) -> Values:
    """scale arctan(deviation / scale): linear near 0, never beyond 1.57 times the scale."""
    return scale * arctangent(deviation / scale)


def arterial_error(deviation: Values, pulse_deviation: Values) -> Values:
    """What arterial baroreceptors report (mmHg): mean pressure above its set point, and pulse pressure that is lost.

    deviation        mean pressure less the set point (mmHg)
    pulse_deviation  pulse pressure less the person's own (mmHg); only a lack of it counts
    """
    felt = deviation + PULSE_SHARE * jnp.minimum(pulse_deviation, 0.0)
    return saturated(felt, jnp.where(felt > 0.0, RAISED_SCALE, ARTERIAL_SCALE))


def reset(set_point: Values, own_pressure: Values, arterial_pressure: Values, minutes: Values) -> Values:
    """The set point (mmHg) after ``minutes`` at this arterial pressure, in a person whose own pressure is that.

    It never follows all the way: a sustained change of pressure leaves a sustained answer.
    """
    aim = own_pressure + RESET_SHARE * (arterial_pressure - own_pressure)
    return set_point - jnp.expm1(-minutes / 60.0 / RESET_HOURS) * (aim - set_point)


def relaxation(minutes: Values) -> Values:
    """Share of the way to its target that a signal goes in ``minutes``."""
    return -jnp.expm1(-60.0 * minutes / TIME_CONSTANT)


def quickening(cardiopulmonary: Values, gain: Values, rate_reflex: Values | float = 1.0) -> Values:
    """Factor on heart rate of a lack of filling, in a person of this reflex gain; 1 when nothing is lacking.

    cardiopulmonary  signal (mmHg), see :class:`Signals`
    rate_reflex      share of the gain on the heart rate that drugs leave
    """
    return jnp.exp(-CARDIOPULMONARY_RATE_GAIN * rate_reflex * rate_gain(gain) * jnp.minimum(cardiopulmonary, 0.0))


def rate_gain(gain: Values) -> Values:
    """Gain on the heart rate of a person of this reflex gain: its square up to 1, and in proportion beyond.

    The vagal limb is the first to go under sedation and in sepsis (assumed; 15 patients of Pavlovsky 2022 kept their
    heart rate while PEEP took a fifth of their pulse pressure); nobody's is stronger than a volunteer's by more than
    the gain. Example: 0.5 gives 0.25, 1.5 gives 1.5.
    """
    return gain * jnp.minimum(gain, 1.0)


def tone(signals: Signals, gain: Values, heart_rate: Values, rate_reflex: Values | float = 1.0) -> Tone:
    """Effect of the signals (mmHg) in a person of this reflex gain (1: young volunteers) and resting heart rate
    (1/min), of which drugs leave a share ``rate_reflex`` on the heart rate.
    """
    a, c = gain * signals.arterial, gain * signals.cardiopulmonary
    faster = quickening(signals.cardiopulmonary, gain, rate_reflex)
    return Tone(
        faster * jnp.exp(-INTERVAL_GAIN * rate_reflex * rate_gain(gain) * signals.arterial * heart_rate / 60.0),
        faster,
        jnp.exp(-RESISTANCE_GAIN * a - CARDIOPULMONARY_RESISTANCE_GAIN * c),
        jnp.exp(-CONTRACTILITY_GAIN * a),
        -VENOUS_GAIN * a - CARDIOPULMONARY_VENOUS_GAIN * c,
    )


BOUND = {"arterial": ARTERIAL_SCALE * math.pi / 2, "cardiopulmonary": CARDIOPULMONARY_SCALE * math.pi / 2}
