"""What an OBX says: a number, a bound, a word, or nothing; never a zero that nobody measured.

Sources: HL7 v2.5.1 chapter 7, 7.4.2 (OBX-2, OBX-5, OBX-6, OBX-11), table 0085; 2.A.47 (NM), 2.A.66 (SN); v2.7 for the
states A, B and V.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from caretwin.ingest.decoded import UCUM
from caretwin.ingest.doors.hl7v2.context import Context
from caretwin.ingest.doors.hl7v2.message import NULL, Segment
from caretwin.record.entry import Status

_COMMA = re.compile(r"\s*[<>]?=?\s*[-+]?\d+(,\d+)+\s*")
_NUMBER = re.compile(r"[+-]?(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_BOUND = re.compile(r"(<=|>=|<|>|≤|≥)\s*(\S.*)")
_COMPARATORS = {"<": "<", ">": ">", "<=": "<=", ">=": ">=", "≤": "<=", "≥": ">="}
_A_WORD = "a word where OBX-2 says a number"
_WANTED = "digits with at most a sign and a decimal point (2.A.47); a word as ST, no result as an empty OBX-5 with X"
TEXTS = frozenset({"ST", "TX", "FT", "", "IS", "ID", "SI"})
CODED = frozenset({"CE", "CWE", "CNE", "CF"})
TIMES = frozenset({"DT", "TM", "TS", "DTM"})
NUMBERS = frozenset({"NM", "SN"})

STATES = {
    "P": Status.PRELIMINARY, "R": Status.PRELIMINARY, "S": Status.PRELIMINARY, "I": Status.PRELIMINARY,
    "F": Status.FINAL, "U": Status.FINAL, "V": Status.FINAL, "B": Status.FINAL, "X": Status.FINAL,
    "C": Status.CORRECTED, "A": Status.CORRECTED, "D": Status.RETRACTED, "W": Status.RETRACTED,
}  # fmt: skip
"""What OBX-11 says (table 0085). X: it cannot be obtained, which is a final answer without a value."""
NO_RESULT = {"O": "order detail without a result", "N": "not asked for", "I": "a result that is awaited"}
"""States of an OBX that holds nothing to keep, where it has no value."""

UNITS = {
    "MDC_DIM_DIMLESS": "1", "MDC_DIM_PERCENT": "%", "MDC_DIM_BEAT_PER_MIN": "/min", "MDC_DIM_RESP_PER_MIN": "/min",
    "MDC_DIM_PER_MIN": "/min", "MDC_DIM_MMHG": "mm[Hg]", "MDC_DIM_CM_H2O": "cm[H2O]", "MDC_DIM_KILO_PASCAL": "kPa",
    "MDC_DIM_DEGC": "Cel", "MDC_DIM_FAHR": "[degF]", "MDC_DIM_MILLI_L": "mL", "MDC_DIM_X_L": "L",
    "MDC_DIM_L_PER_MIN": "L/min", "MDC_DIM_X_L_PER_MIN": "L/min", "MDC_DIM_MILLI_L_PER_MIN": "mL/min",
    "MDC_DIM_MILLI_L_PER_HR": "mL/h", "MDC_DIM_KILO_G": "kg", "MDC_DIM_CENTI_M": "cm", "MDC_DIM_SEC": "s",
    "MDC_DIM_MILLI_SEC": "ms", "MDC_DIM_MILLI_MOLE_PER_L": "mmol/L", "MDC_DIM_MILLI_G_PER_DL": "mg/dL",
}  # fmt: skip
"""UCUM of units that bedside gateways name by their reference identifier (ISO/IEEE 11073-10101, annex of units)."""


class Said(NamedTuple):
    """What an OBX says: a number or None; note  what else; trouble  why it cannot be kept ("" : it can)."""

    value: float | None
    note: dict[str, Any]
    trouble: str = ""
    wanted: str = ""


def read_value(context: Context, obx: Segment) -> Said | None:
    """What OBX-5 says, as OBX-2 tells to read it; None for a type of content that is none of ours."""
    kind, found = obx.text(2).upper(), obx.repetitions(5)
    if not found or all(one.strip() == NULL for one in found):
        return Said(None, {"absent": "the sender says that there is none" if found else "no value was sent"})
    if kind in NUMBERS and len(found) > 1:
        wanted = "one number in each OBX: repetitions are for answers of several texts or codes (7.4.2.5)"
        return Said(None, {}, f"{len(found)} numbers in one OBX", wanted)
    if kind == "SN":
        return _structured(obx, found[0])
    if kind == "NM" and _COMMA.fullmatch(obx.whole(found[0])):
        return Said(None, {}, "a number with a comma", "a decimal point: a comma may be one of thousands (2.A.47)")
    if kind == "NM":
        return _number(obx.whole(found[0]))
    if kind in TEXTS:
        return _number_or_text([obx.whole(one) for one in found])
    if kind in CODED:
        return _coded(context, obx, found)
    if kind in TIMES:
        return Said(None, {"text": _written(context, obx, found[0], kind)})
    return None


def _number(text: str) -> Said:
    """NM: a number, or a bound that should have been an SN. A word is refused: kept, it would stand before the last
    number of its channel as if it were a newer result.
    """
    return Said(None, {}, _A_WORD, _WANTED) if number(text)[0] is None else _number_or_text([text])


def _number_or_text(found: list[str]) -> Said:
    """A number also where it stands in a text, with what is said before it."""
    text = "\n".join(found)
    value, comparator = number(text)
    if value is None:
        return Said(None, {"text": text})
    if not math.isfinite(value):
        return Said(None, {}, "a number beyond any measure", "a finite number")
    return Said(value, {"comparator": comparator} if comparator else {})


def number(text: str) -> tuple[float | None, str]:
    """A number and its comparator; None for a text that is something else.

    >>> number("<0.5"), number("7.40"), number("1:128"), number("7,4")
    ((0.5, '<'), (7.4, ''), (None, ''), (None, ''))
    """
    bound = _BOUND.fullmatch(text)
    comparator, rest = (_COMPARATORS[bound[1]], bound[2]) if bound else ("", text)
    return (float(rest), comparator) if _NUMBER.fullmatch(rest) else (None, "")


def _structured(obx: Segment, repetition: str) -> Said:
    """SN: comparator ^ number ^ separator or suffix ^ number. A range, a ratio and a titre are words, not a number."""
    comparator, first, mark, second = (obx.part(repetition, part) for part in (1, 2, 3, 4))
    text = f"{comparator}{first}{mark}{second}"
    value, _ = number(first)
    if value is None or (second and number(second)[0] is None):
        return Said(None, {}, _A_WORD, _WANTED)
    if mark or second or comparator not in ("", "=", *_COMPARATORS):
        both = number(second)[0]
        limits = {"low": value, "high": both} if mark == "-" and both is not None else {}
        finite = all(math.isfinite(one) for one in limits.values())
        return Said(None, {"text": text, **(limits if finite else {})})
    if not math.isfinite(value):
        return Said(None, {}, "a number beyond any measure", "a finite number")
    return Said(value, {"comparator": _COMPARATORS[comparator]} if comparator in _COMPARATORS else {})


def _coded(context: Context, obx: Segment, found: list[str]) -> Said:
    """A coded answer: the words, and each code behind them."""
    codes = [code for one in found for code in context.codings(obx, one)]
    words = [obx.part(one, 2) or obx.part(one, 9) or obx.part(one, 5) or obx.part(one, 1) for one in found]
    note: dict[str, Any] = {"text": "; ".join(word for word in words if word)}
    if codes:
        note["value_codes"] = [list(code) for code in codes]
    return Said(None, note)


def _written(context: Context, obx: Segment, repetition: str, kind: str) -> str:
    """A date or time that is itself the answer, in ISO 8601 where it can be read."""
    text = obx.part(repetition)
    if kind == "TM":
        return text
    said = context.when(text)
    return text if said.us is not None or not said.date else said.date


def unit(obx: Segment) -> str:
    """OBX-6: the coding that is UCUM, else what a bedside gateway's name of it means, else the sender's own word."""
    raw = obx.raw(6)
    if not raw:
        return ""
    if obx.marks.component not in raw and obx.marks.repetition not in raw:
        return UNITS.get(obx.whole(raw), "" if raw == NULL else obx.whole(raw))
    triples = [tuple(obx.text(6, start + i) for i in range(3)) for start in (1, 4)]
    for code, _, system in triples:
        if code and system.upper() in ("UCUM", UCUM.upper()):
            return code
    for code, name, _ in triples:
        if name in UNITS or code in UNITS:
            return UNITS.get(name) or UNITS[code]
    code, name, system = triples[0]
    return name if system.upper() == "MDC" and name else code or name
