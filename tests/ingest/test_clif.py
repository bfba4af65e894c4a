"""CLIF tables as bedside records: on a small invented folder, trap by trap, then on the demo."""

import sys

import numpy as np
import pandas as pd
import pytest

from caretwin.base.errors import DataError
from caretwin.ingest.bedside import frames as bedside_frames
from caretwin.ingest.clif.stays import demo_folder, hospitalisations, read_clif
from caretwin.record.bedside import Quality, channels

START = pd.Timestamp("2150-01-01 06:00", tz="UTC")


def at(hour):
    return START + pd.Timedelta(hours=hour)


STAY = {"hospitalization_id": "7"}


def vitals(*rows):
    columns = ("recorded_dttm", "vital_category", "vital_value", "vital_name")
    return [STAY | dict(zip(columns, (at(h), c, v, (n or [""])[0]), strict=True)) for h, c, v, *n in rows]


def labs(*rows):
    return [
        STAY
        | {
            "lab_collect_dttm": at(h), "lab_result_dttm": at(r) if r is not None else pd.NaT, "lab_category": c,
            "lab_value_numeric": v, "reference_unit": u,
        }
        for h, r, c, v, u in rows
    ]  # fmt: skip


SUPPORT = (
    "fio2_set", "lpm_set", "tidal_volume_set", "resp_rate_set", "pressure_control_set", "pressure_support_set",
    "flow_rate_set", "peak_inspiratory_pressure_set", "inspiratory_time_set", "peep_set", "tidal_volume_obs",
    "resp_rate_obs", "plateau_pressure_obs", "peak_inspiratory_pressure_obs", "peep_obs", "minute_vent_obs",
    "mean_airway_pressure_obs",
)  # fmt: skip


def support(*rows):
    empty = dict.fromkeys(SUPPORT, np.nan) | {"device_category": None, "mode_name": None, "mode_category": None}
    return [STAY | empty | {"recorded_dttm": at(hour)} | row for hour, row in rows]


DRUG = ("admin_dttm", "med_category", "med_name", "med_order_id", "mar_action_category", "med_dose", "med_dose_unit")


def drugs(*rows, route=None):
    by = {} if route is None else {"med_route_category": route}
    return [STAY | by | dict(zip(DRUG, (at(hour), *rest), strict=True)) for hour, *rest in rows]


@pytest.fixture
def read(tmp_path):
    """Writes tables and reads the one hospitalisation in them."""

    def reader(kind="parquet", **tables):
        tables = {
            "patient": [{"patient_id": "1", "sex_category": "Female", "race_category": "White"}],
            "hospitalization": [STAY | {"patient_id": "1", "admission_dttm": at(-5), "age_at_admission": 60}],
            "adt": [STAY | {"in_dttm": at(0), "out_dttm": at(48), "location_category": "icu"}],
        } | tables
        for name, rows in tables.items():
            frame, path = pd.DataFrame(rows), tmp_path / f"clif_{name}.{kind}"
            frame.to_parquet(path) if kind == "parquet" else frame.to_csv(path, index=False)
        return read_clif(tmp_path)["7"]

    return reader


def held(record, name, *hours):
    return record.settings[name].held_at(np.array(hours, dtype=float)).tolist()


VOLUME = {
    "device_category": "IMV", "mode_category": "Assist Control-Volume Control", "mode_name": "CMV/ASSIST",
    "tidal_volume_set": 450.0, "resp_rate_set": 16.0, "peep_set": 8.0, "fio2_set": 0.5, "flow_rate_set": 45.0,
}  # fmt: skip
SUPPORTED = {
    "device_category": "IMV", "mode_category": "Pressure Support/CPAP", "mode_name": "CPAP/PSV",
    "pressure_support_set": 10.0, "peep_set": 8.0, "fio2_set": 0.4,
}  # fmt: skip


# Times


def test_hour_0_is_the_start_of_intensive_care_and_the_ward_before_it_is_negative(read):
    record = read(labs=labs((-3, -2, "creatinine", 1.2, "mg/dL"), (1, 2, "creatinine", 1.4, "mg/dL")))
    assert record.observations["creatinine"].time_h.tolist() == [-3.0, 1.0]
    assert record.origin == START.to_pydatetime()


def test_a_laboratory_value_is_true_when_drawn_and_known_when_resulted(read):
    record = read(labs=labs((1, 2.5, "lactate", 3.0, "mmol/L")))
    assert record.observations["lactate"].received_h.tolist() == [2.5]
    assert len(record.as_of(2.0).observations["lactate"]) == 0


def test_without_a_time_of_result_the_usual_delay_is_assumed_and_said(read):
    record = read(labs=labs((1, None, "lactate", 3.0, "mmol/L")))
    assert record.observations["lactate"].received_h.tolist() == pytest.approx([1 + 70 / 60])
    assert any("70 min" in f.fix for f in record.findings)


def test_a_record_as_of_a_time_has_nothing_that_came_later(read):
    record = read(
        vitals=vitals((0, "heart_rate", 80.0), (2, "heart_rate", 90.0)), respiratory_support=support((3, VOLUME))
    )
    known = record.as_of(1.0)
    assert known.observations["heart_rate"].value.tolist() == [80.0]
    assert len(known.settings["peep"]) == 0


# Units and sources


def test_a_laboratory_unit_is_converted_and_an_impossible_one_is_left_out_and_said(read):
    record = read(labs=labs((1, 1, "glucose_serum", 180.16, "mg/dL"), (2, 2, "glucose_serum", 10.0, "bananas")))
    assert record.observations["glucose"].value.tolist() == pytest.approx([10.0], rel=1e-3)
    assert any(f.severity == "warning" and "bananas" in f.seen for f in record.findings)


def test_of_a_line_and_a_cuff_at_one_time_the_line_counts_unless_it_is_flushed(read):
    arterial, cuff = ["Arterial Blood Pressure mean"], ["Non Invasive Blood Pressure mean"]
    record = read(
        vitals=vitals(
            (0, "map", 75.0, arterial), (0, "map", 66.0, cuff), (1, "map", 801.0, arterial), (1, "map", 70.0, cuff)
        )
    )
    mean = record.observations["mean_arterial_pressure"]
    assert mean.value[mean.quality != Quality.REFUSED].tolist() == [75.0, 70.0]


def test_the_first_plausible_weight_counts_because_a_later_one_is_not_known_yet(read):
    record = read(vitals=vitals((0, "weight_kg", 0.0), (1, "weight_kg", 82.0), (50, "weight_kg", 95.0)))
    assert record.person.weight_kg == 82.0


def test_a_height_in_inches_is_recognised_and_said(read):
    record = read(vitals=vitals((0, "height_cm", 70.0)))
    assert record.person.height_cm == pytest.approx(177.8)
    assert any(f.column == "height" and "inches" in f.fix for f in record.findings)


def test_a_missing_weight_is_none_and_said(read):
    record = read(vitals=vitals((0, "heart_rate", 80.0)))
    assert record.person.weight_kg is None
    assert any(f.column == "weight" and "give the patient's weight" in f.fix for f in record.findings)


# Ventilator


def test_settings_hold_until_changed(read):
    record = read(respiratory_support=support((0, VOLUME), (4, {"fio2_set": 0.6})))
    assert held(record, "fio2", -1, 0, 3.9, 4, 10) == [pytest.approx(np.nan, nan_ok=True), 0.5, 0.5, 0.6, 0.6]
    assert held(record, "tidal_volume_set", 10) == [0.45]
    assert held(record, "ventilator_mode", 10) == [1.0]


def test_extubation_ends_the_ventilator_settings_and_the_mode_is_0(read):
    record = read(respiratory_support=support((0, VOLUME), (5, {"device_category": "Nasal Cannula", "lpm_set": 3.0})))
    assert held(record, "ventilator_mode", 4.9, 5) == [1.0, 0.0]
    for name in ("peep", "tidal_volume_set", "respiratory_rate_set", "inspiratory_flow"):
        assert np.isnan(held(record, name, 5)[0])


def test_a_new_mode_ends_the_settings_it_does_not_have(read):
    record = read(respiratory_support=support((0, VOLUME), (5, SUPPORTED)))
    assert held(record, "ventilator_mode", 5) == [4.0]
    assert np.isnan(held(record, "tidal_volume_set", 5)[0])
    assert held(record, "pressure_support", 5) == [10.0]
    assert held(record, "peep", 5) == [8.0]


def test_autoflow_is_pressure_regulated(read):
    record = read(respiratory_support=support((0, VOLUME | {"mode_name": "CMV/ASSIST/AutoFlow"})))
    assert held(record, "ventilator_mode", 0) == [3.0]


def test_fio2_by_cannula_is_estimated_from_the_flow_and_suspect(read):
    record = read(respiratory_support=support((0, {"device_category": "Nasal Cannula", "lpm_set": 4.0})))
    assert record.settings["fio2"].value.tolist() == pytest.approx([0.33])
    assert record.settings["fio2"].quality.tolist() == [Quality.SUSPECT]
    assert held(record, "oxygen_flow", 0) == [4.0]
    assert any("Coudroy" in f.fix for f in record.findings)


def test_a_charted_fio2_by_mask_is_kept(read):
    row = {"device_category": "Face Mask", "lpm_set": 10.0, "fio2_set": 0.5}
    record = read(respiratory_support=support((0, row)))
    assert record.settings["fio2"].quality.tolist() == [Quality.GOOD]
    assert held(record, "fio2", 0) == [0.5]


def test_the_oxygen_of_one_device_says_nothing_about_the_next(read):
    record = read(respiratory_support=support((0, VOLUME), (5, {"device_category": "High Flow NC"})))
    assert np.isnan(held(record, "fio2", 5)[0])


def test_a_mode_with_breath_settings_means_a_ventilator_even_if_none_is_named(read):
    record = read(respiratory_support=support((0, VOLUME | {"device_category": None})))
    assert held(record, "ventilator_mode", 0) == [1.0]
    assert record.settings["ventilator_mode"].quality.tolist() == [Quality.SUSPECT]
    assert any("without a device" in f.seen for f in record.findings)


def test_of_two_breath_counts_at_one_time_that_of_the_ventilator_counts(read):
    record = read(
        vitals=vitals((0, "respiratory_rate", 22.0)), respiratory_support=support((0, VOLUME | {"resp_rate_obs": 18.0}))
    )
    rate = record.observations["respiratory_rate"]
    assert rate.value[rate.quality != Quality.REFUSED].tolist() == [18.0]


# Drugs


def test_a_rate_holds_until_it_is_stopped_and_did_not_run_before_it_started(read):
    rows = drugs(
        (2, "norepinephrine", "Norepinephrine", "a", "start", 0.1, "mcg/kg/min"),
        (3, "norepinephrine", "Norepinephrine", "a", "dose_change", 0.2, "mcg/kg/min"),
        (5, "norepinephrine", "Norepinephrine", "a", "stop", 0.0, "mcg/kg/min"),
    )
    record = read(medication_admin_continuous=rows)
    assert held(record, "norepinephrine", 0, 1, 2, 3, 4, 5, 9) == [0, 0, 0.1, 0.2, 0.2, 0, 0]


def test_a_change_of_the_bag_is_no_gap_and_no_double_dose(read):
    rows = drugs(
        (0, "propofol", "Propofol", "a", "start", 50.0, "mcg/kg/min"),
        (4, "propofol", "Propofol", "b", "start", 50.0, "mcg/kg/min"),
        (4, "propofol", "Propofol", "a", "stop", 0.0, "mcg/kg/min"),
    )
    assert held(read(medication_admin_continuous=rows), "propofol", 3, 4, 5) == pytest.approx([3.0, 3.0, 3.0])


def test_two_bags_at_once_are_summed(read):
    rows = drugs(
        (0, "insulin", "Insulin - Regular", "a", "start", 2.0, "units/hour"),
        (1, "insulin", "Insulin - Regular", "b", "start", 0.02, "units/min"),
    )
    assert held(read(medication_admin_continuous=rows), "insulin", 0.5, 1.5) == pytest.approx([2.0, 3.2])


def test_a_rate_per_minute_becomes_one_per_weight_by_the_weight_or_is_left_out_and_said(read):
    rows = drugs((0, "norepinephrine", "Norepinephrine", "a", "start", 8.0, "mcg/min"))
    known = read(medication_admin_continuous=rows, vitals=vitals((0, "weight_kg", 80.0)))
    assert held(known, "norepinephrine", 1) == pytest.approx([0.1])
    unknown = read(medication_admin_continuous=rows, vitals=vitals((0, "heart_rate", 80.0)))
    assert "norepinephrine" not in unknown.settings
    assert any(f.column == "norepinephrine" and "weight" in f.seen for f in unknown.findings)


def test_dextrose_is_counted_once_though_it_stands_under_two_categories(read):
    rows = drugs(
        (0, "dextrose", "Dextrose 5%", "a", "start", 100.0, "mL/hour"),
        (0, "dextrose_in_water_d5w", "Dextrose 5%", "a", "start", 100.0, "mL/hour"),
    )
    # 5 g of the monohydrate per hour: 252 mOsmol/L on the label, so 25.2 mmol/h
    assert held(read(medication_admin_continuous=rows), "parenteral_glucose", 1) == pytest.approx([25.2 / 60], rel=2e-3)


def test_dextrose_under_its_second_category_alone_counts_too(read):
    rows = drugs((0, "dextrose_in_water_d5w", "Dextrose 5%", "a", "start", 100.0, "mL/hour"))
    assert held(read(medication_admin_continuous=rows), "parenteral_glucose", 1)[0] > 0


def test_feeds_that_no_table_holds_are_absent_and_not_zero(read):
    record = read(vitals=vitals((0, "heart_rate", 80.0)))
    assert "enteral_glucose" not in record.settings
    assert "norepinephrine" not in record.settings


def test_a_bag_of_unknown_content_is_suspect(read):
    rows = drugs((0, "tpn", "TPN w/ Lipids", "a", "start", 80.0, "mL/hour"))
    assert read(medication_admin_continuous=rows).settings["parenteral_glucose"].quality.tolist() == [Quality.SUSPECT]


def test_insulin_by_vein_is_a_bolus_and_under_the_skin_it_is_not(read):
    row = ("insulin", "Insulin - Regular", "a", "given", 5.0, "units")
    vein = drugs((1, *row), route="iv")
    skin = drugs((2, *row), (3, "insulin", "Insulin - Glargine", "b", "given", 20.0, "units"), route="im")
    record = read(medication_admin_intermittent=vein + skin)
    assert record.settings["insulin_bolus"].time_h.tolist() == [1.0]
    assert record.settings["insulin_subcutaneous_rapid"].time_h.tolist() == [2.0]
    assert record.settings["insulin_subcutaneous_long"].value.tolist() == [20.0]


def test_a_volume_without_a_duration_runs_for_half_an_hour_and_is_suspect(read):
    rows = drugs((1, "sodium chloride", "NaCl 0.9%", "a", "given", 500.0, "mL"), route="iv")
    record = read(medication_admin_intermittent=rows)
    assert held(record, "crystalloid", 0.5, 1.2, 1.6) == [0.0, 1000.0, 0.0]
    assert record.settings["crystalloid"].quality.tolist() == [Quality.GOOD, Quality.SUSPECT, Quality.GOOD]


# Folders


def test_tables_in_csv_read_the_same(read, tmp_path):
    tables = {"vitals": vitals((0, "heart_rate", 80.0)), "respiratory_support": support((0, VOLUME))}
    first = read(**tables)
    for path in tmp_path.iterdir():
        path.unlink()
    second = read("csv", **tables)
    assert second.observations["heart_rate"].value.tolist() == first.observations["heart_rate"].value.tolist()
    assert {n: s.value.tolist() for n, s in second.settings.items()} == {
        n: s.value.tolist() for n, s in first.settings.items()
    }


def test_a_missing_table_is_a_finding_and_a_missing_column_too(read):
    record = read(vitals=[{k: v for k, v in row.items() if k != "vital_name"} for row in vitals((0, "map", 75.0))])
    assert record.observations["mean_arterial_pressure"].value.tolist() == [75.0]
    seen = " ".join(f.seen for f in record.findings)
    assert "no labs in the folder" in seen
    assert "no vitals.vital_name in the folder" in seen


def test_a_folder_without_patients_is_an_error_that_says_what_belongs_there(tmp_path):
    with pytest.raises(DataError, match=r"clif_patient\.parquet"):
        read_clif(tmp_path)


def test_a_hospitalisation_of_an_unknown_patient_is_read_without_a_person(read):
    record = read(patient=[{"patient_id": "2", "sex_category": "Male"}], vitals=vitals((0, "heart_rate", 80.0)))
    assert record.person.sex is None
    assert record.person.race is None
    assert record.observations["heart_rate"].value.tolist() == [80.0]


def test_an_unknown_hospitalisation_is_an_error(read, tmp_path):
    read()
    with pytest.raises(DataError, match="no hospitalisation 8"):
        read_clif(tmp_path, ["8"])


def test_without_pandas_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(DataError, match=r"caretwin\[data\]"):
        bedside_frames.pandas()


# The demo


@pytest.fixture(scope="module")
def demo():
    try:
        folder = demo_folder()
    except DataError as problem:
        pytest.skip(str(problem))
    return read_clif(folder)


def test_the_demo_has_its_hospitalisations_and_those_with_intensive_care(demo):
    assert len(demo) == 310
    assert len(hospitalisations(demo_folder())) == 134
    assert sum("ventilator_mode" in r.settings for r in demo.values()) == 110


# Expected: rows of the tables, counted by a query of its own for each (vital_category, lab_category).
@pytest.mark.parametrize(
    ("channel", "rows"),
    [
        ("heart_rate", 14737), ("oxygen_saturation", 14337), ("temperature", 3974), ("lactate", 709),
        ("glucose", 2823), ("creatinine", 2596), ("arterial_oxygen_pressure", 958), ("sedation_score", 2953),
        ("plateau_pressure", 518), ("mean_arterial_pressure", 15148),
    ],
)  # fmt: skip
def test_no_row_of_the_demo_is_lost(demo, channel, rows):
    assert sum(len(r.observations[channel]) for r in demo.values() if channel in r.observations) == rows


def test_every_value_of_the_demo_that_is_used_is_plausible_and_never_known_before_it_was_true(demo):
    for record in demo.values():
        for name, signal in {**record.observations, **record.settings}.items():
            used = signal.value[(signal.quality != Quality.REFUSED) & np.isfinite(signal.value)]
            assert ((used >= channels()[name].low) & (used <= channels()[name].high)).all(), name
            assert (signal.received_h >= signal.time_h).all()
            assert np.isfinite(signal.time_h).all()
            assert (np.diff(signal.time_h) >= 0).all()


def test_a_refused_or_suspect_row_of_the_demo_always_has_a_finding(demo):
    for record in demo.values():
        named = {f.column for f in record.findings}
        for name, signal in {**record.observations, **record.settings}.items():
            if (signal.quality != Quality.GOOD).any():
                assert name in named, name


def test_laboratory_values_of_the_demo_are_known_an_hour_late(demo):
    delays = np.concatenate([
        (s.received_h - s.time_h) for r in demo.values() for n, s in r.observations.items() if n == "creatinine"
    ])  # fmt: skip
    assert 1.0 < np.median(delays) < 2.0


def test_the_flush_of_801_is_refused(demo):
    means = [
        r.observations["mean_arterial_pressure"] for r in demo.values() if "mean_arterial_pressure" in r.observations
    ]
    flushed = [(v, q) for s in means for v, q in zip(s.value, s.quality, strict=True) if v == 801.0]
    assert flushed == [(801.0, Quality.REFUSED)]
