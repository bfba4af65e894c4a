"""What every request meets: a decision, the right host and page, a limit; and what every answer carries."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from pydantic import BaseModel
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from tests.serve.web.conftest import Web
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from caretwin.base.errors import DataError
from caretwin.record.entry import Event
from caretwin.serve.web.app import make_app
from caretwin.serve.web.log import LOG, JsonLines
from caretwin.serve.web.routing import Here, Routes, Signed, permission_of, undecided
from caretwin.serve.web.static import FOR_EVER, Static

pytestmark = pytest.mark.service

CONTENT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; worker-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
)


class Whom(BaseModel):
    subject: str
    times: int = 1


def extra() -> Routes:
    """Routes as those of a page are."""
    routes = Routes("test")

    @routes.get("/api/test/board", permission="board:see")
    async def board(caller: Signed) -> dict[str, str]:
        return {"account": caller.account, "role": caller.role, "purpose": caller.purpose}

    @routes.post("/api/test/person", permission="person:see")
    def person(whom: Whom, caller: Signed, here: Here) -> dict[str, int]:
        events: list[Event] = here.reading(caller).events(whom.subject)  # type: ignore[assignment]
        return {"events": len(events)}

    @routes.post("/api/test/broken", permission="public")
    def broken() -> None:
        raise RuntimeError("Mrs A, 943 476 5919")

    @routes.websocket("/api/test/waves", permission="board:see")
    async def waves(websocket: WebSocket, caller: Signed) -> None:
        await websocket.accept()
        await websocket.send_text(caller.role)
        await websocket.close()

    return routes


@pytest.fixture
def site(start: Callable[..., Web]) -> Web:
    return start([extra()])


# ---- decisions -----------------------------------------------------------------------------------------------------


def test_no_route_answers_without_a_decision(site: Web) -> None:
    app, actions = site.running.web.app, site.served.rules.policies.actions  # type: ignore[union-attr]
    assert len(app.routes) > 8 and undecided(app.routes, actions) == []
    public = {route.path for route in app.routes if permission_of(route) == "public"}  # type: ignore[attr-defined]
    open_to_all = {one for one in public if not one.startswith(("/api/sign-in/", "/api/test/"))}
    assert open_to_all == {"/health", "/ready", "/api/openapi.json", "/{path:path}"}


def test_every_route_that_is_not_public_says_401_to_a_stranger(site: Web) -> None:
    asked = 0
    with site.client() as stranger:
        for route in site.running.web.app.routes:  # type: ignore[union-attr]
            if permission_of(route) in (None, "public") or not hasattr(route, "methods"):
                continue
            for method in route.methods:
                found = stranger.request(method, route.path, json={} if method == "POST" else None)  # type: ignore[attr-defined]
                assert (found.status_code, found.json()["reason"]) == (401, "nobody has signed in"), route
                asked += 1
    assert asked >= 3


def test_a_route_without_a_permission_is_found_and_does_not_start(site: Web) -> None:
    bare = FastAPI()
    known = {"public", "board:see"}
    assert len(undecided(bare.routes, known)) == len(bare.routes) > 2, "documentation of FastAPI itself"
    others = [Mount("/files", StaticFiles(directory=".")), Route("/x", lambda request: None)]
    assert len(undecided(others, known)) == 2
    wrong = Routes("wrong")
    wrong.get("/api/wrong", permission="bord:see")(lambda: None)
    with pytest.raises(DataError, match="/api/wrong"):
        make_app(site.served, [wrong])


def test_no_route_takes_anything_in_its_address(site: Web) -> None:
    """Addresses stand in logs and histories: whom something is about travels in the body."""
    for route in site.running.web.app.routes:  # type: ignore[union-attr]
        dependant = route.dependant  # type: ignore[attr-defined]
        if route.path in ("/{path:path}", "/api/sign-in/oidc/back"):  # type: ignore[attr-defined]
            continue
        assert (dependant.path_params, dependant.query_params) == ([], []), route


def test_who_may_is_answered_and_who_may_not_is_told_why_and_audited(site: Web) -> None:
    with site.signed_in("doctor") as doctor:
        assert doctor.get("/api/test/board").json()["role"] == "doctor"
    with site.signed_in("engineer") as engineer:
        found = engineer.get("/api/test/board")
    assert found.status_code == 403 and found.headers["content-type"] == "application/problem+json"
    told = found.json()
    assert told["rule"] == "default:deny" and "care:board" in told["reason"] and told["status"] == 403
    refused = site.trail(allowed=False)[-1]
    assert (refused["action"], refused["rule"]) == ("board:see", "default:deny")


def test_another_wards_patient_is_refused_by_the_record_and_audited(site: Web) -> None:
    here, there = site.person("1", "ICU"), site.person("2", "Ward 3")
    with site.signed_in("nurse", units=["ICU"]) as nurse:
        assert nurse.post("/api/test/person", json={"subject": here}).json() == {"events": 1}
        found = nurse.post("/api/test/person", json={"subject": there})
    assert found.status_code == 403 and found.json()["rule"] == "boundary:unit"
    assert site.trail(allowed=False)[-1]["subject"] == there


def test_looks_of_a_session_are_one_row_an_hour_and_leave_to_look_is_flagged_at_once(site: Web) -> None:
    key = site.person("1", "ICU")

    def looks() -> list[str]:
        return [one["rule"] for one in site.trail(allowed=True) if one["action"] == "read" and one["subject"] == key]

    with site.signed_in("nurse", units=["ICU"]) as nurse:
        assert [nurse.post("/api/test/person", json={"subject": key}).status_code for _ in range(3)] == [200] * 3
        assert looks() == ["care:person"]
        site.clock.minutes(1)
        site.person("1", "Ward 3")
        assert nurse.post("/api/test/person", json={"subject": key}).status_code == 403, "moved, and no longer hers"
        nurse.post("/api/break-glass", json={"subject": key, "reason": "called back"})
        assert nurse.post("/api/test/person", json={"subject": key}).status_code == 200
        assert looks() == ["care:person", "care:person break-glass"]
        site.clock.minutes(29)
        nurse.get("/api/session")
        site.clock.minutes(29)
        nurse.get("/api/session")
        site.clock.minutes(2)
        assert nurse.post("/api/test/person", json={"subject": key}).status_code == 403, "an hour is over"


# ---- what comes from elsewhere -------------------------------------------------------------------------------------


def test_a_request_from_another_page_changes_nothing(site: Web) -> None:
    key, secret = site.person("1", "ICU"), site.secret(site.account("nurse"))
    ask = {"subject": key}
    evil = {"origin": "https://evil.example.org", "sec-fetch-site": "cross-site"}
    for headers in (
        evil,
        {**evil, "sec-fetch-site": "same-origin"},
        {**evil, "origin": site.address},
        {"origin": "null"},
    ):
        with site.client(secret, **headers) as client:
            found = client.post("/api/test/person", json=ask)
            assert (found.status_code, found.json()["rule"]) == (403, "border:origin"), headers
    cookie = {"cookie": f"caretwin={secret}"}
    assert httpx.post(f"{site.address}/api/test/person", json=ask, headers=cookie).status_code == 403
    with site.client(secret) as client:
        assert client.post("/api/test/person", json=ask).status_code == 200
        cross = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
        assert client.get("/api/test/board", headers=cross).status_code == 403


def test_a_socket_from_another_page_or_of_nobody_is_not_opened(site: Web) -> None:
    url = site.address.replace("http", "ws") + "/api/test/waves"
    cookie = {"Cookie": f"caretwin={site.secret(site.account('nurse'))}"}
    with connect(url, origin=site.address, additional_headers=cookie) as socket:  # type: ignore[arg-type]
        assert socket.recv() == "nurse"
    strange = {"Cookie": f"caretwin={site.secret(site.account('engineer'))}"}
    for origin, headers in (
        ("https://evil.example.org", cookie),
        (None, cookie),
        (site.address, {}),
        (site.address, strange),
    ):
        with pytest.raises(InvalidStatus) as problem, connect(url, origin=origin, additional_headers=headers):  # type: ignore[arg-type]
            pass
        assert problem.value.response.status_code in (401, 403)


def test_another_host_is_not_this_site(site: Web) -> None:
    with site.client(host="ward.evil.example.org") as client:
        found = client.get("/health")
    assert (found.status_code, found.json()["rule"]) == (403, "border:host")


def test_what_is_too_long_is_not_read(start: Callable[..., Web]) -> None:
    site = start([extra()], max_body_bytes=2000)
    with site.signed_in("nurse") as client:
        found = client.post("/api/test/person", json={"subject": "x" * 3000})
        assert (found.status_code, found.json()["rule"]) == (413, "border:length")
        parts = (b" " * 500 for _ in range(10))  # nobody says how long it is
        head = {"content-type": "application/json"}
        assert client.post("/api/test/person", content=parts, headers=head).status_code == 413


def test_who_asks_too_often_waits(start: Callable[..., Web]) -> None:
    site = start([extra()], requests_per_min=5)
    secret = site.secret(site.account("nurse"))
    with site.client(secret) as client, site.client() as other:
        assert [client.get("/api/test/board").status_code for _ in range(6)] == [200] * 5 + [429]
        found = client.get("/api/test/board")
        assert found.headers["retry-after"] == "60" and found.json()["rule"] == "border:rate"
        assert other.get("/health").status_code == 200, "another is not kept waiting"


# ---- what an answer carries ----------------------------------------------------------------------------------------


def test_every_answer_has_the_strict_headers(site: Web) -> None:
    with site.client() as client:
        evil = {"host": "evil.example.org"}
        asked = [client.get(one) for one in ("/", "/health", "/api/nothing", "/api/test/board", "/assets/none.js")]
        for found in [*asked, client.post("/api/test/broken"), client.get("/", headers=evil)]:
            assert found.headers["content-security-policy"] == CONTENT
            assert found.headers["x-content-type-options"] == "nosniff"
            assert found.headers["referrer-policy"] == "no-referrer"
            assert found.headers["cache-control"] == "no-store"
            assert "server" not in found.headers
        assert client.get("/api/nothing").status_code == 404
        assert client.get("/api/test/person").status_code == 405


def test_a_page_of_an_ehr_may_show_ours_where_the_site_says_so(start: Callable[..., Web]) -> None:
    site = start(frame_ancestors=["https://ehr.example.org"])
    with site.client() as client:
        content = client.get("/").headers["content-security-policy"]
    assert content.endswith("frame-ancestors https://ehr.example.org")


def test_a_mistake_of_ours_tells_nothing(site: Web) -> None:
    with site.client() as client:
        found = client.post("/api/test/broken")
    assert found.status_code == 500 and "943" not in found.text and "RuntimeError" not in found.text


def test_what_is_not_valid_is_told_without_what_was_sent(site: Web) -> None:
    with site.signed_in("nurse") as client:
        found = client.post("/api/test/person", json={"subject": "943 476 5919", "times": "Mrs A"})
    assert found.status_code == 422 and found.json()["reason"] == "body.times: int_parsing"
    assert "943" not in found.text and "Mrs A" not in found.text


def test_a_log_line_has_ids_and_routes_and_nothing_else(site: Web, caplog: pytest.LogCaptureFixture) -> None:
    account = site.account("nurse")
    LOG.propagate = True
    with caplog.at_level(logging.INFO, LOG.name), site.client(site.secret(account)) as client:
        client.get("/api/test/board")
        client.get("/people/943-476-5919?name=Ada")
        client.post("/api/test/person", json={"subject": "p-of-nobody"})
    lines = [json.loads(JsonLines().format(one)) for one in caplog.records if one.name == LOG.name]
    lines = [one for one in lines if one["event"] == "answered"]  # a site that starts says that it listens
    assert lines[0] | {"ms": 0, "at": ""} == {
        "at": "", "level": "info", "event": "answered", "method": "GET", "route": "/api/test/board", "status": 200,
        "ms": 0, "account": account.key, "session": "1",
    }  # fmt: skip
    assert [one["route"] for one in lines] == ["/api/test/board", "/{path:path}", "/api/test/person"]
    told = json.dumps(lines)
    assert "943" not in told and "Ada" not in told and "p-of-nobody" not in told and account.name not in told


# ---- pages ---------------------------------------------------------------------------------------------------------


def test_an_application_that_was_not_built_says_so(site: Web, tmp_path: Path) -> None:
    site.running.web.app.state.static = Static(tmp_path / "nothing")  # type: ignore[union-attr]
    with site.client() as client:
        found = client.get("/")
    assert found.status_code == 200 and "was not built" in found.text and "make web" in found.text


def test_files_with_a_digest_are_kept_for_ever_and_the_page_never(site: Web, tmp_path: Path) -> None:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>ward</title>" + " " * 2000)
    (folder / "assets" / "app-1a2b.js").write_text("let x = 1;" * 500)
    (tmp_path / "secret.txt").write_text("not for you")
    site.running.web.app.state.static = Static(folder)  # type: ignore[union-attr]
    with site.client() as client:
        script = client.get("/assets/app-1a2b.js")
        assert script.headers["cache-control"] == FOR_EVER and script.headers["content-type"].startswith(
            "text/javascript"
        )
        assert script.headers["content-encoding"] == "gzip" and script.text == "let x = 1;" * 500
        plain = client.get("/assets/app-1a2b.js", headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers and plain.text == script.text
        for page in ("/", "/board", "/person"):
            found = client.get(page)
            assert "ward" in found.text and found.headers["cache-control"] == "no-store"
        for way in ("/assets/other.js", "/../secret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt"):
            assert "not for you" not in client.get(way).text
        assert client.get("/assets/other.js").status_code == 404


def test_the_description_is_of_every_route_and_its_refusals(site: Web) -> None:
    with site.client() as client:
        told = client.get("/api/openapi.json").json()
    assert told["openapi"].startswith("3.1") and "Problem" in told["components"]["schemas"]
    for path, methods in told["paths"].items():
        for method, said in methods.items():
            assert said["x-permission"] in site.served.rules.policies.actions
            assert {"429"} <= set(said["responses"]), (path, method)
            assert said["x-permission"] == "public" or ({"401", "403"} <= set(said["responses"]) and said["security"])
