"""Values that are right in another unit: a percentage, Fahrenheit, millilitres, two pressures exchanged.

What was plainly meant is corrected, kept as SUSPECT, and said. What could be two things is refused. The borders are
assumptions of this project: wide apart from what a living patient can have in the channel's own unit.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from caretwin.ingest.bedside.verdict import Verdict, signal_of, usable
from caretwin.record.bedside import BedsideRecord, Quality, channels

FAHRENHEIT = (80.0, 115.0)
"""26.7 to 46.1 Cel; no body is at 80 Cel. Assumed."""
LEAST_MILLILITRES = 20.0
"""A tidal volume above 20 cannot be in L, and below 20 mL cannot be a breath of an adult or child. Assumed."""


def fio2_as_percentage(record: BedsideRecord) -> Iterator[Verdict]:
    """FiO2 40 was 0.40: 21 to 100 is divided by 100."""
    signal = signal_of(record, "fio2")
    if signal is not None:
        rows = np.flatnonzero(usable(signal) & (signal.value >= 21.0) & (signal.value <= 100.0))
        if len(rows):
            yield Verdict(
                "FiO2 as a percentage",
                "fio2",
                rows,
                Quality.SUSPECT,
                "a percentage",
                "a fraction from 0.21 to 1",
                "it was divided by 100; let the source write a fraction",
                signal.value[rows] / 100.0,
            )


def fio2_between(record: BedsideRecord) -> Iterator[Verdict]:
    """FiO2 between 1 and 21 is neither a fraction nor a percentage of air with added oxygen: refused."""
    signal = signal_of(record, "fio2")
    if signal is not None:
        rows = np.flatnonzero(usable(signal) & (signal.value > 1.0) & (signal.value < 21.0))
        if len(rows):
            yield Verdict(
                "FiO2 between 1 and 21",
                "fio2",
                rows,
                Quality.REFUSED,
                "neither a fraction nor a percentage; it may be litres per minute",
                "a fraction from 0.21 to 1",
                "write 0.40 for 40 %; a flow in L/min belongs to oxygen_flow",
            )


def temperature_in_fahrenheit(record: BedsideRecord) -> Iterator[Verdict]:
    """A temperature of 80 to 115 is in degrees Fahrenheit: converted."""
    signal = signal_of(record, "temperature")
    if signal is not None:
        low, high = FAHRENHEIT
        rows = np.flatnonzero(usable(signal) & (signal.value >= low) & (signal.value <= high))
        if len(rows):
            yield Verdict(
                "temperature in Fahrenheit",
                "temperature",
                rows,
                Quality.SUSPECT,
                "degrees Fahrenheit",
                "degrees Celsius",
                "it was converted; let the source write the unit",
                (signal.value[rows] - 32.0) / 1.8,
            )


def tidal_volume_in_millilitres(record: BedsideRecord) -> Iterator[Verdict]:
    """A tidal volume above 20 is in mL: divided by 1000."""
    for name in ("tidal_volume", "tidal_volume_set"):
        signal = signal_of(record, name)
        if signal is not None:
            rows = np.flatnonzero(usable(signal) & (signal.value > LEAST_MILLILITRES))
            if len(rows):
                yield Verdict(
                    "tidal volume in millilitres",
                    name,
                    rows,
                    Quality.SUSPECT,
                    "millilitres",
                    "litres",
                    "it was divided by 1000; let the source write the unit",
                    signal.value[rows] / 1000.0,
                )


def exchanged_pressures(record: BedsideRecord) -> Iterator[Verdict]:
    """A systolic pressure below the diastolic of the same time, both plausible the other way round: exchanged."""
    systolic, diastolic = signal_of(record, "systolic_pressure"), signal_of(record, "diastolic_pressure")
    if systolic is None or diastolic is None:
        return
    _, upper, lower = np.intersect1d(systolic.time_h, diastolic.time_h, return_indices=True)
    s, d = systolic.value[upper], diastolic.value[lower]
    both = usable(systolic)[upper] & usable(diastolic)[lower]
    high, low = channels()["systolic_pressure"], channels()["diastolic_pressure"]
    odd = both & (s < d) & (d >= high.low) & (d <= high.high) & (s >= low.low) & (s <= low.high)
    if not odd.any():
        return
    wanted = "a systolic pressure above the diastolic"
    fix = "the two were exchanged; check the chart"
    rule = "systolic and diastolic exchanged"
    upper, lower, s, d = upper[odd], lower[odd], s[odd], d[odd]
    above, below = "below the diastolic pressure of that time", "above the systolic pressure of that time"
    yield Verdict(rule, "systolic_pressure", upper, Quality.SUSPECT, above, wanted, fix, d)
    yield Verdict(rule, "diastolic_pressure", lower, Quality.SUSPECT, below, wanted, fix, s)
