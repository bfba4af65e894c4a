"""The server at its address: who reaches it, how it is watched, and how it ends."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sse_starlette import EventSourceResponse
from tests.serve.web.conftest import BOSS, Web

from caretwin.base.errors import DataError
from caretwin.record.accounts import GATE
from caretwin.record.store.accounts import Passkey
from caretwin.serve.running import running
from caretwin.serve.site import read_site
from caretwin.serve.web.first import first_link
from caretwin.serve.web.routing import Here, Routes, Signed
from caretwin.serve.web.settings import web_settings

pytestmark = pytest.mark.service


def streams() -> Routes:
    """A stream as those of a ward are."""
    routes = Routes("test")

    @routes.get("/api/test/live", permission="board:see", response_class=EventSourceResponse)
    async def live(caller: Signed, here: Here) -> EventSourceResponse:
        async def values() -> AsyncIterator[dict[str, str]]:
            number = 0
            while here.goes_on(caller.session):
                number += 1
                yield {"id": str(number), "data": "a value"}
                await asyncio.sleep(0.05)

        return EventSourceResponse(values())

    return routes


class Listening:
    """Somebody who listens to a stream, in a thread; ``over`` when it ended, by which side ever."""

    def __init__(self, client: httpx.Client) -> None:
        self.lines: list[str] = []
        self.over, self._begun = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._listen, args=[client], daemon=True)
        self._thread.start()
        assert self._begun.wait(10)

    def _listen(self, client: httpx.Client) -> None:
        try:
            with client.stream("GET", "/api/test/live") as response:
                for line in response.iter_lines():
                    self.lines.append(line)
                    self._begun.set()
        except httpx.HTTPError:
            pass
        finally:
            self.over.set()


# ---- where it listens ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ({"listen": "0.0.0.0:8400"}, "without encryption"), ({"listen": "192.0.2.1:8400"}, "without encryption"),
        ({"listen": "0.0.0.0:8400", "behind_proxy": True}, "no origin"),
        ({"listen": "0.0.0.0:8400", "behind_proxy": True, "origin": "http://ward.example.org"}, "encryption"),
        ({"listen": "8400"}, "HOST:PORT"), ({"listen": "127.0.0.1:99999"}, "HOST:PORT"), ({"listen": 8400}, "a text"),
        ({"certificate": "a.pem"}, "both"), ({"origin": "ward"}, "scheme"), ({"idle_min": 0}, "1 to 1440"),
        ({"longest_h": "a shift"}, "number"), ({"behind_proxy": "yes"}, "true or false"), ({"lisen": "x"}, "lisen"),
        ({"frame_ancestors": "https://x"}, "list"), ({"oidc": {"issuer": "https://x"}}, "client_id"),
        ({"oidc": {"issuer": "http://x", "client_id": "c"}}, "https"),
        ({"oidc": {"issuer": "https://x", "client_id": "c"}}, "roles"),
        ({"oidc": {"issuer": "https://x", "client_id": "c", "roles": {"a": "surgeon"}}}, "roles"),
        ({"oidc": {"issuer": "https://x", "client_id": "c", "roles": {"a": "nurse"}}}, "units"),
        ({"oidc": {"issuer": "https://x", "client_id": "c", "roles": {"a": "nurse"}, "unit": ["A"]}}, "unit in"),
    ],
)  # fmt: skip
def test_settings_that_let_strangers_in_or_cannot_be_meant_are_refused(entries: dict[str, Any], word: str) -> None:
    with pytest.raises(DataError, match=word):
        web_settings(entries, "site.toml", Path())


def test_a_site_without_a_section_serves_nothing(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('[record]\nurl = "ward.db"\n')
    site = read_site(tmp_path / "site.toml")

    async def run() -> None:
        async with running(site, lambda: 1, twins=False) as found:
            assert site.web is None and found.web is None

    asyncio.run(run())


def test_an_address_that_is_taken_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / "site.toml").write_text(f'[record]\nurl = "ward.db"\n[web]\nlisten = "127.0.0.1:{port}"\n')

        async def run() -> None:
            async with running(read_site(tmp_path / "site.toml"), lambda: 1, twins=False):
                pass

        with pytest.raises(DataError, match="nothing else listens"):
            asyncio.run(run())
    asyncio.run(run())  # it is free now, and so is the record


def certificate(folder: Path) -> None:
    """A certificate of this machine's own, as ward.pem and ward.key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    ends = now + timedelta(1)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(1)).not_valid_after(ends)
        .add_extension(names, False).sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "ward.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "ward.key").write_bytes(pem)


def test_by_https_the_cookie_is_of_this_host_alone(tmp_path: Path) -> None:
    certificate(tmp_path)
    web = Web(tmp_path, {"certificate": "ward.pem", "key": "ward.key"}).start()
    try:
        trust = ssl.create_default_context(cafile=str(tmp_path / "ward.pem"))
        secret = web.first_link.partition("=")[2]
        with httpx.Client(base_url=web.address, verify=trust, headers={"origin": web.address}) as client:
            found = client.post("/api/sign-in/link", json={"secret": secret})
            assert (
                found.headers["set-cookie"].startswith("__Host-caretwin=") and "Secure" in found.headers["set-cookie"]
            )
            assert "max-age=31536000" in found.headers["strict-transport-security"]
            assert client.get("/api/session").status_code == 200
    finally:
        web.stop()


def test_whoever_starts_a_site_is_told_where_it_is_and_how_to_come_in(web: Web) -> None:
    from caretwin.cli.live import web_lines

    first, second = web_lines(web.running)
    assert first.endswith(web.address) and second.endswith(web.first_link) and "15 minutes" in second
    key = web.account("nurse").key
    web.served.accounts.add_passkey(GATE, Passkey(b"1", key, b"k", 0, "tablet", 1))
    assert first_link(web.served, BOSS) == ""


# ---- how it is watched ---------------------------------------------------------------------------------------------


def test_health_is_of_the_process_and_readiness_of_the_record_and_the_ward(web: Web) -> None:
    with web.client() as client:
        assert client.get("/health").json() == {"status": "ok"}
        assert client.get("/ready").json() == {"ready": True, "record": True, "ward": True}

        class Dead:
            ward, board = None, ()

        web.running.loop = Dead()  # type: ignore[assignment]
        found = client.get("/ready")
        assert (found.status_code, found.json()["ward"]) == (503, False)
        web.running.loop = None
        before = web.served.accounts.revision
        web.served.accounts.revision = lambda: 1 // 0  # type: ignore[method-assign]
        found = client.get("/ready")
        assert (found.status_code, found.json()["record"]) == (503, False)
        web.served.accounts.revision = before  # type: ignore[method-assign]


def test_figures_are_for_engineers_and_for_programs_with_a_token(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(f"collector: {sha256(b'between us').hexdigest()}\n")
    web = Web(tmp_path, {"metrics_tokens": "tokens"}).start()
    try:
        bearer = {"authorization": "Bearer between us"}
        with web.client() as client, web.signed_in("nurse") as nurse, web.signed_in("engineer") as engineer:
            found = client.get("/metrics", headers=bearer)
            assert found.status_code == 200 and found.headers["content-type"].startswith("text/plain")
            assert (
                'caretwin_requests_total{method="GET",route="/metrics"' in client.get("/metrics", headers=bearer).text
            )
            assert "caretwin_record_sequence 0.0" in found.text and "caretwin_sessions 2.0" in found.text
            assert client.get("/metrics").status_code == 401
            assert client.get("/metrics", headers={"authorization": "Bearer guess"}).status_code == 401
            assert client.get("/api/session", headers=bearer).status_code == 403, "a token is for figures alone"
            assert nurse.get("/metrics").status_code == 403 and engineer.get("/metrics").status_code == 200
    finally:
        web.stop()


def test_the_log_is_lines_of_json_in_a_file(tmp_path: Path) -> None:
    web = Web(tmp_path, {"log": "web.log"}).start()
    with web.client() as client:
        client.get("/health")
    web.stop()
    lines = [json.loads(line) for line in (tmp_path / "web.log").read_text().splitlines()]
    assert [one["event"] for one in lines] == ["listening", "answered", "stopped"]
    assert lines[1]["route"] == "/health" and lines[1]["status"] == 200


# ---- how it ends ---------------------------------------------------------------------------------------------------


def test_a_stream_ends_when_its_session_does(start: Callable[..., Web]) -> None:
    web = start([streams()])
    account = web.account("nurse")
    with web.client(web.secret(account)) as client:
        stream = Listening(client)
        assert not stream.over.wait(0.3)
        web.served.accounts.disable(BOSS, account.key, web.clock())
        assert stream.over.wait(2.0) and "data: a value" in stream.lines


def test_stopping_the_site_ends_open_streams_and_says_goodbye_in_time(start: Callable[..., Web]) -> None:
    web = start([streams()])
    with web.signed_in("nurse") as client:
        found = [Listening(client) for _ in range(3)]
        begun = time.monotonic()
        web.stop()
        assert all(one.over.wait(1.0) for one in found) and time.monotonic() - begun < 4.0
    with pytest.raises(httpx.ConnectError):
        httpx.get(web.address + "/health")


def test_an_answer_takes_a_few_milliseconds(web: Web) -> None:
    """Session, account and policies are asked anew each time; half of what a person would notice is 50 ms."""
    with web.signed_in("nurse", units=["ICU"]) as client:
        taken = []
        for _ in range(30):
            begun = time.perf_counter()
            assert client.get("/api/session").status_code == 200
            taken.append(time.perf_counter() - begun)
    assert sorted(taken)[15] < 0.05
