"""Vital signs, laboratory values and assessments of one CLIF hospitalisation as signals.

A vital sign is known when it is charted. A laboratory value is true when the sample was taken and known when it was
resulted; without a time of result, the median delay of a central laboratory is assumed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from caretwin.base.errors import UnitError
from caretwin.ingest.bedside_signals import preferred, together
from caretwin.ingest.bedside_units import to_channel
from caretwin.ingest.clif_tables import hours
from caretwin.ingest.findings import Findings
from caretwin.record.bedside import Quality, Signal

VITALS = {
    "heart_rate": "heart_rate",
    "sbp": "systolic_pressure",
    "dbp": "diastolic_pressure",
    "map": "mean_arterial_pressure",
    "respiratory_rate": "respiratory_rate",
    "spo2": "oxygen_saturation",
    "temp_c": "temperature",
}
"""Vital signs in the units of the CLIF data dictionary, which are those of the channels."""
LABS = {
    "po2_arterial": ("arterial_oxygen_pressure", "mmHg"),
    "pco2_arterial": ("arterial_carbon_dioxide_pressure", "mmHg"),
    "ph_arterial": ("arterial_ph", "1"),
    "so2_arterial": ("arterial_saturation", "%"),
    "so2_central_venous": ("central_venous_saturation", "%"),
    "bicarbonate": ("bicarbonate", "mmol/L"),
    "lactate": ("lactate", "mmol/L"),
    "hemoglobin": ("haemoglobin", "g/dL"),
    "albumin": ("albumin", "g/dL"),
    "creatinine": ("creatinine", "mg/dL"),
    "glucose_serum": ("glucose", "mg/dL"),
    "glucose_fingerstick": ("glucose", "mg/dL"),
}
"""Channel, and the unit of the CLIF data dictionary, which counts where a row has no unit."""
ASSESSMENTS = {"rass": "sedation_score", "gcs_total": "glasgow_coma_scale"}
CUFF = ("non invasive", "noninvasive", "manual", "cuff", "nibp", "nbp")
PRESSURES = ("systolic_pressure", "diastolic_pressure", "mean_arterial_pressure")
RESULT_DELAY_H = 70.0 / 60.0
"""h from collection to result where no time of result is charted: the median that we found in two sets. Assumed."""


def vital_signs(rows: Any | None, origin: Any, findings: Findings) -> dict[str, Signal]:
    """Signals by channel from the table vitals. Of an arterial line and a cuff at one time the line counts."""
    if rows is None:
        return {}
    rows = rows[rows["recorded_dttm"].notna() & rows["vital_value"].notna()]
    found = {}
    for category, chosen in rows.groupby("vital_category", sort=False):
        channel = VITALS.get(str(category).lower())
        if channel in PRESSURES:
            found[channel] = _line_before_cuff(channel, chosen, origin, findings)
        elif channel is not None:
            found[channel] = _charted(chosen, "vital_value", origin)
    return found


def _charted(rows: Any, column: str, origin: Any) -> Signal:
    return Signal.of(hours(rows["recorded_dttm"], origin), rows[column].to_numpy(dtype=float))


def _line_before_cuff(channel: str, rows: Any, origin: Any, findings: Findings) -> Signal:
    name = rows["vital_name"].fillna("").str.lower()
    cuff = name.str.contains("|".join(CUFF), regex=True)
    line, other = _charted(rows[~cuff], "vital_value", origin), _charted(rows[cuff], "vital_value", origin)
    signal, refused = preferred(channel, line, other)
    if refused:
        findings.info(
            None,
            channel,
            seen=f"{refused} cuff pressures at the time of an arterial line",
            wanted="one pressure at a time",
            fix="the arterial line is used",
        )
    return signal


def laboratory(rows: Any | None, origin: Any, findings: Findings) -> dict[str, Signal]:
    """Signals by channel from the table labs, in the units of the channels."""
    if rows is None:
        return {}
    rows = rows[rows["lab_collect_dttm"].notna()]
    found: dict[str, list[Signal]] = {}
    for category, chosen in rows.groupby("lab_category", sort=False):
        known = LABS.get(str(category).lower())
        if known is not None:
            found.setdefault(known[0], []).extend(_resulted(*known, chosen, origin, findings))
    return {channel: together(signals) for channel, signals in found.items() if signals}


def _resulted(channel: str, usual: str, rows: Any, origin: Any, findings: Findings) -> list[Signal]:
    words = int(rows["lab_value_numeric"].isna().sum())
    if words:
        findings.info(
            None,
            channel,
            seen=f"{words} results without a number",
            wanted="a measured value",
            fix="they are absent, not normal",
        )
    rows = rows[rows["lab_value_numeric"].notna()]
    signals = []
    for unit, chosen in rows.groupby(rows["reference_unit"].fillna(usual), sort=False):
        value = _converted(channel, str(unit), chosen["lab_value_numeric"].to_numpy(dtype=float), findings)
        if value is not None:
            time, received = hours(chosen["lab_collect_dttm"], origin), hours(chosen["lab_result_dttm"], origin)
            signals.append(Signal.of(time, value, _known_at(channel, time, received, findings)))
    return signals


def _converted(channel: str, unit: str, value: np.ndarray, findings: Findings) -> np.ndarray | None:
    try:
        return to_channel(value, unit, channel)
    except UnitError as problem:
        findings.warning(
            None,
            channel,
            seen=f"{len(value)} values in {unit!r}: {problem.seen}",
            wanted=problem.wanted,
            fix=f"they were not read; {problem.fix}",
        )
        return None


def _known_at(channel: str, time: np.ndarray, received: np.ndarray, findings: Findings) -> np.ndarray:
    """When each result was known: never before it was drawn, and after the usual delay where it is not said."""
    unknown = np.isnan(received)
    if unknown.any():
        findings.info(
            None,
            channel,
            seen=f"{int(unknown.sum())} results without a time of result",
            wanted="when each was known",
            fix=f"{RESULT_DELAY_H * 60:.0f} min after the sample is assumed",
        )
    return np.where(unknown, time + RESULT_DELAY_H, np.maximum(received, time))


def assessments(rows: Any | None, origin: Any) -> dict[str, Signal]:
    """The sedation and coma scores of the table patient_assessments."""
    if rows is None:
        return {}
    rows = rows[rows["recorded_dttm"].notna() & rows["numerical_value"].notna()]
    return {
        ASSESSMENTS[str(category).lower()]: _charted(chosen, "numerical_value", origin)
        for category, chosen in rows.groupby("assessment_category", sort=False)
        if str(category).lower() in ASSESSMENTS
    }


def position(rows: Any | None, origin: Any) -> dict[str, Signal]:
    """1 from a row that says prone, 0 from one that says otherwise."""
    if rows is None:
        return {}
    rows = rows[rows["recorded_dttm"].notna() & rows["position_category"].notna()]
    prone = (rows["position_category"].str.lower() == "prone").to_numpy(dtype=float)
    return {"prone": Signal.of(hours(rows["recorded_dttm"], origin), prone)}


RENAL_REPLACEMENT_GAP_H = 4.0
"""h without a row after which continuous renal replacement is taken to have ended: it is charted hourly. Assumed."""


def renal_replacement(rows: Any | None, origin: Any) -> dict[str, Signal]:
    """1 while continuous renal replacement is charted, 0 once it has not been for some hours (suspect: assumed)."""
    if rows is None:
        return {}
    time = np.unique(hours(rows[rows["recorded_dttm"].notna()]["recorded_dttm"], origin))
    last = np.append(np.diff(time) > RENAL_REPLACEMENT_GAP_H, True)
    ends = time[last] + RENAL_REPLACEMENT_GAP_H
    runs = Signal.of(time, np.ones(len(time)))
    over = Signal.of(ends, np.zeros(len(ends)), quality=np.full(len(ends), int(Quality.SUSPECT)))
    return {"renal_replacement": together([runs, over])}
