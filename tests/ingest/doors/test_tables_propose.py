"""What a table is proposed to mean: said in words, with doubts; what could be two things is asked and never guessed."""

import random
import tomllib
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.doors.table_files import FILE, parquet, workbook
from tests.paths import ROOT

from caretwin.base.errors import DataError
from caretwin.base.units import convert
from caretwin.ingest.bedside.names import channel_of
from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.tables import names
from caretwin.ingest.doors.tables.door import TablesDoor
from caretwin.ingest.doors.tables.file import read_grid
from caretwin.ingest.doors.tables.grid import Layout
from caretwin.ingest.doors.tables.languages import ambiguous_words, channel_words
from caretwin.ingest.doors.tables.mapping import mapping_of
from caretwin.ingest.doors.tables.proposal import Hints
from caretwin.ingest.doors.tables.propose import propose, propose_grid
from caretwin.ingest.doors.tables.write import to_toml
from caretwin.ingest.mapping import CodeMapping
from caretwin.ingest.translate import Translator
from caretwin.record.identifiers import NHS_NUMBER
from caretwin.record.vocabulary import vocabulary

LONDON = Hints(zone="Europe/London")


def of(text, hints=LONDON):
    raw = text.encode() if isinstance(text, str) else text
    return propose_grid(read_grid(raw, "ward.csv", Layout()), hints)


def channels(found):
    return {one.name: (one.channel, one.unit) for one in found.mapping.columns}


def asked(found):
    return " ".join(one.text for one in found.questions)


def why(found, column):
    return next(one for one in found.choices if one.column == column)


def column(name, *cells):
    """A table of one channel."""
    rows = "\n".join(f"{n},2026-03-27 08:{n:02d},{cell}" for n, cell in enumerate(cells, start=10))
    return f"patient,time,{name}\n{rows}\n"


@pytest.mark.parametrize(
    "name, cells, channel, unit",
    [
        ("Temp (°F)", (98.6, 99.1), "temperature", "°F"),
        ("HR [bpm]", (80, 90), "heart_rate", "bpm"),
        ("weight_kg", (70, 82), "weight", "kg"),
        ("Glucose mg/dL", (104, 142), "glucose", "mg/dL"),
        ("Systolic BP", (128, 131), "systolic_pressure", "mm[Hg]"),
        ("SpO2", (97, 96), "oxygen_saturation", "%"),
        ("8867-4", (80, 90), "heart_rate", "/min"),
        ("RASS", (-2, 0), "sedation_score", ""),
        ("potassium", (4.1, 3.9), "potassium", "mmol/L"),
        ("body temperature", (98.6, 101.0), "temperature", "[degF]"),
        ("temp", (37.2, 38.1), "temperature", "Cel"),
        ("glucose", (104, 142), "glucose", "mg/dL"),
        ("glucose", (5.1, 7.9), "glucose", "mmol/L"),
        ("creatinine", (88, 61), "creatinine", "umol/L"),
        ("FiO2", (40, 60), "fio2", "%"),
        ("FiO2", (0.4, 0.6), "fio2", "1"),
        ("Hb", (112, 98), "haemoglobin", "g/L"),
    ],
)
def test_a_channel_is_known_by_its_name_and_its_unit_by_name_or_by_what_the_values_can_be(name, cells, channel, unit):
    found = of(column(name, *cells))
    assert channels(found) == {name: (channel, unit)}
    assert found.ready


@pytest.mark.parametrize("name, cells", [("weight", (71.5, 82)), ("height", (65, 70)), ("haemoglobin", (9.1, 10.2))])
def test_a_unit_that_could_be_two_is_asked_and_the_column_is_not_read(name, cells):
    found = of(column(name, *cells))
    assert channels(found) == {}
    assert "no unit is written" in asked(found)
    assert name in found.unused
    assert not found.ready


def test_a_unit_that_does_not_fit_its_values_is_doubted_aloud():
    found = of(column("Temp (°C)", 98.6, 99.1, 101.2))
    (doubt,) = why(found, "Temp (°C)").doubts
    assert "Only 0 %" in doubt and "[degF]" in doubt
    assert channels(of(column("heart rate", 6, 7, 5))) == {}
    some = of(column("heart rate", 80, 90, 5))
    assert "Only 67 %" in " ".join(why(some, "heart rate").doubts)


@pytest.mark.parametrize("name", ["tidal volume", "saturation", "rate"])
def test_a_name_that_could_be_two_channels_is_asked(name):
    found = of(column(name, 450, 460))
    assert "It could be" in asked(found)
    assert channels(found) == {}


def test_two_columns_of_one_channel_are_asked():
    found = of("patient,time,HR,Pulse\n1,2026-03-27 08:10,80,81\n")
    assert "both heart_rate" in asked(found)


def test_pairs_of_pressures_are_known_and_single_ones_are_asked():
    assert channels(of(column("BP", "128/74", "131/79"))) == {"BP": ("blood_pressure", "mm[Hg]")}
    assert "which pressure" in asked(of(column("BP", 128, 131)))


# times ---------------------------------------------------------------------------------------------------------------


def at(*cells, head="Recorded", hints=LONDON):
    return of("patient," + head + ",HR\n" + "".join(f"1,{cell},80\n" for cell in cells), hints)


def test_a_day_above_twelve_shows_the_order_and_is_quoted():
    assert at("03/04/2026 08:10", "27/03/2026 08:10").mapping.time.format == "dmy"
    assert at("03/04/2026 08:10", "03/27/2026 08:10").mapping.time.format == "mdy"
    assert "27/3/2026 can be nothing else" in why(at("27/03/2026 08:10"), "Recorded").why


def test_an_order_that_cannot_be_seen_is_asked_with_both_readings_and_an_answer_is_taken():
    found = at("03/04/2026 08:10", "05/04/2026 08:10")
    assert found.mapping.time.format == ""
    assert "3 April with dmy" in asked(found) and "4 March with mdy" in asked(found)
    answered = at("03/04/2026 08:10", hints=Hints(zone="Europe/London", dates="mdy"))
    assert answered.mapping.time.format == "mdy"
    assert answered.ready


def test_two_orders_in_one_column_are_told():
    assert "export it again in one order" in asked(at("27/03/2026 08:10", "03/27/2026 08:10"))


def test_a_clock_without_a_zone_is_asked_and_one_with_an_offset_is_not():
    assert "which clock" in asked(at("2026-03-27 08:10", hints=Hints()))
    assert asked(at("2026-03-27T08:10:00+01:00", hints=Hints())) == ""
    assert at("2026-03-27T08:10:00+01:00").mapping.time.zone == ""


def test_years_of_two_digits_and_days_without_a_time_of_day_are_asked():
    assert "two digits" in asked(at("27/03/26 08:10"))
    assert "time of day" in asked(at("2026-03-27", "2026-03-28"))


def test_serial_numbers_of_spreadsheets_are_times_only_under_a_name_of_a_time():
    found = at("46108.34", "46109.5", head="Date")
    assert found.mapping.time.format == "excel"
    assert "1904" in " ".join(why(found, "Date").doubts)
    assert "No column holds times" in asked(at("46108.34", "46109.5", head="Steps"))


def test_a_native_time_of_a_workbook_and_a_zoned_one_of_parquet_are_known():
    native = of(workbook(["Patient", "Time", "HR"], [1, datetime(2026, 3, 27, 8, 10), 80]), Hints())
    assert native.mapping.time.columns == ("Time",)
    assert "which clock" in asked(native)
    import pyarrow

    zoned = pyarrow.array([datetime(2026, 3, 27, 8, 10)], pyarrow.timestamp("us", tz="UTC"))
    assert asked(of(parquet(patient=["1"], time=zoned, HR=[80]), Hints())) == ""


def test_a_day_and_a_clock_are_joined_and_the_time_of_a_result_is_not_that_of_the_sample():
    found = of("patient,date,time,result time,HR\n1,2026-03-27,08:10,2026-03-27 09:00,80\n")
    assert found.mapping.time.columns == ("date", "time")
    assert found.mapping.issued.columns == ("result time",)


def test_of_two_times_that_of_the_sample_is_chosen_and_the_other_is_named_with_a_doubt():
    found = of("patient,timestamp,collected,HR\n1,2026-03-27 08:10,2026-03-27 07:00,80\n")
    assert found.mapping.time.columns == ("collected",)
    assert "timestamp" in found.unused
    assert "timestamp" in why(found, "collected").doubts[0]


# who -----------------------------------------------------------------------------------------------------------------


def test_a_table_about_nobody_is_asked_about_and_a_remark_in_the_file_answers():
    table = "time,HR\n2026-03-27 08:10,80\n"
    assert "whom a row is about" in asked(of(table))
    assert of(table, Hints(zone="UTC", subject="bed-3")).mapping.subject.value == "bed-3"
    assert of("# patient: P7\n# zone: UTC\n" + table, Hints()).ready


def test_nhs_numbers_are_known_by_their_check_digits():
    found = of("number,NHS Number,time,HR\n1,9434765919,2026-03-27 08:10,80\n")
    assert found.mapping.subject.system == NHS_NUMBER
    wrong = of("NHS Number,time,HR\n9434765918,2026-03-27 08:10,80\n")
    assert wrong.mapping.subject.system != NHS_NUMBER
    assert "check digit" in " ".join(why(wrong, "NHS Number").doubts)


def test_a_bed_is_doubted_as_a_person_and_names_of_people_are_never_used():
    found = of("Bed,Patient name,time,HR\n3,Ada L,2026-03-27 08:10,80\n")
    assert "A bed is not a person" in " ".join(why(found, "Bed").doubts)
    assert found.unused["Patient name"] == "what people are called is never taken in"
    assert "Ada" not in to_toml(found)


def test_every_column_is_either_used_or_named_with_a_reason():
    found = propose(ROOT / "examples/ward_wide.csv", LONDON)
    used = {name for one in found.choices for name in one.column.split(" + ")}
    assert used | found.unused.keys() == set(found.grid.columns)
    assert not used & found.unused.keys()


# long tables ---------------------------------------------------------------------------------------------------------


def test_the_example_of_a_laboratory_is_understood_but_for_one_code():
    found = propose(ROOT / "examples/lab_long.csv")
    assert found.ready
    assert found.mapping.long.code == "test" and found.mapping.long.unit == "units"
    assert {one.name: one.channel for one in found.mapping.codes}["CRP"] == "c_reactive_protein"
    assert [one.code for one in found.codes if one.rule is None] == ["Troponin T"]
    assert (found.mapping.id, found.mapping.status) == ("row_id", "status")
    assert found.mapping.issued.columns == ("resulted",)


def test_loinc_codes_are_a_system_of_their_own():
    found = of(
        "patient,time,loinc,value,unit\n1,2026-03-27 08:10,8867-4,80,/min\n1,2026-03-27 08:10,2823-3,4.1,mmol/L\n"
    )
    assert found.mapping.long.system == "http://loinc.org"
    assert [one.channel for one in found.mapping.codes] == ["heart_rate", "potassium"]


def test_a_row_without_a_unit_is_not_given_that_of_the_others():
    found = of("patient,time,test,value,unit\n1,2026-03-27 08:10,glucose,104,mg/dL\n1,2026-03-27 09:10,glucose,106,\n")
    assert [(one.channel, one.unit) for one in found.mapping.codes] == [("glucose", "")]


def test_a_word_in_the_status_column_that_nobody_knows_is_doubted():
    found = of("patient,time,HR,status\n1,2026-03-27 08:10,80,eyeballed\n")
    assert "eyeballed" in " ".join(why(found, "status").doubts)


# the mapping that is written -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["ward_wide.csv", "lab_long.csv"])
def test_the_mapping_that_is_written_reads_the_table_as_the_proposal_did(file):
    found = propose(ROOT / "examples" / file, LONDON)
    written = mapping_of(tomllib.loads(to_toml(found)), "written")
    raw = (ROOT / "examples" / file).read_bytes()
    door = TablesDoor("t", {"path": "."}, written)
    same = TablesDoor("t", {"path": "."}, found.mapping)
    assert door.decode(raw, FILE) == same.decode(raw, FILE)
    assert len(door.decode(raw, FILE).parts) > 8


def test_an_unanswered_question_stands_in_the_mapping_and_nothing_is_read_by_it():
    found = at("03/04/2026 08:10")
    text = to_toml(found)
    assert "# QUESTION" in text
    with pytest.raises(RefusedError, match="could be exchanged"):
        TablesDoor("t", {"path": "."}, mapping_of(tomllib.loads(text), "w")).decode(
            b"patient,Recorded,HR\n1,03/04/2026 08:10,80\n", FILE
        )
    nobody = to_toml(of("time,HR\n2026-03-27 08:10,80\n"))
    with pytest.raises(DataError, match="neither or both"):
        mapping_of(tomllib.loads(nobody), "w")


@pytest.mark.parametrize("file, values, refused", [("ward_wide.csv", 44, 4), ("lab_long.csv", 10, 0)])
def test_the_examples_hold_what_their_page_says(file, values, refused):
    found = propose(ROOT / "examples" / file, LONDON)
    decoded = TablesDoor("t", {"path": "."}, found.mapping).decode((ROOT / "examples" / file).read_bytes(), FILE)
    assert (len(decoded.parts), len(decoded.refused)) == (values, refused)


WORDS = st.sampled_from(
    ["time", "patient", "HR", "Temp (°F)", "value", "code", "unit", "status", "date", "BP", "weight", "x [", "id", ""]
)
CELL = st.text(max_size=8) | st.sampled_from(
    ["2026-03-27 08:10", "03/04/2026", "80", "37,2", "120/80", "46108", "13/13/2026"]
)


@settings(deadline=None)
@given(
    st.lists(WORDS, min_size=1, max_size=5, unique=True), st.lists(st.lists(CELL, min_size=5, max_size=5), max_size=5)
)
def test_any_table_gets_a_proposal_that_can_be_written_or_is_refused(head, rows):
    lines = [head, *(row[: len(head)] for row in rows)]
    text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)
    try:
        found = of(text.encode("utf-8", "replace"), Hints())
    except RefusedError:
        return
    tomllib.loads(to_toml(found))
    if found.ready:
        mapping_of(tomllib.loads(to_toml(found)), "written")


# other languages -----------------------------------------------------------------------------------------------------

GERMAN = """Patientennummer;Datum;Uhrzeit;Puls;RR syst;RR diast;Temperatur;Atemfrequenz;Gewicht;Größe;Blutzucker;Kreatinin;Laktat (mmol/l);Hb
4711;03.03.2026;08:10;80;121;74;37,2;16;71,5 kg;178;104;0,9;1,2;13,1 g/dl
4711;03.03.2026;09:10 Uhr;84;118;71;37,4;18;71,5 kg;178;109;0,9;1,4;13,0 g/dl
"""  # noqa: E501


def test_a_german_export_is_read_with_its_names_commas_and_dates():
    found = of(GERMAN.encode("cp1252"), Hints(zone="Europe/Berlin"))
    assert asked(found) == ""
    assert {one.name: one.channel for one in found.mapping.columns} == {
        "Puls": "heart_rate", "RR syst": "systolic_pressure", "RR diast": "diastolic_pressure",
        "Temperatur": "temperature", "Atemfrequenz": "respiratory_rate", "Gewicht": "weight", "Größe": "height",
        "Blutzucker": "glucose", "Kreatinin": "creatinine", "Laktat (mmol/l)": "lactate", "Hb": "haemoglobin",
    }  # fmt: skip
    assert (found.mapping.subject.column, found.mapping.time.columns) == ("Patientennummer", ("Datum", "Uhrzeit"))
    assert (found.mapping.time.format, found.mapping.layout.decimal) == ("dmy", ",")
    decoded = TablesDoor("t", {"path": "."}, found.mapping).decode(GERMAN.encode("cp1252"), FILE)
    assert not decoded.refused and len(decoded.parts) == 22
    assert {part.value for part in decoded.parts if part.codes[0].code == "temperature"} == {37.2, 37.4}


@pytest.mark.parametrize(
    "name, cells, channel",
    [
        ("Herzfrequenz", (80, 90), "heart_rate"), ("Groesse", (178, 165), "height"), ("GRÖSSE", (178, 165), "height"),
        ("fréquence cardiaque", (80, 90), "heart_rate"), ("Frequence cardiaque", (80, 90), "heart_rate"),
        ("Température", (37.2, 38.0), "temperature"), ("glycémie (mg/dL)", (104, 98), "glucose"),
        ("fréquence respiratoire", (16, 18), "respiratory_rate"), ("hartfrequentie", (80, 90), "heart_rate"),
        ("bloeddruk", ("120/80", "131/79"), "blood_pressure"), ("Lengte (cm)", (178, 165), "height"),
        ("frecuencia cardíaca", (80, 90), "heart_rate"), ("Tensión arterial", ("120/80", "131/79"), "blood_pressure"),
        ("RR", ("120/80", "131/79"), "blood_pressure"), ("RR", (16, 18), "respiratory_rate"),
        ("Hb (mmol/l)", (8.1, 7.4), "haemoglobin"),
    ],
)  # fmt: skip
def test_names_in_other_languages_are_known_with_and_without_accents(name, cells, channel):
    assert [one[0] for one in channels(of(column(name, *cells))).values()] == [channel]


@pytest.mark.parametrize("name", ["Sättigung", "Saettigung", "saturación", "PAS", "Frequenz"])
def test_a_word_that_is_two_things_is_asked_in_any_language(name):
    found = of(column(name, 97, 96))
    assert "It could be" in asked(found) and channels(found) == {}


def test_no_word_of_one_language_means_another_channel_in_a_second():
    meant = {}
    for word, channel in channel_words().items():
        known = channel_of(word) or (names.SYNONYMS and names._by_name().get(word))
        assert known in (None, channel), word
        assert word not in ambiguous_words(), word
        assert meant.setdefault(word, channel) == channel
    assert set(meant.values()) <= {*vocabulary(), "blood_pressure"}


def test_haemoglobin_in_mmol_per_litre_is_that_of_one_iron():
    found = of(column("Hb (mmol/L)", 8.1, 7.4))
    door = TablesDoor("t", {"path": "."}, found.mapping)
    raw = column("Hb (mmol/L)", 8.1, 7.4).encode()
    kept = [Translator("t", CodeMapping([])).translate(part, 0)[0] for part in door.decode(raw, FILE).parts]
    assert [round(one.value, 2) for one in kept] == [13.05, 11.92]
    assert all(one.quality == 0 for one in kept)
    assert convert(1.0, "mmol/L", "g/dL", substance="haemoglobin monomer") == pytest.approx(1.6114, rel=1e-4)
    assert "no unit is written" in asked(of(column("Hb", 8.1, 9.4)))  # both units are possible: asked, not guessed


@pytest.mark.parametrize("raw", [b"patient,time,HR\n", b"patient;time;HR\r\n\r\n"])
def test_a_header_without_a_row_is_refused_in_plain_words(raw):
    with pytest.raises(RefusedError, match="a header and no row"):
        of(raw)


@pytest.mark.parametrize("seed", range(20))
def test_bytes_that_are_no_text_are_refused_in_plain_words(seed):
    raw = random.Random(seed).randbytes(3000)
    with pytest.raises(RefusedError, match="no text"):
        of(raw)


def test_a_dotted_date_is_day_first_and_one_that_cannot_be_is_asked():
    assert at("03.04.2026 08:10").mapping.time.format == "dmy"
    assert at("03.04.2026 8h10").mapping.time.format == "dmy"
    assert "Some dates" not in asked(at("03.04.2026 08:10", "04.05.2026 08:10"))
    assert at("03.27.2026 08:10").mapping.time.format == "mdy"
