"""Gas exchange between ventilated lung, blood and tissue: shunt, low and normal ventilation-perfusion, body stores.

Two lung compartments with gas volumes of their own (``matched`` and ``low``: less ventilation than blood) and a
shunt; a venous blood pool; for carbon dioxide two tissue pools with the volumes that set how slowly it settles.
One step is implicit in every pool, so any step length is stable, and each flow leaves one pool and enters another: what
was breathed in and consumed accounts for the change of what is stored.

Flows L/min (gas at body conditions, blood), pressures mmHg, contents mL (STPD) per dL, amounts mL (STPD), time min.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.physiology.blood_gas import DISSOLVED_OXYGEN, HUFNER, standard_saturation, standard_slope

Values = Float[Array, "..."]

DRY_PRESSURE = 713.0
"""mmHg: barometric 760 less water vapour 47 at 37 degC."""
MILLILITRES = 1000.0 / 863.0
"""mL (STPD) per litre of gas at body conditions and mmHg of partial pressure."""
CARBON_DIOXIDE_SLOPE = 4.7
"""mL/L/mmHg: content of blood per PCO2 near the working point (Farhi & Rahn, J Appl Physiol 1955;7:472). Taken as
constant, which keeps the store linear; the Haldane effect on it is left out."""
BLOOD_VENOUS = 0.8
"""Fraction of the blood volume whose gases are those of venous blood."""
FAST_TISSUE, FAST_SLOPE = 4.52, 4.3
"""L of heart, brain, splanchnic and other well perfused tissue (Albanese et al., Am J Physiol Heart 2016;310:H899), and
mL/L/mmHg of carbon dioxide in it (assumed, with the next two chosen to lose 2.1 L in 12 min of hyperventilation)."""
MUSCLE_TISSUE, MUSCLE_SLOPE = 31.2, 2.5
"""L of muscle (Albanese 2016) and mL/L/mmHg of carbon dioxide in it (assumed)."""
MUSCLE_FLOW_SHARE = 0.9 / 5.2
"""Fraction of the cardiac output through muscle at rest (Albanese 2016)."""
MUSCLE_PRODUCTION_SHARE = 43.344 / 206.9
"""Fraction of carbon dioxide that muscle at rest makes (Albanese 2016)."""
EXTRACTION_LIMIT = 1.2
"""mL/dL: venous oxygen content at which tissue gets half of the oxygen it wants (assumed; extraction of about 90 %)."""

NEWTON_STEPS = 6
"""Iterations of the oxygen balance: from any start that the tests draw, the remainder is below 1e-6 of the flow."""


class Stores(NamedTuple):
    """What is stored: alveolar pressures of the two compartments, venous oxygen content, pools of carbon dioxide.

    oxygen_matched, oxygen_low                       mmHg
    venous_oxygen                                    mL/dL
    carbon_dioxide_matched, carbon_dioxide_low       mmHg
    venous_carbon_dioxide, fast_tissue, muscle       mmHg
    """

    oxygen_matched: Values
    oxygen_low: Values
    venous_oxygen: Values
    carbon_dioxide_matched: Values
    carbon_dioxide_low: Values
    venous_carbon_dioxide: Values
    fast_tissue: Values
    muscle: Values


class Exchange(NamedTuple):
    """What acts on the stores during one step.

    inspired_oxygen, inspired_carbon_dioxide  mmHg, moist
    ventilation          L/min, alveolar (dead space taken off), both compartments
    low_ventilation, low_perfusion            share of ventilation, and of the blood that is not shunted, of ``low``
    shunt                fraction of the cardiac output that meets no ventilated lung (0-1)
    flow                 L/min, cardiac output
    gas_volume           L, lung gas at end-expiration
    blood_volume         L
    haemoglobin          g/dL
    curve_shift          ln of the shift of the oxygen curve (pH and temperature), matched lung and arterial blood
    oxygen_consumption, carbon_dioxide_production   mL (STPD)/min
    """

    inspired_oxygen: Values
    inspired_carbon_dioxide: Values
    ventilation: Values
    low_ventilation: Values
    low_perfusion: Values
    shunt: Values
    flow: Values
    gas_volume: Values
    blood_volume: Values
    haemoglobin: Values
    curve_shift: Values
    oxygen_consumption: Values
    carbon_dioxide_production: Values


class Blood(NamedTuple):
    """What a step did: contents mL/dL, pressures mmHg, flows mL (STPD)/min at the end of the step.

    oxygen_uptake, carbon_dioxide_output  net across the mouth; oxygen_used what tissue could extract
    """

    arterial_oxygen: Values
    venous_oxygen: Values
    arterial_carbon_dioxide: Values
    alveolar_carbon_dioxide: Values
    alveolar_oxygen: Values
    oxygen_uptake: Values
    carbon_dioxide_output: Values
    oxygen_used: Values


class Arterial(NamedTuple):
    """Blood and alveolar gas at one instant: contents mL/dL, pressures mmHg."""

    arterial_oxygen: Values
    venous_oxygen: Values
    arterial_carbon_dioxide: Values
    alveolar_carbon_dioxide: Values
    alveolar_oxygen: Values


class _Compartment(NamedTuple):
    ventilation: Values
    perfusion: Values
    volume: Values


def _compartments(e: Exchange) -> tuple[_Compartment, _Compartment]:
    through = (1.0 - e.shunt) * e.flow
    low = _Compartment(e.low_ventilation * e.ventilation, e.low_perfusion * through, e.low_perfusion * e.gas_volume)
    matched = _Compartment(e.ventilation - low.ventilation, through - low.perfusion, e.gas_volume - low.volume)
    return matched, low


def step(stores: Stores, e: Exchange, minutes: Values) -> tuple[Stores, Blood]:
    """The stores after ``minutes`` with everything in ``e`` held constant, and what flowed.

    Oxygen: per compartment the implicit balance

        c (P - P0)/dt = gI PIO2 - gE P - 10 q (Cc(P) - Cv),    gE = gI - (k / 713)(net gas uptake)

    with nitrogen in balance, and of blood 10 Vb (Cv - Cv0)/dt = (uptake of both) - VO2(Cv).
    Carbon dioxide: linear pools, solved together. Source of the balances: West & Wagner in Bioengineering Aspects of
    the Lung 1977, p 361; alveolar gas equation of Fenn, Rahn & Otis, Am J Physiol 1946;146:637.
    """
    carbon, arterial_co2, out_co2, fluxes = _carbon_dioxide(stores, e, minutes)
    matched, low = _compartments(e)
    lungs = (
        _oxygen_lung(matched, stores.oxygen_matched, e, minutes, fluxes[0]),
        _oxygen_lung(low, stores.oxygen_low, e, minutes, fluxes[1]),
    )
    start = (stores.oxygen_matched, stores.oxygen_low)
    pressures, uptakes, end_capillary, venous, used = _oxygen(lungs, start, stores.venous_oxygen, e, minutes)
    through = jnp.maximum(e.flow, 1e-6)
    content = (matched.perfusion * end_capillary[0] + low.perfusion * end_capillary[1]) / through
    arterial = content + e.shunt * venous
    into = uptakes[0][1] + uptakes[1][1]
    alveolar = (matched.ventilation * pressures[0] + low.ventilation * pressures[1]) / jnp.maximum(e.ventilation, 1e-6)
    mixed = matched.ventilation * carbon.carbon_dioxide_matched + low.ventilation * carbon.carbon_dioxide_low
    after = carbon._replace(oxygen_matched=pressures[0], oxygen_low=pressures[1], venous_oxygen=venous)
    expired = mixed / jnp.maximum(e.ventilation, 1e-6)
    return after, Blood(arterial, venous, arterial_co2, expired, alveolar, into, out_co2, used)


def blood(stores: Stores, e: Exchange) -> Arterial:
    """Arterial and alveolar gas that belong to these stores under ``e``: blood mixes what it met."""
    matched, low = _compartments(e)
    flow = jnp.maximum(e.flow, 1e-6)
    shift, bound = jnp.exp(e.curve_shift), HUFNER * e.haemoglobin

    def content(P: Values) -> Values:
        return bound * standard_saturation(P / shift) + DISSOLVED_OXYGEN * P

    def mixed(of_matched: Values, of_low: Values, of_venous: Values) -> Values:
        return (matched.perfusion * of_matched + low.perfusion * of_low) / flow + e.shunt * of_venous

    def expired(of_matched: Values, of_low: Values) -> Values:
        return e.low_ventilation * of_low + (1.0 - e.low_ventilation) * of_matched

    return Arterial(
        mixed(content(stores.oxygen_matched), content(stores.oxygen_low), stores.venous_oxygen),
        stores.venous_oxygen,
        mixed(stores.carbon_dioxide_matched, stores.carbon_dioxide_low, stores.venous_carbon_dioxide),
        expired(stores.carbon_dioxide_matched, stores.carbon_dioxide_low),
        expired(stores.oxygen_matched, stores.oxygen_low),
    )


class _OxygenLung(NamedTuple):
    """Constants of one compartment's oxygen balance over a step."""

    store: Values  # mL/mmHg/min: c / dt
    inspired: Values  # gI, mL/min/mmHg
    perfusion: Values  # 10 q, dL/min
    excretion: Values  # mL/min of carbon dioxide into the gas
    bound: Values  # mL/dL at full saturation
    shift: Values  # exp of the curve's shift
    intake: Values  # mL/min: gI PIO2


def _oxygen_lung(c: _Compartment, start: Values, e: Exchange, minutes: Values, excretion: Values) -> _OxygenLung:
    g = MILLILITRES * c.ventilation
    store = MILLILITRES * c.volume / minutes
    bound = HUFNER * e.haemoglobin
    return _OxygenLung(store, g, 10.0 * c.perfusion, excretion, bound, jnp.exp(e.curve_shift), g * e.inspired_oxygen)


def _content(P: Values, lung: _OxygenLung) -> tuple[Values, Values]:
    """Content (mL/dL) at PO2 ``P`` and its slope per mmHg."""
    standard = P / lung.shift
    value = lung.bound * standard_saturation(standard) + DISSOLVED_OXYGEN * P
    return value, lung.bound * standard_slope(standard) / lung.shift + DISSOLVED_OXYGEN


def _expired(P: Values, content: Values, venous: Values, lung: _OxygenLung) -> Values:
    """gE: expired ventilation differs from inspired by the net uptake of gas; never reversed."""
    taken = lung.perfusion * (content - venous) - lung.excretion
    return jnp.maximum(lung.inspired - taken / DRY_PRESSURE, 0.02 * lung.inspired)


class _Residual(NamedTuple):
    """One compartment's balance at a trial: what is left over, its slopes by alveolar pressure and by venous
    content."""

    error: Values
    by_pressure: Values
    given: Values  # mL/min into blood
    given_by_pressure: Values


def _residual(P: Values, before: Values, venous: Values, lung: _OxygenLung) -> _Residual:
    content, slope = _content(P, lung)
    expired = _expired(P, content, venous, lung)
    given = lung.perfusion * (content - venous)
    error = lung.store * (P - before) + expired * P + given - lung.intake
    by_pressure = lung.store + expired + lung.perfusion * slope * (1.0 - P / DRY_PRESSURE) + 1e-12
    return _Residual(error, by_pressure, given, lung.perfusion * slope)


def _newton(lungs, start, venous_before, capacity, wanted, e):
    """Both alveolar pressures and the venous content at the end of the step, by Newton on the three balances together.

    The system is an arrow: each lung meets the other only through venous blood, so one division solves it. Pressures
    are kept from falling by more than 70 % at once, where the oxygen curve bends.
    """
    most = 1.6 * HUFNER * e.haemoglobin + 3.0

    def iterate(_, trial):
        pressures, venous = trial
        parts = [_residual(P, before, venous, lung) for P, before, lung in zip(pressures, start, lungs, strict=True)]
        used, used_slope = _consumption(venous, wanted)
        error = capacity * (venous - venous_before) - sum(r.given for r in parts) + used
        slope = capacity + used_slope + sum(lung.perfusion for lung in lungs)
        for r, lung, P in zip(parts, lungs, pressures, strict=True):
            by_venous = -lung.perfusion * (1.0 - P / DRY_PRESSURE)
            error = error + r.given_by_pressure * r.error / r.by_pressure
            slope = slope + r.given_by_pressure * by_venous / r.by_pressure
        change = -error / slope
        moved = tuple(
            jnp.clip(
                P - (r.error - lung.perfusion * (1.0 - P / DRY_PRESSURE) * change) / r.by_pressure,
                0.3 * P,
                DRY_PRESSURE,
            )
            for r, lung, P in zip(parts, lungs, pressures, strict=True)
        )
        return moved, jnp.clip(venous + change, jnp.minimum(0.02, 0.5 * venous), most)

    return jax.lax.fori_loop(0, NEWTON_STEPS, iterate, (tuple(start), venous_before))


def _oxygen(lungs, start, venous_before, e, minutes):
    """Alveolar pressures, (rate stored, net intake) per lung, end-capillary contents, venous content, oxygen used."""
    capacity = 10.0 * BLOOD_VENOUS * e.blood_volume / minutes
    pressures, venous = _newton(lungs, start, venous_before, capacity, e.oxygen_consumption, e)
    uptakes, contents, given = [], [], 0.0
    for P, before, lung in zip(pressures, start, lungs, strict=True):
        content, _ = _content(P, lung)
        net = lung.intake - _expired(P, content, venous, lung) * P
        stored = lung.store * (P - before)
        given = given + net - stored
        uptakes.append((stored, net))
        contents.append(content)
    used, _ = _consumption(venous, e.oxygen_consumption)
    # What left the lungs and was not used is in the blood: the account closes whatever Newton left over, and where that
    # would leave blood with less than nothing (or more than it can carry) tissue had the difference.
    most = HUFNER * e.haemoglobin + DISSOLVED_OXYGEN * DRY_PRESSURE
    after = jnp.clip(venous_before + (given - used) / capacity, 0.0, jnp.maximum(most, venous_before))
    return pressures, uptakes, contents, after, given + capacity * (venous_before - after)


def extraction(venous_oxygen: Values) -> Values:
    """Share of the wanted oxygen (0-1) that tissue gets from blood which it leaves with this content (mL/dL).

    Example: 1.00 at 12 mL/dL, 0.5 at EXTRACTION_LIMIT.
    """
    return _consumption(venous_oxygen, jnp.ones_like(venous_oxygen))[0]


def _consumption(venous: Values, wanted: Values) -> tuple[Values, Values]:
    """Oxygen that tissue extracts (mL/min) and its slope: all it wants, until venous blood is nearly empty."""
    C = jnp.maximum(venous, 0.0)
    square, limit = C * C, EXTRACTION_LIMIT**4
    fourth = square * square
    return wanted * fourth / (fourth + limit), wanted * 4.0 * C * square * limit / jnp.square(fourth + limit)


def _carbon_dioxide(stores: Stores, e: Exchange, minutes: Values):
    """The pools of carbon dioxide after the step, PaCO2, output (mL/min), and what each compartment received."""
    matched, low = _compartments(e)
    B = CARBON_DIOXIDE_SLOPE
    flow = jnp.maximum(e.flow, 1e-6)
    # Each pool is affine in the venous pressure Pv at the end of the step: P = a + b Pv.
    a_pools, b_pools = [], []
    for c, before in ((matched, stores.carbon_dioxide_matched), (low, stores.carbon_dioxide_low)):
        store, g = MILLILITRES * c.volume / minutes, MILLILITRES * c.ventilation
        below = store + g + B * c.perfusion + 1e-12
        a_pools.append((store * before + g * e.inspired_carbon_dioxide) / below)
        b_pools.append(B * c.perfusion / below)
    a = (matched.perfusion * a_pools[0] + low.perfusion * a_pools[1]) / flow
    b = (matched.perfusion * b_pools[0] + low.perfusion * b_pools[1]) / flow + e.shunt
    tissues = []
    for capacity, share, made, before in (
        (FAST_TISSUE * FAST_SLOPE, 1.0 - MUSCLE_FLOW_SHARE, 1.0 - MUSCLE_PRODUCTION_SHARE, stores.fast_tissue),
        (MUSCLE_TISSUE * MUSCLE_SLOPE, MUSCLE_FLOW_SHARE, MUSCLE_PRODUCTION_SHARE, stores.muscle),
    ):
        store, conductance = capacity / minutes, B * share * flow
        below = store + conductance
        tissues.append(
            (
                (store * before + made * e.carbon_dioxide_production + conductance * a) / below,
                conductance * b / below,
                conductance,
            )
        )
    store = BLOOD_VENOUS * e.blood_volume * B / minutes
    above = store * stores.venous_carbon_dioxide + sum(c * ta for ta, _, c in tissues)
    venous = above / (store + B * flow - sum(c * tb for _, tb, c in tissues))
    gas = [a_pools[i] + b_pools[i] * venous for i in range(2)]
    fluxes = [B * c.perfusion * (venous - gas[i]) for i, c in enumerate((matched, low))]
    output = sum(
        MILLILITRES * c.ventilation * (gas[i] - e.inspired_carbon_dioxide) for i, c in enumerate((matched, low))
    )
    after = stores._replace(
        carbon_dioxide_matched=gas[0],
        carbon_dioxide_low=gas[1],
        venous_carbon_dioxide=venous,
        fast_tissue=tissues[0][0] + tissues[0][1] * venous,
        muscle=tissues[1][0] + tissues[1][1] * venous,
    )
    return after, a + b * venous, output, fluxes


def oxygen_stored(stores: Stores, e: Exchange) -> Values:
    """mL (STPD) of oxygen in lung gas and venous blood."""
    matched, low = _compartments(e)
    gas = MILLILITRES * (matched.volume * stores.oxygen_matched + low.volume * stores.oxygen_low)
    return gas + 10.0 * BLOOD_VENOUS * e.blood_volume * stores.venous_oxygen


def carbon_dioxide_stored(stores: Stores, e: Exchange) -> Values:
    """mL (STPD) of carbon dioxide in lung gas, venous blood and tissue, above none."""
    matched, low = _compartments(e)
    gas = MILLILITRES * (matched.volume * stores.carbon_dioxide_matched + low.volume * stores.carbon_dioxide_low)
    blood = BLOOD_VENOUS * e.blood_volume * CARBON_DIOXIDE_SLOPE * stores.venous_carbon_dioxide
    return gas + blood + FAST_TISSUE * FAST_SLOPE * stores.fast_tissue + MUSCLE_TISSUE * MUSCLE_SLOPE * stores.muscle


def typical_stores(like: Values) -> Stores:
    """Stores of a healthy adult at rest, in the shape of ``like``: a start from which a few hours reach any steady
    state."""
    one = jnp.ones_like(like)
    return Stores(100.0 * one, 60.0 * one, 15.0 * one, 40.0 * one, 44.0 * one, 46.0 * one, 46.0 * one, 47.0 * one)
