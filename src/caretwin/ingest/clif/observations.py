"""Vital signs, laboratory values and assessments of one CLIF hospitalisation as signals.

A vital sign is known when it is charted. A laboratory value is true when the sample was taken and known when it was
resulted; without a time of result, the median delay of a central laboratory is assumed.
"""

from __future__ import annotations

import numpy as np

from caretwin.base.errors import UnitError
from caretwin.ingest.bedside.signals import preferred, together
from caretwin.ingest.bedside.units import to_channel
from caretwin.ingest.clif.tables import Columns
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
RENAL_REPLACEMENT_GAP_H = 4.0
"""h without a row after which continuous renal replacement is taken to have ended: it is charted hourly. Assumed."""
RESULT_DELAY_H = 70.0 / 60.0
"""h from collection to result where no time of result is charted: the median that we found in two sets. Assumed."""


def vital_signs(rows: Columns | None, findings: Findings) -> dict[str, Signal]:
    """Signals by channel from the table vitals. Of an arterial line and a cuff at one time the line counts."""
    if rows is None:
        return {}
    there = np.isfinite(rows["recorded_h"]) & np.isfinite(rows["vital_value"])
    cuff = np.array([any(word in name for word in CUFF) for name in rows["vital_name"]], dtype=bool)
    found = {}
    for category, channel in VITALS.items():
        chosen = there & (rows["vital_category"] == category)
        if channel in PRESSURES and (chosen & cuff).any():
            line, other = _charted(rows, chosen & ~cuff), _charted(rows, chosen & cuff)
            found[channel] = _line_before_cuff(channel, line, other, findings)
        elif chosen.any():
            found[channel] = _charted(rows, chosen)
    return found


def _charted(rows: Columns, chosen: np.ndarray, column: str = "vital_value") -> Signal:
    return Signal.of(rows["recorded_h"][chosen], rows[column][chosen])


def _line_before_cuff(channel: str, line: Signal, cuff: Signal, findings: Findings) -> Signal:
    signal, refused = preferred(channel, line, cuff)
    if refused:
        findings.info(
            None,
            channel,
            seen=f"{refused} cuff pressures at the time of an arterial line",
            wanted="one pressure at a time",
            fix="the arterial line is used",
        )
    return signal


def laboratory(rows: Columns | None, findings: Findings) -> dict[str, Signal]:
    """Signals by channel from the table labs, in the units of the channels."""
    if rows is None:
        return {}
    found: dict[str, list[Signal]] = {}
    for category, (channel, usual) in LABS.items():
        chosen = np.isfinite(rows["lab_collect_h"]) & (rows["lab_category"] == category)
        if chosen.any():
            mine = {name: column[chosen] for name, column in rows.items()}
            found.setdefault(channel, []).extend(_resulted(channel, usual, mine, findings))
    return {channel: together(signals) for channel, signals in found.items() if signals}


def _resulted(channel: str, usual: str, rows: Columns, findings: Findings) -> list[Signal]:
    measured = np.isfinite(rows["lab_value_numeric"])
    if not measured.all():
        findings.info(
            None,
            channel,
            seen=f"{int(np.sum(~measured))} results without a number",
            wanted="a measured value",
            fix="they are absent, not normal",
        )
    units = np.where(rows["reference_unit"] == "", usual, rows["reference_unit"])
    signals = []
    for unit in sorted(set(units[measured])):
        chosen = measured & (units == unit)
        value = _converted(channel, unit, rows["lab_value_numeric"][chosen], findings)
        if value is not None:
            time, received = rows["lab_collect_h"][chosen], rows["lab_result_h"][chosen]
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


def assessments(rows: Columns | None) -> dict[str, Signal]:
    """The sedation and coma scores of the table patient_assessments."""
    if rows is None:
        return {}
    there = np.isfinite(rows["recorded_h"]) & np.isfinite(rows["numerical_value"])
    chosen = {channel: there & (rows["assessment_category"] == word) for word, channel in ASSESSMENTS.items()}
    return {channel: _charted(rows, mine, "numerical_value") for channel, mine in chosen.items() if mine.any()}


def position(rows: Columns | None) -> dict[str, Signal]:
    """1 from a row that says prone, 0 from one that says otherwise."""
    if rows is None:
        return {}
    there = np.isfinite(rows["recorded_h"]) & (rows["position_category"] != "")
    prone = (rows["position_category"][there] == "prone").astype(float)
    return {"prone": Signal.of(rows["recorded_h"][there], prone)}


def renal_replacement(rows: Columns | None, findings: Findings) -> dict[str, Signal]:
    """1 while continuous renal replacement is charted, 0 once it has not been for some hours (suspect: assumed)."""
    if rows is None:
        return {}
    time = np.unique(rows["recorded_h"][np.isfinite(rows["recorded_h"])])
    last = np.append(np.diff(time) > RENAL_REPLACEMENT_GAP_H, True)[: len(time)]
    ends = time[last] + RENAL_REPLACEMENT_GAP_H
    findings.info(
        None,
        "renal_replacement",
        seen=f"{len(ends)} ends of renal replacement that are not charted",
        wanted="when it was stopped",
        fix=f"{RENAL_REPLACEMENT_GAP_H:g} h after its last row is assumed and marked as suspect",
    )
    runs = Signal.of(time, np.ones(len(time)))
    over = Signal.of(ends, np.zeros(len(ends)), quality=np.full(len(ends), int(Quality.SUSPECT)))
    return {"renal_replacement": together([runs, over])}
