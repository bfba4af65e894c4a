"""The circulation, averaged over heart beats: venous return meets the heart, resistance makes the pressure.

    venous return   VR = (Pms - Pra) / Rvr                       Pms = stressed volume / compliance
    heart           CO = K Ptm / (P50 + Ptm),  Ptm = Pra - Ppl    K falls with afterload of either ventricle
    pressure        MAP = CO SVR + Pra

VR = CO is a quadratic in Ptm, so the balance is solved exactly, without iteration. Pleural pressure stands in both
lines: a rise of it raises Pra, is passed on only in part to Pms, and so takes venous return, output and pressure with
it.

Sources: Guyton, Physiol Rev 1955;35:123 (venous return meets cardiac function); Jansen et al. and Maas et al., see
:mod:`vasoactive`; heart-lung terms after Vieillard-Baron et al., Intensive Care Med 2016;42:739.
Pressures mmHg, flows L/min, volumes L.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.physiology.elementary import power

Values = Float[Array, "..."]

SYSTEMIC_COMPLIANCE = 0.104
"""L/mmHg of the systemic circulation with everything stopped: between Albanese 2016 (0.08, see :mod:`gas_exchange`) and
CVSim-21 (0.14, Heldt et al., J Appl Physiol 2002;92:1239); within it chosen to meet Guyton's curve of haemorrhage."""
STANDARD_BLOOD = 5.25
"""L: blood of the person (75 kg) whom the compliance, and the litres that reflexes and drugs move, are about; in others
both go with their own usual blood."""
STRONGEST = 280.0
"""mmHg of mean pressure against which no left ventricle ejects (assumed: isovolumic pressures of 250-300; below 150
mmHg it takes less than 0.4 % of the output)."""
HIGHEST_OUTPUT = 40.0
"""L/min that no heart exceeds (assumed: the best endurance athletes; below 20 L/min it takes less than 0.3 %)."""
HEART_RATE_EXPONENT = 0.4
"""Cardiac function grows with heart rate to this power: less time to fill (assumed)."""
CORONARY_HALF = 40.0
"""mmHg of arterial pressure with half of the heart's strength (assumed: the heart fails when coronary flow falls below
its autoregulation at 50-60 mmHg; with it pressure falls as on Guyton's curve beyond a quarter of the blood)."""
VASOPLEGIC = 65.0
"""mmHg: whose own pressure is lower has wide coronary vessels too, and a heart that works at that pressure (in septic
shock coronary flow is as high as in health or higher: Cunnion et al., Circulation 1986;73:637; threshold assumed)."""
STIFFENING = 0.7
"""Exponent with which the compliance of large arteries falls as pressure rises (assumed: 0.7 meets systolic and
diastolic pressures of Ensinger 1992 and Martinsson 1986; the arctangent law of Langewouters et al., J Biomech
1984;17:425, gives about 2)."""
MOST_PULSE = 2.0
"""Of mean pressure: pulse pressure is never more, which leaves diastolic pressure a third of it (assumed)."""
MMHG_PER_CMH2O = 0.7355
"""mmHg in 1 cmH2O."""


class Heart(NamedTuple):
    """Pump and vessels as they stand now.

    K                     L/min, output of the right atrium's filling at its best
    P50                   mmHg, transmural filling at which half of it is reached
    venous_resistance     mmHg min/L
    systemic_resistance   mmHg min/L
    filling_pressure      mmHg, Pms: mean systemic filling pressure
    pleural_pressure      mmHg, mean over the breath
    """

    K: Values
    P50: Values
    venous_resistance: Values
    systemic_resistance: Values
    filling_pressure: Values
    pleural_pressure: Values


class Flow(NamedTuple):
    """The balance: cardiac_output L/min; arterial, venous (right atrial), transmural and filling pressure mmHg."""

    cardiac_output: Values
    arterial_pressure: Values
    venous_pressure: Values
    transmural: Values
    filling_pressure: Values


def balance(heart: Heart) -> Flow:
    """Where venous return equals output.

    Ptm^2 + (P50 - D + K Rvr) Ptm - D P50 = 0 with D = Pms - Ppl; the positive root. When filling is below pleural
    pressure (D < 0) the great veins collapse and nothing flows.
    Example: K 18, P50 8, Rvr 2.4, Pms 15, Ppl 3 give 4.3 L/min at a transmural pressure of 1.6 mmHg.
    """
    D = jnp.maximum(heart.filling_pressure - heart.pleural_pressure, 0.0)
    half = 0.5 * (heart.P50 - D + heart.K * heart.venous_resistance)
    # In the stable form: no difference of two nearly equal numbers when the heart is strong.
    product = D * heart.P50
    root = jnp.sqrt(half * half + product)
    Ptm = jnp.where(half > 0, product / jnp.maximum(root + half, 1e-9), root - half)
    CO = heart.K * Ptm / (heart.P50 + Ptm)
    Pra = heart.pleural_pressure + Ptm
    head = CO * heart.systemic_resistance
    CO = CO / power(1.0 + (head / STRONGEST) ** 6 + (CO / HIGHEST_OUTPUT) ** 6, 1.0 / 6.0)
    MAP = CO * heart.systemic_resistance + jnp.maximum(Pra, 0.0)
    return Flow(CO, MAP, Pra, Ptm, heart.filling_pressure)


def coronary(arterial_pressure: Values, own_pressure: Values) -> Values:
    """0-1: how far the heart's own perfusion lets it work at an arterial pressure, in a person of this own pressure
    (mmHg).

        P^4 / (P^4 + P50^4)

    Example: 0.96 at 90 mmHg, 0.84 at 60, 0.5 at 40 in a person of 80 mmHg.
    """
    fourth = jnp.square(jnp.square(jnp.maximum(arterial_pressure, 1.0)))
    half = CORONARY_HALF * jnp.minimum(own_pressure / VASOPLEGIC, 1.0)
    return fourth / (fourth + jnp.square(jnp.square(half)))


class Reference(NamedTuple):
    """A person's circulation at rest without drugs, at the pleural pressure ``pleural_pressure``: what a prior is
    about.

    arterial_pressure, venous_pressure, filling_pressure (Pms), pleural_pressure, P50  mmHg
    cardiac_output L/min; heart_rate 1/min
    """

    arterial_pressure: Values
    venous_pressure: Values
    filling_pressure: Values
    pleural_pressure: Values
    P50: Values
    cardiac_output: Values
    heart_rate: Values


class Constants(NamedTuple):
    """What follows from a :class:`Reference`: K (L/min), both resistances (mmHg min/L)."""

    K: Values
    venous_resistance: Values
    systemic_resistance: Values


def constants(reference: Reference) -> Constants:
    """The pump and the resistances with which the reference state is a balance.

    Example: 5 L/min at Pra 5, Ppl 0, P50 5, Pms 15, MAP 80 give K 10, Rvr 2 and SVR 15.
    """
    Ptm = jnp.maximum(reference.venous_pressure - reference.pleural_pressure, 0.5)
    CO = reference.cardiac_output
    return Constants(
        CO * (reference.P50 + Ptm) / Ptm,
        jnp.maximum(reference.filling_pressure - reference.venous_pressure, 1.0) / CO,
        jnp.maximum(reference.arterial_pressure - jnp.maximum(reference.venous_pressure, 0.0), 1.0) / CO,
    )


def pulse_pressure(
    cardiac_output: Values,
    heart_rate: Values,
    arterial_compliance: Values,
    arterial_pressure: Values,
    own_pressure: Values,
) -> Values:
    """mmHg: stroke volume (mL) over the compliance of the large arteries, as if ejected at once.

        C(P) = C (own pressure / P)^n                            n = STIFFENING

    cardiac_output L/min, heart_rate 1/min; arterial_compliance mL/mmHg at ``own_pressure`` (mmHg)
    Example: 5 L/min at 62.5 beats with 2 mL/mmHg give 40 mmHg at the own pressure, 48 at a pressure 20 % higher.
    """
    stiffer = power(jnp.maximum(arterial_pressure, 20.0) / own_pressure, STIFFENING)
    pulse = 1000.0 * cardiac_output / jnp.maximum(heart_rate, 1.0) / arterial_compliance * stiffer
    return jnp.minimum(pulse, MOST_PULSE * jnp.maximum(arterial_pressure, 0.0))
