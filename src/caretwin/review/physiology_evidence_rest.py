"""Rest: breathing alone, ventilated health, three grades of lung injury and of obstruction, PEEP and its price."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from caretwin.record.scenario import Change
from caretwin.review.physiology_evidence import (
    AWAKE,
    Line,
    Section,
    at,
    change,
    course,
    difference,
    ventilated,
)
from caretwin.twin.scenario import Course

ARNAL = "Arnal 2013 Crit Care 17:R196; Arnal 2018 Respir Care 63:158; Berlin 2012"
COLUMN = {
    "R": "airway_resistance_cmH2O_s_per_L",
    "Cstat": "static_compliance_mL_per_cmH2O",
    "pH": "arterial_ph",
    "PaCO2": "arterial_carbon_dioxide_pressure_mmHg",
    "PaO2": "arterial_oxygen_pressure_mmHg",
    "P/F": "oxygenation_ratio_mmHg",
    "SpO2": "oxygen_saturation_percent",
    "shunt": "shunt_fraction_percent",
}
UNIT = {"R": "cmH2O s/L", "Cstat": "mL/cmH2O", "pH": "", "PaCO2": "mmHg", "PaO2": "mmHg", "P/F": "mmHg", "SpO2": "%",
        "shunt": "%"}  # fmt: skip
_ARDS = {"R": (10, 16), "Cstat": (20, 54), "pH": (7.15, 7.34), "PaCO2": (45, 57)}
_COPD = {"R": (17, 26), "Cstat": (46, 61), "pH": (7.20, 7.31), "PaCO2": (44, 67), "PaO2": (77, 94), "P/F": (206, 295),
         "SpO2": (95.2, 97.3)}  # fmt: skip
STATES = (
    ("healthy", "healthy", 0.0, (7.0, 5.0, 0.30, 15.0, 0.6),
     {"R": (12, 17), "Cstat": (20, 54), "pH": (7.27, 7.40), "PaCO2": (35, 42), "PaO2": (85, 114), "P/F": (264, 366),
      "SpO2": (96.4, 98.5), "shunt": (2, 5)},
     {"R": 13, "Cstat": 50, "pH": 7.40, "PaCO2": 40, "PaO2": 104, "P/F": 344, "SpO2": 98.2}),
    ("ARDS mild", "ards", 0.3, (6.0, 11.0, 0.40, 17.0, 0.9),
     _ARDS | {"PaO2": (103, 133), "P/F": (200, 300), "SpO2": (98.0, 99.0), "shunt": (10, None)},
     {"R": 13, "Cstat": 40, "pH": 7.30, "PaCO2": 50, "PaO2": 107, "P/F": 265, "SpO2": 98}),
    ("ARDS moderate", "ards", 0.6, (6.0, 11.0, 0.70, 20.0, 0.9),
     _ARDS | {"PaO2": (81, 117), "P/F": (100, 200), "SpO2": (95.9, 98.6), "shunt": (20, None)},
     {"R": 13, "Cstat": 30, "pH": 7.30, "PaCO2": 50, "PaO2": 95, "P/F": 135, "SpO2": 97.1}),
    ("ARDS severe", "ards", 0.9, (6.0, 11.0, 1.0, 25.5, 0.9),
     _ARDS | {"PaO2": (56, 83), "P/F": (None, 100), "SpO2": (88.8, 96.1), "shunt": (40, None)},
     {"R": 13, "Cstat": 20, "pH": 7.25, "PaCO2": 57, "PaO2": 62, "P/F": 62, "SpO2": 90.3}),
    ("COPD mild", "copd", 0.3, (9.0, 8.0, 0.31, 12.0, 0.43), _COPD,
     {"R": 17, "Cstat": 57, "pH": 7.27, "PaCO2": 58, "PaO2": 93, "P/F": 295, "SpO2": 96.5}),
    ("COPD moderate", "copd", 0.6, (8.5, 8.0, 0.31, 14.0, 0.43), _COPD,
     {"R": 21, "Cstat": 59, "pH": 7.27, "PaCO2": 59, "PaO2": 83, "P/F": 267, "SpO2": 95.2}),
    ("COPD severe", "copd", 0.9, (9.0, 8.0, 0.40, 15.0, 0.43), _COPD,
     {"R": 26, "Cstat": 61, "pH": 7.31, "PaCO2": 51, "PaO2": 84, "P/F": 208, "SpO2": 95.9}),
)  # fmt: skip
"""State, condition and severity; VT mL/kg, PEEP, FiO2, rate, I:E; measured ranges; what Pulse 4.2.0 publishes."""
BREATHING = (
    ("tidal volume", "tidal_volume_mL", "mL", 400, 600, "0.5 L at rest"),
    ("respiratory rate", "respiratory_rate_per_min", "/min", 12, 16, "12-16 at rest"),
    ("PaCO2", "arterial_carbon_dioxide_pressure_mmHg", "mmHg", 37, 43, "40 +- 2.5"),
    ("PaO2", "arterial_oxygen_pressure_mmHg", "mmHg", 83, 100, "109 - 0.43 age mmHg, +- 8 (Sorbini "
                                                               "1968, Respiration 25:3)"),
    ("pH", "arterial_ph", "", 7.37, 7.43, "7.40 +- 0.03"),
    ("MAP", "mean_arterial_pressure_mmHg", "mmHg", 86, 98, "120/80"),
    ("heart rate", "heart_rate_per_min", "/min", 60, 75, "72 (Pulse, BioGears standard man)"),
    ("cardiac output", "cardiac_output_L_per_min", "L/min", 5.0, 6.4, "index 3.0 L/min/m2"),
    ("CVP", "central_venous_pressure_mmHg", "mmHg", 2, 6, "2-6"),
    ("central venous saturation", "central_venous_saturation_percent", "%", 70, 80, "70-80"),
)  # fmt: skip


def rest_states() -> Section:
    """Seven ventilated states against measured ranges."""
    lines = []
    for name, condition, severity, (volume, peep, fio2, rate, ratio), ranges, pulse in STATES:
        found = course(condition, severity, ventilated(0.0753 * volume, rate, peep, fio2, ratio, mode=3.0))
        for key, (low, high) in ranges.items():
            peers = {"Pulse 4.2.0": pulse[key]} if key in pulse else {}
            lines.append(Line(f"{name}: {key}", at(found, COLUMN[key], 0.0), UNIT[key], low, high, ARNAL, peers))
    return Section(
        "rest",
        "Ventilated rest states",
        tuple(lines),
        "Pressure-regulated breaths of the tidal volume named, 44-year-old man of 75.3 kg, passive. "
        "The parameters of these "
        "conditions were chosen to meet these ranges: agreement here is calibration, not validation.",
    )


def breathing_alone() -> Section:
    """A healthy man on room air."""
    found = course("healthy", 0.0, AWAKE)
    lines = tuple(
        Line(what, at(found, column, 0.0), unit, low, high, source)
        for what, column, unit, low, high, source in BREATHING
    )
    return Section("awake", "Healthy, breathing alone on room air", lines)


PEEP_STEP = (
    ("P/F", "oxygenation_ratio_mmHg", "%", 15, 45, 29.6),
    ("MAP", "mean_arterial_pressure_mmHg", "%", -10, -4, -7.3),
    ("pulse pressure", "pulse_pressure_mmHg", "%", -25, -10, -18.4),
    ("Crs", "static_compliance_mL_per_cmH2O", "%", -20, 0, -11.1),
    ("CVP", "central_venous_pressure_mmHg", "mmHg", 0.5, 3.5, 1.0),
    ("PaCO2", "arterial_carbon_dioxide_pressure_mmHg", "mmHg", -4, 4, -1.8),
    ("driving pressure", "driving_pressure_cmH2O", "cmH2O", -3, 3, 1.0),
    ("heart rate", "heart_rate_per_min", "/min", -3, 3, -1.0),
    ("central venous saturation", "central_venous_saturation_percent", "%", -4, 4, 0.0),
)  # fmt: skip
"""What changes, its column, unit of the change, tolerance, and Pavlovsky's difference of group medians."""


def _pulse_columns(rows: list[Mapping[str, str]]) -> dict[str, float]:
    """Changes from PEEP 5 to 15 in a sweep of Pulse."""
    by = {row["segment"]: row for row in rows}
    low = next(by[k] for k in by if "PEEP5 " in k)
    high = next(by[k] for k in by if "PEEP15 " in k)
    names = {"P/F": "HorowitzIndex(mmHg)", "MAP": "MeanArterialPressure(mmHg)",
             "CVP": "MeanCentralVenousPressure(mmHg)", "PaCO2": "ArterialCarbonDioxidePressure(mmHg)",
             "heart rate": "HeartRate(1/min)"}  # fmt: skip
    found = {}
    for what, column in names.items():
        a, b = float(low[column]), float(high[column])
        found[what] = 100.0 * (b / a - 1.0) if what in ("P/F", "MAP") else b - a
    pulse = [
        float(r["SystolicArterialPressure(mmHg)"]) - float(r["DiastolicArterialPressure(mmHg)"]) for r in (low, high)
    ]
    return found | {"pulse pressure": 100.0 * (pulse[1] / pulse[0] - 1.0)}


def peep_step(pulse_42: list[Mapping[str, str]], pulse_421: list[Mapping[str, str]]) -> Section:
    """PEEP 5 to 15 in a population with moderate to severe ARDS, next to Pulse's ARDS 0.6."""
    settings = ventilated(0.44, 24.0, 5.0, 0.7)
    step = Change(1.0, {"peep": 15.0})
    found = course("ards", 0.65, settings, [step], minutes=31.0, draws=POPULATION)
    typical = course("ards", 0.65, settings, [step], minutes=31.0)
    old, new = _pulse_columns(pulse_42), _pulse_columns(pulse_421)
    lines = []
    for what, column, unit, low, high, measured in PEEP_STEP:
        moved = (change if unit == "%" and what != "central venous saturation" else difference)(
            found, column, 1.0, 31.0
        )
        peers = {"measured": measured}
        peers |= {name: table[what] for name, table in (("Pulse 4.2.0", old), ("Pulse 4.2.1", new)) if what in table}
        one = (change if unit == "%" and what != "central venous saturation" else difference)(
            typical, column, 1.0, 31.0
        )
        peers["typical patient"] = float(one[0])
        lines.append(Line(what, float(np.median(moved)), unit, low, high, "Pavlovsky 2022", peers))
    return Section(
        "peep",
        "PEEP 5 to 15 at constant tidal volume, moderate to severe ARDS",
        tuple(lines),
        f"Ours: median of {POPULATION} draws of the prior around ARDS 0.65, 30 min after the step. "
        f"Tolerances are ours, around "
        "the differences of group medians in 15 patients (Crit Care 2022, s13054-022-04085-y).",
    )


POPULATION = 128


def preload() -> Section:
    """PEEP 12 to 5 for one minute by preload responsiveness; classes of answer to PEEP."""
    settings = ventilated(0.44, 24.0, 12.0, 0.6)
    lower = course("ards", 0.5, settings, [Change(1.0, {"peep": 5.0})], minutes=2.0, draws=POPULATION)
    filled = course("ards", 0.5, settings, [Change(1.0, {"colloid": 0.3}, 1.0)], minutes=2.0, draws=POPULATION)
    gain = change(lower, "cardiac_output_L_per_min", 1.0, 2.0)
    response = change(filled, "cardiac_output_L_per_min", 1.0, 2.0)
    responders = response >= 10.0
    share = 100.0 * float(np.mean(responders))
    source = "Lai 2023, Crit Care 27:136, n = 64"
    lines = [
        Line("CI, preload-responsive", float(np.median(gain[responders])), "%", 12, 20, source),
        Line("CI, the others", float(np.median(gain[~responders])), "%", 3, 8, source),
        Line("share responsive (CO +10 % with 300 mL)", share, "%", 30, 65, "31 of 64 (Lai 2023)"),
    ]
    return Section("preload", "PEEP 12 to 5 for one minute: what it gives back", tuple(lines + _classes()),
                   "Responsive: output +10 % by 300 mL of blood moved into the circulation, as by "
                   "raised legs.")  # fmt: skip


def _classes() -> list[Line]:
    found = course(
        "ards", 0.6, ventilated(0.44, 24.0, 5.0, 0.7), [Change(1.0, {"peep": 15.0})], minutes=31.0, draws=POPULATION
    )
    shunt = difference(found, "shunt_fraction_percent", 1.0, 31.0)
    wasted = _wasted(found)
    down, cost = shunt < -1.0, wasted > 4.0
    source = "Karbing 2020, Crit Care 24:111, n = 12"
    return [
        Line(
            "shunt down without much wasted ventilation",
            100.0 * float(np.mean(down & ~cost)),
            "%",
            35,
            80,
            source + ": 7",
        ),
        Line(
            "shunt not down, wasted ventilation up", 100.0 * float(np.mean(~down & cost)), "%", 10, 60, source + ": 4"
        ),
        Line("shunt down and wasted ventilation up", 100.0 * float(np.mean(down & cost)), "%", 0, 30, source + ": 1"),
    ]


def _wasted(found: Course) -> np.ndarray:
    """Rise of the alveolar dead space, in points of percent of alveolar ventilation."""
    per_breath = found.of("alveolar_ventilation_L_per_min") / found.of("minute_ventilation_L_per_min")
    return 100.0 * (1.0 - per_breath[:, -1] / per_breath[:, 1])


def peep_sweep(pulse: list[Mapping[str, str]], anasim: list[Mapping[str, str]]) -> Section:
    """PEEP 0 to 20 in ventilated health, relative to PEEP 5, next to what two programs give."""
    levels = (0.0, 5.0, 10.0, 15.0, 20.0)
    ours = {}
    for level in levels:
        found = course("healthy", 0.0, ventilated(0.45, 15.0, level, 0.4))
        ours[level] = {name: at(found, column, 0.0) for name, column in _FLOW.items()}
    tables = {
        "ours": ours,
        "Pulse 4.2.1": _sweep(pulse, "segment", "RR15 PEEP{:g} FiO20.3",
                              {"CO": "CardiacOutput(L/min)", "MAP": "MeanArterialPressure(mmHg)"}),
        "AnaSim 1.7": _sweep(anasim, "case", "PEEP{:g} VT450 RR15", {"CO": "co", "MAP": "map"}),
    }  # fmt: skip
    lines, curves = [], {}
    for what, low, high in (("CO", -30.0, -5.0), ("MAP", -20.0, 0.0)):
        relative = {n: {p: 100.0 * (v[what] / t[5.0][what]) for p, v in t.items()} for n, t in tables.items()}
        curves |= {f"{name} {what}": [[p, v] for p, v in values.items()] for name, values in relative.items()}
        peers = {name: values[15.0] - 100.0 for name, values in relative.items() if name != "ours"}
        lines.append(
            Line(f"{what}, PEEP 5 to 15", relative["ours"][15.0] - 100.0, "%", low, high,
                 "0.9-2.3 % of output per cmH2O in patients (Lai 2023); range assumed for health", peers)
        )  # fmt: skip
    return Section("sweep", "PEEP in ventilated health", tuple(lines), "", curves)


_FLOW = {"CO": "cardiac_output_L_per_min", "MAP": "mean_arterial_pressure_mmHg"}


def _sweep(
    rows: list[Mapping[str, str]], key: str, pattern: str, columns: Mapping[str, str]
) -> dict[float, dict[str, float]]:
    """Values by PEEP from the first row of each level whose name holds the pattern."""
    found: dict[float, dict[str, float]] = {}
    for level in (0.0, 5.0, 10.0, 15.0, 20.0):
        row = next(r for r in rows if pattern.format(level) in r[key])
        found[level] = {name: float(row[column]) for name, column in columns.items()}
    return found
