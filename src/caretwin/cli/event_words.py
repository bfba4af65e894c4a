"""An event of the record in words: of a medication which drug, how much, how fast and by which way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caretwin.record.entry import StoredEvent

LONGEST = 60
"""Signs of a text of a sender that are shown."""


def event_words(event: StoredEvent) -> str:
    """What is said of an event beside its time and source; "" where its kind says all.

    >>> body = {"medication": {"text": "Propofol 1 %"}, "rate": {"value": 12.0, "unit": "mL/h"}, "status": "stopped"}
    >>> event_words(StoredEvent(1, "p1", "medication_administration", "x", 0, None, 0, 1, body))
    'Propofol 1 %, 12 mL/h, stopped'
    """
    if not event.kind.startswith("medication"):
        return ""
    body, dosages = event.body, _list(event.body.get("dosage"))
    first: Mapping[str, Any] = dosages[0] if dosages and isinstance(dosages[0], Mapping) else {}
    said = [_named(body.get("medication")) or "no drug named"]
    said += [_amount(body.get(name) or first.get(name)) for name in ("dose", "rate", "quantity")]
    timing = first.get("timing")
    said += [
        _named(body.get("route") or first.get("route")),
        _named(timing) if isinstance(timing, Mapping) else "",
        str(body.get("status") or "").replace("completed", ""),
        *(str(one)[:LONGEST] for one in _list(body.get("reason"))[:1]),
    ]
    return ", ".join(one for one in said if one)


def _list(said: Any) -> list[Any]:
    return list(said) if isinstance(said, list | tuple) else []


def _named(said: Any) -> str:
    """A concept in its own words, else its first code."""
    if not isinstance(said, Mapping):
        return ""
    codes = _list(said.get("codes"))
    code = str(codes[0][-1]) if codes and _list(codes[0]) else ""
    return " ".join(str(said.get("text") or said.get("reference") or code).split())[:LONGEST]


def _amount(said: Any) -> str:
    """A quantity, a range, a ratio, or a text where it is none of them."""
    if not isinstance(said, Mapping):
        return ""
    if "numerator" in said:
        return " / ".join(filter(None, (_amount(said.get("numerator")), _amount(said.get("denominator")))))
    if "low" in said or "high" in said:
        return " to ".join(filter(None, (_amount(said.get("low")), _amount(said.get("high")))))
    value, unit = said.get("value"), str(said.get("unit") or "")
    if not isinstance(value, int | float):
        return str(said.get("text") or "")[:LONGEST]
    return f"{said.get('comparator') or ''}{value:g} {unit}".strip()
