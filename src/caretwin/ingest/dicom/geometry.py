"""Slices in order along the body, and whether they are one undistorted stack.

The place of a slice is its position projected on the normal of its plane; names of files, instance numbers and slice
locations are not trusted. Source: DICOM PS3.3, C.7.6.2.1.1 (image position and orientation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from caretwin.ingest.dicom.frames import Frame
from caretwin.ingest.findings import Findings

# All assumed: wide enough for rounding in files, narrow enough that volumes stay right to a per cent.
SAME_PLACE_MM = 0.05
COSINE_TOLERANCE = 1e-3
SPACING_TOLERANCE = 1e-3  # relative
GAP = 1.5  # times the usual spacing
MAX_MISSING = 0.1  # of the slices; beyond, the stack is not measured
FEWEST_SLICES = 10
WIDE_MM = 12.0  # slices further apart than this sample the lung, they do not cover it


@dataclass(frozen=True)
class Stack:
    """Frames in order along the normal, and the geometry they share.

    directions   [3, 3] unit vectors (patient's left, back, head) of slice, row and column index
    spacing_mm   (3,) between slices (the usual one), rows, columns
    places_mm    [n] of the slices along the normal
    """

    frames: tuple[Frame, ...]
    directions: Float[np.ndarray, "3 3"]
    spacing_mm: tuple[float, float, float]
    places_mm: Float[np.ndarray, " n"]

    @property
    def heights_mm(self) -> Float[np.ndarray, " n"]:
        """The part of the body that each slice stands for: half way to its neighbours (mm)."""
        edges = (self.places_mm[1:] + self.places_mm[:-1]) / 2
        ends = [self.places_mm[0] - self.spacing_mm[0] / 2], [self.places_mm[-1] + self.spacing_mm[0] / 2]
        return np.diff(np.concatenate([ends[0], edges, ends[1]]))


def stacked(frames: Sequence[Frame], findings: Findings) -> Stack | None:
    """The frames as one stack; None, with errors among the findings, when they are not one."""
    if len(frames) < FEWEST_SLICES:
        wanted = f"a chest CT of at least {FEWEST_SLICES} slices"
        findings.error(None, None, seen=f"{len(frames)} slices", wanted=wanted, fix="name the whole series")
        return None
    if not _alike(frames, findings):
        return None
    row, column = np.array(frames[0].orientation[:3]), np.array(frames[0].orientation[3:])
    directions = np.stack([np.cross(row, column), column, row])
    if np.abs(directions @ directions.T - np.eye(3)).max() > COSINE_TOLERANCE:
        seen, wanted = "directions that are no right angle", "two unit vectors at a right angle"
        findings.error(None, "ImageOrientationPatient", seen=seen, wanted=wanted, fix="export the original series")
        return None
    places = np.array([np.dot(directions[0], frame.position) for frame in frames])
    order = np.argsort(places, kind="stable")
    ordered, places = [frames[i] for i in order], places[order]
    steps = np.diff(places)
    if (steps < SAME_PLACE_MM).any():
        return _repeated(ordered, steps, findings)
    usual = float(np.median(steps))
    _report_steps(ordered, steps, usual, findings)
    _report_shear(ordered, directions, findings)
    spacing = (usual, ordered[0].spacing[0], ordered[0].spacing[1])
    return Stack(tuple(ordered), directions, spacing, places)


def _alike(frames: Sequence[Frame], findings: Findings) -> bool:
    """Same orientation, same voxel size, same number of rows and columns."""
    first, good = frames[0], True
    for frame in frames[1:]:
        sizes = [(f.file.header.get("Rows"), f.file.header.get("Columns")) for f in (first, frame)]
        checks = (
            ("ImageOrientationPatient", np.allclose(frame.orientation, first.orientation, atol=COSINE_TOLERANCE)),
            ("PixelSpacing", np.allclose(frame.spacing, first.spacing, rtol=SPACING_TOLERANCE)),
            ("Rows", sizes[0] == sizes[1]),
        )
        for name, same in checks:
            if not same:
                seen, wanted = f"another {name} than the first image's", "one stack of equal slices"
                findings.error(frame.image, name, seen=seen, wanted=wanted, fix="keep the images of one reconstruction")
                good = False
    return good


def _repeated(frames: Sequence[Frame], steps: np.ndarray, findings: Findings) -> None:
    count = int((steps < SAME_PLACE_MM).sum())
    numbers = sorted({f.acquisition for f in frames if f.acquisition is not None})
    fix = "remove the copies" if len(numbers) < 2 else f"keep one acquisition of {len(numbers)} (AcquisitionNumber)"
    seen, wanted = f"{count} slices at the place of another slice", "one slice at each place"
    findings.error(None, "ImagePositionPatient", seen=seen, wanted=wanted, fix=fix)


def _report_steps(frames: Sequence[Frame], steps: np.ndarray, usual: float, findings: Findings) -> None:
    missing = int(np.round(steps[steps > GAP * usual] / usual - 1).sum())
    if missing:
        severity = findings.error if missing > MAX_MISSING * len(frames) else findings.warning
        severity(
            None,
            "ImagePositionPatient",
            seen=f"gaps that {missing} slices of {usual:.2f} mm would fill, besides {len(frames)} slices",
            wanted="slices at equal distances",
            fix="fetch the missing images; until then the neighbours stand for them",
        )
    elif steps.max() - steps.min() > 0.1 * usual:
        seen = f"distances between slices from {steps.min():.2f} to {steps.max():.2f} mm"
        fix = "each slice was given the part of the body that is nearest to it"
        findings.warning(None, "ImagePositionPatient", seen=seen, wanted="equal distances", fix=fix)
    thickness = frames[0].thickness
    if usual > WIDE_MM or (thickness is not None and usual > GAP * thickness):
        thick = "" if thickness is None else f" of {thickness:.2f} mm"
        seen = f"slices{thick} every {usual:.2f} mm"
        fix = "the lung between them was not seen: look at the volumes with care, or use a series without gaps"
        findings.warning(None, "SliceThickness", seen=seen, wanted="slices that touch", fix=fix)


def _report_shear(frames: Sequence[Frame], directions: np.ndarray, findings: Findings) -> None:
    """A tilted gantry: slices are shifted within their plane; volumes stay right, outlines get worse."""
    moved = np.array(frames[-1].position) - np.array(frames[0].position)
    within = np.linalg.norm(directions[1:] @ moved)
    along = abs(float(directions[0] @ moved))
    if within > 0.05 * along:
        seen = f"slices that shift by {within / along * 100:.0f} % of their distance (gantry tilt)"
        fix = "volumes are right, the outline of the lungs may be less so"
        findings.warning(None, "GantryDetectorTilt", seen=seen, wanted="no tilt", fix=fix)
