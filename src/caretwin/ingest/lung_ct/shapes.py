"""Plain shape arithmetic in millimetres: coarser grids, growing, shrinking, closing, parts that hang together.

Arrays are [z, y, x]; ``spacing`` is (z, y, x) in mm. Growing and shrinking go by Euclidean distance, so that a scan
with thick slices is treated as one with thin slices.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

Spacing = tuple[float, float, float]


def coarser(values: np.ndarray, spacing: Spacing, wanted_mm: float) -> tuple[Float[np.ndarray, "z y x"], Spacing]:
    """Means over blocks of about ``wanted_mm``, and their spacing; the last voxels are repeated to fill a block."""
    factors = block_factors(spacing, wanted_mm)
    padded = np.pad(values, [(0, -n % f) for n, f in zip(values.shape, factors, strict=True)], mode="edge")
    z, y, x = (n // f for n, f in zip(padded.shape, factors, strict=True))
    blocks = padded.reshape(z, factors[0], y, factors[1], x, factors[2])
    means = blocks.mean(axis=(1, 3, 5), dtype=np.float32)
    return means, (spacing[0] * factors[0], spacing[1] * factors[1], spacing[2] * factors[2])


def block_factors(spacing: Spacing, wanted_mm: float) -> tuple[int, int, int]:
    """How many voxels make a block, along each axis."""
    z, y, x = (max(1, round(wanted_mm / s)) for s in spacing)
    return z, y, x


def finer(mask: np.ndarray, factors: tuple[int, int, int], shape: tuple[int, ...]) -> np.ndarray:
    """Values of blocks as values of voxels of ``shape``."""
    for axis, factor in enumerate(factors):
        mask = np.repeat(mask, factor, axis=axis)
    return mask[tuple(slice(0, n) for n in shape)]


def grown(mask: np.ndarray, by_mm: float, spacing: Spacing) -> Bool[np.ndarray, "z y x"]:
    """Every place within ``by_mm`` of the mask."""
    if not mask.any():
        return mask.copy()
    return ndimage.distance_transform_edt(~mask, sampling=spacing) <= by_mm


def shrunk(mask: np.ndarray, by_mm: float, spacing: Spacing) -> Bool[np.ndarray, "z y x"]:
    """Places of the mask that are farther than ``by_mm`` from its outside; the border of the image is no outside."""
    if mask.all():
        return mask.copy()
    return ndimage.distance_transform_edt(mask, sampling=spacing) > by_mm


def closed(mask: np.ndarray, by_mm: float, spacing: Spacing) -> Bool[np.ndarray, "z y x"]:
    """The mask without clefts and tubes narrower than twice ``by_mm``."""
    return mask | shrunk(grown(mask, by_mm, spacing), by_mm, spacing)


def opened(mask: np.ndarray, by_mm: float, spacing: Spacing) -> Bool[np.ndarray, "z y x"]:
    """The mask without layers thinner than twice ``by_mm``."""
    return mask & grown(shrunk(mask, by_mm, spacing), by_mm, spacing)


def parts(mask: np.ndarray) -> tuple[Int[np.ndarray, "z y x"], Int[np.ndarray, " n"]]:
    """Parts that hang together: labels from 1, and the number of voxels of each (index 0 is the outside)."""
    labels, _ = ndimage.label(mask)
    return labels, np.bincount(labels.ravel())


def largest(mask: np.ndarray) -> Bool[np.ndarray, "z y x"]:
    """The largest part that hangs together."""
    labels, sizes = parts(mask)
    return labels == 1 + int(np.argmax(sizes[1:])) if len(sizes) > 1 else mask.copy()


def filled_slices(mask: np.ndarray) -> Bool[np.ndarray, "z y x"]:
    """Holes filled in every axial slice."""
    return np.stack([ndimage.binary_fill_holes(slice_) for slice_ in mask]) if len(mask) else mask


def touching(candidates: np.ndarray, mask: np.ndarray) -> Bool[np.ndarray, "z y x"]:
    """The parts of ``candidates`` that touch the mask."""
    labels, _ = parts(candidates)
    return with_labels(labels, np.unique(labels[ndimage.binary_dilation(mask) & candidates]))


def with_labels(labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where the label is one of those wanted; 0 is never wanted."""
    chosen = np.zeros(int(labels.max()) + 1, dtype=bool)
    chosen[np.asarray(wanted, dtype=int)] = True
    chosen[0] = False
    return chosen[labels]
