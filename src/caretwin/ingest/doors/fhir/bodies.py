"""Bodies of events: what of a resource a twin needs, in plain JSON. Names of people and free notes are not kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caretwin.ingest.doors.fhir.medications import Dosage, Medication, MedicationAdministration, MedicationRequest
from caretwin.ingest.doors.fhir.names import SYSTEMS
from caretwin.ingest.doors.fhir.resources import CarePlan, Condition, Consent, Device, DeviceMetric, Encounter, Flag
from caretwin.ingest.doors.fhir.structs import CodeableConcept, Coding, Range, Timing, word
from caretwin.ingest.doors.fhir.subject import Scope
from caretwin.ingest.doors.fhir.values import amount, ratio

MOST = 50
"""Entries of a list in a body (assumed)."""


def concept(said: CodeableConcept | None) -> dict[str, Any] | None:
    """A concept: its words and all its codes as [system, code]."""
    if said is None:
        return None
    codes = [[SYSTEMS.get(one.system or "", one.system or ""), one.code] for one in said.coding if one.code]
    return _some({"text": word(said)[:400], "codes": codes})


def administration(found: MedicationAdministration, scope: Scope) -> dict[str, Any]:
    """What was given, how much, how fast and by which way."""
    dosage = found.dosage
    body: dict[str, Any] = {
        "status": found.status,
        "reason": _words(found.statusReason),
        "medication": _medication(found, scope),
        "ingredients": _ingredients(found, scope),
        "request": found.request.reference if found.request else None,
    }
    if dosage is not None:
        rate = amount(dosage.rateQuantity) or ratio(dosage.rateRatio)
        body |= {"text": dosage.text, "dose": amount(dosage.dose), "rate": rate, "route": concept(dosage.route)}
    return body


def request(found: MedicationRequest, scope: Scope) -> dict[str, Any]:
    """What was ordered, and how it is to be given."""
    dosages = [_dosage(one) for one in found.dosageInstruction[:MOST]]
    said = {"status": found.status, "intent": found.intent, "medication": _medication(found, scope)}
    return {**said, "ingredients": _ingredients(found, scope), "dosage": [one for one in dosages if one]}


def encounter(found: Encounter) -> dict[str, Any]:
    """Where somebody was, and as what."""
    stay = found.hospitalization
    return {
        "status": found.status,
        "class": found.class_.code or found.class_.display,
        "type": _words(found.type),
        "reason": _words(found.reasonCode),
        "places": [one.location.display or one.location.reference for one in found.location[:MOST]],
        "from": word(stay.admitSource) if stay else None,
        "discharge": word(stay.dischargeDisposition) if stay else None,
        "part_of": (found.partOf.reference or "another") if found.partOf else None,
    }


def condition(found: Condition) -> dict[str, Any]:
    """A diagnosis or a problem, and how certain it is."""
    return {
        "code": concept(found.code),
        "clinical": _code(found.clinicalStatus),
        "verification": _code(found.verificationStatus),
        "category": [_code(one) for one in found.category],
        "severity": word(found.severity),
        "onset": amount(found.onsetAge) or found.onsetString,
        "abatement": found.abatementString,
    }


def flag(found: Flag) -> dict[str, Any]:
    """A warning about somebody."""
    return {"status": found.status, "code": concept(found.code), "category": _words(found.category)}


def consent(found: Consent) -> dict[str, Any]:
    """What somebody permits or denies, as far as the first rule says it; exceptions within it are not read."""
    rule = found.provision
    return {
        "status": found.status,
        "scope": _code(found.scope),
        "category": [_code(one) for one in found.category],
        "policy": concept(found.policyRule),
        "provision": rule.type if rule else None,
        "from": rule.period.start if rule and rule.period else None,
        "to": rule.period.end if rule and rule.period else None,
        "actions": [_code(one) for one in rule.action] if rule else None,
        "purposes": [_coding(one) for one in rule.purpose] if rule else None,
    }


def care_plan(found: CarePlan) -> dict[str, Any]:
    """What is planned, activity by activity."""
    activities = [one.detail for one in found.activity[:MOST] if one.detail is not None]
    return {
        "status": found.status,
        "intent": found.intent,
        "title": found.title or found.description,
        "category": _words(found.category),
        "activities": [
            _some({"status": one.status, "kind": one.kind, "code": concept(one.code), "text": one.description})
            for one in activities
        ],
    }


def device(found: Device) -> dict[str, Any]:
    """Which device is with somebody or somewhere."""
    return {
        "status": found.status,
        "type": concept(found.type),
        "name": next((one.name for one in found.deviceName), None),
        "manufacturer": found.manufacturer,
        "model": found.modelNumber,
    }


def metric(found: DeviceMetric) -> dict[str, Any]:
    """What a device measures."""
    return {
        "type": concept(found.type),
        "unit": concept(found.unit),
        "category": found.category,
        "status": found.operationalStatus,
        "device": found.source.reference if found.source else None,
    }


def _medication(found: MedicationAdministration | MedicationRequest, scope: Scope) -> dict[str, Any] | None:
    """What it is: said at once, or in a Medication of the same message."""
    if found.medicationCodeableConcept is not None:
        return concept(found.medicationCodeableConcept)
    reference = found.medicationReference
    known = scope.resource(reference, found.contained)
    if isinstance(known, Medication) and known.code is not None:
        return concept(known.code)
    return _some({"text": reference.display, "reference": reference.reference}) if reference is not None else None


def _ingredients(found: MedicationAdministration | MedicationRequest, scope: Scope) -> list[dict[str, Any]]:
    """What a bag or syringe is made of, where the message says it: by this a rate in mL/h becomes one of a drug."""
    known = scope.resource(found.medicationReference, found.contained)
    parts = known.ingredient[:MOST] if isinstance(known, Medication) else ()
    said = [{**(concept(one.itemCodeableConcept) or {}), "amount": ratio(one.strength)} for one in parts]
    return [_some(one) for one in said]


def _dosage(found: Dosage) -> dict[str, Any]:
    first = found.doseAndRate[0] if found.doseAndRate else None
    body: dict[str, Any] = {"text": found.text, "route": concept(found.route), "timing": _timing(found.timing)}
    if first is not None:
        body["dose"] = amount(first.doseQuantity) or _range(first.doseRange)
        body["rate"] = amount(first.rateQuantity) or ratio(first.rateRatio) or _range(first.rateRange)
    if found.asNeededBoolean or found.asNeededCodeableConcept is not None:
        body["as_needed"] = True
    return _some(body)


def _timing(found: Timing | None) -> dict[str, Any] | None:
    if found is None:
        return None
    repeat = found.repeat
    body: dict[str, Any] = {"text": word(found.code), "events": list(found.event[:MOST])}
    if repeat is not None:
        bounds = repeat.boundsPeriod
        body |= {
            "from": bounds.start if bounds else None,
            "to": bounds.end if bounds else None,
            "times": repeat.count,
            "frequency": repeat.frequency,
            "period": repeat.period,
            "unit": repeat.periodUnit,
            "when": [*repeat.when, *repeat.timeOfDay],
        }
    return _some(body)


def _range(said: Range | None) -> dict[str, Any] | None:
    return {"low": amount(said.low), "high": amount(said.high)} if said is not None else None


def _words(said: Sequence[CodeableConcept]) -> list[str]:
    return [word(one)[:400] for one in said[:MOST] if word(one)]


def _code(said: CodeableConcept | None) -> str:
    return next((one.code for one in said.coding if one.code), "") or word(said) if said is not None else ""


def _coding(said: Coding) -> str:
    return said.code or said.display or ""


def _some(body: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in body.items() if one not in (None, "", [], {})}
