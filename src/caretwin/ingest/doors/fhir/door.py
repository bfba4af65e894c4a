"""The FHIR R4 door: other systems send their resources here, or are asked for them (FHIR R4, version 4.0.1).

One door is one house of numbers: ``Patient/123`` is the same person whoever of its clients says it. Systems that
number their patients apart get a door each.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import uvicorn

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import Decoded
from caretwin.ingest.door import Setting, Tested, Tier, given
from caretwin.ingest.doors.fhir.access import Clients, made_token, read_clients, secret
from caretwin.ingest.doors.fhir.asked import asked
from caretwin.ingest.doors.fhir.keep import Reader
from caretwin.ingest.doors.fhir.names import House
from caretwin.ingest.doors.fhir.pull import Pull, Source
from caretwin.ingest.doors.fhir.resources import KNOWN
from caretwin.ingest.doors.fhir.server import FhirServer
from caretwin.ingest.doors.fhir.strict_json import MOST_BYTES
from caretwin.ingest.erasures import Erasures
from caretwin.ingest.ports import Port

if TYPE_CHECKING:
    from caretwin.ingest.intake import Intake

LISTEN = "127.0.0.1:8401"
TYPES = "Patient,Encounter,Observation,MedicationAdministration,MedicationRequest,Condition,Flag,Consent,CarePlan"
STOPPING_S = 5.0
"""s that open requests have to end when the door stops."""


class FhirDoor:
    """FHIR R4 over HTTP, as a server, as a client, or both."""

    kind, title, tier = "fhir", "FHIR R4", Tier.LOOPBACK
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("listen", f"address and port to listen at; {LISTEN} when nothing is pulled", ""),
        Setting("tokens", "file, or env:VARIABLE, with a line NAME: SHA-256-OF-TOKEN for each client", "", path=True),
        Setting("certificate", "PEM file of the server's certificate; needed beyond this machine", "", path=True),
        Setting("key", "PEM file of its private key", "", path=True),
        Setting("behind_proxy", "true: a proxy in front ends the encryption", False),
        Setting("max_bytes", "largest message (bytes)", MOST_BYTES),
        Setting("base", "base address under which the sender's own resources are referred to", ""),
        Setting("zone", "IANA zone of dates, and of clock times that come without an offset", ""),
        Setting("people", "what a Patient is here: patient or resident", "patient"),
        Setting("pull", "base address of a FHIR server that is asked for what changed", ""),
        Setting("pull_token", "file, or env:VARIABLE, with the token for it", "", path=True),
        Setting("types", "resources that are pulled, separated by commas", TYPES),
        Setting("every_s", "seconds between two looks", 30.0),
        Setting("overlap_s", "seconds by which looks overlap", 60.0),
        Setting("back_h", "hours that the first look goes back", 24.0),
    )

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        """Raises DataError for a setting that cannot be meant."""
        self.name = name
        self._set = given(self.settings, settings)
        self._pull = str(self._set["pull"]).rstrip("/")
        self._listen = str(self._set["listen"]) or ("" if self._pull else LISTEN)
        base = str(self._set["base"]).rstrip("/") or self._pull
        people = self._set["people"]
        if people not in ("patient", "resident"):
            raise self._wrong("people", "another word", "patient or resident")
        self.house = House(base, f"local:{name}", f"fhir:{name}", str(self._set["zone"]), people)
        self.erasures = Erasures()
        self._read = Reader(self.house, self.erasures)
        self._check_pull()

    def decode(self, raw: bytes, media: str = "") -> Decoded:
        """What a message says: a Bundle or one resource, in JSON.

        Raises RefusedError when nothing of it can be read, and nothing else.
        """
        del media  # one format is read, and a message that is replayed has what it came with
        return self._read.earlier(raw).decoded()

    async def test(self) -> Tested:
        """Whether the server that is pulled from answers and what it speaks; whether there is room to listen."""
        if self._pull:
            return await asked(self._source())
        host, port = self._address()
        try:
            _bound(host, port).close()
        except OSError as problem:
            return Tested(False, f"Nothing can listen at {self._listen}: {problem.strerror or problem}.")
        return Tested(True, f"Ready to listen at {self._listen} for FHIR 4.0.1; senders need a token.")

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Listen and ask until ``stop`` is set. Raises DataError where settings would let strangers in."""
        work = []
        if self._listen:
            work.append(self._serve(intake, stop))
        if self._pull:
            work.append(Pull(self._source(), self._read, intake).run(stop))
        await asyncio.gather(*work)

    async def _serve(self, intake: Intake, stop: asyncio.Event) -> None:
        self._check_strangers()
        host, port = self._address()
        try:
            bound = _bound(host, port)
        except OSError as problem:
            raise OSError(f"cannot listen at {self._listen}: {problem.strerror or problem}") from None
        try:
            clients, note = self._clients(bound.getsockname()[1])
        except BaseException:
            bound.close()
            raise
        app = FhirServer(intake, self._read, clients, int(self._set["max_bytes"])).app()
        server = _Server(self._uvicorn(app))
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        scheme = "https" if self._set["certificate"] else "http"
        while not (server.started or serving.done()):
            await asyncio.sleep(0.005)
        place = f"[{host}]" if ":" in host else host
        intake.state.listening = f"{scheme}://{place}:{bound.getsockname()[1]}/fhir{note}"
        waiting = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            server.should_exit, intake.state.listening = True, ""
            waiting.cancel()
            await serving
            bound.close()

    def _uvicorn(self, app: Any) -> uvicorn.Config:
        """No access log: addresses of resources stand in it."""
        return uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            limit_concurrency=200,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=int(STOPPING_S),
            ssl_certfile=self._set["certificate"] or None,
            ssl_keyfile=self._set["key"] or None,
        )

    def _check_strangers(self) -> None:
        """Raises DataError where settings would let strangers in."""
        host, _ = self._address()
        where = str(self._set["tokens"])
        local = _is_loopback(host)
        if not local and not where:
            raise self._wrong("listen", f"{host} without a token file", "127.0.0.1, or tokens for the senders")
        if not local and not self._set["certificate"] and not self._set["behind_proxy"]:
            wanted = "a certificate and its key, or behind_proxy = true where a proxy encrypts"
            raise self._wrong("listen", f"{host} without encryption", wanted)

    def _clients(self, port: int) -> tuple[Clients, str]:
        """Who may send; and where a token was written that nobody had asked for.

        Without a token file only this machine can reach the door, and still needs the token.
        """
        if where := str(self._set["tokens"]):
            return read_clients(where, self.name), ""
        clients, path = made_token(self.name, port)
        return clients, f" (token in {path})"

    def _source(self) -> Source:
        token = secret(str(self._set["pull_token"]), f"pull_token of door {self.name}")
        types = tuple(one.strip() for one in str(self._set["types"]).split(",") if one.strip())
        numbers = (float(self._set["every_s"]), float(self._set["overlap_s"]), float(self._set["back_h"]) * 3600)
        return Source(self._pull, token, types, *numbers, int(self._set["max_bytes"]))

    def _check_pull(self) -> None:
        types = [one.strip() for one in str(self._set["types"]).split(",") if one.strip()]
        strange = [one for one in types if one not in KNOWN]
        if strange:
            raise self._wrong("types", f"{strange[0]!r}", "some of " + ", ".join(KNOWN))
        if not self._pull:
            return
        try:
            url = httpx.URL(self._pull)
        except httpx.InvalidURL:
            raise self._wrong("pull", "no address", "such as https://example.org/fhir") from None
        if url.scheme not in ("http", "https"):
            seen = (
                f"an address that begins with {url.scheme}://"
                if url.scheme
                else "an address without http:// or https://"
            )
            raise self._wrong("pull", seen, "one of the web, such as https://example.org/fhir")
        if not url.host or url.userinfo or url.query:
            raise self._wrong("pull", "another form", "such as https://example.org/fhir")
        if url.scheme == "http" and self._set["pull_token"] and not _is_loopback(url.host):
            raise self._wrong("pull", "http, which shows the token to everybody on the way", "https")

    @property
    def ports(self) -> tuple[Port, ...]:
        """Where it will listen."""
        return (Port("tcp", *self._address()),) if self._listen else ()

    def _address(self) -> tuple[str, int]:
        host, _, port = self._listen.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise self._wrong("listen", f"{self._listen!r}", f"HOST:PORT, such as {LISTEN}")
        return host.strip("[]"), int(port)

    def _wrong(self, setting: str, seen: str, wanted: str) -> DataError:
        return DataError(f"door {self.name}, {setting}", seen=seen, wanted=wanted, fix=f"mend [doors.{self.name}]")


class _Server(uvicorn.Server):
    """A server that leaves the signals of the process to the program around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: the door is stopped by its event."""
        yield


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: only then does asyncio send answers at once, not 40 ms later (Nagle's algorithm).
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
    except OSError:
        found.close()
        raise
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
