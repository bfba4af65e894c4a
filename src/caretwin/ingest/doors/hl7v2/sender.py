"""An MLLP sender: replays stays, and plays the hospital in tests. Caretwin itself sends nothing to a hospital by it.

Source: HL7 v2.5.1 chapter 2, 2.9 (acknowledgement); chapter 7, 7.3.1 (ORU^R01).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from typing import NamedTuple

from caretwin.base.errors import CaretwinError
from caretwin.base.time import from_microseconds
from caretwin.ingest.decoded import LOINC, MDC, SNOMED, UCUM
from caretwin.ingest.doors.hl7v2.framing import Framer, framed
from caretwin.ingest.doors.hl7v2.message import split
from caretwin.ingest.doors.hl7v2.text import escaped
from caretwin.ingest.pauses import BackOff
from caretwin.record.entry import Identifier

READ_BYTES = 65_536
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 10.0
"""s between attempts: twice as long each time."""
_NAMES = {LOINC: "LN", SNOMED: "SCT", MDC: "MDC", UCUM: "UCUM"}


class Measured(NamedTuple):
    """A value to send: its code, the value (None: it cannot be obtained), the unit (UCUM) and when it was true (us)."""

    system: str
    code: str
    display: str
    value: float | str | None
    unit: str
    time: int


class Told(NamedTuple):
    """What the receiver answered: its code (MSA-1), the control id that it speaks of (MSA-2), and its words."""

    code: str
    control: str
    text: str
    raw: bytes

    @property
    def kept(self) -> bool:
        """Whether the receiver has it."""
        return self.code in ("AA", "CA")

    @property
    def again(self) -> bool:
        """Whether the receiver wants it again later."""
        return self.code in ("AR", "CR") and self.text.startswith("busy")


class SendError(CaretwinError):
    """Raised when a message could not be handed over, however often it was tried."""


class MllpSender:
    """Keeps a connection, sends a message, and waits for its answer; what is not answered is sent again.

    attempts  how often; wait_s  s for an answer
    Example: ``async with MllpSender("127.0.0.1", 2575) as sender: told = await sender.send(message)``.
    """

    def __init__(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None, wait_s: float = 30.0, attempts: int = 5
    ) -> None:
        self._host, self._port, self._tls, self._wait_s, self._attempts = host, port, tls, wait_s, attempts
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._framer = Framer()
        self._one = asyncio.Lock()

    async def __aenter__(self) -> MllpSender:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def send(self, message: bytes) -> Told:
        """The receiver's answer. Raises SendError when none came."""
        async with self._one:
            pauses, last = BackOff(FIRST_WAIT_S, LONGEST_WAIT_S), "no attempt"
            for attempt in range(self._attempts):
                if attempt:
                    await asyncio.sleep(pauses.next_s())
                try:
                    told = await asyncio.wait_for(self._once(message), self._wait_s)
                except (TimeoutError, OSError, EOFError) as problem:
                    last = type(problem).__name__
                    await self.close()
                    continue
                if not told.again:
                    return told
                last = told.text
            raise SendError(
                f"sending to {self._host}:{self._port}", seen=f"{last}, {self._attempts} times", wanted="an answer",
                fix="look whether the receiver listens, and whether this host is in its allow",
            )  # fmt: skip

    async def _once(self, message: bytes) -> Told:
        if self._writer is None:
            self._framer = Framer()
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        assert self._reader is not None
        self._writer.write(framed(message))
        await self._writer.drain()
        while True:
            chunk = await self._reader.read(READ_BYTES)
            if not chunk:
                raise EOFError
            found = self._framer.feed(chunk)
            if found:
                return read_answer(found[0].raw)

    async def close(self) -> None:
        """Give the connection back."""
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(self._writer.wait_closed(), 1.0)
        self._reader = self._writer = None


def read_answer(raw: bytes) -> Told:
    """What an acknowledgement says."""
    said = split(raw).first("MSA")
    return Told(said.text(1), said.text(2), said.text(3), raw)


def oru(
    who: Identifier,
    values: Sequence[Measured],
    control: str,
    sent: int,
    *,
    sender: str = "caretwin",
    order: str = "",
    status: str = "F",
    reported: int | None = None,
    processing: str = "P",
) -> bytes:
    """An ORU^R01 with these values.

    control  MSH-10; sent  MSH-7 (us); order  the filler's number (OBR-3); reported  OBR-22 (us)
    """
    time = dtm(sent)
    lines = [
        rf"MSH|^~\&|{escaped(sender)}|{escaped(sender)}|||{time}||ORU^R01^ORU_R01|{escaped(control)}|{processing}|2.5.1"
        "||||||UNICODE UTF-8",
        f"PID|1||{escaped(who.value)}^^^{_authority(who.system)}^MR",
        f"OBR|1||{escaped(order)}|||||{'|' * 14}|{dtm(reported) if reported is not None else ''}|||{status}",
    ]
    lines += [_obx(number, one, status) for number, one in enumerate(values, start=1)]
    return ("\r".join(lines) + "\r").encode()


def admission(
    who: Identifier, control: str, at: int, place: tuple[str, str], *, sender: str = "caretwin", visit: str = ""
) -> bytes:
    """An ADT^A01: an inpatient came to a place, its unit and its bed.

    at  us; visit  the number of the stay (PV1-19)
    """
    time, (unit, bed) = dtm(at), place
    lines = [
        rf"MSH|^~\&|{escaped(sender)}|{escaped(sender)}|||{time}||ADT^A01^ADT_A01|{escaped(control)}|P|2.5.1"
        "||||||UNICODE UTF-8",
        f"EVN||{time}",
        f"PID|1||{escaped(who.value)}^^^{_authority(who.system)}^MR",
        f"PV1|1|I|{escaped(unit)}^^{escaped(bed)}{'|' * 16}{escaped(visit)}{'|' * 25}{time}",
    ]
    return ("\r".join(lines) + "\r").encode()


def _obx(number: int, one: Measured, status: str) -> str:
    kind = "" if one.value is None else "ST" if isinstance(one.value, str) else "NM"
    value = "" if one.value is None else one.value if isinstance(one.value, str) else f"{one.value:.15g}"
    code = f"{escaped(one.code)}^{escaped(one.display)}^{_NAMES.get(one.system, escaped(one.system))}"
    unit = f"{escaped(one.unit)}^^UCUM" if one.unit else ""
    state = "X" if one.value is None else status
    return f"OBX|{number}|{kind}|{code}||{escaped(value)}|{unit}|||||{state}|||{dtm(one.time)}"


def _authority(system: str) -> str:
    """CX-4 of a system: an object identifier or another URI as the universal id, else a name."""
    for start, kind in (("urn:oid:", "ISO"), ("urn:uuid:", "UUID")):
        if system.startswith(start):
            return f"&{escaped(system.removeprefix(start))}&{kind}"
    return f"&{escaped(system)}&URI" if ":" in system else escaped(system)


def dtm(us: int) -> str:
    """An instant in UTC as HL7 writes it, to a tenth of a millisecond where it is that exact.

    >>> dtm(0), dtm(1_250_000)
    ('19700101000000+0000', '19700101000001.25+0000')
    """
    said = from_microseconds(us)
    fraction = f"{said.microsecond // 100:04d}".rstrip("0")
    return f"{said:%Y%m%d%H%M%S}{'.' + fraction if fraction else ''}+0000"
