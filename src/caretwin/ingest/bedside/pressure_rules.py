"""Pressures that a flushed line, a disconnected tube or a patient who pulls makes odd.

Every rule looks at the same time and back, never ahead, so that a value is judged as it could have been judged then.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from caretwin.ingest.bedside.verdict import Verdict, signal_of, usable
from caretwin.record.bedside import BedsideRecord, Quality, Signal

MEAN_TOLERANCE = 5.0
"""mm[Hg] by which a mean may lie outside its systolic and diastolic pressure: rounding and averaging. Assumed."""
SPIKE_RATIO = 1.6
"""Times the median of the values before: a flush, or a change that another value will confirm. Assumed."""
SPIKE_BACK_H, SPIKE_ROWS = 6.0, 3
"""Hours and rows that the median looks back. Assumed."""
FLAT_ROWS, FLAT_H = 8, 4.0
"""Equal values in a row, over at least so many hours: no living arterial pressure stays the same. Assumed."""
EFFORT_MODES = (4.0, 6.0)
"""Modes in which every breath is the patient's own: a plateau without effort cannot be measured."""
PLATEAU_TOLERANCE = 2.0
"""cm[H2O] by which a plateau may exceed the peak charted beside it: two breaths. Assumed."""


def mean_outside(record: BedsideRecord) -> Iterator[Verdict]:
    """A mean arterial pressure outside the systolic and diastolic pressure of the same time is suspect."""
    mean = signal_of(record, "mean_arterial_pressure")
    if mean is None:
        return
    above = mean.value > _at_same_time(record, "systolic_pressure", mean) + MEAN_TOLERANCE
    below = mean.value < _at_same_time(record, "diastolic_pressure", mean) - MEAN_TOLERANCE
    rows = np.flatnonzero(usable(mean) & (above | below))
    if len(rows):
        yield Verdict(
            "mean outside systolic and diastolic",
            "mean_arterial_pressure",
            rows,
            Quality.SUSPECT,
            "not between the diastolic and the systolic pressure of that time",
            f"a mean within {MEAN_TOLERANCE:g} mm[Hg] of them",
            "check which of the three is wrong",
        )


def spikes(record: BedsideRecord) -> Iterator[Verdict]:
    """A pressure above 1.6 times the median of the three before it is suspect: a flush, or the start of something."""
    for name in ("mean_arterial_pressure", "systolic_pressure"):
        signal = signal_of(record, name)
        if signal is None:
            continue
        rows = np.flatnonzero(usable(signal) & (signal.value > SPIKE_RATIO * median_before(signal)))
        if len(rows):
            yield Verdict(
                "spike",
                name,
                rows,
                Quality.SUSPECT,
                f"above {SPIKE_RATIO:g} times the median of the values before it",
                "a pressure that goes on from those before it",
                "check for a flushed line; if it is true the next values will say so",
            )


def median_before(signal: Signal) -> np.ndarray:
    """Median of the last three usable values within 6 h before each row [n]; NaN where there are fewer."""
    good = usable(signal)
    time, value = signal.time_h[good], signal.value[good]
    end = np.searchsorted(time, signal.time_h, side="left")
    found = np.full(len(signal), np.nan)
    rows = np.flatnonzero(end >= SPIKE_ROWS)
    last = end[rows, None] - np.arange(SPIKE_ROWS, 0, -1)
    near = signal.time_h[rows] - time[last[:, 0]] <= SPIKE_BACK_H
    found[rows[near]] = np.median(value[last[near]], axis=1)
    return found


def flat_line(record: BedsideRecord) -> Iterator[Verdict]:
    """An arterial pressure that stays exactly the same for hours is suspect: a frozen display, or copied forward."""
    for name in ("mean_arterial_pressure", "systolic_pressure"):
        signal = signal_of(record, name)
        if signal is None:
            continue
        rows = np.flatnonzero(usable(signal) & _long_equal(signal))
        if len(rows):
            yield Verdict(
                "flat line",
                name,
                rows,
                Quality.SUSPECT,
                f"the same for {FLAT_ROWS} values and {FLAT_H:g} h or more",
                "a pressure that varies",
                "check the monitor, and whether values were copied forward",
            )


def _long_equal(signal: Signal) -> np.ndarray:
    """Rows that end a run of equal values long enough; known at the time of the row."""
    found = np.zeros(len(signal), dtype=bool)
    good = np.flatnonzero(usable(signal))
    start = 0
    for i in range(1, len(good)):
        if signal.value[good[i]] != signal.value[good[i - 1]]:
            start = i
        lasted = signal.time_h[good[i]] - signal.time_h[good[start]]
        found[good[i]] = i - start + 1 >= FLAT_ROWS and lasted >= FLAT_H
    return found


def peak_not_above_peep(record: BedsideRecord) -> Iterator[Verdict]:
    """A peak pressure that is not above the set PEEP was read with the tube disconnected: refused."""
    peak, peep = signal_of(record, "peak_pressure"), signal_of(record, "peep")
    if peak is None or peep is None:
        return
    rows = np.flatnonzero(usable(peak) & (peak.value <= peep.held_at(peak.time_h)))
    if len(rows):
        yield Verdict(
            "peak not above PEEP",
            "peak_pressure",
            rows,
            Quality.REFUSED,
            "not above the PEEP that was set",
            "a peak above PEEP in every breath",
            "check for a disconnection; chart a breath with the circuit closed",
        )


def plateau_with_effort(record: BedsideRecord) -> Iterator[Verdict]:
    """A plateau charted while every breath is the patient's own is suspect: it needs a hold without effort."""
    plateau, mode = signal_of(record, "plateau_pressure"), signal_of(record, "ventilator_mode")
    if plateau is None or mode is None:
        return
    rows = np.flatnonzero(usable(plateau) & np.isin(mode.held_at(plateau.time_h), EFFORT_MODES))
    if len(rows):
        yield Verdict(
            "plateau with effort",
            "plateau_pressure",
            rows,
            Quality.SUSPECT,
            "charted in a mode in which every breath is the patient's own",
            "an end-inspiratory hold without effort",
            "measure it in a controlled mode",
        )


def plateau_above_peak(record: BedsideRecord) -> Iterator[Verdict]:
    """A plateau above the peak pressure charted beside it is suspect."""
    plateau = signal_of(record, "plateau_pressure")
    if plateau is None:
        return
    peak = _at_same_time(record, "peak_pressure", plateau)
    rows = np.flatnonzero(usable(plateau) & (plateau.value > peak + PLATEAU_TOLERANCE))
    if len(rows):
        yield Verdict(
            "plateau above peak",
            "plateau_pressure",
            rows,
            Quality.SUSPECT,
            "above the peak pressure of the same time",
            "a plateau below the peak",
            "check which of the two is right, and whether the patient made an effort",
        )


def _at_same_time(record: BedsideRecord, name: str, signal: Signal) -> np.ndarray:
    """Usable value of another channel at the time of each row [n]; NaN where there is none."""
    other = signal_of(record, name)
    found = np.full(len(signal), np.nan)
    if other is None or not usable(other).any():
        return found
    good = other.select(usable(other))
    row = np.minimum(np.searchsorted(good.time_h, signal.time_h), len(good) - 1)
    same = good.time_h[row] == signal.time_h
    found[same] = good.value[row[same]]
    return found
