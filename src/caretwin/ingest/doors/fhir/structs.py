"""The parts of FHIR data types that are read, as structures that a fast parser fills (FHIR R4, section 2.24).

Names are FHIR's. An element that does not stand here makes the fast parser unsure, and the full one looks at it.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from msgspec import Meta as Limits
from msgspec import Raw, Struct

Integer: TypeAlias = Annotated[int, Limits(ge=-(2**31), le=2**31 - 1)]


class Part(Struct, omit_defaults=True):
    """A part of a resource; what it does not have is None or empty."""


class Meta(Part):
    """Meta: version, and when it was last written."""

    versionId: str | None = None
    lastUpdated: str | None = None
    source: str | None = None
    profile: tuple[str, ...] = ()


class Coding(Part):
    """A code of a system."""

    system: str | None = None
    version: str | None = None
    code: str | None = None
    display: str | None = None
    userSelected: bool | None = None


class CodeableConcept(Part):
    """What something is, in codes and words."""

    coding: tuple[Coding, ...] = ()
    text: str | None = None


class Identifier(Part):
    """A number that somebody gives."""

    use: str | None = None
    type: CodeableConcept | None = None
    system: str | None = None
    value: str | None = None
    extension: tuple[Raw, ...] = ()


class Extension(Part):
    """An extension, as far as one is read."""

    url: str = ""
    valueCodeableConcept: CodeableConcept | None = None


class Reference(Part):
    """Another resource, by address or by number."""

    reference: str | None = None
    type: str | None = None
    identifier: Identifier | None = None
    display: str | None = None


class Quantity(Part):
    """A number with its unit."""

    value: float | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Period(Part):
    """From when until when."""

    start: str | None = None
    end: str | None = None


class Range(Part):
    """From low to high."""

    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(Part):
    """Two quantities, which are not always divided."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None


class SampledData(Part):
    """A waveform."""

    origin: Quantity
    period: float
    dimensions: Integer
    factor: float | None = None
    lowerLimit: float | None = None
    upperLimit: float | None = None
    data: str | None = None


class TimingRepeat(Part):
    """How something is repeated."""

    boundsPeriod: Period | None = None
    count: Integer | None = None
    frequency: Integer | None = None
    period: float | None = None
    periodUnit: str | None = None
    when: tuple[str, ...] = ()
    timeOfDay: tuple[str, ...] = ()


class Timing(Part):
    """When something happens, once or repeatedly."""

    event: tuple[str, ...] = ()
    repeat: TimingRepeat | None = None
    code: CodeableConcept | None = None


class Narrative(Part):
    """The text for people."""

    status: str | None = None
    div: str | None = None


class ReferenceRange(Part):
    """Where a value is usual."""

    low: Quantity | None = None
    high: Quantity | None = None
    text: str | None = None


class Valued(Part):
    """What has a value[x]: an Observation, or one of its components."""

    code: CodeableConcept
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None
    valueInteger: Integer | None = None
    valueRange: Range | None = None
    valueRatio: Ratio | None = None
    valueSampledData: SampledData | None = None
    valueTime: str | None = None
    valueDateTime: str | None = None
    valuePeriod: Period | None = None
    dataAbsentReason: CodeableConcept | None = None
    interpretation: tuple[CodeableConcept, ...] = ()
    referenceRange: tuple[ReferenceRange, ...] = ()


class Component(Valued):
    """Observation.component (FHIR R4, section 10.1)."""


class Resource(Part, tag_field="resourceType"):
    """What all resources have."""

    id: str | None = None
    meta: Meta | None = None
    contained: tuple[Raw, ...] = ()
    identifier: tuple[Identifier, ...] = ()


class Observation(Valued, tag_field="resourceType", tag="Observation", kw_only=True):
    """Observation (FHIR R4, section 10.1)."""

    status: str
    id: str | None = None
    meta: Meta | None = None
    text: Narrative | None = None
    contained: tuple[Raw, ...] = ()
    identifier: tuple[Identifier, ...] = ()
    basedOn: tuple[Reference, ...] = ()
    partOf: tuple[Reference, ...] = ()
    category: tuple[CodeableConcept, ...] = ()
    subject: Reference | None = None
    focus: tuple[Reference, ...] = ()
    encounter: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    effectiveInstant: str | None = None
    effectiveTiming: Timing | None = None
    issued: str | None = None
    performer: tuple[Reference, ...] = ()
    bodySite: CodeableConcept | None = None
    method: CodeableConcept | None = None
    specimen: Reference | None = None
    device: Reference | None = None
    hasMember: tuple[Reference, ...] = ()
    derivedFrom: tuple[Reference, ...] = ()
    component: tuple[Component, ...] = ()


class Head(Part):
    """What kind of resource it is, before the rest is read."""

    resourceType: str = ""
    id: Any = None


def word(concept: CodeableConcept | None) -> str:
    """A concept for the eye: its text, or what its first coding is called."""
    if concept is None:
        return ""
    if concept.text:
        return concept.text
    return next((one.display or one.code or "" for one in concept.coding), "")
