"""The windpipe and the main bronchi: gas that is no lung.

Found from above: a round hole of pure gas near the midline that goes on from slice to slice; followed downward as long
as it stays a tube. Smaller bronchi stay part of the lung, as they do in outlines drawn by hand.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from caretwin.ingest.lung_ct.shapes import Spacing, with_labels

# Adult trachea: coronal diameter 13-25 mm in men, 10-21 mm in women (Breatnach et al., AJR 1984;142:903), hence the
# areas; the rest is assumed. Thresholds are for means over 3 mm, which mix wall into the gas.
TUBE_HU = -820.0
AREA_MM2 = (40.0, 700.0)
MIDLINE = 0.2  # of the half width of the body
UPPER = 0.5  # of the slices: the windpipe starts in this part
LONGEST_SIDES = 2.2  # width over depth
SHORTEST_MM = 20.0
LEAK = 2.0  # a slice may hold at most this many times the windpipe's usual area


def airways(means: np.ndarray, body: np.ndarray, spacing: Spacing) -> Bool[np.ndarray, "z y x"]:
    """Mask of windpipe and main bronchi [z, y, x]; empty when there is no windpipe to be found.

    means [z, y, x] HU on a coarse grid, z to the head; body its mask; spacing in mm
    """
    gas = body & (means < TUBE_HU)
    start = int(means.shape[0] * (1 - UPPER))
    for top in range(means.shape[0] - 1, start, -1):
        for seed in _round_holes(gas[top], body[top], spacing):
            tube = _followed(gas, top, seed, spacing)
            if tube.any(axis=(1, 2)).sum() * spacing[0] >= SHORTEST_MM:
                return tube
    return np.zeros_like(gas)


def _round_holes(gas: np.ndarray, body: np.ndarray, spacing: Spacing) -> list[Bool[np.ndarray, "y x"]]:
    """Holes of the size and place of a windpipe in one slice."""
    if not gas.any():
        return []
    x = np.flatnonzero(body.any(axis=0))
    middle, half = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2
    labels, _ = ndimage.label(gas)
    found = []
    for k, box in enumerate(ndimage.find_objects(labels), 1):
        hole = labels == k
        area = hole.sum() * spacing[1] * spacing[2]
        depth, width = ((s.stop - s.start) * d for s, d in zip(box, spacing[1:], strict=True))
        centre = (box[1].start + box[1].stop - 1) / 2
        round_enough = max(depth / width, width / depth) <= LONGEST_SIDES
        if round_enough and AREA_MM2[0] <= area <= AREA_MM2[1] and abs(centre - middle) <= MIDLINE * half:
            found.append(hole)
    return found


def _followed(gas: np.ndarray, top: int, seed: np.ndarray, spacing: Spacing) -> Bool[np.ndarray, "z y x"]:
    """From the seed downward: in each slice the holes that overlap those above, until they are no tube any more."""
    tube = np.zeros_like(gas)
    tube[top] = seed
    areas = [int(seed.sum())]
    for z in range(top - 1, -1, -1):
        labels, _ = ndimage.label(gas[z])
        met = np.unique(labels[ndimage.binary_dilation(tube[z + 1])])
        limit = LEAK * float(np.median(areas))
        sizes = np.bincount(labels.ravel())
        here = with_labels(labels, np.array([k for k in met if k and sizes[k] <= limit]))
        if not 0 < here.sum() <= limit:
            break
        tube[z] = here
        areas.append(int(here.sum()))
    return tube
