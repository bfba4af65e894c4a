"""Numbers of one message that the record knows as two people's: never one of them in silence."""

import asyncio
from pathlib import Path

import pytest
from tests.ingest.doors.fhir_house import READER, behind, open_door
from tests.ingest.doors.hl7v2_lines import MSH, PID, door, intake_of, message, obx, oru, reader
from tests.ingest.doors.test_fhir_server import client, vitals
from tests.ingest.doors.test_hl7v2_people import adt

from caretwin.cli.ingest_replay import replay_messages
from caretwin.ingest.decoded import Decoded
from caretwin.ingest.doors.fhir.sender import bundle, patient
from caretwin.ingest.doors.hl7v2.answer import answer
from caretwin.record.entry import Identifier
from caretwin.record.identifiers import NHS_NUMBER
from caretwin.record.store import keep

NHS = "PID|1||9434765919^^^NHS^NH"
BOTH = "PID|1||9434765919^^^NHS^NH~1234^^^NORTH^MR"
HOSPITAL, PERSON = Identifier("NORTH", "1234"), Identifier(NHS_NUMBER, "9434765919")


def seen_apart(intake):
    for pid in (PID, NHS):
        assert intake.accept_now(oru(obx("4.1"), pid=pid)).result == "accepted"


def test_hl7v2_a_message_with_numbers_of_two_people_is_refused_and_names_who_gives_them(tmp_path):
    with intake_of(tmp_path, door()) as (intake, record):
        seen_apart(intake)
        raw = oru(obx("9.9", time="20240301061100+0000"), obx("139", code="2951-2^Sodium^LN", unit="mmol/L"), pid=BOTH)
        outcome = intake.accept_now(raw)
        (refusal,) = outcome.refused
        assert (outcome.result, refusal.code, refusal.place) == ("refused", "conflict", "subject")
        assert "NORTH" in refusal.seen and NHS_NUMBER in refusal.seen
        assert "1234" not in str(refusal) and "9434765919" not in str(refusal)
        told = answer(raw, outcome, 0, 1)
        assert told.code == "AE" and b"ERR||PID^1^3|205" in told.raw
        (waiting,) = keep.quarantined(record.connection())
        assert keep.message(record.connection(), waiting.number) == raw
        people = {reader(record).subject_of(one) for one in (HOSPITAL, PERSON)}
        assert len(people) == 2
        assert all(len(reader(record).latest(one)) == 1 for one in people)


def test_hl7v2_an_adt_that_lists_numbers_met_apart_makes_them_one(tmp_path):
    with intake_of(tmp_path, door()) as (intake, record):
        seen_apart(intake)
        assert intake.accept_now(adt("A08", BOTH)).result == "accepted"
        one = reader(record).subject_of(PERSON)
        assert one == reader(record).subject_of(HOSPITAL)
        assert intake.accept_now(oru(obx("9.9", time="20240301061100+0000"), pid=BOTH)).result == "accepted"


def test_hl7v2_an_adt_does_not_join_two_to_whom_one_hospital_gave_different_numbers(tmp_path):
    with intake_of(tmp_path, door()) as (intake, record):
        for pid in (BOTH, PID.replace("1234", "5678")):
            assert intake.accept_now(oru(obx("4.1"), pid=pid)).result == "accepted"
        outcome = intake.accept_now(adt("A08", BOTH.replace("1234", "5678")))
        assert {one.code for one in outcome.refused} == {"conflict"}
        assert reader(record).subject_of(Identifier("NORTH", "5678")) != reader(record).subject_of(PERSON)


def test_fhir_a_patient_joins_numbers_that_other_doors_met_apart(tmp_path: Path):
    async def inside():
        async with open_door(tmp_path) as opened, client(opened) as http:
            for number, ref in enumerate((("urn:hospital", "1234"), (NHS_NUMBER, "9434765919"))):
                values = vitals(60 + number)
                values[0]["subject"] = {"identifier": {"system": ref[0], "value": ref[1]}}
                assert (await http.post("", content=bundle(values))).status_code == 200
            both = patient("9", [("urn:hospital", "1234"), (NHS_NUMBER, "9434765919")])
            assert (await http.put("/Patient/9", content=bundle_of(both))).status_code in (200, 201)
            one = opened.subject("1234", "urn:hospital")
            assert one == opened.subject("9434765919", NHS_NUMBER) == opened.subject("Patient/9")

    asyncio.run(inside())


def test_hl7v2_after_the_merge_the_message_is_replayed(tmp_path, capsys):
    site = tmp_path / "site.toml"
    site.write_text('[doors.test]\nkind = "hl7v2"\nport = 0\n')
    with intake_of(tmp_path, door()) as (intake, _):
        seen_apart(intake)
        assert intake.accept_now(oru(obx("9.9", time="20240301061100+0000"), pid=BOTH)).result == "refused"
    assert replay_messages(str(tmp_path / "record.db"), [], site, None, "")
    assert "refused again: subject: saw numbers" in capsys.readouterr().out
    with intake_of(tmp_path, door()) as (intake, _):
        merge = adt("A40", BOTH, "MRG|9434765919^^^NHS^NH")  # PID-3 holds the number that goes as well
        assert intake.accept_now(merge).result == "accepted"
    assert not replay_messages(str(tmp_path / "record.db"), [], site, None, "")
    assert "accepted: 1 new entry" in capsys.readouterr().out
    with intake_of(tmp_path, door()) as (_, record):
        one = reader(record).subject_of(PERSON)
        assert one == reader(record).subject_of(HOSPITAL)
        assert sorted(stored.value for stored in reader(record).latest(one)) == [4.1, 9.9]


def test_hl7v2_of_several_patients_only_the_contradicting_one_is_refused(tmp_path):
    with intake_of(tmp_path, door()) as (intake, record):
        seen_apart(intake)
        other = PID.replace("1234", "5678")
        raw = message(MSH, BOTH, "OBR|1||F1", obx("9.9", time="20240301061100+0000"),
                      other, "OBR|1||F2", obx("7.7", time="20240301061100+0000"))  # fmt: skip
        outcome = intake.accept_now(raw)
        assert (outcome.result, outcome.receipt.sequences[0], outcome.receipt.subjects[0]) == ("partly", 0, "")
        assert [one.value for one in reader(record).latest(outcome.receipt.subjects[1])] == [7.7]


def test_hl7v2_an_adt_that_is_refused_as_a_conflict_joins_nobody(tmp_path):
    with intake_of(tmp_path, door()) as (intake, record):
        laboratory = PID.replace("1234^^^NORTH^MR", "L9^^^LAB^PI")
        for pid in (BOTH, PID.replace("1234", "5678"), laboratory):
            assert intake.accept_now(oru(obx("4.1"), pid=pid)).result == "accepted"
        outcome = intake.accept_now(adt("A08", BOTH.replace("1234", "5678") + "~L9^^^LAB^PI"))
        assert (outcome.result, {one.code for one in outcome.refused}) == ("refused", {"conflict"})
        people = {reader(record).subject_of(one) for one in (PERSON, Identifier("LAB", "L9"))}
        assert len(people) == 2 and not reader(record).merges()


def test_a_conflict_stops_no_other_message_of_the_same_commit(tmp_path):
    with intake_of(tmp_path, door()) as (intake, _):
        seen_apart(intake)

        async def together():
            messages = [
                oru(obx(str(4 + i / 10), time=f"202403010612{i:02}+0000"), pid=[PID, BOTH][i % 2]) for i in range(8)
            ]
            return await asyncio.gather(*(intake.accept(one) for one in messages))

        assert [one.result for one in asyncio.run(together())] == ["accepted", "refused"] * 4


def test_fhir_numbers_of_two_people_are_a_conflict_and_a_link_makes_them_one(tmp_path: Path):
    async def inside():
        async with open_door(tmp_path) as opened, client(opened) as http:
            first = [patient("7", [("urn:hospital", "1234")]), patient("8", [(NHS_NUMBER, "9434765919")])]
            assert (await http.post("", content=bundle([*first, *vitals(70)]))).status_code == 200
            mixed = patient("9", [("urn:hospital", "1234"), (NHS_NUMBER, "9434765919")])
            said = (await http.post("", content=bundle([*vitals(71, start=5), mixed]))).json()
            assert [one["response"]["status"] for one in said["entry"]] == ["200 OK", "409 Conflict"]
            (issue,) = said["entry"][1]["response"]["outcome"]["issue"]
            assert (issue["code"], issue["expression"]) == ("conflict", ["Bundle.entry[1].resource.identifier"])
            assert "1234" not in issue["diagnostics"] and "urn:hospital" in issue["diagnostics"]
            alone = await http.put("/Patient/9", content=bundle_of(mixed))
            whole = await http.post("", content=bundle([*vitals(72, start=6), mixed], "transaction"))
            assert (alone.status_code, whole.status_code) == (409, 409)
            assert opened.latest("Patient/7") == {"heart_rate": 71.0}
            assert len(opened.waiting()) == 3
            linked = patient("7", [("urn:hospital", "1234")])
            linked["link"] = [{"other": {"reference": "Patient/8"}, "type": "replaces"}]
            assert (await http.put("/Patient/7", content=bundle_of(linked))).status_code == 200
            assert (await http.put("/Patient/9", content=bundle_of(mixed))).status_code == 200
            assert opened.subject("Patient/7") == opened.subject("Patient/8") == opened.subject("Patient/9")

    asyncio.run(inside())


def test_fhir_in_a_large_batch_the_person_may_stand_behind_the_values(tmp_path: Path):
    async def inside():
        async with open_door(tmp_path) as opened, client(opened) as http:
            await http.post("", content=bundle([*vitals(60), patient("8", [(NHS_NUMBER, "9434765919")])]))
            many = vitals(*range(50, 1600), start=10)
            many[3]["subject"] = {"reference": "Patient/7", "identifier": {"system": "urn:hospital", "value": "5"}}
            answer = await http.post("", content=bundle([*many, patient("7", [(NHS_NUMBER, "9434765919")])]))
            assert {one["response"]["status"] for one in answer.json()["entry"]} == {"200 OK"}
            assert opened.subject("Patient/7") == opened.subject("9434765919", NHS_NUMBER)

    asyncio.run(inside())


@pytest.mark.parametrize("values", [10, 1200])
def test_fhir_a_patient_that_is_refused_joins_nobody_however_large_the_batch(tmp_path: Path, values: int):
    async def inside():
        async with open_door(tmp_path) as opened, client(opened) as http:
            met = [patient("1", [(NHS_NUMBER, "9434765919"), ("urn:hospital", "1234")]),
                   patient("2", [("urn:hospital", "5678")])]  # fmt: skip
            alone = vitals(60)
            alone[0]["subject"] = {"identifier": {"system": "urn:laboratory", "value": "L9"}}
            assert (await http.post("", content=bundle([*met, *alone]))).status_code == 200
            numbers = [(NHS_NUMBER, "9434765919"), ("urn:hospital", "5678"), ("urn:laboratory", "L9")]
            many = vitals(*range(50, 50 + values), start=10)
            answer = (await http.post("", content=bundle([*many, patient("9", numbers)]))).json()
            assert [one["response"]["status"] for one in answer["entry"]] == ["200 OK"] * values + ["409 Conflict"]
            (issue,) = answer["entry"][-1]["response"]["outcome"]["issue"]
            assert issue["expression"] == [f"Bundle.entry[{values}].resource.identifier"]
            assert opened.subject("L9", "urn:laboratory") != opened.subject("9434765919", NHS_NUMBER)
            assert not opened.record.reading(READER).merges()

    asyncio.run(inside())


@pytest.mark.parametrize("values", [10, 1200])
def test_fhir_the_person_behind_the_values_joins_what_was_met_alone(tmp_path: Path, values: int):
    async def inside():
        async with open_door(tmp_path) as opened, client(opened) as http:
            by_number, many = vitals(60), vitals(*range(50, 50 + values), start=10)
            by_number[0]["subject"] = {"identifier": {"system": NHS_NUMBER, "value": "9434765919"}}
            other = [patient("1", [("urn:hospital", "1")]), patient("2", [("urn:hospital", "2")])]
            assert (await http.post("", content=bundle([*vitals(61, start=1), *by_number, *other]))).status_code == 200
            wrong = patient("3", [("urn:hospital", "1"), ("urn:hospital", "2")])
            behind = [wrong, *many, patient("7", [(NHS_NUMBER, "9434765919")])]
            answer = (await http.post("", content=bundle(behind))).json()
            said = [one["response"] for one in answer["entry"]]
            assert [one["status"] for one in said] == ["409 Conflict", *["200 OK"] * (values + 1)]
            assert opened.subject("Patient/7") == opened.subject("9434765919", NHS_NUMBER)
            numbers = [int(one["etag"][3:-1]) for one in said[1:-1]]
            assert numbers == sorted(set(numbers))

    asyncio.run(inside())


def test_whoever_asks_for_all_or_nothing_is_told_by_an_error(tmp_path):
    from caretwin.record.conflict import IdentityConflictError

    with behind(tmp_path) as opened:
        for pid in (("urn:hospital", "1234"), (NHS_NUMBER, "9434765919")):
            raw = bundle([patient(pid[1], [pid])])
            opened.intake.accept_now(raw)
        decoded = opened.door.decode(bundle([patient("9", [("urn:hospital", "1234"), (NHS_NUMBER, "9434765919")])]))
        with pytest.raises(IdentityConflictError):
            asyncio.run(opened.intake.accept_decoded(Decoded(decoded.parts), together=True))


def bundle_of(resource) -> bytes:
    import orjson

    return orjson.dumps(resource)
