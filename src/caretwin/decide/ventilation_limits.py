"""What ventilation must not do, and what it had better not: limits with their sources, and how often each is broken."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from caretwin.decide.bedside_outlook import Outlook


@dataclass(frozen=True)
class Limits:
    """The limits; every one of them is a local setting.

    Hard (chance of breaking within the horizon at most ``allowed``):
    plateau          cmH2O, highest plateau pressure                30: ARDS Network, N Engl J Med 2000;342:1301
    saturation_low   %, lowest SpO2                                 88: same
    ph_low           lowest pH                                      7.20: custom, assumed (the rules act below
                     7.15-7.30)
    arterial_low     mmHg, lowest mean arterial pressure            65: custom, unverified
    intrinsic_peep   cmH2O, highest intrinsic PEEP                  5: assumed

    Soft (they cost):
    driving          cmH2O, driving pressure   15: Amato et al., N Engl J Med 2015;372:747, association; the limit is
                     custom
    power            J/min    17: Serpa Neto et al., Intensive Care Med 2018;44:1914: risk rises steadily, there is no
                     step
    power_per_kg     J/min per kg predicted weight                  0.26: 17 J/min at 66 kg, ours
    saturation_high  %  97, oxygen_high mmHg 120 while FiO2 above oxygen_high_fio2 0.4: oxygen in excess, assumed;
    trials of
                     conservative against liberal oxygen were neutral (Hochberg et al., 2021, PMC8521700)

    allowed     0.05; worse   chance by which a limit that is broken already may rise (assumed 0.02)
    horizon     min over which limits are counted: by then somebody looks again
    """

    plateau: float = 30.0
    saturation_low: float = 88.0
    ph_low: float = 7.20
    arterial_low: float = 65.0
    intrinsic_peep: float = 5.0
    driving: float = 15.0
    power: float = 17.0
    power_per_kg: float = 0.26
    saturation_high: float = 97.0
    oxygen_high: float = 120.0
    oxygen_high_fio2: float = 0.4
    allowed: float = 0.05
    worse: float = 0.02
    horizon: float = 30.0


HARD = ("plateau", "saturation", "ph", "arterial", "intrinsic_peep")
SOFT = ("driving", "power", "power_per_kg", "oxygen_excess")


class Breaks(NamedTuple):
    """Whether each particle breaks each limit at any time of the horizon [K, N], by name."""

    broken: dict[str, Bool[np.ndarray, "K N"]]

    def chance(self, name: str) -> Float[np.ndarray, " K"]:
        """The chance of breaking one limit under each setting."""
        return self.broken[name].mean(axis=1)

    def all_held(self) -> Float[np.ndarray, " K"]:
        """The chance that every hard limit holds, all the time."""
        return 1.0 - np.any([self.broken[name] for name in HARD], axis=0).mean(axis=1)

    def hard(self) -> Float[np.ndarray, "K H"]:
        """The chance of breaking each hard limit."""
        return np.stack([self.chance(name) for name in HARD], axis=1)


def named(limits: Limits) -> dict[str, str]:
    """Each limit as people write it."""
    return {
        "plateau": f"plateau > {limits.plateau:g}",
        "saturation": f"SpO2 < {limits.saturation_low:g}",
        "ph": f"pH < {limits.ph_low:.2f}",
        "arterial": f"MAP < {limits.arterial_low:g}",
        "intrinsic_peep": f"intrinsic PEEP > {limits.intrinsic_peep:g}",
        "driving": f"driving pressure > {limits.driving:g}",
        "power": f"power > {limits.power:g} J/min",
        "power_per_kg": f"power > {limits.power_per_kg:g} J/min/kg",
        "oxygen_excess": "oxygen in excess",
    }


def breaks(outlook: Outlook, fio2: Float[np.ndarray, " K"], predicted_weight: float, limits: Limits) -> Breaks:
    """Which limits each particle breaks under each setting.

    fio2              [K] of the settings
    predicted_weight  kg
    What is stored (gases, arterial pressure) counts after the change; pressures of a breath count at once.
    """
    part = outlook.until(limits.horizon)
    first = 1  # at 0 min stores are where the change found them

    def over(name: str, bound: float) -> Bool[np.ndarray, "K N"]:
        return np.any(part.of(name) > bound, axis=0)

    def under(name: str, bound: float) -> Bool[np.ndarray, "K N"]:
        return np.any(part.of(name)[first:] < bound, axis=0)

    rich = fio2[None, :, None] > limits.oxygen_high_fio2
    oxygen = part.of("arterial_oxygen_pressure_mmHg")[first:]
    excess = (part.of("oxygen_saturation_percent")[first:] > limits.saturation_high) | (oxygen > limits.oxygen_high)
    return Breaks(
        {
            "plateau": over("plateau_pressure_cmH2O", limits.plateau),
            "saturation": under("oxygen_saturation_percent", limits.saturation_low),
            "ph": under("arterial_ph", limits.ph_low),
            "arterial": under("mean_arterial_pressure_mmHg", limits.arterial_low),
            "intrinsic_peep": over("intrinsic_peep_cmH2O", limits.intrinsic_peep),
            "driving": over("driving_pressure_cmH2O", limits.driving),
            "power": over("mechanical_power_J_per_min", limits.power),
            "power_per_kg": over("mechanical_power_J_per_min", limits.power_per_kg * predicted_weight),
            "oxygen_excess": np.mean((excess & rich)[-3:], axis=0) > 0.5,
        }
    )
