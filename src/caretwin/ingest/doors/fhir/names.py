"""By which names resources are found again: identifiers, systems of codes, and what a resource is called here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal, NamedTuple

import msgspec
from msgspec import Raw

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import LOINC, SNOMED, UCUM, Code
from caretwin.ingest.doors.fhir.parse import written
from caretwin.ingest.doors.fhir.resources import Known
from caretwin.ingest.doors.fhir.strict_json import refusal
from caretwin.ingest.doors.fhir.structs import CodeableConcept, Extension, Identifier
from caretwin.ingest.doors.fhir.times import refused
from caretwin.record import entry
from caretwin.record.identifiers import NHS_NUMBER, identifier

NHS_VERIFICATION = re.compile(
    r"https://fhir\.hl7\.org\.uk/StructureDefinition/Extension-UKCore-NHSNumberVerification\w*"
)
_EXTENSION = msgspec.json.Decoder(Extension)
VERIFIED = "01"
"""Number present and verified (UK Core, NHS number verification status)."""
SYSTEMS = {
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    "https://loinc.org": LOINC,
    "http://loinc.org/": LOINC,
    "urn:oid:2.16.840.1.113883.6.96": SNOMED,
    "https://snomed.info/sct": SNOMED,
    "urn:oid:2.16.840.1.113883.6.24": "urn:iso:std:iso:11073:10101",
    "urn:oid:2.16.840.1.113883.6.8": UCUM,
}
"""Other names of code systems (FHIR R4, section 4.3.0; object identifiers of HL7)."""


@dataclass(frozen=True)
class House:
    """What a door's resources have in common.

    base    address of the server whose resources these are, without a final slash; "": nobody said
    local   system of codes and numbers that are the sender's own, such as ``"local:icu"``
    zone    IANA zone of dates and of clock times without an offset; "": UTC, and an offset is needed
    people  what a Patient is here
    """

    base: str
    local: str
    source: str
    zone: str = ""
    people: Literal["patient", "resident"] = "patient"

    @property
    def system(self) -> str:
        """The system in which ``Patient/123`` is a number."""
        return self.base or self.local


class Names(NamedTuple):
    """Identifiers of a person that identify, and what the NHS number's sender says of its verification ("")."""

    found: tuple[entry.Identifier, ...]
    verification: str


def name_of(resource: Known, kind: str) -> str:
    """What a resource is called, ``Type/id``: by its id, else by its first identifier, else by what it says, so that
    the same sent twice has one name.
    """
    if resource.id:
        return f"{kind}/{resource.id}"
    for one in resource.identifier:
        if one.value:
            return f"{kind}/{_digest(f'{one.system}|{one.value}'.encode())}"
    return f"{kind}/{_digest(written(resource))}"


def people_names(said: Sequence[Identifier], place: str) -> Names:
    """Identifiers that tell who a person is. The NHS number comes first; those without a system or a value, of
    secondary use, and NHS numbers that are not verified, tell nothing.

    Raises RefusedError for an NHS number that cannot be one; the number is not repeated.
    """
    found: list[entry.Identifier] = []
    verification = ""
    for i, one in enumerate(said):
        if not one.system or not one.value or one.use == "secondary":
            continue
        try:
            known = identifier(one.system, one.value)
        except DataError as problem:
            raise refused(problem, f"{place}.identifier[{i}].value") from None
        if known.system == NHS_NUMBER:
            verification = _verification(one.extension)
            if verification not in ("", VERIFIED):
                continue
        found.append(known)
    return Names(tuple(sorted(dict.fromkeys(found), key=lambda one: one.system != NHS_NUMBER)), verification)


def codes_of(concept: CodeableConcept, place: str, local: str) -> tuple[Code, ...]:
    """All codings of a concept, in the sender's order; its text as a code of the sender's own where it has none."""
    found = tuple(
        Code(SYSTEMS.get(one.system, one.system) if one.system else local, one.code, one.display or "")
        for one in concept.coding
        if one.code
    )
    if found:
        return found
    if concept.text:
        return (Code(local, concept.text[:128], concept.text),)
    raise refusal(place, "neither a coding nor a text", "a code that says what it is", "send the coding", "required")


def _verification(extensions: Sequence[Raw]) -> str:
    """What the sender says of the number's verification; a saying that cannot be read is none that it is verified."""
    for raw in extensions:
        try:
            said = _EXTENSION.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return "unreadable"
        if NHS_VERIFICATION.fullmatch(said.url):
            coding = said.valueCodeableConcept.coding if said.valueCodeableConcept is not None else ()
            return (coding[0].code if coding else None) or "unreadable"
    return ""


def _digest(text: bytes) -> str:
    return blake2b(text, digest_size=12).hexdigest()
