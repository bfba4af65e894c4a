"""Words that the ventilator and the haemodynamic answers share: readings, times, probabilities, where an answer came
from."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from caretwin.record.bedside import BedsideRecord
from caretwin.twin.drift import Drift

ADVISES_ONLY = "caretwin advises; it sets nothing and gives nothing. A person decides. Not a medical device."
READINGS = {
    "arterial_oxygen_pressure_mmHg": ("PaO2", "mmHg", 0),
    "arterial_carbon_dioxide_pressure_mmHg": ("PaCO2", "mmHg", 0),
    "arterial_ph": ("pH", "", 2),
    "oxygen_saturation_percent": ("SpO2", "%", 0),
    "end_tidal_carbon_dioxide_mmHg": ("EtCO2", "mmHg", 0),
    "mean_arterial_pressure_mmHg": ("MAP", "mmHg", 0),
    "central_venous_pressure_mmHg": ("CVP", "mmHg", 1),
    "cardiac_output_L_per_min": ("CO", "L/min", 1),
    "heart_rate_per_min": ("HR", "/min", 0),
    "plateau_pressure_cmH2O": ("plateau", "cmH2O", 1),
    "driving_pressure_cmH2O": ("driving", "cmH2O", 1),
    "peak_pressure_cmH2O": ("peak", "cmH2O", 1),
    "total_peep_cmH2O": ("total PEEP", "cmH2O", 1),
    "intrinsic_peep_cmH2O": ("intrinsic PEEP", "cmH2O", 1),
    "mechanical_power_J_per_min": ("power", "J/min", 1),
    "tidal_volume_mL": ("VT", "mL", 0),
    "respiratory_rate_per_min": ("RR", "/min", 0),
    "shunt_fraction_percent": ("shunt", "%", 0),
    "open_lung_fraction_percent": ("open lung", "%", 0),
    "blood_volume_L": ("blood volume", "L", 2),
    "haemoglobin_g_per_dL": ("Hb", "g/dL", 1),
}
"""Label, unit and digits of each reading."""

PARAMETERS = {
    "compliance": ("compliance of the open respiratory system", "mL/cmH2O", 1000.0, 0),
    "resistance": ("airway resistance", "cmH2O s/L", 1.0, 0),
    "collapsible": ("lung that opens and closes", "%", 100.0, 0),
    "opening_shift": ("opening pressure against the usual", "cmH2O", 1.0, 1),
    "chest_wall_share": ("share of the chest wall in elastance", "%", 100.0, 0),
    "shunt": ("blood past lung that is never ventilated", "%", 100.0, 0),
    "low_perfusion": ("blood past lung that is little ventilated", "%", 100.0, 0),
    "low_ratio": ("ventilation of that lung against the mean", "%", 100.0, 0),
    "alveolar_dead_space": ("alveolar dead space", "%", 100.0, 0),
    "hypoxic_vasoconstriction": ("hypoxic vasoconstriction", "%", 100.0, 0),
    "carbon_dioxide_production": ("carbon dioxide production", "mL/min", 1.0, 0),
    "base_excess": ("base excess without lactate", "mmol/L", 1.0, 1),
    "own_rate": ("own breathing rate", "/min", 1.0, 0),
    "triggered_share": ("share of triggered breaths that ventilate", "%", 100.0, 0),
    "effort": ("breathing effort", "cmH2O", 1.0, 0),
    "chemoreflex": ("chemoreflex against an awake person's", "%", 100.0, 0),
    "carbon_dioxide_set": ("PaCO2 that breathing steers to", "mmHg", 1.0, 0),
    "arterial_pressure": ("MAP at rest without drugs", "mmHg", 1.0, 0),
    "heart_rate": ("heart rate at rest without drugs", "/min", 1.0, 0),
    "cardiac_output": ("cardiac output at rest without drugs", "L/min", 1.0, 1),
    "venous_pressure": ("CVP at rest", "mmHg", 1.0, 0),
    "filling_gradient": ("pressure that drives venous return", "mmHg", 1.0, 0),
    "half_filling": ("filling with half of the largest output", "mmHg", 1.0, 1),
    "arterial_compliance": ("compliance of the arteries", "mL/mmHg", 1.0, 1),
    "baroreflex": ("baroreflex against a healthy person's", "%", 100.0, 0),
    "pressor_half": ("norepinephrine with half effect", "ug/L", 1.0, 0),
    "propofol_half": ("propofol with half effect on vessels", "ug/mL", 1.0, 1),
    "oximeter_bias": ("offset of the oximeter", "%", 1.0, 1),
    "filtration": ("kidney filtration when well perfused", "mL/min", 1.0, 0),
    "creatinine_production": ("creatinine production", "mg/min", 1.0, 2),
    "haemoglobin": ("haemoglobin, charted fluids accounted for", "g/dL", 1.0, 1),
    "urine_flow": ("urine flow when well perfused", "mL/min", 1.0, 1),
    "lactate_production": ("lactate production against the usual", "%", 100.0, 0),
}
"""Words, unit, factor and digits with which a personal parameter is told of."""


@dataclass(frozen=True)
class Provenance:
    """Where an answer came from, so that it can be had again.

    computed_at   ISO 8601; the only clock there is, read by the command
    source, source_sha256   name and content of the patient's table; a folder has no single content
    options       how the question was asked
    """

    code_version: str
    computed_at: str
    seed: int
    particles: int
    source: str
    source_sha256: str
    options: tuple[tuple[str, str], ...]


def percent(probability: float) -> str:
    """A probability as people read it; a simulation never shows 0 or 100 %.

    >>> percent(0.123), percent(0.0004), percent(1.0)
    ('12 %', '<1 %', '>99 %')
    """
    if probability < 0.005:
        return "<1 %"
    return ">99 %" if probability > 0.995 else f"{100 * probability:.0f} %"


def cell(probability: float) -> str:
    """A probability in a cell of a map, in %; a dot where nothing is said.

    >>> cell(0.123), cell(0.0), cell(1.0), cell(float("nan"))
    ('12', '<1', '>99', '·')
    """
    return percent(probability).removesuffix(" %") if probability == probability else "·"


def moment(hours: float, record: BedsideRecord) -> str:
    """A time of the record: by the clock where the source had one, else in hours."""
    if record.origin is None:
        return f"{round(hours, 2):g} h"
    at = (record.origin + timedelta(hours=hours)).astimezone(ZoneInfo(record.zone or "UTC"))
    return f"{at:%Y-%m-%d %H:%M} {record.zone or 'UTC'} (hour {round(hours, 2):g})"


def band(row: object, name: str) -> str:
    """Median with its 90 % band, in the digits of a reading.

    >>> band((70.2, 80.0, 91.6), "arterial_oxygen_pressure_mmHg")
    '80 (70-92)'
    """
    low, middle, high = (float(v) for v in row)  # type: ignore[attr-defined]
    digits = READINGS[name][2]
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def minutes(value: float | None, horizon: float) -> str:
    """A settling time; a slow one says that it lies beyond what was looked at."""
    if value is None:
        return "-"
    if value < 1.0:
        return "at once"
    return f"> {horizon:.0f} min" if value >= 0.98 * horizon else f"{value:.0f} min"


def drifted(drift: Drift) -> str:
    """What a drift alarm says.

    >>> drifted(Drift("shunt", "1", 6.0, 0.121, 0.314, 0.25, 0.38, 4.22)).split(":")[0]
    'blood past lung that is never ventilated rose in 6 h from 12 to 31 % (90 % band 25-38)'
    """
    label, unit, factor, digits = PARAMETERS[drift.name]
    was, now, low, high = (f"{factor * v:.{digits}f}" for v in (drift.before, drift.now, drift.low, drift.high))
    way = "rose" if drift.size > 0 else "fell"
    return (
        f"{label} {way} in {drift.hours:.0f} h from {was} to {now} {unit} (90 % band {low}-{high}): "
        f"{abs(drift.size):.1f} standard deviations beyond its usual wandering; look for the cause, in the patient or "
        "in what is charted"
    )
