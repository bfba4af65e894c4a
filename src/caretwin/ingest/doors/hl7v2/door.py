"""The HL7 v2 door: an MLLP server for bedside gateways, laboratories, patient administration and pharmacy.

A sender is told AA only when its message is on the disk. Source: HL7 v2.5.1; IHE Patient Care Device PCD-01.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from caretwin.ingest.decoded import Decoded, Refusal, RefusedError
from caretwin.ingest.door import Setting, Tested, Tier, given, zone_name
from caretwin.ingest.doors.hl7v2.answer import answer
from caretwin.ingest.doors.hl7v2.context import Options
from caretwin.ingest.doors.hl7v2.decoding import decode_message
from caretwin.ingest.doors.hl7v2.framing import MOST_BYTES, Frame
from caretwin.ingest.doors.hl7v2.repeats import Repeats
from caretwin.ingest.doors.hl7v2.server import Listening, MllpServer, networks, server_tls
from caretwin.ingest.erasures import Erasures
from caretwin.ingest.intake import Intake, Outcome
from caretwin.ingest.pauses import BackOff
from caretwin.ingest.ports import Port, port_number

MEDIA = "application/hl7-v2+er7"
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
"""s between attempts to listen, while the port is another program's: twice as long each time."""

SETTINGS = (
    Setting("host", "address to listen at: one of a private network, or 127.0.0.1", "127.0.0.1"),
    Setting("port", "TCP port; 2575 is registered for HL7 v2", 2575),
    Setting("allow", "addresses and networks of the systems that may connect; nobody else may", ("127.0.0.1", "::1")),
    Setting("zone", 'IANA zone of times without an offset, such as "Europe/London"; "" refuses them', ""),
    Setting("processing", "letters of MSH-11 that are taken in: P production, D debugging, T training", "P"),
    Setting("systems", "what an assigning authority (PID-3.4) is called in the record", {}),
    Setting("unique_orders", "order numbers are never used again, not even for another patient", False),
    Setting("certificate", 'PEM file of this door\'s certificate; "" : no TLS', "", path=True),
    Setting("key", 'PEM file of its key; "" : it stands with the certificate', "", path=True),
    Setting("client_ca", 'PEM file of who signs the senders\' certificates; "" : none is asked for', "", path=True),
    Setting("most_bytes", "bytes of the longest message", MOST_BYTES),
    Setting("silence_s", "s without a byte after which a connection is closed", 600.0),
    Setting("patience_s", "s within which a message that has begun must have ended", 30.0),
    Setting("connections", "how many at once", 64),
)


class Hl7v2Door:
    """A listening MLLP door; see docs/doors/hl7v2.md for its settings, and what is read from which field."""

    kind = "hl7v2"
    title = "HL7 v2 over MLLP"
    tier = Tier.PEER
    settings = SETTINGS

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        values = given(SETTINGS, settings)
        where = f"door {name} (hl7v2)"
        self.name = name
        allow = [values["allow"]] if isinstance(values["allow"], str) else list(values["allow"])
        certificate, key, client_ca = (str(values[name]) for name in ("certificate", "key", "client_ca"))
        tls = server_tls(certificate, key, client_ca, where)
        self._how = Listening(
            str(values["host"]), port_number(values["port"], where), networks(allow, where), tls,
            int(values["most_bytes"]), float(values["silence_s"]), float(values["patience_s"]),
            int(values["connections"]),
        )  # fmt: skip
        self._options = Options(
            zone_name(str(values["zone"]), where), dict(values["systems"]), bool(values["unique_orders"]),
            str(values["processing"]),
        )  # fmt: skip
        self.erasures = Erasures()
        self._repeats = Repeats(self.erasures)
        self._answers = 0
        self.port = 0
        """The port that is listened at; 0 while none is."""

    @property
    def ports(self) -> tuple[Port, ...]:
        """Where it will listen."""
        return (Port("tcp", self._how.host, self._how.port),)

    def decode(self, raw: bytes, media: str = MEDIA) -> Decoded:
        """What a message says. Raises RefusedError for one of which nothing can be accepted."""
        del media
        try:
            decoded, _ = decode_message(raw, self._options, self.name)
            return self._repeats.settle(decoded)
        except RefusedError:
            raise
        except Exception as problem:  # an error of ours: the message waits in quarantine until we have mended it
            raise RefusedError(
                Refusal(
                    "message",
                    f"{type(problem).__name__} while it was read",
                    "a reader that reads it",
                    "report it with the message, its identifiers removed; send or replay it after the next version",
                    "processing",
                )
            ) from problem

    async def test(self) -> Tested:
        """Whether the port can be listened at, and who may connect."""
        peers = ", ".join(str(one).removesuffix("/32").removesuffix("/128") for one in self._how.allow) or "nobody"
        tls = "TLS" + (" with client certificates" if self._how.tls and self._how.tls.verify_mode else "")
        where = f"{self._how.host}:{self.port or self._how.port}"
        who = f"{peers} may connect, {tls if self._how.tls else 'without TLS'}"
        if self.port:
            return Tested(True, f"It listens at {where}; {who}.")
        try:
            server = await asyncio.start_server(lambda *_: None, self._how.host, self._how.port)
        except OSError as problem:
            return Tested(False, f"Nothing can listen at {where} ({_reason(problem)}): choose another host or port.")
        server.close()
        await server.wait_closed()
        return Tested(True, f"{where} is free; {who}.")

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Listen until ``stop`` is set; a port that is taken is tried again."""
        pauses = BackOff(FIRST_WAIT_S, LONGEST_WAIT_S)
        while not stop.is_set():
            try:
                async with MllpServer(self._how, lambda frame: self._take(intake, frame), intake.state) as server:
                    self.port = server.port
                    pauses.reset()
                    intake.state.listening = f"{self._how.host}:{server.port}" + (" (TLS)" if self._how.tls else "")
                    await stop.wait()
            except OSError as problem:
                intake.state.trouble = f"cannot listen at {self._how.host}:{self._how.port}: {_reason(problem)}"
                intake.state.counters["reconnects"] += 1
                await pauses.rest(stop)
            finally:
                self.port, intake.state.listening = 0, ""

    async def _take(self, intake: Intake, frame: Frame) -> bytes:
        """Take a message in, and say what became of it."""
        self._answers += 1
        number = self._answers
        try:
            outcome = self._too_long(intake, frame) if frame.too_long else await intake.accept(frame.raw, MEDIA)
        except Exception as problem:  # the disk is full, the record is closed: nothing is acknowledged, all comes again
            intake.state.counters["failed"] += 1
            intake.state.trouble = f"a message could not be kept: {type(problem).__name__}"
            outcome = Outcome("busy")
        said = answer(frame.raw, outcome, intake.clock(), number)
        intake.state.counters[f"answered {said.code}" if said.code else "unanswered"] += 1
        return said.raw

    def _too_long(self, intake: Intake, frame: Frame) -> Outcome:
        """A message that is too long is not kept, not even in quarantine: it may have no end."""
        intake.state.counters.update(messages=1, refused=1)
        seen = f"more than {self._how.most_bytes} bytes"
        refusal = Refusal(
            "MSH[1]-0", seen, "a shorter message", "leave documents out, or raise most_bytes", "structure"
        )
        intake.state.trouble = str(refusal)
        return Outcome("refused", None, (refusal,))


def _reason(problem: OSError) -> str:
    return problem.strerror or type(problem).__name__
