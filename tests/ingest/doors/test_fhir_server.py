"""What a sender meets at the door: over real HTTP, with a real record behind it."""

import asyncio
import json
import os
import re
import socket
import stat
import threading
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.ingest.doors.fhir_house import READER, START, TOKEN, open_door
from tests.ingest.doors.fhir_peers import raw
from tests.ingest.doors.test_fhir_observation import PULSE, changed, pressure, refused
from tests.paths import ROOT

from caretwin.base.errors import DataError
from caretwin.ingest.door import make_door
from caretwin.ingest.doors.fhir.access import hashed, read_clients
from caretwin.ingest.doors.fhir.answers import TAKEN
from caretwin.ingest.doors.fhir.door import FhirDoor, _bound
from caretwin.ingest.doors.fhir.sender import Sender, administration, bundle, observation, patient
from caretwin.ingest.doors.fhir.strict_json import MOST_BYTES
from caretwin.record.access import operator
from caretwin.record.identifiers import NHS_NUMBER
from caretwin.record.record import open_record
from caretwin.record.store import keep

pytestmark = pytest.mark.service
AT = START - 60_000_000


@asynccontextmanager
async def client(opened, token=TOKEN, **headers):
    said = {"content-type": "application/fhir+json", "authorization": f"Bearer {token}", **headers}
    async with httpx.AsyncClient(base_url=opened.base, headers=said, trust_env=False) as http:
        yield http


def door_test(**settings):
    """A test that is given an open door and a client that has its token."""

    def wrap(test):
        def run(tmp_path):
            async def inside():
                async with open_door(tmp_path, settings) as opened, client(opened) as http:
                    await test(opened, http)

            asyncio.run(inside())

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return wrap


def vitals(*values, start=0):
    return [observation(f"v{start + i}", "Patient/7", "8867-4", AT + i * 1_000_000, value, "/min")
            for i, value in enumerate(values)]  # fmt: skip


@door_test()
async def test_what_is_acknowledged_can_be_read(opened, http):
    answer = await http.post(
        "", content=bundle([patient("7", [(NHS_NUMBER, "9434765919")], "female"), *vitals(70, 71)])
    )
    assert answer.status_code == 200
    said = answer.json()
    assert said["type"] == "batch-response"
    assert [one["response"]["status"] for one in said["entry"]] == ["200 OK"] * 3
    assert said["entry"][1]["response"]["location"].startswith("Observation/v0/_history/")
    assert opened.latest("Patient/7") == {"heart_rate": 71.0}
    assert opened.subject("9434765919", NHS_NUMBER) == opened.subject("Patient/7") is not None


@door_test()
async def test_what_can_never_be_used_is_kept_with_a_warning_that_names_the_element(opened, http):
    wrong = observation("w", "Patient/7", "8867-4", AT, 80.0, "mg/L")
    answer = await http.put("/Observation/w", json=wrong)
    assert answer.status_code in (200, 201)
    told, warned = answer.json()["issue"]
    assert (told["severity"], warned["severity"], warned["code"]) == ("information", "warning", "value")
    assert warned["expression"] == ["Observation.value"] and "a rate per time" in warned["diagnostics"]
    assert opened.intake.state.counters["unusable"] == 1 and opened.intake.state.counters["refused"] == 0


@pytest.mark.parametrize("count", [3, 1200], ids=["together", "in pieces"])
def test_entries_of_a_bundle_that_can_never_be_used_have_a_warning_of_their_own(tmp_path, count):
    async def inside():
        async with open_door(tmp_path) as opened, client(opened) as http:
            good = [observation(f"v{i}", "Patient/7", "8867-4", AT - i * 1_000_000, 70.0, "/min") for i in range(count)]
            far = observation("far", "Patient/7", "8867-4", START + 86_400_000_000, 70.0, "/min")
            cuff = observation("cuff", "Patient/7", "85354-9", AT, None,
                               components=[("8480-6", 120.0, "mm[Hg]"), ("8462-4", 9000.0, "mm[Hg]")])  # fmt: skip
            answer = await http.post("", content=bundle([*good, cuff, far]), timeout=60)
            responses = [one["response"] for one in answer.json()["entry"]]
            assert all(one["status"][:2] == "20" for one in responses)
            warned = {at: one["outcome"]["issue"] for at, one in enumerate(responses) if "outcome" in one}
            assert list(warned) == [count, count + 1]
            assert [issue["severity"] for issues in warned.values() for issue in issues] == ["warning"] * 2
            assert warned[count][0]["expression"] == [f"Bundle.entry[{count}].resource.component[1].value"]
            assert warned[count + 1][0]["expression"] == [f"Bundle.entry[{count + 1}].resource.effective"]
            assert opened.intake.state.counters["unusable"] == 2

    asyncio.run(inside())


@door_test()
async def test_a_person_first_met_by_id_and_then_by_number_is_one_person(opened, http):
    await http.post("", content=bundle(vitals(70)))
    await http.post("", content=bundle([patient("8", [(NHS_NUMBER, "9434765919")])]))
    assert opened.subject("Patient/7") != opened.subject("9434765919", NHS_NUMBER)
    await http.post("", content=bundle([patient("7", [(NHS_NUMBER, "9434765919")])]))
    one = opened.subject("9434765919", NHS_NUMBER)
    assert opened.subject("Patient/7") == one
    assert [found.value for found in opened.record.reading(READER).latest(one)] == [70.0]


@door_test()
async def test_the_same_sent_twice_is_kept_once(opened, http):
    for _ in range(2):
        assert (await http.post("", content=bundle(vitals(70, 71)))).status_code == 200
    (series,) = opened.record.reading(READER).series(opened.subject("Patient/7"))
    assert list(series.value) == [70.0, 71.0]
    assert opened.intake.state.counters["duplicates"] == 2


@door_test()
async def test_a_batch_keeps_what_is_good_and_names_what_is_not(opened, http):
    bad = changed(id="v9", valueQuantity={"value": "many"})
    answer = await http.post("", content=bundle([*vitals(70), bad]))
    first, second = (one["response"] for one in answer.json()["entry"])
    assert (answer.status_code, first["status"], second["status"]) == (200, "200 OK", "400 Bad Request")
    (issue,) = second["outcome"]["issue"]
    assert issue["expression"] == ["Bundle.entry[1].resource.valueQuantity.value"]
    assert opened.latest("Patient/7") == {"heart_rate": 70.0}


@door_test()
async def test_a_transaction_is_all_or_nothing(opened, http):
    bad = changed(id="v9", valueQuantity={"value": "many"})
    answer = await http.post("", content=bundle([*vitals(70), bad], "transaction"))
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert opened.latest("Patient/7") == {}
    answer = await http.post("", content=bundle(vitals(70), "transaction"))
    assert (answer.status_code, answer.json()["type"]) == (200, "transaction-response")
    assert opened.latest("Patient/7") == {"heart_rate": 70.0}


@door_test()
async def test_what_was_refused_waits_and_can_be_replayed(opened, http):
    said = changed(["effectiveDateTime"])
    assert (await http.post("/Observation", content=raw(said))).status_code == 422
    (waiting,) = keep.quarantined(opened.record.connection())
    aside = keep.message(opened.record.connection(), waiting.number)
    assert (waiting.door, waiting.size, aside) == ("ward", len(raw(said)), raw(said))
    assert "Observation.effective" in waiting.reason
    mended = aside.replace(b'"status"', b'"issued": "2025-06-15T15:00:00Z", "status"')
    assert (await opened.intake.accept(mended, waiting.media)).result == "accepted"
    assert opened.latest("Patient/7") == {"heart_rate": 88.0}


@door_test()
async def test_single_resources_are_created_and_updated_under_their_name(opened, http):
    created = await http.post("/Observation", content=raw(PULSE))
    assert (created.status_code, created.headers["location"].rpartition("/_history/")[0]) == (
        201,
        "/fhir/Observation/p1",
    )
    assert created.headers["etag"].startswith('W/"')
    updated = await http.put(
        "/Observation/p1", content=raw(changed(status="amended", valueQuantity={"value": 90, "unit": "/min"}))
    )
    assert updated.status_code == 200
    assert opened.latest("Patient/7") == {"heart_rate": 90.0}
    for url, said in (("/Observation/other", PULSE), ("/Patient/p1", PULSE)):
        answer = await http.put(url, content=raw(said))
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "structure")


@door_test()
async def test_a_repeat_of_a_single_resource_is_told_to_be_known(opened, http):
    (said,) = vitals(70)
    told = [(await http.put("/Observation/v0", json=said)).json()["issue"][0]["diagnostics"] for _ in range(2)]
    assert told == ["1 kept", "already known"]
    one = patient("7", [(NHS_NUMBER, "9434765919")])
    told = [(await http.put("/Patient/7", json=one)).json()["issue"][0]["diagnostics"] for _ in range(2)]
    assert told == ["2 kept", "already known"]


@pytest.mark.parametrize(
    ("change", "place", "seen", "wanted"),
    [
        ({"valueQuantity": {"value": "many"}}, "valueQuantity.value", "a string", "a decimal"),
        ({"status": 1}, "status", "an integer", "a string"),
        ({"category": {}}, "category", "an object", "a list"),
        ({"valueQuantity": 7}, "valueQuantity", "an integer", "an object"),
        ({"valueQuantity": None, "valueBoolean": "true"}, "valueBoolean", "a string", "a boolean"),
    ],
)
def test_a_wrong_type_is_told_in_the_words_of_fhir(change, place, seen, wanted):
    said = {name: value for name, value in changed(**change).items() if value is not None}
    found = refused(said)
    assert (found.place, found.seen, found.wanted) == (f"Observation.{place}", seen, wanted)


def test_an_address_to_pull_from_that_is_none_of_the_web_is_told_plainly():
    with pytest.raises(DataError, match=r"begins with ftp://"):
        FhirDoor("ward", {"pull": "ftp://ehr.example/fhir"})
    with pytest.raises(DataError, match="without http"):
        FhirDoor("ward", {"pull": "ehr.example/fhir"})


@door_test()
async def test_entered_in_error_takes_back_what_was_kept(opened, http):
    await http.put("/Observation/p1", content=raw(PULSE))
    await http.put("/Observation/p1", content=raw(changed(status="entered-in-error")))
    assert opened.latest("Patient/7") == {}


@door_test()
async def test_a_deletion_takes_back_what_came_lately_and_says_so_when_it_cannot(opened, http):
    await http.put("/Observation/p1", content=raw(PULSE))
    assert (await http.delete("/Observation/p1")).status_code == 204
    assert opened.latest("Patient/7") == {}
    again = await http.delete("/Observation/p1")
    assert again.status_code == 404
    assert "entered-in-error" in again.json()["issue"][0]["diagnostics"]
    await http.put("/Observation/p1", content=raw(PULSE))
    entry = {"request": {"method": "DELETE", "url": "Observation/p1"}}
    answer = await http.post("", content=raw({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}))
    assert answer.json()["entry"][0]["response"]["status"] == "204 No Content"


def potassium(value, status="final"):
    code = {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]}
    quantity = {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
    return raw(changed(id="k5", status=status, code=code, valueQuantity=quantity))


@door_test()
async def test_without_versions_of_its_sender_the_last_update_holds(opened, http):
    told = []

    async def put(value, status="final"):
        answer = await http.put("/Observation/k5", content=potassium(value, status))
        told.append(answer.json()["issue"][0]["diagnostics"])
        return opened.latest("Patient/7").get("potassium")

    assert [await put(value) for value in (3.0, 1.5, 3.0, 3.0)] == [3.0, 1.5, 3.0, 3.0]
    assert told == ["1 kept", "1 kept", "1 kept", "already known"]
    assert (await http.delete("/Observation/k5")).status_code == 204
    assert opened.latest("Patient/7") == {}
    assert await put(3.0) == 3.0
    assert [await put(3.0, "entered-in-error"), await put(3.0, "entered-in-error")] == [None, None]
    assert told[-2:] == ["1 kept", "already known"]
    assert await put(4.1) == 4.1
    assert opened.intake.state.counters["duplicates"] == 2


@door_test()
async def test_without_versions_the_last_of_a_bundle_holds(opened, http):
    put = {"request": {"method": "PUT", "url": "Observation/k5"}}
    values = ((3.0, "final"), (3.0, "entered-in-error"), (4.1, "final"))
    entry = [{**put, "resource": json.loads(potassium(*one))} for one in values]
    for _ in range(2):
        answer = await http.post("", content=raw({"resourceType": "Bundle", "type": "batch", "entry": entry}))
        assert {one["response"]["status"] for one in answer.json()["entry"]} == {"200 OK"}
        assert opened.latest("Patient/7") == {"potassium": 4.1}


def test_without_versions_the_last_holds_across_a_start_and_a_replay(tmp_path):
    async def put(*values):
        async with open_door(tmp_path) as opened, client(opened) as http:
            before = opened.intake.clock()
            while before < START + starts[0]:  # the clock of these tests begins anew with each start
                before = opened.intake.clock()
            told = [await http.put("/Observation/k5", content=potassium(one)) for one in values]
            starts[0] += 60_000_000
            said = [one.json()["issue"][0]["diagnostics"] for one in told]
            return said, opened.latest("Patient/7")["potassium"]

    starts = [0]
    assert asyncio.run(put(3.0, 1.5)) == (["1 kept", "1 kept"], 1.5)
    assert asyncio.run(put(1.5)) == (["already known"], 1.5)
    assert asyncio.run(put(3.0)) == (["1 kept"], 3.0)

    async def replay():
        async with open_door(tmp_path) as opened:
            await opened.intake.accept(potassium(2.2))
            return opened.latest("Patient/7")["potassium"]

    assert asyncio.run(replay()) == 3.0


@door_test()
async def test_a_component_that_a_correction_drops_is_taken_back(opened, http):
    await http.put("/Observation/p1", content=raw(pressure(("8480-6", 210), ("8462-4", 70))))
    assert opened.latest("Patient/7") == {"systolic_pressure": 210.0, "diastolic_pressure": 70.0}
    await http.put("/Observation/p1", content=raw(pressure(("8462-4", 71), status="amended")))
    assert opened.latest("Patient/7") == {"diastolic_pressure": 71.0}


@pytest.mark.parametrize("process", ["this", "another"])
def test_who_was_erased_is_written_back_by_no_deletion_or_correction(tmp_path, process):
    async def inside():
        async with open_door(tmp_path) as opened, client(opened) as http:
            await http.post("", content=bundle([patient("7", [("urn:hospital", "1234")])]))
            assert (await http.put("/Observation/p0", content=raw({**PULSE, "id": "p0"}))).status_code == 200
            await http.put("/Observation/p1", content=raw(pressure(("8480-6", 210), ("8462-4", 70))))
            other = open_record(tmp_path / "ward.caretwin", lambda: START)
            record = opened.record if process == "this" else other
            record.erase(operator(), opened.subject("1234", "urn:hospital"), "request")
            other.close()
            assert (await http.delete("/Observation/p0")).status_code == 404
            assert opened.subject("Patient/7") is None
            await http.put("/Observation/p1", content=raw(pressure(("8462-4", 71), status="amended")))
            assert opened.intake.state.counters["entries"] == 6  # with a link, and three pressures
            assert opened.subject("1234", "urn:hospital") is None
            assert (await http.delete("/Observation/p1")).status_code == 204  # what came since is remembered

    asyncio.run(inside())


@door_test()
async def test_a_merge_makes_nobody_forget(opened, http):
    await http.put("/Observation/p1", content=raw(PULSE))
    linked = patient("7", [("urn:hospital", "1234")])
    linked["link"] = [{"other": {"reference": "Patient/8"}, "type": "replaces"}]
    await http.post("", content=bundle([patient("8", [("urn:hospital", "2")]), linked]))
    assert opened.record.reading(READER).merges()
    assert (await http.delete("/Observation/p1")).status_code == 204


@door_test()
async def test_an_older_version_that_comes_late_drops_nothing(opened, http):
    new, old = {"lastUpdated": "2025-06-15T10:00:00Z"}, {"lastUpdated": "2025-06-15T09:00:00Z"}
    await http.put("/Observation/p1", content=raw(pressure(("8480-6", 120), ("8462-4", 70), meta=new)))
    await http.put("/Observation/p1", content=raw(pressure(("8462-4", 99), meta=old)))
    assert opened.intake.state.counters["entries"] == 3
    assert opened.latest("Patient/7") == {"systolic_pressure": 120.0, "diastolic_pressure": 70.0}


@door_test()
async def test_a_dose_is_an_event_with_its_times(opened, http):
    given = administration("a1", "Patient/7", "propofol", AT, AT + 3_600_000_000, (200.0, "mg"), (20.0, "mL/h"))
    assert (await http.put("/MedicationAdministration/a1", content=raw(given))).status_code == 200
    (event,) = opened.events("Patient/7")
    assert (event.kind, event.effective, event.stop) == ("medication_administration", AT, AT + 3_600_000_000)
    assert event.body["dose"] == {"value": 200.0, "unit": "mg"}


@door_test()
async def test_what_is_none_of_ours_is_said_not_to_be_kept(opened, http):
    entries = [{"resource": {"resourceType": "Claim"}, "request": {"method": "POST", "url": "Claim"}}]
    answer = await http.post("", content=raw({"resourceType": "Bundle", "type": "transaction", "entry": entries}))
    (said,) = answer.json()["entry"]
    assert said["response"]["status"] == "202 Accepted"
    assert "not kept" in said["response"]["outcome"]["issue"][0]["diagnostics"]
    assert (await http.post("/Claim", content=raw({"resourceType": "Claim"}))).status_code == 404


@pytest.mark.parametrize(
    "method, path, headers, body, status",
    [
        ("POST", "", {"content-type": "application/fhir+xml"}, b"<Bundle/>", 415),
        ("POST", "", {"content-type": "application/fhir+json; charset=latin-1"}, b"{}", 415),
        ("POST", "", {"content-encoding": "gzip"}, b"{}", 415),
        ("POST", "", {"accept": "application/fhir+xml"}, b"{}", 406),
        ("POST", "", {}, b"{", 400),
        ("POST", "", {}, b'{"resourceType":"Observation"}', 400),
        ("POST", "", {}, b'{"resourceType":"Bundle","type":"history"}', 422),
        ("POST", "", {}, b'{"resourceType":"Bundle","type":"batch","entry":[' + b"[" * 5000, 400),
        ("GET", "/Observation/p1", {}, b"", 405),
        ("GET", "", {}, b"", 405),
        ("PATCH", "/Observation/p1", {}, b"{}", 405),
        ("POST", "/Practitioner", {}, b"{}", 404),
        ("GET", "/../elsewhere", {}, b"", 404),
        ("POST", "", {"origin": "https://page.example"}, b"{}", 403),
        ("POST", "", {"authorization": "Bearer wrong"}, b"{}", 401),
        ("POST", "", {"authorization": f"Basic {TOKEN}"}, b"{}", 401),
        ("POST", "", {"authorization": ""}, b"{}", 401),
        ("GET", "/metadata", {"authorization": ""}, b"", 401),
        ("GET", "/nowhere/at/all", {"authorization": ""}, b"", 401),
    ],
)
def test_every_refusal_has_its_status_and_an_outcome(tmp_path, method, path, headers, body, status):
    async def run():
        async with open_door(tmp_path) as opened, client(opened, **headers) as http:
            answer = await http.request(method, path, content=body)
            assert answer.status_code == status
            said = answer.json()
            assert (said["resourceType"], said["issue"][0]["severity"]) == ("OperationOutcome", "error")
            assert answer.headers["content-type"].startswith("application/fhir+json")
            assert opened.record.reading(READER).subjects() == []

    asyncio.run(run())


@door_test(max_bytes=2000)
async def test_a_message_that_is_too_large_is_refused_with_and_without_a_length(opened, http):
    async def drip():
        for _ in range(50):
            yield b" " * 100

    for content in (b" " * 3000, drip()):
        try:
            assert (await http.post("", content=content)).status_code == 413
        except httpx.TransportError:  # the door hangs up on one that goes on sending
            continue
    assert (await http.put("/Observation/p1", content=raw(PULSE))).status_code == 200


@door_test()
async def test_the_statement_of_capabilities_is_valid_and_true(opened, http):
    from fhir.resources.R4B.capabilitystatement import CapabilityStatement

    said = (await http.get("/metadata")).json()
    CapabilityStatement.model_validate(said)
    assert said["fhirVersion"] == "4.0.1"
    for one in said["rest"][0]["resource"]:
        answer = await http.put(f"/{one['type']}/x", content=raw({"resourceType": one["type"], "id": "y"}))
        assert answer.status_code in (400, 422), one
    for kind in ("transaction", "batch"):
        answer = await http.post("", content=raw({"resourceType": "Bundle", "type": kind}))
        assert answer.json()["type"] == f"{kind}-response"


@door_test()
async def test_a_large_batch_is_kept_in_pieces_and_answered_as_one(opened, http):
    bad = changed(id="bad", valueQuantity={"value": "many"})
    many = [*vitals(*range(60, 160), start=0), bad]
    many += [observation(f"w{i}", f"Patient/{i % 5}", "9279-1", AT + i * 1000, 15.0, "/min") for i in range(2500)]
    answer = await http.post("", content=bundle(many), timeout=60)
    statuses = [one["response"]["status"] for one in answer.json()["entry"]]
    assert len(statuses) == len(many)
    assert [i for i, one in enumerate(statuses) if one != "200 OK"] == [100]
    assert len(keep.quarantined(opened.record.connection())) == 1
    assert sum(len(opened.record.reading(READER).series(one.key)[0])
               for one in opened.record.reading(READER).subjects()) == 2600  # fmt: skip


def test_a_door_that_cannot_keep_says_when_to_come_back_and_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("caretwin.ingest.intake.WAIT_FOR_ROOM_S", 0.05)

    async def run():
        async with open_door(tmp_path, waiting=1) as opened, client(opened) as http:
            gate, held = threading.Event(), opened.record.append_all

            def slow(work):
                gate.wait(10)
                return held(work)

            monkeypatch.setattr(opened.record, "append_all", slow)
            tasks = [asyncio.create_task(http.put(f"/Observation/v{i}", content=raw(one)))
                     for i, one in enumerate(vitals(*range(60, 66)))]  # fmt: skip
            busy = [one for one in await _first_answers(tasks) if one.status_code == 503]
            assert busy and all(one.headers["retry-after"] == "5" for one in busy)
            gate.set()
            statuses = [(await task).status_code for task in tasks]
            (series,) = opened.record.reading(READER).series(opened.subject("Patient/7"))
            assert len(series) == statuses.count(200) < 6

    async def _first_answers(tasks):
        done, _ = await asyncio.wait(tasks, timeout=2)
        return [task.result() for task in done]

    asyncio.run(run())


def test_nothing_is_acknowledged_before_it_is_committed(tmp_path, monkeypatch):
    async def run():
        async with open_door(tmp_path) as opened, client(opened) as http:
            gate, held = threading.Event(), opened.record.append_all
            monkeypatch.setattr(opened.record, "append_all", lambda work: gate.wait(10) and held(work))
            task = asyncio.create_task(http.put("/Observation/p1", content=raw(PULSE)))
            done, _ = await asyncio.wait({task}, timeout=0.3)
            assert not done
            gate.set()
            assert (await task).status_code == 200

    asyncio.run(run())


def test_one_entry_that_the_record_cannot_keep_does_not_take_the_others_with_it(tmp_path, monkeypatch):
    async def run():
        async with open_door(tmp_path) as opened, client(opened) as http:
            held = opened.record.append_all

            def fragile(work):
                if any(getattr(entry, "value", 0) == 71.0 for _, batch in work for entry in batch.entries):
                    raise RuntimeError("disk trouble")
                return held(work)

            monkeypatch.setattr(opened.record, "append_all", fragile)
            answer = await http.post("", content=bundle(vitals(70, 71, 72)))
            statuses = [one["response"]["status"][:3] for one in answer.json()["entry"]]
            assert statuses == ["200", "422", "200"]
            failed = await http.post("", content=bundle(vitals(71), "transaction"))
            assert (failed.status_code, failed.json()["issue"][0]["code"]) == (500, "exception")
            assert "disk trouble" not in failed.text

    asyncio.run(run())


# ---- who may send --------------------------------------------------------------------------------------------------


def test_without_a_token_file_a_token_is_made_that_only_this_account_can_read(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    async def run():
        async with open_door(tmp_path, {"tokens": ""}) as opened:
            path = Path(opened.intake.state.listening.partition("token in ")[2].rstrip(")"))
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            async with client(opened, path.read_text().strip()) as http:
                assert (await http.put("/Observation/p1", content=raw(PULSE))).status_code == 200
            async with client(opened) as http:
                assert (await http.put("/Observation/p1", content=raw(PULSE))).status_code == 401

    asyncio.run(run())


def told_token(opened):
    return Path(opened.intake.state.listening.partition("token in ")[2].rstrip(")"))


def test_a_token_outlives_a_start_and_a_second_site_with_a_door_of_that_name(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()

    async def run():
        async with open_door(first, {"tokens": ""}) as opened:
            path, port = told_token(opened), opened.base.rpartition(":")[2].partition("/")[0]
            token = path.read_text()
            assert path.name == f"ward-{port}.token"
            async with open_door(second, {"tokens": ""}) as other:
                assert told_token(other) != path
            taken = FhirDoor("ward", {"listen": f"127.0.0.1:{port}"})
            with pytest.raises(OSError, match=f"cannot listen at 127.0.0.1:{port}: Address already in use"):
                await taken.run(opened.intake, asyncio.Event())
            assert path.read_text() == token
        async with open_door(first, {"tokens": "", "listen": f"127.0.0.1:{port}"}) as opened:
            assert told_token(opened).read_text() == token
        path.chmod(0o644)
        async with open_door(first, {"tokens": "", "listen": f"127.0.0.1:{port}"}) as opened:
            assert told_token(opened).read_text() != token
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    asyncio.run(run())


def test_a_token_folder_that_others_can_open_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / f"caretwin-{os.getuid()}").mkdir(mode=0o777)
    (tmp_path / f"caretwin-{os.getuid()}").chmod(0o777)

    async def run():
        async with open_door(tmp_path, {"tokens": ""}):
            pass

    with pytest.raises(DataError):
        asyncio.run(run())


@pytest.mark.parametrize("settings", [{"listen": "0.0.0.0:0", "tokens": ""}, {"listen": "0.0.0.0:0"}])
def test_beyond_this_machine_nothing_is_open_without_tokens_and_encryption(tmp_path, settings):
    async def run():
        async with open_door(tmp_path, settings):
            pass

    with pytest.raises(DataError):
        asyncio.run(run())


def test_a_token_file_has_hashes_of_named_clients_only(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"# ours\nicu: {hashed('a')}\nlab : {hashed('b').upper()}  # second\n\n")
    clients = read_clients(str(path), "ward")
    assert [clients.named(f"Bearer {token}") for token in ("a", "b", "c", "")] == ["icu", "lab", None, None]
    for text in ("", "icu: a\n", f"icu: {hashed('a')}\nicu: {hashed('b')}\n"):
        path.write_text(text)
        with pytest.raises(DataError):
            read_clients(str(path), "ward")


def test_tokens_can_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("WARD_TOKENS", f"icu: {hashed('a')}")
    assert read_clients("env:WARD_TOKENS", "ward").named("bearer a") == "icu"


# ---- the door itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{"people": "pets"}, {"listen": "nowhere"}, {"types": "Observation,Claim"}, {"pull": "ftp://x/fhir"},
     {"pull": "http://ehr.example/fhir", "pull_token": "env:T"}, {"pull": "https://user:word@ehr.example/fhir"}],
)  # fmt: skip
def test_a_setting_that_cannot_be_meant_is_told_by_its_name(settings):
    with pytest.raises(DataError) as caught:
        door = FhirDoor("ward", {**{"listen": "127.0.0.1:0"}, **settings})
        asyncio.run(door.test())
    assert next(iter(settings)) in caught.value.where


def test_the_registry_makes_the_door_with_its_defaults():
    door = make_door("fhir", {})
    assert (door.kind, door.name) == ("fhir", "fhir")
    assert door._set["max_bytes"] == MOST_BYTES


def test_the_test_says_whether_there_is_room_to_listen(tmp_path):
    async def run():
        async with open_door(tmp_path) as opened:
            port = httpx.URL(opened.base).port
            taken = await FhirDoor("other", {"listen": f"127.0.0.1:{port}"}).test()
            free = await FhirDoor("other", {"listen": "127.0.0.1:0"}).test()
            return taken, free

    taken, free = asyncio.run(run())
    assert (taken.works, free.works) == (False, True)
    assert taken.sentence.count(".") and "listen" in taken.sentence


def test_answers_are_sent_at_once():
    """Without the protocol named, asyncio leaves Nagle's algorithm on, and each answer waits 40 ms."""
    found = _bound("127.0.0.1", 0)
    assert found.proto == socket.IPPROTO_TCP
    found.close()


def test_after_it_stopped_the_port_is_free_and_the_signals_are_as_they_were(tmp_path):
    import signal

    before = signal.getsignal(signal.SIGINT)

    async def run():
        async with open_door(tmp_path) as opened:
            port = httpx.URL(opened.base).port
        assert opened.intake.state.listening == ""
        async with httpx.AsyncClient(trust_env=False) as http:
            with pytest.raises(httpx.ConnectError):
                await http.get(f"http://127.0.0.1:{port}/fhir/metadata")

    asyncio.run(run())
    assert signal.getsignal(signal.SIGINT) is before


# ---- what the documentation says -----------------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "doors" / "fhir.md").read_text("utf-8")


@door_test()
async def test_the_first_observation_of_the_documentation_arrives(opened, http):
    said = re.search(r"-d '(\{.*?\})'", PAGE, re.S)[1]
    assert (await http.put("/Observation/first", content=said)).status_code == 200
    assert opened.latest("Patient/123") == {"heart_rate": 72.0}


def test_every_setting_and_every_resource_is_documented():
    assert [one.name for one in FhirDoor.settings if f"`{one.name}`" not in PAGE] == []
    assert [kind for kind in TAKEN if f"`{kind}" not in PAGE] == []


# ---- our own sender ------------------------------------------------------------------------------------------------


@door_test()
async def test_the_sender_posts_puts_and_deletes(opened, http):
    async with Sender(opened.base, TOKEN) as sender:
        assert (await sender.post(bundle(vitals(70)))).status == 200
        said = observation("b", "Patient/7", "85354-9", AT, None, components=[("8480-6", 120.0, "mm[Hg]")])
        assert (await sender.put(said)).status == 200
        assert opened.latest("Patient/7") == {"heart_rate": 70.0, "systolic_pressure": 120.0}
        assert (await sender.delete("Observation/b")).status == 204
        assert opened.latest("Patient/7") == {"heart_rate": 70.0}


def test_the_sender_comes_back_to_a_server_that_was_busy(monkeypatch):
    monkeypatch.setattr("caretwin.ingest.doors.fhir.sender.FIRST_WAIT_S", 0.01)
    asked = []

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split()[0])
        await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        status = b"503 Busy" if len(asked) < 3 else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def run():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server, Sender(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as sender:
            return await sender.post(b"{}")

    assert asyncio.run(run()).status == 200
    assert asked == [b"POST"] * 3


def test_what_the_sender_builds_is_valid_by_the_full_rules():
    said = [patient("7", [("urn:mrn", "1")], "male", "1950-01-02"), *vitals(70),
            observation("x", "Patient/7", "2160-0", AT, None, absent="not-performed", issued=AT),
            administration("a", "Patient/7", "propofol", AT, dose=(20.0, "mg"))]  # fmt: skip
    from fhir.resources.R4B.bundle import Bundle

    Bundle.model_validate(json.loads(bundle(said)))
    decoded = FhirDoor("ward", {}).decode(bundle(said))
    assert decoded.refused == () and len(decoded.parts) == 5
