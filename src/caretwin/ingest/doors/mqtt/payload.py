"""What stands in a message: JSON or a bare word, where in it a thing is, and which value it is.

A payload that says nothing (null, NaN, "unavailable") is an absent value with its reason, never a zero. A text such as
"21.5 °C" is a value with a unit; a number with a comma is refused, for it may be a thousand times another.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import orjson

from caretwin.ingest.decoded import Refusal, RefusedError

Json: TypeAlias = Any
MOST_BYTES = 4_000_000
"""Of a payload: a longer one is a file, not a reading (assumed)."""
LONGEST_TEXT = 200
"""Characters that are kept of a text (assumed)."""
MISSING = object()
"""What is at a place that a message does not have."""
_ABSENT = {
    "": "unknown", "null": "unknown", "none": "unknown", "unknown": "unknown", "unavailable": "temp-unknown",
    "n/a": "unknown", "nan": "not-a-number", "-": "unknown", "inf": "positive-infinity", "infinity":
    "positive-infinity", "-inf": "negative-infinity", "-infinity": "negative-infinity", "error": "error",
}  # fmt: skip
"""Reasons as HL7 FHIR R4 codes them (data-absent-reason)."""
_UNIT = r"(?:[^\W\d_]|[%°\[{]|/[^\W\d_]|10\*).{0,30}"
_NUMBER = re.compile(rf"(<=|>=|<|>)?\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?)\s*({_UNIT})?")
"""A number and what can be a unit: 120/80, 12:30 and 2025-11-25 are none."""
_COMMA = re.compile(r"[+-]?\d+,\d+\s*\D{0,30}")


class Reading(NamedTuple):
    """A value, or why there is none: ``absent`` as FHIR codes reasons, or a word (``text``)."""

    value: float | None
    unit: str = ""
    absent: str = ""
    text: str = ""
    comparator: str = ""

    def note(self) -> dict[str, Any]:
        """What an observation keeps of it beside the value."""
        said = {"absent": self.absent, "text": self.text, "comparator": self.comparator}
        return {name: word for name, word in said.items() if word}


def content_of(raw: bytes) -> Json:
    """A payload as JSON says it, or as a text. Raises RefusedError for what is neither.

    >>> content_of(b'{"t": 21.5}'), content_of(b"21.5 C")
    ({'t': 21.5}, '21.5 C')
    """
    if len(raw) > MOST_BYTES:
        raise refused("the payload", f"{len(raw)} bytes", f"at most {MOST_BYTES}", "send readings one by one")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    try:
        text = raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise refused("the payload", "bytes that are no text", "JSON or a text in UTF-8", "map another topic") from None
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)  # takes a bare NaN, which many senders write
    except (ValueError, RecursionError):
        raise refused("the payload", "what begins as JSON and is none", "JSON", "look at the sender") from None


def at(content: Json, path: str) -> Json:
    """What stands at a JSON pointer (RFC 6901) or a dotted path; MISSING where nothing does.

    >>> at({"a": {"b": [1, 2]}}, "/a/b/1"), at({"a": {"b": 3}}, "a.b"), at(7, "")
    (2, 3, 7)
    """
    for step in steps(path):
        if isinstance(content, dict):
            content = content.get(step, MISSING)
        elif isinstance(content, list):
            inside = step.isascii() and step.isdigit() and len(step) < 9 and int(step) < len(content)
            content = content[int(step)] if inside else MISSING
        else:
            return MISSING
    return content


@lru_cache(maxsize=1000)
def steps(path: str) -> Sequence[str]:
    """The steps of a JSON pointer or a dotted path."""
    if path.startswith("/"):
        return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]
    return path.split(".") if path else []


def reading(found: Json, words: Mapping[str, float], where: str) -> Reading:
    """The value that is written at a place. Raises RefusedError for a structure and a number with a comma.

    words  what words mean, in small letters
    where  the place as the mapping calls it, for whoever has to find it

    >>> reading("21.5 °C", {}, "t").unit, reading(True, {}, "door").value, reading(None, {}, "t").absent
    ('°C', 1.0, 'unknown')
    """
    if found is None:
        return Reading(None, absent="unknown")
    if isinstance(found, bool):
        return Reading(words.get("true" if found else "false", float(found)))
    if isinstance(found, int | float):
        return _number(found)
    if isinstance(found, str):
        return _text(clean(found, len(found)), words, where)
    kind = "an array" if isinstance(found, list) else "an object"
    raise refused(where, kind, "one value", "name the place of the value within it in the mapping", "structure")


def _number(found: int | float) -> Reading:
    try:
        value = float(found)
    except OverflowError:
        return Reading(None, absent="positive-infinity" if found > 0 else "negative-infinity")
    if math.isfinite(value):
        return Reading(value)
    absent = "not-a-number" if math.isnan(value) else "positive-infinity" if value > 0 else "negative-infinity"
    return Reading(None, absent=absent)


def _text(text: str, words: Mapping[str, float], where: str) -> Reading:
    small = text.casefold()
    if small in words:
        return Reading(words[small])
    if small in _ABSENT:
        return Reading(None, absent=_ABSENT[small])
    number = _NUMBER.fullmatch(text)
    if number is not None:
        found = _number(float(number[2]))
        return found._replace(unit=(number[3] or "").strip(), comparator=number[1] or "")
    if _COMMA.fullmatch(text):
        raise refused(where, "a number with a comma", "a decimal point", "let the sender write 21.5 and not 21,5")
    return Reading(None, text=text[:LONGEST_TEXT])


def clean(text: str, most: int = LONGEST_TEXT) -> str:
    r"""A text that can be stored and shown: no control characters, no halves of characters, not endless.

    >>> clean("a\x00b" + chr(0xD800))
    'ab'
    """
    kept = text if text.isprintable() else "".join(one for one in text if one.isprintable())
    return kept.strip()[:most]


def refused(where: str, seen: str, wanted: str, fix: str, code: Any = "value") -> RefusedError:
    """A refusal to be raised."""
    return RefusedError(Refusal(where, seen, wanted, fix, code))
