"""Where the diaphragm lies under lung that holds no air, from where it is seen under lung that does.

The diaphragm is a dome: from its top it falls to the front and, farther, to the back. So when air ends higher at the
back than in the middle, it is not the diaphragm that ends it but lung without air; the dome is then continued by an
assumed fall. When air ends level from front to back, the dome is nowhere to be seen, and there may be any amount of
collapsed lung below: nothing should be concluded from such an image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from caretwin.ingest.lung_ct.shapes import Spacing

Sight = Literal["seen", "assumed", "unseen"]
SIGHTS: tuple[Sight, ...] = ("seen", "assumed", "unseen")

# All assumed from adult anatomy; evidence/physiology/imaging shows what they cost on domes of other heights.
DOME_MM = 50.0  # from the top of the dome to where it meets the ribs, at the back and at the sides
FRONT_MM = 30.0  # from the top of the dome to its usual height in the front quarter
SHORTEST_AIR_MM = 20.0  # a column of air shorter than this says nothing about what is below it
FRONT, MIDDLE, BACK = (-9.0, -0.5), (-0.25, 0.25), (0.5, 9.0)  # in half depths of the chest from its centre
BACK_FALL_MM, FRONT_FALL_MM = 25.0, 10.0  # less than this is no fall
FEWEST_COLUMNS = 30


@dataclass(frozen=True)
class Diaphragm:
    """height_mm [y, x] above the first slice, infinite where there is no lung above; sight: how far it is known."""

    height_mm: Float[np.ndarray, "y x"]
    sight: Sight


def diaphragm(aerated: Bool[np.ndarray, "z y x"], middle: float, centre: float, half_mm: float, depth_mm: float,
              spacing: Spacing) -> Diaphragm:  # fmt: skip
    """The lower border of both lungs.

    aerated   lung with air; z to the head, y to the back
    middle    index of the midline (x); centre: index of the middle of the chest (y)
    half_mm   half the inner width of the chest; depth_mm: half its inner depth
    """
    y = (np.arange(aerated.shape[1]) - centre) * spacing[1] / depth_mm
    x = np.abs((np.arange(aerated.shape[2]) - middle) * spacing[2]) / (half_mm / 2) - 1  # 0 in the middle of a lung
    height, sights = np.full(aerated.shape[1:], np.inf), []
    left = np.arange(aerated.shape[2]) > middle
    for side in (left, ~left):
        found, sight = _of_one_lung(aerated & side, y, x, spacing)
        height = np.where(side[None, :], found, height)
        sights.append(sight)
    return Diaphragm(height, max(sights, key=SIGHTS.index))


def _of_one_lung(
    aerated: np.ndarray, y: np.ndarray, x: np.ndarray, spacing: Spacing
) -> tuple[Float[np.ndarray, "y x"], Sight]:
    seen = aerated.sum(axis=0) * spacing[0] > SHORTEST_AIR_MM
    if seen.sum() < FEWEST_COLUMNS:
        return np.full(seen.shape, np.inf), "unseen"
    lowest = np.argmax(aerated, axis=0) * spacing[0]
    front, mid, back = (
        _level(lowest, seen, (y > low) & (y < high), percentile)
        for (low, high), percentile in ((FRONT, 50), (MIDDLE, 80), (BACK, 50))
    )
    if back < mid - BACK_FALL_MM:
        return _continued(lowest, seen, spacing), "seen"
    top = np.fmin(mid, front + FRONT_MM)
    dome = top - DOME_MM * (y[:, None] ** 2 + x[None, :] ** 2)
    assumed = np.where((y[:, None] > MIDDLE[0]) | ~seen, dome, np.inf)
    height = np.minimum(np.where(seen, lowest, np.inf), assumed)
    return height, "assumed" if front < mid - FRONT_FALL_MM or np.isnan(mid) else "unseen"


def _level(lowest: np.ndarray, seen: np.ndarray, rows: np.ndarray, percentile: int) -> float:
    """Height of the lower border in some rows; not a number where hardly any air is seen."""
    values = lowest[rows][seen[rows]]
    return float(np.percentile(values, percentile)) if len(values) >= FEWEST_COLUMNS else float("nan")


def _continued(lowest: np.ndarray, seen: np.ndarray, spacing: Spacing) -> Float[np.ndarray, "y x"]:
    """A paraboloid through the border that is seen, for columns without air."""
    y, x = (a.astype(float) for a in np.indices(seen.shape))
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    weights, found = np.ones(int(seen.sum())), np.zeros(6)
    for _ in range(10):  # least absolute deviations, by weights: vessels and fissures make steps
        root = np.sqrt(weights)[:, None]
        found = np.linalg.lstsq(terms[seen] * root, lowest[seen] * root[:, 0], rcond=None)[0]
        weights = 1 / np.maximum(np.abs(lowest[seen] - terms[seen] @ found), spacing[0])
    fitted = np.clip(terms @ found, lowest[seen].min() - 20, lowest[seen].max())
    # It never rises above its height at the nearest column with air.
    near = ndimage.distance_transform_edt(~seen, return_distances=False, return_indices=True)
    return np.where(seen, lowest, np.minimum(fitted, lowest[near[0], near[1]]))
