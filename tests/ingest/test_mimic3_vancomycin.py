"""MIMIC-III vancomycin: the counts of the field guide, and the traps one by one on a small invented folder.

The counts are those of shared/field/dosing.md section 6, found there by separate code.
"""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from tests.paths import shared

from caretwin.base.errors import DataError
from caretwin.ingest.mimic3 import covariates
from caretwin.ingest.mimic3.clock import Clock
from caretwin.ingest.mimic3.doses import MOST_HISTORIES
from caretwin.ingest.mimic3.vancomycin import Joined, join_mimic3_vancomycin, read_mimic3_vancomycin

# On the real patients


@pytest.fixture(scope="module")
def demo() -> Joined:
    return join_mimic3_vancomycin(shared("data", "mimic3_demo"))


@pytest.mark.parametrize(
    ("what", "rows", "patients"),
    [
        ("vancomycin levels in the laboratory", 102, 17),
        ("given doses (MetaVision)", 36, 10),
        ("given doses, intravenous and not rewritten", 32, 10),
        ("orders", 85, 29),
        ("levels inside an admission", 80, 16),
        ("levels with a dose or an order in the 3 days before", 63, 13),
        ("of these, levels with clock times of given doses", 12, 3),
    ],
)
def test_the_counts_agree_with_the_field_guide(demo: Joined, what: str, rows: int, patients: int) -> None:
    assert (what, rows, patients) in demo.counts


@pytest.mark.parametrize(
    ("what", "reason", "rows"),
    [
        ("dose", "rewritten", 2),
        ("dose", "oral", 2),
        ("order", "route PO", 5),
        ("order", "route PR", 2),
        ("order", "ends before it starts", 1),
        ("level", "continuous renal replacement", 24),
        ("level", "outside every admission", 20),
        ("level", "before its admission", 2),
    ],
)
def test_what_is_refused_agrees_with_the_field_guide(demo: Joined, what: str, reason: str, rows: int) -> None:
    assert sum(r.what == what and reason in r.reason for r in demo.refusals) == rows


def test_every_level_ends_in_one_place(demo: Joined) -> None:
    used = sum(len(record.levels) for record in demo.records)
    refused = sum(refusal.what == "level" for refusal in demo.refusals)
    assert used + refused == 102


def test_patients_without_an_order_are_refused_for_it(demo: Joined) -> None:
    without = {r.subject for r in demo.refusals if "no given dose and no intravenous order" in r.reason}
    assert without == {"10069", "10130", "43798"}  # 10114's only level lies outside every admission


def test_patients_with_clock_times_have_the_doses_of_the_table_and_their_ordered_milligrams(
    demo: Joined,
) -> None:
    doses = {r.subject.split("-")[0]: r.doses for r in demo.records}
    assert {s: len(doses[s]) for s in ("40595", "42075", "42135")} == {"40595": 9, "42075": 8, "42135": 6}
    assert {d.amount for s in ("40595", "42075", "42135") for d in doses[s]} == {1000.0}


def test_the_levels_of_a_patient_one_hour_off_are_moved_to_the_clock_of_the_doses(demo: Joined) -> None:
    """42135 was always one hour apart: 03:01 in the laboratory is 04:01 in the chart, 79.0 h after 21:00."""
    record = next(r for r in demo.records if r.subject.startswith("42135"))
    assert record.levels[0].time_h == pytest.approx(3 * 24 + 7 + 1 / 60)
    switching = next(r for r in demo.records if r.subject.startswith("40595"))
    assert switching.levels[0].time_h == pytest.approx(2 * 24 + 9 + 17 / 60)  # charted at 20:03, admitted 10:46
    assert switching.levels[1].time_h == pytest.approx(2 * 24 + 20 + 23 / 60)  # charted at 07:09, as in the laboratory


def test_records_are_usable_and_their_uncertain_doses_are_a_short_weighted_list(demo: Joined) -> None:
    for record in demo.records:
        histories = record.histories()
        assert 1 < len(histories) <= MOST_HISTORIES
        assert sum(h.weight for h in histories) == pytest.approx(1.0)
        assert len({h.doses for h in histories}) == len(histories)
        names = {c.name for c in record.covariates}
        assert {"AGE", "FEMALE", "WT", "SCR", "DIAL", "CRRT"} <= names
        assert all(25 <= c.value <= 250 for c in record.covariate("WT"))
        assert all(0 < c.value <= 25 for c in record.covariate("SCR"))
        assert all(16 < c.value < 100 for c in record.covariate("AGE"))


def test_a_weight_that_grows_with_fluid_is_reported_and_damped(demo: Joined) -> None:
    record = next(r for r in demo.records if r.subject.startswith("42135"))
    assert max(c.value for c in record.covariate("WT")) < 70  # charted: 56 to 88.8 kg within 17 days
    assert any("88.8 kg" in f.seen for f in record.findings)


# On an invented folder


def tables() -> dict[str, pd.DataFrame]:
    """One invented patient: admitted 1 March 2150 at 06:00, ordered and given 1 g, one level, all on one clock."""
    day = "2150-03-0"
    return {
        "patients": pd.DataFrame({"subject_id": [1], "gender": ["F"], "dob": ["2080-01-01 00:00:00"]}),
        "admissions": pd.DataFrame(
            {"subject_id": [1], "hadm_id": [11], "admittime": [day + "1 06:00:00"], "dischtime": [day + "9 06:00:00"]}
        ),
        "icustays": pd.DataFrame(
            {"subject_id": [1], "hadm_id": [11], "icustay_id": [5], "dbsource": ["metavision"],
             "intime": [day + "1 06:00:00"], "outtime": [day + "9 06:00:00"]}
        ),
        "labevents": pd.DataFrame(
            {"subject_id": 1, "hadm_id": 11, "itemid": [51009, 50912],
             "charttime": [day + "2 08:00:00", day + "1 07:00:00"],
             "value": ["12.5", "1.1"], "valuenum": [12.5, 1.1], "valueuom": ["ug/mL", "mg/dL"]}
        ),
        "chartevents": pd.DataFrame(
            {"subject_id": 1, "hadm_id": 11, "itemid": [226512], "charttime": [day + "1 07:00:00"], "value": ["70"],
             "valuenum": [70.0], "valueuom": ["kg"], "error": [0]}
        ),
        "inputevents_mv": pd.DataFrame(
            {"subject_id": 1, "hadm_id": 11, "itemid": [225798], "starttime": [day + "1 20:00:00"],
             "endtime": [day + "1 20:01:00"], "amount": [1.0], "amountuom": ["dose"],
             "ordercategoryname": ["08-Antibiotics (IV)"], "statusdescription": ["FinishedRunning"],
             "patientweight": [71.0]}
        ),
        "prescriptions": pd.DataFrame(
            {"subject_id": 1, "hadm_id": 11, "startdate": [day + "1 00:00:00"], "enddate": [day + "4 00:00:00"],
             "drug": ["Vancomycin"], "dose_val_rx": ["1,250"], "dose_unit_rx": ["mg"], "route": ["IV"]}
        ),
        "diagnoses_icd": pd.DataFrame({"subject_id": [1], "hadm_id": [11], "icd9_code": ["4019"]}),
        "d_items": pd.DataFrame({"itemid": [40286], "label": ["Ultrafiltrate"], "linksto": ["outputevents"]}),
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path):
    def writing(changed: dict[str, pd.DataFrame]) -> Path:
        for name, frame in changed.items():
            frame.rename(columns=str.upper).to_csv(tmp_path / f"{name.upper()}.csv", index=False)
        return tmp_path

    return writing


def test_upper_case_csv_files_are_read_like_the_parquet_ones(folder) -> None:
    records, refusals = read_mimic3_vancomycin(folder(tables()))
    (record,) = records
    assert [(d.time_h, d.amount) for d in record.doses] == [(14.0, 1250.0)]
    assert [(v.time_h, v.value) for v in record.levels] == [(26.0, 12.5)]
    assert record.covariate("AGE")[0].value == 70.0
    assert refusals == []


def test_the_infusion_time_is_a_list_of_possibilities(folder) -> None:
    (record,), _ = read_mimic3_vancomycin(folder(tables()))
    assert {h.doses[0].duration_h for h in record.histories()} == {1.25, 1.875, 2.5}
    assert all("assumed" in h.label for h in record.histories())


def test_a_given_dose_without_an_order_has_a_list_of_amounts(folder) -> None:
    changed = tables()
    changed["prescriptions"] = changed["prescriptions"].iloc[:0]
    (record,), _ = read_mimic3_vancomycin(folder(changed))
    assert {h.doses[0].amount for h in record.histories()} == {500.0, 750.0, 1000.0, 1250.0, 1500.0}
    assert len(record.histories()) <= MOST_HISTORIES


def test_orders_alone_become_possible_times_and_intervals(folder) -> None:
    changed = tables()
    changed["inputevents_mv"] = changed["inputevents_mv"].iloc[:0]
    changed["icustays"] = changed["icustays"].assign(dbsource="carevue")
    (record,), _ = read_mimic3_vancomycin(folder(changed))
    histories = record.histories()
    assert 4 < len(histories) <= MOST_HISTORIES
    gaps = {round(b.time_h - a.time_h, 6) for h in histories for a, b in zip(h.doses, h.doses[1:], strict=False)}
    assert gaps == {8.0, 12.0, 24.0, 48.0}
    assert all(0 <= d.time_h < 78 for h in histories for d in h.doses)  # from admission to noon of the last day


def test_overlapping_orders_are_no_double_dosing(folder) -> None:
    changed = tables()
    changed["inputevents_mv"] = changed["inputevents_mv"].iloc[:0]
    changed["icustays"] = changed["icustays"].iloc[:0]
    (once,), _ = read_mimic3_vancomycin(folder(changed))
    changed["prescriptions"] = pd.concat([changed["prescriptions"]] * 2)
    (twice,), _ = read_mimic3_vancomycin(folder(changed))
    assert [h.doses for h in twice.histories()] == [h.doses for h in once.histories()]


def test_a_level_below_the_limit_is_censored(folder) -> None:
    changed = tables()
    changed["labevents"] = changed["labevents"].assign(value=["<2.0", "1.1"], valuenum=[None, 1.1])
    (record,), _ = read_mimic3_vancomycin(folder(changed))
    assert (record.levels[0].censoring, record.levels[0].limit) == ("below", 2.0)


def test_a_measurable_level_before_the_first_dose_means_that_doses_are_missing(folder) -> None:
    changed = tables()
    early = changed["labevents"].iloc[:1].assign(charttime="2150-03-01 08:00:00", value="9", valuenum=9.0)
    changed["labevents"] = pd.concat([changed["labevents"], early])
    records, refusals = read_mimic3_vancomycin(folder(changed))
    assert records == []
    assert {r.reason for r in refusals} >= {"measurable before the first known dose: earlier doses are missing"}


def test_continuous_renal_replacement_ends_the_use_of_levels(folder) -> None:
    changed = tables()
    changed["outputevents"] = pd.DataFrame(
        {
            "subject_id": [1],
            "hadm_id": [11],
            "itemid": [40286],
            "charttime": ["2150-03-01 22:00:00"],
            "value": [150],
        }
    )
    records, refusals = read_mimic3_vancomycin(folder(changed))
    assert records == []
    assert "continuous renal replacement" in refusals[0].reason


def test_end_stage_disease_marks_the_patient_as_on_dialysis(folder) -> None:
    changed = tables()
    changed["diagnoses_icd"] = changed["diagnoses_icd"].assign(icd9_code="5856")
    (record,), _ = read_mimic3_vancomycin(folder(changed))
    assert record.covariate("DIAL")[0].value == 1.0


def test_without_any_weight_the_patient_is_refused_and_not_given_70_kg(folder) -> None:
    changed = tables()
    changed["chartevents"] = changed["chartevents"].assign(valuenum=0.0)
    (record,), _ = read_mimic3_vancomycin(folder(changed))
    assert record.covariate("WT")[0].value == 71.0  # the pump's
    changed["inputevents_mv"] = changed["inputevents_mv"].assign(patientweight=None)
    records, refusals = read_mimic3_vancomycin(folder(changed))
    assert records == [] and "no weight" in refusals[0].reason


@pytest.mark.parametrize("name", [n for n in tables() if n not in {"patients", "admissions", "labevents"}])
def test_a_missing_table_is_no_crash(folder, name: str) -> None:
    joined = join_mimic3_vancomycin(folder({n: f for n, f in tables().items() if n != name}))
    assert name in joined.missing
    assert len(joined.records) + sum(r.what == "level" for r in joined.refusals) == 1


@pytest.mark.parametrize("name", ["patients", "admissions", "labevents"])
def test_without_the_basic_tables_the_folder_is_named_wrong(folder, name: str) -> None:
    with pytest.raises(DataError, match=f"no table {name}"):
        join_mimic3_vancomycin(folder({n: f for n, f in tables().items() if n != name}))


def test_an_empty_cell_anywhere_loses_no_level_and_never_crashes(folder) -> None:
    """As many patients as there are columns, each lacking another one."""
    cells = [(n, c) for n, f in tables().items() for c in f if "subject_id" in f and c != "subject_id"]
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in tables()}
    for subject, (lacking, column) in enumerate(cells, 1):
        for name, frame in tables().items():
            changed = frame.assign(subject_id=subject) if "subject_id" in frame else frame.head(int(subject == 1))
            parts[name].append(changed.astype("object").assign(**({column: None} if name == lacking else {})))
    joined = join_mimic3_vancomycin(folder({name: pd.concat(frames) for name, frames in parts.items()}))
    refused = [r for r in joined.refusals if r.what == "level"]
    without_item = cells.index(("labevents", "itemid")) + 1
    ended = Counter(int(r.subject.split("-")[0]) for r in joined.records) + Counter(int(r.subject) for r in refused)
    assert ended == Counter(n for n in range(1, len(cells) + 1) if n != without_item)
    assert not [r.reason for r in refused if "could not be read" in r.reason]
    assert len(joined.records) > len(cells) / 2


# The pieces


def test_the_offset_follows_the_nearest_pairs_through_a_change_of_the_clock() -> None:
    clock = Clock(tuple((float(t), int(t < 100)) for t in range(0, 200, 5)))
    assert [clock.offset(t) for t in (10.0, 80.0, 120.0, 190.0)] == [1, 1, 0, 0]
    assert Clock(()).offset(5.0) == 0


def test_the_age_of_the_oldest_is_not_three_hundred_years() -> None:
    assert covariates.age(pd.Timestamp("1844-07-18"), pd.Timestamp("2144-07-18")) == (
        91.4, "over 89 years, shown as 300 in the table; the median of such patients is used",
    )  # fmt: skip
    assert covariates.age(pd.Timestamp("2181-04-19"), pd.Timestamp("2198-03-28")) == (16.0, "")
    assert covariates.age(pd.NaT, pd.Timestamp("2198-03-28")) is None


def test_weights_in_pounds_zeros_and_fluid_do_not_carry_the_running_median_away() -> None:
    days = [pd.Timestamp("2150-01-01") + pd.Timedelta(days=d) for d in range(6)]
    chart = pd.DataFrame(
        {
            "itemid": [226531, 763, 763, 763, 763, 763],
            "charttime": days,
            "valuenum": [154.3, 0.0, 71.0, 263.2, 84.0, 72.0],
        }
    )
    findings: list = []
    found = covariates.weights(chart, lambda t: (t - days[0]).total_seconds() / 3600, findings)
    assert [round(v.value, 1) for v in found] == [70.0, 70.5, 71.0, 71.5]
    assert "2 of 0 to 263.2 kg" in findings[0].seen


def test_a_lone_spike_of_creatinine_is_left_out_and_reported() -> None:
    times = [pd.Timestamp("2150-01-01") + pd.Timedelta(hours=12 * k) for k in range(5)]
    labs = pd.DataFrame(
        {"itemid": 50912, "charttime": times, "value": ["1.3", "138", "1.4", "14", "1.3"],
         "valuenum": [1.3, 138.0, 1.4, 14.0, 1.3]}
    )  # fmt: skip
    findings: list = []
    hours = lambda t: (t - times[0]).total_seconds() / 3600  # noqa: E731
    found = covariates.creatinine(labs, hours, Clock(()), findings)
    assert [v.value for v in found] == [1.3, 1.4, 1.3]
    assert Counter("138" in f.seen or "14 mg" in f.seen for f in findings) == {True: 2}
