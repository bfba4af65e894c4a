"""Bedside records of MIMIC-III: gases, ventilator settings and vital signs, one record for each admission with a gas.

A gas is taken to be known when it was drawn: labevents of MIMIC-III has no time of result, and the published task
counts a gas as known at its time (blood-gas analysers stand in the ward; elsewhere their median delay is 3 to 5 min).
A setting or vital sign stands at the time of the gas beside which it was found, up to 4 h after it was charted, or,
on request, at the time at which it was charted. Hour 0 is the first gas of the admission.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from caretwin.ingest.bedside import person as bedside_person
from caretwin.ingest.bedside.frames import absent_columns, pandas, read_columns
from caretwin.ingest.bedside.quality import judge
from caretwin.ingest.findings import Findings
from caretwin.ingest.mimic3.bedside_chart import Chart
from caretwin.ingest.mimic3.bedside_gases import GasPairs, GasStates, gas_states, local_time
from caretwin.ingest.mimic3.covariates import HEIGHT_CM, HEIGHT_INCHES, WEIGHT_KG, WEIGHT_LB, age
from caretwin.record.bedside import BedsideRecord, Person, Quality, Signal, channels

KG_PER_POUND = 0.45359237
CM_PER_INCH = 2.54
SPECIMEN_CHANNELS = (
    "arterial_ph",
    "arterial_carbon_dioxide_pressure",
    "arterial_oxygen_pressure",
    "base_excess",
)
LABORATORY = (*SPECIMEN_CHANNELS, "lactate", "haemoglobin")
NEAR_ADMISSION = np.timedelta64(24, "h")
"""A gas of the emergency department or just after a discharge belongs to the admission. Assumed."""
TABLES = {
    "patients": ("subject_id", "gender", "dob"),
    "admissions": ("subject_id", "hadm_id", "admittime", "dischtime", "ethnicity"),
    "chartevents": ("subject_id", "itemid", "charttime", "valuenum"),
}
BODY_ITEMS = (*WEIGHT_KG, *WEIGHT_LB, *HEIGHT_CM, *HEIGHT_INCHES)


class Stay(NamedTuple):
    """One admission of a patient with a gas: its key, and the time of hour 0 on the patient's clock."""

    key: str
    subject: int
    admission: int | None
    origin: np.datetime64


def read_mimic3_bedside(
    folder: str | Path, *, charted: bool = False, judged: bool = True
) -> Mapping[str, BedsideRecord]:
    """Bedside records by "subject-admission" ("subject" for gases outside every admission).

    folder   tables of MIMIC-III with derived_abg_states; patients, admissions and chartevents where they are
    charted  True takes settings and vital signs from chartevents at the times at which they were charted, from a day
             before the first gas to a day after the last, and only the gases from the derived table
    judged   False leaves every value as it was charted, in the channels' units (to count what rules find)
    Returns records with times in hours from the first gas of the admission, in the channels' units.
    Raises DataError when derived_abg_states is missing; another missing table or column is a finding of each record.

    >>> records = read_mimic3_bedside("shared/data/mimic3_demo")                   # doctest: +SKIP
    >>> len(records["10027-199395"].observations["arterial_oxygen_pressure"])      # doctest: +SKIP
    34
    """
    states, tables = gas_states(folder), _Tables(Path(folder))
    chart = Chart(Path(folder)) if charted else None
    found = {}
    for stay, rows in stays(folder, states):
        record = _record(stay, states.select(rows), tables, chart)
        found[stay.key] = judge(record) if judged else record
    return found


def stays(folder: str | Path, states: GasStates) -> Iterator[tuple[Stay, np.ndarray]]:
    """The stays of the gases, each with the rows of its gases in order of time."""
    admissions = _Tables(Path(folder)).frame("admissions")
    admission = _admission_of(states, admissions)
    for subject in np.unique(states.subject):
        mine = states.subject == subject
        for number in np.unique(admission[mine]):
            rows = np.flatnonzero(mine & (admission == number))
            rows = rows[np.argsort(states.time[rows], kind="stable")]
            known = int(number) if number >= 0 else None
            key = str(subject) if known is None else f"{subject}-{known}"
            yield Stay(key, int(subject), known, states.time[rows[0]]), rows


class PairPlaces(NamedTuple):
    """Where a pair of gases stands in the records: key of the record and hours of the two gases."""

    key: np.ndarray
    before_h: Float[np.ndarray, " n"]
    after_h: Float[np.ndarray, " n"]


def places(folder: str | Path, pairs: GasPairs) -> PairPlaces:
    """The record and the hours of both gases of each pair [n]; a key of "" when its first gas is in no record."""
    states = gas_states(folder)
    at = {(int(states.subject[row]), states.time[row]): stay for stay, rows in stays(folder, states) for row in rows}
    found = [at.get((int(s), t)) for s, t in zip(pairs.before.subject, pairs.before.time, strict=True)]
    origin = np.array([np.datetime64("NaT") if stay is None else stay.origin for stay in found], dtype="datetime64[ns]")
    hour = np.timedelta64(3600, "s")
    return PairPlaces(
        np.array(["" if stay is None else stay.key for stay in found], dtype=object),
        (pairs.before.time - origin) / hour,
        (pairs.after.time - origin) / hour,
    )


def _admission_of(states: GasStates, admissions: Any) -> np.ndarray:
    """Number of the admission around each gas [n], the nearest within a day of it, or -1."""
    found = np.full(len(states), -1)
    distance = np.full(len(states), np.timedelta64(10**9, "s"))
    for row in admissions.to_dict("records"):
        start, end = np.datetime64(row["admittime"], "s"), np.datetime64(row["dischtime"], "s")
        if np.isnat(start) or np.isnat(end):
            continue
        time = states.time.astype("datetime64[s]")
        away = np.abs(np.clip(time, start, end) - time)
        nearer = (states.subject == row["subject_id"]) & (away <= NEAR_ADMISSION) & (away < distance)
        found[nearer], distance[nearer] = int(row["hadm_id"]), away[nearer]
    return found


class _Tables:
    """The tables about persons, read once; an absent one is empty and named in ``missing``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._frames: dict[str, Any] = {}
        self.missing: list[str] = []

    def frame(self, name: str) -> Any:
        """The frame of a table with numbers and local times."""
        if name not in self._frames:
            self._frames[name] = self._read(name)
        return self._frames[name]

    def _read(self, name: str) -> Any:
        pd, columns = pandas(), TABLES[name]
        paths = [self._folder / f"{name}{end}" for end in (".parquet", ".csv", ".csv.gz")]
        path = next((p for p in paths if p.is_file()), None)
        if path is None:
            self.missing.append(name)
            return pd.DataFrame(columns=list(columns))
        self.missing += [f"{name}.{column}" for column in absent_columns(path, columns)]
        frame = read_columns(path, columns)
        for column in columns:
            if column in ("charttime", "dob", "admittime", "dischtime"):
                frame[column] = local_time(frame[column])
            elif column not in ("gender", "ethnicity"):
                frame[column] = pd.to_numeric(frame[column], errors="coerce")
        return frame[frame["itemid"].isin(BODY_ITEMS)] if name == "chartevents" else frame


def _record(stay: Stay, states: GasStates, tables: _Tables, chart: Chart | None) -> BedsideRecord:
    findings = Findings()
    time = (states.time - stay.origin) / np.timedelta64(3600, "s")
    person = _person(stay, tables, findings)
    for name in dict.fromkeys((*tables.missing, *states.missing, *(chart.missing if chart else ()))):
        findings.info(None, None, seen=f"no {name} in the folder", wanted=name, fix="it is absent from the record")
    if stay.admission is None:
        seen = "gases outside every admission of the patient"
        findings.warning(
            None, None, seen=seen, wanted="gases of one admission", fix="they are in a record of their own"
        )
    quality = _specimen_quality(states, findings)
    observations: dict[str, Signal] = {}
    settings: dict[str, Signal] = {}
    if chart is not None:
        day = np.timedelta64(24, "h")
        observations, settings = chart.between(
            stay.subject, states.time[0] - day, states.time[-1] + day, stay.origin, findings
        )
    for name, value in states.values.items():
        if chart is not None and name not in LABORATORY:
            continue
        there = np.isfinite(value)
        judged = quality[there] if name in SPECIMEN_CHANNELS else None
        signal = Signal.of(time[there], value[there], quality=judged)
        if there.any():
            (settings if channels()[name].kind == "setting" else observations)[name] = signal
    return BedsideRecord(person, observations, settings, findings.all)


def _specimen_quality(states: GasStates, findings: Findings) -> np.ndarray:
    """A specimen called mixed is no arterial one (refused); one without a name may be (suspect)."""
    mixed, unnamed = states.specimen == "MIX", states.specimen == ""
    other = ~(states.arterial | mixed | unnamed)
    for rows, word, fix in (
        (mixed | other, "called mixed or otherwise", "they are refused as arterial gases"),
        (unnamed, "without a name of the specimen", "they are marked as suspect"),
    ):
        if rows.any():
            seen = f"{int(rows.sum())} gases {word}"
            findings.warning(None, "arterial_oxygen_pressure", seen=seen, wanted="arterial specimens", fix=fix)
    refused = np.where(mixed | other, int(Quality.REFUSED), int(Quality.GOOD))
    return np.where(unnamed, int(Quality.SUSPECT), refused)


def _person(stay: Stay, tables: _Tables, findings: Findings) -> Person:
    patients, admissions, chart = (tables.frame(name) for name in TABLES)
    mine = patients[patients["subject_id"] == stay.subject]
    entered = admissions[(admissions["subject_id"] == stay.subject) & (admissions["hadm_id"] == stay.admission)]
    body = chart[(chart["subject_id"] == stay.subject) & chart["charttime"].notna() & chart["valuenum"].notna()]
    since = (body["charttime"].to_numpy(dtype="datetime64[s]") - stay.origin) / np.timedelta64(3600, "s")
    near = np.abs(since) < 24.0 * 60  # a weight of another admission, months away, is not this body's
    return Person(
        stay.key,
        bedside_person.sex(_text(mine, "gender")),
        _age(mine, entered, stay, findings),
        bedside_person.height(*_measured(body, since, HEIGHT_CM, HEIGHT_INCHES, CM_PER_INCH), findings),
        bedside_person.weight(*_measured(body[near], since[near], WEIGHT_KG, WEIGHT_LB, KG_PER_POUND), findings),
        _text(entered if len(entered) else admissions[admissions["subject_id"] == stay.subject], "ethnicity"),
    )


def _age(patient: Any, entered: Any, stay: Stay, findings: Findings) -> float | None:
    if not len(patient):
        return None
    at = entered["admittime"].iloc[0] if len(entered) else pandas().Timestamp(stay.origin)
    found = age(patient["dob"].iloc[0], at)
    if found is not None and found[1]:
        findings.info(None, "age", seen=found[1], wanted="the age in years", fix="give the age if it is known")
    return None if found is None else found[0]


def _measured(
    rows: Any, since_h: np.ndarray, plain: tuple[int, ...], other: tuple[int, ...], factor: float
) -> tuple[np.ndarray, np.ndarray]:
    """Hours and values of two kinds of items, the second kind times a factor."""
    item, value = rows["itemid"].to_numpy(), rows["valuenum"].to_numpy(dtype=float)
    first, second = np.isin(item, plain), np.isin(item, other)
    return (
        np.concatenate([since_h[first], since_h[second]]),
        np.concatenate([value[first], value[second] * factor]),
    )


def _text(rows: Any, column: str) -> str | None:
    found = [value for value in rows[column] if isinstance(value, str) and value]
    return found[0] if found else None
