"""A table written at the bedside: what it says is read with its units, and every bad row is located and named."""

import numpy as np
import pytest
from tests.paths import ROOT

from caretwin.ingest.bedside.names import SYNONYMS, channel_of
from caretwin.ingest.bedside.table import read_bedside_table
from caretwin.ingest.bedside.units import to_channel
from caretwin.ingest.findings import TableError
from caretwin.record.bedside import Person, channels

HEADER = "time,name,value,unit,received\n"


@pytest.fixture
def table(tmp_path):
    """Writes rows under the header and reads them."""

    def read(*rows, header=HEADER, **options):
        path = tmp_path / "patient.csv"
        path.write_text(header + "\n".join(rows) + "\n", encoding="utf-8")
        return read_bedside_table(path, **options)

    return read


def errors(read, *rows, **options):
    with pytest.raises(TableError) as caught:
        read(*rows, **options)
    return [f for f in caught.value.findings if f.severity == "error"]


# What is read


def test_the_example_is_read_without_a_remark():
    record = read_bedside_table(ROOT / "examples" / "bedside_ventilated.csv")
    assert record.findings == ()
    assert record.person == Person("bedside_ventilated", "male", 61.0, 178.0, 82.0)
    assert record.settings["peep"].value.tolist() == [10.0, 12.0]
    assert record.settings["tidal_volume_set"].value.tolist() == [0.44]
    assert len(record.observations["arterial_oxygen_pressure"]) == 4
    assert (
        "invented" in (ROOT / "examples" / "bedside_ventilated.csv").read_text(encoding="utf-8").splitlines()[0].lower()
    )


def test_a_laboratory_value_is_known_when_it_was_received(table):
    record = table("0,lactate,2.1,mmol/L,1.5", "1,HR,80,,")
    lactate = record.observations["lactate"]
    assert lactate.time_h.tolist() == [0.0]
    assert len(record.as_of(1.0).observations["lactate"]) == 0
    assert len(record.as_of(1.5).observations["lactate"]) == 1


@pytest.mark.parametrize(
    ("row", "channel", "value"),
    [
        ("PaO2,10.0,kPa", "arterial_oxygen_pressure", 75.006),
        ("pO2,75,mmHg", "arterial_oxygen_pressure", 75.0),
        ("glucose,180,mg/dL", "glucose", 9.991),
        ("Hb,98,g/L", "haemoglobin", 9.8),
        ("temp,98.6,F", "temperature", 37.0),
        ("VT set,450,mL", "tidal_volume_set", 0.45),
        ("FiO2,40,%", "fio2", 0.40),
        ("FiO2,0.4,", "fio2", 0.40),
        ("propofol,30,mcg/kg/min", "propofol", 1.8),
        ("insulin,2,U/h", "insulin", 2.0),
        ("vasopressin,0.03,units/min", "vasopressin", 1.8),
        ("noradrenaline,8,ug/min", "norepinephrine", 0.1),
        ("creatinine,133,umol/L", "creatinine", 1.5045),
        ("20077-4,8,cmH2O", "peep", 8.0),
        ("mode,PRVC,", "ventilator_mode", 3.0),
        ("mode,off,", "ventilator_mode", 0.0),
        ("prone,yes,", "prone", 1.0),
        ("dextrose,20,g/h", "parenteral_glucose", 1.8502),
    ],
)
def test_names_and_units_of_the_bedside_are_understood(table, row, channel, value):
    record = table("0,weight,80,kg,", f"0,{row},")
    found = {**record.observations, **record.settings}[channel]
    assert found.value.tolist() == pytest.approx([value], rel=1e-4)


def test_a_blood_pressure_is_two_values(table):
    record = table("0,BP,120/65,mmHg,")
    assert record.observations["systolic_pressure"].value.tolist() == [120.0]
    assert record.observations["diastolic_pressure"].value.tolist() == [65.0]


def test_off_stops_a_pump_and_takes_a_ventilator_setting_away(table):
    record = table("0,weight,80,kg,", "0,propofol,2,mg/kg/h,", "0,PEEP,8,,", "2,propofol,off,,", "2,PEEP,off,,")
    assert record.settings["propofol"].held_at(np.array([3.0])).tolist() == [0.0]
    assert np.isnan(record.settings["peep"].held_at(np.array([3.0]))[0])


def test_clock_times_become_hours_from_the_first(table):
    rows = ("2026-03-02 08:00,HR,80,,2026-03-02 08:00", "2026-03-02 09:30,HR,90,,2026-03-02 10:00")
    record = table(*rows, zone="Europe/Zurich")
    assert record.observations["heart_rate"].time_h.tolist() == [0.0, 1.5]
    assert record.observations["heart_rate"].received_h.tolist() == [0.0, 2.0]
    assert record.origin is not None


def test_what_the_caller_knows_of_the_person_wins(table):
    record = table("0,weight,80,kg,", "0,sex,female,,", "0,HR,80,,", person=Person("bed 4", weight_kg=92.0))
    assert record.person == Person("bed 4", "female", None, None, 92.0)


def test_without_a_weight_none_is_made_up(table):
    assert table("0,HR,80,,").person.weight_kg is None


# What is not


@pytest.mark.parametrize("name", ["PaO2", "glucose", "creatinine", "temperature", "VT set", "noradrenaline", "insulin"])
def test_a_quantity_that_circulates_in_several_units_needs_one(table, name):
    (error,) = errors(table, "0,HR,80,,", f"0,{name},8,,")
    assert (error.row, error.column) == (3, "unit")
    assert "circulates in several" in error.wanted


def test_a_unit_of_another_kind_is_an_error_at_its_row(table):
    (error,) = errors(table, "0,HR,80,,", "0,PaO2,75,mg/dL,")
    assert (error.row, error.column) == (3, "unit")


def test_a_rate_that_needs_a_weight_says_so(table):
    (error,) = errors(table, "0,HR,80,,", "0,noradrenaline,8,ug/min,")
    assert "weight" in error.wanted


def test_a_negative_rate_is_a_named_error(table):
    (error,) = errors(table, "0,HR,80,,", "0,weight,80,kg,", "0,noradrenaline,-0.1,ug/kg/min,")
    assert error.row == 4
    assert "negative rate" in error.seen


def test_a_peep_of_200_is_a_named_error_at_its_row(table):
    (error,) = errors(table, "0,PEEP,8,,", "1,PEEP,200,,")
    assert error.row == 3
    assert "peep 200" in error.seen
    assert "no ventilator sets it" in error.fix


def test_an_fio2_of_40_is_corrected_and_flagged_at_its_row(table):
    record = table("0,HR,80,,", "0,FiO2,40,,")
    assert record.settings["fio2"].value.tolist() == [0.40]
    (finding,) = record.findings
    assert (finding.severity, finding.row) == ("warning", 3)
    assert "percentage" in finding.seen


def test_exchanged_pressures_are_flagged_at_both_rows(table):
    record = table("0,systolic,62,,", "0,diastolic,124,,")
    assert record.observations["systolic_pressure"].value.tolist() == [124.0]
    assert sorted(f.row for f in record.findings) == [2, 3]


def test_a_name_with_two_meanings_is_answered_with_both(table):
    (error,) = errors(table, "0,HR,80,,", "0,tidal volume,450,mL,")
    assert "tidal_volume_set" in error.fix


def test_an_unknown_name_a_word_for_a_number_and_a_weight_of_a_ton_are_all_listed_at_once(table):
    found = errors(table, "0,HR,fast,,", "0,charisma,7,,", "0,weight,1000,kg,", "0,SpO2,97,%,")
    assert [f.row for f in found] == [2, 3, 4]


def test_a_result_received_before_its_sample_is_an_error(table):
    (error,) = errors(table, "5,lactate,2,mmol/L,4", "5,HR,80,,")
    assert error.column == "received"


def test_a_table_without_a_name_column_says_which_columns_it_has(table):
    (error,) = errors(table, "0,80", header="time,value\n")
    assert "a column 'name'" in error.wanted


def test_errors_can_be_kept_as_findings(table):
    record = table("0,HR,80,,", "0,PEEP,200,,", strict=False)
    assert [f.severity for f in record.findings] == ["error"]
    assert record.observations["heart_rate"].value.tolist() == [80.0]


# Names and units as a whole


@pytest.mark.parametrize("name", sorted(channels()))
def test_every_channel_answers_to_its_own_name_and_its_code(name):
    assert channel_of(name) == name
    code = channels()[name].loinc
    assert code is None or channel_of(code) == name


def test_no_synonym_means_two_channels():
    words = [word for words in SYNONYMS.values() for word in words]
    assert len(words) == len(set(words))
    assert set(SYNONYMS) <= set(channels())


@pytest.mark.parametrize("name", sorted(channels()))
def test_every_channel_has_a_unit_that_can_be_read(name):
    assert to_channel(1.5, channels()[name].unit, name) == pytest.approx(1.5)


def test_what_is_odd_about_a_row_is_not_said_before_the_row_is_known(tmp_path):
    path = tmp_path / "man.csv"
    path.write_text("time,name,value,unit,received\n1,MAP,70,mmHg,\n2,MAP,-16,mmHg,5\n")
    record = read_bedside_table(path)
    assert [f.row for f in record.findings] == [3]
    assert record.as_of(4.0).findings == ()
    assert record.as_of(6.0).findings == record.findings
