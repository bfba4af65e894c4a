"""A chest CT in the patient's own axes: from foot to head, from front to back, from right to left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int16

from caretwin.record.finding import Finding

Down = Literal["back", "front", "right", "left"]

# DICOM PS3.3, C.7.3.1.1.2: head or feet first, then supine, prone, decubitus right or left (that side is down).
DOWN_BY_POSITION: dict[str, Down] = {
    "HFS": "back", "FFS": "back", "HFP": "front", "FFP": "front",
    "HFDR": "right", "FFDR": "right", "HFDL": "left", "FFDL": "left",
}  # fmt: skip


@dataclass(frozen=True)
class Acquisition:
    """How the scan was made; nothing about who was scanned.

    spacing_mm   between slices, front to back, right to left
    slices       number of slices
    thickness_mm nominal thickness of a slice
    position     code of DICOM's Patient Position, None where it is not said
    down         the side of the body that lay lowest, None where it is not known
    kernel       reconstruction kernel as the maker writes it
    tube_kv      tube voltage (kV)
    contrast     whether a contrast agent is noted; None: the file says nothing
    taken        clock time of the acquisition as the scanner wrote it; only when it was asked for
    """

    spacing_mm: tuple[float, float, float]
    slices: int
    thickness_mm: float | None = None
    position: str | None = None
    down: Down | None = None
    kernel: str | None = None
    tube_kv: float | None = None
    contrast: bool | None = None
    taken: str | None = None


@dataclass(frozen=True)
class CtVolume:
    """A chest CT.

    hounsfield  [z, y, x] from foot to head, front to back, right to left
    voxel_ml    volume of a voxel (mL), of a shape that broadcasts to ``hounsfield``
    source      a digest that stands for the series and names nobody
    """

    hounsfield: Int16[np.ndarray, "z y x"]
    voxel_ml: Float[np.ndarray, "a b c"]
    acquisition: Acquisition
    source: str
    findings: tuple[Finding, ...] = ()
