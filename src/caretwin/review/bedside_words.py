"""Words that the ventilator and the haemodynamic answers share: readings, times, probabilities, where an answer came
from."""

from dataclasses import dataclass
from datetime import timedelta

from caretwin.record.bedside import BedsideRecord

ADVISES_ONLY = "caretwin advises; it sets nothing and gives nothing. A person decides. Not a medical device."
READINGS = {
    "arterial_oxygen_pressure_mmHg": ("PaO2", "mmHg", 0),
    "arterial_carbon_dioxide_pressure_mmHg": ("PaCO2", "mmHg", 0),
    "arterial_ph": ("pH", "", 2),
    "oxygen_saturation_percent": ("SpO2", "%", 1),
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
    at = record.origin + timedelta(hours=hours)
    return f"{at:%Y-%m-%d %H:%M}{' UTC' if at.utcoffset() == timedelta(0) else ''} (hour {round(hours, 2):g})"


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
