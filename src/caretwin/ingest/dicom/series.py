"""A chest CT from a folder of DICOM files: one stack in Hounsfield units, or a named reason why there is none.

Files are grouped by series; only CT images are kept; slices are put in order by their place in the patient. What is
wrong travels along as findings, or stops the reading with all of them in one error. Nothing that could identify a
person is taken from the files (see ``dicom_files``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from caretwin.ingest.dicom.files import DicomError, Header, ImageFile, digest, image_files, nothing_found
from caretwin.ingest.dicom.frames import Frame, frame_count, frames_of
from caretwin.ingest.dicom.geometry import Stack, stacked
from caretwin.ingest.dicom.pixels import hounsfield
from caretwin.ingest.findings import Findings
from caretwin.ingest.lung_ct.volume import DOWN_BY_POSITION, Acquisition, CtVolume

OBLIQUE = 0.8  # cosine; assumed: beyond 37 degrees no axis of the image is one of the patient


def read_chest_ct(
    path: str | Path, *, series: int | None = None, chest: bool = False, clock: bool = False, strict: bool = True
) -> CtVolume:
    """Read one CT series.

    path    a folder (with its subfolders) or a file of DICOM images
    series  which series, as the error that lists them counts; None: the only one
    chest   True: it is a chest, whatever the label of the files says
    clock   True: date and time of the acquisition are read too
    strict  False returns a volume in spite of errors that leave one, which then stand in ``findings``
    Returns a CtVolume in the patient's axes.
    Raises DicomError when there is no such series, or it is no stack in Hounsfield units.

    >>> read_chest_ct("patient/ct").acquisition.spacing_mm  # doctest: +SKIP
    (1.25, 0.7, 0.7)
    """
    source = Path(path)
    if not source.exists():
        fix = "check the path"
        raise DicomError("reading DICOM", seen="no such file or folder", wanted="DICOM files", fix=fix)
    files, refused = image_files(source, chest=chest, clock=clock)
    if not files:
        raise nothing_found(refused)
    number, chosen = _chosen(files, series)
    where = f"series {number} of the folder"
    findings = Findings()
    if refused:
        seen = f"{len(refused)} files that are no CT images of a chest"
        findings.info(None, None, seen=seen, wanted="CT images only", fix="they were not read")
    frames = frames_of(chosen, findings)
    stack = None if findings.has_errors else stacked(_without_copies(frames, findings), findings)
    if stack is None:
        raise DicomError.of(where, findings.all)
    values = hounsfield(stack, findings)
    if strict and findings.has_errors:
        raise DicomError.of(where, findings.all)
    return _in_patient_axes(stack, values, where, findings, clock)


def _chosen(files: Sequence[ImageFile], series: int | None) -> tuple[int, list[ImageFile]]:
    """The files of one series; an error that lists the series when it is not clear which."""
    groups: dict[str, list[ImageFile]] = defaultdict(list)
    for file in files:
        groups[str(file.header["SeriesInstanceUID"])].append(file)
    listed = list(groups.values())
    if series is None and len(listed) == 1:
        return 1, listed[0]
    if series is not None and 1 <= series <= len(listed):
        return series, listed[series - 1]
    described = "; ".join(f"{n}: {_described(group)}" for n, group in enumerate(listed, 1))
    seen = f"{len(listed)} CT series: {described}"
    wanted = "one series" if series is None else f"a number from 1 to {len(listed)}"
    fix = "choose one (--series N): the whole chest, thin slices, a smooth kernel, end of expiration"
    raise DicomError("a folder of DICOM files", seen=seen, wanted=wanted, fix=fix)


def _described(group: Sequence[ImageFile]) -> str:
    header = group[0].header
    kernel = _kernel(header)
    images = sum(frame_count(f.header) for f in group)
    thickness = header.get("SliceThickness")
    parts = [
        f"{images} images",
        f"{float(thickness):.2f} mm" if thickness else "",
        f"kernel {kernel}" if kernel else "",
    ]
    return ", ".join(part for part in parts if part)


def _without_copies(frames: Sequence[Frame], findings: Findings) -> list[Frame]:
    """Frames without the ones whose instance UID was already seen (the same file exported twice)."""
    seen: set[tuple[str, int]] = set()
    kept = []
    for frame in frames:
        name = (str(frame.file.header.get("SOPInstanceUID", frame.file.number)), frame.index)
        if name not in seen:
            seen.add(name)
            kept.append(frame)
    if len(kept) < len(frames):
        count = len(frames) - len(kept)
        findings.info(
            None, "SOPInstanceUID", seen=f"{count} files twice", wanted="each once", fix="the copies were left out"
        )
    return kept


def _in_patient_axes(stack: Stack, values: np.ndarray, where: str, findings: Findings, clock: bool) -> CtVolume:
    """Axes swapped and turned so that they run to the head, to the back and to the left."""
    axes = [int(np.argmax(np.abs(stack.directions[:, patient]))) for patient in (2, 1, 0)]
    cosines = [float(stack.directions[axis, patient]) for axis, patient in zip(axes, (2, 1, 0), strict=True)]
    if len(set(axes)) < 3 or min(abs(c) for c in cosines) < OBLIQUE:
        seen, wanted = "slices oblique to the body", "axial, coronal or sagittal slices"
        fix = "use the axial reconstruction"
        findings.error(None, "ImageOrientationPatient", seen=seen, wanted=wanted, fix=fix)
        raise DicomError.of(where, findings.all)
    flips = tuple(slice(None, None, 1 if c > 0 else -1) for c in cosines)
    area = stack.spacing_mm[1] * stack.spacing_mm[2]
    voxel = (stack.heights_mm * area / 1000.0)[:, None, None]
    spacing = (stack.spacing_mm[axes[0]], stack.spacing_mm[axes[1]], stack.spacing_mm[axes[2]])
    turned = np.ascontiguousarray(values.transpose(axes)[flips])
    first = stack.frames[0]
    return CtVolume(
        turned,
        voxel.transpose(axes)[flips],
        _acquisition(first, spacing, len(stack.frames), findings, clock),
        f"dicom:{digest(str(first.file.header['SeriesInstanceUID']))}",
        findings.all,
    )


def _acquisition(
    frame: Frame, spacing: tuple[float, float, float], slices: int, findings: Findings, clock: bool
) -> Acquisition:
    header = frame.file.header
    position = str(header.get("PatientPosition", "") or "").strip().upper()
    down = DOWN_BY_POSITION.get(position)
    if down is None:
        fix = "thirds along gravity are left out; dense lung is looked for at the back, as if supine"
        seen = "no patient position, or one that does not say which side is down"
        findings.warning(None, "PatientPosition", seen=seen, wanted="supine, prone or on a side", fix=fix)
    return Acquisition(
        spacing_mm=spacing,
        slices=slices,
        thickness_mm=frame.thickness,
        position=position if down else None,
        down=down,
        kernel=_kernel(header),
        tube_kv=_tube_voltage(header),
        contrast=_contrast(header),
        taken=_taken(header) if clock else None,
    )


def _kernel(header: Header) -> str | None:
    """The kernel, when it is a code word and no sentence."""
    value = header.get("ConvolutionKernel")
    text = str(value if isinstance(value, str) or value is None else value[0]).strip()
    return text if value and len(text) <= 16 and text.replace("_", "").replace("-", "").isalnum() else None


def _tube_voltage(header: Header) -> float | None:
    try:
        return float(header.get("KVP"))
    except (TypeError, ValueError):
        return None


def _contrast(header: Header) -> bool | None:
    """Whether an agent is named; a file without the attribute says nothing."""
    if "ContrastBolusAgent" in header or "ContrastBolusAgentSequence" in header:
        return bool(header.get("ContrastBolusAgent") or header.get("ContrastBolusAgentSequence"))
    return None


def _taken(header: Header) -> str | None:
    date, time = str(header.get("AcquisitionDate", "")), str(header.get("AcquisitionTime", "")).split(".")[0]
    if len(date) != 8 or not date.isdigit():
        return None
    clock = f"T{time[:2]}:{time[2:4]}:{time[4:6]}" if len(time) == 6 and time.isdigit() else ""
    return f"{date[:4]}-{date[4:6]}-{date[6:]}{clock}"
