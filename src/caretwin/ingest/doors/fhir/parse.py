"""Two parsers that agree: a fast one for what most of the traffic is, and FHIR's full rules for everything else.

The fast one accepts an Observation only when it has seen every element of it and each has its form; it never refuses.
Whatever it is unsure about goes to the full one: `fhir.resources`, release R4B, which for the resources that are read
here has the elements of R4 (the package has no plain R4). A refusal is always the full one's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec.json import Decoder

from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.fhir.envelope import Bundle
from caretwin.ingest.doors.fhir.resources import KNOWN, Known
from caretwin.ingest.doors.fhir.strict_json import parsed, refusal, same_content
from caretwin.ingest.doors.fhir.structs import CodeableConcept, Head, Identifier, Observation, Valued

_rare = attrgetter("valueSampledData", "valueRange", "valueRatio", "valueTime", "valueDateTime", "valuePeriod")
_effective = attrgetter("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming")
_NONE = (None,) * 6
_OBSERVATION = Decoder(Observation)
_HEAD = Decoder(Head)
_BUNDLE = Decoder(Bundle)
_ENCODER = msgspec.json.Encoder()
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_CODE = re.compile(r"\S+(\s\S+)*")
_NO_OFFSET = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?")
_TYPE = b'"resourceType"'
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
_Kind: TypeAlias = Literal["structure", "required", "value", "not-supported"]
_INSTEAD: dict[str, tuple[str, str, _Kind]] = {
    "missing": ("nothing", "an element that FHIR requires", "required"),
    "model_field_validation.missing": ("nothing", "an element that FHIR requires", "required"),
    "extra_forbidden": ("an element that FHIR R4 does not have here", "the elements that R4 defines", "structure"),
    "list_type": ("one element", "a list", "structure"),
    "decimal_parsing": ("a text that is no number", "a decimal", "value"),
    "decimal_type": ("an element of another type", "a decimal", "value"),
    "float_parsing": ("a text that is no number", "a decimal", "value"),
    "int_parsing": ("a text that is no number", "an integer", "value"),
    "int_type": ("an element of another type", "an integer", "value"),
    "int_from_float": ("a decimal", "an integer", "value"),
    "bool_parsing": ("an element of another type", "a boolean: true or false, without quotes", "value"),
    "bool_type": ("an element of another type", "a boolean: true or false, without quotes", "value"),
    "string_type": ("an element of another type", "a string", "value"),
    "date_from_datetime_parsing": ("a text that is no date", "a date, such as 2026-03-27", "value"),
    "datetime_from_date_parsing": ("a text that is no date", "a dateTime, such as 2026-03-27T08:10:00Z", "value"),
    "datetime_parsing": ("a text that is no time", "a dateTime, such as 2026-03-27T08:10:00Z", "value"),
    "string_pattern_mismatch": ("a text of another form", "a text in the form of its FHIR type", "value"),
}


_WORDS = {
    "str": "a string", "float": "a decimal", "int": "an integer", "bool": "a boolean", "object": "an object",
    "array": "a list", "null": "null",
}  # fmt: skip
"""FHIR's words for the types of JSON that the fast parser names as Python does."""


def _in_words(types: str) -> str:
    """Types in FHIR's words.

    >>> _in_words("float | null"), _in_words("int | str")
    ('a decimal', 'an integer or a string')
    """
    names = [name for name in types.split(" | ") if name != "null"] or ["null"]
    return " or ".join(_WORDS.get(name, f"the FHIR type {name}") for name in names)


def kind_of(raw: bytes, place: str) -> Head:
    """Which resource it is. Raises RefusedError where it cannot be told."""
    try:
        head = _HEAD.decode(raw)
    except _BROKEN:
        parsed(raw, place)  # says what is wrong, as far as it is about JSON
        raise refusal(place, "no object", "a FHIR resource", "send one JSON object", "structure") from None
    if not head.resourceType:
        fix = "send a FHIR resource with its resourceType"
        raise refusal(f"{place}.resourceType", "nothing", "the name of a resource", fix, "required")
    return head


def fast(raw: bytes) -> Observation | None:
    """An Observation that is certainly as FHIR wants it; None when unsure."""
    try:
        found = _OBSERVATION.decode(raw)
    except _BROKEN:
        return None
    written = _ENCODER.encode(found)  # with its resourceType, whether or not it was there
    named = raw.count(_TYPE) == written.count(_TYPE)
    return found if named and same_content(raw, written) and _sure(found) else None


def full(raw: bytes, kind: str, zone: str = "") -> Known:
    """A resource by FHIR's full rules.

    kind  its resourceType, one of KNOWN; zone  what clock times without an offset mean; "": they are refused
    Raises RefusedError with the element that is wrong.
    """
    said = parsed(raw, kind)
    try:
        found: Known = _decoder(kind).decode(raw)
    except msgspec.ValidationError as problem:
        raise _of_structure(str(problem), kind) from None
    except _BROKEN:
        raise refusal(kind, "a JSON text that cannot be read", "FHIR R4 in JSON", "mend it", "structure") from None
    _validate(said, kind, zone)
    for place in chain([f"{kind}.implicitRules"] if said.get("implicitRules") else [], _modifiers(said, kind)):
        wanted = "a resource that means what R4 says it means"
        raise refusal(place, "a rule that changes its meaning", wanted, "send it without", "not-supported")
    _identifier_of(found.id, kind)
    return found


def bundle(raw: bytes) -> Bundle:
    """The envelope of a Bundle, its resources unread. Raises RefusedError."""
    try:
        found = _BUNDLE.decode(raw)
    except _BROKEN as problem:
        parsed(raw, "Bundle")
        raise _of_structure(str(problem), "Bundle") from None
    if not same_content(raw, _ENCODER.encode(found)):
        parsed(raw, "Bundle")
    return found


def written(resource: Known) -> bytes:
    """A resource as far as it was read, in one way of writing: both parsers give the same."""
    return _ENCODER.encode(resource)


def contained(raw: bytes) -> Known | None:
    """A contained resource that is read, None for one that is not; its resource was validated with it."""
    try:
        head = _HEAD.decode(raw)
        return _decoder(head.resourceType).decode(raw) if head.resourceType in KNOWN else None
    except _BROKEN:  # the validation takes "1" for 1; what is read here does not
        return None


@cache
def _decoder(kind: str) -> Decoder[Any]:
    return Decoder(KNOWN[kind])


def _sure(found: Observation) -> bool:
    """Whether forms that the fast parser does not check hold: those of ids, codes and numbers."""
    if found.contained or not _is_code(found.status) or not _is_id(found.id or "-"):
        return False
    meta, text = found.meta, found.text
    if meta is not None and meta.versionId is not None and not _is_id(meta.versionId):
        return False
    if text is not None and (not text.status or not text.div or not _is_code(text.status)):
        return False
    if _effective(found).count(None) < 3:  # FHIR's choice of one
        return False
    if found.effectiveTiming is not None or not all(
        map(_coded, (*found.category, *_some(found.method, found.bodySite)))
    ):
        return False
    return _valued(found) and all(map(_valued, found.component)) and all(map(_plain, _numbers(found)))


def _valued(found: Valued) -> bool:
    """Whether a value has its form; what is rare is left to the full parser."""
    if _rare(found) != _NONE:
        return False
    for quantity in (
        found.valueQuantity,
        *[one for limits in found.referenceRange for one in (limits.low, limits.high)],
    ):
        if quantity is not None and not (_is_code(quantity.code or "-") and quantity.comparator is None):
            return False
    return all(
        map(_coded, (found.code, *found.interpretation, *_some(found.valueCodeableConcept, found.dataAbsentReason)))
    )


def _some(*concepts: CodeableConcept | None) -> list[CodeableConcept]:
    return [one for one in concepts if one is not None]


def _numbers(found: Observation) -> list[Identifier]:
    """Identifiers of an Observation, and of what it refers to."""
    references = [
        found.subject, found.encounter, found.specimen, found.device, *found.performer, *found.hasMember,
        *found.basedOn, *found.partOf, *found.focus, *found.derivedFrom,
    ]  # fmt: skip
    named = [one.identifier for one in references if one is not None and one.identifier is not None]
    return [*found.identifier, *named]


def _plain(number: Identifier) -> bool:
    return not number.extension and number.type is None and _is_code(number.use or "-")


def _coded(concept: CodeableConcept) -> bool:
    return all(one.code is None or _is_code(one.code) for one in concept.coding)


@lru_cache(maxsize=16_384)
def _is_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None


def _is_id(text: str) -> bool:
    return ID.fullmatch(text) is not None


def _modifiers(said: Any, place: str) -> Iterator[str]:
    """Where extensions stand that change what their element means: nobody may pass over them (section 2.4.0.2)."""
    if isinstance(said, dict):
        for name, one in said.items():
            if name == "modifierExtension" and one:
                yield f"{place}.{name}"
            yield from _modifiers(one, f"{place}.{name}")
    elif isinstance(said, list):
        for i, one in enumerate(said):
            yield from _modifiers(one, f"{place}[{i}]")


def _identifier_of(found: str | None, kind: str) -> None:
    if found is not None and not _is_id(found):
        wanted = "1 to 64 letters, digits, hyphens and points"
        raise refusal(f"{kind}.id", "another form", wanted, "give the resource an id as FHIR defines it", "structure")


@cache
def _model(kind: str) -> Any:
    """Imported when first needed: it takes a fifth of a second."""
    from fhir.resources.R4B import get_fhir_model_class

    return get_fhir_model_class(kind)


def _validate(said: Any, kind: str, zone: str) -> None:
    from pydantic import ValidationError

    try:
        _model(kind).model_validate(_with_offsets(said) if zone else said)
    except ValidationError as problem:
        raise _of_model(problem, kind) from None
    except RecursionError:
        raise refusal(kind, "more levels than can be read", "a resource of R4", "nest less", "structure") from None
    except Exception as problem:  # what a package of others raises besides is no reason to fall over
        seen = f"a value that cannot be validated ({type(problem).__name__})"
        raise refusal(kind, seen, "a resource as R4 defines it", "validate it at its source", "structure") from None


def _with_offsets(said: Any) -> Any:
    """Clock times without an offset made valid for the validation; the zone is applied when they are read."""
    if isinstance(said, dict):
        return {name: _with_offsets(one) for name, one in said.items()}
    if isinstance(said, list):
        return [_with_offsets(one) for one in said]
    return f"{said}Z" if isinstance(said, str) and _NO_OFFSET.fullmatch(said) else said


def _of_model(problem: Any, kind: str) -> RefusedError:
    """The first error of the validation. What stood there is not repeated: it may be about a person."""
    error = problem.errors(include_url=False, include_input=False)[0]
    place = kind + "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in error["loc"])
    seen, wanted, code = _INSTEAD.get(error["type"], ("a value of another form", "a value of its FHIR type", "value"))
    if "expected from this list" in error["msg"]:
        seen, wanted, code = "two elements of a choice", "one of them: FHIR's [x] is a choice", "structure"
    return refusal(place, seen, wanted, "compare it with the definition of the resource in FHIR R4", code)


def _of_structure(message: str, kind: str) -> RefusedError:
    """An error of the fast parser: its words, its path as FHIRPath."""
    what, _, path = message.partition(" - at `")
    place = kind + path.rstrip("`").removeprefix("$").replace("[...]", "")
    missing = re.fullmatch(r"Object missing required field `(\w+)`", what)
    fix = "compare it with the definition of the resource in FHIR R4"
    if missing:
        return refusal(f"{place}.{missing[1]}", "nothing", "an element that FHIR requires", fix, "required")
    shape = re.fullmatch(r"Expected `([\w| ]+)`, got `(\w+)`", what)
    if shape:
        return refusal(place, _in_words(shape[2]), _in_words(shape[1]), fix, "structure")
    return refusal(place, "a value out of range or of another form", "a value of its FHIR type", fix, "structure")
