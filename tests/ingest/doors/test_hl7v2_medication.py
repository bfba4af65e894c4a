"""Doses: ordered, given, not given, dispensed. A dose nobody got is never one that somebody did."""

import pytest
from tests.ingest.doors.hl7v2_lines import PID, decoded, message

from caretwin.base.time import from_microseconds
from caretwin.record.entry import Event, Status

ORC = "ORC|RE|P5|F6||||||20240301060000+0000"
RXA = "RXA|0|1|20240301061000+0000|20240301064000+0000|11124^Vancomycin^RXNORM|1000|mg|||||20 mg/min" + "|" * 8 + "CP|A"


def pharmacy(kind: str, *lines: str) -> bytes:
    header = rf"MSH|^~\&|PHARM|NORTH|TWIN|WARD|20240301061500+0000||{kind}|R1|P|2.5.1"
    return message(header, PID, *lines)


def events(raw: bytes, kind: str) -> list[Event]:
    return [part for part in decoded(raw).parts if part.kind == kind]


def at(us: int | None) -> str | None:
    return None if us is None else from_microseconds(us).isoformat()


def test_a_dose_that_was_given_has_drug_amount_route_and_both_its_times():
    route = "RXR|IV^Intravenous^HL70162|LA^Left arm^HL70163"
    (dose,) = events(pharmacy("RAS^O17", ORC, RXA, route), "medication_administration")
    assert (at(dose.effective), at(dose.stop)) == ("2024-03-01T06:10:00+00:00", "2024-03-01T06:40:00+00:00")
    assert dose.body["dose"] == {"value": 1000.0, "unit": "mg"}
    assert dose.body["rate"] == {"value": 20.0, "unit": "mg/min"}
    rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
    assert dose.body["medication"] == {"text": "Vancomycin", "codes": [[rxnorm, "11124"]]}
    assert dose.body["route"]["codes"][0][1] == "IV"
    assert dose.body["site"]["text"] == "Left arm"
    assert (dose.body["status"], dose.body["request"]) == ("completed", "F6")


@pytest.mark.parametrize(
    ("per", "rate"),
    [
        ("H1", {"numerator": {"value": 1000.0, "unit": "mg"}, "denominator": {"value": 1.0, "unit": "h"}}),
        ("M30", {"numerator": {"value": 1000.0, "unit": "mg"}, "denominator": {"value": 30.0, "unit": "min"}}),
        ("fast", {"text": "fast"}),
    ],
)
def test_a_rate_is_read_as_the_standard_writes_it_and_kept_as_words_otherwise(per, rate):
    (dose,) = events(pharmacy("RAS^O17", ORC, RXA.replace("20 mg/min", per)), "medication_administration")
    assert dose.body["rate"] == rate


def test_one_moment_twice_is_when_a_rate_was_told_and_not_for_how_long_it_ran():
    told = RXA.replace("20240301064000", "20240301061000")
    (dose,) = events(pharmacy("RAS^O17", ORC, told), "medication_administration")
    assert dose.stop is None


@pytest.mark.parametrize("state", ["RE", "NA"])
def test_a_dose_that_nobody_got_is_another_kind_of_event(state):
    raw = pharmacy("RAS^O17", ORC, RXA.replace("CP|A", f"{state}|A"))
    assert events(raw, "medication_administration") == []
    (dose,) = events(raw, "medication_not_given")
    assert dose.body["status"] == "not-done"
    assert dose.body["reason"]


def test_a_dose_that_turns_out_not_to_have_been_given_replaces_the_one_that_was():
    given = events(pharmacy("RAS^O17", ORC, RXA), "medication_administration")[0]
    not_given = events(pharmacy("RAS^O17", ORC, RXA.replace("CP|A", "NA|U")), "medication_not_given")[0]
    assert given.source_id == not_given.source_id
    assert not_given.status == Status.CORRECTED


def test_a_deleted_dose_is_retracted():
    (dose,) = events(pharmacy("RAS^O17", ORC, RXA.replace("CP|A", "CP|D")), "medication_administration")
    assert dose.status == Status.RETRACTED


def test_an_unknown_amount_is_no_dose_of_999():
    (dose,) = events(pharmacy("RAS^O17", ORC, RXA.replace("|1000|", "|999|")), "medication_administration")
    assert "dose" not in dose.body


def test_a_dose_known_by_its_day_alone_is_refused():
    found = decoded(pharmacy("RAS^O17", ORC, RXA.replace("20240301061000+0000", "20240301")))
    assert [one.place for one in found.refused] == ["RXA[1]-3"]
    assert [part.kind for part in found.parts] == ["person"]


def test_two_doses_of_one_order_are_two_and_a_resend_is_the_same():
    second = RXA.replace("RXA|0|1|20240301061000", "RXA|0|2|20240301181000")
    found = events(pharmacy("RAS^O17", ORC, RXA, second), "medication_administration")
    again = events(pharmacy("RAS^O17", ORC, RXA, second), "medication_administration")
    assert len({one.source_id for one in found}) == 2
    assert found == again


def test_an_order_says_what_how_much_how_fast_and_from_when():
    rxe = "RXE||7512^Norepinephrine^RXNORM|4||mg" + "|" * 18 + "5|ug/min|4|mg"
    tq1 = "TQ1|1||CONT||||20240301070000+0000|20240301190000+0000"
    raw = pharmacy("RDE^O11", ORC.replace("RE", "NW"), "RXO|7512^N^L|1", rxe, tq1, "RXR|IV", "RXC|B|8^Saline^L|50|mL")
    (order,) = events(raw, "medication_request")
    assert (at(order.effective), at(order.stop)) == ("2024-03-01T07:00:00+00:00", "2024-03-01T19:00:00+00:00")
    body = order.body
    (dosage,) = body["dosage"]
    assert dosage["dose"] == {"value": 4.0, "unit": "mg"}
    assert dosage["rate"] == {"value": 5.0, "unit": "ug/min"}
    assert (dosage["timing"], dosage["route"]["text"]) == ({"text": "CONT"}, "IV")
    assert (body["strength"], body["status"]) == ({"value": 4.0, "unit": "mg"}, "active")
    assert body["order"] == {"control": "NW", "placer": "P5", "filler": "F6"}
    assert body["ingredients"] == [
        {"kind": "base", "text": "Saline", "codes": [["local:PHARM", "8"]], "amount": {"value": 50.0, "unit": "mL"}},
    ]


def test_an_order_that_is_stopped_keeps_its_begin_and_ends_then():
    rxe, tq1 = "RXE||7512^Norepinephrine^RXNORM|4||mg", "TQ1|1||CONT||||20240301070000+0000"
    stop = ORC.replace("RE", "DC").replace("0600", "0900")
    first = events(pharmacy("RDE^O11", ORC.replace("RE", "NW"), rxe, tq1), "medication_request")[0]
    ended = events(pharmacy("RDE^O11", stop, rxe, tq1), "medication_request")[0]
    assert (ended.source_id, ended.effective) == (first.source_id, first.effective)
    assert (at(ended.stop), ended.body["status"]) == ("2024-03-01T09:00:00+00:00", "stopped")


@pytest.mark.parametrize(("control", "state"), [("DC", "stopped"), ("CA", "cancelled"), ("HD", "on-hold")])
def test_a_stop_that_does_not_say_when_the_order_began_does_not_move_its_begin(control, state):
    rxe, stop = "RXE||7512^Norepinephrine^RXNORM|4||mg", ORC.replace("RE", control).replace("0600", "0900")
    raw = pharmacy("RDE^O11", stop, rxe)
    assert events(raw, "medication_request") == []
    (ended,) = events(raw, "medication_stop")
    assert at(ended.effective) == "2024-03-01T09:00:00+00:00"
    assert (ended.body["order"]["filler"], ended.body["status"]) == ("F6", state)


def test_what_was_dispensed_is_no_dose():
    rxd = "RXD|1|11124^Vancomycin^RXNORM|20240301061000+0000|10|vial||RX9"
    (one,) = events(pharmacy("RDS^O13", ORC, "RXE||11124^V^RXNORM|1", rxd), "medication_dispense")
    assert (one.body["quantity"], one.body["prescription"]) == ({"value": 10.0, "unit": "vial"}, "RX9")
    assert decoded(pharmacy("RDS^O13", ORC, rxd)).parts[-1].kind == "medication_dispense"


def test_an_order_in_the_old_form_is_read_too():
    (one,) = events(pharmacy("ORM^O01", ORC, "RXO|11124^Vancomycin^RXNORM|1000||mg"), "medication_request")
    assert (one.body["dosage"][0]["dose"]["value"], at(one.effective)) == (1000.0, "2024-03-01T06:00:00+00:00")


def test_a_drug_without_a_name_is_refused():
    found = decoded(pharmacy("RAS^O17", ORC, RXA.replace("11124^Vancomycin^RXNORM", "")))
    assert [(one.place, one.code) for one in found.refused] == [("RXA[1]-5", "required")]
