"""Device, mode and settings of breathing support as they are charted, followed row by row into signals.

A row names the device, the mode or some settings, seldom all: a device and a mode hold until another is named. When
the ventilator is taken off, its settings end (NaN) and the mode is 0; when the mode changes, the settings that the new
mode does not have end. A ventilator mode with a breath setting, charted while no ventilator is named, means a
ventilator. FiO2 that is not charted with low-flow oxygen is estimated from the flow, and is suspect.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from caretwin.ingest.findings import Findings
from caretwin.record.bedside import Quality, Signal

SETTINGS = (
    "tidal_volume_set", "respiratory_rate_set", "inspiratory_pressure", "pressure_support", "inspiratory_flow",
    "inspiratory_time", "peep",
)  # fmt: skip
INVASIVE, MASK = ("imv",), ("nippv", "cpap")
NON_INVASIVE = 7.0
OTHER_MODE = 8.0
MODES = (
    ("mmv", 5.0), ("simv", 5.0), ("autoflow", 3.0), ("pressure-regulated", 3.0), ("prvc", 3.0), ("apv", 3.0),
    ("pcv", 2.0), ("p-cmv", 2.0), ("pressure control", 2.0), ("psv", 4.0), ("cpap", 4.0), ("pressure support", 4.0),
    ("spont", 4.0), ("volume support", 6.0), ("volume control", 1.0), ("cmv", 1.0), ("assist control", 1.0),
)  # fmt: skip
"""The first of these words found in a charted mode decides. AutoFlow delivers the set volume at the lowest pressure,
with a decelerating flow (Draeger, instructions for use of Evita): pressure-regulated, whatever a table calls it."""
OF_MODE: Mapping[float, tuple[str, ...]] = {
    1.0: ("tidal_volume_set", "respiratory_rate_set", "inspiratory_flow", "inspiratory_time"),
    2.0: ("inspiratory_pressure", "respiratory_rate_set", "inspiratory_time"),
    3.0: ("tidal_volume_set", "respiratory_rate_set", "inspiratory_time"),
    4.0: ("pressure_support",),
    5.0: (
        "tidal_volume_set", "respiratory_rate_set", "inspiratory_flow", "inspiratory_time", "inspiratory_pressure",
        "pressure_support",
    ),
    6.0: ("tidal_volume_set",),
    NON_INVASIVE: ("pressure_support", "inspiratory_pressure", "respiratory_rate_set", "inspiratory_time"),
}  # fmt: skip
"""Settings that a mode has besides PEEP and FiO2; an unknown mode keeps all."""
BREATHS = ("tidal_volume_set", "respiratory_rate_set", "peep", "pressure_support")
LOW_FLOW = ("nasal cannula", "face mask")
FIO2_PER_LITRE = 0.03
"""per L/min of oxygen, above 0.21: Coudroy 2020, Thorax 75:805, doi:10.1136/thoraxjnl-2020-214863, the most accurate of
three formulas in 262 patients with a reservoir mask (measured FiO2 0.65, SD 0.13). For a cannula: assumed."""
HIGHEST_ESTIMATE = 0.9
"""No mask without a seal delivers more. Assumed."""


class SupportRow(NamedTuple):
    """What is charted at one time, in the channels' units; absent is "" or NaN or no entry.

    device         "imv", "nippv", "cpap", "nasal cannula", "face mask", "room air" or another in small letters
    mode           the mode's name (and category) in small letters
    mask_pressure  inspiratory pressure of a mask ventilator, set from zero (cm[H2O])
    settings       by channel name, besides FiO2 and oxygen flow
    """

    time_h: float
    device: str = ""
    mode: str = ""
    fio2: float = math.nan
    oxygen_flow: float = math.nan
    mask_pressure: float = math.nan
    settings: Mapping[str, float] = {}


class VentilatorChart:
    """Follows rows in order of time; then :meth:`signals` and :meth:`report`."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._rows: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
        self._device: str | None = None
        self._mode: float | None = None
        self._inferred = self._estimated = self._pressure_regulated = 0

    def read(self, row: SupportRow) -> None:
        """Read one row."""
        inferred = self._read_device(row)
        if self._ventilated:
            self._read_mode(row, inferred)
            for channel, value in row.settings.items():
                self._put(row.time_h, channel, value)
            self._read_mask_pressure(row)
        self._read_oxygen(row)

    @property
    def _ventilated(self) -> bool:
        return self._device in (*INVASIVE, *MASK)

    def _put(self, hour: float, channel: str, value: float, quality: Quality = Quality.GOOD) -> None:
        self._rows[channel].append((hour, value, int(quality)))

    def _current(self, channel: str) -> float:
        return self._rows[channel][-1][1] if self._rows.get(channel) else math.nan

    def _read_device(self, row: SupportRow) -> bool:
        """Follow the device; True when it was inferred from a mode and not charted."""
        breathes = bool(row.mode) and any(channel in row.settings for channel in BREATHS)
        inferred = not row.device and not self._ventilated and breathes
        device = row.device or ("imv" if inferred else self._device)
        if device == self._device:
            return False
        was_ventilated, self._device = self._ventilated, device
        self._inferred += inferred
        if not self._ventilated and (was_ventilated or self._mode is None):
            self._end(row.time_h, SETTINGS)
            self._mode = 0.0
            self._put(row.time_h, "ventilator_mode", 0.0)
        if device not in LOW_FLOW:
            self._end(row.time_h, ("oxygen_flow",))
        self._end(row.time_h, ("fio2",))
        return inferred

    def _end(self, hour: float, channels: tuple[str, ...]) -> None:
        for channel in channels:
            if not math.isnan(self._current(channel)):
                self._put(hour, channel, math.nan)

    def _read_mode(self, row: SupportRow, inferred: bool) -> None:
        mode = self._mode_of(row.mode) if row.mode else self._mode
        if not mode:
            mode = NON_INVASIVE if self._device in MASK else OTHER_MODE
        self._pressure_regulated += mode == 3.0 and "autoflow" in row.mode
        if mode != self._mode:
            kept = (*OF_MODE.get(mode, SETTINGS), "peep")
            self._end(row.time_h, tuple(channel for channel in SETTINGS if channel not in kept))
            self._mode = mode
            self._put(row.time_h, "ventilator_mode", mode, Quality.SUSPECT if inferred else Quality.GOOD)

    def _mode_of(self, text: str) -> float:
        if self._device in MASK or "niv" in text or "(s)" in text:
            return NON_INVASIVE
        return next((code for word, code in MODES if word in text), OTHER_MODE)

    def _read_mask_pressure(self, row: SupportRow) -> None:
        """The inspiratory pressure of a mask ventilator is set from zero; the channel is above PEEP."""
        above = row.mask_pressure - self._current("peep")
        if self._mode == NON_INVASIVE and "pressure_support" not in row.settings and above > 0:
            self._put(row.time_h, "pressure_support", above)

    def _read_oxygen(self, row: SupportRow) -> None:
        if not math.isnan(row.oxygen_flow) and not self._ventilated:
            self._put(row.time_h, "oxygen_flow", row.oxygen_flow)
        if not math.isnan(row.fio2):
            self._put(row.time_h, "fio2", row.fio2)
        elif self._device == "room air" and math.isnan(self._current("fio2")):
            self._put(row.time_h, "fio2", 0.21)
        elif self._device in LOW_FLOW and row.oxygen_flow >= 0:
            self._estimated += 1
            estimate = min(0.21 + FIO2_PER_LITRE * row.oxygen_flow, HIGHEST_ESTIMATE)
            self._put(row.time_h, "fio2", estimate, Quality.SUSPECT)

    def signals(self) -> dict[str, Signal]:
        """Every setting as a signal; of several rows at one time the last holds."""
        found = {}
        for channel, rows in self._rows.items():
            time, value, quality = (np.array(column) for column in zip(*rows, strict=True))
            last = np.append(np.diff(time) > 0, True)
            found[channel] = Signal.of(time[last], value[last], quality=quality[last])
        return found

    def report(self) -> None:
        """Say what was inferred or estimated."""
        if self._inferred:
            self._findings.info(
                None,
                "ventilator_mode",
                seen=f"{self._inferred} times a ventilator mode without a device",
                wanted="the device with its settings",
                fix="a ventilator is assumed from then on",
            )
        if self._estimated:
            self._findings.info(
                None,
                "fio2",
                seen=f"{self._estimated} oxygen flows by cannula or mask without an FiO2",
                wanted="a measured FiO2",
                fix="0.21 + 0.03 per L/min is assumed (Coudroy 2020) and marked as suspect",
            )
        if self._pressure_regulated:
            self._findings.info(
                None,
                "ventilator_mode",
                seen=f"{self._pressure_regulated} rows of volume control with AutoFlow",
                wanted="the way a breath is delivered",
                fix="they count as pressure-regulated volume control",
            )
