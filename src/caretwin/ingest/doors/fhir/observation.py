"""An Observation as coded values: itself, and each of its components under its own code (FHIR R4, section 10.1)."""

from __future__ import annotations

from typing import Any, NamedTuple

from caretwin.ingest.decoded import LOINC, SNOMED, Code, CodedValue
from caretwin.ingest.doors.fhir.names import codes_of
from caretwin.ingest.doors.fhir.strict_json import refusal
from caretwin.ingest.doors.fhir.structs import Meta, Observation, Period, Reference, Timing, Valued, word
from caretwin.ingest.doors.fhir.subject import Scope
from caretwin.ingest.doors.fhir.times import When, instant_of, time_of
from caretwin.ingest.doors.fhir.values import Said, said
from caretwin.record.entry import Status, SubjectRef

STATUSES = {
    "registered": Status.PRELIMINARY,
    "preliminary": Status.PRELIMINARY,
    "unknown": Status.PRELIMINARY,
    "final": Status.FINAL,
    "cancelled": Status.FINAL,
    "amended": Status.CORRECTED,
    "corrected": Status.CORRECTED,
    "entered-in-error": Status.RETRACTED,
}
"""Value set observation-status, 4.0.1. A cancelled one says that there is no value; "unknown" promises nothing."""


_THINGS = frozenset({"Procedure", "Device", "Condition", "Encounter", "MedicationAdministration", "ServiceRequest"})
"""What a focus may be on while the value is still the subject's own (assumed)."""


class _Common(NamedTuple):
    """What the parts of one Observation share."""

    subject: SubjectRef
    effective: int
    name: str
    version: int
    status: Status
    device: str
    cancelled: bool
    note: dict[str, Any]
    local: str


def observed(found: Observation, name: str, scope: Scope) -> tuple[CodedValue, ...]:
    """The coded values of an Observation; none for a panel whose values are resources of their own.

    name  Type/id, by which versions of it are known
    Raises RefusedError with the element that cannot be accepted; nothing of the resource is accepted then.
    """
    common = _common(found, name, scope)
    parts = []
    top = said(found, "Observation")
    if top is not None or not (found.component or found.hasMember):
        codes = codes_of(found.code, "Observation.code", common.local)
        parts.append(_value(found, top, codes, common, name, "Observation"))
    if found.component:
        parts += _components(found, common)
    return tuple(parts)


def version_of(meta: Meta | None, issued: str | None, kind: str, zone: str) -> int:
    """What orders versions (us): when the server last wrote it, else when it was issued, else its version number."""
    if meta is not None and meta.lastUpdated:
        return instant_of(meta.lastUpdated, f"{kind}.meta.lastUpdated", zone)
    if issued:
        return instant_of(issued, f"{kind}.issued", zone)
    number = meta.versionId if meta is not None else None
    return int(number) if number and number.isascii() and number.isdigit() and len(number) < 10 else 0


def _common(found: Observation, name: str, scope: Scope) -> _Common:
    zone = scope.house.zone
    status = STATUSES.get(found.status)
    if status is None:
        raise refusal("Observation.status", "an unknown status", "one of " + ", ".join(STATUSES), "send one of these")
    subject = scope.subject(found.subject, "Observation.subject", found.contained)
    _about_its_subject(found)
    version = version_of(found.meta, found.issued, "Observation", zone)
    effective, note = _effective(found, status, version, zone)
    if found.issued:
        note["issued"] = instant_of(found.issued, "Observation.issued", zone)
    if found.method is not None:
        note["method"] = word(found.method)
    if found.specimen is not None:
        note["specimen"] = found.specimen.display or "specimen"
    if found.bodySite is not None:
        note["site"] = word(found.bodySite)
    if found.status in ("unknown", "registered"):
        note["status"] = found.status
    device, cancelled = _device(found.device), found.status == "cancelled"
    return _Common(subject, effective, name, version, status, device, cancelled, note, scope.house.local)


def _about_its_subject(found: Observation) -> None:
    """A focus on somebody else, such as a child before birth in its mother's record, is no value of the subject."""
    subject = found.subject.reference if found.subject is not None else None
    for i, one in enumerate(found.focus):
        kind = one.type or (one.reference or "").rpartition("/")[0].rpartition("/")[2]
        if kind not in _THINGS and one.reference != subject:
            wanted = "a focus on the subject, a procedure, a device or a condition"
            fix = "send it about the person whose value it is"
            raise refusal(f"Observation.focus[{i}]", "a focus on somebody else", wanted, fix, "not-supported")


def _effective(found: Observation, status: Status, version: int, zone: str) -> tuple[int, dict[str, Any]]:
    """When it was true (us), and what is to be noted about that.

    effective[x], failing that the time of publication, which is noted. A retraction needs no time of its own.
    """
    if found.effectiveDateTime is not None:
        when = time_of(found.effectiveDateTime, "Observation.effectiveDateTime", zone)
        return _precise(when, {}, "Observation.effectiveDateTime")
    if found.effectiveInstant is not None:
        return instant_of(found.effectiveInstant, "Observation.effectiveInstant", zone), {}
    if found.effectivePeriod is not None:
        return _within(found.effectivePeriod, "Observation.effectivePeriod", zone)
    if found.effectiveTiming is not None:
        if (period := _of_timing(found.effectiveTiming, zone)) is not None:
            return _within(period, "Observation.effectiveTiming", zone)
        if not found.issued:
            wanted = "event or repeat.boundsPeriod"
            raise refusal("Observation.effectiveTiming", "no time in it", wanted, "send when it was", "required")
    if found.issued:
        return instant_of(found.issued, "Observation.issued", zone), {"time": "issued"}
    if status == Status.RETRACTED:
        return version, {"time": "version"}
    fix = "send when it was true: effectiveDateTime with time of day and offset"
    raise refusal("Observation.effective", "no time, and none of publication", "effective[x]", fix, "required")


def _precise(when: When, note: dict[str, Any], place: str) -> tuple[int, dict[str, Any]]:
    """A day stands for its beginning, and says so; a month is too long to stand for a moment of it."""
    if when.precision in ("month", "year"):
        raise refusal(place, f"only a {when.precision}", "an instant, or at least a day", "send the day")
    return when.at, note | ({"precision": when.precision} if when.precision else {})


def _within(period: Period, place: str, zone: str) -> tuple[int, dict[str, Any]]:
    """A period by its beginning; its end is noted."""
    if period.start is None and period.end is None:
        raise refusal(place, "neither start nor end", "a period", "send its start", "required")
    if period.end is None:
        return _precise(time_of(str(period.start), f"{place}.start", zone), {}, f"{place}.start")
    end = time_of(period.end, f"{place}.end", zone)
    if period.start is None:
        return _precise(end, {"time": "end"}, f"{place}.end")
    start = time_of(period.start, f"{place}.start", zone)
    if not end.precision and end.at < start.at:
        raise refusal(place, "an end before the start", "a start, then an end", "mend the times (invariant per-1)")
    note = {"until": end.at} if end.at > start.at else {}
    return _precise(start, note, f"{place}.start")


def _of_timing(timing: Timing, zone: str) -> Period | None:
    """The times of a Timing from the first to the last."""
    if timing.event:
        place = "Observation.effectiveTiming.event"
        events = sorted(timing.event, key=lambda text: time_of(text, place, zone).at)
        return Period(events[0], events[-1] if len(events) > 1 else None)
    bounds = timing.repeat.boundsPeriod if timing.repeat is not None else None
    return bounds if bounds is not None and (bounds.start or bounds.end) else None


def _device(reference: Reference | None) -> str:
    """Which device spoke: its id, else its number, else what it is called."""
    if reference is None:
        return ""
    number = reference.identifier.value if reference.identifier is not None else None
    text = reference.reference or number or reference.display or ""
    return text.rpartition("Device/")[2].partition("/")[0].removeprefix("urn:uuid:")[:64]


def _value(
    holder: Valued, told: Said | None, codes: tuple[Code, ...], common: _Common, source_id: str, place: str
) -> CodedValue:
    note = dict(common.note)
    value, unit = None, ""
    if common.cancelled:
        note["absent"] = (told.note or {}).get("absent", "cancelled") if told is not None else "cancelled"
    elif told is None:
        note["absent"] = "unknown"
    else:
        value, unit = told.value, told.unit
        note.update(told.note or {})
    if holder.interpretation:
        one = holder.interpretation[0]
        note["interpretation"] = next((coding.code for coding in one.coding if coding.code), None) or word(one)
    if common.status == Status.RETRACTED:
        value = None
    return CodedValue(
        common.subject, codes, common.effective, value, unit, source_id, common.version, common.status, common.device,
        note or None, place,
    )  # fmt: skip


def _components(found: Observation, common: _Common) -> list[CodedValue]:
    """Each component under its own code. It is named by its code, not by its place: a sender may reorder them."""
    parts, seen = [], dict[str, int]()
    for i, component in enumerate(found.component):
        place = f"Observation.component[{i}]"
        codes = codes_of(component.code, f"{place}.code", common.local)
        key = _key(codes)
        count = seen[key] = seen.get(key, 0) + 1
        source_id = f"{common.name}#{key}" if count == 1 else f"{common.name}#{key}.{count}"
        parts.append(_value(component, said(component, place), codes, common, source_id, place))
    return parts


def _key(codes: tuple[Code, ...]) -> str:
    """The coding by which a component is known: a standard one, since senders add others to it."""
    for system in (LOINC, SNOMED):
        for code in codes:
            if code.system == system:
                return code.code
    return f"{codes[0].system}|{codes[0].code}"
