"""Resources beside the Observation, as far as they are read (FHIR R4, sections 2, 6, 8, 9 and 11)."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Raw, field

from caretwin.ingest.doors.fhir.structs import (
    CodeableConcept,
    Coding,
    Identifier,
    Integer,
    Meta,
    Observation,
    Part,
    Period,
    Quantity,
    Range,
    Ratio,
    Reference,
    Timing,
)


class Resource(Part, tag_field="resourceType"):
    """What all resources have."""

    id: str | None = None
    meta: Meta | None = None
    contained: tuple[Raw, ...] = ()
    identifier: tuple[Identifier, ...] = ()


class PatientLink(Part):
    """Patient.link: another record of the person."""

    other: Reference
    type: str


class Patient(Resource, tag=True):
    """Patient (section 8.1)."""

    active: bool | None = None
    gender: str | None = None
    birthDate: str | None = None
    deceasedBoolean: bool | None = None
    deceasedDateTime: str | None = None
    link: tuple[PatientLink, ...] = ()


class EncounterLocation(Part):
    """Encounter.location."""

    location: Reference
    status: str | None = None
    period: Period | None = None


class Hospitalization(Part):
    """Encounter.hospitalization."""

    admitSource: CodeableConcept | None = None
    dischargeDisposition: CodeableConcept | None = None


class Encounter(Resource, tag=True, kw_only=True):
    """Encounter (section 8.11)."""

    status: str
    class_: Coding = field(name="class")
    type: tuple[CodeableConcept, ...] = ()
    subject: Reference | None = None
    period: Period | None = None
    reasonCode: tuple[CodeableConcept, ...] = ()
    hospitalization: Hospitalization | None = None
    location: tuple[EncounterLocation, ...] = ()
    partOf: Reference | None = None


class Ingredient(Part):
    """Medication.ingredient: what it is made of; strength is an amount per amount."""

    itemCodeableConcept: CodeableConcept | None = None
    itemReference: Reference | None = None
    isActive: bool | None = None
    strength: Ratio | None = None


class Medication(Resource, tag=True):
    """Medication (section 11.4): what is given; it is about nobody."""

    code: CodeableConcept | None = None
    ingredient: tuple[Ingredient, ...] = ()


class AdministrationDosage(Part):
    """MedicationAdministration.dosage."""

    text: str | None = None
    route: CodeableConcept | None = None
    dose: Quantity | None = None
    rateQuantity: Quantity | None = None
    rateRatio: Ratio | None = None


class MedicationAdministration(Resource, tag=True, kw_only=True):
    """MedicationAdministration (section 11.3)."""

    status: str
    statusReason: tuple[CodeableConcept, ...] = ()
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    request: Reference | None = None
    dosage: AdministrationDosage | None = None


class DoseAndRate(Part):
    """Dosage.doseAndRate."""

    doseQuantity: Quantity | None = None
    doseRange: Range | None = None
    rateQuantity: Quantity | None = None
    rateRatio: Ratio | None = None
    rateRange: Range | None = None


class Dosage(Part):
    """How a medicine is to be taken (section 2.28)."""

    text: str | None = None
    timing: Timing | None = None
    asNeededBoolean: bool | None = None
    asNeededCodeableConcept: CodeableConcept | None = None
    route: CodeableConcept | None = None
    doseAndRate: tuple[DoseAndRate, ...] = ()


class MedicationRequest(Resource, tag=True, kw_only=True):
    """MedicationRequest (section 11.1)."""

    status: str
    intent: str
    doNotPerform: bool | None = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    subject: Reference | None = None
    authoredOn: str | None = None
    dosageInstruction: tuple[Dosage, ...] = ()


class DeviceName(Part):
    """Device.deviceName."""

    name: str
    type: str | None = None


class Device(Resource, tag=True):
    """Device (section 8.12)."""

    status: str | None = None
    manufacturer: str | None = None
    modelNumber: str | None = None
    deviceName: tuple[DeviceName, ...] = ()
    type: CodeableConcept | None = None
    patient: Reference | None = None
    location: Reference | None = None


class DeviceMetric(Resource, tag=True, kw_only=True):
    """DeviceMetric (section 8.14)."""

    type: CodeableConcept
    category: str
    unit: CodeableConcept | None = None
    source: Reference | None = None
    parent: Reference | None = None
    operationalStatus: str | None = None


class Condition(Resource, tag=True):
    """Condition (section 9.2)."""

    clinicalStatus: CodeableConcept | None = None
    verificationStatus: CodeableConcept | None = None
    category: tuple[CodeableConcept, ...] = ()
    severity: CodeableConcept | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    onsetDateTime: str | None = None
    onsetAge: Quantity | None = None
    onsetPeriod: Period | None = None
    onsetString: str | None = None
    abatementDateTime: str | None = None
    abatementPeriod: Period | None = None
    abatementString: str | None = None
    recordedDate: str | None = None


class Flag(Resource, tag=True, kw_only=True):
    """Flag (section 6.5)."""

    status: str
    code: CodeableConcept
    category: tuple[CodeableConcept, ...] = ()
    subject: Reference | None = None
    period: Period | None = None


class Provision(Part):
    """Consent.provision: the first rule."""

    type: str | None = None
    period: Period | None = None
    action: tuple[CodeableConcept, ...] = ()
    purpose: tuple[Coding, ...] = ()


class Consent(Resource, tag=True, kw_only=True):
    """Consent (section 6.2)."""

    status: str
    scope: CodeableConcept
    category: tuple[CodeableConcept, ...] = ()
    patient: Reference | None = None
    dateTime: str | None = None
    policyRule: CodeableConcept | None = None
    provision: Provision | None = None


class ActivityDetail(Part):
    """CarePlan.activity.detail."""

    kind: str | None = None
    status: str | None = None
    code: CodeableConcept | None = None
    description: str | None = None


class Activity(Part):
    """CarePlan.activity."""

    detail: ActivityDetail | None = None
    reference: Reference | None = None


class CarePlan(Resource, tag=True, kw_only=True):
    """CarePlan (section 9.5)."""

    status: str
    intent: str
    title: str | None = None
    description: str | None = None
    category: tuple[CodeableConcept, ...] = ()
    subject: Reference | None = None
    period: Period | None = None
    created: str | None = None
    activity: tuple[Activity, ...] = ()


Known: TypeAlias = (
    "Observation | Patient | Encounter | Medication | MedicationAdministration | MedicationRequest | Device"
    " | DeviceMetric | Condition | Flag | Consent | CarePlan"
)
KNOWN: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Observation, Patient, Encounter, Medication, MedicationAdministration, MedicationRequest, Device, DeviceMetric,
        Condition, Flag, Consent, CarePlan,
    )
}  # fmt: skip
"""Resources that are read; a Medication only says what is given, it is about nobody."""


class Request(Part):
    """Bundle.entry.request (FHIR R4, section 2.36)."""

    method: str
    url: str
    ifNoneMatch: str | None = None
    ifModifiedSince: str | None = None
    ifMatch: str | None = None
    ifNoneExist: str | None = None


class Search(Part):
    """Bundle.entry.search."""

    mode: str | None = None
    score: float | None = None


class LinkTo(Part):
    """Bundle.link."""

    relation: str
    url: str


class Entry(Part):
    """Bundle.entry; its resource is not read yet."""

    fullUrl: str | None = None
    link: tuple[LinkTo, ...] = ()
    resource: Raw = Raw(b"")
    search: Search | None = None
    request: Request | None = None
    response: Raw = Raw(b"")


class Bundle(Part, tag_field="resourceType", tag=True, kw_only=True):
    """Bundle (FHIR R4, section 2.36)."""

    type: str
    id: str | None = None
    meta: Meta | None = None
    identifier: Identifier | None = None
    timestamp: str | None = None
    total: Integer | None = None
    link: tuple[LinkTo, ...] = ()
    entry: tuple[Entry, ...] = ()
