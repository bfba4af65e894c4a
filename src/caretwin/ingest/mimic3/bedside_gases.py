"""Blood gases of MIMIC-III joined to ventilator settings, and pairs of them, with every cleaning decision to be seen.

The tables derived_abg_states and derived_abg_pairs hold, for one gas, the latest charted setting or vital sign of the 4
hours before it (haemoglobin: 24 hours). Nothing is dropped here: a row says what its specimen was called, and a pair
whether both its specimens were called arterial. Times are local clock times moved by an unknown shift per patient; a
zone written beside them is no zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from caretwin.base.counted import counted
from caretwin.base.errors import DataError
from caretwin.ingest.bedside.frames import absent_columns, pandas, read_columns
from caretwin.ingest.table_folder import seen_instead_of

COLUMNS = {
    "ph": ("arterial_ph", 1.0),
    "pco2": ("arterial_carbon_dioxide_pressure", 1.0),
    "po2": ("arterial_oxygen_pressure", 1.0),
    "be": ("base_excess", 1.0),
    "lactate": ("lactate", 1.0),
    "hb": ("haemoglobin", 1.0),
    "peep": ("peep", 1.0),
    "fio2": ("fio2", 1.0),
    "vt": ("tidal_volume", 0.001),
    "vt_set": ("tidal_volume_set", 0.001),
    "rr": ("respiratory_rate", 1.0),
    "rr_set": ("respiratory_rate_set", 1.0),
    "pplat": ("plateau_pressure", 1.0),
    "pip": ("peak_pressure", 1.0),
    "mpaw": ("mean_airway_pressure", 1.0),
    "mv": ("minute_ventilation", 1.0),
    "hr": ("heart_rate", 1.0),
    "map": ("mean_arterial_pressure", 1.0),
    "cvp": ("central_venous_pressure", 1.0),
    "spo2": ("oxygen_saturation", 1.0),
    "temp": ("temperature", 1.0),
}
"""Channel and factor to its unit: tidal volumes are in mL, all else is in the unit of the channel."""
KEYS = ("subject_id", "charttime", "specimen")
UNLABELLED = ""
FIO2_CHANGED = 0.04
"""A change of FiO2 above this counts as one: the task of the field guide, section 5."""


@dataclass(frozen=True)
class GasStates:
    """Gases in the order of the table.

    subject   [n]  number of the patient
    time      [n]  when the sample was charted, on the patient's shifted clock
    specimen  [n]  "ART", "MIX" or what else the table says; "" when it says nothing
    values    by channel name, [n] in the channel's unit, NaN where absent; as charted, artefacts included
    missing   columns that the table does not have
    """

    subject: Int[np.ndarray, " n"]
    time: np.ndarray
    specimen: np.ndarray
    values: dict[str, Float[np.ndarray, " n"]]
    missing: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.subject)

    @property
    def arterial(self) -> Bool[np.ndarray, " n"]:
        """Whether the specimen was called arterial (ART)."""
        return np.asarray(self.specimen == "ART")

    def select(self, rows: np.ndarray) -> GasStates:
        """The rows of a mask or of an index."""
        values = {name: value[rows] for name, value in self.values.items()}
        return GasStates(self.subject[rows], self.time[rows], self.specimen[rows], values, self.missing)


@dataclass(frozen=True)
class GasPairs:
    """Two consecutive gases of a patient, at most 12 h apart, with PEEP and FiO2 known at both."""

    before: GasStates
    after: GasStates

    def __len__(self) -> int:
        return len(self.before)

    @property
    def interval_h(self) -> Float[np.ndarray, " n"]:
        """Hours between the two."""
        return np.asarray((self.after.time - self.before.time) / np.timedelta64(1, "s") / 3600.0)

    @property
    def clean(self) -> Bool[np.ndarray, " n"]:
        """Both specimens called arterial: mixed venous and unlabelled ones are out."""
        return np.asarray(self.before.arterial & self.after.arterial)

    @property
    def fio2_changed(self) -> Bool[np.ndarray, " n"]:
        """FiO2 changed by more than 0.04."""
        return np.abs(self.difference("fio2")) > FIO2_CHANGED

    @property
    def peep_changed(self) -> Bool[np.ndarray, " n"]:
        """PEEP differs."""
        difference = self.difference("peep")
        return np.isfinite(difference) & (difference != 0)

    @property
    def breath_changed(self) -> Bool[np.ndarray, " n"]:
        """The set tidal volume or rate differs, where both are known."""
        volume, rate = self.difference("tidal_volume_set"), self.difference("respiratory_rate_set")
        return (np.isfinite(volume) & (volume != 0)) | (np.isfinite(rate) & (rate != 0))

    @property
    def unchanged(self) -> Bool[np.ndarray, " n"]:
        """None of FiO2 (beyond 0.04), PEEP, set tidal volume and set rate changed."""
        return ~(self.fio2_changed | self.peep_changed | self.breath_changed)

    @property
    def ventilation_known(self) -> Bool[np.ndarray, " n"]:
        """Tidal volume above 50 mL and rate above 4 /min at both: the pairs on which PaCO2 is scored."""
        known = np.ones(len(self), dtype=bool)
        for state in (self.before, self.after):
            known &= (state.values["tidal_volume"] > 0.050) & (state.values["respiratory_rate"] > 4)
        return known

    def difference(self, channel: str) -> Float[np.ndarray, " n"]:
        """After minus before, NaN where either is absent."""
        return np.asarray(self.after.values[channel] - self.before.values[channel])

    def select(self, rows: np.ndarray) -> GasPairs:
        """The pairs of a mask or of an index."""
        return GasPairs(self.before.select(rows), self.after.select(rows))


def gas_states(folder: str | Path) -> GasStates:
    """Every gas of derived_abg_states with what was charted in the hours before it.

    Raises DataError when the table or one of its keys (subject, time) is missing; another missing column is NaN and
    named in ``missing``.
    """
    path = _table(folder, "derived_abg_states")
    columns = (*KEYS, *COLUMNS)
    return _states(read_columns(path, columns), "", absent_columns(path, columns), path.name)


def gas_pairs(folder: str | Path) -> GasPairs:
    """Every pair of derived_abg_pairs. Raises DataError as :func:`gas_states` does.

    >>> pairs = gas_pairs("shared/data/mimic3_demo")                             # doctest: +SKIP
    >>> len(pairs), int(pairs.clean.sum()), int((pairs.clean & pairs.fio2_changed).sum())   # doctest: +SKIP
    (275, 247, 69)
    """
    path = _table(folder, "derived_abg_pairs")
    first = (*KEYS, *COLUMNS)
    second = tuple(f"{name}_next" for name in first if name != "subject_id")
    frame, missing = read_columns(path, (*first, *second)), absent_columns(path, (*first, *second))
    before = _states(frame, "", missing, path.name)
    return GasPairs(before, _states(frame, "_next", missing, path.name))


def _table(folder: str | Path, name: str) -> Path:
    folder = Path(folder)
    for end in (".parquet", ".csv", ".csv.gz"):
        if (folder / f"{name}{end}").is_file():
            return folder / f"{name}{end}"
    raise DataError(
        f"MIMIC-III folder {folder.name}",
        seen=seen_instead_of(folder, name),
        wanted=f"{name}.parquet or {name}.csv",
        fix="name the folder with the derived tables of blood gases beside those of MIMIC-III",
    )


def _states(frame: Any, end: str, missing: tuple[str, ...], where: str) -> GasStates:
    pd = pandas()
    subject, time = pd.to_numeric(frame["subject_id"], errors="coerce"), local_time(frame[f"charttime{end}"])
    unknown = int((subject.isna() | time.isna()).sum())
    if unknown:
        raise DataError(
            f"table {where}",
            seen=f"{counted(unknown, 'row')} without a readable subject_id or charttime{end}",
            wanted="the patient's number and the time of every gas",
            fix="repair or remove those rows",
        )
    values = {
        channel: pd.to_numeric(frame[f"{column}{end}"], errors="coerce").to_numpy(dtype=float) * factor
        for column, (channel, factor) in COLUMNS.items()
    }
    specimen = frame[f"specimen{end}"].astype("object").where(frame[f"specimen{end}"].notna(), UNLABELLED)
    return GasStates(
        subject.to_numpy(dtype=int),
        time.to_numpy(dtype="datetime64[ns]"),
        specimen.astype(str).str.strip().str.upper().to_numpy(dtype=object),
        values,
        tuple(name for name in missing if name.endswith("_next") == bool(end)),
    )


def local_time(column: Any) -> Any:
    """Clock times without a zone from a column of MIMIC-III, whatever zone is written beside them."""
    pd = pandas()
    text = column.astype("string").str.replace("T", " ", regex=False).str.slice(0, 19)
    return pd.to_datetime(text, format="%Y-%m-%d %H:%M:%S", errors="coerce")
