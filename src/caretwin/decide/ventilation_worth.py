"""What a ventilator setting is worth: one number per particle, less for what harms, so that settings can be compared
in pairs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from caretwin.decide.bedside_outlook import Outlook
from caretwin.decide.ventilation_limits import HARD, Breaks, Limits


@dataclass(frozen=True)
class Worth:
    """Costs; every one of them is an assumption and a local setting. 1 is the cost of breaking one hard limit.

    saturation   per 5 % of SpO2 below saturation_wanted;  saturation_wanted % 92
    excess       of oxygen in excess
    oxygen       of FiO2 1.0 against 0.4 (linear between)
    driving      per 5 cmH2O over the limit; power per 10 J/min over the limit
    volume       per mL/kg outside 4-8; volume_far per mL/kg above 6
    acid         per 0.1 of pH below 7.30; alkaline per 0.1 above 7.45
    output       per 10 % of cardiac output lost against the present settings
    change       of one full step: a setting is not changed for nothing
    clear        least gain for which a change is advised;  sure: least share of particles in which it is better
    """

    saturation: float = 0.5
    saturation_wanted: float = 92.0
    excess: float = 0.15
    oxygen: float = 0.4
    driving: float = 0.3
    power: float = 0.05
    volume: float = 0.3
    volume_far: float = 0.1
    acid: float = 0.5
    alkaline: float = 0.3
    output: float = 0.15
    change: float = 0.02
    clear: float = 0.06
    sure: float = 0.7


def worth(
    outlook: Outlook,
    broken: Breaks,
    settings: list[tuple[float, float]],
    predicted_weight: float,
    limits: Limits,
    costs: Worth,
) -> Float[np.ndarray, "K N"]:
    """Worth [K, N] of each setting in each particle, over the last half of the horizon for what is stored.

    settings  (FiO2, steps of change) of each; the first of them is the present setting
    """
    part = outlook.until(limits.horizon)
    late = len(part.minutes) // 2

    def below(name: str, bound: float) -> Float[np.ndarray, "K N"]:
        return np.maximum(bound - part.of(name)[late:], 0.0).mean(axis=0)

    def above(name: str, bound: float) -> Float[np.ndarray, "K N"]:
        return np.maximum(part.of(name)[late:] - bound, 0.0).mean(axis=0)

    per_kg = part.of("tidal_volume_mL")[-1] / predicted_weight
    output = part.of("cardiac_output_L_per_min")[late:].mean(axis=0)
    lost = np.maximum(1.0 - output / np.maximum(output[0], 1e-3), 0.0)
    fio2, steps = np.array(settings).T
    steps = np.where(np.isfinite(steps), steps, 1.0)
    cost = np.sum([broken.broken[name] for name in HARD], axis=0).astype(float)
    cost += costs.saturation / 5.0 * below("oxygen_saturation_percent", costs.saturation_wanted)
    cost += costs.excess * broken.broken["oxygen_excess"]
    cost += costs.driving / 5.0 * above("driving_pressure_cmH2O", limits.driving)
    cost += costs.power / 10.0 * above("mechanical_power_J_per_min", limits.power)
    cost += costs.volume * (np.maximum(per_kg - 8.0, 0.0) + np.maximum(4.0 - per_kg, 0.0))
    cost += costs.volume_far * np.maximum(per_kg - 6.0, 0.0)
    cost += costs.acid / 0.1 * below("arterial_ph", 7.30) + costs.alkaline / 0.1 * above("arterial_ph", 7.45)
    cost += costs.output / 0.1 * lost
    cost += (costs.oxygen / 0.6 * np.maximum(fio2 - 0.4, 0.0) + costs.change * steps)[:, None]
    return -cost
