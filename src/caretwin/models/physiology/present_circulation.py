"""Heart and vessels of one particle now: filling, reflexes, drugs and the pressure of the breath on them.

Cycle-averaged: no pulsatile waves, no left-right asymmetry, no valve disease, no arrhythmia.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.physiology import (
    baroreflex,
    circulation,
    fluids,
    gas_exchange,
    vasoactive,
)
from caretwin.models.physiology.bedside_state import Settings, State
from caretwin.models.physiology.breath import Breath
from caretwin.models.physiology.elementary import power
from caretwin.models.physiology.individual import Values
from caretwin.models.physiology.parameters import Body, counted_weight
from caretwin.models.physiology.temperature import warmth

REFERENCE_AIRWAY = 9.0
"""cmH2O: mean airway pressure at which the reference circulation of a person is meant (PEEP 5-8, ordinary breaths)."""
PLEURAL_TRANSMISSION = 0.5
"""Share of a rise of pleural pressure that reaches the filling pressure through abdomen and pulmonary blood (assumed;
0 to 0.5 reproduce Lai et al., Crit Care 2023;27:136; about half meets the rise of central venous pressure there)."""
VENOUS_COMPRESSION = 0.035
"""Per cmH2O of mean airway pressure: rise of the resistance to venous return, by liver and diaphragm (size assumed, to
meet Lai 2023; direction: Jellinek et al., J Appl Physiol 2000;88:926; Fessler et al., J Appl Physiol 1992;73:2310)."""
RELIEF = 0.4
"""Of that resistance, what a fall below the reference takes away: veins that are open cannot open much more
(assumed)."""
LARGEST_SUCTION = 25.0
"""cmH2O below the reference to which the mean pressure around the heart follows effort: veins collapse beyond
(assumed)."""
WITHOUT_OXYGEN = 0.15
"""Of cardiac function, what is left when tissue gets no oxygen (assumed; above nothing, so that the lung can still be
filled with oxygen and the heart come back)."""
HIGHEST_FILLING = 70.0
"""mmHg that the circulation reaches with everything stopped, however much is given: vessels stiffen and leak
(assumed)."""
RIGHT_AFTERLOAD = 0.002
"""Per cmH2O of mean airway pressure: fall of cardiac function by pulmonary vascular resistance (assumed, as above)."""
LEFT_AFTERLOAD = 0.15
"""Exponent with which cardiac function falls as arterial pressure rises (assumed)."""
BLOOD_PER_KG = {0: 0.070, 1: 0.065}  # L/kg, men and women


def usual_blood(body: Body) -> Float[Array, ""]:
    """L: 70 (men) or 65 (women) mL per kg of a weight that counts overweight by half."""
    return counted_weight(body) * (BLOOD_PER_KG[0] + (BLOOD_PER_KG[1] - BLOOD_PER_KG[0]) * body.female)


def circulation_now(v: Values, body: Body, x: State, u: Settings, breath: Breath, signals: baroreflex.Signals):
    """Flow and heart rate with these reflex signals."""
    reference = circulation.Reference(
        v.arterial_pressure,
        v.venous_pressure,
        v.venous_pressure + v.filling_gradient,
        jnp.zeros_like(v.venous_pressure),
        v.half_filling,
        v.cardiac_output,
        v.heart_rate,
    )
    rest = circulation.constants(reference)
    drugs = vasoactive.effects(x.drugs, v.pressor_half, body.weight, v.propofol_half)
    tone = baroreflex.tone(signals, v.baroreflex, v.heart_rate, drugs.rate_reflex)
    warm = warmth(u.temperature)
    heart_rate = jnp.clip(v.heart_rate * tone.heart_rate * drugs.heart_rate * warm.heart_rate, 20.0, 220.0)
    distance = jnp.maximum(breath.mean_alveolar_pressure - REFERENCE_AIRWAY, -LARGEST_SUCTION)
    pleural = v.chest_wall_share * circulation.MMHG_PER_CMH2O * distance
    usual = usual_blood(body)  # vessels are as large as the blood they usually hold, so shares of it count
    missing = (fluids.blood_volume(x.volumes) - usual) * circulation.STANDARD_BLOOD / usual
    stress = tone.venous + drugs.venous + missing
    filling = reference.filling_pressure + stress / circulation.SYSTEMIC_COMPLIANCE + PLEURAL_TRANSMISSION * pleural
    filling = jnp.minimum(filling, HIGHEST_FILLING)
    K = (
        rest.K
        * warm.flow  # with both resistances lower by as much, flow follows and pressures stay
        * power(heart_rate / (v.heart_rate * warm.heart_rate * tone.quickening), circulation.HEART_RATE_EXPONENT)
        * tone.contractility
        * drugs.contractility
    )
    K = K * power(v.arterial_pressure / jnp.maximum(x.arterial, 15.0), LEFT_AFTERLOAD)
    own = v.arterial_pressure
    widened = own * jnp.minimum(drugs.resistance, 1.0)  # drugs that widen vessels widen those of the heart
    K = K * circulation.coronary(x.arterial, widened) / circulation.coronary(own, own)
    K = K * (WITHOUT_OXYGEN + (1.0 - WITHOUT_OXYGEN) * gas_exchange.extraction(x.stores.venous_oxygen))
    further = jnp.maximum(distance, -REFERENCE_AIRWAY)
    compression = 1.0 + VENOUS_COMPRESSION * jnp.where(further > 0.0, further, RELIEF * further)
    K = K / (1.0 + RIGHT_AFTERLOAD * further)
    heart = circulation.Heart(
        K,
        v.half_filling,
        rest.venous_resistance * drugs.venous_resistance * compression / warm.flow,
        rest.systemic_resistance * tone.resistance * drugs.resistance / warm.flow,
        filling,
        pleural,
    )
    return circulation.balance(heart), heart_rate


def reflex(v, body, x, u, breath, minutes):
    """Reflex signals after a part and the flow they give: linearly implicit, because the loop is faster than a part.

    s' = s + a (target(s) - s) / (1 - a target'(s)), twice with the slope of the start; target' < 0, so it is stable for
    any a in [0, 1] (Rosenbrock, Comput J 1963;5:329).
    """
    a = baroreflex.relaxation(minutes)
    filling = v.venous_pressure
    own_pulse = 1000.0 * v.cardiac_output / v.heart_rate / v.arterial_compliance
    rate_reflex = vasoactive.effects(x.drugs, v.pressor_half, body.weight, v.propofol_half).rate_reflex

    def target(signals):
        flow, heart_rate = circulation_now(v, body, x, u, breath, signals)
        # A beat that is smaller because beats come faster, at a filling that is felt already, is not felt again.
        beats = heart_rate / baroreflex.quickening(signals.cardiopulmonary, v.baroreflex, rate_reflex)
        pulse = circulation.pulse_pressure(
            flow.cardiac_output, beats, v.arterial_compliance, flow.arterial_pressure, v.arterial_pressure
        )
        return baroreflex.Signals(
            baroreflex.arterial_error(flow.arterial_pressure - x.set_point, pulse - own_pulse),
            baroreflex.saturated(flow.transmural - filling, baroreflex.CARDIOPULMONARY_SCALE),
        )

    start = x.signals
    one, zero = jnp.ones_like(start.arterial), jnp.zeros_like(start.arterial)
    first, by_arterial = jax.jvp(target, (start,), (baroreflex.Signals(one, zero),))
    _, by_filling = jax.jvp(target, (start,), (baroreflex.Signals(zero, one),))
    j11, j12 = 1.0 - a * by_arterial.arterial, -a * by_filling.arterial
    j21, j22 = -a * by_arterial.cardiopulmonary, 1.0 - a * by_filling.cardiopulmonary
    below = j11 * j22 - j12 * j21

    def improved(s, value):
        # s' solves s' = start + a (target(s') - start), by a Newton step of the two equations together.
        g1 = start.arterial + a * (value.arterial - start.arterial) - s.arterial
        g2 = start.cardiopulmonary + a * (value.cardiopulmonary - start.cardiopulmonary) - s.cardiopulmonary
        return baroreflex.Signals(
            bounded_signal(s.arterial + (j22 * g1 - j12 * g2) / below, "arterial"),
            bounded_signal(s.cardiopulmonary + (j11 * g2 - j21 * g1) / below, "cardiopulmonary"),
        )

    s = improved(start, first)
    s = improved(s, target(s))
    flow, _ = circulation_now(v, body, x, u, breath, s)
    return s, flow


def bounded_signal(value, name):
    """A reflex signal within what its receptors can say."""
    return jnp.clip(value, -baroreflex.BOUND[name], baroreflex.BOUND[name])
