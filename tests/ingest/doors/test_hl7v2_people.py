"""Whom a message is about, what it says of the person, merges, and stays."""

import pytest
from tests.ingest.doors.hl7v2_lines import MSH, PID, decoded, door, intake_of, message, obx, oru, reader, value

from caretwin.base.time import from_microseconds
from caretwin.ingest.decoded import RefusedError
from caretwin.record.access import operator
from caretwin.record.entry import Event, Identifier, Link, Status
from caretwin.record.identifiers import NHS_NUMBER

PV1 = "PV1|1|I|ICU^4^B^NORTH||||||||ICM||||||||V55^^^NORTH" + "|" * 25 + "20240301050000+0000"


def adt(trigger: str, *lines: str, sent: str = "20240301061500+0000") -> bytes:
    header = rf"MSH|^~\&|PAS|NORTH|TWIN|WARD|{sent}||ADT^{trigger}^ADT_A01|A1|P|2.5.1"
    return message(header, f"EVN|{trigger}|20240301061400+0000", *lines)


def event(raw: bytes, kind: str, **settings) -> Event:
    return next(part for part in decoded(raw, **settings).parts if isinstance(part, Event) and part.kind == kind)


def identifiers(pid: str, **settings) -> list[tuple[str, str]]:
    return [tuple(one) for one in value(oru(obx(), pid=pid), **settings).subject.identifiers]


@pytest.mark.parametrize(
    ("pid", "expected"),
    [
        ("PID|1||1234^^^NORTH^MR", [("NORTH", "1234")]),
        ("PID|1||1234^^^NORTH&1.2.3&ISO^MR", [("urn:oid:1.2.3", "1234")]),
        ("PID|1||943 476 5919^^^NHS^NH~1234^^^NORTH^MR", [(NHS_NUMBER, "9434765919"), ("NORTH", "1234")]),
        ("PID|1||9434765919^^^X&2.16.840.1.113883.2.1.4.1&ISO^NH", [(NHS_NUMBER, "9434765919")]),
        ("PID|1||12^^^USA^SS~1234^^^NORTH^PI", [("USA#SS", "12"), ("NORTH", "1234")]),
        ("PID|1||1234^5^M11^^MR^SITE", [("SITE", "1234")]),
        ("PID|1||1234", [("local:LAB", "1234")]),
        ("PID|1|77^^^OLD|", [("OLD", "77")]),
        ("PID|1|||88^^^ALT", [("ALT", "88")]),
        ("PID|1||V9^^^NORTH^VN~1234^^^NORTH^MR", [("NORTH", "1234")]),
    ],
    ids=["record number", "object identifier", "NHS number", "NHS by its object identifier", "social security",
         "facility", "no authority", "PID-2", "PID-4", "a visit is no person"],
)  # fmt: skip
def test_every_number_of_a_patient_is_known_by_who_gave_it(pid, expected):
    assert identifiers(pid) == expected


def test_a_site_may_say_what_its_authority_is_called():
    assert identifiers("PID|1||1234^^^NORTH^MR", systems={"NORTH": "https://north.example/mrn"}) == [
        ("https://north.example/mrn", "1234")
    ]


@pytest.mark.parametrize("pid", ["PID|1", 'PID|1||""', "PID|1||^^^NORTH^MR", "PID|1||V9^^^NORTH^VN", "ZZZ|1"])
def test_a_message_about_nobody_is_refused(pid):
    with pytest.raises(RefusedError) as caught:
        value(oru(obx(), pid=pid))
    assert caught.value.refusal.code == "required"


def test_a_wrong_nhs_number_is_refused_without_being_repeated():
    with pytest.raises(RefusedError) as caught:
        value(oru(obx(), pid="PID|1||9434765918^^^NHS^NH"))
    assert "check digit" in caught.value.refusal.seen
    assert "9434765918" not in str(caught.value)


def test_a_wrong_number_beside_a_right_one_is_refused_alone():
    found = decoded(oru(obx(), pid="PID|1||9434765918^^^NHS^NH~1234^^^NORTH^MR"))
    assert found.parts[0].subject.identifiers == (Identifier("NORTH", "1234"),)
    assert [one.place for one in found.refused] == ["PID[1]-3"]


def test_what_is_said_of_a_person_is_kept_without_name_and_address():
    pid = (
        "PID|1||1234^^^NORTH^MR||DOE^JANE||19500412|F|ALIAS|2106-3^White^CDCREC|1 HIGH ST||||en" + "|" * 7 + "H^Hisp^L"
    )
    body = event(adt("A08", pid + "|" * 7 + '""|N'), "person").body
    assert (body["sex"], body["birth_date"], body["language"]) == ("female", "1950-04-12", "en")
    assert body["race"][0]["code"] == "2106-3"
    assert body["ethnicity"][0]["display"] == "Hisp"
    assert body["death"] is None  # the HL7 null says that there is none
    assert body["deceased"] is False
    assert "DOE" not in repr(body) and "HIGH" not in repr(body)


def test_a_death_is_told_with_its_time():
    body = event(adt("A08", PID + "|" * 21 + "20240229231500+0000|Y"), "person").body
    assert (body["death"], body["deceased"]) == ("2024-02-29T23:15:00+00:00", True)


def test_a_death_of_which_only_the_date_is_known_is_over_with_that_day_there():
    body = event(adt("A08", PID + "|" * 21 + "20240229|Y"), "person").body
    assert (body["death"], body["dead_by"]) == ("2024-02-29", "2024-03-01T00:00:00+00:00")
    impossible = event(adt("A08", PID + "|" * 21 + "20240231|Y"), "person").body
    assert "dead_by" not in impossible and impossible["deceased"] is True


def test_a_person_of_whom_nothing_new_is_said_is_not_told_twice():
    made = door()
    one = made.decode(adt("A08", PID), "").parts[0]
    later = adt("A08", PID, sent="20240301071500+0000").replace(b"061400", b"071400")
    assert made.decode(later, "").parts[0] == one
    changed = made.decode(later.replace(b"|F", b"|M"), "").parts[0]
    assert (changed.body["sex"], changed.version > one.version) == ("male", True)


def test_who_was_erased_and_is_told_anew_is_told_from_now_on(tmp_path):
    with intake_of(tmp_path, door()) as (intake, record):
        first = adt("A08", PID)
        assert intake.accept_now(first).result == "accepted"
        (known,) = reader(record).subjects()
        record.erase(operator(), known.key, "request")
        later = adt("A08", PID, sent="20240301071500+0000").replace(b"061400", b"071400")
        assert intake.accept_now(later).result == "accepted"
        (again,) = reader(record).subjects()
        (person,) = reader(record).events(again.key, ["person"])
        assert person.effective == event(later, "person").effective > event(first, "person").effective


# stays ---------------------------------------------------------------------------------------------------------------


def test_a_stay_begins_with_its_admission_and_ends_with_its_discharge():
    stay = event(adt("A01", PID, PV1), "encounter")
    assert (from_microseconds(stay.effective).isoformat(), stay.stop) == ("2024-03-01T05:00:00+00:00", None)
    assert stay.body["class"] == "inpatient"
    assert stay.body["location"] == {"point_of_care": "ICU", "room": "4", "bed": "B", "facility": "NORTH"}
    gone = event(adt("A03", PID, PV1 + "|20240305120000+0000"), "encounter")
    assert from_microseconds(gone.stop).isoformat() == "2024-03-05T12:00:00+00:00"
    assert gone.source_id == stay.source_id
    assert gone.body["status"] == "discharged"


def test_a_cancelled_discharge_has_no_end_and_a_cancelled_admission_no_stay():
    assert event(adt("A13", PID, PV1 + "|20240305120000+0000"), "encounter").stop is None
    assert event(adt("A16", PID, PV1 + "|20240305120000+0000"), "encounter").stop is None
    assert event(adt("A11", PID, PV1), "encounter").status == Status.RETRACTED


def test_a_discharge_without_its_time_is_when_the_event_was():
    assert event(adt("A03", PID, PV1), "encounter").stop == event(adt("A03", PID, PV1), "person").effective


def test_a_discharge_before_the_admission_is_refused_and_the_stay_kept():
    found = decoded(adt("A03", PID, PV1 + "|20240201120000+0000"))
    assert [one.place for one in found.refused] == ["PV1[1]-45"]
    assert next(part for part in found.parts if part.kind == "encounter").stop is None


def test_a_transfer_is_the_same_stay_elsewhere():
    one = event(adt("A01", PID, PV1), "encounter")
    moved = event(adt("A02", PID, PV1.replace("ICU^4^B", "WARD^7^A")), "encounter")
    assert moved.source_id == one.source_id
    assert moved.body["location"]["point_of_care"] == "WARD"
    assert moved.body["moved"] == "2024-03-01T06:14:00+00:00"


def test_a_swap_of_two_beds_is_not_passed_over_in_silence():
    found = decoded(adt("A17", PID, PV1, PID.replace("1234", "5678"), PV1))
    assert (found.parts, found.refused[0].code) == ((), "not-supported")


def test_person_messages_say_nothing_of_a_stay():
    assert [part.kind for part in decoded(adt("A31", PID, PV1)).parts] == ["person"]
    assert event(adt("A29", PID), "person").status == Status.RETRACTED


def test_a_weight_in_an_admission_is_an_observation_of_that_moment():
    found = decoded(adt("A01", PID, PV1, obx("82", code="29463-7^Weight^LN", unit="kg"))).parts[-1]
    assert (found.value, found.unit) == (82.0, "kg")
    assert "event" in found.note["time"]


# merges --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trigger", ["A40", "A34", "A18", "A30", "A47"])
def test_a_merge_says_which_number_stays(trigger):
    (link,) = decoded(adt(trigger, PID, "MRG|999^^^NORTH")).parts
    assert isinstance(link, Link)
    assert (link.subject.identifiers, link.other.identifiers) == (
        (Identifier("NORTH", "1234"),), (Identifier("NORTH", "999"),),
    )  # fmt: skip


def test_each_merge_of_a_message_is_of_the_patient_before_it():
    other = PID.replace("1234", "5678")
    found = decoded(adt("A40", PID, "MRG|9^^^NORTH", other, "MRG|8^^^NORTH")).parts
    assert [(one.subject.identifiers[0].value, one.other.identifiers[0].value) for one in found] == [
        ("1234", "9"), ("5678", "8"),
    ]  # fmt: skip


def test_a_merge_without_the_other_number_is_refused():
    assert [one.place for one in decoded(adt("A40", PID, "MRG|")).refused] == ["MRG[1]-1"]


def test_a_visit_that_moves_to_another_person_is_not_passed_over_in_silence():
    assert decoded(adt("A45", PID, "MRG|999^^^NORTH")).refused[0].code == "not-supported"
    assert decoded(adt("A45", PID, "MRG|1234^^^NORTH")).refused == ()


def test_people_who_belong_together_are_not_made_one():
    """A24 links a mother and her child too."""
    assert decoded(adt("A24", PID, PID.replace("1234", "5678"))).parts == ()


def test_a_message_of_another_kind_is_left_and_named():
    found = decoded(message(MSH.replace("ORU^R01^ORU_R01", "SIU^S12"), PID))
    assert (found.parts, found.refused, found.ignored) == ((), (), ("SIU^S12",))
