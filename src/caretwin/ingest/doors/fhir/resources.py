"""Resources beside the Observation and those of medication, as far as they are read (FHIR R4, sections 6, 8 and 9)."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import field

from caretwin.ingest.doors.fhir.medications import Medication, MedicationAdministration, MedicationRequest
from caretwin.ingest.doors.fhir.structs import (
    CodeableConcept,
    Coding,
    Observation,
    Part,
    Period,
    Quantity,
    Reference,
    Resource,
)


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
