"""The tables of MIMIC-III that drug monitoring needs, from parquet, CSV or compressed CSV, in any spelling
of columns.

Times in MIMIC-III are local clock times moved by an unknown shift per patient: they are read without a zone
(a
trailing Z is not UTC) and only ever compared within one patient. Source of the table descriptions: Johnson
2016, Sci Data 3:160035, doi:10.1038/sdata.2016.35.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caretwin.base.errors import DataError
from caretwin.ingest.table_folder import seen_instead_of

COLUMNS = {
    "patients": ("subject_id", "gender", "dob"),
    "admissions": ("subject_id", "hadm_id", "admittime", "dischtime"),
    "icustays": ("subject_id", "hadm_id", "icustay_id", "dbsource", "intime", "outtime"),
    "labevents": ("subject_id", "hadm_id", "itemid", "charttime", "value", "valuenum", "valueuom"),
    "chartevents": ("subject_id", "hadm_id", "itemid", "charttime", "value", "valuenum", "valueuom", "error"),
    "inputevents_mv": (
        "subject_id", "hadm_id", "itemid", "starttime", "endtime", "amount", "amountuom",
        "ordercategoryname", "statusdescription", "patientweight",
    ),
    "inputevents_cv": ("subject_id", "hadm_id", "itemid", "charttime", "amount", "amountuom"),
    "outputevents": ("subject_id", "hadm_id", "itemid", "charttime", "value"),
    "procedureevents_mv": ("subject_id", "hadm_id", "itemid", "starttime", "endtime"),
    "prescriptions": (
        "subject_id", "hadm_id", "startdate", "enddate", "drug", "dose_val_rx", "dose_unit_rx", "route",
    ),
    "diagnoses_icd": ("subject_id", "hadm_id", "icd9_code"),
    "d_items": ("itemid", "label", "linksto"),
}  # fmt: skip
REQUIRED = ("patients", "admissions", "labevents")
TIMES = (
    "dob",
    "admittime",
    "dischtime",
    "intime",
    "outtime",
    "charttime",
    "starttime",
    "endtime",
    "startdate",
    "enddate",
)
NUMBERS = (
    "subject_id",
    "hadm_id",
    "itemid",
    "valuenum",
    "amount",
    "rate",
    "totalamount",
    "patientweight",
    "error",
)
ROWS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Mimic3:
    """Tables by name, as pandas frames with lower-case columns, parsed times and numbers.

    missing  names of tables and columns that the folder does not have: they count as empty
    """

    tables: dict[str, Any]
    missing: tuple[str, ...]

    def of(self, table: str, subject: int) -> Any:
        """The rows of one patient."""
        frame = self.tables[table]
        return frame[frame["subject_id"] == subject]


def read_mimic3(folder: str | Path, chart_items: Iterable[int], lab_items: Iterable[int]) -> Mimic3:
    """Read the tables; of chartevents and labevents only the wanted items.

    Raises DataError when the folder lacks patients, admissions or labevents.
    """
    wanted = {"chartevents": set(chart_items), "labevents": set(lab_items)}
    tables, missing = {}, []
    for name, columns in COLUMNS.items():
        path = _find(Path(folder), name)
        if path is None:
            missing.append(name)
            if name in REQUIRED:
                raise DataError(
                    f"MIMIC-III folder {Path(folder).name}",
                    seen=seen_instead_of(folder, name),
                    wanted=f"{name}.parquet, {name}.csv or {name}.csv.gz",
                    fix="name the folder that holds the tables of MIMIC-III 1.4 or of its demo",
                )
        frame, absent = _typed(_read(path, columns, wanted.get(name)), columns)
        missing += [f"{name}.{column}" for column in absent if path is not None]
        tables[name] = frame
    return Mimic3(tables, tuple(missing))


def _find(folder: Path, name: str) -> Path | None:
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name.lower() in {f"{name}.parquet", f"{name}.csv", f"{name}.csv.gz"}:
            return path
    return None


def _read(path: Path | None, columns: tuple[str, ...], items: set[int] | None) -> Any:
    import pandas

    if path is None:
        return pandas.DataFrame(columns=list(columns))
    if path.suffix == ".parquet":
        import pyarrow.parquet

        present = [c for c in pyarrow.parquet.read_schema(path).names if c.lower() in columns]
        return _chosen(pandas.read_parquet(path, columns=present), items)
    chunks = pandas.read_csv(
        path,
        usecols=lambda c: c.lower() in columns,
        dtype=str,
        chunksize=ROWS_AT_ONCE,
        encoding_errors="replace",
    )
    return pandas.concat([_chosen(chunk, items) for chunk in chunks], ignore_index=True)


def _chosen(frame: Any, items: set[int] | None) -> Any:
    import pandas

    frame.columns = [c.lower() for c in frame.columns]
    if items is None or "itemid" not in frame.columns:
        return frame
    return frame[pandas.to_numeric(frame["itemid"], errors="coerce").isin(items)]


def _typed(frame: Any, columns: tuple[str, ...]) -> tuple[Any, list[str]]:
    """The frame with every wanted column, times and numbers parsed (what cannot be parsed is missing)."""
    import pandas

    absent = [c for c in columns if c not in frame.columns]
    frame = frame.reindex(columns=list(columns)).reset_index(drop=True)
    for column in columns:
        if column in TIMES:
            text = frame[column].astype("string").str.replace("T", " ").str.replace("Z", "")
            frame[column] = pandas.to_datetime(text, format="%Y-%m-%d %H:%M:%S", errors="coerce")
        elif column in NUMBERS:
            frame[column] = pandas.to_numeric(frame[column], errors="coerce").astype("float64")
        else:
            frame[column] = frame[column].astype("object").where(frame[column].notna(), None)
    return frame, absent
