"""Whom a resource is about: references within a Bundle, contained ones, logical ones, and ids of the sender's own
(FHIR R4, sections 2.3 and 2.36.4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from msgspec import Raw

from caretwin.base.errors import DataError
from caretwin.ingest.doors.fhir.names import House, people_names
from caretwin.ingest.doors.fhir.parse import ID, contained
from caretwin.ingest.doors.fhir.resources import Known, Patient
from caretwin.ingest.doors.fhir.strict_json import refusal
from caretwin.ingest.doors.fhir.structs import Reference
from caretwin.ingest.doors.fhir.times import refused
from caretwin.record.entry import Identifier, SubjectRef
from caretwin.record.identifiers import identifier

_RESTFUL = re.compile(r"(?:(?P<base>https?://[^\s?#]+)/)?(?P<kind>[A-Z]\w+)/(?P<id>[^\s/?#]+)(?:/_history/\S+)?")
_CONDITIONAL = re.compile(r"Patient\?identifier=(?P<system>[^|&]+)\|(?P<value>[^|&]+)")
_PEOPLE = "a Patient, or for a place a Location"


class Scope:
    """The resources of one message, by the addresses under which others of it refer to them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._by_address: dict[str, tuple[Known, str]] = {}
        self._subjects: dict[str, SubjectRef] = {}

    def add(self, resource: Known, name: str, address: str = "") -> None:
        """Let others refer to a resource; ``name`` is Type/id, ``address`` the fullUrl of its entry."""
        self._by_address[name] = (resource, name)
        if address:
            self._by_address[address] = (resource, name)

    def resource(self, reference: Reference | None, within: Sequence[Raw] = ()) -> Known | None:
        """The resource of a reference, where this message has it.

        within  contained resources of the one that refers
        """
        text = reference.reference if reference is not None else None
        if not text:
            return None
        if text.startswith("#"):
            return _contained(text[1:], within)
        found = self._by_address.get(text) or self._by_address.get(self._relative(text))
        return found[0] if found else None

    def subject(self, reference: Reference | None, place: str, within: Sequence[Raw] = ()) -> SubjectRef:
        """Whom a reference means. Raises RefusedError where it means nobody who can be found again."""
        if reference is not None and reference.reference and reference.identifier is None:
            known = self._subjects.get(reference.reference)
            if known is not None:
                return known
        found = self._resolved(reference, place, within)
        if reference is not None and reference.reference and not reference.reference.startswith("#"):
            self._subjects.setdefault(reference.reference, found)
        return found

    def person(self, patient: Patient, name: str, place: str) -> SubjectRef:
        """A Patient by all that identifies it, what is best known first."""
        known = people_names(patient.identifier, place).found
        return SubjectRef((*known, Identifier(self.house.system, name)), self.house.people)

    def _resolved(self, reference: Reference | None, place: str, within: Sequence[Raw]) -> SubjectRef:
        if reference is None or not (reference.reference or reference.identifier):
            seen = "nothing" if reference is None or not reference.display else "only a name for the eye"
            raise refusal(place, seen, _PEOPLE, "refer to the Patient whom it is about", "required")
        logical = self._logical(reference, place)
        if not reference.reference:
            if reference.type not in (None, "Patient"):
                raise _no_person(place, f"a {reference.type}")
            return SubjectRef(logical, self.house.people)
        found = self._referred(reference.reference, f"{place}.reference", within)
        more = tuple(one for one in logical if one not in found.identifiers)
        return SubjectRef((*found.identifiers, *more), found.kind) if more else found

    def _logical(self, reference: Reference, place: str) -> tuple[Identifier, ...]:
        if reference.identifier is None:
            return ()
        found = people_names([reference.identifier], place.removesuffix(".identifier")).found
        if not found and not reference.reference:
            wanted = "a number, the system that gives it, and its being verified where it says so"
            raise refusal(f"{place}.identifier", "no number that identifies", wanted, "send both", "required")
        return found

    def _referred(self, text: str, place: str, within: Sequence[Raw]) -> SubjectRef:
        if text.startswith("#"):
            return self._of_contained(text, place, within)
        known = self._by_address.get(text) or self._by_address.get(self._relative(text))
        if known is not None and isinstance(known[0], Patient):
            return self.person(known[0], known[1], place)
        if conditional := _CONDITIONAL.fullmatch(text):
            return self._conditional(unquote(conditional["system"]), unquote(conditional["value"]), place)
        found = _RESTFUL.fullmatch(self._relative(text))
        if found is None:
            seen = (
                "the address of an entry that the Bundle does not have" if text.startswith("urn:") else "another form"
            )
            wanted = "Patient/ID, or the fullUrl of an entry of the same Bundle"
            raise refusal(place, seen, wanted, "send the Patient with it, or refer to it by its id", "not-found")
        return self._by_id(found["base"] or self.house.system, found["kind"], found["id"], place)

    def _by_id(self, system: str, kind: str, id: str, place: str) -> SubjectRef:
        if kind not in ("Patient", "Location"):
            raise _no_person(place, f"a {kind[:32]}")
        if not ID.fullmatch(id):
            raise refusal(place, "an id of another form", "1 to 64 letters, digits, hyphens, points", "mend the id")
        return SubjectRef((Identifier(system, f"{kind}/{id}"),), "place" if kind == "Location" else self.house.people)

    def _of_contained(self, text: str, place: str, within: Sequence[Raw]) -> SubjectRef:
        found = _contained(text[1:], within)
        if isinstance(found, Patient):
            known = people_names(found.identifier, place).found
            if known:
                return SubjectRef(known, self.house.people)
        seen = "nothing of that id" if found is None else "a contained resource that no number identifies"
        fix = "send the person as a Patient of its own, or with an identifier"
        raise refusal(
            place, seen, "a contained Patient with an identifier: others cannot refer to it", fix, "not-found"
        )

    def _conditional(self, system: str, value: str, place: str) -> SubjectRef:
        try:
            return SubjectRef((identifier(system, value),), self.house.people)
        except DataError as problem:
            raise refused(problem, place) from None

    def _relative(self, text: str) -> str:
        """An address of the door's own server as Type/id."""
        base = self.house.base
        short = text[len(base) + 1 :] if base and text.startswith(f"{base}/") else text
        return short.partition("/_history/")[0]


def _contained(id: str, within: Sequence[Raw]) -> Known | None:
    for raw in within:
        found = contained(bytes(raw))
        if found is not None and found.id == id:
            return found
    return None


def _no_person(place: str, seen: str) -> Exception:
    return refusal(place, seen, _PEOPLE, "send what is about a person or a place", "not-supported")
