"""The circulation against measurements: bleeding, reflexes, pressors in health and in shock, fluids."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from caretwin.record.scenario import Change
from caretwin.review.physiology_evidence import (
    AWAKE,
    STANDARD,
    Line,
    Section,
    at,
    change,
    course,
    difference,
    ventilated,
)
from caretwin.twin.scenario import Course

MAP, CO, HR = "mean_arterial_pressure_mmHg", "cardiac_output_L_per_min", "heart_rate_per_min"
PMS, SVR = "mean_systemic_filling_pressure_mmHg", "systemic_vascular_resistance_mmHg_s_per_mL"
SBP, DBP = "systolic_pressure_mmHg", "diastolic_pressure_mmHg"
TOLERANCE = 10.0
"""Points of percent around Guyton's curve: our choice; the points read from the figure scatter by 2."""
DOSES = (0.01, 0.06, 0.1, 0.14, 0.2)
PROPOFOL_CLEARANCE = 93.0
"""L/h at 70 kg (Eleveld et al., Br J Anaesth 2018;120:942, man of 50 years): which rate makes a level."""
FEEDBACK = -0.661
"""Power of relative pressure with which heart rate answers (Su 2023)."""
NEAR_SU = 6.0
"""Points of percent around the steady state of Su 2023: our choice."""
VOLUNTEERS = {"heart_rate": 57.0, "arterial_pressure": 88.0, "arterial_compliance": 1.65}
"""Ensinger's volunteers before infusion: 56 /min, 135/70 mmHg at the lowest dose."""


def curve_of(path: Path) -> np.ndarray:
    """Points [n, 2] of a digitised curve, in order of the first column."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    points = np.array([[float(x) for x in row[:2]] for row in rows])
    return points[np.argsort(points[:, 0])]


def smooth(points: np.ndarray, where: float) -> float:
    """Mean of the points within 1.2 of ``where``: the digitised pressure curve oscillates with breathing."""
    near = np.abs(points[:, 0] - where) < 1.2
    return float(np.mean(points[near, 1])) if near.any() else float(np.interp(where, points[:, 0], points[:, 1]))


def haemorrhage(reference: Path) -> Section:
    """150 mL/min from a healthy adult until 35 % of the blood is lost, against Guyton's curve."""
    found = course("healthy", 0.0, AWAKE, [Change(1.0, {"bleeding": 0.150})], minutes=15.0, every=0.25)
    blood = float(found.of("blood_volume_L")[0, 0])
    pulse = {float(r["loss_pct"]): r for r in _rows(reference / "pulse_engine_outputs/pulse_hemorrhage_vs_guyton.csv")}
    guyton = {
        "MAP": curve_of(reference / "pulse/HemorrhagicMeanArterialPressureShockValidation.csv"),
        "CO": curve_of(reference / "pulse/HemorrhagicCardiacOutputShockValidation.csv"),
    }
    lines = []
    for percent in (5, 10, 15, 20, 25, 30, 35):
        minute = 1.0 + percent / 100.0 * blood / 0.150
        for name, column in (("MAP", MAP), ("CO", CO)):
            measured = smooth(guyton[name], percent)
            ours = 100.0 * at(found, column, minute) / at(found, column, 1.0)
            peers = {"Guyton": measured, "Pulse 4.2.0": float(pulse[percent][f"Pulse_{name}_pct"])}
            lines.append(
                Line(f"{name} at {percent} % lost", ours, "% of start", measured - TOLERANCE, measured + TOLERANCE,
                     "Guyton", peers)
            )  # fmt: skip
    rate = at(found, HR, 1.0 + 0.2 * blood / 0.150)
    lines.append(
        Line("heart rate at 20 % lost", rate, "/min", 90, 120, "classes of haemorrhage (ATLS)", {"Pulse 4.2.0": 107.0})
    )
    lost = 100.0 * (found.minutes - 1.0) * 0.150 / blood
    curves = {
        "ours MAP": np.stack([lost, 100.0 * found.of(MAP)[0] / found.of(MAP)[0, 4]], 1)[4:].tolist(),
        "ours CO": np.stack([lost, 100.0 * found.of(CO)[0] / found.of(CO)[0, 4]], 1)[4:].tolist(),
    } | {f"Guyton {name}": points.tolist() for name, points in guyton.items()}
    curves |= {
        f"Pulse {name}": [[p, float(pulse[p][f"Pulse_{name}_pct"])] for p in sorted(pulse)] for name in ("MAP", "CO")
    }
    return Section(
        "haemorrhage",
        "Haemorrhage at 150 mL/min, healthy adult breathing alone",
        tuple(lines),
        f"Range: {TOLERANCE:g} points around Guyton's curve (dogs; digitised by the Pulse project), our choice.",
        curves,
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def sudden_loss() -> Section:
    """A tenth of the blood in 30 s (Hosomi)."""
    found = course("healthy", 0.0, AWAKE, [Change(1.0, {"bleeding": 0.527}, 1.0)], minutes=1.0, every=0.5)
    blood = float(found.of("blood_volume_L")[0, 0])
    found = course("healthy", 0.0, AWAKE, [Change(1.0, {"bleeding": 0.2 * blood}, 0.5)], minutes=4.0, every=0.1)
    lines = [
        Line("heart rate", float(change(found, HR, 1.0, 2.0)[0]), "%", 15, 45, "Hosomi 1979: +30"),
        Line("cardiac output", float(change(found, CO, 1.0, 2.0)[0]), "%", -20, -15, "Hosomi 1979"),
        Line("systemic resistance", float(change(found, SVR, 1.0, 2.0)[0]), "%", 10, 15, "Hosomi 1979"),
        Line("MAP", float(change(found, MAP, 1.0, 2.0)[0]), "%", -12, 2, "nearly kept"),
    ]
    return Section("sudden_loss", "A tenth of the blood lost in 30 s", tuple(lines),
                   "Half a minute after the end; range of the heart rate: half and one and a half of "
                   "the figure.")  # fmt: skip


def _steps(name: str, doses: Sequence[float], each: float = 30.0) -> list[Change]:
    return [Change(1.0 + each * i, {name: dose}) for i, dose in enumerate(doses)]


def norepinephrine() -> Section:
    """Rising doses in volunteers (Ensinger 1992)."""
    found = course(
        "healthy", 0.0, AWAKE, _steps("norepinephrine", DOSES), minutes=151.0, every=5.0, personal=VOLUNTEERS
    )
    measured = {
        "plasma": ("norepinephrine_plasma_ug_per_L", "ug/L",
                   [(0.363, 0.605), (2.265, 3.391), (3.608, 4.408), (4.619, 6.765), (6.404, 8.546)]),
        "SBP": (SBP, "mmHg", [(125, 145), (136, 160), (146, 168), (152, 182), (174, 192)]),
        "DBP": (DBP, "mmHg", [(65, 75), (70, 84), (74, 86), (77, 93), (83, 99)]),
        "heart rate": (HR, "/min", [(46, 66), (41, 57), (40, 56), (39, 55), (39, 55)]),
    }  # fmt: skip
    pulse = {
        "plasma": (0.761, 2.32, 3.71, 5.05, 7.1), "SBP": (118, 118, 125, 135, 136), "DBP": (72, 72, 84, 98, 100),
        "heart rate": (73, 70, 68, 69, 69),
    }  # fmt: skip
    lines = []
    for what, (column, unit, ranges) in measured.items():
        for i, (low, high) in enumerate(ranges):
            ours = at(found, column, 30.0 * (i + 1))
            peers = {"Pulse 4.2.0": pulse[what][i]}
            lines.append(Line(f"{what} at {DOSES[i]:g} ug/kg/min", ours, unit, low, high, "Ensinger 1992", peers))
    slope = (at(found, MAP, 150.0) - at(found, MAP, 0.0)) / at(found, "norepinephrine_plasma_ug_per_L", 150.0)
    lines.append(Line("MAP per plasma level", slope, "mmHg L/ug", 2.5, 6.5, "4.3 (Ensinger 1992)"))
    output = 100.0 * (at(found, CO, 150.0) / at(found, CO, 0.0) - 1.0)
    lines.append(Line("cardiac output at 0.2", output, "%", -15, 15, "assumed: nearly unchanged in health"))
    return Section("norepinephrine", "Norepinephrine in volunteers", tuple(lines),
                   "Resting heart rate, pressure "
                   "and arterial compliance are set to the volunteers'.")  # fmt: skip


def phenylephrine() -> Section:
    """Rising doses in volunteers (Martinsson 1986)."""
    doses = (0.5, 1.0, 2.0, 4.0)
    found = course("healthy", 0.0, AWAKE, _steps("phenylephrine", doses), minutes=121.0, every=5.0)
    ranges = {
        "SBP": (SBP, [(0, 6), (6, 20), (16, 53), (30, 86)], (6, 9, 13, 17)),
        "DBP": (DBP, [(2, 9), (9, 15), (15, 21), (25, 32)], (9, 13, 19, 25)),
        "heart rate": (HR, [(-5, 1), (-8, -3), (-12, -8), (-13, -10)], (-2, -2, -1, 2)),
    }
    lines = []
    for what, (column, measured, pulse) in ranges.items():
        for i, (low, high) in enumerate(measured):
            ours = at(found, column, 30.0 * (i + 1)) - at(found, column, 0.0)
            unit = "/min" if what == "heart rate" else "mmHg"
            lines.append(Line(f"{what} at {doses[i]:g} ug/kg/min", ours, unit, low, high, "Martinsson 1986",
                              {"Pulse 4.2.0": pulse[i]}))  # fmt: skip
    return Section("phenylephrine", "Phenylephrine in volunteers, changes", tuple(lines))


def patients_on_norepinephrine() -> Section:
    """A small step of norepinephrine in septic shock and after cardiac surgery; blood moved by raised legs."""
    settings = ventilated(0.45, 20.0, 8.0, 0.5) | {"propofol": 1.5}
    septic = course(
        "sepsis", 0.85, settings | {"norepinephrine": 0.32}, [Change(1.0, {"norepinephrine": 0.26})], minutes=31.0,
    )  # fmt: skip
    raised = course(
        "sepsis", 0.85, settings | {"norepinephrine": 0.32}, [Change(1.0, {"colloid": 0.3}, 1.0)], minutes=31.0
    )
    surgical = course(
        "heart_failure", 0.25, ventilated(0.5, 12.0, 5.0, 0.4) | {"propofol": 2.0, "norepinephrine": 0.04},
        [Change(1.0, {"norepinephrine": 0.08})], minutes=31.0,
        personal={"baroreflex": 0.3, "pressor_half": 12.0, "haemoglobin": 10.0},
    )  # fmt: skip
    begun = course(
        "sepsis", 0.8, ventilated(0.45, 20.0, 8.0, 0.5), [Change(1.0, {"norepinephrine": 0.2})], minutes=31.0
    )
    adda, maas = "Adda 2021, 30 patients in septic shock", "Maas 2013, 16 patients after cardiac surgery"
    hamzaoui = "Hamzaoui 2010 (Crit Care 14:R142), 105 patients in septic shock"
    lines = [
        Line("begun: MAP before", at(begun, MAP, 1.0), "mmHg", None, None, hamzaoui + ": 54 +- 8"),
        Line("begun: MAP after", at(begun, MAP, 31.0), "mmHg", 67, 85, hamzaoui + ": 76 +- 9"),
        Line("begun: CO", float(change(begun, CO, 1.0, 31.0)[0]), "%", 0, 25, hamzaoui + ": index 3.2 to 3.6"),
        Line("0.32 to 0.26: MAP", float(change(septic, MAP, 1.0, 31.0)[0]), "%", -20, -7, adda),
        Line("0.32 to 0.26: Pms", float(change(septic, PMS, 1.0, 31.0)[0]), "%", -19, -4, adda),
        Line("300 mL as by raised legs: Pms", float(change(raised, PMS, 1.0, 2.0)[0]), "%", 9, 19, adda),
        Line("+0.04: MAP", float(difference(surgical, MAP, 1.0, 31.0)[0]), "mmHg", 10, 30, maas + ": +20"),
        Line("+0.04: Pms", float(difference(surgical, PMS, 1.0, 31.0)[0]), "mmHg", 0, None, maas),
        Line("+0.04: SVR", float(change(surgical, SVR, 1.0, 31.0)[0]), "%", 0, None, maas),
        Line("+0.04: venous resistance", _venous_resistance(surgical), "%", 0, None, maas),
    ]
    return Section("pressor_patients", "Norepinephrine in patients", tuple(lines),
                   "Sepsis 0.8 (0.2 ug/kg/min is begun; dose assumed) and 0.85; the surgical patient has weak "
                   "reflexes (0.3) and sensitive vessels (half effect at 12 ug/L): between "
                   "patients the sensitivity differs fourfold, and it is a personal parameter.")  # fmt: skip


def propofol() -> Section:
    """Two steady levels in a healthy adult, against the steady state of a published model of volunteers."""
    lines = []
    for level, pressure in ((2.0, 0.866), (4.0, 0.752)):
        rate = level * PROPOFOL_CLEARANCE * (STANDARD.weight_kg / 70.0) ** 0.75 / STANDARD.weight_kg
        found = course(
            "healthy", 0.0, ventilated(0.5, 14.0, 5.0, 0.4), [Change(1.0, {"propofol": rate})], minutes=121.0, every=5.0
        )
        expected = 100.0 * (pressure - 1.0), 100.0 * (pressure**FEEDBACK - 1.0)
        for what, column, middle in zip(("MAP", "heart rate"), (MAP, HR), expected, strict=True):
            ours = float(change(found, column, 1.0, 121.0)[0])
            lines.append(
                Line(f"{what} at {level:g} ug/mL", ours, "%", middle - NEAR_SU, middle + NEAR_SU,
                     f"Su 2023 (Br J Anaesth), steady at 35 years: {middle:.0f} %")
            )  # fmt: skip
    return Section("propofol", "Propofol in health", tuple(lines),
                   f"The tolerance of {NEAR_SU:g} points is our choice.")  # fmt: skip


def _venous_resistance(found: Course) -> float:
    values = [
        (at(found, PMS, t) - at(found, "central_venous_pressure_mmHg", t)) / at(found, CO, t) for t in (1.0, 31.0)
    ]
    return 100.0 * (values[1] / values[0] - 1.0)


def fluids() -> Section:
    """A litre of crystalloid in half an hour; half a litre in a patient who is short of blood and in one who is not."""
    found = course("healthy", 0.0, AWAKE, [Change(1.0, {"crystalloid": 1.0 / 30.0}, 30.0)], minutes=91.0, every=5.0)
    blood = found.of("blood_volume_L")[0]
    gain = np.interp([31.0, 61.0, 91.0], found.minutes, blood) - blood[0]
    bolus = [Change(1.0, {"crystalloid": 0.5 / 15.0}, 15.0)]
    settings = ventilated(0.5, 14.0, 5.0, 0.4)
    dry = course("hypovolaemia", 0.7, settings, bolus, minutes=31.0)
    full = course("heart_failure", 0.8, settings, bolus, minutes=31.0)
    hahn = "Hahn 2020, Acta Anaesthesiol Scand 64:570"
    lines = (
        Line("in plasma at the end of 1 L in 30 min", 100.0 * float(gain[0]), "%", 50, 60, hahn),
        Line("in plasma 30 min later", 100.0 * float(gain[1]), "%", 15, 20, hahn),
        Line("CO, 500 mL in 15 min, hypovolaemia 0.7", float(change(dry, CO, 1.0, 16.0)[0]), "%", 10, None,
             "responder: Monnet 2016"),
        Line("CO, 500 mL in 15 min, heart failure 0.8", float(change(full, CO, 1.0, 16.0)[0]), "%", 0, 10,
             "no responder"),
    )  # fmt: skip
    return Section("fluids", "Fluids", lines)
