"""Gas, tissue and compartments of a lung from the densities of its voxels.

A voxel is taken for a mixture of gas (-1000 HU) and tissue of the density of water (0 HU):

    gas fraction = -HU / 1000, held within 0..1      tissue mass [g] = (1 - gas fraction) x volume [mL]

Sources: physical density is linear in the CT number (Mull, AJR 1984;143:1101, doi:10.2214/ajr.143.5.1101); the
compartments over-inflated (below -900), normally (to -500), poorly (to -100) and non-aerated (from -100 on) as in
Gattinoni, Caironi, Pelosi & Goodman, Am J Respir Crit Care Med 2001;164:1701 (doi:10.1164/ajrccm.164.9.2103121);
the border at -900 from Vieira et al., Am J Respir Crit Care Med 1998;158:1571 (over-distension in healthy volunteers);
normal values by the same bands in Cressoni et al., Crit Care 2013 (doi:10.1186/cc12738): non-inflated 7 +- 4 %, poorly
18 +- 3 %, well 65 +- 8 %, over-inflated 11 +- 7 % of the tissue mass in 100 adults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float

from caretwin.ingest.lung_ct.volume import CtVolume, Down
from caretwin.record.imaging import COMPARTMENTS, Compartment, Estimate, Region

LOWEST, HIGHEST = -1024, 3071
BORDERS_HU = (-900, -500, -100)  # a voxel at a border belongs to the denser side
# The convention ends at 100. Here lung without air ends at 300: noise of 20 HU alone puts a third of collapsed lung
# with contrast (90 HU) above 100, and it holds no gas all the same. Denser still is bone or metal, which is left out.
DENSEST_HU = 300
TISSUE_G_PER_ML = 1.0  # blood and tissue are near 1.05; water is the convention of the sources above

# Smallest standard errors. Dense compartments: the change of the non-aerated one, outlined by a person and a program,
# differs by less than 5.9 % of lung weight in 95 % (ICMx 2023, doi:10.1186/s40635-023-00495-6, 13 patients), hence
# 5.9 / (1.96 sqrt 2) = 2.1 %; over-inflation differed hardly at all there: 1 % assumed. Gas 3 %, mass 5 %: assumed; in
# pigs CT after bleeding out was 4 % above the balance (Protti et al., ICMx 2014;2:31, doi:10.1186/s40635-014-0031-0).
FLOOR_FRACTION = {"over_inflated": 0.01, "normally_aerated": 0.021, "poorly_aerated": 0.021, "non_aerated": 0.021}
FLOOR_GAS, FLOOR_MASS = 0.03, 0.05
CALIBRATION_HU = 10  # assumed: how far the scale of a scanner may be off; the bands are shifted by this both ways
SPAN = 3.92  # standard errors between the ends of a 95 % range: the outlines are read as one


def region(volume: CtVolume, mask: Bool[np.ndarray, "z y x"]) -> Region:
    """Gas, tissue and compartments inside a mask.

    Voxels denser than 300 HU are left out; an empty mask has no fractions (NaN).

    >>> import numpy as np
    >>> from caretwin.ingest.lung_ct.volume import Acquisition, CtVolume
    >>> made = np.full((1, 1, 4), -500, np.int16); made[0, 0, 0] = 0
    >>> ct = CtVolume(made, np.ones((1, 1, 1)), Acquisition((10.0, 10.0, 10.0), 1), "example")
    >>> half = region(ct, np.ones((1, 1, 4), bool))
    >>> half.tissue_mass_g, half.of_mass["non_aerated"]
    (2.5, 0.4)
    """
    return _summary(histogram(volume, mask))


def histogram(volume: CtVolume, mask: Bool[np.ndarray, "z y x"]) -> Float[np.ndarray, " hounsfield"]:
    """Volume (mL) at each Hounsfield unit from -1024 to 3071 inside a mask."""
    index = volume.hounsfield[mask].astype(np.int32) - LOWEST
    size = HIGHEST - LOWEST + 1
    if volume.voxel_ml.size == 1:
        return np.bincount(index, minlength=size) * float(volume.voxel_ml.ravel()[0])
    weights = np.broadcast_to(volume.voxel_ml, volume.hounsfield.shape)[mask]
    return np.bincount(index, weights=weights, minlength=size)


def thirds(volume: CtVolume, mask: Bool[np.ndarray, "z y x"]) -> tuple[Region, ...]:
    """Three layers of equal height along gravity, the uppermost first; empty where gravity is not known."""
    down = volume.acquisition.down
    if down is None or not mask.any():
        return ()
    axis, forward = _along(down)
    present = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
    edges = np.linspace(present[0], present[-1] + 1, 4).round().astype(int)
    found = []
    for start, stop in pairwise(edges):
        layer = np.zeros_like(mask)
        chosen = tuple(slice(start, stop) if a == axis else slice(None) for a in range(3))
        layer[chosen] = mask[chosen]
        found.append(region(volume, layer))
    return tuple(found if forward else reversed(found))


def estimates(
    volume: CtVolume, masks: Sequence[Bool[np.ndarray, "z y x"]]
) -> tuple[Region, dict[Compartment, Estimate], Estimate, Estimate]:
    """The best region, and its compartments, gas (L) and tissue (g) with errors and ranges.

    masks  smallest, best, largest outline
    The standard error joins three parts: what outlines drawn twice differ by, the range between the smallest and the
    largest outline, and a scale that is off by 10 HU.
    """
    counts = [histogram(volume, mask) for mask in masks]
    low, best, high = (_summary(c) for c in counts)
    moved = [_summary(_shifted(counts[1], shift)) for shift in (-CALIBRATION_HU, CALIBRATION_HU)]
    fractions = {
        name: _estimate(best.of_mass[name], [low.of_mass[name], high.of_mass[name]],
                        [m.of_mass[name] for m in moved], FLOOR_FRACTION[name])
        for name in COMPARTMENTS
    }  # fmt: skip
    gas = _estimate(best.gas_volume_l, [low.gas_volume_l, high.gas_volume_l], [m.gas_volume_l for m in moved],
                    FLOOR_GAS * best.gas_volume_l)  # fmt: skip
    mass = _estimate(best.tissue_mass_g, [low.tissue_mass_g, high.tissue_mass_g], [m.tissue_mass_g for m in moved],
                     FLOOR_MASS * best.tissue_mass_g)  # fmt: skip
    return best, fractions, gas, mass


def _estimate(best: float, ends: Sequence[float], moved: Sequence[float], floor: float) -> Estimate:
    low, high = min(best, *ends), max(best, *ends)
    shift = (max(moved) - min(moved)) / 2
    return Estimate(best, float(np.sqrt(floor**2 + ((high - low) / SPAN) ** 2 + shift**2)), low, high)


def _shifted(counts: Float[np.ndarray, " hounsfield"], by_hu: int) -> Float[np.ndarray, " hounsfield"]:
    """The histogram of the same voxels on a scale that is off; what leaves the scale stays at its end."""
    index = np.clip(np.arange(len(counts)) + by_hu, 0, len(counts) - 1)
    return np.bincount(index, weights=counts, minlength=len(counts))


def _summary(counts: Float[np.ndarray, " hounsfield"]) -> Region:
    values = np.arange(LOWEST, HIGHEST + 1)
    counts = np.where(values <= DENSEST_HU, counts, 0.0)
    tissue = counts * np.clip(1 + values / 1000, 0, 1)
    band = np.digitize(values, BORDERS_HU)
    total = float(counts.sum())
    return Region(
        volume_l=total / 1000,
        gas_volume_l=(total - float(tissue.sum())) / 1000,
        tissue_mass_g=float(tissue.sum()) * TISSUE_G_PER_ML,
        of_mass=_shares(tissue, band),
        of_volume=_shares(counts, band),
    )


def _shares(weights: np.ndarray, band: np.ndarray) -> Mapping[Compartment, float]:
    sums = np.bincount(band, weights=weights, minlength=len(COMPARTMENTS))
    total = sums.sum()
    return {name: float(s / total) if total > 0 else float("nan") for name, s in zip(COMPARTMENTS, sums, strict=True)}


def _along(down: Down) -> tuple[int, bool]:
    """Axis of gravity, and whether it runs along with the index."""
    return {"back": (1, True), "front": (1, False), "left": (2, True), "right": (2, False)}[down]
