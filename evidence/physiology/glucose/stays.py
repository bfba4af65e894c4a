"""The real glucose series: intensive care stays of the CLIF demo, and the meter readings of the same patients.

The CLIF form of the MIMIC-IV demo has no bedside meters; the MEDS form of the same 100 patients has them. Both forms
carry the same laboratory values, 5.0 h apart in every patient that we looked at (CLIF times are UTC): meters are joined
by that.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from caretwin.base.units import convert
from caretwin.ingest.clif.stays import read_clif
from caretwin.record.bedside import BedsideRecord, Signal

SHIFT_H = 5.0
FINGERSTICK = "225664"  # MIMIC item "Glucose finger stick (range 70-100)"
FIRST_H, LAST_H = -6.0, 120.0  # around the first five days of intensive care
LEAST = 4  # values: fewer teach nothing about a person


@dataclass(frozen=True)
class Stay:
    """One stay: whose it is, and its record cut to intensive care."""

    patient: str
    record: BedsideRecord


def stays(clif: Path, meds: Path | None) -> dict[str, Stay]:
    """Stays in intensive care by hospitalisation, with meters when MEDS is given: a table, or the folder it lies in."""
    hospital = pd.read_parquet(clif / "clif_hospitalization.parquet").astype(
        {"hospitalization_id": str, "patient_id": str}
    )
    whose = dict(zip(hospital["hospitalization_id"], hospital["patient_id"], strict=True))
    places = pd.read_parquet(clif / "clif_adt.parquet").astype({"hospitalization_id": str})
    care = places[places["location_category"] == "icu"].groupby("hospitalization_id")["out_dttm"].max()
    events = None if meds is None else _events(meds)
    if events is not None:
        events = events[events["code"].str.startswith(f"LAB//{FINGERSTICK}") & (events["value"] > 0)]
    found = {}
    for stay, record in read_clif(clif, care.index).items():
        end = min(LAST_H, (care[stay] - record.origin).total_seconds() / 3600)
        if events is not None:
            record = with_meters(record, events[events["subject_id"] == int(whose[stay])])
        found[stay] = Stay(whose[stay], cut(record, end))
    return found


def _events(meds: Path) -> pd.DataFrame:
    files = sorted(meds.rglob("*.parquet")) if meds.is_dir() else [meds]
    return pd.concat([pd.read_parquet(f, columns=["subject_id", "time", "code", "value"]) for f in files])


def with_meters(record: BedsideRecord, rows: pd.DataFrame) -> BedsideRecord:
    """The record with the meter readings of its patient."""
    time = pd.to_datetime(rows["time"]).dt.tz_localize("UTC") - pd.Timestamp(record.origin)
    hours = time.dt.total_seconds().to_numpy() / 3600 + SHIFT_H
    values = np.array([convert(v, "mg/dL", "mmol/L", substance="glucose") for v in rows["value"]])
    meter = Signal.of(hours, values) if len(hours) else Signal.of(np.zeros(0), np.zeros(0))
    return replace(record, observations={**record.observations, "glucose_meter": meter})


def cut(record: BedsideRecord, end: float) -> BedsideRecord:
    """The record with the glucose of intensive care only."""
    kept = {
        name: signal.select((signal.time_h >= FIRST_H) & (signal.time_h <= end))
        for name, signal in record.observations.items()
        if name in ("glucose", "glucose_meter")
    }
    return replace(record, observations=kept)
