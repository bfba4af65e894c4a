"""Asking another server for what changed: over real HTTP, from a small server of the test's own."""

import asyncio
import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.ingest.doors.fhir_house import READER, behind, open_door
from tests.ingest.doors.test_fhir_observation import changed

from caretwin.ingest.doors.fhir import pull as fhir_pull
from caretwin.ingest.doors.fhir.door import FhirDoor
from caretwin.ingest.doors.fhir.pull import Pull, same_origin
from caretwin.record.record import Record
from caretwin.record.store import keep

pytestmark = pytest.mark.service
STATEMENT = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "software": {"name": "Peer", "version": "7.2"},
}
Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class Peer:
    """A server with pages: ``answer`` makes (status, body[, headers]) of a path and its query; ``asked`` remembers."""

    def __init__(self, answer: Callable[[str, dict[str, list[str]]], Answer]) -> None:
        self.answer, self.asked, self.tokens, self.base = answer, list[str](), list[str](), ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        target = lines[0].split()[1]
        self.asked.append(target)
        self.tokens += [line.split(": ")[1] for line in lines if line.lower().startswith("authorization")]
        said = urlsplit(target)
        status, body, *more = self.answer(said.path, parse_qs(said.query))
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-length": str(len(raw)), "connection": "close", **(more[0] if more else {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {status} x\r\n{head}\r\n".encode() + raw)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def peer(answer):
    found = Peer(answer)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
    async with server:
        yield found


def page(*resources, next=""):
    said = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources]}
    return {**said, "link": [{"relation": "next", "url": next}]} if next else said


def pulse(i, value, minute=0):
    return changed(id=f"p{i}", valueQuantity={"value": value, "unit": "/min"},
                   effectiveDateTime=f"2025-06-15T14:{i:02d}:00Z",
                   meta={"lastUpdated": f"2025-06-15T15:{minute:02d}:00Z"})  # fmt: skip


def values(record: Record) -> list[float]:
    reading = record.reading(READER)
    return [value for one in reading.subjects() for series in reading.series(one.key) for value in series.value]


def pulled(tmp_path, answer, looks=1, **settings):
    """What a door has after some looks at a server, the server, and the record's quarantine."""

    async def run():
        async with peer(answer) as server:
            said = {"listen": "", "types": "Observation", "every_s": 1000, **settings}
            with behind(tmp_path, {**said, "pull": server.base}) as opened:
                pull = Pull(opened.door._source(), opened.door._read, opened.intake)
                for _ in range(looks):
                    async with fhir_pull.client(pull.source) as http:
                        await pull.look(http)
                return values(opened.record), server, opened.intake.state, keep.quarantined(opened.record.connection())

    return asyncio.run(run())


def test_all_pages_of_one_server_are_read(tmp_path):
    def answer(path, query):
        if "page" in query:
            return 200, page(pulse(2, 72))
        return 200, page(pulse(0, 70), pulse(1, 71), next="Observation?page=2")

    found, server, state, _ = pulled(tmp_path, answer)
    assert found == [70.0, 71.0, 72.0]
    assert server.asked[0].startswith("/fhir/Observation?_lastUpdated=ge2025-06-14T")
    assert state.listening == server.base


def test_the_base_of_the_server_is_the_house_of_its_numbers(tmp_path):
    async def run():
        async with peer(lambda path, query: (200, page(pulse(0, 70)))) as server:
            async with open_door(tmp_path, {"listen": "", "types": "Observation", "pull": server.base}) as opened:
                while not opened.intake.state.counters["accepted"]:
                    await asyncio.sleep(0.01)
            return opened, server.base

    opened, base = asyncio.run(run())
    assert opened.door.house.system == base


def test_the_next_look_goes_on_where_the_last_ended_and_reads_nothing_twice(tmp_path):
    known = [pulse(0, 70, minute=1)]

    def answer(path, query):
        found = page(*known)
        known.append(pulse(len(known), 70 + len(known), minute=1 + len(known)))
        return 200, found

    found, server, state, _ = pulled(tmp_path, answer, looks=3)
    assert found == [70.0, 71.0, 72.0]
    assert state.counters["entries"] == 3
    since = [parse_qs(urlsplit(one).query)["_lastUpdated"][0] for one in server.asked]
    assert since[1:] == ["ge2025-06-15T15:00:00Z", "ge2025-06-15T15:01:00Z"]


def test_a_date_in_the_future_does_not_hide_what_comes(tmp_path):
    def answer(path, query):
        return 200, page({**pulse(0, 70), "meta": {"lastUpdated": "2199-01-01T00:00:00Z"}})

    _, server, _, _ = pulled(tmp_path, answer, looks=2)
    assert "ge2025-06-15T15:05:" in server.asked[1]


def test_what_is_refused_is_kept_aside_once_although_the_windows_overlap(tmp_path):
    bad = changed(["effectiveDateTime"], id="bad", meta={"lastUpdated": "2025-06-15T15:01:00Z"})
    del bad["meta"]
    found, _, _, waiting = pulled(tmp_path, lambda path, query: (200, page(pulse(0, 70), bad)), looks=3)
    assert (found, len(waiting)) == ([70.0], 1)


def test_a_correction_is_read_although_its_name_is_known(tmp_path):
    answers = iter([pulse(0, 70, minute=1), {**pulse(0, 75, minute=2), "status": "amended"}])
    found, _, _, _ = pulled(tmp_path, lambda path, query: (200, page(next(answers))), looks=2)
    assert found == [75.0]


def test_a_next_page_on_another_server_is_not_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("PULL_TOKEN", "secret")

    def answer(path, query):
        return 200, page(pulse(0, 70), next="http://127.0.0.1:9/fhir/Observation?page=2")

    found, server, state, _ = pulled(tmp_path, answer, pull_token="env:PULL_TOKEN")
    assert found == [70.0]
    assert server.tokens == ["Bearer secret"]
    assert "another server" in state.trouble and "secret" not in state.trouble


def test_a_redirection_is_not_followed(tmp_path):
    def answer(path, query):
        return 302, b"", {"location": "http://127.0.0.1:9/"}

    _, server, state, _ = pulled(tmp_path, answer)
    assert len(server.asked) == 1 and "302" in state.trouble


def test_a_server_that_is_busy_is_asked_again_and_one_that_forbids_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(fhir_pull, "FIRST_WAIT_S", 0.01)
    statuses = iter([503, 429, 200])
    found, server, _, _ = pulled(tmp_path, lambda path, query: (next(statuses), page(pulse(0, 70))))
    assert (found, len(server.asked)) == ([70.0], 3)
    (tmp_path / "again").mkdir()
    _, server, state, _ = pulled(tmp_path / "again", lambda path, query: (403, b""))
    assert len(server.asked) == 1
    assert "pull_token" in state.trouble


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"resourceType":"Patient"}', b"[" * 100_000,
                                  b'{"resourceType":"Bundle","type":"batch"}'])  # fmt: skip
def test_an_answer_that_is_no_searchset_is_told_and_the_door_goes_on(tmp_path, body):
    found, _, state, _ = pulled(tmp_path, lambda path, query: (200, body))
    assert found == [] and state.trouble and state.counters["reconnects"] == 1


def test_pages_without_end_are_left(tmp_path):
    found, server, _, _ = pulled(tmp_path, lambda path, query: (200, page(pulse(0, 70), next="Observation?page=1")))
    assert found == [70.0] and len(server.asked) == 2


def test_a_page_that_is_too_large_is_left(tmp_path):
    found, _, state, _ = pulled(tmp_path, lambda path, query: (200, b" " * 5000), max_bytes=4000)
    assert found == [] and "4000" in state.trouble


def test_a_server_that_goes_away_is_told_and_found_again(tmp_path, monkeypatch):
    monkeypatch.setattr(fhir_pull, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(fhir_pull, "TRIES", 2)

    async def run():
        async with peer(lambda path, query: (200, page(pulse(0, 70)))) as server:
            pass  # it is gone, and its port is free
        said = {"listen": "", "types": "Observation", "pull": server.base, "every_s": 0.02}
        async with open_door(tmp_path, said) as opened:
            while not opened.intake.state.trouble:
                await asyncio.sleep(0.01)
            port = int(server.base.rpartition(":")[2].partition("/")[0])
            back = await asyncio.start_server(server.serve, "127.0.0.1", port)
            async with back:
                while not opened.intake.state.listening:
                    await asyncio.sleep(0.01)
            return values(opened.record)

    assert asyncio.run(asyncio.wait_for(run(), 20)) == [70.0]


def test_a_door_that_is_to_stop_does_not_wait_for_a_server_that_is_away(tmp_path):
    async def run():
        async with peer(lambda path, query: (200, b"")) as server:
            pass
        async with open_door(tmp_path, {"listen": "", "pull": server.base}):
            await asyncio.sleep(0.1)

    asyncio.run(asyncio.wait_for(run(), 2))


def test_the_test_names_software_and_version_in_one_sentence():
    async def tell(answer):
        async with peer(answer) as server:
            return await FhirDoor("ward", {"pull": server.base}).test(), server

    good, server = asyncio.run(tell(lambda path, query: (200, STATEMENT)))
    assert good.works and server.asked == ["/fhir/metadata"]
    assert good.sentence == f"Peer 7.2 at {server.base} speaks FHIR 4.0.1 and answers."
    for body in ({**STATEMENT, "fhirVersion": "5.0.0"}, {"resourceType": "Patient"}, b"<html>"):
        bad, _ = asyncio.run(tell(lambda path, query, body=body: (200, body)))
        assert not bad.works
    refused, _ = asyncio.run(tell(lambda path, query: (401, b"")))
    assert not refused.works and "401" in refused.sentence


def test_one_origin_is_one_scheme_name_and_port():
    base = "https://ehr.example/fhir"
    assert same_origin("https://ehr.example:443/other", base)
    for url in ("http://ehr.example/fhir", "https://ehr.example:444/fhir", "https://ehr.example.org/fhir", "https://["):
        assert not same_origin(url, base)


def test_two_doors_of_ours_speak_with_one_another_only_as_far_as_data_come_in(tmp_path):
    """Ours gives nothing out: to pull from it is told to be impossible, not answered with an empty page."""

    async def run():
        async with open_door(tmp_path) as ours:
            (tmp_path / "other").mkdir()
            said = {"listen": "", "types": "Observation", "pull": ours.base, "pull_token": str(tmp_path / "plain")}
            (tmp_path / "plain").write_text("a token of the tests\n")
            async with open_door(tmp_path / "other", said) as theirs:
                tested = await theirs.door.test()
                while not theirs.intake.state.trouble:
                    await asyncio.sleep(0.01)
                return tested, theirs.intake.state.trouble

    tested, trouble = asyncio.run(run())
    assert tested.works and "caretwin" in tested.sentence
    assert "405" in trouble
