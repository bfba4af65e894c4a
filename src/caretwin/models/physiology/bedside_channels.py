"""What can be measured of the bedside model: its channels, their scales and their errors."""

import jax
import jax.numpy as jnp

from caretwin.models.physiology import blood_gas, circulation, kidney, lung
from caretwin.models.physiology.bedside_state import Now, Settings, State
from caretwin.models.physiology.present_exchange import WASTED, without_gas

CHANNELS = (
    "heart_rate", "mean_arterial_pressure", "pulse_pressure", "central_venous_pressure", "oxygen_saturation",
    "respiratory_rate", "arterial_oxygen_pressure", "arterial_carbon_dioxide_pressure", "arterial_ph",
    "arterial_saturation", "end_tidal_carbon_dioxide", "plateau_pressure", "peak_pressure", "mean_airway_pressure",
    "tidal_volume", "lactate", "haemoglobin", "creatinine", "urine_output", "cardiac_output",
    "central_venous_saturation", "non_aerated_tissue_fraction", "oxygenation_chosen", "ventilation_chosen",
)  # fmt: skip
LOGARITHMIC = frozenset(
    {
        "heart_rate", "mean_arterial_pressure", "pulse_pressure", "respiratory_rate", "arterial_oxygen_pressure",
        "arterial_carbon_dioxide_pressure",
        "end_tidal_carbon_dioxide", "tidal_volume", "lactate", "creatinine", "urine_output", "cardiac_output",
        "oxygenation_chosen", "ventilation_chosen",
    }
)  # fmt: skip
NOISE = {
    "heart_rate": 0.013, "mean_arterial_pressure": 0.06, "pulse_pressure": 0.10, "central_venous_pressure": 1.6,
    "oxygen_saturation": 0.5, "respiratory_rate": 0.09, "arterial_oxygen_pressure": 0.17,
    "arterial_carbon_dioxide_pressure": 0.032, "arterial_ph": 0.02, "arterial_saturation": 1.0,
    "end_tidal_carbon_dioxide": 0.08, "plateau_pressure": 1.2, "peak_pressure": 2.0, "mean_airway_pressure": 1.0,
    "tidal_volume": 0.10, "lactate": 0.10, "haemoglobin": 0.5, "creatinine": 0.06, "urine_output": 0.4,
    "cardiac_output": 0.12, "central_venous_saturation": 4.0, "non_aerated_tissue_fraction": 0.7,
    "oxygenation_chosen": 0.25, "ventilation_chosen": 0.1,
}  # fmt: skip
"""Scale of the measurement error (Student t, 4 degrees of freedom), in the channel's unit, in its logarithm, on the
oximeter's scale, or in the logit of a share. That of the lung without gas on a CT is an outline's (root mean square
error 0.62 on 21 phantoms with more than a tenth, standard error 0.61, see evidence/physiology/imaging) and 0.3 for the
tissue that a share of the blood does not tell (assumed). How much blood unventilated lung gets is personal, see
hypoxic_vasoconstriction."""
UNREST = {
    "heart_rate": "heart_rate", "mean_arterial_pressure": "arterial_pressure", "oxygen_saturation": "oximeter_bias",
    "respiratory_rate": "own_rate",
}  # fmt: skip
"""Channels whose scatter is a person's own, each with the parameter whose flutter scatters with it: the live twin
learns from a person's own past how much larger or smaller than usual the variance of both is (see
twin/bedside_twin.py)."""
LABORATORY = frozenset(
    {
        "arterial_oxygen_pressure",
        "arterial_carbon_dioxide_pressure",
        "arterial_ph",
        "haemoglobin",
        "creatinine",
        "lactate",
    }
)
DEGREES_OF_FREEDOM = {True: 20.0, False: 4.0}
"""Of the Student t: analysers rarely produce artefacts, monitors and charts do (assumed)."""

USUAL, ROOM = 98.0, 8.0
"""%: where a percent of the oximeter's scale is a percent of saturation, and how far above it that scale ends. What
keeps a saturation from 106 % varies in proportion, so that 98 +- 1 and 86 +- 2.5 are one step each: errors of oximeters
and effects of a shunt both grow so (chosen on CLIF demo stays, where values around 94 % scatter half as much again as
those around 99.5 %)."""

LEAST_SHARE = 0.005
"""Of the tissue: shares nearer to 0 or 1 are taken for this far from them (no outline is better)."""

_LOG = tuple(name in LOGARITHMIC for name in CHANNELS)
_LOGIT = tuple(name == "non_aerated_tissue_fraction" for name in CHANNELS)
_OXIMETER = tuple(name == "oxygen_saturation" for name in CHANNELS)
_BOUNDED = tuple(name in ("oxygen_saturation", "arterial_saturation", "central_venous_saturation") for name in CHANNELS)


def scaled(values):
    """Channels [..., C] on the scale where their error is additive."""
    values = jnp.where(jnp.array(_OXIMETER), oximeter_scale(values), values)
    share = jnp.clip(values, LEAST_SHARE, 1.0 - LEAST_SHARE)
    values = jnp.where(jnp.array(_LOGIT), jnp.log(share / (1.0 - share)), values)
    return jnp.where(jnp.array(_LOG), jnp.log(jnp.maximum(values, 1e-3)), values)


def unscaled(values):
    """Back from :func:`scaled`; a saturation above 100 % is 100 %."""
    natural = jnp.where(jnp.array(_LOG), jnp.exp(jnp.minimum(values, 20.0)), values)
    natural = jnp.where(jnp.array(_OXIMETER), from_oximeter_scale(values), natural)
    natural = jnp.where(jnp.array(_LOGIT), jax.nn.sigmoid(values), natural)
    return jnp.where(jnp.array(_BOUNDED), jnp.clip(natural, 0.0, 100.0), natural)


def oximeter_scale(saturation):
    """Saturation (%) on the scale where its errors are additive: 98 is 98, 94 is 94.8, 86 is 90.7, 100 is 100.3.

    >>> [round(float(oximeter_scale(s)), 1) for s in (86.0, 94.0, 98.0, 100.0)]
    [90.7, 94.8, 98.0, 100.3]
    """
    return USUAL - ROOM * jnp.log(jnp.maximum(USUAL + ROOM - saturation, 1e-3) / ROOM)


def from_oximeter_scale(value):
    """Saturation (%) from :func:`oximeter_scale`; it may lie above 100."""
    return USUAL + ROOM - ROOM * jnp.exp(jnp.minimum((USUAL - value) / ROOM, 20.0))


def channels(now: Now, x: State, u: Settings):
    """Expected value of every channel in the order of :data:`CHANNELS`, in its unit."""
    b, gas, v = now.breath, now.gas, now.values
    co = now.flow.cardiac_output
    filtration = kidney.filtration_share(now.flow.arterial_pressure, now.flow.venous_pressure)
    stretched = lung.over_distension(b.plateau_pressure)
    dead = 1.0 - (1.0 - v.alveolar_dead_space) * (1.0 - WASTED * stretched)
    venous = now.arterial.venous_oxygen / (blood_gas.HUFNER * now.exchange.haemoglobin)
    saturation = 100.0 * gas.saturation
    return (
        now.heart_rate,
        now.flow.arterial_pressure,
        circulation.pulse_pressure(
            co, now.heart_rate, v.arterial_compliance, now.flow.arterial_pressure, v.arterial_pressure
        ),
        now.flow.venous_pressure,
        jnp.clip(from_oximeter_scale(oximeter_scale(saturation) + v.oximeter_bias), 0.0, 100.0),
        b.rate,
        gas.oxygen_pressure,
        gas.carbon_dioxide_pressure,
        gas.ph,
        saturation,
        now.arterial.alveolar_carbon_dioxide * (1.0 - dead),
        b.plateau_pressure,
        b.peak_pressure,
        b.mean_airway_pressure,
        b.tidal_volume,
        x.kidney.lactate,
        now.exchange.haemoglobin,
        x.kidney.creatinine,
        60.0
        * kidney.urine(filtration, v.urine_flow, x.volumes.plasma_excess, v.baroreflex * x.signals.cardiopulmonary),
        co,
        100.0 * jnp.clip(venous, 0.0, 1.0),
        without_gas(v, x),
        gas.oxygen_pressure / v.oxygen_aim,
        gas.carbon_dioxide_pressure / v.carbon_dioxide_aim,
    )
