"""How data come in, as an engineer and a manager see it, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.ingest.doors.hl7v2_lines import obx, oru
from tests.serve.web.feeding_site import SYSTEM, FeedingWeb


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
