"""Research folders: a stay of years ago is in the record as it was charted, and can be read as it was known then."""

import asyncio
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.doors.site import site
from tests.ingest.doors.table_files import parquet
from tests.paths import shared

from caretwin.base.errors import DataError
from caretwin.base.time import parse_instant, to_microseconds
from caretwin.ingest.clif.stays import demo_folder
from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.research.clif import ClifDoor
from caretwin.ingest.doors.research.meds import MedsDoor
from caretwin.ingest.doors.research.meds_codes import read_codes
from caretwin.record.entry import Identifier
from caretwin.twin.living.stays import Stay, left

CLIF = {
    "patient": "patient_id,race_category,ethnicity_category,sex_category\nP1,White,Non-Hispanic,Female\n",
    "hospitalization": (
        "patient_id,hospitalization_id,admission_dttm,discharge_dttm,age_at_admission\n"
        "P1,H1,2150-03-01T08:00:00Z,2150-03-03T10:00:00Z,70\n"
    ),
    "vitals": (
        "hospitalization_id,recorded_dttm,vital_name,vital_category,vital_value\n"
        "H1,2150-03-01T08:30:00Z,HR,heart_rate,82\nH1,2150-03-01T09:30:00Z,HR,heart_rate,812\n"
        "H1,2150-03-01T08:40:00Z,Weight,weight_kg,71.5\n"
    ),
    "labs": (
        "hospitalization_id,lab_collect_dttm,lab_result_dttm,lab_name,lab_category,lab_value_numeric,reference_unit\n"
        "H1,2150-03-01T09:00:00Z,2150-03-01T10:12:00Z,Glucose,glucose_serum,180.16,mg/dL\n"
        "H1,2150-03-01T11:00:00Z,,Lactate,lactate,2.5,mmol/L\n"
    ),
}
MINUTE = 60_000_000


def us(text):
    return to_microseconds(parse_instant(text))


def clif(folder, **more):
    for name, text in CLIF.items():
        (folder / f"clif_{name}.csv").write_text(text)
    return ClifDoor("clif", {"path": str(folder), **more})


def loaded(one, door):
    asyncio.run(door.load(one.intake, asyncio.Event()))
    return one.latest(door.system, "P1" if door.kind == "clif" else "7")


# CLIF ----------------------------------------------------------------------------------------------------------------


def test_a_clif_folder_is_in_the_record_in_our_units_with_person_stay_and_result_times(tmp_path):
    door = clif(tmp_path)
    assert asyncio.run(door.test()).works
    with site(door, tmp_path, lambda: us("2026-03-27T12:00:00Z")) as one:
        latest = loaded(one, door)
        assert latest["glucose"].value == pytest.approx(10.0, rel=1e-3)
        assert latest["glucose"].note["issued"] - latest["glucose"].effective == 72 * MINUTE
        assert latest["weight"].value == 71.5
        assert latest["lactate"].note["issued_is"] == "assumed"
        assert latest["glucose"].received == us("2026-03-27T12:00:00Z")  # we got it today
        assert one.values("local:clif", "P1", "heart_rate") == [82.0, 812.0]
        assert latest["heart_rate"].quality == 2  # 812 is kept, and marked
        events = {event.kind: event for event in one.events("local:clif", "P1")}
        assert events["person"].body["sex"] == "female" and events["person"].body["birth_date"] == "2080"
        assert events["encounter"].stop == us("2150-03-03T10:00:00Z")


def test_loading_a_clif_folder_twice_changes_nothing(tmp_path):
    door = clif(tmp_path)
    with site(door, tmp_path) as one:
        loaded(one, door)
        first = one.intake.state.counters["entries"]
        loaded(one, door)
        assert one.intake.state.counters["duplicates"] == first
        assert one.values("local:clif", "P1", "heart_rate") == [82.0, 812.0]


def test_as_charted_the_record_can_be_read_as_it_was_known_then(tmp_path):
    door = clif(tmp_path, as_charted=True)
    with site(door, tmp_path) as one:
        loaded(one, door)
        key = one.reading.subjects()[0].key

        def at(text):
            return {v.code: v.value for v in one.reading.latest(key, as_of=us(text))}

        assert set(at("2150-03-01T08:35:00Z")) == {"heart_rate"}
        assert "glucose" not in at("2150-03-01T10:11:00Z")
        assert "glucose" in at("2150-03-01T10:12:00Z")
        (stay,) = one.reading.events(key, ["encounter"], as_of=us("2150-03-02T00:00:00Z"))
        assert stay.stop is None  # nobody knows the day of discharge before it


def test_a_folder_without_tables_is_told_so(tmp_path):
    assert not asyncio.run(ClifDoor("clif", {"path": str(tmp_path)}).test()).works


@given(
    st.binary(max_size=80) | st.sampled_from([b'{"subject":["a","b"],"values":[["heart_rate",1,2]]}', b'{"subject":1}'])
)
def test_any_bytes_are_a_stay_or_refused(raw):
    try:
        ClifDoor("clif", {"path": "."}).decode(raw, "")
    except RefusedError as error:
        assert error.refusal.fix


def test_a_stay_as_it_waits_in_quarantine_is_read():
    raw = b'{"subject":["local:clif","P1"],"values":[["heart_rate",1000000,82,null],["lactate",1000000,2.5,2000000]]}'
    parts = ClifDoor("clif", {"path": "."}).decode(raw, "").parts
    assert [(part.codes[0].code, part.value, part.unit) for part in parts] == [
        ("heart_rate", 82.0, "/min"),
        ("lactate", 2.5, "mmol/L"),
    ]
    with pytest.raises(RefusedError):
        ClifDoor("clif", {"path": "."}).decode(raw.replace(b"lactate", b"lactose"), "")


# MEDS ----------------------------------------------------------------------------------------------------------------

START = datetime(2150, 3, 1, 8, 0)
EVENTS = [
    ("GENDER//F", None, None),
    ("MEDS_BIRTH", datetime(2080, 1, 1), None),
    ("HOSPITAL_ADMISSION//URGENT", START, None),
    ("LAB//220045//bpm", START + timedelta(minutes=30), 82.0),
    ("LAB//223761//°F", START + timedelta(minutes=30), 98.6),
    ("LAB//50931//mg/dL", START + timedelta(minutes=60), 180.16),
    ("LAB//223835//UNK", START + timedelta(minutes=60), 40.0),
    ("LAB//50912//mg/dL", START + timedelta(minutes=60), None),
    ("LAB//999999//UNK", START + timedelta(minutes=60), 3.0),
    ("HOSPITAL_DISCHARGE//HOME", START + timedelta(days=2), None),
    ("MEDS_DEATH", START + timedelta(days=9), None),
]


def meds_bytes(number="numeric_value"):
    codes, times, values = zip(*EVENTS, strict=True)
    return parquet(subject_id=[7] * len(codes), time=list(times), code=list(codes), **{number: list(values)})


def meds(folder, **more):
    (folder / "data" / "train").mkdir(parents=True)
    (folder / "data" / "train" / "0.parquet").write_bytes(meds_bytes())
    return MedsDoor("meds", {"path": str(folder), **more})


def test_a_meds_folder_is_in_the_record_with_units_from_codes_and_persons_from_static_codes(tmp_path):
    door = meds(tmp_path, zone="America/New_York")
    assert asyncio.run(door.test()).works
    with site(door, tmp_path) as one:
        latest = loaded(one, door)
        assert latest["temperature"].value == pytest.approx(37.0)
        assert latest["fio2"].value == 0.4
        assert latest["glucose"].value == pytest.approx(10.0, rel=1e-3)
        assert latest["heart_rate"].effective == us("2150-03-01T13:30:00Z")  # New York in winter
        assert set(latest) == {"heart_rate", "temperature", "fio2", "glucose"}
        events = {event.kind: event for event in one.events("local:meds", "7")}
        first, last = (event.body for event in one.events("local:meds", "7") if event.kind == "person")
        assert dict(first) == {"sex": "female", "birth_date": "2080-01-01"}
        assert last["deceased"] is True and left([Stay("person", 0, None, last)]) == us(last["death"])
        assert events["encounter"].stop - events["encounter"].effective == 2 * 1440 * MINUTE
    assert door.left == {"LAB//50912//mg/dL": 1, "LAB//999999//UNK": 1}


def test_codes_that_nobody_knows_are_kept_as_they_came_when_asked(tmp_path):
    door = meds(tmp_path, unmapped=True)
    with site(door, tmp_path) as one:
        assert loaded(one, door)["local:meds|LAB//999999"].value == 3.0


def test_a_laboratory_result_is_not_known_when_the_blood_is_drawn(tmp_path):
    door = meds(tmp_path, as_charted=True)
    with site(door, tmp_path) as one:
        latest = loaded(one, door)
        assert latest["glucose"].received - latest["glucose"].effective == 70 * MINUTE
        assert latest["glucose"].note["issued_is"] == "assumed"
        assert latest["heart_rate"].received == latest["heart_rate"].effective


@pytest.mark.parametrize("number", ["numeric_value", "value"])
def test_the_column_of_numbers_may_have_its_older_name(number):
    assert len(MedsDoor("m", {"path": "."}).decode(meds_bytes(number), "").parts) == 4 + 4


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PAR1",
        parquet(a=[1]),
        parquet(subject_id=[1], time=["x"], code=["a"], value=[1.0]),
        parquet(subject_id=[1]),
    ],
)
def test_what_is_no_meds_data_is_refused(raw):
    with pytest.raises(RefusedError):
        MedsDoor("m", {"path": "."}).decode(raw, "")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6))
def test_a_meds_file_with_broken_bytes_is_read_or_refused(flips):
    raw = bytearray(meds_bytes())
    for place, byte in flips:
        raw[int(place * (len(raw) - 1))] = byte
    try:
        MedsDoor("m", {"path": "."}).decode(bytes(raw), "")
    except RefusedError as error:
        assert error.refusal.fix


def test_a_table_of_codes_may_be_ones_own_and_its_mistakes_are_named(tmp_path):
    own = tmp_path / "codes.toml"
    own.write_text('[codes]\n"VITAL//HR" = { channel = "heart_rate" }\n')
    assert read_codes(str(own)).read("VITAL//HR").meaning.channel == "heart_rate"
    own.write_text('"VITAL//HR" = { channel = "hart_rate" }\n')
    with pytest.raises(DataError, match="hart_rate"):
        read_codes(str(own))
    with pytest.raises(DataError, match="eicu"):
        read_codes("eicu")


# infusions -----------------------------------------------------------------------------------------------------------


def infused(*rows):
    """Rates by channel of rows (code, hour, number) in a stay that begins at hour 0."""
    begin = datetime(2150, 3, 1, 8)
    rows = [("HOSPITAL_ADMISSION//EW", 0.0, float("nan")), *rows]
    raw = parquet(
        subject_id=[7 for _ in rows], time=[begin + timedelta(hours=hour) for _, hour, _ in rows],
        code=[code for code, _, _ in rows], numeric_value=[number for *_, number in rows],
    )  # fmt: skip
    parts = [part for part in MedsDoor("m", {"path": "."}).decode(raw, "").parts if hasattr(part, "value")]
    start = us("2150-03-01T08:00:00Z")
    return [
        (part.codes[0].code, (part.effective - start) / 3.6e9, part.value, part.unit, bool(part.note)) for part in parts
    ]


def test_starts_and_ends_of_an_infusion_become_its_rate():
    said = infused(
        ("INFUSION_START//221906", 1.0, 0.1), ("INFUSION_END//221906", 2.0, 0.42), ("INFUSION_START//221906", 2.0, 0.2),
        ("INFUSION_END//221906", 4.0, 1.68), ("INFUSION_START//222168", 1.0, 50.0),
        ("INFUSION_END//222168", 3.0, 420.0),
    )  # fmt: skip
    assert said == [
        ("norepinephrine", 0.0, 0.0, "ug/kg/min", False), ("norepinephrine", 1.0, 0.1, "ug/kg/min", False),
        ("norepinephrine", 2.0, 0.2, "ug/kg/min", False), ("norepinephrine", 4.0, 0.0, "ug/kg/min", False),
        ("propofol", 0.0, 0.0, "mg/kg/h", False), ("propofol", 1.0, pytest.approx(3.0), "mg/kg/h", False),
        ("propofol", 3.0, 0.0, "mg/kg/h", False),
    ]  # fmt: skip


def test_an_end_closes_the_order_whose_rate_gives_its_amount_and_two_bags_are_one_rate():
    said = infused(
        ("INFUSION_START//225158", 1.0, 100.0), ("INFUSION_END//225158", 3.0, 200.0),
        ("INFUSION_START//225158", 4.0, 100.0), ("INFUSION_START//225158", 5.0, 50.0),
        ("INFUSION_END//225158", 7.0, 100.0), ("INFUSION_START//225828", 8.0, 10.0),
        ("INFUSION_END//225158", 9.0, 500.0), ("INFUSION_END//225828", 10.0, 20.0),
    )  # fmt: skip
    rates = [(hour, rate) for _, hour, rate, _, _ in said]
    assert rates == [(0, 0), (1, 100), (3, 0), (4, 100), (5, 150), (7, 100), (8, 110), (9, 10), (10, 0)]


def test_a_push_of_fluid_is_suspect_and_one_of_a_drug_is_not_read():
    nothing = float("nan")
    said = infused(
        ("INFUSION_START//225158", 1.0, nothing), ("INFUSION_END//225158", 1.01, 500.0),
        ("INFUSION_START//221744", 2.0, nothing), ("INFUSION_END//221744", 2.01, 50.0),
    )  # fmt: skip
    assert said == [
        ("crystalloid", 0.0, 0.0, "mL/h", False), ("crystalloid", 1.0, 1000.0, "mL/h", True),
        ("crystalloid", 1.5, 0.0, "mL/h", False),
    ]  # fmt: skip


def test_an_end_without_a_start_and_a_start_without_an_end_are_taken_as_they_are():
    said = infused(("INFUSION_END//221906", 1.0, 5.0), ("INFUSION_START//221906", 2.0, 0.1))
    assert [(hour, rate) for _, hour, rate, _, _ in said] == [(0.0, 0.0), (2.0, 0.1)]


def test_an_infusion_whose_unit_is_no_rate_of_its_channel_is_named(tmp_path):
    own = tmp_path / "codes.toml"
    own.write_text('[codes]\n"NE" = { channel = "norepinephrine", unit = "mg", infusion = true }\n')
    with pytest.raises(DataError, match="code NE"):
        read_codes(str(own))


def test_a_rate_that_clif_assumes_in_part_is_suspect(tmp_path):
    door = clif(tmp_path)
    (tmp_path / "clif_medication_admin_intermittent.csv").write_text(
        "hospitalization_id,med_order_id,med_name,med_category,admin_dttm,mar_action_category,med_dose,med_dose_unit,"
        "med_route_category\nH1,1,NaCl 0.9%,sodium chloride,2150-03-01T09:00:00Z,start,500,mL,iv\n"
    )
    with site(door, tmp_path, lambda: us("2150-03-01T09:10:00Z")) as one:
        asyncio.run(door.load(one.intake, asyncio.Event()))
        key = one.reading.subject_of(Identifier("local:clif", "P1"))
        (series,) = one.reading.series(key, ["crystalloid"])
        assert list(zip(series.value.tolist(), series.quality.tolist(), strict=True)) == [(0, 0), (1000, 1), (0, 0)]


# the same patients twice ----------------------------------------------------------------------------------------------

AGREE = ("heart_rate", "oxygen_saturation", "systolic_pressure", "tidal_volume", "plateau_pressure", "arterial_ph")


def values(parts, value_of=lambda value: round(value, 3)):
    return {
        (part.subject.identifiers[0].value, part.codes[0].code, part.effective, value_of(part.value))
        for part in parts
        if getattr(part, "value", None) is not None and part.codes[0].code in AGREE
    }


@pytest.mark.slow
def test_two_forms_of_the_same_patients_by_different_people_agree_value_by_value():
    file = shared("data", "mimic_iv_demo_meds", "mimic_iv_demo_meds_events.parquet")
    try:
        folder = demo_folder()
    except DataError:
        pytest.skip("no CLIF demo in this environment")
    clock = MedsDoor("meds", {"path": str(file), "zone": "Etc/GMT+5"})  # the demo's UTC is five hours ahead, all year
    one = values(clock.decode(file.read_bytes(), "").parts, lambda value: value)
    other = ClifDoor("clif", {"path": str(folder)})
    stays = other._stays()
    litres = {(w, c, t, round(v / 1000 if c == "tidal_volume" else v, 3)) for w, c, t, v in one}
    both = values([known.part for known in other._parts(list(stays), stays)])
    assert len(litres) > 40_000
    assert litres <= both


@pytest.mark.slow
def test_two_forms_of_the_same_infusions_agree():
    file = shared("data", "mimic_iv_demo_meds", "mimic_iv_demo_meds_events.parquet")
    try:
        folder = demo_folder()
    except DataError:
        pytest.skip("no CLIF demo in this environment")
    door = MedsDoor("meds", {"path": str(file), "zone": "Etc/GMT+5"})
    one = rates(door.decode(file.read_bytes(), "").parts)
    other = ClifDoor("clif", {"path": str(folder)})
    stays = other._stays()
    both = rates([known.part for known in other._parts(list(stays), stays)])
    for drug in (True, False):  # saline is in both, Ringer's in MEDS alone: what runs together differs
        common = [name for name in one.keys() & both.keys() if (name[1] != "crystalloid") == drug]
        same = [name for name in common if one[name] == pytest.approx(both[name], rel=1e-3, abs=1e-9)]
        assert len(common) > 3_800
        assert len(same) >= (0.999 if drug else 0.9) * len(common)


def rates(parts):
    infused = {meaning.channel for meaning in read_codes("mimic_iv")._table.values() if meaning.infusion}
    return {
        (part.subject.identifiers[0].value, part.codes[0].code, part.effective): part.value
        for part in parts
        if getattr(part, "value", None) is not None and part.codes[0].code in infused
    }
