"""What acts on the gas stores of one particle now: ventilation, dead space, shunt, metabolism.

Nitrogen is always in balance.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.physiology import (
    blood_gas,
    circulation,
    fluids,
    gas_exchange,
    kidney,
    lung,
)
from caretwin.models.physiology.bedside_state import Settings, State
from caretwin.models.physiology.breath import Breath
from caretwin.models.physiology.elementary import power
from caretwin.models.physiology.individual import Values
from caretwin.models.physiology.parameters import Body
from caretwin.models.physiology.present_breath import regulated_rate
from caretwin.models.physiology.temperature import warmth

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


def base_excess_now(v: Values, x: State) -> Float[Array, ""]:
    """mmol/L: the person's own, less the lactate above the usual."""
    return v.base_excess - (x.kidney.lactate - kidney.USUAL_LACTATE)


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


def hypoxic_response(stores: gas_exchange.Stores, haemoglobin):
    """0-1: constriction of unventilated lung, whose alveoli hold the oxygen pressure of mixed venous blood.

    r = PS^-2.616 / (6.683e-5 + PS^-2.616), PS = PvO2 (Marshall 1994, with PAO2 = PvO2).
    """
    venous = blood_gas.oxygen_pressure_at(jnp.clip(stores.venous_oxygen / (blood_gas.HUFNER * haemoglobin), 0.02, 0.98))
    steep = power(jnp.maximum(venous, 1.0), -2.616)
    return steep / (6.683e-5 + steep)


def without_gas(v: Values, x: State) -> Float[Array, ""]:
    """0-1: lung tissue that holds no gas now, as a CT would show it: collapsed, or never ventilated.

    What is never ventilated is known by the blood that passes it, and is taken to get as much blood for its size as
    collapsed lung does (in sheep, shunt is 0.63-0.75 of the blood where gas is below a tenth: Vidal Melo, Musch et al.,
    Am J Respir Crit Care Med 2008;177:292, doi:10.1164/rccm.200703-484OC).
    """
    consolidated = jnp.clip(v.shunt / COLLAPSED_PERFUSION, 0.0, 1.0)
    return 1.0 - (1.0 - consolidated) * (1.0 - v.collapsible * (1.0 - x.open_fraction))
