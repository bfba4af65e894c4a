"""What a rule of quality says about rows of one channel, and how that becomes part of a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from caretwin.record.bedside import BedsideRecord, Quality, Signal, channels
from caretwin.record.finding import Finding, Severity, of_several

Kind = Literal["observations", "settings"]


@dataclass(frozen=True)
class Verdict:
    """Some rows of one channel are odd, and why.

    rule      the rule's name, as reports count it
    channel   the channel
    rows      [m] rows of its signal
    quality   what they become; a row never becomes better than it was
    why       what was seen, in words after "heart_rate 300 /min at 4.2 h: "
    wanted    what belongs there
    fix       what a person can do
    values    [m] corrected values, or None to leave them
    severity  "warning" asks a person to look, "info" tells what was done
    """

    rule: str
    channel: str
    rows: Int[np.ndarray, " m"]
    quality: Quality
    why: str
    wanted: str
    fix: str
    values: Float[np.ndarray, " m"] | None = None
    severity: Severity = "warning"


Rule = Callable[[BedsideRecord], Iterable[Verdict]]


def kind_of(channel: str) -> Kind:
    """Whether a channel is among a record's observations or its settings."""
    return "settings" if channels()[channel].kind == "setting" else "observations"


def signal_of(record: BedsideRecord, channel: str) -> Signal | None:
    """The signal of a channel, None when the record has none."""
    found: Signal | None = getattr(record, kind_of(channel)).get(channel)
    return found


def usable(signal: Signal) -> np.ndarray:
    """Rows [n] that have a value and were not refused."""
    return (signal.quality != Quality.REFUSED) & np.isfinite(signal.value)


def finding_of(record: BedsideRecord, verdict: Verdict) -> Finding:
    """The verdict as a finding: how many values, the first of them, and what was done."""
    signal, channel = signal_of(record, verdict.channel), channels()[verdict.channel]
    assert signal is not None
    first, unit = verdict.rows[0], "" if channel.unit == "1" else f" {channel.unit}"
    seen = f"{verdict.channel} {signal.value[first]:.5g}{unit} at {signal.time_h[first]:.2f} h: {verdict.why}"
    seen += of_several(len(verdict.rows))
    received = tuple(float(hour) for hour in signal.received_h[verdict.rows])
    return Finding(verdict.severity, None, verdict.channel, seen, verdict.wanted, verdict.fix, received)


def with_verdict(record: BedsideRecord, verdict: Verdict) -> BedsideRecord:
    """The record with the rows judged (and corrected), and the finding added."""
    if len(verdict.rows) == 0:
        return record
    signal = signal_of(record, verdict.channel)
    assert signal is not None
    quality, value = signal.quality.copy(), signal.value.copy()
    quality[verdict.rows] = np.maximum(quality[verdict.rows], int(verdict.quality))
    if verdict.values is not None:
        value[verdict.rows] = verdict.values
    kind = kind_of(verdict.channel)
    signals = {**getattr(record, kind), verdict.channel: replace(signal, quality=quality, value=value)}
    findings = (*record.findings, finding_of(record, verdict))
    if kind == "settings":
        return replace(record, settings=signals, findings=findings)
    return replace(record, observations=signals, findings=findings)
