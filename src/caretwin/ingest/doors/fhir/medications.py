"""What is ordered and given (FHIR R4, section 11, and Dosage in section 2.28)."""

from __future__ import annotations

from caretwin.ingest.doors.fhir.structs import (
    CodeableConcept,
    Part,
    Period,
    Quantity,
    Range,
    Ratio,
    Reference,
    Resource,
    Timing,
)


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
