"""Blood gases of MIMIC-III: the pairs and baselines of the field guide, and records that hold everything about them.

Expected counts and baselines: section 5 of the physiology field guide, computed there by separate code on the same
half of the demo; to the digits printed there.
"""

import numpy as np
import pandas as pd
import pytest
from tests.paths import shared

from caretwin.base.errors import DataError
from caretwin.ingest.mimic3.bedside import places, read_mimic3_bedside
from caretwin.ingest.mimic3.bedside_gases import gas_pairs, gas_states
from caretwin.record.bedside import Quality, channels

OXYGEN, CARBON_DIOXIDE = "arterial_oxygen_pressure", "arterial_carbon_dioxide_pressure"


@pytest.fixture(scope="module")
def folder():
    return shared("data", "mimic3_demo")


@pytest.fixture(scope="module")
def pairs(folder):
    return gas_pairs(folder)


@pytest.fixture(scope="module")
def records(folder):
    return read_mimic3_bedside(folder)


# The pairs


def test_the_pairs_are_those_of_the_field_guide(pairs):
    assert len(pairs) == 275
    assert len(np.unique(pairs.before.subject)) == 14
    assert int(pairs.fio2_changed.sum()) == 72
    assert int((pairs.clean & pairs.fio2_changed).sum()) == 69
    assert int((pairs.clean & pairs.peep_changed).sum()) == 40
    assert int((pairs.clean & pairs.unchanged).sum()) == 145
    assert int(pairs.ventilation_known.sum()) == 237
    assert int((pairs.clean & pairs.ventilation_known).sum()) == 209
    assert int((pairs.ventilation_known & pairs.breath_changed).sum()) == 27


@pytest.mark.parametrize(
    ("which", "persistence", "constant_pf"),
    [("fio2", 0.532, 0.532), ("clean fio2", 0.473, 0.509), ("clean peep", 0.485, 0.554), ("clean same", 0.311, None)],
)
def test_the_baselines_come_out_as_in_the_field_guide(pairs, which, persistence, constant_pf):
    chosen = {
        "fio2": pairs.fio2_changed,
        "clean fio2": pairs.clean & pairs.fio2_changed,
        "clean peep": pairs.clean & pairs.peep_changed,
        "clean same": pairs.clean & pairs.unchanged,
    }[which]
    some = pairs.select(chosen)
    error = np.log(some.after.values[OXYGEN] / some.before.values[OXYGEN])
    fraction = np.log(some.after.values["fio2"] / some.before.values["fio2"])
    assert np.sqrt(np.mean(error**2)) == pytest.approx(persistence, abs=6e-4)
    if constant_pf is not None:
        assert np.sqrt(np.mean((error - fraction) ** 2)) == pytest.approx(constant_pf, abs=6e-4)


def test_carbon_dioxide_persists_as_in_the_field_guide(pairs):
    known, clean = pairs.select(pairs.ventilation_known), pairs.select(pairs.ventilation_known & pairs.clean)
    assert np.abs(known.difference(CARBON_DIOXIDE)).mean() == pytest.approx(3.84, abs=5e-3)
    assert np.abs(clean.difference(CARBON_DIOXIDE)).mean() == pytest.approx(3.50, abs=5e-3)


def test_pairs_go_forward_in_time_and_at_most_twelve_hours(pairs):
    assert (pairs.interval_h > 0).all()
    assert (pairs.interval_h <= 12).all()
    assert np.median(pairs.interval_h) == pytest.approx(3.8, abs=0.05)


def test_a_clean_pair_has_two_specimens_called_arterial(pairs):
    assert set(pairs.select(pairs.clean).before.specimen) == {"ART"}
    assert {"MIX", ""} <= set(pairs.before.specimen) | set(pairs.after.specimen)


# The records


def test_every_gas_is_in_exactly_one_record(folder, records):
    states = gas_states(folder)
    assert len(states) == 589
    kept = sum(len(r.observations[OXYGEN]) for r in records.values() if OXYGEN in r.observations)
    assert kept == int(np.isfinite(states.values[OXYGEN]).sum())


def test_every_pair_is_found_in_a_record_at_its_hours(folder, pairs, records):
    found = places(folder, pairs)
    assert (found.key != "").all()
    assert found.after_h - found.before_h == pytest.approx(pairs.interval_h)
    for row in range(len(pairs)):
        gas = records[found.key[row]].observations[OXYGEN]
        for hour, value in (
            (found.before_h[row], pairs.before.values[OXYGEN][row]),
            (found.after_h[row], pairs.after.values[OXYGEN][row]),
        ):
            assert value in gas.value[np.abs(gas.time_h - hour) < 1e-9]


def test_the_settings_of_a_record_are_those_of_the_pair(folder, pairs, records):
    found = places(folder, pairs)
    for row in range(0, len(pairs), 7):
        held = records[found.key[row]].settings["fio2"].held_at(np.array([found.before_h[row]]))
        assert held[0] == pairs.before.values["fio2"][row]


def test_a_mixed_specimen_is_refused_as_arterial_and_an_unlabelled_one_is_suspect(folder, records):
    states = gas_states(folder)
    quality = np.concatenate([r.observations[OXYGEN].quality for r in records.values() if OXYGEN in r.observations])
    assert (quality == Quality.REFUSED).sum() >= (states.specimen == "MIX").sum()
    assert (quality == Quality.SUSPECT).sum() >= (states.specimen == "").sum()


def test_persons_have_a_sex_and_an_age_and_a_weight_where_one_was_charted(records):
    assert all(r.person.sex in ("female", "male") for r in records.values())
    assert all(15 <= r.person.age_y <= 92 for r in records.values())  # the unit admits from 15
    weights = [r.person.weight_kg for r in records.values() if r.person.weight_kg is not None]
    assert len(weights) > 0.9 * len(records)
    assert all(30 < w < 200 for w in weights)


def test_used_values_are_plausible(records):
    for record in records.values():
        for name, signal in {**record.observations, **record.settings}.items():
            used = signal.value[signal.quality != Quality.REFUSED]
            used = used[np.isfinite(used)]
            assert ((used >= channels()[name].low) & (used <= channels()[name].high)).all(), name


# Other folders with the same tables


@pytest.fixture
def other(tmp_path):
    """A folder of an invented patient, with some columns and tables missing."""
    state = {
        "subject_id": 5, "charttime": "2150-01-01 08:00:00", "specimen": "ART", "ph": 7.4, "pco2": 40.0,
        "po2": 90.0, "fio2": 40.0, "peep": 5.0, "vt": 450.0, "cvp": 336.0,
    }  # fmt: skip
    later = state | {"charttime": "2150-01-01 12:00:00", "po2": 80.0, "specimen": None, "peep": 200.0}
    pair = state | {f"{k}_next": v for k, v in later.items() if k != "subject_id"}
    pd.DataFrame([later, state]).to_parquet(tmp_path / "derived_abg_states.parquet")
    pd.DataFrame([pair]).to_parquet(tmp_path / "derived_abg_pairs.parquet")
    pd.DataFrame([{"subject_id": 5, "gender": "F", "dob": "2090-01-01 00:00:00"}]).to_parquet(
        tmp_path / "patients.parquet"
    )
    return tmp_path


def test_a_folder_of_other_patients_with_less_in_it_is_read_and_says_what_it_lacks(other):
    records = read_mimic3_bedside(other)
    (record,) = records.values()
    assert list(records) == ["5"]
    assert record.person.sex == "female"
    assert record.person.age_y == 60.0
    assert record.person.weight_kg is None
    assert "heart_rate" not in record.observations
    seen = " ".join(f.seen for f in record.findings)
    for what in ("no admissions", "no chartevents", "no hr ", "outside every admission"):
        assert what in seen


def test_artefacts_of_another_folder_are_judged_too(other):
    (record,) = read_mimic3_bedside(other).values()
    assert record.settings["fio2"].value.tolist() == [0.4, 0.4]
    assert record.settings["peep"].quality.tolist() == [Quality.GOOD, Quality.REFUSED]
    assert record.observations["central_venous_pressure"].quality.tolist() == [Quality.REFUSED] * 2


def test_pairs_with_missing_columns_are_unknown_and_not_zero(other):
    pairs = gas_pairs(other)
    assert np.isnan(pairs.before.values["heart_rate"]).all()
    assert "hr" in pairs.before.missing
    assert not pairs.clean.any()
    assert not pairs.breath_changed.any()
    assert places(other, pairs).before_h.tolist() == [0.0]


def test_a_folder_without_the_derived_tables_is_an_error_that_names_them(tmp_path):
    with pytest.raises(DataError, match="derived_abg_states"):
        read_mimic3_bedside(tmp_path)
    with pytest.raises(DataError, match="derived_abg_pairs"):
        gas_pairs(tmp_path)


def test_a_gas_without_a_time_is_an_error_that_counts_them(other):
    frame = pd.read_parquet(other / "derived_abg_states.parquet").assign(charttime=[None, "2150-01-01 08:00:00"])
    frame.to_parquet(other / "derived_abg_states.parquet")
    with pytest.raises(DataError, match="1 row without a readable subject_id or charttime"):
        gas_states(other)
