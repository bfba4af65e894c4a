"""Who comes in, and who does not: links, passkeys, sessions; what is refused is audited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.serve.web.authenticator import Authenticator
from tests.serve.web.conftest import BOSS, Web

from caretwin.record.accounts import LINK_GOOD_US
from caretwin.serve.access.rules import LOOK_EVERY_US
from caretwin.serve.running import running

pytestmark = pytest.mark.service
FAIL = 401


def link_in(client: httpx.Client, secret: str, **more: str) -> httpx.Response:
    return client.post("/api/sign-in/link", json={"secret": secret, **more})


def new_passkey(client: httpx.Client, key: Authenticator, name: str = "tablet") -> httpx.Response:
    asked = client.post("/api/session/passkey/options").json()
    answer = {"ceremony": asked["ceremony"], "credential": key.make(asked["options"]), "name": name}
    return client.post("/api/session/passkey", json=answer)


def passkey_in(client: httpx.Client, key: Authenticator, **more: Any) -> httpx.Response:
    asked = client.post("/api/sign-in/passkey/options").json()
    answer = {"ceremony": asked["ceremony"], "credential": key.prove(asked["options"]), **more}
    return client.post("/api/sign-in/passkey", json=answer)


def refused(web: Web) -> list[tuple[str, str]]:
    return [(one["rule"], one["detail"]) for one in web.trail(allowed=False)]


# ---- links ---------------------------------------------------------------------------------------------------------


def test_the_first_start_prints_a_link_and_who_uses_it_sets_the_site_up(web: Web) -> None:
    address, _, secret = web.first_link.partition("/#link=")
    assert address == web.address and len(secret) >= 43
    with web.client() as client:
        told = link_in(client, secret).json()
        assert told["roles"] == ["manager", "engineer"] and told["passkeys"] == 0
        assert {"accounts:change", "setup:change"} <= set(told["may"]) and "what_if:try" in told["may"]
        cookie = client.cookies.jar.__iter__().__next__()
        assert cookie.name == "caretwin" and cookie.path == "/"
        assert client.get("/api/session").json()["account"] == told["account"]


def test_the_cookie_can_be_read_by_no_script_and_sent_by_no_other_site(start: Callable[..., Web]) -> None:
    plain, hosted = start(), start(origin="https://ward.example.org", behind_proxy=True)
    for web, name, more in ((plain, "caretwin", ""), (hosted, "__Host-caretwin", "; Secure")):
        account = web.account("nurse")
        secret = web.served.accounts.new_link(BOSS, account.key, web.clock())
        listen = "http://" + web.served.settings.listen
        headers = {"host": web.address.partition("//")[2], "origin": web.address}
        found = httpx.post(f"{listen}/api/sign-in/link", json={"secret": secret}, headers=headers)
        said = found.headers["set-cookie"]
        assert said.startswith(name + "=") and said.endswith("; HttpOnly; Path=/; SameSite=strict" + more), said
        assert len(said.partition("=")[2].partition(";")[0]) >= 43


def test_a_link_that_is_used_again_is_refused_and_audited(web: Web) -> None:
    account = web.account("nurse")
    secret = web.served.accounts.new_link(BOSS, account.key, web.clock())
    with web.client() as first, web.client() as second:
        assert link_in(first, secret).status_code == 200
        again = link_in(second, secret)
        assert again.status_code == FAIL and "was used" in again.json()["reason"] and not second.cookies
    assert refused(web) == [
        ("link:once", f"a link of account {account.key}: a link that was used, or replaced by another")
    ]


def test_a_link_is_too_old_after_a_quarter_of_an_hour(web: Web) -> None:
    secret = web.served.accounts.new_link(BOSS, web.account("nurse").key, web.clock())
    web.clock.now += LINK_GOOD_US
    with web.client() as client:
        assert link_in(client, secret).status_code == FAIL
        assert link_in(client, "x").status_code == FAIL


def test_a_new_start_makes_another_link_until_somebody_has_a_passkey(tmp_path: Path, start: Callable[..., Web]) -> None:
    web = start()
    first = web.first_link
    with web.client() as client:
        link_in(client, first.partition("=")[2])
        assert new_passkey(client, Authenticator(web.address)).status_code == 200
    site = web.site
    web.stop()

    async def again() -> str:
        async with running(site, web.clock, twins=False, people_clock=web.clock) as found:
            assert found.web is not None
            return found.web.first_link

    assert asyncio.run(again()) == ""


def test_no_secret_stands_in_the_file(web: Web) -> None:
    account = web.account("nurse")
    link = web.served.accounts.new_link(BOSS, account.key, web.clock())
    with web.client() as client:
        link_in(client, link)
        cookie = client.cookies["caretwin"]
    kept = b"".join(path.read_bytes() for path in Path(web.site.record).parent.glob("ward.db*") if path.is_file())
    assert account.key.encode() in kept and link.encode() not in kept and cookie.encode() not in kept


# ---- passkeys ------------------------------------------------------------------------------------------------------


@pytest.fixture
def keyed(web: Web) -> tuple[Web, Authenticator]:
    """A nurse with a passkey."""
    key = Authenticator(web.address)
    with web.signed_in("nurse", "manager", units=["ICU"]) as client:
        made = new_passkey(client, key)
        assert made.status_code == 200, made.text
        assert [one["name"] for one in client.get("/api/session/passkeys").json()] == ["tablet"]
    return web, key


def test_who_has_a_passkey_comes_in_by_it_without_a_name(keyed: tuple[Web, Authenticator]) -> None:
    web, key = keyed
    with web.client() as client:
        told = passkey_in(client, key).json()
        assert (told["role"], told["purpose"], told["units"]) == ("nurse", "direct care", ["ICU"])
        assert client.get("/api/session").status_code == 200
    with web.client() as client:
        told = passkey_in(client, key, role="manager", purpose="service management").json()
        assert (told["role"], told["purpose"]) == ("manager", "service management")


@pytest.mark.parametrize("wrong", ["origin", "key", "count", "challenge", "stranger", "old", "nonsense"])
def test_a_passkey_that_proves_nothing_is_refused_and_audited(keyed: tuple[Web, Authenticator], wrong: str) -> None:
    web, key = keyed
    with web.client() as client:
        asked = client.post("/api/sign-in/passkey/options").json()
        if wrong == "origin":
            key.origin = "https://evil.example.org"
        if wrong == "key":
            key.key = Authenticator(key.origin).key
        if wrong == "count":
            key.count = -1  # a copy of the device
        if wrong == "challenge":
            asked["options"]["challenge"] = "AAAA"
        if wrong == "stranger":
            key = Authenticator(key.origin)
        if wrong == "old":
            web.clock.minutes(5)
        credential = {"rawId": 5} if wrong == "nonsense" else key.prove(asked["options"])
        found = client.post("/api/sign-in/passkey", json={"ceremony": asked["ceremony"], "credential": credential})
        assert found.status_code == FAIL and found.json()["rule"] == "passkey:proved" and not client.cookies
    assert refused(web)[-1][0] == "passkey:proved"


def test_an_answer_counts_once(keyed: tuple[Web, Authenticator]) -> None:
    web, key = keyed
    with web.client() as client:
        asked = client.post("/api/sign-in/passkey/options").json()
        answer = {"ceremony": asked["ceremony"], "credential": key.prove(asked["options"])}
        assert client.post("/api/sign-in/passkey", json=answer).status_code == 200
        assert client.post("/api/sign-in/passkey", json=answer).status_code == FAIL


def test_a_passkey_belongs_to_a_name_and_not_to_an_address(web: Web) -> None:
    host = web.served.settings.listen
    headers = {"host": host, "origin": f"http://{host}"}
    found = httpx.post(f"http://{host}/api/sign-in/passkey/options", headers=headers)
    assert found.status_code == 409 and "localhost" in found.json()["detail"]


def test_a_lost_passkey_is_removed_by_its_owner_and_by_nobody_else(keyed: tuple[Web, Authenticator]) -> None:
    web, key = keyed
    with web.signed_in("doctor") as other, web.client() as client:
        passkey_in(client, key)
        name = {"id": client.get("/api/session/passkeys").json()[0]["id"]}
        assert other.post("/api/session/passkey/remove", json=name).status_code == 404
        assert client.post("/api/session/passkey/remove", json=name).status_code == 204
        assert passkey_in(client, key).status_code == FAIL


def test_nobody_adds_a_passkey_to_anothers_account(web: Web) -> None:
    with web.signed_in("nurse") as nurse, web.signed_in("doctor") as doctor:
        asked = nurse.post("/api/session/passkey/options").json()
        credential = Authenticator(web.address).make(asked["options"])
        answer = {"ceremony": asked["ceremony"], "credential": credential}
        assert doctor.post("/api/session/passkey", json=answer).status_code == FAIL


# ---- sessions ------------------------------------------------------------------------------------------------------


def test_a_cookie_that_was_stolen_opens_nothing_after_signing_out(web: Web) -> None:
    account = web.account("nurse")
    secret = web.secret(account)
    with web.client(secret) as nurse, web.client(secret) as thief:
        assert nurse.post("/api/session/out").status_code == 204
        found = thief.get("/api/session")
    assert found.status_code == FAIL and "signed out" in found.json()["reason"]
    rule, detail = refused(web)[-1]
    assert rule == "session:valid" and detail.startswith("session 1:")
    assert web.trail(allowed=False)[-1]["actor"] == f"account:{account.key}"


def test_a_session_ends_without_a_request_for_half_an_hour_and_after_twelve_in_all(web: Web) -> None:
    with web.signed_in("nurse") as client:
        for _ in range(2):
            web.clock.minutes(29)
            assert client.get("/api/session").status_code == 200
        number = client.get("/api/session")
        assert number.status_code == 200 and web.served.sessions.still_valid("1")
        web.clock.minutes(30)
        assert not web.served.sessions.still_valid("1")
        assert "30 min without" in client.get("/api/session").json()["reason"]
        web.clock.minutes(-20)
        assert client.get("/api/session").status_code == FAIL, "what is over stays over"
    with web.signed_in("doctor") as client:
        for _ in range(12 * 60 // 20 - 1):
            web.clock.minutes(20)
            assert client.get("/api/session").status_code == 200
        web.clock.minutes(20)
        assert "12 h" in client.get("/api/session").json()["reason"]
    assert [rule for rule, _ in refused(web)] == ["session:valid"] * 3


def test_a_site_says_how_long_sessions_last(start: Callable[..., Web]) -> None:
    web = start(idle_min=5)
    with web.signed_in("nurse") as client:
        web.clock.minutes(4)
        assert client.get("/api/session").json()["idle_min"] == 5
        web.clock.minutes(5)
        assert client.get("/api/session").status_code == FAIL


def test_who_is_shut_out_is_out_at_once_streams_too(web: Web) -> None:
    account = web.account("nurse")
    with web.client(web.secret(account)) as client:
        assert client.get("/api/session").status_code == 200 and web.served.goes_on("1")
        web.served.accounts.disable(BOSS, account.key, web.clock())
        assert not web.served.goes_on("1") and client.get("/api/session").status_code == FAIL
        web.served.accounts.enable(BOSS, account.key)
        assert client.get("/api/session").status_code == FAIL


def test_another_role_is_another_session_that_ends_no_later(web: Web) -> None:
    with web.signed_in("nurse", "manager") as client:
        first, before = client.get("/api/session").json(), client.cookies["caretwin"]
        assert (first["role"], first["purposes"]) == ("nurse", ["direct care"])
        web.clock.minutes(10)
        told = client.post("/api/session/act", json={"role": "manager"}).json()
        assert (told["role"], told["purpose"], told["ends"]) == ("manager", "service management", first["ends"])
        after = [one.value for one in client.cookies.jar]
        assert client.get("/api/session").json()["role"] == "manager" and after != [before]
        assert client.post("/api/session/act", json={"role": "doctor"}).json()["rule"] == "account:role"
        assert client.post("/api/session/act", json={"role": "nurse", "purpose": "audit"}).status_code == 409
    with web.client(before) as old:
        assert old.get("/api/session").status_code == FAIL


def test_who_signs_in_anew_has_one_session_and_not_two(web: Web) -> None:
    account = web.account("nurse")
    before = web.secret(account)
    with web.client(before) as client, web.client(before) as other:
        link_in(client, web.served.accounts.new_link(BOSS, account.key, web.clock()))
        assert other.get("/api/session").status_code == FAIL


def test_a_restart_keeps_sessions_and_what_ended_them(start: Callable[..., Web]) -> None:
    web = start()
    secret, gone = web.secret(web.account("nurse")), web.secret(web.account("doctor"))
    with web.client(secret) as client, web.client(gone) as other:
        web.clock.minutes(20)
        assert client.get("/api/session").status_code == 200
        other.post("/api/session/out")
    web.stop()

    async def again() -> tuple[str, str]:
        async with running(web.site, web.clock, twins=False, people_clock=web.clock) as found:
            assert found.web is not None
            web.clock.minutes(20)
            return found.web.served.sessions.caller(secret).role, str(found.web.served.sessions.still_valid("2"))

    assert asyncio.run(again()) == ("nurse", "False")


def test_who_tries_secrets_is_soon_told_to_wait(start: Callable[..., Web]) -> None:
    web = start(sign_ins_per_min=3)
    with web.client() as client:
        assert [link_in(client, f"guess {number}").status_code for number in range(5)] == [FAIL] * 3 + [429] * 2
        assert client.get("/health").status_code == 200


def test_a_sign_in_from_another_page_signs_nobody_in(web: Web) -> None:
    secret = web.served.accounts.new_link(BOSS, web.account("nurse").key, web.clock())
    with web.client(origin="https://evil.example.org") as client:
        assert link_in(client, secret).json()["rule"] == "border:origin" and not client.cookies
    with web.client() as client:
        assert link_in(client, secret).status_code == 200, "and the link is still good"


# ---- leave to look, accounts ---------------------------------------------------------------------------------------


def test_leave_to_look_is_given_for_a_reason_and_the_auditor_sees_it(web: Web) -> None:
    there = web.person("1", "Ward 3")
    with web.signed_in("doctor", units=["ICU"]) as doctor, web.signed_in("carer", units=["ICU"]) as carer:
        ask = {"subject": there, "reason": "called to an arrest"}
        assert carer.post("/api/break-glass", json=ask).status_code == 403
        assert doctor.post("/api/break-glass", json={**ask, "reason": ""}).status_code == 422
        assert doctor.post("/api/break-glass", json={**ask, "reason": "  "}).status_code == 422
        assert doctor.post("/api/break-glass", json={**ask, "subject": "p00000000"}).status_code == 404
        until = doctor.post("/api/break-glass", json=ask).json()["until"]
        who = doctor.get("/api/session").json()["account"]
    assert until == web.clock() + 3_600_000_000
    row = next(one for one in web.trail(allowed=True) if one["action"] == "break-glass")
    assert row["actor"] == f"account:{who}" and row["subject"] == there and "called to an arrest" in row["detail"]


def test_a_manager_makes_accounts_for_the_own_units_only(web: Web) -> None:
    new = {"name": "Bo", "roles": ["carer"], "units": ["Elm"]}
    other = web.account("nurse", units=["ICU"])
    with web.signed_in("manager", units=["Elm"]) as manager, web.signed_in("engineer") as engineer:
        assert engineer.post("/api/accounts/add", json=new).status_code == 403
        made = manager.post("/api/accounts/add", json=new).json()
        assert (made["roles"], made["units"]) == (["carer"], ["Elm"])
        for units in ([], ["Elm", "ICU"]):
            assert manager.post("/api/accounts/add", json={**new, "units": units}).json()["rule"] == "accounts:units"
        assert made["account"] in {one["account"] for one in manager.get("/api/accounts").json()}
        assert other.key not in {one["account"] for one in manager.get("/api/accounts").json()}
        assert manager.post("/api/accounts/link", json={"account": other.key}).status_code == 404
        link = manager.post("/api/accounts/link", json={"account": made["account"]}).json()["address"]
        with web.client() as carer:
            assert link_in(carer, link.partition("#link=")[2]).json()["role"] == "carer"
            assert manager.post("/api/accounts/disable", json={"account": made["account"]}).status_code == 204
            assert carer.get("/api/session").status_code == FAIL
        assert manager.post("/api/accounts/link", json={"account": made["account"]}).status_code == 409
        assert manager.post("/api/accounts/enable", json={"account": made["account"]}).status_code == 204


def test_an_account_that_another_program_closes_is_out_a_moment_later(web: Web) -> None:
    from caretwin.record.accounts import Accounts
    from caretwin.record.record import open_record

    account = web.account("nurse")
    with web.client(web.secret(account)) as client:
        assert client.get("/api/session").status_code == 200
        other = open_record(web.site.record, web.clock)
        Accounts(other).disable(BOSS, account.key, web.clock())
        other.close()
        assert client.get("/api/session").status_code == FAIL, "its sessions are over at once"
        web.clock.now += LOOK_EVERY_US
        assert web.served.rules.account(account.key) is None


def test_a_page_that_nobody_touches_keeps_no_session_open(web: Web) -> None:
    with web.signed_in("nurse") as client:
        for _ in range(3):
            web.clock.minutes(12)
            answer = client.get("/api/session", headers={"caretwin-unattended": "1"})
        assert answer.status_code == 401, "36 minutes without a touch"
    with web.signed_in("nurse") as client:
        for _ in range(3):
            web.clock.minutes(12)
            answer = client.get("/api/session")
        assert answer.status_code == 200
        assert (answer.json()["zone"], answer.json()["demo"]) == ("UTC", False)
