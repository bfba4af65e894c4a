"""The file that ``caretwin ct`` writes, read again for a bedside record: what a chest CT lets a lung model observe."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from caretwin.base.errors import DataError
from caretwin.record.bedside import BedsideRecord, Signal, channels
from caretwin.record.finding import Finding
from caretwin.record.imaging import ImagingObservation, check_hours

_FIX = "write it with: caretwin ct FOLDER --time-h HOUR --json FILE"


def read_imaging(path: str | Path) -> tuple[ImagingObservation, ...]:
    """The observations of one chest CT.

    Raises DataError for a file that is not one of ``caretwin ct``, and for one whose CT was too poor to be used.

    Example: ``read_imaging("ct.json")[0].name``.
    """
    where = Path(path).name
    content = _content(path, where)
    if content.get("quality") == "poor":
        raise DataError(
            where, seen="a CT whose quality is poor", wanted="one that could be measured",
            fix="look at its findings; the twin does without it",
        )  # fmt: skip
    observations = tuple(_observation(row, where) for row in content["observations"])
    if not observations:
        raise DataError(where, seen="no observation", wanted="at least one", fix=_FIX)
    return observations


def with_imaging(record: BedsideRecord, observations: Sequence[ImagingObservation]) -> BedsideRecord:
    """The record with those observations that are channels of it; a finding names the others, which no model uses."""
    signals = dict(record.observations)
    known = channels()
    for seen in observations:
        if seen.name in known:
            row = Signal.of(np.array([seen.time_h]), np.array([seen.value]), np.array([seen.received_h]))
            signals[seen.name] = _together(signals.get(seen.name), row)
    unused = [o.name.replace("_", " ") for o in observations if o.name not in known]
    findings = record.findings
    if unused:
        findings += (
            Finding("info", None, None, ", ".join(unused), "what the lung model observes", "shown, not used"),
        )  # fmt: skip
    return replace(record, observations=signals, findings=findings)


def _together(first: Signal | None, second: Signal) -> Signal:
    if first is None:
        return second
    pairs = zip(
        (first.time_h, first.value, first.received_h, first.quality),
        (second.time_h, second.value, second.received_h, second.quality),
        strict=True,
    )
    return Signal.of(*(np.concatenate(pair) for pair in pairs))


def _content(path: str | Path, where: str) -> dict[str, Any]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(where, seen="what is no JSON", wanted="the file of a chest CT", fix=_FIX) from error
    if not isinstance(content, dict) or not isinstance(content.get("observations"), list):
        raise DataError(where, seen="JSON without observations", wanted="the file of a chest CT", fix=_FIX)
    return content


def _observation(row: Any, where: str) -> ImagingObservation:
    try:
        found = ImagingObservation(**row)
        numbers = (float(found.value), float(found.standard_error))
        check_hours(float(found.time_h), float(found.received_h))
    except (TypeError, ValueError) as error:
        raise DataError(where, seen=f"an observation {row!r:.80}", wanted="one of a chest CT", fix=_FIX) from error
    if not all(math.isfinite(n) for n in numbers):
        raise DataError(where, seen=f"{found.name} {found.value}", wanted="a number", fix=_FIX)
    channel = channels().get(found.name)
    if channel is not None and not channel.low <= found.value <= channel.high:
        raise DataError(
            where, seen=f"{found.name} {found.value:g}", wanted=f"{channel.low:g} to {channel.high:g}", fix=_FIX
        )  # fmt: skip
    return found
