"""Blood gases and saturations that do not fit each other: venous samples charted as arterial, probes off the finger.

Every rule looks at the same time and back, never ahead.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from caretwin.ingest.bedside.pressure_rules import median_before
from caretwin.ingest.bedside.verdict import Verdict, signal_of, usable
from caretwin.record.bedside import BedsideRecord, Quality, Signal

GASES = (
    "arterial_oxygen_pressure",
    "arterial_carbon_dioxide_pressure",
    "arterial_ph",
    "arterial_saturation",
)
SATURATION_GAP = 0.15
"""S(PaO2) so far below the pulse oximeter: 16 of 498 gases of the MIMIC-III demo (field count). Assumed border."""
MEASURED_GAP = 10.0
"""% that a measured saturation may lie below the pulse oximeter: of 177 in the CLIF demo 105 lie within 6 %, 70 more
than 10 % below it and 2 between. Assumed border."""
VENOUS_PRESSURE = (20.0, 50.0)
"""mm[Hg] of oxygen in venous blood; with a pulse oximeter above 92 % no arterial sample has it. Assumed border."""
OXIMETER_ABOVE = 92.0
OXIMETER_BACK_H = 1.0
"""A pulse oximeter value counts for a gas drawn up to so long after it. Assumed."""
DIP = 15.0
"""% below the median of the three values before. Assumed."""


def severinghaus_saturation(
    oxygen_pressure: Float[np.ndarray, " n"], ph: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Saturation of haemoglobin (fraction) at an oxygen pressure (mm[Hg]) and pH, 37 Cel.

        S = 1 / (23400 / (P^3 + 150 P) + 1)         dlnP/dpH = (P / 26.6)^0.184 - 2.2

    P is moved to pH 7.40 along dlnP/dpH before S is taken. NaN where either is missing.
    Source: Severinghaus, J Appl Physiol 1979;46:599-602, equations for S and for the Bohr effect.

    >>> severinghaus_saturation(np.array([40.0, 100.0]), np.array([7.4, 7.4])).round(3).tolist()
    [0.749, 0.977]
    """
    P = np.maximum(oxygen_pressure, 1e-6)
    P = P * np.exp(((P / 26.6) ** 0.184 - 2.2) * (7.40 - ph))
    return np.asarray(1.0 / (23400.0 / (P**3 + 150.0 * P) + 1.0))


def looks_venous(record: BedsideRecord) -> Iterator[Verdict]:
    """A gas whose oxygen does not fit the pulse oximeter of that hour is suspect, with all that came from it."""
    times = np.union1d(_venous_by_pressure(record), _venous_by_saturation(record))
    for name in GASES if len(times) else ():
        signal = signal_of(record, name)
        rows = (
            np.zeros(0, dtype=int) if signal is None else np.flatnonzero(usable(signal) & np.isin(signal.time_h, times))
        )
        if len(rows):
            yield Verdict(
                "looks venous or mistimed",
                name,
                rows,
                Quality.SUSPECT,
                "looks venous or mistimed: its oxygen does not fit the pulse oximeter",
                f"a saturation within {SATURATION_GAP:.0%} of the pulse oximeter",
                "check the specimen and the time it was drawn",
            )


def _venous_by_pressure(record: BedsideRecord) -> Float[np.ndarray, " k"]:
    """Times (h) at which an oxygen pressure belongs to a lower saturation than the pulse oximeter's, or to a vein."""
    gas = signal_of(record, "arterial_oxygen_pressure")
    if gas is None:
        return np.zeros(0)
    saturation = severinghaus_saturation(gas.value, np.nan_to_num(_beside(record, "arterial_ph", gas), nan=7.40))
    oximeter = _before(record, "oxygen_saturation", gas, OXIMETER_BACK_H)
    low, high = VENOUS_PRESSURE
    apart = saturation < oximeter / 100.0 - SATURATION_GAP
    venous = (gas.value >= low) & (gas.value <= high) & (oximeter > OXIMETER_ABOVE)
    return gas.time_h[usable(gas) & (apart | venous)]


def _venous_by_saturation(record: BedsideRecord) -> Float[np.ndarray, " k"]:
    """Times (h) at which a measured saturation lies far below the pulse oximeter's."""
    measured = signal_of(record, "arterial_saturation")
    if measured is None:
        return np.zeros(0)
    oximeter = _before(record, "oxygen_saturation", measured, OXIMETER_BACK_H)
    return measured.time_h[usable(measured) & (measured.value < oximeter - MEASURED_GAP)]


def probe_off(record: BedsideRecord) -> Iterator[Verdict]:
    """A pulse oximeter value far below the three before it is suspect: a probe off the finger, or a true fall."""
    signal = signal_of(record, "oxygen_saturation")
    if signal is None:
        return
    rows = np.flatnonzero(usable(signal) & (signal.value < median_before(signal) - DIP))
    if len(rows):
        yield Verdict(
            "sudden low saturation",
            "oxygen_saturation",
            rows,
            Quality.SUSPECT,
            f"more than {DIP:g} % below the median of the values before it",
            "a saturation that goes on from those before it",
            "look at the patient, then at the probe",
        )


def _beside(record: BedsideRecord, name: str, signal: Signal) -> Float[np.ndarray, " n"]:
    """Usable value of another channel at the very time of each row; NaN where there is none."""
    return _before(record, name, signal, 0.0)


def _before(record: BedsideRecord, name: str, signal: Signal, back_h: float) -> Float[np.ndarray, " n"]:
    """Latest usable value of another channel at each row or up to ``back_h`` before; NaN where there is none."""
    other = signal_of(record, name)
    if other is None or not usable(other).any():
        return np.full(len(signal), np.nan)
    good = other.select(usable(other))
    row = np.searchsorted(good.time_h, signal.time_h, side="right") - 1
    near = (row >= 0) & (signal.time_h - good.time_h[np.maximum(row, 0)] <= back_h)
    return np.where(near, good.value[np.maximum(row, 0)], np.nan)
