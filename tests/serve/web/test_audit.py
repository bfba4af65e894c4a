"""The audit trail as an auditor reads it, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.serve.web.conftest import BOSS, Web

from caretwin.serve.web.chain_check import EVERY_US


@pytest.fixture
def auditor(web: Web) -> Iterator[httpx.Client]:
    with web.signed_in("auditor") as client:
        yield client


def rows(client: httpx.Client, **asked: Any) -> list[dict[str, Any]]:
    answer = client.post("/api/audit", json=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


def test_the_newest_comes_first_with_who_did_it_and_by_which_rule(web: Web, auditor: httpx.Client) -> None:
    key = web.person("1", "ICU")
    account = web.account("nurse", units=["ICU"])
    with web.client(web.secret(account)) as nurse:
        nurse.post("/api/break-glass", json={"subject": key, "reason": "called"})
        nurse.get("/api/doors")
    page = auditor.get("/api/audit").json()
    numbers = [one["n"] for one in page["rows"]]
    assert numbers == sorted(numbers, reverse=True) and page["rows"][0]["rule"] == "audit:see", "this look as well"
    refused = next(one for one in page["rows"] if not one["allowed"])
    assert (refused["actor"], refused["name"]) == (f"account:{account.key}", "A nurse")
    assert (refused["action"], refused["rule"], refused["flagged"]) == ("quality:see", "default:deny", False)
    leave = next(one for one in page["rows"] if one["action"] == "break-glass")
    assert leave["flagged"] and leave["subjects"] == [key]
    assert page["chain"] == {"whole": True, "trouble": "", "rows": numbers[0], "checked": web.clock()}


def test_rows_are_found_by_person_account_act_and_time(web: Web, auditor: httpx.Client) -> None:
    one, other = web.person("1", "ICU"), web.person("2", "Ward 3")
    account = web.account("nurse", units=["ICU"])
    actor = web.served.accounts.of(account.key)
    caller = web.served.sessions.caller(web.secret(actor))
    web.clock.minutes(1)
    since = web.clock()
    web.served.reading(caller).events(one)
    web.served.accounts.refuse(account.key, "person:see", "boundary:unit", "another ward", other)
    assert {row["subjects"][0] for row in rows(auditor, account=account.key, start=since)} == {one, other}
    assert [row["allowed"] for row in rows(auditor, subject=other, start=since)] == [False]
    (look,) = rows(auditor, subject=one, action="read")
    assert look["rule"] == "care:person" and look["allowed"]
    assert rows(auditor, subject=one, action="read", allowed=False) == rows(auditor, subject=one, start=since + 1) == []
    assert look not in rows(auditor, stop=since)
    assert rows(auditor, account="%") == [] and rows(auditor, account="account_") == [], "nothing stands for another"


def test_what_leave_to_look_made_possible_is_flagged(web: Web, auditor: httpx.Client) -> None:
    key = web.person("1", "ICU")
    account = web.account("nurse", units=["Ward 3"])
    secret = web.secret(account)
    with web.client(secret) as nurse:
        assert nurse.post("/api/break-glass", json={"subject": key, "reason": "called back"}).status_code == 200
    web.served.reading(web.served.sessions.caller(secret)).events(key)
    found = rows(auditor, flagged=True)
    assert [(one["action"], one["flagged"]) for one in found] == [("read", True), ("break-glass", True)]
    assert "called back" in found[1]["detail"] and found[0]["rule"] == "care:person break-glass"


def test_pages_follow_each_other_without_a_gap(web: Web, auditor: httpx.Client) -> None:
    for number in range(25):
        web.running.record.refused(BOSS, "test", "a rule", f"row {number}")
    seen: list[str] = []
    before: int | None = None
    for count in (10, 10, 5):
        page = auditor.post("/api/audit", json={"action": "test", "most": 10, "before": before}).json()
        assert len(page["rows"]) == count
        seen += [one["detail"] for one in page["rows"]]
        before = page["before"]
    assert seen == [f"row {number}" for number in reversed(range(25))] and before is None


def test_a_row_that_was_changed_is_found_at_the_next_look(web: Web, auditor: httpx.Client) -> None:
    assert auditor.get("/api/audit").json()["chain"]["whole"]
    with web.running.record.writing(BOSS, "write", "a hand where none should be") as connection:
        connection.query("UPDATE audit SET actor = 'nobody' WHERE n = 2")
    assert auditor.get("/api/audit").json()["chain"]["whole"], "looked through a moment ago"
    web.clock.now += EVERY_US
    chain = auditor.get("/api/audit").json()["chain"]
    assert (chain["whole"], chain["trouble"]) == (False, "row 2 is not what was written")


def test_nobody_but_an_auditor_reads_the_trail(web: Web) -> None:
    for role in ("nurse", "doctor", "manager", "engineer"):
        with web.signed_in(role) as client:
            assert [client.get("/api/audit").status_code, client.post("/api/audit", json={}).status_code] == [403] * 2
