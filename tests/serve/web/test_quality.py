"""How data come in, as an engineer and a manager see it, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.ingest.doors.hl7v2_lines import obx, oru
from tests.serve.web.conftest import BOSS
from tests.serve.web.feeding_site import KNOWN, SYSTEM, FeedingWeb


@pytest.fixture
def web(tmp_path: Path) -> Iterator[FeedingWeb]:
    made = FeedingWeb(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def engineer(web: FeedingWeb) -> Iterator[httpx.Client]:
    with web.signed_in("engineer") as client:
        yield client


@pytest.fixture
def manager(web: FeedingWeb) -> Iterator[httpx.Client]:
    with web.signed_in("manager") as client:
        yield client


def told(client: httpx.Client, path: str, body: dict[str, Any] | None = None) -> Any:
    answer = client.get(path) if body is None else client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def of(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    """The one row that has these values."""
    (found,) = [one for one in rows if all(one[name] == value for name, value in wanted.items())]
    return found


# ---- doors ---------------------------------------------------------------------------------------------------------


def test_a_door_says_what_it_is_and_what_came_of_what_it_took_in(web: FeedingWeb, engineer: httpx.Client) -> None:
    web.comes(oru(obx("88", code="8867-4^Heart rate^LN", unit="/min", sub="1"), obx("9000", sub="2", number=2)))
    web.clock.minutes(2)
    doors = told(engineer, "/api/doors")["doors"]
    lab, other = of(doors, name="lab"), of(doors, name="other")
    assert (lab["kind"], lab["title"], lab["tier"]) == ("hl7v2", "HL7 v2 over MLLP", "peer")
    assert lab["listening"].startswith("127.0.0.1:") and lab["age_s"] == 120.0
    counted = {one["name"]: (one["count"], one["words"]) for one in lab["counters"]}
    assert counted["messages"] == (1, "messages came") and counted["entries"][0] == 2
    (reason,) = lab["unusable"]
    assert reason["reason"].startswith("outside") and reason["times"] == 1
    assert reason["values"] == [{"name": "creatinine", "times": 1, "example": "9000 mg/dL"}]
    assert "Heart rate 88 /min" in lab["last"][-1]["words"]
    assert other["age_s"] is None and other["counters"] == [] and other["unusable"] == []


def test_who_may_not_look_through_the_record_sees_no_value_that_came(web: FeedingWeb, manager: httpx.Client) -> None:
    web.comes(oru(obx("9000")))
    web.comes(oru(obx("9x0x1"), obx("7", sub="2", number=2)))
    lab = of(told(manager, "/api/doors")["doors"], name="lab")
    assert lab["last"] is None and lab["unusable"][0]["values"][0]["example"] is None
    assert lab["trouble"] and "wanted" in lab["trouble"]
    assert "9000" not in str(lab) and "9x0x1" not in str(lab)
    with web.signed_in("engineer") as engineer:
        whole = of(told(engineer, "/api/doors")["doors"], name="lab")
    assert whole["last"] and "9000" in whole["unusable"][0]["values"][0]["example"]
    looks = [one for one in web.trail(True) if one["rule"] == "running:search"]
    assert len(looks) == 1, "the engineer's look is audited"


def test_who_does_not_run_the_site_is_told_nothing_of_its_doors(web: FeedingWeb) -> None:
    for role in ("nurse", "doctor", "auditor", "carer"):
        with web.signed_in(role) as client:
            assert client.get("/api/doors").status_code == 403, role


# ---- codes that nobody mapped --------------------------------------------------------------------------------------


def test_a_code_that_nobody_mapped_is_listed_with_what_it_may_mean(web: FeedingWeb, engineer: httpx.Client) -> None:
    web.measured(("GLUC", "mg/dL", "95"), ("GLUC", "mm[Hg]", "37"), ("QX", "", "1"), ("NOISE", "dB", "3"))
    codes = told(engineer, "/api/unmapped")["codes"]
    glucose = of(codes, code="GLUC", unit="mg/dL")
    assert (glucose["door"], glucose["system"], glucose["times"]) == ("lab", SYSTEM, 1)
    assert glucose["first"] == glucose["last"] == web.clock() and glucose["example"] == "95 mg/dL"
    (near,) = glucose["suggestions"]
    assert (near["channel"], near["title"], near["fits"]) == ("glucose", "glucose", True)
    assert near["unit"] == of(told(engineer, "/api/vocabulary")["terms"], channel="glucose")["unit"]
    assert of(codes, unit="mm[Hg]")["suggestions"] == [], "no pressure is a glucose"
    assert of(codes, code="QX")["suggestions"] == []
    assert "NOISE" not in {one["code"] for one in codes}, "somebody said that nobody needs it"


def test_a_manager_sees_which_codes_came_and_no_value(web: FeedingWeb, manager: httpx.Client) -> None:
    web.measured(("KREA", "mg/dL", "1.23"))
    answer = told(manager, "/api/unmapped")
    assert [(one["code"], one["example"]) for one in answer["codes"]] == [("KREA", None)] and answer["more"] == 0
    assert "1.23" not in str(answer)


def test_everybody_who_signed_in_may_read_the_vocabulary(web: FeedingWeb) -> None:
    with web.signed_in("nurse") as nurse, web.client() as stranger:
        rate = of(told(nurse, "/api/vocabulary")["terms"], channel="heart_rate")
        assert (rate["title"], rate["unit"], rate["group"], rate["kind"]) == (
            "heart rate", "/min", "vital", "observation",
        )  # fmt: skip
        assert rate["low"] < 60 < rate["high"] and rate["about"] == "person"
        assert stranger.get("/api/vocabulary").status_code == 401


# ---- saying what codes mean ----------------------------------------------------------------------------------------

GLUCOSE = {"system": SYSTEM, "code": "GLUC", "unit": "mg/dL", "channel": "glucose"}


def mapping_of(client: httpx.Client, door: str = "lab") -> Any:
    return of(told(client, "/api/mapping")["doors"], door=door)


def test_rules_are_tried_before_anything_is_changed(web: FeedingWeb, engineer: httpx.Client) -> None:
    web.measured(("GLUC", "mg/dL", "95"), ("GLUC", "mm[Hg]", "37"), ("PULS", "/min", "900"), ("ELSE", "", "1"))
    rules = [{**GLUCOSE, "unit": ""}, {"code": "PULS", "channel": "heart_rate"}]
    before, text = web.standing(), web.codes.read_text()
    tried = told(engineer, "/api/mapping/try", {"door": "lab", "rules": rules})
    glucose = of(tried["changes"], code=f"{SYSTEM}|GLUC", unit="mg/dL")
    assert (glucose["channel"], glucose["values"], glucose["unusable"]) == ("glucose", 1, 0)
    beats = of(tried["changes"], code=f"{SYSTEM}|PULS")
    assert (beats["channel_unit"], beats["unusable"]) == ("/min", 1) and beats["reason"].startswith("outside")
    assert of(tried["changes"], unit="mm[Hg]")["channel"] == "" and tried["left"] == 1
    assert (web.standing(), web.codes.read_text()) == (before, text)
    assert tried["digest"] == mapping_of(engineer)["digest"]


def test_a_rule_is_kept_used_at_once_and_applied_to_what_came_before(web: FeedingWeb, engineer: httpx.Client) -> None:
    web.measured(("GLUC", "mg/dL", "95"))
    web.measured(("GLUC", "mg/dL", "60"), door="other")
    digest = mapping_of(engineer)["digest"]
    done = told(engineer, "/api/mapping", {"door": "lab", "rules": [GLUCOSE], "digest": digest})
    assert (done["values"], done["left"], done["doors"]) == (1, 0, ["lab", "ward"])
    assert web.codes.read_text() == f"{KNOWN},{SYSTEM},GLUC,mg/dL,glucose,,\n"
    assert "glucose" in web.standing() and done["digest"] == mapping_of(engineer)["digest"] != digest
    for door in ("lab", "ward"):  # one file is of both
        web.clock.minutes(1)
        web.measured(("GLUC", "mg/dL", "70"), door=door)
        assert web.running.intakes[door].state.counters["unmapped"] == (1 if door == "lab" else 0)
    assert [(one["door"], one["code"]) for one in told(engineer, "/api/unmapped")["codes"]] == [("other", "GLUC")]
    acts = [one for one in web.trail(True) if "account:" in one["actor"] and "map" in one["detail"] + one["actor"]]
    edited = next(one for one in acts if one["action"] == "configure")
    assert edited["rule"] == "running:mapping" and "GLUC [mg/dL] is glucose" in edited["detail"]
    assert any(one["actor"] == f"mapping by {edited['actor']}" and one["action"] == "write" for one in acts)


@pytest.mark.parametrize(
    ("rule", "seen"),
    [
        ({"code": "A", "channel": "heartrate"}, "heartrate"), ({"code": "A", "channel": "peep", "to_unit": "mg"}, "mg"),
        ({"code": "noise", "system": SYSTEM, "channel": "peep"}, "is ignore by another rule"),
        ({**GLUCOSE, "channel": "sodium"}, "is glucose by another rule"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_told_with_its_place(
    web: FeedingWeb, engineer: httpx.Client, rule: dict[str, str], seen: str
) -> None:
    text, digest = web.codes.read_text(), mapping_of(engineer)["digest"]
    for path, more in (("/api/mapping/try", {}), ("/api/mapping", {"digest": digest})):
        refused = engineer.post(path, json={"door": "lab", "rules": [GLUCOSE, rule], **more})
        assert refused.status_code == 422 and refused.json()["index"] == 1, refused.text
        assert seen in refused.json()["reason"] and refused.json()["reason"].startswith("rule 2")
    assert web.codes.read_text() == text


def test_who_was_overtaken_is_told_what_changed_and_loses_nobodys_rule(web: FeedingWeb, engineer: httpx.Client) -> None:
    digest = mapping_of(engineer)["digest"]
    by_hand = web.codes.read_text().replace("NOISE", "SOUND") + f",{SYSTEM},CREA,,creatinine,,\n"
    web.codes.write_text(by_hand)
    refused = engineer.post("/api/mapping", json={"door": "lab", "rules": [GLUCOSE], "digest": digest})
    assert refused.status_code == 409 and web.codes.read_text() == by_hand
    problem = refused.json()
    assert [one["code"] for one in problem["added"]] == ["SOUND", "CREA"]
    assert [one["code"] for one in problem["removed"]] == ["NOISE"]
    told(engineer, "/api/mapping", {"door": "lab", "rules": [GLUCOSE], "digest": problem["digest"]})
    assert {"SOUND", "CREA", "GLUC"} <= {one["code"] for one in mapping_of(engineer)["rules"]}
    web.measured(("CREA", "mg/dL", "1.1"))
    assert "creatinine" in web.standing(), "the rule that was written by hand holds as well"


def test_a_row_that_waits_to_be_filled_in_is_and_the_others_stay_as_they_were(
    web: FeedingWeb, engineer: httpx.Client
) -> None:
    web.codes.write_text(f"\ufeffcode,channel,system,unit,ours\r\nGLUC,,{SYSTEM},mg/dL,x\r\nA,peep,,,y\r\n", newline="")
    web.codes.chmod(0o640)
    digest = mapping_of(engineer)["digest"]
    told(engineer, "/api/mapping", {"door": "lab", "rules": [{**GLUCOSE, "note": "our meter"}], "digest": digest})
    assert web.codes.read_bytes().decode("utf-8") == (
        "\ufeffcode,channel,system,unit,ours,source,to_unit,note\r\n"
        f"GLUC,glucose,{SYSTEM},mg/dL,x,,,our meter\r\nA,peep,,,y,,,\r\n"
    )
    assert web.codes.stat().st_mode & 0o777 == 0o640 and list(web.codes.parent.glob("*.part")) == []


def test_a_door_without_a_file_and_a_file_that_is_read_only_are_refused_with_the_reason(
    web: FeedingWeb, engineer: httpx.Client
) -> None:
    ask = {"rules": [GLUCOSE], "digest": mapping_of(engineer)["digest"]}
    web.codes.chmod(0o444)
    for door, status, reason in (("other", 409, "no mapping"), ("lab", 409, "read-only"), ("nobody", 404, "no door")):
        refused = engineer.post("/api/mapping", json={"door": door, **ask})
        assert refused.status_code == status and reason in refused.json()["reason"], refused.text
    shown = {one["door"]: (one["editable"], one["why"]) for one in told(engineer, "/api/mapping")["doors"]}
    assert shown["lab"] == (False, "the file codes.csv is read-only") and not shown["other"][0]
    web.codes.unlink()
    assert engineer.post("/api/mapping", json={"door": "lab", **ask}).status_code == 409


def test_who_may_only_look_changes_no_mapping(web: FeedingWeb, manager: httpx.Client) -> None:
    lab = mapping_of(manager)
    assert lab["rules"][0]["note"] is None and lab["shared"] == ["ward"]
    for path in ("/api/mapping/try", "/api/mapping"):
        refused = manager.post(path, json={"door": "lab", "rules": [GLUCOSE], "digest": lab["digest"]})
        assert refused.status_code == 403 and refused.json()["rule"] == "default:deny"


# ---- refused messages ----------------------------------------------------------------------------------------------

STRANGE = b"a letter about Mrs Example, no message"


def refused_by(web: FeedingWeb, raw: bytes, door: str = "lab") -> int:
    """A message that its door refuses, at least in part; its number."""
    assert web.comes(raw, door).result in ("refused", "partly")
    (row,) = web.running.record.connection().query("SELECT max(id) FROM quarantine")
    return int(row[0])


def test_a_refused_message_is_listed_with_its_reason_and_never_its_text(web: FeedingWeb, manager: httpx.Client) -> None:
    number = refused_by(web, STRANGE)
    web.clock.minutes(5)
    assert refused_by(web, STRANGE) == number
    listed = told(manager, "/api/quarantine")
    (one,) = listed["messages"]
    assert (one["number"], one["door"], one["size"], one["times"]) == (number, "lab", len(STRANGE), 2)
    assert one["last"] - one["received"] == 5 * 60_000_000 and one["state"] == "waiting" and "wanted" in one["reason"]
    assert listed["waiting"] == 1 and "Example" not in str(listed)
    assert manager.post("/api/quarantine/message", json={"number": number}).status_code == 403


def test_a_message_is_read_by_who_may_see_everybody_whom_it_is_about(web: FeedingWeb, engineer: httpx.Client) -> None:
    nobodys, hers = refused_by(web, STRANGE), refused_by(web, oru(obx("9x0"), obx("1.1", sub="2", number=2)))
    (row,) = web.running.record.connection().query("SELECT key FROM subject")
    assert told(engineer, "/api/quarantine/message", {"number": nobodys})["text"] == STRANGE.decode()
    refused = engineer.post("/api/quarantine/message", json={"number": hers})
    assert refused.status_code == 403 and "9x0" not in refused.text, "engineers see no patients"
    assert web.trail(False)[-1]["subject"] == row[0]
    with web.signed_in("doctor") as doctor:
        shown = told(doctor, "/api/quarantine/message", {"number": hers})
        assert "9x0" in shown["text"] and not shown["cut"]
        assert doctor.post("/api/quarantine/message", json={"number": 999}).status_code == 404
    looks = [one for one in web.trail(True) if one["action"] == "read" and one["detail"].endswith("of the quarantine")]
    assert [one["subject"] for one in looks] == ["", "", row[0]]
    assert looks[-1]["detail"] == f"direct care: message {hers} of the quarantine"


def test_what_is_no_text_is_not_shown_as_one(web: FeedingWeb, engineer: httpx.Client) -> None:
    number = refused_by(web, b"\xff\xfe\x00\x01")
    assert told(engineer, "/api/quarantine/message", {"number": number})["text"] is None


def test_a_message_is_taken_in_again_after_a_fix(web: FeedingWeb, engineer: httpx.Client) -> None:
    good = oru(obx("1.1"))
    with web.running.record.writing(BOSS, "write", "as if the door had not understood it") as connection:
        for number, door, raw in ((7, "lab", good), (8, "lab", STRANGE), (9, "gone", good)):
            names = ("id", "received", "door", "reason", "media", "raw", "times")
            connection.insert("quarantine", names, [(number, web.clock(), door, "not read", "", raw, 1)])
    found = told(engineer, "/api/quarantine/replay", {"numbers": [7, 8, 9]})["messages"]
    assert [(one["number"], one["accepted"]) for one in found] == [(7, True), (8, False), (9, False)]
    assert found[0]["outcome"] == "accepted: 1 new entry" and web.standing()["creatinine"] == pytest.approx(1.1)
    assert found[1]["outcome"].startswith("refused again") and "no door" in found[2]["outcome"]
    listed = told(engineer, "/api/quarantine")
    assert [(one["number"], one["state"]) for one in listed["messages"]] == [
        (9, "waiting"), (8, "waiting"), (7, "accepted"),
    ]  # fmt: skip
    for path, more in (("replay", {}), ("dismiss", {"reason": "twice"})):
        assert engineer.post(f"/api/quarantine/{path}", json={"numbers": [8, 7], **more}).status_code == 409
        assert engineer.post(f"/api/quarantine/{path}", json={"numbers": [99], **more}).status_code == 404
    (act,) = [one for one in web.trail(True) if one["detail"] == "message 7 of the quarantine: accepted"]
    assert act["actor"].startswith("quarantine by account:") and act["subject"].startswith("p")


def test_a_message_that_nobody_wants_is_dismissed_with_a_reason(web: FeedingWeb, engineer: httpx.Client) -> None:
    number = refused_by(web, STRANGE)
    for reason in ("", "  "):
        answer = engineer.post("/api/quarantine/dismiss", json={"numbers": [number], "reason": reason})
        assert answer.status_code == 422, reason
    told(engineer, "/api/quarantine/dismiss", {"numbers": [number], "reason": "sent by mistake"})
    listed = told(engineer, "/api/quarantine")
    assert (listed["messages"][0]["outcome"], listed["waiting"]) == ("dropped: sent by mistake", 0)
    (row,) = web.running.record.connection().query("SELECT actor FROM resolution")
    assert row[0].startswith("account:")


def test_a_manager_takes_nothing_in_and_dismisses_nothing(web: FeedingWeb, manager: httpx.Client) -> None:
    number = refused_by(web, STRANGE)
    for path, more in (("replay", {}), ("dismiss", {"reason": "away with it"})):
        assert manager.post(f"/api/quarantine/{path}", json={"numbers": [number], **more}).status_code == 403
