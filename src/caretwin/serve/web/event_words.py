"""An event of the record in words: what happened, and what was said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caretwin.record.entry import StoredEvent

TITLES: Mapping[str, str] = {
    "encounter": "stay", "person": "who it is", "medication_administration": "drug given",
    "medication_request": "drug ordered", "condition": "diagnosis", "flag": "warning", "care_plan": "care plan",
    "device_metric": "device",
}  # fmt: skip
LONGEST = 200


def words_of(event: StoredEvent) -> tuple[str, str]:
    """Title and detail of an event.

    >>> from caretwin.record.entry import Status
    >>> words_of(StoredEvent(1, "p1", "encounter", "adt", 0, None, 0, Status.FINAL, {"status": "admitted"}))
    ('stay', 'admitted')
    """
    body = event.body
    title = TITLES.get(event.kind, event.kind.replace("_", " "))
    parts = [_text(body.get(name)) for name in ("medication", "code", "text", "dose", "rate", "status")]
    return title, ", ".join(dict.fromkeys(part for part in parts if part))[:LONGEST]


def _text(said: Any) -> str:
    if isinstance(said, Mapping):
        if "value" in said:
            return f"{said['value']} {said.get('unit', '')}".strip()
        return str(said.get("text") or said.get("display") or "")
    return "" if said is None or isinstance(said, list) else str(said)
