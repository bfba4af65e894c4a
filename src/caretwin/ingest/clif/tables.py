"""The tables of a CLIF 2.1 folder that a bedside record needs, as pandas frames of one hospitalisation each.

Source of the format: Common Longitudinal ICU data Format, data dictionary 2.1.0, https://clif-icu.com/data-dictionary;
Rojas et al., Intensive Care Med 2025, doi:10.1007/s00134-025-07848-7. All times are in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from caretwin.base.errors import DataError
from caretwin.ingest.bedside.frames import absent_columns, pandas, read_columns
from caretwin.ingest.table_folder import seen_instead_of

COLUMNS = {
    "patient": ("patient_id", "race_category", "ethnicity_category", "sex_category"),
    "hospitalization": (
        "patient_id", "hospitalization_id", "admission_dttm", "discharge_dttm", "age_at_admission",
    ),
    "adt": ("hospitalization_id", "in_dttm", "out_dttm", "location_category"),
    "vitals": ("hospitalization_id", "recorded_dttm", "vital_name", "vital_category", "vital_value"),
    "labs": (
        "hospitalization_id", "lab_collect_dttm", "lab_result_dttm", "lab_name", "lab_category",
        "lab_value_numeric", "reference_unit",
    ),
    "respiratory_support": (
        "hospitalization_id", "recorded_dttm", "device_category", "mode_name", "mode_category",
        "fio2_set", "lpm_set", "tidal_volume_set", "resp_rate_set", "pressure_control_set",
        "pressure_support_set", "flow_rate_set", "peak_inspiratory_pressure_set", "inspiratory_time_set",
        "peep_set", "tidal_volume_obs", "resp_rate_obs", "plateau_pressure_obs",
        "peak_inspiratory_pressure_obs", "peep_obs", "minute_vent_obs", "mean_airway_pressure_obs",
    ),
    "medication_admin_continuous": (
        "hospitalization_id", "med_order_id", "med_name", "med_category", "admin_dttm", "mar_action_category",
        "med_dose", "med_dose_unit",
    ),
    "medication_admin_intermittent": (
        "hospitalization_id", "med_order_id", "med_name", "med_category", "admin_dttm", "mar_action_category",
        "med_dose", "med_dose_unit", "med_route_category",
    ),
    "position": ("hospitalization_id", "recorded_dttm", "position_category"),
    "patient_assessments": ("hospitalization_id", "recorded_dttm", "assessment_category", "numerical_value"),
    "crrt_therapy": ("hospitalization_id", "recorded_dttm"),
}  # fmt: skip
REQUIRED = ("patient", "hospitalization")
_TEXT = ("_id", "_name", "_category", "_unit")


Columns = Mapping[str, np.ndarray]
"""Rows of one table and one hospitalisation, by column: times as hours, text in small letters, numbers as floats."""


@dataclass(frozen=True)
class ClifTables:
    """Rows by table and hospitalisation.

    stays    hospitalization and patient columns, by hospitalisation
    origin   hour 0 of each hospitalisation: the start of the first stay in intensive care, else of respiratory
             support, else of the admission
    rows     by table, then by hospitalisation; in order of the table
    missing  tables ("vitals") and columns ("vitals.vital_name") that the folder does not have: they count as empty
    """

    stays: Mapping[str, Mapping[str, Any]]
    origin: Mapping[str, Any]
    rows: Mapping[str, Mapping[str, Columns]]
    missing: tuple[str, ...]

    def of(self, table: str, stay: str) -> Columns | None:
        """The rows of one hospitalisation, None when there is none."""
        return self.rows[table].get(stay)


def read_clif_tables(folder: str | Path, hospitalisations: Iterable[str] | None = None) -> ClifTables:
    """Read the tables; of those with a hospitalisation, only the wanted ones (None: all).

    Raises DataError when the folder lacks patient or hospitalization, or a wanted hospitalisation.
    """
    frames, missing = {}, []
    for name, columns in COLUMNS.items():
        path = find_table(Path(folder), name)
        if path is None:
            missing.append(name)
            frames[name] = pandas().DataFrame(columns=list(columns))
            continue
        missing += [f"{name}.{column}" for column in absent_columns(path, columns)]
        frames[name] = typed(read_columns(path, columns))
    wanted = None if hospitalisations is None else [str(stay) for stay in hospitalisations]
    stays = _stays(frames.pop("hospitalization"), frames.pop("patient"), wanted)
    chosen = {name: frame[frame["hospitalization_id"].isin(stays)] for name, frame in frames.items()}
    origin = _origins(stays, chosen["adt"], chosen["respiratory_support"])
    rows = {name: _by_stay(frame, origin) for name, frame in chosen.items()}
    return ClifTables(stays, origin, rows, tuple(missing))


def find_table(folder: Path, name: str) -> Path | None:
    """The file of a table (clif_NAME.parquet or .csv, with or without the prefix), None when there is none.

    Raises DataError when a required table is not there.
    """
    wanted = {f"{prefix}{name}{end}" for prefix in ("clif_", "") for end in (".parquet", ".csv", ".csv.gz")}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name.lower() in wanted:
            return path
    if name in REQUIRED:
        raise DataError(
            f"CLIF folder {folder.name}",
            seen=seen_instead_of(folder, name),
            wanted=f"clif_{name}.parquet or clif_{name}.csv",
            fix="name the folder that holds the CLIF tables",
        )
    return None


def typed(frame: Any) -> Any:
    """Names and categories as text, times in UTC, the rest as numbers; what cannot be read is missing."""
    pd = pandas()
    for column in frame.columns:
        if column.endswith("_dttm"):
            frame[column] = pd.to_datetime(frame[column], utc=True, errors="coerce")
        elif column.endswith(_TEXT):
            frame[column] = frame[column].astype("object").where(frame[column].notna(), None)
            if column.endswith("_id"):
                frame[column] = frame[column].map(lambda v: None if v is None else str(v).removesuffix(".0"))
        else:
            frame[column] = pd.to_numeric(frame[column], errors="coerce").astype("float64")
    return frame


def _origins(stays: Mapping[str, Mapping[str, Any]], places: Any, support: Any) -> dict[str, Any]:
    care = places[places["location_category"].fillna("").str.lower() == "icu"]
    first = care.groupby("hospitalization_id")["in_dttm"].min()
    supported = support.groupby("hospitalization_id")["recorded_dttm"].min()
    known = {**supported.dropna().to_dict(), **first.dropna().to_dict()}
    return {stay: known.get(stay, row["admission_dttm"]) for stay, row in stays.items()}


def _by_stay(frame: Any, origin: Mapping[str, Any]) -> dict[str, Columns]:
    """Arrays by hospitalisation and column; times in hours from its origin."""
    if not len(frame):
        return {}
    pd = pandas()
    frame = frame.sort_values("hospitalization_id", kind="stable")
    start = pd.to_datetime(frame["hospitalization_id"].map(origin), utc=True)
    columns = {}
    for name in frame.columns:
        column = frame[name]
        if name.endswith("_dttm"):
            columns[name.replace("_dttm", "_h")] = ((column - start) / pd.Timedelta(hours=1)).to_numpy(dtype=float)
        elif name.endswith(_TEXT):
            lower = not name.endswith(("_id", "_unit"))
            text = column.where(column.notna(), "").astype(str)
            columns[name] = (text.str.lower() if lower else text).to_numpy(dtype=object)
        else:
            columns[name] = column.to_numpy(dtype=float)
    stays, first = np.unique(columns["hospitalization_id"].astype(str), return_index=True)
    ends = [*first[1:], len(frame)]
    return {
        str(stay): {name: column[start:end] for name, column in columns.items()}
        for stay, start, end in zip(stays, first, ends, strict=True)
    }


def _stays(admitted: Any, patients: Any, wanted: list[str] | None) -> dict[str, Mapping[str, Any]]:
    joined = admitted.merge(patients.drop_duplicates("patient_id"), on="patient_id", how="left")
    found = {row["hospitalization_id"]: row for row in joined.to_dict("records") if row["hospitalization_id"]}
    absent = [stay for stay in wanted or () if stay not in found]
    if absent:
        raise DataError(
            "CLIF folder",
            seen=f"no hospitalisation {absent[0]}",
            wanted=f"one of {len(found)}, such as {', '.join(list(found)[:3])}",
            fix="take one of the column hospitalization_id of its tables",
        )
    return found if wanted is None else {stay: found[stay] for stay in wanted}
