"""What an Observation says about a person, whoever sent it."""

import copy
from typing import Any

import pytest
from tests.ingest.doors.fhir_peers import raw

from caretwin.base.time import parse_instant, to_microseconds
from caretwin.ingest.decoded import LOINC, SNOMED, RefusedError
from caretwin.ingest.doors.fhir.door import FhirDoor
from caretwin.ingest.mapping import CodeMapping
from caretwin.ingest.translate import Translator
from caretwin.record.bedside import Quality
from caretwin.record.entry import Status

PULSE: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "p1",
    "status": "final",
    "code": {"coding": [{"system": LOINC, "code": "8867-4"}]},
    "subject": {"reference": "Patient/7"},
    "effectiveDateTime": "2024-03-01T06:10:00+01:00",
    "valueQuantity": {"value": 88, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
}


def us(text):
    return to_microseconds(parse_instant(text))


def changed(remove=(), **more):
    said = copy.deepcopy(PULSE)
    for name in remove:
        del said[name]
    return {**said, **more}


def parts(said, **settings):
    decoded = FhirDoor("ward", settings).decode(raw(said))
    assert decoded.refused == ()
    return decoded.parts


def one(said, **settings):
    (part,) = parts(said, **settings)
    return part


def refused(said, **settings):
    (found,) = FhirDoor("ward", settings).decode(raw(said)).refused
    return found


def in_the_record(said):
    return Translator("fhir:ward", CodeMapping([])).translate(one(said), 0)[0]


# ---- when ----------------------------------------------------------------------------------------------------------


def test_the_offset_of_the_sender_counts():
    assert one(PULSE).effective == us("2024-03-01T05:10:00Z")


def test_publication_is_noted_and_orders_versions_but_is_not_when_it_was_true():
    part = one(changed(issued="2024-03-01T09:00:00Z"))
    assert part.effective == us("2024-03-01T05:10:00Z")
    assert part.note["issued"] == part.version == us("2024-03-01T09:00:00Z")


def test_without_a_time_of_its_own_publication_stands_in_and_says_so():
    part = one(changed(["effectiveDateTime"], issued="2024-03-01T09:00:00Z"))
    assert (part.effective, part.note["time"]) == (us("2024-03-01T09:00:00Z"), "issued")


def test_without_any_time_it_is_refused():
    found = refused(changed(["effectiveDateTime"]))
    assert (found.place, found.code) == ("Observation.effective", "required")


def test_a_day_is_kept_from_its_beginning_and_is_told_to_be_no_instant():
    part = one(changed(effectiveDateTime="2024-03-01"))
    assert (part.effective, part.note["precision"]) == (us("2024-03-01T00:00:00Z"), "day")
    assert one(changed(effectiveDateTime="2024-03-01"), zone="Europe/Berlin").effective == us("2024-02-29T23:00:00Z")


@pytest.mark.parametrize("text", ["2024", "2024-03"])
def test_a_month_is_no_time_of_a_measurement(text):
    assert refused(changed(effectiveDateTime=text)).place == "Observation.effectiveDateTime"


def test_a_leap_second_is_the_second_after_it():
    assert one(changed(effectiveDateTime="2016-12-31T23:59:60Z")).effective == us("2017-01-01T00:00:00Z")


@pytest.mark.parametrize("text", ["2024-03-01T24:00:00Z", "2024-02-30T10:00:00Z", "2024-03-01T10:00:00+14:30", "10:00",
                                  "2024-03-01T10:00Z", "0000-01-01T00:00:00Z", "2024-03-01T10:00:00"])  # fmt: skip
def test_what_is_no_fhir_time_is_refused_at_its_element(text):
    found = refused(changed(effectiveDateTime=text))
    assert found.place == "Observation.effectiveDateTime"


def test_a_clock_time_without_offset_takes_the_zone_of_the_door_and_the_repeated_hour_is_not_guessed():
    part = one(changed(effectiveDateTime="2024-07-01T10:00:00"), zone="Europe/London")
    assert part.effective == us("2024-07-01T09:00:00Z")
    twice = refused(changed(effectiveDateTime="2024-10-27T01:30:00"), zone="Europe/London")
    assert "showed twice" in twice.seen


def test_a_period_counts_from_its_start_and_its_end_is_noted():
    period = {"start": "2024-03-01T00:00:00Z", "end": "2024-03-02T00:00:00Z"}
    part = one(changed(["effectiveDateTime"], effectivePeriod=period))
    assert (part.effective, part.note["until"]) == (us("2024-03-01T00:00:00Z"), us("2024-03-02T00:00:00Z"))
    backwards = changed(["effectiveDateTime"], effectivePeriod={"start": period["end"], "end": period["start"]})
    assert refused(backwards).place == "Observation.effectivePeriod"


def test_an_instant_and_a_timing_tell_the_time_too():
    assert one(changed(["effectiveDateTime"], effectiveInstant="2024-03-01T05:10:00.250Z")).effective == us(
        "2024-03-01T05:10:00.250Z"
    )
    timing = {"event": ["2024-03-01T08:00:00Z", "2024-03-01T07:00:00Z"]}
    part = one(changed(["effectiveDateTime"], effectiveTiming=timing))
    assert (part.effective, part.note["until"]) == (us("2024-03-01T07:00:00Z"), us("2024-03-01T08:00:00Z"))


# ---- what ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said, value, note",
    [
        ({"valueInteger": 3}, 3.0, {}),
        ({"valueBoolean": True}, 1.0, {"text": "true"}),
        ({"valueString": "clear"}, None, {"text": "clear"}),
        ({"valueTime": "07:30:00"}, None, {"text": "07:30:00"}),
        ({"valueDateTime": "2024-02"}, None, {"text": "2024-02"}),
        ({"valuePeriod": {"start": "2024-02-01"}}, None, {"text": "2024-02-01 to ?"}),
        ({"valueCodeableConcept": {"coding": [{"system": SNOMED, "code": "248234008", "display": "Alert"}]}}, None,
         {"text": "Alert", "codes": [[SNOMED, "248234008"]]}),
        ({"dataAbsentReason": {"coding": [{"code": "not-performed"}]}}, None, {"absent": "not-performed"}),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, None, {"text": "1:128"}),
        ({"valueRange": {"low": {"value": 2}, "high": {"value": 5}}}, None, {"text": "2 to 5"}),
        ({"valueSampledData": {"origin": {"value": 0}, "period": 10, "dimensions": 1, "data": "1 2 E 3"}}, None,
         {"absent": "waveform", "text": "4 points of a waveform"}),
        ({}, None, {"absent": "unknown"}),
    ],
)  # fmt: skip
def test_every_kind_of_value_is_a_number_a_word_or_absent_with_its_reason(said, value, note):
    part = one(changed(["valueQuantity"], **said))
    assert part.value == value
    assert note.items() <= (part.note or {}).items()


def test_below_the_limit_of_detection_is_a_bound_and_no_value():
    said = changed(valueQuantity={**PULSE["valueQuantity"], "value": 20, "comparator": "<"})
    assert one(said).note["comparator"] == "<"
    assert in_the_record(said).quality == Quality.SUSPECT
    odd = changed(valueQuantity={**PULSE["valueQuantity"], "comparator": "~"})
    assert refused(odd).place == "Observation.valueQuantity.comparator"


def test_a_value_beside_a_reason_why_there_is_none_is_refused():
    found = refused(changed(dataAbsentReason={"text": "machine off"}))
    assert found.place == "Observation.dataAbsentReason"


@pytest.mark.parametrize(
    "word, status",
    [("registered", 0), ("preliminary", 0), ("unknown", 0), ("final", 1), ("cancelled", 1), ("amended", 2),
     ("corrected", 2), ("entered-in-error", 3)],
)  # fmt: skip
def test_each_status_of_r4_is_one_of_ours(word, status):
    part = one(changed(status=word))
    assert part.status == Status(status)
    assert (part.value is None) == (word in ("cancelled", "entered-in-error"))


def test_an_unknown_status_is_refused_with_those_that_are_known():
    assert "entered-in-error" in refused(changed(status="done")).wanted


# ---- UK Core -------------------------------------------------------------------------------------------------------

UK_CORE = [("8867-4", "/min", "heart_rate"), ("9279-1", "/min", "respiratory_rate"),
           ("2708-6", "%", "oxygen_saturation"),
           ("8310-5", "Cel", "temperature"), ("29463-7", "kg", "weight"), ("8302-2", "cm", "height"),
           ("39156-5", "kg/m2", "body_mass_index")]  # fmt: skip


@pytest.mark.parametrize("code, unit, channel", UK_CORE)
def test_the_fixed_codes_of_uk_core_are_known(code, unit, channel):
    value = 37.0
    said = changed(code={"coding": [{"system": LOINC, "code": code}]},
                   valueQuantity={"value": value, "system": "http://unitsofmeasure.org", "code": unit})  # fmt: skip
    found = in_the_record(said)
    assert (found.code, found.value) == (channel, value)


@pytest.mark.parametrize("unit", ["{beats}/min", "/min", "beats/min"])
def test_units_are_compared_by_meaning(unit):
    said = changed(valueQuantity={"value": 88, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit})
    found = in_the_record(said)
    assert (found.code, found.value, found.quality) == ("heart_rate", 88.0, Quality.GOOD)


def test_a_score_whose_unit_is_an_annotation_is_a_number():
    code = {"coding": [{"system": SNOMED, "code": "1104051000000101"}]}
    quantity = {"value": 6, "system": "http://unitsofmeasure.org", "code": "{ScoreOf}"}
    found = in_the_record(changed(code=code, valueQuantity=quantity))
    assert (found.code, found.value) == ("early_warning_score", 6.0)


def test_any_coding_may_be_the_one_that_is_known():
    codings = [{"system": "urn:lab", "code": "X"}, {"system": "urn:oid:2.16.840.1.113883.6.96", "code": "364075005"}]
    assert in_the_record(changed(code={"coding": codings})).code == "heart_rate"


def test_2708_6_is_pulse_oximetry_unless_there_is_a_specimen():
    code = {"coding": [{"system": LOINC, "code": "2708-6"}]}
    percent = {"value": 95, "system": "http://unitsofmeasure.org", "code": "%"}
    assert in_the_record(changed(code=code, valueQuantity=percent)).code == "oxygen_saturation"
    blood = changed(code=code, valueQuantity=percent, specimen={"reference": "Specimen/9"})
    assert in_the_record(blood).code == "arterial_saturation"


# ---- what changes the meaning --------------------------------------------------------------------------------------


def test_a_value_of_the_child_in_the_record_of_its_mother_is_not_hers():
    found = refused(changed(focus=[{"reference": "RelatedPerson/unborn"}]))
    assert (found.place, found.code) == ("Observation.focus[0]", "not-supported")
    assert one(changed(focus=[{"reference": "Device/pump"}, {"reference": "Patient/7"}])).value == 88.0


def test_what_an_unknown_rule_gives_another_meaning_is_not_read():
    extension = [{"url": "urn:not", "valueBoolean": True}]
    assert refused(changed(modifierExtension=extension)).place == "Observation.modifierExtension"
    deep = pressure(("8480-6", 120))
    deep["component"][0]["modifierExtension"] = extension
    assert refused(deep).place == "Observation.component[0].modifierExtension"
    assert refused(changed(implicitRules="urn:other")).place == "Observation.implicitRules"


# ---- components and versions ---------------------------------------------------------------------------------------


def pressure(*values, **more):
    def component(code, value):
        quantity = {"value": value, "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
        return {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": quantity}

    code = {"coding": [{"system": LOINC, "code": "85354-9"}]}
    return changed(["valueQuantity"], code=code, component=[component(*one) for one in values], **more)


def test_a_blood_pressure_has_no_value_of_its_own_and_two_below():
    high, low = parts(pressure(("8480-6", 120), ("8462-4", 70)))
    assert [(part.codes[0].code, part.value) for part in (high, low)] == [("8480-6", 120.0), ("8462-4", 70.0)]


def test_a_component_keeps_its_name_when_the_sender_reorders_them():
    one_way = {part.source_id: part.value for part in parts(pressure(("8480-6", 120), ("8462-4", 70)))}
    other = {part.source_id: part.value for part in parts(pressure(("8462-4", 70), ("8480-6", 120)))}
    assert one_way == other == {"Observation/p1#8480-6": 120.0, "Observation/p1#8462-4": 70.0}


def test_two_components_of_one_code_have_two_names():
    assert len({part.source_id for part in parts(pressure(("8480-6", 120), ("8480-6", 124)))}) == 2


def test_a_bad_component_is_named_by_its_place():
    said = pressure(("8480-6", 120), ("8462-4", 70))
    said["component"][1]["valueQuantity"]["value"] = "seventy"
    found = refused(said)
    assert (found.place, found.code) == ("Observation.component[1].valueQuantity.value", "structure")
    assert "seventy" not in str(found)


def test_what_the_server_wrote_later_is_the_later_version():
    early = one(changed(meta={"lastUpdated": "2024-03-01T07:00:00Z", "versionId": "9"}))
    late = one(changed(meta={"lastUpdated": "2024-03-01T08:00:00Z", "versionId": "10"}))
    assert early.version < late.version
    assert one(changed(meta={"versionId": "9"})).version < one(changed(meta={"versionId": "10"})).version


def test_the_same_content_without_an_id_has_one_name_and_other_content_another():
    nameless = changed(["id"])
    assert one(nameless).source_id == one(copy.deepcopy(nameless)).source_id != ""
    assert one(nameless).source_id != one({**nameless, "valueQuantity": {"value": 89}}).source_id


def test_the_device_that_spoke_is_told():
    assert one(changed(device={"reference": "Device/monitor-3"})).device == "monitor-3"


# ---- what is no observation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, code",
    [
        (b"", "structure"),
        (b"[]", "structure"),
        (b"{", "structure"),
        (b"{}", "required"),
        (b'{"resourceType": "Claim"}', "not-supported"),
        (b'{"resourceType": "Bundle"}', "required"),
    ],
)
def test_what_is_no_message_is_refused_as_a_whole(text, code):
    with pytest.raises(RefusedError) as caught:
        FhirDoor("ward", {}).decode(text)
    assert caught.value.refusal.code == code


@pytest.mark.parametrize(
    "old, new",
    [
        (b'"value": 88', b'"value": NaN'),
        (b'"value": 88', b'"value": 1e999'),
        (b'"value": 88', b'"value": ' + b"9" * 5000),
        (b'"value": 88', b'"value": 88, "value": 89'),
        (b'"p1"', b'"p\\ud8001"'),
        (b'"p1"', b'"p\\u00001"'),
        (b'"p1"', b'"p\xff1"'),
        (b'"p1"', b'"a b"'),
        (b'"p1"', b'"' + b"x" * 65 + b'"'),
        (b'"p1"', b'""'),
        (b'"status": "final"', b'"status": "final", "unheard": 1'),
        (b'"status": "final"', b'"status": "final", "extension": ' + b"[" * 5000 + b"]" * 5000),
        (b'"status": "final", ', b""),
    ],
)
def test_a_broken_resource_is_refused_and_never_repeated(old, new):
    text = raw(PULSE)
    assert old in text
    try:
        decoded = FhirDoor("ward", {}).decode(text.replace(old, new))
        reasons = decoded.refused
        assert decoded.parts == ()
    except RefusedError as problem:
        reasons = (problem.refusal,)
    assert len(reasons) == 1
    assert "Patient/7" not in str(reasons[0])
