"""Signing in at an identity provider, over real sockets on both sides."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.serve.web.conftest import BOSS, Web
from tests.serve.web.provider import CLIENT, SECRET, Provider, provider

from caretwin.serve.web.oidc import BACK

pytestmark = pytest.mark.service


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "true")  # the provider of this test is on this machine
    monkeypatch.setenv("CARETWIN_TEST_SECRET", SECRET)
    with provider() as found:
        found.user |= {"groups": ["icu-nurses", "bridge-club"], "wards": ["ICU"]}
        yield found


@pytest.fixture
def web(start: Callable[..., Web], there: Provider) -> Web:
    oidc = {
        "issuer": there.issuer, "client_id": CLIENT, "client_secret": "env:CARETWIN_TEST_SECRET", "claim": "groups",
        "units_claim": "wards", "roles": {"icu-nurses": "nurse", "managers": "manager"}, "name": "Hospital login",
    }  # fmt: skip
    found = start(oidc=oidc)
    there.back = found.address + BACK
    found.clock.now = time.time_ns() // 1000
    return found


def sent(client: httpx.Client) -> str:
    """Begin; the address that the provider sends the browser back to."""
    address = client.post("/api/sign-in/oidc", json={}).json()["address"]
    return str(httpx.get(address).headers["location"])


def come_back(client: httpx.Client, address: str) -> httpx.Response:
    """As a browser does: a navigation that another site began, without an Origin."""
    del client.headers["origin"]
    cross = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    found = client.get(address, headers=cross)
    client.headers["origin"] = str(client.base_url).rstrip("/")
    return found


def test_whom_the_provider_knows_comes_in_with_its_roles_and_units(web: Web, there: Provider) -> None:
    with web.client() as client:
        assert client.get("/api/sign-in/ways").json()["oidc"] == "Hospital login"
        found = come_back(client, sent(client))
        assert (found.status_code, found.headers["location"]) == (303, "/")
        told = client.get("/api/session").json()
        assert (told["name"], told["roles"], told["units"]) == ("Ada Ö.", ["nurse"], ["ICU"])
    there.user |= {"groups": ["managers"], "wards": ["ICU", "Ward 3"]}
    with web.client() as client:
        come_back(client, sent(client))
        again = client.get("/api/session").json()
    assert again["account"] == told["account"] and again["roles"] == ["manager"] and len(again["units"]) == 2
    changed = [one["detail"] for one in web.trail() if one["action"] == "accounts" and told["account"] in one["detail"]]
    assert len(changed) == 3 and "manager" in changed[-1], "made, joined with an identity, changed"


def test_the_question_has_a_proof_key_a_state_and_a_nonce_and_no_secret(web: Web) -> None:
    with web.client() as client:
        address = client.post("/api/sign-in/oidc", json={}).json()["address"]
        said = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        cookie = next(one for one in client.cookies.jar if one.name == "caretwin-oidc")
    assert said["code_challenge_method"] == "S256" and said["response_type"] == "code" and len(said["nonce"]) >= 43
    assert SECRET not in address and said["state"] not in (cookie.value or "")


@pytest.mark.parametrize("wrong", ["nonce", "audience", "expired", "token issuer", "key"])
def test_a_token_that_proves_nothing_lets_nobody_in(web: Web, there: Provider, wrong: str) -> None:
    there.wrong = wrong
    with web.client() as client:
        found = come_back(client, sent(client))
        assert found.headers["location"] == "/#sign-in=refused"
        assert client.get("/api/session").status_code == 401
    assert web.trail(allowed=False)[-1]["rule"] == "oidc:proved"


@pytest.mark.parametrize("more", [{"groups": ["bridge-club"]}, {"groups": []}, {"wards": []}, {"wards": None}])
def test_who_has_no_role_or_no_unit_here_does_not_come_in(web: Web, there: Provider, more: dict[str, object]) -> None:
    there.user |= more
    with web.client() as client:
        assert come_back(client, sent(client)).headers["location"] == "/#sign-in=refused"
    assert web.served.accounts.by_identity(there.issuer, "ada-1") is None


def test_an_answer_to_another_browser_or_another_question_counts_for_nothing(web: Web) -> None:
    with web.client() as client, web.client() as thief:
        address = sent(client)
        assert come_back(thief, address).headers["location"] == "/#sign-in=refused", "no cookie of this question"
        sent(thief)
        assert come_back(thief, address).headers["location"] == "/#sign-in=refused", "the cookie of another one"
        assert come_back(client, address).headers["location"] == "/"
        assert come_back(client, address).headers["location"] == "/#sign-in=refused", "a second time"


def test_who_was_shut_out_here_stays_out_whatever_the_provider_says(web: Web) -> None:
    with web.client() as client:
        come_back(client, sent(client))
        account = client.get("/api/session").json()["account"]
        web.served.accounts.disable(BOSS, account, web.clock())
        assert come_back(client, sent(client)).headers["location"] == "/#sign-in=refused"
        assert client.get("/api/session").status_code == 401


def test_a_provider_that_is_another_or_away_is_told(web: Web, there: Provider) -> None:
    there.wrong = "issuer"
    with web.client() as client:
        found = client.post("/api/sign-in/oidc", json={})
    assert found.status_code == 409 and "another one" in found.json()["reason"]


def test_a_site_without_a_provider_says_so(start: Callable[..., Web]) -> None:
    site = start()
    with site.client() as client:
        assert client.post("/api/sign-in/oidc", json={}).status_code == 404
