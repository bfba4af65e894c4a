"""Looking ahead from one particle in few long steps: what would be read at set times under settings that hold.

The model's own transition goes minute by minute. A question that tries hundreds of settings needs fewer steps: every
store is advanced implicitly, so a longer part is stable, and how much it misses is measured in the tests.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.physiology.bedside_state import Settings, State
from caretwin.models.physiology.cardiorespiratory import Cardiorespiratory, drift
from caretwin.models.physiology.coupling import advance
from caretwin.models.physiology.individual import individual
from caretwin.models.physiology.readings import COLUMNS, readings

READ = (
    "arterial_oxygen_pressure_mmHg", "arterial_carbon_dioxide_pressure_mmHg", "arterial_ph",
    "oxygen_saturation_percent", "end_tidal_carbon_dioxide_mmHg", "mean_arterial_pressure_mmHg",
    "central_venous_pressure_mmHg",
    "cardiac_output_L_per_min", "heart_rate_per_min", "plateau_pressure_cmH2O", "driving_pressure_cmH2O",
    "peak_pressure_cmH2O", "total_peep_cmH2O", "intrinsic_peep_cmH2O", "mechanical_power_J_per_min", "tidal_volume_mL",
    "respiratory_rate_per_min", "shunt_fraction_percent", "open_lung_fraction_percent", "blood_volume_L",
    "haemoglobin_g_per_dL",
)  # fmt: skip
"""What a what-if shows, in this order; names end in their unit."""
_PLACES = tuple(COLUMNS.index(name) for name in READ)


class Ahead(NamedTuple):
    """A state some minutes later, and what would be read then [R] in the order of :data:`READ`."""

    state: State
    read: Float[Array, " R"]


def ahead(
    model: Cardiorespiratory,
    phi: object,
    x: State,
    u: Settings,
    w: Float[Array, " noise"],
    minutes: Float[Array, ""],
) -> Ahead:
    """One particle after one implicit part of ``minutes`` (> 0), however long.

    phi  individual of the model; x, u  state and settings; w  its noise over these minutes
    """
    theta, body = phi  # type: ignore[misc]
    x = drift(x, u, w, minutes / 60.0)
    values = individual(theta, x.wander, x.flutter, body)
    later = advance(values, body, x, u, minutes)
    read = readings(model, phi, later, u).values
    return Ahead(later, jnp.take(read, jnp.array(_PLACES)))
