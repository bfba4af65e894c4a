"""Whom a slice is of, and when it was taken: the only attributes about a person that are ever read from an image.

Source: DICOM PS3.3, C.7.1.1 (patient), C.8.2.1 and C.7.6.1 (acquisition), C.12.1 (offset); PS3.5, 6.2 (DA, TM, DT).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from caretwin.base.errors import DataError, TimeError
from caretwin.base.time import parse_instant, to_microseconds
from caretwin.ingest.decoded import Refusal, RefusedError
from caretwin.ingest.dicom.files import pydicom_module
from caretwin.record.entry import Identifier, SubjectRef
from caretwin.record.identifiers import identifier

TAGS = (
    "PatientID", "IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence", "OtherPatientIDsSequence",
    "AcquisitionDateTime", "AcquisitionDate", "AcquisitionTime", "TimezoneOffsetFromUTC", "StudyInstanceUID",
    "SeriesInstanceUID", "AcquisitionNumber",
)  # fmt: skip
_DATE, _TIME = re.compile(r"\d{8}"), re.compile(r"(\d{2})(\d{2})(?:(\d{2})(?:\.(\d{1,6}))?)?")
_OFFSET = re.compile(r"[+-]\d{4}")


@dataclass(frozen=True)
class Whose:
    """What a site says of its patients' numbers and clocks.

    issuer   who gives a number that comes without an issuer; "" refuses it
    systems  what an issuer is called in the record
    zone     IANA zone of the scanner's clock, where a slice does not say its offset; "" refuses it
    """

    issuer: str = ""
    systems: Mapping[str, str] = field(default_factory=dict)
    zone: str = ""


class Slice(NamedTuple):
    """What a slice says of its person and time (us); acquisition: the number of its acquisition, "" for none."""

    identifiers: tuple[Identifier, ...]
    taken: int
    study: str
    series: str
    acquisition: str
    said_offset: bool


def read_slice(path: Path, whose: Whose) -> Slice:
    """Read it. Raises RefusedError without a number of the patient, and without an instant."""
    pydicom = pydicom_module()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(TAGS))
        taken, offset = _taken(data, whose.zone)
        words = [_text(data, name) for name in ("StudyInstanceUID", "SeriesInstanceUID", "AcquisitionNumber")]
        return Slice(_identifiers(data, whose), taken, *words, offset)


def subject_of(slices: list[Slice]) -> SubjectRef:
    """The one person of all slices. Raises RefusedError where there are several."""
    if len({one.identifiers for one in slices}) != 1:
        raise _refused("PatientID", "slices of several patients in one series", "one patient",
                       "look at the sender: a series instance UID was used twice", "conflict")  # fmt: skip
    return SubjectRef(slices[0].identifiers)


def _identifiers(data: Any, whose: Whose) -> tuple[Identifier, ...]:
    """The patient's numbers, the main one first."""
    found = [_identifier(data, whose)]
    for other in data.get("OtherPatientIDsSequence") or ():
        if _text(other, "PatientID") and _issuer(other):
            found.append(_identifier(other, whose))
    return tuple(dict.fromkeys(found))


def _identifier(item: Any, whose: Whose) -> Identifier:
    number, issuer = _text(item, "PatientID"), _issuer(item) or whose.issuer
    if not number:
        raise _refused("PatientID", "no number of the patient", "PatientID", "let the scanner send it", "required")
    if not issuer:
        raise _refused("IssuerOfPatientID", "a number of the patient without its issuer", "who gives the number",
                       "let the sender say it, or set issuer of this door", "required")  # fmt: skip
    try:
        return identifier(whose.systems.get(issuer, issuer), number)
    except DataError as problem:
        raise _refused("PatientID", problem.seen, problem.wanted, problem.fix) from None


def _issuer(item: Any) -> str:
    """The issuer's universal name where there is one, else its local one."""
    for qualifier in item.get("IssuerOfPatientIDQualifiersSequence") or ():
        entity, kind = _text(qualifier, "UniversalEntityID"), _text(qualifier, "UniversalEntityIDType").upper()
        if entity:
            return {"ISO": f"urn:oid:{entity}", "UUID": f"urn:uuid:{entity}"}.get(kind, entity)
    return _text(item, "IssuerOfPatientID")


def _taken(data: Any, zone: str) -> tuple[int, bool]:
    """When the slice was acquired (us), and whether it says its offset."""
    stamp = _text(data, "AcquisitionDateTime")
    offset = _OFFSET.search(stamp[8:])
    stamp = stamp[: offset.start() + 8] if offset else stamp
    date, time = (stamp[:8], stamp[8:]) if len(stamp) > 8 else (_text(data, "AcquisitionDate"), "")
    time = time or _text(data, "AcquisitionTime")
    found = _TIME.fullmatch(time)
    if not _DATE.fullmatch(date) or found is None:
        raise _refused("AcquisitionDate", "no date and time of acquisition", "both, the time to the minute",
                       "let the scanner send them; the time of the series may be that of a later reconstruction",
                       "required")  # fmt: skip
    said = offset.group() if offset else _text(data, "TimezoneOffsetFromUTC")
    said = said if _OFFSET.fullmatch(said) else ""
    hour, minute, second, fraction = (part or "" for part in found.groups())
    clock = f"{hour}:{minute}:{min(int(second or 0), 59):02d}.{fraction:0<6}"
    text = f"{date[:4]}-{date[4:6]}-{date[6:]}T{clock}{said[:3] + ':' + said[3:] if said else ''}"
    try:
        return to_microseconds(parse_instant(text, zone or None)), bool(said)
    except TimeError as problem:
        fix = "set zone of this door" if not (said or zone) else "let the scanner send TimezoneOffsetFromUTC"
        wanted = "an instant: a date that exists, a time, and an offset or the zone of the scanner's clock"
        raise _refused("AcquisitionTime", problem.seen, wanted, fix) from None


def _text(item: Any, name: str) -> str:
    """An attribute as text; "" where it is absent or cannot be read."""
    try:
        value = item.get(name)
    except Exception:  # a value in an unknown alphabet, a damaged element
        return ""
    return "" if value is None else str(value).strip()


def _refused(place: str, seen: str, wanted: str, fix: str, code: Any = "value") -> RefusedError:
    return RefusedError(Refusal(place, seen, wanted, fix, code))
