"""One frame is one slice: classic CT has one per file, enhanced CT keeps them all in one file with shared attributes.

Source: DICOM PS3.3, C.7.6.2 (image plane), C.8.2 (CT image), C.7.6.16 (functional groups), C.8.15 (enhanced CT).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from caretwin.ingest.dicom.files import ENHANCED_CT, Header, ImageFile
from caretwin.ingest.findings import Findings


@dataclass(frozen=True)
class Frame:
    """One slice, before its pixels are read.

    image        number of the slice in order of file and frame, for findings
    position     centre of the first voxel (mm; to the patient's left, back, head)
    orientation  direction of a row and of a column of the image, six cosines
    spacing      (mm) between rows, between columns
    slope, intercept   stored value to Hounsfield units; None where the file does not say
    thickness    nominal thickness of the slice (mm), None where it is not said
    acquisition  number of the acquisition, None where it is not said
    """

    image: int
    file: ImageFile
    index: int
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]
    slope: float | None
    intercept: float | None
    rescale_type: str
    thickness: float | None
    acquisition: int | None


def frames_of(files: Sequence[ImageFile], findings: Findings) -> list[Frame]:
    """Every frame of the files that has a place and a size; what lacks one is an error among the findings."""
    frames: list[Frame] = []
    image = 0
    for file in files:
        enhanced = file.header["SOPClassUID"] in ENHANCED_CT
        for index in range(frame_count(file.header) if enhanced else 1):
            image += 1
            groups = _groups(file.header, index) if enhanced else [file.header]
            frame = _frame(image, file, index, groups, findings)
            if frame is not None:
                frames.append(frame)
    return frames


def frame_count(header: Header) -> int:
    """How many frames a file holds; one where it does not say."""
    return _whole([header], "NumberOfFrames") or 1


def _groups(header: Header, index: int) -> list[Header]:
    """The functional groups that hold for a frame: its own first, then the shared ones."""
    own, shared = header.get("PerFrameFunctionalGroupsSequence"), header.get("SharedFunctionalGroupsSequence")
    found: list[Header] = []
    for group in ([own[index]] if own and index < len(own) else []) + ([shared[0]] if shared else []):
        found += [item for value in group.values() if isinstance(value, list) for item in value]
    return [*found, header]


def _frame(image: int, file: ImageFile, index: int, groups: list[Header], findings: Findings) -> Frame | None:
    position = _numbers(groups, "ImagePositionPatient", 3)
    orientation = _numbers(groups, "ImageOrientationPatient", 6)
    spacing = _numbers(groups, "PixelSpacing", 2)
    missing = [
        (name, why)
        for name, value, why in (
            ("ImagePositionPatient", position, "where the slice lies"),
            ("ImageOrientationPatient", orientation, "which way the slice lies"),
            ("PixelSpacing", spacing, "how large a voxel is (mm)"),
        )
        if value is None or (name == "PixelSpacing" and min(value) <= 0)
    ]
    for name, why in missing:
        findings.error(image, name, seen=f"no usable {name}", wanted=why, fix="export the original series again")
    if missing or position is None or orientation is None or spacing is None:
        return None
    return Frame(
        image, file, index, position, orientation, spacing,
        _number(groups, "RescaleSlope"), _number(groups, "RescaleIntercept"), _text(groups, "RescaleType"),
        _number(groups, "SliceThickness"), _whole(groups, "AcquisitionNumber"),
    )  # fmt: skip


def _first(groups: Sequence[Header], name: str) -> Any:
    return next((value for group in groups if (value := group.get(name)) not in (None, "")), None)


def _numbers(groups: Sequence[Header], name: str, count: int) -> tuple[float, ...] | None:
    """Several finite numbers, or None; a file may hold anything under a name."""
    try:
        values = tuple(float(item) for item in _first(groups, name) or ())
    except (TypeError, ValueError):
        return None
    return values if len(values) == count and all(math.isfinite(v) for v in values) else None


def _number(groups: Sequence[Header], name: str) -> float | None:
    try:
        value = float(_first(groups, name))
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _whole(groups: Sequence[Header], name: str) -> int | None:
    value = _number(groups, name)
    return None if value is None else int(value)


def _text(groups: Sequence[Header], name: str) -> str:
    return str(_first(groups, name) or "").strip().upper()
