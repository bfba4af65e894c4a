"""What one reading of a controller says.

The door writes down what it read as JSON, ``{"device": name, "at": us, "answers": [...]}`` with ``object``, ``value``,
``units``, ``flags``, ``reliability`` or ``error`` of each answer, and decodes that: a reading that is put aside can be
looked at, and taken in later.

Status flags are of ASHRAE 135-2020, clause 12: *fault* and *out of service* mean that the present value is not what is
measured, so that it is absent; *overridden* on an input means that somebody set it by hand, so the same; on an output
it is what the plant really does, and counts. *In alarm* is a true value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from caretwin.ingest.decoded import CodedValue, Decoded, Refusal, RefusedError
from caretwin.ingest.doors.bacnet.points import Device, Point
from caretwin.ingest.doors.bacnet.units import ucum_of
from caretwin.ingest.doors.mqtt.payload import Reading, clean, reading

UNTRUE = {"fault": "error", "out-of-service": "not-performed"}
"""Flags by which a present value is not measured, and why it is absent (HL7 FHIR R4, data-absent-reason)."""
SILENT = "the device does not answer"


def decode_answers(raw: bytes, devices: Mapping[str, Device]) -> Decoded:
    """What a reading says. Raises RefusedError for bytes that are none."""
    try:
        said = orjson.loads(raw)
        device, at, answers = devices[said["device"]], said["at"], said["answers"]
        if not isinstance(answers, list) or isinstance(at, bool) or not isinstance(at, int) or not 0 < at < 10**16:
            raise TypeError
    except (ValueError, KeyError, TypeError):
        seen, wanted = "no JSON of ours, or a device that is not in the file of points", "device, at and answers"
        refusal = Refusal("a reading of a controller", seen, wanted, "look at the file of points", "structure")
        raise RefusedError(refusal) from None
    parts, problems, ignored = list[CodedValue](), list[Refusal](), list[str]()
    points = {point.object: point for point in device.points}
    for answer in answers:
        name = answer.get("object") if isinstance(answer, dict) else None
        if not isinstance(name, str) or name not in points:
            ignored.append("an object that is not in the file of points")
            continue
        try:
            parts.append(_value(points[name], answer, device.name, at))
        except RefusedError as error:
            problems.append(error.refusal)
    if problems and not parts:
        raise RefusedError(problems[0])
    return Decoded(tuple(parts), tuple(problems), ignored=tuple(dict.fromkeys(ignored)))


def _value(point: Point, answer: Mapping[str, Any], device: str, at: int) -> CodedValue:
    said, note = _read(point, answer)
    unit = (point.unit or ucum_of(_text(answer, "units"))) if said.value is not None else ""
    note = {**said.note(), **note}
    return CodedValue(
        point.subject, (point.code,), at, said.value, unit, device=f"{device}/{point.object}", note=note or None,
        place=point.object,
    )  # fmt: skip


def _read(point: Point, answer: Mapping[str, Any]) -> tuple[Reading, dict[str, Any]]:
    """The value, or why there is none; and what else is to be known."""
    error, listed = _text(answer, "error"), answer.get("flags")
    flags = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    if error:
        return Reading(None, absent="temp-unknown" if error == SILENT else "error", text=error), {}
    reliability = _text(answer, "reliability")
    why = reliability if reliability not in ("", "no-fault-detected") else ""
    for flag, absent in UNTRUE.items():
        if flag in flags:
            return Reading(None, absent=absent, text=f"{flag}: {why}" if why else flag), {}
    if why:
        return Reading(None, absent="error", text=why), {}
    if "overridden" in flags and "-input" in point.object:
        return Reading(None, absent="not-performed", text="overridden: set by hand"), {}
    found = reading(answer.get("value"), point.words, point.object)
    return found, {"flags": ";".join(flag for flag in ("overridden", "in-alarm") if flag in flags)} if flags else {}


def _text(answer: Mapping[str, Any], name: str) -> str:
    found = answer.get(name)
    return clean(found) if isinstance(found, str) else ""
