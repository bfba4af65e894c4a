"""What a code means is decided once for every door: the channel, its unit, and how plausible a value is."""

from pathlib import Path

import pytest

from caretwin.base.errors import CaretwinError, UnitError
from caretwin.ingest.bedside.units import to_channel
from caretwin.ingest.decoded import LOINC, SNOMED, Code, CodedValue
from caretwin.ingest.mapping import CodeMapping, Rule, read_mapping, to_fill_in
from caretwin.ingest.meanings import check_unit
from caretwin.ingest.translate import Translator
from caretwin.record.bedside import Quality
from caretwin.record.entry import Identifier, Observation, Status, SubjectRef

SOMEBODY = SubjectRef((Identifier("urn:hospital", "1"),))


def of(code: Code, value: float | None, unit: str = "", rules: tuple[Rule, ...] = (), **more: object) -> Observation:
    said = CodedValue(SOMEBODY, (code,), 0, value, unit, **more)  # type: ignore[arg-type]
    return Translator("hl7v2:icu", CodeMapping(rules)).translate(said, 0)[0]


@pytest.mark.parametrize(
    ("code", "value", "unit", "channel", "expected"),
    [
        ("8310-5", 100.4, "[degF]", "temperature", 38.0), ("2345-7", 180.16, "mg/dL", "glucose", 10.0),
        ("2160-0", 88.4, "umol/L", "creatinine", 1.0), ("2703-7", 13.332, "kPa", "arterial_oxygen_pressure", 100.0),
        ("3150-6", 40.0, "%", "fio2", 0.4), ("3150-6", 40.0, "", "fio2", 0.4), ("3150-6", 0.4, "", "fio2", 0.4),
        ("8867-4", 80.0, "{beats}/min", "heart_rate", 80.0), ("2744-1", 7.4, "[pH]", "arterial_ph", 7.4),
        ("718-7", 120.0, "g/L", "haemoglobin", 12.0), ("3141-9", 154.32, "[lb_av]", "weight", 70.0),
        ("76222-9", 450.0, "mL", "tidal_volume", 0.45), ("2951-2", 140.0, "mEq/L", "sodium", 140.0),
        ("2823-3", 4.1, "meq/L", "potassium", 4.1), ("2075-0", 101.0, "mEq/L", "chloride", 101.0),
        ("1963-8", 24.0, "mEq/L", "bicarbonate", 24.0), ("1925-7", -3.0, "mEq/L", "base_excess", -3.0),
    ],
)  # fmt: skip
def test_values_arrive_in_the_unit_of_their_channel(
    code: str, value: float, unit: str, channel: str, expected: float
) -> None:
    found = of(Code(LOINC, code), value, unit)
    assert (found.code, found.quality, found.unit) == (channel, Quality.GOOD, "")
    assert found.value == pytest.approx(expected, rel=2e-3)


def test_a_unit_of_another_kind_is_refused_for_use_and_kept_as_it_came() -> None:
    found = of(Code(LOINC, "8867-4"), 80.0, "mg/L")
    assert (found.code, found.unit, found.value) == (f"{LOINC}|8867-4", "mg/L", 80.0)
    assert found.quality == Quality.REFUSED
    assert found.note is not None and "a rate per time" in found.note["trouble"]


def test_a_value_without_the_unit_it_needs_is_not_guessed() -> None:
    assert of(Code(LOINC, "2345-7"), 5.5).quality == Quality.REFUSED


def test_what_no_body_can_have_is_kept_and_not_used() -> None:
    found = of(Code(LOINC, "8310-5"), 370.0, "Cel")
    assert (found.code, found.value, found.quality) == ("temperature", 370.0, Quality.REFUSED)


@pytest.mark.parametrize("code", ["8867-4", "3150-6"], ids=["a measurement", "a setting"])
def test_a_text_where_a_number_is_due_is_kept_and_not_used(code: str) -> None:
    said = of(Code(LOINC, code), None, note={"text": "room air"})
    assert said.quality == Quality.REFUSED and said.note == {
        "text": "room air", "trouble": "a text where a number is due",
    }  # fmt: skip
    assert of(Code(LOINC, code), None, note={"absent": "not-performed"}).quality == Quality.GOOD
    assert of(Code("local:icu", "MOOD"), None, note={"text": "calm"}).quality == Quality.GOOD


def test_a_bound_is_no_value() -> None:
    found = of(Code(LOINC, "2524-7"), 0.5, "mmol/L", note={"comparator": "<"})
    assert found.quality == Quality.SUSPECT and found.note == {"comparator": "<"}


def test_absent_stays_absent() -> None:
    found = of(Code(LOINC, "8867-4"), None, "/min", note={"absent": "not-performed"})
    assert found.value is None and found.code == "heart_rate"


def test_a_retraction_has_no_value() -> None:
    assert of(Code(LOINC, "8867-4"), 80.0, "/min", status=Status.RETRACTED).value is None


def test_arterial_saturation_of_a_specimen_is_not_that_of_a_finger() -> None:
    assert of(Code(LOINC, "2708-6"), 97.0, "%").code == "oxygen_saturation"
    assert of(Code(LOINC, "2708-6"), 97.0, "%", note={"specimen": "blood"}).code == "arterial_saturation"


def test_any_coding_may_be_the_one_that_is_known() -> None:
    said = CodedValue(SOMEBODY, (Code("local:icu", "PULS"), Code(SNOMED, "364075005")), 0, 80.0, "/min")
    assert Translator("x", CodeMapping([])).translate(said, 0)[0].code == "heart_rate"


def test_what_nobody_mapped_is_kept_and_listed() -> None:
    said = CodedValue(SOMEBODY, (Code("local:icu", "XYZ", "Druck 7"),), 0, 12.0, "cmH2O")
    found, unknown = Translator("hl7v2:icu", CodeMapping([])).translate(said, 5)
    assert (found.code, found.value, found.unit) == ("local:icu|XYZ", 12.0, "cmH2O")
    assert unknown is not None and (unknown.code, unknown.display, unknown.first) == ("XYZ", "Druck 7", 5)


def test_a_site_says_what_its_codes_mean() -> None:
    rules = (
        Rule("hl7v2:icu", "", "P7", "", "peep", "cm[H2O]"),
        Rule("", "", "NOISE", "", "ignore"),
        Rule("", LOINC, "8867-4", "", "pulse_rate"),
    )
    assert of(Code("local:icu", "p7"), 8.0, rules=rules).code == "peep"
    assert of(Code(LOINC, "8867-4"), 80.0, "/min", rules=rules).code == "pulse_rate"
    said = CodedValue(SOMEBODY, (Code("local:icu", "NOISE"),), 0, 1.0)
    assert Translator("hl7v2:icu", CodeMapping(rules)).translate(said, 0)[1] is None
    elsewhere = Translator("mqtt:home", CodeMapping(rules))
    assert elsewhere.translate(CodedValue(SOMEBODY, (Code("local:icu", "P7"),), 0, 8.0), 0)[1] is not None


def test_the_device_is_part_of_the_source() -> None:
    assert of(Code(LOINC, "8867-4"), 80.0, "/min", device="bed 7").source == "hl7v2:icu/bed 7"


def test_a_mapping_file_can_be_filled_in_from_what_was_seen(tmp_path: Path) -> None:
    import csv

    said = CodedValue(SOMEBODY, (Code("local:icu", "P7", "PEEP"),), 0, 8.0, "cmH2O")
    unknown = Translator("hl7v2:icu", CodeMapping([])).translate(said, 5)[1]
    assert unknown is not None
    (row,) = to_fill_in([unknown])
    path = tmp_path / "codes.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow({**row, "channel": "peep"})
    found, still = Translator("hl7v2:icu", read_mapping(path)).translate(said, 6)
    assert (found.code, found.value, still) == ("peep", 8.0, None)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("code;channel\nx;y\n", "column"),
        ("code,channel\nP7,pip\n", "line 2"),
        ("code,channel,to_unit\nP7,peep,furlong?\n", "furlong"),
        ("code,channel\nP1,peep\n\nPULS,heartrate\n", r"line 4\n.*'heartrate'\n.*\n.*write heart_rate;"),
        ("code,channel,to_unit\nSBP,systolic_pressure,kg\n", r"line 2, to_unit\n.*'kg' .*a mass\n.*mm\[Hg\]"),
    ],
)
def test_a_wrong_mapping_says_where(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(text)
    with pytest.raises(CaretwinError, match=word):
        read_mapping(path)


@pytest.mark.parametrize(
    ("channel", "unit"),
    [("norepinephrine", "mcg/min"), ("urine_output", "mL/kg/h"), ("glucose", "mg/dL"), ("insulin", "units/hour"),
     ("fio2", "%"), ("arterial_ph", "[pH]"), ("weight", "st"), ("sodium", "meq/L"), ("glasgow_coma_scale", "{score}")],
)  # fmt: skip
def test_every_unit_in_which_a_channel_is_charted_may_stand_in_a_mapping(channel: str, unit: str) -> None:
    check_unit("here", unit, channel)


def test_a_weight_in_stone_is_in_kilograms_and_no_stere() -> None:
    found, _ = Translator("x", CodeMapping([])).translate(
        CodedValue(SOMEBODY, (Code("caretwin", "weight"),), 0, 11.5, "st"), 5
    )
    assert found.code == "weight" and found.value == pytest.approx(73.02837157, abs=1e-9)
    with pytest.raises(UnitError):
        to_channel(1.0, "st", "peep")
