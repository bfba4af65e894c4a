"""Gases against measurements: blood-gas algebra, body stores and how fast they fill, and the drive to breathe."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from caretwin.record.scenario import Change
from caretwin.review.physiology_evidence import AWAKE, Line, Section, at, course, ventilated
from caretwin.twin.registry import family
from caretwin.twin.scenario import Course

PACO2, PAO2 = "arterial_carbon_dioxide_pressure_mmHg", "arterial_oxygen_pressure_mmHg"
VE = "minute_ventilation_L_per_min"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def blood_gas_algebra(reference: Path) -> Section:
    """Three oxygen curves against their tabulated values, CO2 content against 38 measured bloods."""
    blood = family("physiology").blood_gas
    table = _rows(reference / "bloodgas/odc_three_models.csv")
    pressure = np.array([float(r["PO2_torr"]) for r in table])
    formulas = {
        "Severinghaus": blood.saturation,
        "Kelman": blood.saturation_kelman,
        "Siggaard-Andersen": blood.saturation_siggaard_andersen,
    }
    lines = []
    for name, formula in formulas.items():
        wanted = np.array([float(r[CURVES[name]]) for r in table])
        error = float(np.max(np.abs(np.asarray(formula(pressure)) - wanted)))
        lines.append(
            Line(f"{name}: largest error at {len(pressure)} pressures", error, "1", 0.0, 1e-4, "published coefficients")
        )
    lines += _douglas(reference, blood)
    excess = float(blood.base_excess(40.0, 7.2, 15.0, 0.97))
    lines.append(
        Line("base excess at pH 7.20, PCO2 40, Hb 15, S 0.97", excess, "mmol/L", -12.55, -12.45, "Lang & Zander 2002")
    )
    return Section("blood", "Blood-gas algebra", tuple(lines))


CURVES = {
    "Severinghaus": "Severinghaus1979_eq1",
    "Kelman": "Kelman1966",
    "Siggaard-Andersen": "SiggaardAndersen1984",
}  # fmt: skip
BLOOD = {"ph": "ph", "hb": "hb_g_100ml", "saturation": "so2", "pco2": "pco2_torr", "content": "blood_c_co2_ml_100ml"}


def _douglas(reference: Path, blood: object) -> list[Line]:
    rows = _rows(reference / "bloodgas/douglas1988_table3_loeppky1983.csv")
    get = {name: np.array([float(r[key]) for r in rows]) for name, key in BLOOD.items()}
    found = np.asarray(blood.carbon_dioxide_content(get["pco2"], get["ph"], get["saturation"] / 100.0, get["hb"]))  # type: ignore[attr-defined]
    error = found - get["content"]
    source = "Loeppky 1983 through Douglas 1988; the figures themselves were computed before from the same formula"
    return [
        Line("CO2 content of 38 bloods, bias", float(error.mean()), "mL/dL", -0.05, -0.03, source),
        Line(
            "CO2 content of 38 bloods, root mean square error",
            float(np.sqrt(np.mean(error**2))),
            "mL/dL",
            1.12,
            1.14,
            source,
        ),
        Line("CO2 content of 38 bloods, worst", float(np.max(np.abs(error))), "mL/dL", 2.52, 2.54, source),
    ]


def _time_to(found: Course, column: str, start: float, share: float) -> float:
    """Minutes after ``start`` until a share of the way to the last value is gone."""
    values = found.of(column)[0]
    after = found.minutes >= start - 1e-9
    first = float(np.interp(start, found.minutes, values))
    gone = (values[after] - first) / (values[-1] - first)
    minutes = found.minutes[after] - start
    return float(np.interp(share, np.maximum.accumulate(gone), minutes))


def oxygen_step(reference: Path) -> Section:
    """FiO2 up and down by 0.2 in ventilated patients (Cakar 2001)."""
    settings = ventilated(0.5, 16.0, 5.0, 0.4)
    lines = []
    for name, before, later, low, high in (("up", 0.4, 0.6, 0.5, 8.3), ("down", 0.6, 0.4, 0.5, 10.0)):
        found = course(
            "ards", 0.3, settings | {"fio2": before}, [Change(0.2, {"fio2": later})], minutes=12.0, every=0.2
        )
        lines.append(
            Line(f"FiO2 {name}: 90 % of the change", _time_to(found, PAO2, 0.2, 0.9), "min", low, high,
                 "Cakar 2001: t90 4.2 +- 4.1 up; rate 1.01 +- 0.71 up, 0.69 +- 0.42 down per min"),
        )  # fmt: skip
    return Section("oxygen_step", "Oxygen after a change of FiO2", tuple(lines), "ARDS 0.3, 0.4 and 0.6.")


def carbon_dioxide_stores(reference: Path) -> Section:
    """What leaves in 12 min of hyperventilation, half-times after a change, apnoea."""
    normal = ventilated(0.5, 14.0, 5.0, 0.4)
    over = course("healthy", 0.0, normal, [Change(0.0, {"tidal_volume": 1.5, "rate": 21.0})], minutes=12.0, every=0.25)
    out = _exhaled(over)
    made = float(over.of("carbon_dioxide_production_mL_per_min")[0, 0])
    lines = [Line("CO2 lost from stores in 12 min, VT x 3 and rate x 1.5", (out - 12.0 * made) / 1000.0, "L", 1.8, 2.8,
                  "about 2.5 in 14 volunteers (J Appl Physiol 1962;17:805)")]  # fmt: skip
    for name, factor, low, high in (("x 1.5", 1.5, 3.5, 8.0), ("/ 1.5", 1.0 / 1.5, 9.0, 25.0)):
        volume = 0.15 + (0.5 - 0.15) * factor
        found = course("healthy", 0.0, normal, [Change(0.0, {"tidal_volume": volume})], minutes=240.0, every=4.0)
        early = course("healthy", 0.0, normal, [Change(0.0, {"tidal_volume": volume})], minutes=50.0)
        half = _half_time(early, float(found.of(PACO2)[0, -1]))
        lines.append(Line(f"alveolar ventilation {name}: half-time of PaCO2", half, "min", low, high,
                          "5.4 up and 18 down by the stores of the field guide; 20-30 min to steady "
                          "state"))  # fmt: skip
    stop = course("healthy", 0.0, normal | {"fio2": 1.0}, [Change(0.0, {"rate": 0.001})], minutes=6.0, every=0.25)
    lines += [
        Line("apnoea: PaCO2 in the first minute", at(stop, PACO2, 1.0) - at(stop, PACO2, 0.0), "mmHg", 7.0, 13.0,
             "12 anaesthetised (unverified); +9 in 20 s awake (Stock 1988)"),
        Line("apnoea: PaCO2 per minute after "
             "it", (at(stop, PACO2, 5.0) - at(stop, PACO2, 1.0)) / 4.0, "mmHg/min", 2.5, 6.5,
             "3.4 anaesthetised (unverified), 6 awake (Stock 1988)"),
    ]  # fmt: skip
    return Section("carbon_dioxide_stores", "Carbon dioxide stores", tuple(lines))


def _exhaled(found: Course) -> float:
    """mL of CO2 through the mouth over the course: alveolar ventilation times alveolar pressure over 863."""
    rate = found.of("carbon_dioxide_output_mL_per_min")[0]
    return float(np.trapezoid(rate, found.minutes))


def _half_time(found: Course, final: float) -> float:
    values = found.of(PACO2)[0]
    gone = (values - values[0]) / (final - values[0])
    return float(np.interp(0.5, np.maximum.accumulate(gone), found.minutes))


HYPERCAPNIA = ((3.0, 9.5, 13.5, 12.0), (5.0, 14.0, 20.0, 17.0), (6.0, 20.0, 32.0, 27.0), (7.0, 29.0, 50.0, 40.0))
"""CO2 (%), range and figure of ventilation after 25 min (L/min)."""
HYPOXIA = ((9.0, 7.5, 12.5, 10.0), (8.0, 9.0, 15.0, 12.3), (7.0, 11.0, 19.0, 15.2))
"""O2 (%), range and figure of ventilation at its peak (L/min)."""


def ventilatory_responses(reference: Path) -> Section:
    """Breathing CO2 for 25 min, and air poor in oxygen for 10 (Reynolds 1972 and 1973)."""
    lines = []
    curves = {}
    for percent, low, high, figure in HYPERCAPNIA:
        found = course(
            "healthy", 0.0, AWAKE, [Change(2.0, {"inspired_carbon_dioxide": 7.13 * percent}, 25.0)], minutes=35.0
        )
        lines.append(Line(f"CO2 {percent:g} %: ventilation", at(found, VE, 27.0), "L/min", low, high,
                          f"{figure:g} (Reynolds 1972)", {"measured": figure}))  # fmt: skip
        curves[f"CO2 {percent:g} %"] = np.stack([found.minutes - 2.0, found.of(VE)[0]], 1).tolist()
        if percent == 5.0:
            lines.append(Line("CO2 5 %: 90 % of the rise", _rise(found), "min", 3.0, 12.0, "5-10 (Reynolds 1972)"))
    for percent, low, high, figure in HYPOXIA:
        found = course("healthy", 0.0, AWAKE, [Change(2.0, {"fio2": percent / 100.0}, 10.0)], minutes=16.0, every=0.5)
        peak = float(np.max(found.of(VE)[0]))
        lines.append(Line(f"O2 {percent:g} %: peak "
                          f"ventilation", peak, "L/min", low, high, f"{figure:g} (Reynolds 1973)",
                          {"measured": figure}))  # fmt: skip
        curves[f"O2 {percent:g} %"] = np.stack([found.minutes - 2.0, found.of(VE)[0]], 1).tolist()
    return Section("ventilatory", "What makes a healthy adult breathe more", tuple(lines),
                   "Read from the digitised curves that BioGears ships; the order of the CO2 bouts "
                   "is inferred. Ranges: about a quarter "
                   "around the figure, our choice.", curves)  # fmt: skip


def _rise(found: Course) -> float:
    values, minutes = found.of(VE)[0], found.minutes
    during = (minutes >= 2.0) & (minutes <= 27.0)
    gone = (values[during] - values[during][0]) / (values[during][-1] - values[during][0])
    return float(np.interp(0.9, np.maximum.accumulate(gone), minutes[during] - 2.0))
