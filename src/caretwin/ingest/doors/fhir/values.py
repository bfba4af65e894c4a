"""What a value[x] says: a number with its unit, a word, or that there is none and why (FHIR R4, section 10.1)."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from caretwin.ingest.decoded import UCUM
from caretwin.ingest.doors.fhir.names import SYSTEMS
from caretwin.ingest.doors.fhir.strict_json import refusal
from caretwin.ingest.doors.fhir.structs import (
    CodeableConcept,
    Period,
    Quantity,
    Range,
    Ratio,
    SampledData,
    Valued,
    word,
)

COMPARATORS = frozenset({"<", "<=", ">=", ">"})
LONGEST = 4000
"""Characters of a text that are kept (assumed: a paragraph; a report is a document)."""
_KINDS = (
    "valueQuantity", "valueCodeableConcept", "valueString", "valueBoolean", "valueInteger", "valueRange", "valueRatio",
    "valueSampledData", "valueTime", "valueDateTime", "valuePeriod",
)  # fmt: skip
_values = attrgetter(*_KINDS)


class Said(NamedTuple):
    """A value (None: a word, or none), its unit as sent, and what else is to be noted."""

    value: float | None
    unit: str = ""
    note: dict[str, Any] | None = None


def said(holder: Valued, place: str) -> Said | None:
    """The value of an Observation or a component; None where it has neither a value nor a reason why not.

    Raises RefusedError for two values, a value beside a reason why there is none, and an unknown comparator.
    """
    values = _values(holder)
    if len(values) - values.count(None) > 1:
        raise refusal(f"{place}.value", "two values", "one: value[x] is a choice", "send two resources", "structure")
    i = next((i for i, one in enumerate(values) if one is not None), None)
    if i is None:
        if holder.dataAbsentReason is None:
            return None
        return Said(None, "", {"absent": _reason(holder.dataAbsentReason)})
    if holder.dataAbsentReason is not None:
        wanted = "one of them (invariant obs-6)"
        raise refusal(f"{place}.dataAbsentReason", "a reason beside a value", wanted, "remove the one that is wrong")
    if i == 0:
        return _quantity(values[0], place)
    return _READERS[_KINDS[i]](values[i])


def unit_of(quantity: Quantity) -> str:
    """The unit: its UCUM code, else the sender's own word."""
    system = SYSTEMS.get(quantity.system, quantity.system) if quantity.system else None
    if quantity.code and system == UCUM:
        return quantity.code
    return quantity.unit or quantity.code or ""


def amount(quantity: Quantity | None) -> dict[str, Any] | None:
    """A quantity as JSON can say it; None where there is none."""
    if quantity is None or (quantity.value is None and not quantity.unit and not quantity.code):
        return None
    found: dict[str, Any] = {"value": quantity.value, "unit": unit_of(quantity)}
    return found | ({"comparator": quantity.comparator} if quantity.comparator else {})


def ratio(said: Ratio | None) -> dict[str, Any] | None:
    """A ratio by its two parts: dividing them would lose that 1:128 is a titre."""
    if said is None:
        return None
    return {"numerator": amount(said.numerator), "denominator": amount(said.denominator)}


def _quantity(quantity: Quantity, place: str) -> Said:
    unit = unit_of(quantity)
    if quantity.value is None:
        return Said(None, unit, {"absent": "unknown"})
    if quantity.comparator is None:
        return Said(quantity.value, unit)
    if quantity.comparator not in COMPARATORS:
        wanted = "one of < <= >= >"
        raise refusal(f"{place}.valueQuantity.comparator", "another comparator", wanted, "send one of these")
    return Said(quantity.value, unit, {"comparator": quantity.comparator})


def _concept(concept: CodeableConcept) -> Said:
    note: dict[str, Any] = {"text": word(concept)[:LONGEST]}
    codes = [[SYSTEMS.get(one.system or "", one.system or ""), one.code] for one in concept.coding if one.code]
    return Said(None, "", note | ({"codes": codes} if codes else {}))


def _range(range: Range) -> Said:
    low, high = amount(range.low), amount(range.high)
    text = f"{_short(range.low)} to {_short(range.high)}"
    return Said(None, "", {"text": text, "low": low, "high": high})


def _ratio(said: Ratio) -> Said:
    text = f"{_short(said.numerator)}:{_short(said.denominator)}"
    return Said(None, "", {"text": text, **(ratio(said) or {})})


def _sampled(data: SampledData) -> Said:
    points = len((data.data or "").split())
    kept = {"points": points, "period_ms": data.period, "dimensions": data.dimensions, "unit": unit_of(data.origin)}
    return Said(None, "", {"absent": "waveform", "text": f"{points} points of a waveform", "sampled": kept})


def _period(period: Period) -> Said:
    return _text(f"{period.start or '?'} to {period.end or '?'}")


def _text(text: str) -> Said:
    return Said(None, "", {"text": text[:LONGEST]})


def _boolean(value: bool) -> Said:
    return Said(float(value), "", {"text": "true" if value else "false"})


def _short(quantity: Quantity | None) -> str:
    if quantity is None or quantity.value is None:
        return "?"
    return f"{quantity.comparator or ''}{quantity.value:g} {unit_of(quantity)}".strip()


def _reason(concept: CodeableConcept) -> str:
    """Why there is no value: the code of FHIR's own list where there is one, which is what programs know."""
    own = next((one.code for one in concept.coding if one.code and "data-absent-reason" in (one.system or "")), None)
    return own or word(concept)[:LONGEST] or "unknown"


_READERS: dict[str, Callable[[Any], Said]] = {
    "valueCodeableConcept": _concept,
    "valueString": _text,
    "valueBoolean": _boolean,
    "valueInteger": lambda value: Said(float(value)),
    "valueRange": _range,
    "valueRatio": _ratio,
    "valueSampledData": _sampled,
    "valueTime": _text,
    "valueDateTime": _text,
    "valuePeriod": _period,
}
