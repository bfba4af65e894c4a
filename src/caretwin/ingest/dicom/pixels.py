"""Stored values of a stack as Hounsfield units, or why they cannot be had.

Source: DICOM PS3.3, C.8.2.1 and C.11.1.1.2: Hounsfield units = slope x stored value + intercept.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int16

from caretwin.ingest.dicom.files import HEADER, DicomError, pydicom_module
from caretwin.ingest.dicom.geometry import Stack
from caretwin.ingest.findings import Findings

LOWEST, HIGHEST = -1024, 3071  # 12 bits with an intercept of -1024: what a CT scale must hold
PIXELS = (*HEADER, "PixelData", "PlanarConfiguration", "ExtendedOffsetTable", "ExtendedOffsetTableLengths")
AIR_TOLERANCE_HU = 30.0  # assumed: half of what would move 6 % of the voxels of a lung across a border
UNIT_NAMES = ("", "HU", "US")  # RescaleType; "US" (unspecified) is written by scanners that mean Hounsfield units


def hounsfield(stack: Stack, findings: Findings) -> Int16[np.ndarray, "slices rows columns"]:
    """The whole stack in Hounsfield units, held within -1024..3071.

    Raises DicomError when the pixels cannot be decoded. An unusual or missing scale is a finding.
    """
    _check_scale(stack, findings)
    first = stack.frames[0].file.header
    rows, columns = (size if isinstance(size := first.get(name), int) else 0 for name in ("Rows", "Columns"))
    volume = np.empty((len(stack.frames), rows, columns), dtype=np.int16)
    read = lru_cache(maxsize=1)(_pixels)
    for place, frame in enumerate(stack.frames):
        stored = read(frame.file.path, frame.image)
        if stored.ndim == 3:
            stored = stored[frame.index]
        if stored.shape != volume.shape[1:]:
            seen, wanted = f"pixels of shape {stored.shape}", f"{volume.shape[1:]}, as the header says"
            raise DicomError(f"image {frame.image}", seen=seen, wanted=wanted, fix="fetch the image again")
        slope, intercept = frame.slope, frame.intercept
        values = stored.astype(np.float32) * (1.0 if slope is None else slope) + (intercept or 0.0)
        volume[place] = np.clip(np.rint(values), LOWEST, HIGHEST)
    _check_air(volume, findings)
    return volume


def _pixels(path: Path, image: int) -> np.ndarray:
    """The stored values of a file [rows, columns] or [frames, rows, columns]."""
    pydicom = pydicom_module()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = pydicom.dcmread(path, specific_tags=list(PIXELS), force=True)
            _check_decoder(pydicom, data, image)
            return np.asarray(data.pixel_array)
        except DicomError:
            raise
        except Exception as error:  # a damaged file can fail in any way; a library's words may quote a person's data
            raise DicomError(
                f"image {image}",
                seen=f"pixels that cannot be decoded ({type(error).__name__})",
                wanted="whole, readable pixel data",
                fix="fetch the image again; if it is compressed, export it uncompressed (Explicit VR Little Endian)",
            ) from None


def _check_decoder(pydicom: Any, data: Any, image: int) -> None:
    syntax = data.file_meta.TransferSyntaxUID
    if not syntax.is_compressed or syntax.is_deflated:
        return
    try:
        decoder = pydicom.pixels.get_decoder(syntax)
    except NotImplementedError:
        decoder = None
    if decoder is None or not decoder.is_available:
        name = syntax.name if syntax.name != str(syntax) else "an unknown transfer syntax"
        raise DicomError(
            f"image {image}",
            seen=f"pixels compressed as {name}, which no installed decoder reads",
            wanted="uncompressed pixels, or a decoder",
            fix="export the series as Explicit VR Little Endian, or install a decoder: pylibjpeg with "
            "pylibjpeg-libjpeg (JPEG, JPEG-LS) or pylibjpeg-openjpeg (JPEG 2000)",
        )


def _check_scale(stack: Stack, findings: Findings) -> None:
    for frame in stack.frames:
        if frame.slope is None or frame.intercept is None or frame.slope <= 0:
            seen = "no slope or intercept" if frame.slope is None or frame.intercept is None else "a slope below 0"
            fix = "export the original series again; the values cannot be trusted as Hounsfield units"
            findings.error(None, "RescaleSlope", seen=seen, wanted="a scale to Hounsfield units", fix=fix)
        if frame.rescale_type not in UNIT_NAMES:
            fix = "use the reconstruction in Hounsfield units"
            findings.error(None, "RescaleType", seen="values of another kind", wanted="Hounsfield units", fix=fix)
    scales = {(frame.slope, frame.intercept) for frame in stack.frames}
    if len(scales) > 1:
        seen, fix = f"{len(scales)} different scales in one series", "each image was read with its own"
        findings.info(None, "RescaleSlope", seen=seen, wanted="one scale", fix=fix)
    if any(str(f.file.header.get("LossyImageCompression", "")) == "01" for f in stack.frames):
        fix = "use the original: lossy compression moves voxels across the borders of the compartments"
        findings.warning(
            None, "LossyImageCompression", seen="compressed with loss", wanted="the original values", fix=fix
        )


def _check_air(volume: np.ndarray, findings: Findings) -> None:
    """Air is -1000 by definition of the scale: where it is found tells whether the scale is right."""
    counts = np.bincount((volume.ravel() - LOWEST).astype(np.int32), minlength=HIGHEST - LOWEST + 1)
    counts[0] = 0  # padding outside the field of view
    air = counts[: -800 - LOWEST]
    if air.sum() < 1e-3 * volume.size:
        seen = f"hardly a voxel below -800; the darkest hundredth ends at {np.percentile(volume[::4, ::4, ::4], 1):.0f}"
        fix = "export the original series with RescaleSlope and RescaleIntercept; or it is no chest"
        findings.error(None, "RescaleIntercept", seen=seen, wanted="air near -1000 HU", fix=fix)
        return
    smooth = np.convolve(air, np.ones(11), mode="same")
    peak = int(np.argmax(smooth[: -940 - LOWEST])) + LOWEST if smooth[: -940 - LOWEST].sum() > 0 else LOWEST
    if abs(peak + 1000) > AIR_TOLERANCE_HU and peak > LOWEST + 10:
        seen, fix = f"air at {peak} HU", "have the calibration of the scanner checked; the compartments are shifted"
        findings.warning(None, "RescaleIntercept", seen=seen, wanted="air at -1000 HU", fix=fix)
