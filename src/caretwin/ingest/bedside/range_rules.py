"""Values that cannot be: outside the plausible range of their channel, or charted twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from caretwin.ingest.bedside.verdict import Verdict, usable
from caretwin.record.bedside import BedsideRecord, Channel, Quality, Signal, channels

FIXES = {
    "peep": "no ventilator sets it; check for a slip of the pen, or for a tidal volume in this place",
    "fio2": "write a fraction: 0.40 for 40 %",
    "central_venous_pressure": "the transducer was flushed, zeroed or open; chart the value after it has settled",
    "mean_arterial_pressure": "the line was flushed or open; chart the value after it has settled",
    "arterial_oxygen_pressure": "if it is in kPa, let the source write the unit",
    "arterial_carbon_dioxide_pressure": "if it is in kPa, let the source write the unit",
    "oxygen_saturation": "the probe was off the finger, or the value is a slip of the pen",
}
DOSES_OF_A_MOMENT = ("insulin_bolus", "insulin_subcutaneous_rapid", "insulin_subcutaneous_long")
"""Two equal doses at one time may both have been given."""


def out_of_range(record: BedsideRecord) -> Iterator[Verdict]:
    """A value outside the range of its channel is an artefact or in another unit: refused."""
    for name, signal in {**record.observations, **record.settings}.items():
        channel = channels()[name]
        rows = np.flatnonzero(usable(signal) & ((signal.value < channel.low) | (signal.value > channel.high)))
        negative = rows[signal.value[rows] < 0] if channel.kind == "setting" else rows[:0]
        outside = np.setdiff1d(rows, negative)
        if len(negative):
            yield Verdict(
                "negative setting",
                name,
                negative,
                Quality.REFUSED,
                "a setting or a rate below zero",
                f"{channel.low:g} to {channel.high:g} {channel.unit}",
                "write 0 when it was stopped",
            )
        if len(outside):
            yield Verdict(
                "out of range",
                name,
                outside,
                Quality.REFUSED,
                "cannot be what its name says",
                _range(channel),
                FIXES.get(name, "check the value and its unit"),
            )


def _range(channel: Channel) -> str:
    unit = "" if channel.unit == "1" else f" {channel.unit}"
    return f"{channel.low:g} to {channel.high:g}{unit}"


def charted_twice(record: BedsideRecord) -> Iterator[Verdict]:
    """Of two rows of an observation at one time, a copy of the first is refused and another value is suspect."""
    for name, signal in record.observations.items():
        copies, others = _repeated(signal)
        if len(copies):
            yield Verdict(
                "charted twice",
                name,
                copies,
                Quality.REFUSED,
                "a copy of the value before it",
                "each value once",
                "the copy is not used",
                severity="info",
            )
        if len(others):
            yield Verdict(
                "two values at one time",
                name,
                others,
                Quality.SUSPECT,
                "another value stands at the same time",
                "one value at a time",
                "check which is right; both are used, this one as suspect",
                severity="info",
            )


def _repeated(signal: Signal) -> tuple[np.ndarray, np.ndarray]:
    """Rows that repeat the time and value of the usable row before them, and rows that repeat only the time."""
    rows = np.flatnonzero(usable(signal))
    time, value = signal.time_h[rows], signal.value[rows]
    same_time = np.concatenate([[False], time[1:] == time[:-1]]) if len(rows) else np.zeros(0, dtype=bool)
    same_value = np.concatenate([[False], value[1:] == value[:-1]]) if len(rows) else np.zeros(0, dtype=bool)
    return rows[same_time & same_value], rows[same_time & ~same_value]
