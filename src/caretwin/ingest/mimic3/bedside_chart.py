"""Vital signs and ventilator settings of MIMIC-III at the times at which they were charted.

A value counts as known when charted: it stood on a screen at the bedside. Rows marked as errors are left out. In
MetaVision the chart's clock can run an hour ahead of the laboratory's (mimic3_clock); charted times are moved to the
laboratory's clock, on which the gases are.
Items: d_items of MIMIC-III 1.4 (CareVue below 220000, MetaVision above), read by label and unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from caretwin.ingest.bedside.frames import pandas, read_columns
from caretwin.ingest.bedside.signals import preferred
from caretwin.ingest.bedside.ventilator import SupportRow, VentilatorChart
from caretwin.ingest.findings import Findings
from caretwin.ingest.mimic3.bedside_gases import local_time
from caretwin.ingest.mimic3.clock import PAIRED_ITEMS, Clock, clock
from caretwin.record.bedside import Signal


class Item(NamedTuple):
    """What an item means: a channel, the factor and offset to its unit, and which source wins at one time."""

    channel: str
    factor: float = 1.0
    offset: float = 0.0
    second: bool = False


FAHRENHEIT = Item("temperature", 5.0 / 9.0, -160.0 / 9.0)
OBSERVED = {
    211: Item("heart_rate"), 220045: Item("heart_rate"),
    51: Item("systolic_pressure"), 220050: Item("systolic_pressure"), 225309: Item("systolic_pressure"),
    455: Item("systolic_pressure", second=True), 220179: Item("systolic_pressure", second=True),
    8368: Item("diastolic_pressure"), 220051: Item("diastolic_pressure"), 225310: Item("diastolic_pressure"),
    8441: Item("diastolic_pressure", second=True), 220180: Item("diastolic_pressure", second=True),
    52: Item("mean_arterial_pressure"), 220052: Item("mean_arterial_pressure"),
    225312: Item("mean_arterial_pressure"), 456: Item("mean_arterial_pressure", second=True),
    220181: Item("mean_arterial_pressure", second=True),
    113: Item("central_venous_pressure"), 220074: Item("central_venous_pressure"),
    90: Item("cardiac_output"),
    615: Item("respiratory_rate"), 224690: Item("respiratory_rate"),
    618: Item("respiratory_rate", second=True), 220210: Item("respiratory_rate", second=True),
    646: Item("oxygen_saturation"), 220277: Item("oxygen_saturation"),
    676: Item("temperature"), 223762: Item("temperature"),
    678: FAHRENHEIT, 223761: FAHRENHEIT,
    682: Item("tidal_volume", 0.001), 224685: Item("tidal_volume", 0.001),
    543: Item("plateau_pressure"), 224696: Item("plateau_pressure"),
    535: Item("peak_pressure"), 224695: Item("peak_pressure"),
    444: Item("mean_airway_pressure"), 224697: Item("mean_airway_pressure"),
    450: Item("minute_ventilation"), 224687: Item("minute_ventilation"),
    224700: Item("total_peep"),
}  # fmt: skip
SET = {
    506: Item("peep"), 220339: Item("peep"),
    190: Item("fio2"), 223835: Item("fio2", 0.01), 3420: Item("fio2", 0.01),
    683: Item("tidal_volume_set", 0.001), 224684: Item("tidal_volume_set", 0.001),
    619: Item("respiratory_rate_set"), 224688: Item("respiratory_rate_set"),
    578: Item("pressure_support"), 224701: Item("pressure_support"),
    224738: Item("inspiratory_time"),
    470: Item("oxygen_flow"), 223834: Item("oxygen_flow"),
}  # fmt: skip
MODE_ITEMS = (720, 223849)
DEVICE_ITEMS = (467, 226732)
DEVICES = {
    "endotracheal tube": "imv", "tracheostomy tube": "imv", "bipap mask": "nippv", "cpap mask": "cpap",
    "nasal cannula": "nasal cannula", "medium conc mask": "face mask", "non-rebreather": "face mask",
    "none": "room air",
}  # fmt: skip
"""The words of CLIF for devices; any other device gives oxygen and does not ventilate."""
ITEMS = frozenset({*OBSERVED, *SET, *MODE_ITEMS, *DEVICE_ITEMS})
CLOCK_ITEMS = frozenset(item for items in PAIRED_ITEMS.values() for item in items)
COLUMNS = ("subject_id", "itemid", "charttime", "value", "valuenum", "error")


class Charted(NamedTuple):
    """Signals by channel of one patient between two times."""

    observations: dict[str, Signal]
    settings: dict[str, Signal]


class Chart:
    """The rows of chartevents that matter, by patient; ``missing`` when there is no such table."""

    def __init__(self, folder: Path) -> None:
        found = {name: _read(folder, name) for name in ("chartevents", "labevents")}
        self.missing = tuple(name for name, frame in found.items() if frame is None)
        self._chart, self._labs = found["chartevents"], found["labevents"]

    def between(
        self, subject: int, first: np.datetime64, last: np.datetime64, origin: np.datetime64, findings: Findings
    ) -> Charted:
        """What was charted of a patient from ``first`` to ``last``, in hours from ``origin``."""
        if self._chart is None:
            return Charted({}, {})
        mine = self._chart[self._chart["subject_id"] == subject]
        hour = _hours(mine["charttime"], origin) - self._ahead(subject, mine, origin, findings)
        start, end = ((t - origin) / np.timedelta64(3600, "s") for t in (first, last))
        chosen = np.isin(mine["itemid"], [*ITEMS]) & (hour >= start) & (hour <= end)
        rows, hour = mine[chosen], hour[chosen]
        return Charted(_observed(rows, hour, findings), _settings(rows, hour, findings))

    def _ahead(self, subject: int, chart: Any, origin: np.datetime64, findings: Findings) -> np.ndarray:
        """Hours by which the chart's clock runs ahead at each of its rows."""
        if self._labs is None:
            return np.zeros(len(chart))
        labs = self._labs[self._labs["subject_id"] == subject]

        def hours(time: Any) -> float:
            return round(float((np.datetime64(time) - origin) / np.timedelta64(3600, "s")), 6)

        found = clock(labs, chart[chart["itemid"].isin(CLOCK_ITEMS)], hours)
        ahead = _offsets(found, _hours(chart["charttime"], origin))
        if ahead.any():
            findings.info(
                None,
                None,
                seen="the chart's clock an hour ahead of the laboratory's",
                wanted="one clock",
                fix="charted times were moved to the laboratory's clock",
            )
        return ahead


def _offsets(found: Clock, hour: np.ndarray) -> np.ndarray:
    """The offset at each time, looked up once for each hour."""
    whole = np.round(hour)
    known = {h: found.offset(float(h)) for h in np.unique(whole)} if found.pairs else {}
    return np.array([known.get(h, 0) for h in whole], dtype=float)


def _read(folder: Path, name: str) -> Any | None:
    path = next((p for end in (".parquet", ".csv", ".csv.gz") if (p := folder / f"{name}{end}").is_file()), None)
    if path is None:
        return None
    pd = pandas()
    frame = read_columns(path, COLUMNS)
    for column in ("subject_id", "itemid", "valuenum", "error"):
        frame[column] = pd.to_numeric(frame[column], errors="coerce").astype("float64")
    wanted = {*ITEMS, *CLOCK_ITEMS} if name == "chartevents" else set(PAIRED_ITEMS)
    frame = frame[frame["itemid"].isin(wanted) & ~(frame["error"] == 1)]
    frame = frame.assign(charttime=local_time(frame["charttime"]))
    return frame[frame["charttime"].notna()].sort_values("charttime", kind="stable")


def _hours(times: Any, origin: np.datetime64) -> np.ndarray:
    return np.asarray((times.to_numpy(dtype="datetime64[s]") - origin) / np.timedelta64(3600, "s"), dtype=float)


def _observed(rows: Any, hour: np.ndarray, findings: Findings) -> dict[str, Signal]:
    item, value = rows["itemid"].to_numpy(), rows["valuenum"].to_numpy()
    found = {}
    for channel in dict.fromkeys(i.channel for i in OBSERVED.values()):
        first, second = (_of(channel, second, item, value, hour) for second in (False, True))
        signal, refused = preferred(channel, first, second)
        if refused:
            findings.info(
                None,
                channel,
                seen=f"{refused} values of a second source (cuff, monitor) at the time of the first",
                wanted="one value at a time",
                fix="the first source (arterial line, ventilator) is used",
            )
        if len(signal):
            found[channel] = signal
    return found


def _of(channel: str, second: bool, item: np.ndarray, value: np.ndarray, hour: np.ndarray) -> Signal:
    time, found = [np.zeros(0)], [np.zeros(0)]
    for number, meaning in OBSERVED.items():
        if meaning.channel == channel and meaning.second == second:
            rows = (item == number) & np.isfinite(value)
            time.append(hour[rows])
            found.append(value[rows] * meaning.factor + meaning.offset)
    return Signal.of(np.concatenate(time), np.concatenate(found))


def _settings(rows: Any, hour: np.ndarray, findings: Findings) -> dict[str, Signal]:
    chart = VentilatorChart(findings)
    by_time: dict[float, list[Mapping[str, Any]]] = {}
    for when, row in zip(hour, rows.to_dict("records"), strict=True):
        if row["itemid"] not in OBSERVED:
            by_time.setdefault(float(when), []).append(row)
    for when in sorted(by_time):
        chart.read(_support(when, by_time[when]))
    chart.report()
    return chart.signals()


def _support(when: float, rows: list[Mapping[str, Any]]) -> SupportRow:
    texts = {row["itemid"]: str(row["value"]).strip().lower() for row in rows if isinstance(row["value"], str)}
    numbers = {
        meaning.channel: row["valuenum"] * meaning.factor + meaning.offset
        for row in rows
        if (meaning := SET.get(row["itemid"])) is not None and math.isfinite(row["valuenum"])
    }
    device = next((texts[item] for item in DEVICE_ITEMS if item in texts), "")
    mode = next((texts[item] for item in MODE_ITEMS if item in texts), "")
    return SupportRow(
        when,
        DEVICES.get(device, device),
        "" if mode == "standby" else mode,
        numbers.pop("fio2", math.nan),
        numbers.pop("oxygen_flow", math.nan),
        math.nan,
        numbers,
    )
