"""Which files of a folder are CT images of a chest, and why the others are not.

Only the attributes listed here are ever taken from a file: what is acquired and how, nothing about the person. Names,
identifiers, descriptions, institutions, burned-in text and private attributes stay where they are. Files are spoken of
by their number in order of name, because names of files can be names of people.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caretwin.base.errors import DataError
from caretwin.record.finding import Finding

Header = dict[str, Any]  # attributes by keyword; absent where a file lacks one or it cannot be read

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = ("1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")  # and legacy converted enhanced CT

# DICOM PS3.3, C.7.6 and C.8.2 (attributes of the CT image), C.7.6.16 and C.8.15 (functional groups of enhanced CT).
HEADER = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality", "ImageType", "BodyPartExamined",
    "PatientPosition", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness",
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored",
    "HighBit", "PixelRepresentation", "PixelPaddingValue", "RescaleSlope", "RescaleIntercept", "RescaleType",
    "LossyImageCompression", "ConvolutionKernel", "KVP", "ContrastBolusAgent", "ContrastBolusAgentSequence",
    "AcquisitionNumber", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip
NESTED = (
    "PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence", "PixelValueTransformationSequence",
)  # fmt: skip
CLOCK = ("AcquisitionDate", "AcquisitionTime")  # read only when a person asks for the date

# DICOM PS3.16 annex L, defined terms of Body Part Examined that contain lungs; an empty one says nothing.
CHEST = ("", "CHEST", "THORAX", "LUNG", "CHESTABDPELVIS", "CHESTABDOMEN", "CHEST_ABDOMEN", "NECKCHEST",
         "NECKCHESTABDPELV", "NECKCHESTABDOMEN", "WHOLEBODY", "TSPINE", "HEART", "RIB", "AORTA",
         "MEDIASTINUM")  # fmt: skip
# Third and later values of Image Type that are no stack of CT numbers.
NO_STACK = {
    "LOCALIZER": "a localizer (scout): a projection, not a slice",
    "MIP": "a maximum intensity projection: its values are no averages over a voxel",
    "MINIP": "a minimum intensity projection: its values are no averages over a voxel",
    "MAX_IP": "a maximum intensity projection: its values are no averages over a voxel",
    "MIN_IP": "a minimum intensity projection: its values are no averages over a voxel",
    "PROJECTION IMAGE": "a projection, not a slice",
    "IODINE": "an iodine map: its values are no Hounsfield units",
}


class DicomError(DataError):
    """Raised when DICOM files hold no chest CT that can be measured.

    findings   what was wrong with the series, all of it; empty when there was no series

    >>> print(DicomError("a folder", seen="2 x MR Image Storage", wanted="a chest CT", fix="name its folder"))
    a folder
      seen    2 x MR Image Storage
      wanted  a chest CT
      fix     name its folder
    """

    def __init__(self, where: str, *, seen: str, wanted: str, fix: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(where, seen=seen, wanted=wanted, fix=fix)
        self.findings = tuple(findings)

    @classmethod
    def of(cls, where: str, findings: Sequence[Finding]) -> DicomError:
        """One error for a series with several faults: the first is shown in full, the others are counted and kept."""
        errors = [f for f in findings if f.severity == "error"]
        first, more = errors[0], len(errors) - 1
        place = "" if first.row is None else f"image {first.row}: "
        seen = f"{place}{first.seen}" + (f" (and {more} more faults)" if more else "")
        return cls(where, seen=seen, wanted=first.wanted, fix=first.fix, findings=findings)


@dataclass(frozen=True)
class ImageFile:
    """A CT image file: its number in order of name, and its header, which holds only what ``HEADER`` names."""

    number: int
    path: Path
    header: Header


def pydicom_module() -> Any:
    """pydicom, which is installed on request only; DicomError says how."""
    try:
        import pydicom
    except ImportError as error:
        raise DicomError(
            "reading DICOM",
            seen="pydicom is not installed",
            wanted="pydicom 3 or later",
            fix='install it: pip install "caretwin[imaging]"',
        ) from error
    return pydicom


def image_files(path: Path, *, chest: bool, clock: bool = False) -> tuple[list[ImageFile], list[str]]:
    """The CT image files below ``path``, and for every other file the reason why it is none.

    path    a file, or a folder that is searched with its subfolders
    chest   True: believe the person that it is a chest whatever the files say
    clock   True: the date and time of the acquisition may be read
    Raises DicomError when there is nothing at all.
    """
    paths = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    if not paths:
        raise DicomError("a folder", seen="no file", wanted="the DICOM files of a chest CT", fix="name their folder")
    found, refused = [], []
    for number, item in enumerate(paths, 1):
        header, reason = read_header(item, clock)
        reason = reason or refusal(header, chest)
        if reason:
            refused.append(reason)
        else:
            found.append(ImageFile(number, item, header))
    return found, refused


def read_header(path: Path, clock: bool) -> tuple[Header, str]:
    """The allowed attributes of a file, or why it cannot be read. A library's own words may quote a person's data."""
    pydicom = pydicom_module()
    names = [*HEADER, *CLOCK] if clock else list(HEADER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=names, force=True)
            header = _plain(data, {*names, *NESTED})
            header["TransferSyntaxUID"] = str(data.file_meta.get("TransferSyntaxUID", ""))
            header.setdefault("SOPClassUID", str(data.file_meta.get("MediaStorageSOPClassUID", "")))
            header["kind"] = pydicom.uid.UID(header["SOPClassUID"]).name
        except Exception:  # a damaged file can fail in any way
            return {}, "not readable as DICOM (damaged, or another kind of file)"
    if not header["SOPClassUID"]:
        return header, "not a DICOM file, or one that does not say what it is"
    return header, ""


def _plain(data: Any, names: Collection[str]) -> Header:
    """The named attributes as plain values; one that cannot be read is absent; sequences become lists of the same."""
    found: Header = {}
    for tag in tuple(data.keys()):  # not the elements: reading one may fail
        try:
            element = data[tag]
            if element.keyword in names:
                nested = element.VR == "SQ"
                found[element.keyword] = [_plain(item, names) for item in element.value] if nested else element.value
        except Exception:  # a value that is no number, a text in an unknown alphabet
            continue
    return found


def refusal(header: Header, chest: bool) -> str:
    """Why this DICOM file is no CT image of a chest; "" when it may be one."""
    if header["SOPClassUID"] not in (CT_IMAGE, *ENHANCED_CT):
        known = header["kind"] != header["SOPClassUID"]
        return f"{header['kind'] if known else 'an unknown kind of DICOM file'}, not a CT image"
    if header.get("Modality", "CT") != "CT":
        return "a CT image file whose modality is not CT"
    if not header["TransferSyntaxUID"]:
        return "a CT image without file meta information: how its pixels are encoded is not said"
    image_type = header.get("ImageType") or ()
    words = {str(word).strip().upper() for word in ([image_type] if isinstance(image_type, str) else image_type)}
    for word, reason in NO_STACK.items():
        if word in words:
            return reason
    if header.get("SamplesPerPixel", 1) != 1:
        return "a colour image: a capture of a screen, not CT numbers"
    part = str(header.get("BodyPartExamined", "") or "").strip().upper()
    if not chest and part.replace(" ", "") not in CHEST:
        return f"a CT of another part of the body ({_word(part)}), or one that is labelled wrongly"
    if not header.get("SeriesInstanceUID"):
        return "a CT image without a series instance UID"
    return ""


def nothing_found(refused: Sequence[str]) -> DicomError:
    """The error for files of which none is a CT image of a chest; every reason with its count."""
    reasons = "; ".join(f"{count} x {reason}" for reason, count in Counter(refused).most_common())
    fix = "name the folder of the CT series"
    if any("another part of the body" in reason for reason in refused):
        fix += "; if the label is wrong and it is a chest, say so (--chest, or chest=True)"
    if any("file meta" in reason for reason in refused):
        fix += "; export the files again as DICOM Part 10"
    seen = f"{len(refused)} files, none of them a CT image of a chest: {reasons}"
    return DicomError("DICOM files", seen=seen, wanted="CT images of a chest", fix=fix)


def digest(text: str) -> str:
    """Twelve characters that stand for an identifier without being it."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _word(text: str) -> str:
    """A code word as DICOM allows it (16 letters, digits, blanks, underscores); free text is not repeated."""
    plain = text.replace(" ", "").replace("_", "")
    return text if len(text) <= 16 and plain.isalnum() and plain.isascii() else "a label that is no code word"
