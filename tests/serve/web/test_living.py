"""A nurse, a doctor and a browser at a ward that lives: what they see, try, propose and decide, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from tests.serve.web.conftest import BOSS
from tests.serve.web.living_site import DOOR, MINUTE, LivingWeb

from caretwin.record.entry import Batch, Identifier, Observation, SubjectRef


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivingWeb]:
    made = LivingWeb(tmp_path_factory.mktemp("site"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def mrs_a(web: LivingWeb) -> str:
    return web.charted("4711", "ICU", "3", range(0, 60, 5), heart_rate=118.0, oxygen_saturation=91.0)


@pytest.fixture(scope="module")
def mr_b(web: LivingWeb) -> str:
    return web.charted("4712", "Ward 4", "1", range(0, 60, 5))


@pytest.fixture(scope="module")
def nurse(web: LivingWeb) -> Iterator[httpx.Client]:
    with web.signed_in("nurse", units=["ICU"]) as client:
        yield client


@pytest.fixture(scope="module")
def doctor(web: LivingWeb) -> Iterator[httpx.Client]:
    with web.signed_in("doctor") as client:
        yield client


@pytest.fixture(scope="module")
def row(web: LivingWeb, nurse: httpx.Client, mrs_a: str, mr_b: str) -> dict[str, Any]:
    found: dict[str, Any] = web.until(lambda: web.row(nurse, mrs_a))
    return found


def ask(client: httpx.Client, path: str, **body: Any) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_board_says_who_is_worst_and_what_is_not_known(row: dict[str, Any]) -> None:
    assert (row["unit"], row["place"], row["number"]) == ("ICU", "3", "4711")
    score = row["news2"]
    parts = {one["channel"]: one for one in score["parts"]}
    assert (parts["heart_rate"]["score"], parts["oxygen_saturation"]["score"], parts["oxygen"]["score"]) == (2, 3, 2)
    assert parts["temperature"]["score"] is None and not score["complete"]
    assert score["high"] - score["low"] == 3 + 3  # temperature and consciousness are open
    assert row["settings"] == {"mode": "volume control", "fio2": 0.5, "norepinephrine": None}


def test_everybody_sees_those_of_their_units(
    web: LivingWeb, nurse: httpx.Client, doctor: httpx.Client, row: dict[str, Any], mrs_a: str, mr_b: str
) -> None:
    web.until(lambda: web.row(doctor, mr_b))
    assert [one["subject"] for one in nurse.get("/api/board").json()["rows"]] == [mrs_a]
    assert {one["subject"] for one in doctor.get("/api/board").json()["rows"]} == {mrs_a, mr_b}
    assert [one["name"] for one in doctor.get("/api/board").json()["units"]] == ["ICU", "Ward 4"]
    for path, more in (
        ("/api/person", {}), ("/api/person/series", {"channels": ["heart_rate"], "start": 0, "stop": 2**52}),
        ("/api/person/forecasts", {}), ("/api/provenance", {"seq": 1}), ("/api/what-if", {"plans": []}),
        ("/api/recommendations/propose", {"change": {"peep": 10.0}}),
        ("/api/recommendations/review", {"seq": 1, "verdict": "accepted"}),
    ):  # fmt: skip
        refused = nurse.post(path, json={"subject": mr_b, **more})
        assert refused.status_code == 403, path
        assert "units" in refused.json()["reason"] and refused.json()["rule"] == "boundary:unit"
    denied = [one for one in web.trail(False) if one["subject"] == mr_b]
    assert len(denied) >= 7


def test_a_look_at_the_board_is_a_look_at_each_person_on_it(web: LivingWeb, row: dict[str, Any], mrs_a: str) -> None:
    looks = [one for one in web.trail(True) if one["action"] == "read" and one["actor"].startswith("account:")]
    assert mrs_a in {one["subject"] for one in looks}


def test_a_person_has_channels_events_series_and_a_future(
    web: LivingWeb, nurse: httpx.Client, row: dict[str, Any], mrs_a: str
) -> None:
    told = ask(nurse, "/api/person", subject=mrs_a)
    names = {one["channel"]: one for one in told["channels"]}
    assert names["heart_rate"]["group"] == "vital" and names["peep"]["group"] == "ventilator"
    assert names["heart_rate"]["count"] == 12
    assert [one["title"] for one in told["events"]] == ["stay"]
    asked = {"channels": ["heart_rate", "peep"], "start": web.clock() - 30 * MINUTE, "stop": web.clock() + 1}
    series = {one["channel"]: one for one in ask(nurse, "/api/person/series", subject=mrs_a, **asked)["series"]}
    assert series["heart_rate"]["value"] == [118.0] * 7
    assert series["peep"]["value"] == [8.0], "what was set before still holds"
    ahead = ask(nurse, "/api/person/forecasts", subject=mrs_a)
    fan = next(one for one in ahead["fans"] if one["channel"] == "heart_rate")
    assert len(fan["at"]) == 3 and all(sorted(q) == q for q in fan["quantiles"])
    assert fan["quantiles"][-1][-1] - fan["quantiles"][-1][0] > fan["quantiles"][0][-1] - fan["quantiles"][0][0]


def test_a_value_says_where_it_came_from_and_what_the_twin_did_with_it(
    web: LivingWeb, nurse: httpx.Client, row: dict[str, Any], mrs_a: str
) -> None:
    asked = {"channels": ["heart_rate"], "start": 0, "stop": web.clock() + 1}
    (series,) = ask(nurse, "/api/person/series", subject=mrs_a, **asked)["series"]
    told = ask(nurse, "/api/provenance", subject=mrs_a, seq=series["seq"][0])
    assert (told["value"], told["sender"], told["source"]) == (118.0, DOOR.name, "monitor")
    assert told["twin"]["used"] and told["quality"] == "good"
    assert nurse.post("/api/provenance", json={"subject": mrs_a, "seq": 10**9}).status_code == 404


def test_a_plan_is_tried_proposed_and_decided(
    web: LivingWeb, nurse: httpx.Client, doctor: httpx.Client, row: dict[str, Any], mrs_a: str
) -> None:
    both = ask(nurse, "/api/what-if", subject=mrs_a, plans=[{"norepinephrine": 0.1}, {"peep": 12.0}])
    same, drug, _ = both["plans"]
    pressure = next(one for one in drug["readings"] if one["label"] == "MAP")
    assert pressure["difference"][-1][2] > 1.0
    assert not any(any(value) for one in same["readings"] for value in one["difference"])
    assert {one["name"] for one in both["controls"]} >= {"peep", "fio2", "rate", "tidal_volume", "norepinephrine"}
    kept = ask(nurse, "/api/recommendations/propose", subject=mrs_a, change={"norepinephrine": 0.1}, reason="MAP falls")
    assert kept["state"] == "waiting" and kept["by"] == "A nurse"
    web.until(lambda: (web.row(doctor, mrs_a) or {}).get("recommendations") == 1)
    refused = doctor.post(
        "/api/recommendations/review", json={"subject": mrs_a, "seq": kept["seq"], "verdict": "rejected"}
    )
    assert refused.status_code == 422 and "reason" in refused.json()["reason"]
    said = ask(
        doctor, "/api/recommendations/review", subject=mrs_a, seq=kept["seq"], verdict="rejected", reason="fluid first"
    )
    assert said["state"] == "rejected" and said["review"]["by"] == "A doctor"
    queue = nurse.get("/api/recommendations").json()["recommendations"]
    assert [one["state"] for one in queue if one["seq"] == kept["seq"]] == ["rejected"]


@pytest.mark.parametrize("change", [{"peep": 200.0}, {"aspirin": 1.0}, {"peep": "much"}])
def test_what_cannot_be_set_is_a_named_error(nurse: httpx.Client, row: dict[str, Any], mrs_a: str, change: Any) -> None:
    answer = nurse.post("/api/what-if", json={"subject": mrs_a, "plans": [change]})
    assert answer.status_code == 422 and answer.json()["reason"]


def test_nobody_is_nobody(nurse: httpx.Client, doctor: httpx.Client, row: dict[str, Any]) -> None:
    assert doctor.post("/api/person", json={"subject": "p000000000000"}).status_code in (403, 404)
    assert doctor.post("/api/what-if", json={"subject": "p000000000000", "plans": []}).status_code in (403, 404)


def test_who_has_no_twin_yet_has_no_futures(web: LivingWeb, doctor: httpx.Client, row: dict[str, Any]) -> None:
    nobody = web.person("4799", "Ward 9")
    answer = doctor.post("/api/what-if", json={"subject": nobody, "plans": []})
    assert answer.status_code == 409 and "twin" in answer.json()["reason"]


class Stream:
    """Server-sent events as a browser reads them."""

    def __init__(self, client: httpx.Client, have: str = "") -> None:
        self._stream = client.stream("GET", "/api/live", headers={"last-event-id": have} if have else {})

    def __enter__(self) -> Stream:
        self._lines = self._stream.__enter__().iter_lines()
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.__exit__(None, None, None)

    def next(self, wanted: str) -> tuple[str, Any]:
        """Id and data of the next event of a kind."""
        kind = name = ""
        for line in self._lines:
            field, _, value = line.partition(": ")
            if field == "event":
                kind = value
            elif field == "id":
                name = value
            elif field == "data" and kind == wanted:
                return name, orjson.loads(value)
        raise AssertionError("the stream ended")


def heart_rate(web: LivingWeb, number: str, value: float) -> None:
    web.clock.now += MINUTE
    who = SubjectRef((Identifier("urn:test", number),))
    at = web.clock()
    entry = Observation(who, "heart_rate", at, value, "monitor", f"{number} late {at}")
    web.running.record.append(DOOR, [Batch((entry,), at, DOOR.name)])


def test_a_browser_is_told_what_changes_and_goes_on_where_it_left_off(
    web: LivingWeb, nurse: httpx.Client, row: dict[str, Any], mrs_a: str, mr_b: str
) -> None:
    with Stream(nurse) as stream:
        name, everything = stream.next("board")
        assert everything["whole"] and [one["subject"] for one in everything["rows"]] == [mrs_a]
    heart_rate(web, "4711", 131.0)
    with Stream(nurse, name) as stream:
        while True:
            name, news = stream.next("board")
            assert not news["whole"] and [one["subject"] for one in news["rows"]] == [mrs_a]
            rates = [one["value"] for one in news["rows"][0]["vitals"] if one["channel"] == "heart_rate"]
            if rates == [131.0]:
                break
        assert stream.next("pulse")[1]["trouble"] == ""


def test_a_stream_ends_with_its_session(web: LivingWeb, row: dict[str, Any]) -> None:
    account = web.account("nurse", units=["ICU"])
    with web.client(web.secret(account)) as client, Stream(client) as stream:
        stream.next("board")
        web.served.accounts.disable(BOSS, account.key, web.clock())
        assert "over" in stream.next("end")[1]["reason"]
