"""The lungs on a chest CT, without learned weights: air by threshold, then what air and ribs enclose.

What is done: body, air within it, windpipe and main bronchi taken out, clefts of vessels closed, then lung without air
added between the air, the ribs, the continued diaphragm and an assumed heart (``lung_ct_cage``). Three outlines come
out: the smallest (air and what it encloses), the best, and the largest that is tenable.

What it cannot do: tell collapsed or consolidated lung from pleural fluid, tumour or a heart that lies elsewhere; see
a lung that holds no air at all; find dense lung at the front that no air surrounds. The three outlines then differ,
or a finding says so.

Thresholds follow Hu, Hoffman & Reinhardt, IEEE Trans Med Imaging 2001;20:490 (air between its own mean and that of
the body) in a fixed form; the cage is our own construction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from caretwin.ingest.findings import Findings
from caretwin.ingest.lung_ct.airways import airways
from caretwin.ingest.lung_ct.cage import BEST, GENEROUS, Bounds, Cage, rib_cage, room_for_dense_lung
from caretwin.ingest.lung_ct.diaphragm import Diaphragm, Sight, diaphragm
from caretwin.ingest.lung_ct.shapes import (
    Spacing,
    block_factors,
    closed,
    coarser,
    filled_slices,
    finer,
    grown,
    largest,
    opened,
    parts,
    touching,
)  # fmt: skip
from caretwin.ingest.lung_ct.volume import CtVolume

# Assumed, except where a source is named.
GRID_MM = 3.0
BODY_HU = -350.0
AERATED_HU = -200.0  # of a mean over 3 mm: below fat (-120 to -60), so that hazy lung is still found
WALL_HU = 50.0  # muscle and blood: a sharp edge lies, after blurring, half way between them and the lung beside it
LEAST_EDGE_HU = -200.0
DENSE_HU = (-150.0, 150.0)  # lung without air, enhanced by contrast or not
SMOOTH_MM = 2.5
VESSELS_MM = 6.0  # clefts of up to twice this width are closed
SMALLEST_LUNG_ML = 100.0
SMALLEST_LUNGS_ML = 300.0
GAS_ONLY_HU = -960.0
POCKET_MM, POCKET_ML = 8.0, 30.0  # gas without tissue, wider than twice this and larger than that, is reported
CUT = 0.1
LEAST_BALANCE = 0.35
CAUDAL = 0.35  # pure gas whose middle lies in this lowest part of the air is bowel


@dataclass(frozen=True)
class Outlines:
    """Three masks [z, y, x], each inside the next, and what is known of their worth.

    windpipe  whether the airways were found and taken out
    caged     whether the ribs were found; without them dense lung outside of the air is left out
    cut       area of lung in the first or last slice, as a share of its largest area: 0 for whole lungs
    floor     whether the dome of the diaphragm was seen, in part assumed, or nowhere seen
    balance   volume of the smaller lung, as a share of the larger; near 0 where one lung holds no air and is not found
    """

    smallest: Bool[np.ndarray, "z y x"]
    best: Bool[np.ndarray, "z y x"]
    largest: Bool[np.ndarray, "z y x"]
    windpipe: bool
    caged: bool
    cut: float
    balance: float
    floor: Sight


def outlines(volume: CtVolume, findings: Findings) -> Outlines | None:
    """The lungs of a volume; None, with an error among the findings, when there are none to be found."""
    spacing = volume.acquisition.spacing_mm
    means, grid = coarser(volume.hounsfield, spacing, GRID_MM)
    body = _body(means, grid)
    tubes = airways(means, body, grid)
    walls = grown(tubes, 3.0, grid)
    lungs = _aerated_lungs(body & (means < AERATED_HU) & ~walls, means, grid, findings)
    if lungs is None:
        return None
    cut = _report(lungs, tubes, means, grid, findings)
    enclosed = _enclosed(lungs, body, grid) & ~walls
    cage = rib_cage(means, body, lungs, grid)
    if cage is None:
        seen, fix = "too little bone to find the ribs", "lung without air outside of the air was not looked for"
        findings.warning(None, None, seen=seen, wanted="ribs around the lungs", fix=fix)
    prone = volume.acquisition.down not in ("back", None)
    if prone:
        seen, fix = "a patient who does not lie on the back", "lung without air was looked for at the back only"
        findings.warning(None, "PatientPosition", seen=seen, wanted="supine", fix=fix)
    calm = ndimage.gaussian_filter(means, [SMOOTH_MM / step for step in grid])  # one noisy voxel would be a hole
    dense = (calm > DENSE_HU[0]) & (calm < DENSE_HU[1]) & ~grown(tubes, 6.0, grid)
    floor = _floor(enclosed, cage, grid, findings)
    added = [_with_dense(enclosed, dense, cage, floor, grid, bounds) for bounds in (BEST, GENEROUS)]
    edge = _edge_density(means, lungs, grid)
    fine = [_on_voxels(mask, enclosed, edge, volume) for mask in (enclosed, added[0], added[0] | added[1])]
    balance = _balance(added[0], _middle(body), findings)
    sight = "unseen" if floor is None else floor.sight
    return Outlines(fine[0], fine[1], fine[2], bool(tubes.any()), cage is not None, cut, balance, sight)


def _body(means: np.ndarray, grid: Spacing) -> Bool[np.ndarray, "z y x"]:
    """The patient without the table: the largest dense part after thin things are gone, with all that it encloses."""
    core = largest(opened(means > BODY_HU, 6.0, grid))
    return filled_slices(closed(core, 6.0, grid))


def _aerated_lungs(
    air: np.ndarray, means: np.ndarray, grid: Spacing, findings: Findings
) -> Bool[np.ndarray, "z y x"] | None:
    """The large parts of the air that are no bowel."""
    voxel = float(np.prod(grid)) / 1000
    labels, sizes = parts(air)
    chosen = np.zeros(len(sizes), dtype=bool)
    big = [k for k in range(1, len(sizes)) if sizes[k] * voxel >= SMALLEST_LUNG_ML]
    if big:
        heights = ndimage.center_of_mass(air, labels, big)
        density = ndimage.median(means, labels, big)
        all_z = np.flatnonzero(np.isin(labels, big).any(axis=(1, 2)))
        caudal = all_z[0] + CAUDAL * (all_z[-1] - all_z[0])
        for k, (z, _, _), median in zip(big, heights, density, strict=True):
            chosen[k] = not (median < GAS_ONLY_HU and z < caudal)
    lungs = chosen[labels]
    if lungs.sum() * voxel < SMALLEST_LUNGS_ML:
        findings.error(
            None, None, seen=f"{lungs.sum() * voxel:.0f} mL of air that could be lung",
            wanted=f"lungs with at least {SMALLEST_LUNGS_ML:.0f} mL of aerated volume",
            fix="use a CT of the chest; lungs without any air cannot be found by their density",
        )  # fmt: skip
        return None
    return lungs


def _enclosed(lungs: np.ndarray, body: np.ndarray, grid: Spacing) -> Bool[np.ndarray, "z y x"]:
    """Air with its vessels: clefts closed, holes filled, on each side of the midline, so that no heart is enclosed."""
    middle = _middle(body)
    out = np.zeros_like(lungs)
    for side in (slice(0, middle), slice(middle, None)):
        half = np.pad(lungs[:, :, side], 6)
        whole = ndimage.binary_fill_holes(closed(half, VESSELS_MM, grid))
        out[:, :, side] = whole[6:-6, 6:-6, 6:-6]
    holes = filled_slices(out) & ~out  # small ones are vessels; a large one may be the top of the diaphragm
    return (out | (holes & ~opened(holes, VESSELS_MM, grid))) & body


def _middle(body: np.ndarray) -> int:
    """Index of the middle of the body from right to left."""
    counts = body.sum(axis=(0, 1))
    return int(np.average(np.arange(len(counts)), weights=counts))


def _balance(mask: np.ndarray, middle: int, findings: Findings) -> float:
    """The smaller lung as a share of the larger."""
    sizes = sorted((int(mask[:, :, :middle].sum()), int(mask[:, :, middle:].sum())))
    share = sizes[0] / max(sizes[1], 1)
    if share < LEAST_BALANCE:
        seen = f"one lung of {share:.0%} of the volume of the other"
        fix = "a lung without air is not found: the shares hold for the other lung only"
        findings.warning(None, None, seen=seen, wanted="two lungs", fix=fix)
    return share


def _floor(enclosed: np.ndarray, cage: Cage | None, grid: Spacing, findings: Findings) -> Diaphragm | None:
    """The diaphragm, with a finding where it was not seen."""
    if cage is None:
        return None
    found = diaphragm(enclosed, cage.middle, cage.centre, cage.half_mm, cage.depth_mm, grid)
    if found.sight == "assumed":
        seen, fix = "air that ends higher at the back", "its fall to the back was assumed: look at the lower lobes"
        findings.info(None, None, seen=seen, wanted="air down to the diaphragm", fix=fix)
    elif found.sight == "unseen":
        seen, fix = "air that ends level from front to back", "collapsed lung below it cannot be found"
        findings.warning(None, None, seen=seen, wanted="the dome of the diaphragm", fix=fix)
    return found


def _with_dense(
    enclosed: np.ndarray, dense: np.ndarray, cage: Cage | None, floor: Diaphragm | None, grid: Spacing, bounds: Bounds
) -> Bool[np.ndarray, "z y x"]:
    """The enclosed air and the dense lung that touches it."""
    if cage is None or floor is None:
        return enclosed
    room = room_for_dense_lung(cage, floor, enclosed, grid, bounds) & dense & ~enclosed
    thick = opened(room, bounds.thinnest_mm, grid)
    thick = thick if bounds.anywhere else touching(thick, enclosed)
    return closed(enclosed | thick, 3.0, grid) if thick.any() else enclosed


def _edge_density(means: np.ndarray, lungs: np.ndarray, grid: Spacing) -> Float[np.ndarray, "z y x"]:
    """Half way between the lung nearby and the wall (HU): the edge of hazy lung is denser than that of clear lung."""
    core = ndimage.binary_erosion(lungs)
    sigma = [10.0 / step for step in grid]
    weight = ndimage.gaussian_filter(core.astype(np.float32), sigma)
    nearby = ndimage.gaussian_filter(np.where(core, means, 0.0).astype(np.float32), sigma)
    local = np.where(weight > 1e-3, nearby / np.maximum(weight, 1e-3), -850.0)
    return np.minimum((local + WALL_HU) / 2, LEAST_EDGE_HU)


def _on_voxels(
    mask: np.ndarray, enclosed: np.ndarray, edge_hu: np.ndarray, volume: CtVolume
) -> Bool[np.ndarray, "z y x"]:
    """The mask on the scan's own voxels; at the edge of the air, each voxel's density decides."""
    shape = volume.hounsfield.shape
    factors = block_factors(volume.acquisition.spacing_mm, GRID_MM)
    core = ndimage.binary_erosion(mask)
    edge = (ndimage.binary_dilation(mask) & ~core) & ndimage.binary_dilation(enclosed, iterations=2)
    fine = finer(core | (mask & ~edge), factors, shape)
    undecided = finer(edge, factors, shape)
    limit = finer(edge_hu, factors, shape)[undecided]
    fine[undecided] = volume.hounsfield[undecided] < limit
    return fine


def _report(lungs: np.ndarray, tubes: np.ndarray, means: np.ndarray, grid: Spacing, findings: Findings) -> float:
    """Findings about what was and was not seen; returns how much of the lung lies at an end of the image."""
    if not tubes.any():
        seen, fix = "no windpipe", "its gas may have been counted as over-inflated lung"
        findings.warning(None, None, seen=seen, wanted="a windpipe above the lungs", fix=fix)
    gas_ml = opened(lungs & (means < GAS_ONLY_HU), POCKET_MM, grid).sum() * float(np.prod(grid)) / 1000
    if gas_ml > POCKET_ML:
        seen = f"{gas_ml:.0f} mL of gas without tissue inside the outline"
        fix = "it was counted as over-inflated lung; look whether it is a pneumothorax, a bulla or bowel"
        findings.warning(None, None, seen=seen, wanted="lung", fix=fix)
    counts = lungs.sum(axis=(1, 2))
    for end, name in ((0, "lower"), (-1, "upper")):
        if counts[end] > CUT * counts.max():
            seen, fix = f"lung that runs out of the image at its {name} end", "the whole lung was not scanned"
            findings.warning(None, None, seen=seen, wanted="both lungs from apex to base", fix=fix)
    return float(max(counts[0], counts[-1]) / counts.max())
