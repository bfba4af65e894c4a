"""Resources that become events: when it was, and a body with what a twin needs (FHIR R4, sections 8, 10, 11, 6.2).

An event has the kind of its resource in snake case; what did not happen (a dose that was not given) has a kind of its
own, so that nobody counts it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from caretwin.ingest.doors.fhir import bodies
from caretwin.ingest.doors.fhir.medications import MedicationAdministration, MedicationRequest
from caretwin.ingest.doors.fhir.observation import version_of
from caretwin.ingest.doors.fhir.resources import (
    CarePlan,
    Condition,
    Consent,
    Device,
    DeviceMetric,
    Encounter,
    Flag,
    Known,
)
from caretwin.ingest.doors.fhir.strict_json import refusal
from caretwin.ingest.doors.fhir.structs import CodeableConcept, Period, Reference
from caretwin.ingest.doors.fhir.subject import Scope
from caretwin.ingest.doors.fhir.times import When, time_of
from caretwin.record.entry import Event, Status

WITHDRAWN = frozenset({"entered-in-error", "refuted"})
"""Never true, or ruled out since: absent from then on."""
PROMISED = frozenset({"draft", "proposed", "planned", "unconfirmed", "provisional", "differential", "unknown"})
"""Not certain, or not yet: kept as preliminary."""


class _Time(NamedTuple):
    """An element that can tell when something was; end where it has one."""

    place: str
    start: str | None
    end: str | None = None


class _Plan(NamedTuple):
    """How a resource becomes an event.

    kind  of the event; status  the word that decides whether it holds; subject, place  whom it is about
    times  elements that tell when it was, the best first; standing  whether it holds without a time
    """

    kind: str
    status: str
    subject: Reference | None
    place: str
    times: tuple[_Time, ...]
    body: Mapping[str, Any]
    standing: bool = False


def happened(found: Known, name: str, scope: Scope) -> tuple[Event, ...]:
    """The event of a resource; none for a device that is with nobody.

    Raises RefusedError with the element that cannot be accepted.
    """
    kind = type(found).__name__
    plan = _PLANS[kind](found, scope)
    if plan.subject is None and kind in ("Device", "DeviceMetric"):
        return ()
    subject = scope.subject(plan.subject, f"{kind}.{plan.place}", found.contained)
    version = version_of(found.meta, None, kind, scope.house.zone)
    status = _status(plan.status)
    effective, stop, noted = _when(plan, version, status, kind, scope.house.zone)
    body = {name: one for name, one in {**_own(plan.body, name), **noted}.items() if one not in (None, "", [], {})}
    return (Event(subject, plan.kind, effective, scope.house.source, body, stop, name, version, status),)


def _own(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A request that the resource itself contains is nobody else's, whatever others call theirs (#rx)."""
    request = body.get("request")
    return {**body, "request": f"{name}{request}"} if isinstance(request, str) and request.startswith("#") else body


def _status(word: str) -> Status:
    if word in WITHDRAWN:
        return Status.RETRACTED
    return Status.PRELIMINARY if word in PROMISED else Status.FINAL


def _when(plan: _Plan, version: int, status: Status, kind: str, zone: str) -> tuple[int, int | None, dict[str, Any]]:
    """From when, until when (us), and how exact that is: the element's own time, failing that when it was written."""
    for one in plan.times:
        start = time_of(one.start, f"{kind}.{one.place}", zone) if one.start else None
        end = time_of(one.end, f"{kind}.{one.place}", zone) if one.end else None
        begun = start or end
        if begun is None:
            continue
        if end is not None and not end.precision and end.at < begun.at:
            wanted = "a start, then an end (invariant per-1)"
            raise refusal(f"{kind}.{one.place}", "an end before the start", wanted, "mend the times")
        note = {"precision": begun.precision} if begun.precision else {}
        return begun.at, _stop(end, begun), note | ({} if start else {"time": "end"})
    if plan.standing:
        return 0, None, {}
    if version > 10**9 or status == Status.RETRACTED:  # a time, not the number of a version
        return version, None, {"time": "recorded"}
    places = " or ".join(dict.fromkeys(one.place for one in plan.times))
    fix = "send when it was, or meta.lastUpdated"
    raise refusal(f"{kind}.{plan.times[0].place}", "no time", places, fix, "required")


def _stop(end: When | None, begun: When) -> int | None:
    return end.at if end is not None and end.at >= begun.at else None


def _of_period(period: Period | None, place: str = "period") -> _Time:
    return _Time(place, period.start if period else None, period.end if period else None)


def _code(concept: CodeableConcept | None) -> str:
    return next((one.code for one in concept.coding if one.code), "") if concept is not None else ""


def _administration(found: MedicationAdministration, scope: Scope) -> _Plan:
    times = (_Time("effectiveDateTime", found.effectiveDateTime), _of_period(found.effectivePeriod, "effectivePeriod"))
    kind = "medication_not_given" if found.status == "not-done" else "medication_administration"
    return _Plan(kind, found.status, found.subject, "subject", times, bodies.administration(found, scope))


def _request(found: MedicationRequest, scope: Scope) -> _Plan:
    kind = "medication_prohibition" if found.doNotPerform else "medication_request"
    times = (_Time("authoredOn", found.authoredOn),)
    return _Plan(kind, found.status, found.subject, "subject", times, bodies.request(found, scope))


def _encounter(found: Encounter, scope: Scope) -> _Plan:
    times = (_of_period(found.period),)
    return _Plan("encounter", found.status, found.subject, "subject", times, bodies.encounter(found))


def _condition(found: Condition, scope: Scope) -> _Plan:
    onset = found.onsetPeriod or Period(found.onsetDateTime)
    over = found.abatementPeriod.start if found.abatementPeriod else found.abatementDateTime
    times = (_Time("onset", onset.start, over), _Time("recordedDate", found.recordedDate))
    status = _code(found.verificationStatus)
    return _Plan("condition", status, found.subject, "subject", times, bodies.condition(found))


def _flag(found: Flag, scope: Scope) -> _Plan:
    return _Plan("flag", found.status, found.subject, "subject", (_of_period(found.period),), bodies.flag(found))


def _consent(found: Consent, scope: Scope) -> _Plan:
    times = (_Time("dateTime", found.dateTime),)
    return _Plan("consent", found.status, found.patient, "patient", times, bodies.consent(found))


def _care_plan(found: CarePlan, scope: Scope) -> _Plan:
    times = (_of_period(found.period), _Time("created", found.created))
    return _Plan("care_plan", found.status, found.subject, "subject", times, bodies.care_plan(found))


def _device(found: Device, scope: Scope) -> _Plan:
    whom, place = (found.patient, "patient") if found.patient else (found.location, "location")
    return _Plan("device", found.status or "", whom, place, (), bodies.device(found), standing=True)


def _metric(found: DeviceMetric, scope: Scope) -> _Plan:
    """A metric is about whom its device is with, as far as the message says so."""
    source = scope.resource(found.source, found.contained)
    whom = (source.patient or source.location) if isinstance(source, Device) else None
    status = "entered-in-error" if found.operationalStatus == "entered-in-error" else ""
    return _Plan("device_metric", status, whom, "source", (), bodies.metric(found), standing=True)


_PLANS: dict[str, Callable[[Any, Scope], _Plan]] = {
    "MedicationAdministration": _administration,
    "MedicationRequest": _request,
    "Encounter": _encounter,
    "Condition": _condition,
    "Flag": _flag,
    "Consent": _consent,
    "CarePlan": _care_plan,
    "Device": _device,
    "DeviceMetric": _metric,
}
