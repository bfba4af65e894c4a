"""A Patient: what is known of the person, and that several numbers are one person's (FHIR R4, section 8.1).

What is kept is what a twin needs: sex, birth date, death. Names, addresses and telephone numbers are not.
"""

from __future__ import annotations

from typing import Any

from caretwin.base.errors import TimeError
from caretwin.base.time import end_of_date, from_microseconds
from caretwin.ingest.decoded import Decodable
from caretwin.ingest.doors.fhir.names import House, people_names
from caretwin.ingest.doors.fhir.observation import version_of
from caretwin.ingest.doors.fhir.resources import Patient
from caretwin.ingest.doors.fhir.strict_json import refusal
from caretwin.ingest.doors.fhir.subject import Scope
from caretwin.ingest.doors.fhir.times import refused, time_of
from caretwin.record.entry import Event, Link, SubjectRef

_SEXES = frozenset({"male", "female", "other", "unknown"})
"""Value set administrative-gender, 4.0.1."""
_MERGES = {"replaces": True, "replaced-by": False}
"""Links that say that two are one person, and whether this one is the one to keep; "refer" and "seealso" do not."""


def person(found: Patient, name: str, scope: Scope) -> tuple[Decodable, ...]:
    """The event "person", and links between all numbers of the person.

    name  Type/id
    """
    subject = scope.person(found, name, "Patient")
    version = version_of(found.meta, None, "Patient", scope.house.zone)
    source = scope.house.source
    event = Event(subject, "person", _since(found, scope), source, _body(found, scope.house.zone), None, name, version)
    return (event, *_links(subject, scope.house), *_merges(found, subject, scope))


def _body(found: Patient, zone: str) -> dict[str, Any]:
    """What is kept; ``dead_by`` is the time of the death, or the end of the date where no more is known of it."""
    body: dict[str, Any] = {}
    if found.gender is not None:
        if found.gender not in _SEXES:
            raise refusal("Patient.gender", "another word", "one of " + ", ".join(sorted(_SEXES)), "send one of these")
        body["sex"] = found.gender
    if found.birthDate:
        body["birth_date"] = found.birthDate
    if found.deceasedDateTime:
        body["deceased"] = found.deceasedDateTime
        body["dead_by"] = _dead_by(found.deceasedDateTime, zone)
    elif found.deceasedBoolean is not None:
        body["deceased"] = found.deceasedBoolean
    if found.active is False:
        body["active"] = False
    verification = people_names(found.identifier, "Patient").verification
    return body | ({"nhs_number_verification": verification} if verification else {})


def _since(found: Patient, scope: Scope) -> int:
    """What is known of a person holds from birth; where that is not known, from the beginning of the count of time."""
    return time_of(found.birthDate, "Patient.birthDate", scope.house.zone).at if found.birthDate else 0


def _dead_by(text: str, zone: str) -> str:
    """The time of a death, or the end of its date."""
    place = "Patient.deceasedDateTime"
    said = time_of(text, place, zone)
    try:
        return (end_of_date(text, zone) if said.precision else from_microseconds(said.at)).isoformat()
    except TimeError as problem:
        raise refused(problem, place) from None
    except OverflowError:
        raise refusal(place, "a time beyond the calendar", "a time before the year 10000", "correct it") from None


def _links(subject: SubjectRef, house: House) -> tuple[Link, ...]:
    """All numbers that the house gives are this person's, also those met apart before.

    An id of the house itself, such as Patient/123 in a reference, only if it was met alone; another's number only
    if nobody gave the two that it joins different numbers. Who is joined else is for Patient.link to say.
    """
    first, *rest = subject.identifiers
    kind, source = subject.kind, house.source
    return tuple(
        Link(SubjectRef((first,), kind), SubjectRef((one,), kind), source, alone=own, agreeing=not own)
        for one in rest
        for own in (one.system == house.system,)
    )


def _merges(found: Patient, subject: SubjectRef, scope: Scope) -> tuple[Link, ...]:
    links = []
    for i, link in enumerate(found.link):
        if link.type in _MERGES:
            other = scope.subject(link.other, f"Patient.link[{i}].other", found.contained)
            kept, gone = (subject, other) if _MERGES[link.type] else (other, subject)
            links.append(Link(kept, gone, scope.house.source))
    return tuple(links)
