"""How lung, gases, circulation, drugs, fluids and kidney act on each other: the present, and one implicit part of time.

Cycle-averaged: nothing beats or breathes, every breath and every heart cycle is in closed form, and each store is
advanced implicitly. Everything is for one particle. Limits: no pulsatile waves, no left-right asymmetry, no valve
disease, no arrhythmia, no renal replacement, nitrogen always in balance.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.physiology import (
    baroreflex,
    blood_gas,
    circulation,
    fluids,
    gas_exchange,
    kidney,
    lung,
    vasoactive,
)
from caretwin.models.physiology import respiratory_drive as drive_
from caretwin.models.physiology.bedside_state import Now, Settings, State
from caretwin.models.physiology.breath import Breath, Lung, one_breath, spontaneous_inspiratory_fraction
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
LARGEST_SUCTION = 25.0
"""cmH2O below the reference to which the mean pressure around the heart follows effort: veins collapse beyond
(assumed)."""
STRONGEST_EFFORT = 60.0
"""cmH2O of the respiratory muscles, breath after breath (assumed; a single maximal effort reaches 80-120)."""
WITHOUT_OXYGEN = 0.15
"""Of cardiac function, what is left when tissue gets no oxygen (assumed; above nothing, so that the lung can still be
filled with oxygen and the heart come back)."""
HIGHEST_FILLING = 70.0
"""mmHg that the circulation reaches with everything stopped, however much is given: vessels stiffen and leak
(assumed)."""
HIGHEST_RATE = 60.0
"""1/min that any breathing reaches (assumed)."""
HIGHEST_PRESSURE = 60.0
"""cmH2O in the lung at which a ventilator ends a breath whatever volume is set (assumed limit)."""
STIFFENING_ROUNDS = 4
"""After which elastance at a set pressure is within 0.4 % (1 % above 45 cmH2O) of that at the volume it brings, for all
severities and PEEP 0 to 20 (measured)."""
RELIEF = 0.4
"""Of that resistance, what a fall below the reference takes away: veins that are open cannot open much more
(assumed)."""
RIGHT_AFTERLOAD = 0.002
"""Per cmH2O of mean airway pressure: fall of cardiac function by pulmonary vascular resistance (assumed, as above)."""
LEFT_AFTERLOAD = 0.15
"""Exponent with which cardiac function falls as arterial pressure rises (assumed)."""
AIRWAY_DEAD_SPACE = 0.002
"""L/kg predicted weight (Levitzky, Pulmonary Physiology)."""
COLLAPSED_PERFUSION = 0.75
"""Blood through collapsed lung, of its share by size, before hypoxic vasoconstriction (assumed)."""
WASTED = 0.10
"""Largest share of alveolar ventilation that over-distension turns into dead space (assumed)."""
SQUEEZED = 0.25
"""Largest relative rise of the vessel resistance of open lung by over-distension: it sends blood to collapsed lung, so
that PEEP that recruits nothing raises shunt and dead space together, as in 4 of 12 patients of Karbing et al., Crit
Care 2020;24:111 (assumed size)."""
LEAST_BLOOD = 0.3
"""L of blood that gas stores count at least: beyond the end of life, and only so that no number becomes impossible."""
AIRWAY_CLOSURE = 1.0
"""Lung with low ventilation beside collapsed lung, of the size of that (assumed: under anaesthesia atelectasis and
airway closure together explain three quarters of the fall of oxygenation, Rothen et al., Br J Anaesth 1998;81:681)."""
LARGEST_VASOCONSTRICTION = 2.15
"""Vessel resistance of hypoxic lung rises to 3.15 times (Marshall et al., Respir Physiol 1994;96:231)."""
OXYGEN_PER_CARBON_DIOXIDE = 1.0 / 0.82
"""Respiratory quotient 0.82 (assumed: mixed feeding)."""
BLOOD_PER_KG = {0: 0.070, 1: 0.065}  # L/kg, men and women


def usual_blood(body: Body) -> Float[Array, ""]:
    """L: 70 (men) or 65 (women) mL per kg of a weight that counts overweight by half."""
    return counted_weight(body) * (BLOOD_PER_KG[0] + (BLOOD_PER_KG[1] - BLOOD_PER_KG[0]) * body.female)


def breath_now(v: Values, body: Body, x: State, u: Settings) -> Breath:
    """The breath under these settings: the ventilator's, the patient's, or both."""
    aerated = 1.0 - v.collapsible * (1.0 - x.open_fraction)
    alone = u.mode < 0.5
    volume_set = (jnp.abs(u.mode - 1.0) < 0.5) | (jnp.abs(u.mode - 3.0) < 0.5) | (jnp.abs(u.mode - 5.5) < 1.0)
    soft = v.compliance * aerated
    start = jnp.where(alone, 0.0, u.peep)
    above = jnp.where(alone, 0.0, jnp.where(volume_set, u.tidal_volume / soft, u.pressure))
    stiffer = _stiffer(start, above, volume_set | alone, v.collapsible)
    compliance = soft / stiffer
    tube = jnp.where(alone, 0.3, 1.0)
    mechanics = Lung(compliance, v.resistance * tube, 1.2 * v.resistance * tube)
    awake = awake_now(v, body, x, u)
    own = own_rate_now(v, body, x, u)
    assisted = alone | (u.mode > 3.5)
    triggered = jnp.maximum(u.rate, own)
    rate = jnp.clip(
        jnp.where(alone | (jnp.abs(u.mode - 4.0) < 0.5), jnp.maximum(own, 1e-3), triggered), 1e-3, HIGHEST_RATE
    )
    effort = (
        awake
        * jnp.minimum(drive_.kept_up(v.effort, x.drive.effort), STRONGEST_EFFORT)
        * jnp.where(assisted, jnp.where(alone, 1.0, 0.5), 0.0)
    )
    fraction = jnp.where(
        (u.inspiratory_fraction > 0.0) & ~assisted,
        u.inspiratory_fraction,
        spontaneous_inspiratory_fraction(jnp.where(assisted, rate, 16.0)),
    )
    # What is trapped counts too: plateau = PEEP + VT / (C (1 - exp(-te / Re C))).
    emptied = -jnp.expm1(-60.0 / rate * (1.0 - fraction) / (mechanics.expiratory_resistance * compliance))
    room = compliance * emptied * jnp.maximum(HIGHEST_PRESSURE - u.peep, 1.0)
    return one_breath(
        mechanics,
        jnp.where(alone, 4.0, u.mode),
        tidal_volume=jnp.clip(u.tidal_volume, 0.0, room),
        pressure=jnp.where(alone, 0.0, u.pressure),
        rate=rate,
        inspiratory_fraction=fraction,
        peep=jnp.where(alone, 0.0, u.peep),
        effort=effort,
    )


def _stiffer(start: Float[Array, ""], above: Float[Array, ""], known: Array, collapsible) -> Float[Array, ""]:
    """Factor by which over-distension stiffens the lung, in every mode as in one where the volume is set.

    start  cmH2O before inspiration
    above  cmH2O that inspiration adds: without stiffening where ``known`` (volume is set), else as it is (pressure is)
    :func:`lung.stiffening` asks for the pressure x without stiffening. Of a real one x s(x) = above is solved; a round
    takes the mean of the logarithms of x and above / s(x), which converges while s grows with less than the cube of x.
    """
    x = above
    for _ in range(STIFFENING_ROUNDS):
        s = lung.stiffening(start, jnp.minimum(start + x, HIGHEST_PRESSURE), collapsible)
        x = jnp.where(known, above, jnp.sqrt(x * above / s))
    return lung.stiffening(start, jnp.minimum(start + x, HIGHEST_PRESSURE), collapsible)


def awake_now(v: Values, body: Body, x: State, u: Settings) -> Float[Array, ""]:
    """0-1: what sedation and muscle relaxants leave of the drive to breathe."""
    return (1.0 - u.relaxed) * (1.0 - vasoactive.effects(x.drugs, v.pressor_half, body.weight).sedation)


def own_rate_now(v: Values, body: Body, x: State, u: Settings) -> Float[Array, ""]:
    """1/min: breaths that the patient would take; the ventilator may add to them."""
    awake = awake_now(v, body, x, u)
    return drive_.kept_up(v.own_rate, x.drive.rate) * (0.4 + 0.6 * awake) * (1.0 - u.relaxed)


def _envelope(v: Values, u: Settings, breath: Breath) -> lung.Envelope:
    recoil = jnp.where(u.mode < 0.5, lung.SPONTANEOUS_RECOIL, 0.0)
    bottom = lung.superimposed(v.collapsible)
    return lung.envelope(breath.plateau_pressure + recoil, breath.total_peep + recoil, v.opening_shift, bottom)


def present(v: Values, body: Body, x: State, u: Settings) -> Now:
    """Breath, circulation and gases at this instant."""
    breath = breath_now(v, body, x, u)
    flow, rate = circulation_now(v, body, x, u, breath, x.signals)
    exchange = exchange_now(v, body, x, u, breath, flow)
    arterial = gas_exchange.blood(x.stores, exchange)
    gas = blood_gas.blood_from_contents(
        arterial.arterial_oxygen,
        arterial.arterial_carbon_dioxide,
        base_excess_now(v, x),
        exchange.haemoglobin,
        u.temperature,
    )
    bounds = _envelope(v, u, breath)
    return Now(breath, exchange, flow, rate, arterial, gas, v, bounds)


def base_excess_now(v: Values, x: State) -> Float[Array, ""]:
    """mmol/L: the person's own, less the lactate above the usual."""
    return v.base_excess - (x.kidney.lactate - kidney.USUAL_LACTATE)


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


def exchange_now(v: Values, body: Body, x: State, u: Settings, breath: Breath, flow: circulation.Flow):
    """What acts on the gas stores."""
    stretched = lung.over_distension(breath.plateau_pressure)
    conducting = AIRWAY_DEAD_SPACE * body.predicted_weight
    useful = 0.02 * jax.nn.softplus((breath.tidal_volume - conducting) / 0.02)
    dead = 1.0 - (1.0 - v.alveolar_dead_space) * (1.0 - WASTED * stretched)
    ventilation = regulated_rate(v, body, x, u) * jnp.minimum(useful, breath.tidal_volume) * (1.0 - dead)
    collapsed = v.collapsible * (1.0 - x.open_fraction)
    unventilated = 1.0 - (1.0 - v.shunt) * (1.0 - COLLAPSED_PERFUSION * collapsed)
    haemoglobin = fluids.haemoglobin(x.volumes)
    constricted = 1.0 + v.hypoxic_vasoconstriction * LARGEST_VASOCONSTRICTION * hypoxic_response(x.stores, haemoglobin)
    squeezed = 1.0 + SQUEEZED * stretched
    shunt = unventilated * squeezed / (unventilated * squeezed + (1.0 - unventilated) * constricted)
    low = 1.0 - (1.0 - v.low_perfusion) * (1.0 - AIRWAY_CLOSURE * collapsed)
    r = v.low_ratio
    warm = warmth(u.temperature).metabolism
    wanted = v.carbon_dioxide_production * warm * OXYGEN_PER_CARBON_DIOXIDE
    produced = v.carbon_dioxide_production * warm * gas_exchange.extraction(x.stores.venous_oxygen)
    rest = 0.020 * body.predicted_weight * (1.0 - collapsed)
    volume = rest + 0.8 * breath.tidal_volume / jnp.maximum(breath.driving_pressure, 1.0) * breath.total_peep
    ph_shift = blood_gas.curve_shift(
        60.0, 7.4 - 0.008 * (x.stores.carbon_dioxide_matched - 40.0) + 0.014 * base_excess_now(v, x), u.temperature
    )
    return gas_exchange.Exchange(
        u.fio2 * gas_exchange.DRY_PRESSURE,
        u.inspired_carbon_dioxide,
        ventilation,
        low * r / (low * r + (1.0 - low)),
        low,
        shunt,
        flow.cardiac_output,
        jnp.maximum(volume, 0.2),
        jnp.maximum(fluids.blood_volume(x.volumes), LEAST_BLOOD),
        haemoglobin,
        ph_shift,
        wanted,
        produced,
    )


def without_gas(v: Values, x: State) -> Float[Array, ""]:
    """0-1: lung tissue that holds no gas now, as a CT would show it: collapsed, or never ventilated.

    What is never ventilated is known by the blood that passes it, and is taken to get as much blood for its size as
    collapsed lung does (in sheep, shunt is 0.63-0.75 of the blood where gas is below a tenth: Vidal Melo, Musch et al.,
    Am J Respir Crit Care Med 2008;177:292, doi:10.1164/rccm.200703-484OC).
    """
    consolidated = jnp.clip(v.shunt / COLLAPSED_PERFUSION, 0.0, 1.0)
    return 1.0 - (1.0 - consolidated) * (1.0 - v.collapsible * (1.0 - x.open_fraction))


def regulated_rate(v: Values, body: Body, x: State, u: Settings) -> Float[Array, ""]:
    """1/min: the rate that gas stores see. A patient who breathes regulates it more tightly than the rate one counts;
    of breaths above a set rate only a share ventilates; where the ventilator sets the volume, effort changes nothing.
    """
    own = own_rate_now(v, body, x, u) * jnp.exp(-v.rate_unseen)
    above = jnp.maximum(own - u.rate, 0.0)
    alone, controlled = (u.mode < 0.5) | (jnp.abs(u.mode - 4.0) < 0.5), (u.mode > 0.5) & (u.mode < 3.5)
    rate = jnp.where(alone, own, u.rate + jnp.where(controlled, v.triggered_share, 1.0) * above)
    rate = jnp.clip(rate, 1e-3, HIGHEST_RATE)
    return jnp.where(controlled, rate, rate * jnp.exp(-v.depth_unseen))


def hypoxic_response(stores: gas_exchange.Stores, haemoglobin):
    """0-1: constriction of unventilated lung, whose alveoli hold the oxygen pressure of mixed venous blood.

    r = PS^-2.616 / (6.683e-5 + PS^-2.616), PS = PvO2 (Marshall 1994, with PAO2 = PvO2).
    """
    venous = blood_gas.oxygen_pressure_at(jnp.clip(stores.venous_oxygen / (blood_gas.HUFNER * haemoglobin), 0.02, 0.98))
    steep = power(jnp.maximum(venous, 1.0), -2.616)
    return steep / (6.683e-5 + steep)


def advance(v: Values, body: Body, x: State, u: Settings, minutes) -> State:
    """One implicit part of at most a minute or so: breath, lung, vessels, gases, fluids, kidney, in this order."""
    dtype = x.arterial.dtype
    breath = breath_now(v, body, x, u)
    bounds = _envelope(v, u, breath)
    x = x._replace(
        open_fraction=lung.open_fraction(x.open_fraction, bounds, minutes),
        drugs=vasoactive.distribute(x.drugs, u.infusions, body.weight, minutes, body.age),
    )
    blood_usual = usual_blood(body)
    # Pressure answers to the blood there is at the end of the part, not at its start; urine follows with the pressure.
    given = fluids.Given(u.crystalloid, u.colloid, u.red_cells, u.bleeding, jnp.zeros_like(x.arterial))
    ahead = x._replace(volumes=fluids.step(x.volumes, given, blood_usual, minutes)[0])
    signals, flow = _reflex(v, body, ahead, u, breath, minutes)
    set_point = baroreflex.reset(x.set_point, v.arterial_pressure, flow.arterial_pressure, minutes)
    x = x._replace(signals=signals, arterial=flow.arterial_pressure, set_point=set_point)
    exchange = exchange_now(v, body, x, u, breath, flow)
    stores, blood = gas_exchange.step(x.stores, exchange, minutes)
    filtration = kidney.filtration_share(flow.arterial_pressure, flow.venous_pressure)
    filling_signal = v.baroreflex * signals.cardiopulmonary
    urine = kidney.urine(filtration, v.urine_flow, x.volumes.plasma_excess, filling_signal)
    missing = 1.0 - blood.oxygen_used / exchange.oxygen_consumption
    given = given._replace(urine_above_usual=jnp.maximum(urine - v.urine_flow, 0.0) / 1000.0)
    volumes, _ = fluids.step(x.volumes, given, blood_usual, minutes)
    after = x._replace(
        stores=stores,
        volumes=volumes,
        drive=drive_.follow(
            x.drive,
            _arterial_oxygen_pressure(blood.arterial_oxygen, exchange),
            blood.arterial_carbon_dioxide,
            v.carbon_dioxide_set + drive_.metabolic_shift(base_excess_now(v, x)),
            v.chemoreflex * awake_now(v, body, x, u),
            minutes,
        ),
        kidney=kidney.step(
            x.kidney,
            v.filtration * filtration,
            v.creatinine_production,
            body.weight,
            v.lactate_production,
            missing,
            1.0 - stores.venous_oxygen / jnp.maximum(blood.arterial_oxygen, 1.0),
            minutes,
        ),
    )
    return jax.tree.map(lambda leaf: leaf.astype(dtype), after)


def _arterial_oxygen_pressure(content, exchange):
    bound = jnp.clip(content / (blood_gas.HUFNER * exchange.haemoglobin), 0.02, 0.985)
    return blood_gas.oxygen_pressure_at(bound) * jnp.exp(exchange.curve_shift)


def _reflex(v, body, x, u, breath, minutes):
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
