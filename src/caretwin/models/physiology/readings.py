"""Everything a monitor, a ventilator or a laboratory would show of the twin, with names and units: for tables."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.physiology import bedside_channels, coupling, fluids, gas_exchange, kidney, vasoactive
from caretwin.models.physiology.bedside_state import Settings, State
from caretwin.models.physiology.cardiorespiratory import Cardiorespiratory
from caretwin.models.physiology.individual import individual

UNITS = {
    "heart_rate": "per_min", "mean_arterial_pressure": "mmHg", "pulse_pressure": "mmHg",
    "central_venous_pressure": "mmHg", "oxygen_saturation": "percent", "respiratory_rate": "per_min",
    "arterial_oxygen_pressure": "mmHg", "arterial_carbon_dioxide_pressure": "mmHg", "arterial_ph": "",
    "arterial_saturation": "percent", "end_tidal_carbon_dioxide": "mmHg", "plateau_pressure": "cmH2O",
    "peak_pressure": "cmH2O", "mean_airway_pressure": "cmH2O", "tidal_volume": "mL", "lactate": "mmol_per_L",
    "haemoglobin": "g_per_dL", "creatinine": "mg_per_dL", "urine_output": "mL_per_h", "cardiac_output": "L_per_min",
    "central_venous_saturation": "percent", "non_aerated_tissue_fraction": "percent",
}  # fmt: skip
"""Unit of each channel as a column shows it; tidal volume is shown in mL, tissue in percent. No aim of staff."""
MORE = {
    "systolic_pressure": "mmHg", "diastolic_pressure": "mmHg", "stroke_volume": "mL",
    "systemic_vascular_resistance": "mmHg_s_per_mL", "mean_systemic_filling_pressure": "mmHg",
    "driving_pressure": "cmH2O", "total_peep": "cmH2O", "intrinsic_peep": "cmH2O", "static_compliance": "mL_per_cmH2O",
    "airway_resistance": "cmH2O_s_per_L", "minute_ventilation": "L_per_min", "alveolar_ventilation": "L_per_min",
    "mechanical_power": "J_per_min", "shunt_fraction": "percent", "oxygenation_ratio": "mmHg",
    "open_lung_fraction": "percent", "bicarbonate": "mmol_per_L", "base_excess": "mmol_per_L",
    "oxygen_consumption": "mL_per_min", "carbon_dioxide_production": "mL_per_min", "carbon_dioxide_output":
    "mL_per_min", "oxygen_delivery": "mL_per_min",
    "blood_volume": "L", "norepinephrine_plasma": "ug_per_L",
}  # fmt: skip
"""Unit of what is computed besides the channels. Oxygenation ratio: PaO2 over the inspired fraction (P/F)."""
COLUMNS = tuple(f"{name}_{unit}" if unit else name for name, unit in (UNITS | MORE).items())


class Readings(NamedTuple):
    """Values [R] in the order of :data:`COLUMNS`."""

    values: Float[Array, " R"]


def readings(model: Cardiorespiratory, phi: object, x: State, u: Settings) -> Readings:
    """What would be read at this instant; for one particle.

    phi  individual of the model; x, u  state and settings
    Stroke volume is output over rate; systolic is the mean pressure plus two thirds of the pulse pressure, diastolic a
    third below it.
    """
    theta, body = phi  # type: ignore[misc]
    values = individual(theta, x.wander, x.flutter, body)
    now = coupling.present(values, body, x, u)
    seen = dict(zip(bedside_channels.CHANNELS, bedside_channels.channels(now, x, u), strict=True))
    flow, breath, gas, exchange = now.flow, now.breath, now.gas, now.exchange
    seen["tidal_volume"] = 1000.0 * seen["tidal_volume"]
    seen["non_aerated_tissue_fraction"] = 100.0 * seen["non_aerated_tissue_fraction"]
    pulse = seen["pulse_pressure"]
    gradient = flow.arterial_pressure - flow.venous_pressure
    seen |= {
        "systolic_pressure": flow.arterial_pressure + 2.0 / 3.0 * pulse,
        "diastolic_pressure": flow.arterial_pressure - pulse / 3.0,
        "stroke_volume": 1000.0 * flow.cardiac_output / now.heart_rate,
        "systemic_vascular_resistance": 0.06 * gradient / jnp.maximum(flow.cardiac_output, 1e-6),
        "mean_systemic_filling_pressure": flow.filling_pressure,
        "driving_pressure": breath.driving_pressure,
        "total_peep": breath.total_peep,
        "intrinsic_peep": breath.intrinsic_peep,
        "static_compliance": 1000.0 * breath.tidal_volume / jnp.maximum(breath.driving_pressure, 1e-6),
        "airway_resistance": values.resistance,
        "minute_ventilation": breath.minute_ventilation,
        "alveolar_ventilation": exchange.ventilation,
        "mechanical_power": breath.mechanical_power,
        "shunt_fraction": 100.0 * exchange.shunt,
        "oxygenation_ratio": gas.oxygen_pressure / u.fio2,
        "open_lung_fraction": 100.0 * (1.0 - values.collapsible * (1.0 - x.open_fraction)),
        "bicarbonate": gas.bicarbonate,
        "base_excess": values.base_excess - (x.kidney.lactate - kidney.USUAL_LACTATE),
        "oxygen_consumption": exchange.oxygen_consumption * gas_exchange.extraction(x.stores.venous_oxygen),
        "carbon_dioxide_production": exchange.carbon_dioxide_production,
        "carbon_dioxide_output": gas_exchange.MILLILITRES
        * exchange.ventilation
        * (now.arterial.alveolar_carbon_dioxide - u.inspired_carbon_dioxide),
        "oxygen_delivery": 10.0 * flow.cardiac_output * gas.oxygen_content,
        "blood_volume": fluids.blood_volume(x.volumes),
        "norepinephrine_plasma": x.drugs.central + vasoactive.ENDOGENOUS,
    }
    return Readings(jnp.stack([jnp.asarray(seen[name], x.arterial.dtype) for name in UNITS | MORE]))
