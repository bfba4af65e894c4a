"""The table respiratory_support of one CLIF hospitalisation as settings and observations.

A row names the device, the mode or some settings, seldom all: a device and a mode hold until another is named. When
the ventilator is taken off, its settings end (NaN) and the mode is 0; when the mode changes, the settings that the new
mode does not have end. A ventilator mode with a breath setting, charted while no ventilator is named, means a
ventilator. FiO2 that is not charted with low-flow oxygen is estimated from the flow, and is suspect.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from caretwin.ingest.clif_tables import Columns
from caretwin.ingest.findings import Findings
from caretwin.record.bedside import Quality, Signal

Row = Mapping[str, Any]
SETTINGS = {
    "tidal_volume_set": ("tidal_volume_set", 0.001),
    "resp_rate_set": ("respiratory_rate_set", 1.0),
    "pressure_control_set": ("inspiratory_pressure", 1.0),
    "pressure_support_set": ("pressure_support", 1.0),
    "flow_rate_set": ("inspiratory_flow", 1.0),
    "inspiratory_time_set": ("inspiratory_time", 1.0),
    "peep_set": ("peep", 1.0),
}
"""Channel and factor from the unit of the CLIF data dictionary (mL, L/min, cmH2O, s) to that of the channel."""
OBSERVATIONS = {
    "tidal_volume_obs": ("tidal_volume", 0.001),
    "resp_rate_obs": ("respiratory_rate", 1.0),
    "plateau_pressure_obs": ("plateau_pressure", 1.0),
    "peak_inspiratory_pressure_obs": ("peak_pressure", 1.0),
    "peep_obs": ("total_peep", 1.0),
    "minute_vent_obs": ("minute_ventilation", 1.0),
    "mean_airway_pressure_obs": ("mean_airway_pressure", 1.0),
}
INVASIVE, MASK = ("imv",), ("nippv", "cpap")
MODES = (
    ("autoflow", 3.0), ("pressure-regulated volume control", 3.0), ("assist control-volume control", 1.0),
    ("pressure control", 2.0), ("pressure support/cpap", 4.0), ("simv", 5.0), ("volume support", 6.0),
)  # fmt: skip
"""First word found in the mode's name and category. AutoFlow delivers the set volume at the lowest pressure, with a
decelerating flow (Draeger, instructions for use of Evita): pressure-regulated, though CLIF says volume control."""
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
    7.0: ("pressure_support", "inspiratory_pressure", "respiratory_rate_set", "inspiratory_time"),
}  # fmt: skip
"""Settings that a mode has besides PEEP and FiO2; an unknown mode (8) keeps all."""
BREATHS = ("tidal_volume_set", "resp_rate_set", "peep_set", "pressure_support_set")
LOW_FLOW = ("nasal cannula", "face mask")
FIO2_PER_LITRE = 0.03
"""per L/min of oxygen, above 0.21: Coudroy 2020, Thorax 75:805, doi:10.1136/thoraxjnl-2020-214863, the most accurate of
three formulas in 262 patients with a reservoir mask (measured FiO2 0.65, SD 0.13). For a cannula: assumed."""
HIGHEST_ESTIMATE = 0.9
"""No mask without a seal delivers more. Assumed."""


class Ventilation(NamedTuple):
    """Settings and observations by channel, and what was noticed goes to the findings."""

    settings: dict[str, Signal]
    observations: dict[str, Signal]


def ventilation(rows: Columns | None, findings: Findings) -> Ventilation:
    """Read the rows of one hospitalisation."""
    if rows is None:
        return Ventilation({}, {})
    order = np.argsort(rows["recorded_h"], kind="stable")
    order = order[np.isfinite(rows["recorded_h"][order])]
    rows = {name: column[order] for name, column in rows.items()}
    chart = _Chart(findings)
    for row in _each(rows):
        chart.read(row)
    chart.report()
    observed = {}
    for column, (channel, factor) in OBSERVATIONS.items():
        seen = np.isfinite(rows[column])
        if seen.any():
            observed[channel] = Signal.of(rows["recorded_h"][seen], rows[column][seen] * factor)
    return Ventilation(chart.signals(), observed)


def _each(rows: Columns) -> Iterator[Row]:
    for values in zip(*rows.values(), strict=True):
        yield dict(zip(rows, values, strict=True))


class _Chart:
    """Device, mode and settings as the rows come; every change becomes a row of a signal."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._rows: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
        self._device: str | None = None
        self._mode: float | None = None
        self._inferred = self._estimated = self._pressure_regulated = 0

    def read(self, row: Row) -> None:
        """Read one row."""
        hour = float(row["recorded_h"])
        inferred = self._read_device(hour, row)
        if self._ventilated:
            self._read_mode(hour, row, inferred)
            for channel, value in _set(row):
                self._put(hour, channel, value)
            self._read_mask_pressure(hour, row)
        self._read_oxygen(hour, row)

    @property
    def _ventilated(self) -> bool:
        return self._device in (*INVASIVE, *MASK)

    def _put(self, hour: float, channel: str, value: float, quality: Quality = Quality.GOOD) -> None:
        self._rows[channel].append((hour, value, int(quality)))

    def _current(self, channel: str) -> float:
        return self._rows[channel][-1][1] if self._rows.get(channel) else math.nan

    def _read_device(self, hour: float, row: Row) -> bool:
        """Follow the device; True when it was inferred from a mode and not charted."""
        named = row["device_category"]
        inferred = not named and not self._ventilated and _breathes_by_machine(row)
        device = named or ("imv" if inferred else self._device)
        if device == self._device:
            return False
        was_ventilated, self._device = self._ventilated, device
        self._inferred += inferred
        if not self._ventilated and (was_ventilated or self._mode is None):
            self._end(hour, [channel for channel, _ in SETTINGS.values()])
            self._mode = 0.0
            self._put(hour, "ventilator_mode", 0.0)
        if device not in LOW_FLOW:
            self._end(hour, ["oxygen_flow"])
        self._end(hour, ["fio2"])
        return inferred

    def _end(self, hour: float, channels: list[str]) -> None:
        for channel in channels:
            if not math.isnan(self._current(channel)):
                self._put(hour, channel, math.nan)

    def _read_mode(self, hour: float, row: Row, inferred: bool) -> None:
        name, category = row["mode_name"], row["mode_category"]
        charted = bool(category) or bool(name and name != "standby")
        mode = self._mode_of(name, category) if charted else None
        if mode is None:
            mode = self._mode if self._mode else (7.0 if self._device in MASK else 8.0)
        self._pressure_regulated += charted and "autoflow" in name
        if mode != self._mode:
            kept = OF_MODE.get(mode)
            self._end(hour, [c for c, _ in SETTINGS.values() if kept is not None and c not in (*kept, "peep")])
            self._mode = mode
            self._put(hour, "ventilator_mode", mode, Quality.SUSPECT if inferred else Quality.GOOD)

    def _mode_of(self, name: str, category: str) -> float:
        if self._device in MASK or "niv" in name or "(s)" in name:
            return 7.0
        return next((code for word, code in MODES if word in name or word in category), 8.0)

    def _read_mask_pressure(self, hour: float, row: Row) -> None:
        """The inspiratory pressure of a mask ventilator is set from zero; the channel is above PEEP."""
        above = row["peak_inspiratory_pressure_set"] - self._current("peep")
        if self._mode == 7.0 and math.isnan(row["pressure_support_set"]) and above > 0:
            self._put(hour, "pressure_support", above)

    def _read_oxygen(self, hour: float, row: Row) -> None:
        flow, fio2 = row["lpm_set"], row["fio2_set"]
        if not math.isnan(flow) and not self._ventilated:
            self._put(hour, "oxygen_flow", flow)
        if not math.isnan(fio2):
            self._put(hour, "fio2", fio2)
        elif self._device == "room air" and math.isnan(self._current("fio2")):
            self._put(hour, "fio2", 0.21)
        elif self._device in LOW_FLOW and flow >= 0:
            self._estimated += 1
            estimate = min(0.21 + FIO2_PER_LITRE * flow, HIGHEST_ESTIMATE)
            self._put(hour, "fio2", estimate, Quality.SUSPECT)

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


def _set(row: Row) -> Iterator[tuple[str, float]]:
    for column, (channel, factor) in SETTINGS.items():
        if not math.isnan(row[column]):
            yield channel, row[column] * factor


def _breathes_by_machine(row: Row) -> bool:
    return bool(row["mode_category"]) and any(not math.isnan(row[column]) for column in BREATHS)
