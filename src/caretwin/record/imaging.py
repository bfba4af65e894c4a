"""What a chest CT says about the air in the lungs, as frozen values that a lung model can take for observations.

Four compartments by how much gas a voxel holds, each as a share of the tissue mass; the same by volume, the gas volume,
the tissue mass, and the three thirds of the lung along gravity. Every figure that enters a model carries a standard
error and the range between a mask that is surely too small and one that is surely too large. None of it is a diagnosis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from caretwin.base.errors import DataError
from caretwin.record.finding import Finding

Compartment = Literal["over_inflated", "normally_aerated", "poorly_aerated", "non_aerated"]
COMPARTMENTS: tuple[Compartment, ...] = ("over_inflated", "normally_aerated", "poorly_aerated", "non_aerated")
Grade = Literal["good", "limited", "poor"]
NOT_A_DIAGNOSIS = (
    "Densities of voxels inside an outline that a program drew: no diagnosis, and no substitute for a radiologist. "
    "Collapsed or consolidated lung, pleural fluid and tumour have the same density and are not told apart."
)


@dataclass(frozen=True)
class Estimate:
    """A figure, how far it may be wrong, and between which bounds.

    value           the best estimate
    standard_error  one standard error, in the unit of the value
    low, high       the figure inside the smallest and inside the largest outline that is tenable
    """

    value: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True)
class Region:
    """Gas and tissue of the lung, or of a part of it.

    volume_l       gas and tissue together (L)
    gas_volume_l   gas (L)
    tissue_mass_g  tissue, blood and fluid (g), all taken for water
    of_mass        share of the tissue mass in each compartment; they sum to 1
    of_volume      share of the volume in each compartment; they sum to 1
    """

    volume_l: float
    gas_volume_l: float
    tissue_mass_g: float
    of_mass: Mapping[Compartment, float]
    of_volume: Mapping[Compartment, float]


@dataclass(frozen=True)
class ImagingObservation:
    """One figure from an image, ready for a model that has a channel of this name.

    name            such as non_aerated_tissue_fraction
    value           in ``unit`` (UCUM); ``standard_error`` in the same
    time_h          when the image was taken (h from the record's origin), received_h when it became known
    meaning         what a lung model may take it for, and what it must not
    """

    name: str
    value: float
    standard_error: float
    unit: str
    time_h: float
    received_h: float
    source: str
    meaning: str


@dataclass(frozen=True)
class LungAeration:
    """The lungs on one chest CT.

    time_h, received_h  when it was taken, when it became known (h from the record's origin); never known before taken
    source              which series, by a digest that names nobody
    whole               both lungs, inside the best outline
    of_mass             each compartment's share of the tissue mass, with its error and range
    gas_volume_l        gas in both lungs (L), the same way
    tissue_mass_g       tissue of both lungs (g), the same way
    thirds              equal heights along gravity, the uppermost (non-dependent) first; empty where it is not known
                        how the patient lay
    quality             "good", "limited" (use the standard errors and look at the findings) or "poor" (do not use)
    acquisition         facts of the scan (spacing, kernel, tube voltage, contrast), nothing about the person
    findings            what the reader saw and did not like

    Raises DataError when ``received_h`` is before ``time_h`` or either is not finite.
    """

    time_h: float
    received_h: float
    source: str
    whole: Region
    of_mass: Mapping[Compartment, Estimate]
    gas_volume_l: Estimate
    tissue_mass_g: Estimate
    thirds: tuple[Region, ...] = ()
    quality: Grade = "limited"
    acquisition: Mapping[str, object] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        check_hours(self.time_h, self.received_h)

    def observations(self) -> tuple[ImagingObservation, ...]:
        """What a lung model may observe; nothing when the quality is poor.

        >>> from caretwin.record.imaging import LungAeration
        >>> [o.name for o in aeration.observations()]  # doctest: +SKIP
        ['non_aerated_tissue_fraction', 'poorly_aerated_tissue_fraction', 'over_inflated_tissue_fraction', ...]
        """
        if self.quality == "poor":
            return ()
        named = {f"{name}_tissue_fraction": self.of_mass[name] for name in OBSERVED}
        figures = {**named, "lung_gas_volume": self.gas_volume_l, "lung_tissue_mass": self.tissue_mass_g}
        return tuple(
            ImagingObservation(
                name, e.value, e.standard_error, unit, self.time_h, self.received_h, self.source, MEANING[name]
            )
            for name, e in figures.items()
            for unit in [UNITS.get(name, "1")]
        )


def check_hours(time_h: float, received_h: float) -> None:
    """Raise DataError unless both hours are finite and nothing is known before it was."""
    if math.isfinite(time_h) and math.isfinite(received_h) and received_h >= time_h:
        return
    raise DataError(
        "a chest CT",
        seen=f"taken at {time_h} h and received at {received_h} h",
        wanted="finite hours, received not before taken",
        fix="give the hours from the record's origin; without a known time of arrival, give the time it was taken",
    )


OBSERVED: tuple[Compartment, ...] = ("non_aerated", "poorly_aerated", "over_inflated")
UNITS = {"lung_gas_volume": "L", "lung_tissue_mass": "g"}
# Karbing et al., Crit Care 2020;24:111: change of shunt against change of normally aerated tissue, r = -0.665 in 12
# patients. Vidal Melo, Musch et al., Am J Respir Crit Care Med 2008;177:292 (doi:10.1164/rccm.200703-484OC): regional
# shunt follows regional gas, the whole lung's only when weighted by perfusion. Hence "related to", never "is".
MEANING = {
    "non_aerated_tissue_fraction": "lung without gas, hence related to shunted lung; shunt also depends on where blood "
    "flows, so it enters with a factor of its own, never as the shunt itself",
    "poorly_aerated_tissue_fraction": "lung with little gas: may open under pressure; one image does not show whether",
    "over_inflated_tissue_fraction": "lung of more than 90 % gas: stretched or emphysema; the image does not say which",
    "lung_gas_volume": "gas at the lung volume and airway pressure of the scan, which the image does not know; about a "
    "third of it may not be ventilated in acute respiratory distress (Rylander, Crit Care 2004, doi:10.1186/cc3058)",
    "lung_tissue_mass": "tissue, blood, oedema inside the outline; pleural fluid within it would be counted too",
}
