"""Where lung without air may lie: inside the ribs, above the diaphragm, beside the heart and the spine.

Lung without air has the density of muscle, so it is not seen but inferred from what bounds it. The ribs are found;
the diaphragm is continued (``lung_ct_diaphragm``); heart and mediastinum are given an assumed place inside the
ribs, because without contrast they cannot be seen either. Axes: z to the head, y to the back, x to the left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from caretwin.ingest.lung_ct.diaphragm import Diaphragm
from caretwin.ingest.lung_ct.shapes import Spacing, grown, parts, shrunk, with_labels

# All lengths below are assumed from adult anatomy; a phantom study shows what they cost (evidence/physiology/imaging).
BONE_HU = 160.0  # of a mean over 3 mm: cortex is above 300, muscle and unenhanced blood below 80
LEAST_BONE_ML = 0.5  # less is noise in collapsed lung that contrast has made bright
SMOOTH_MM = 2.5
THICK_MM = 7.0  # what still is there after shrinking by this is no rib: vertebra, or a heart full of contrast
SLAB_MM = 18.0  # ribs run obliquely: a ring of bone appears when this much above and below is laid on the slice
BELOW_AIR_MM = 40.0  # slices that far below the lowest air may still hold lung
ANGLES = 120
RIB_MARGIN_MM = 3.0  # pleura and the muscle between ribs
WIDEST_GAP = 30  # angles without bone (90 degrees) that are bridged


@dataclass(frozen=True)
class Bounds:
    """How generously lung without air is looked for.

    midline_mm   half the width kept for spine, great vessels and mediastinum
    heart        size of the assumed heart, 1 for a width of half of the chest (cardiothoracic ratio 0.5)
    below_mm     how far below the diaphragm is still taken for lung, where the dome is seen
    below_assumed_mm   the same, where its fall to the back is assumed
    thinnest_mm  half the thickness below which a dense layer is chest wall
    anywhere     True: also in front, and apart from lung that holds air
    """

    midline_mm: float
    heart: float
    below_mm: float
    below_assumed_mm: float
    thinnest_mm: float
    anywhere: bool


BEST = Bounds(midline_mm=32.0, heart=1.0, below_mm=0.0, below_assumed_mm=0.0, thinnest_mm=6.0, anywhere=False)
GENEROUS = Bounds(midline_mm=27.0, heart=0.85, below_mm=15.0, below_assumed_mm=40.0, thinnest_mm=5.0, anywhere=True)


@dataclass(frozen=True)
class Cage:
    """The inside of the ribs, and its size.

    inside   [z, y, x]
    bone     [z, y, x]
    middle   index of the midline (x), half_mm half the inner width; centre (y index) and depth_mm half the depth
    """

    inside: Bool[np.ndarray, "z y x"]
    bone: Bool[np.ndarray, "z y x"]
    middle: float
    half_mm: float
    centre: float
    depth_mm: float


def rib_cage(means: np.ndarray, body: np.ndarray, lungs: np.ndarray, spacing: Spacing) -> Cage | None:
    """The rib cage of the slices that show lung; None when too little bone is seen (a child, or a cut-off image)."""
    labels, sizes = parts((means > BONE_HU) & body)
    large = np.flatnonzero(sizes * float(np.prod(spacing)) / 1000 >= LEAST_BONE_ML)
    bone = with_labels(labels, large)
    calm = ndimage.gaussian_filter(means, [SMOOTH_MM / step for step in spacing])  # noise makes holes in a bright heart
    thick = grown(shrunk((calm > BONE_HU) & body, THICK_MM, spacing), THICK_MM + 2 + SMOOTH_MM, spacing)
    middle = _middle(body)
    shell = bone & ~thick  # ribs and breastbone; behind, where the vertebrae were, the ribs beside them are joined
    rings = ndimage.maximum_filter1d(shell, 2 * round(SLAB_MM / spacing[0]) + 1, axis=0)
    slices = np.flatnonzero(lungs.any(axis=(1, 2)))
    slices = np.arange(max(0, slices[0] - round(BELOW_AIR_MM / spacing[0])), slices[-1] + 1)
    y = np.flatnonzero(rings[slices].any(axis=(0, 2)))
    if len(y) < 2:
        return None
    centre = (y[0] + y[-1]) / 2
    radii = _radii(rings, slices, (centre, middle), spacing)
    if radii is None:
        return None
    inside = _within(radii, slices, means.shape, (centre, middle), spacing)
    sides, front = np.nanmedian(radii[:, [0, ANGLES // 2]]), np.nanmedian(radii[:, [ANGLES // 4, 3 * ANGLES // 4]])
    return Cage(inside & body, bone, middle, float(sides), float(centre), float(front))


def room_for_dense_lung(
    cage: Cage, floor: Diaphragm, aerated: np.ndarray, spacing: Spacing, bounds: Bounds
) -> Bool[np.ndarray, "z y x"]:
    """Where lung without air is tenable: in the cage, above the diaphragm, off the heart and the middle."""
    shape = cage.inside.shape
    y = ((np.arange(shape[1]) - cage.centre) * spacing[1])[None, :, None]
    x = ((np.arange(shape[2]) - cage.middle) * spacing[2])[None, None, :]
    # A heart of half the width of the chest, two thirds on the left, its back 0.4 of the half depth behind centre.
    heart_x, heart_y = bounds.heart * 0.5 * cage.half_mm, bounds.heart * 0.6 * cage.depth_mm
    heart = ((x - 0.08 * cage.half_mm) / heart_x) ** 2 + ((y + 0.2 * cage.depth_mm) / heart_y) ** 2 < 1
    slices = np.flatnonzero(cage.inside.any(axis=(1, 2)))
    low = np.arange(shape[0]) < slices[0] + 0.6 * len(slices)  # above the heart: the great vessels, within the midline
    heart = heart & low[:, None, None]
    # Lung collapses where it lies lowest: dense lung in front is taken only behind air in its line, unless generous.
    behind = (y > -0.1 * cage.depth_mm) | np.maximum.accumulate(aerated, axis=1) | bounds.anywhere
    room = cage.inside & ~grown(cage.bone, 2.0, spacing) & ~heart & (np.abs(x) > bounds.midline_mm) & behind
    z = (np.arange(shape[0]) * spacing[0])[:, None, None]
    below_mm = bounds.below_mm if floor.sight == "seen" else bounds.below_assumed_mm
    return room & (z >= floor.height_mm[None] - below_mm)


def _middle(body: np.ndarray) -> float:
    """Index of the midline: the middle of the body, slice by slice, and of those the median."""
    x = np.arange(body.shape[2])
    counts = body.sum(axis=1)
    return float(np.median((counts * x).sum(axis=1)[counts.any(axis=1)] / counts.sum(axis=1)[counts.any(axis=1)]))


def _radii(rings: np.ndarray, slices: np.ndarray, centre: tuple[float, float], spacing: Spacing) -> np.ndarray | None:
    """Distance from the centre to the first bone [slices, angles] (mm)."""
    found = np.full((len(slices), ANGLES), np.inf)
    for row, z in enumerate(slices):
        y, x = np.nonzero(rings[z])
        dy, dx = (y - centre[0]) * spacing[1], (x - centre[1]) * spacing[2]
        angle = np.rint(np.arctan2(dy, dx) / (2 * np.pi) * ANGLES).astype(int) % ANGLES
        np.minimum.at(found[row], angle, np.hypot(dy, dx))
    found[np.isinf(found)] = np.nan
    usable = np.array([_widest_gap(row) <= WIDEST_GAP for row in found])
    if usable.mean() < 0.5:
        return None
    at = np.arange(ANGLES)
    for row in range(len(found)):
        if usable[row]:
            known = np.isfinite(found[row])
            found[row] = np.interp(at, at[known], found[row][known], period=ANGLES)
    nearest = np.flatnonzero(usable)
    for row in np.flatnonzero(~usable):
        found[row] = found[nearest[np.argmin(np.abs(nearest - row))]]
    around = np.pad(found, ((0, 0), (2, 2)), mode="wrap")
    return ndimage.median_filter(around, size=(3, 5), mode="nearest")[:, 2:-2]


def _widest_gap(row: np.ndarray) -> int:
    known = np.flatnonzero(np.isfinite(row))
    return len(row) if len(known) == 0 else int(np.diff(np.append(known, known[0] + len(row))).max())


def _within(radii: np.ndarray, slices: np.ndarray, shape: tuple[int, ...], centre: tuple[float, float],
            spacing: Spacing) -> Bool[np.ndarray, "z y x"]:  # fmt: skip
    y, x = np.indices(shape[1:])
    dy, dx = (y - centre[0]) * spacing[1], (x - centre[1]) * spacing[2]
    angle = np.rint(np.arctan2(dy, dx) / (2 * np.pi) * ANGLES).astype(int) % ANGLES
    inside = np.zeros(shape, dtype=bool)
    inside[slices] = np.hypot(dy, dx)[None] < radii[:, angle] - RIB_MARGIN_MM
    return inside
