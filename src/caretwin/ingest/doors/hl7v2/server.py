"""The listening side of MLLP: who may connect, how many, for how long they may be silent, and answers in order.

MLLP knows no sign-in: an allow-list of addresses is the least, TLS with client certificates is better.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from caretwin.base.errors import DataError
from caretwin.ingest.doors.hl7v2.framing import Frame, Framer, framed
from caretwin.ingest.intake import DoorState

READ_BYTES = 65_536
AHEAD = 64
"""Messages of one connection that are under way at once, where a sender does not wait for answers."""
DRAIN_S = 30.0
"""s that a sender may take to read an answer before its connection is given up (assumed)."""

Network: TypeAlias = IPv4Network | IPv6Network
Handler: TypeAlias = Callable[[Frame], Awaitable[bytes]]


@dataclass(frozen=True)
class Listening:
    """Where and how to listen.

    allow        networks whose hosts may connect; nobody else may
    silence_s    s without a byte after which a connection is closed: its other end may be gone
    patience_s   s within which a message that has begun must have ended
    connections  how many at once
    """

    host: str
    port: int
    allow: tuple[Network, ...]
    tls: ssl.SSLContext | None = None
    most_bytes: int = 0
    silence_s: float = 600.0
    patience_s: float = 30.0
    connections: int = 64


def networks(names: Sequence[str], where: str) -> tuple[Network, ...]:
    """Addresses and networks in CIDR notation. Raises DataError for what is none."""
    found = []
    for name in names:
        try:
            found.append(ip_network(str(name).strip(), strict=False))
        except ValueError as problem:
            raise DataError(
                where, seen=f"allow = {name!r}", wanted="addresses or networks, such as 10.1.2.3 or 10.1.2.0/24",
                fix="write the addresses of the sending systems; a name of a host is not looked up",
            ) from problem  # fmt: skip
    return tuple(found)


def allowed(peer: str, allow: Sequence[Network]) -> bool:
    """Whether an address may connect; an IPv4 address within IPv6 counts as IPv4.

    >>> allowed("::ffff:10.1.2.3", networks(["10.1.2.0/24"], "")), allowed("10.1.3.3", networks(["10.1.2.0/24"], ""))
    (True, False)
    """
    try:
        address = ip_address(peer.split("%", 1)[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return any((mapped or address) in network for network in allow)


def server_tls(certificate: str, key: str, client_ca: str, where: str) -> ssl.SSLContext | None:
    """TLS of the listening side; None where no certificate is given. Raises DataError for files that do not fit."""
    if not certificate:
        if key or client_ca:
            raise DataError(where, seen="a key or a client CA without a certificate", wanted="certificate = ...",
                            fix="give the certificate of this door, or none of the three")  # fmt: skip
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key or None)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
    except (OSError, ssl.SSLError) as problem:
        raise DataError(where, seen=f"{type(problem).__name__} with its TLS files", wanted="readable PEM files that fit"
                        " each other", fix="look at certificate, key and client_ca") from problem  # fmt: skip
    return context


class MllpServer:
    """Listens, and hands each frame to ``handler``; its answers go back in the order of the messages.

    Use it as a context: leaving it answers what is under way, then closes.
    """

    def __init__(self, listening: Listening, handler: Handler, state: DoorState) -> None:
        self._how, self._handler, self._state = listening, handler, state
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> MllpServer:
        self._server = await asyncio.start_server(
            self._connected, self._how.host, self._how.port, ssl=self._how.tls, limit=2 * READ_BYTES
        )
        return self

    @property
    def port(self) -> int:
        """The port: that which the system chose, where 0 was wanted."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._ending.set()
        self._server.close()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=DRAIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self._welcome(writer):
                await self._converse(reader, writer)
        except (TimeoutError, OSError) as problem:
            self._state.counters["lost"] += 1
            self._state.trouble = f"a connection ended: {type(problem).__name__}"
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1.0)

    def _welcome(self, writer: asyncio.StreamWriter) -> bool:
        """Whether a peer may speak here."""
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        if not allowed(peer, self._how.allow):
            self._state.counters["denied"] += 1
            self._state.trouble = f"{peer} may not connect: it is not in allow"
            return False
        if len(self._tasks) > self._how.connections:
            self._state.counters["denied"] += 1
            self._state.trouble = f"{self._how.connections} connections are open: no more are taken"
            return False
        link = writer.get_extra_info("socket")
        if link is not None:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._state.counters["connections"] += 1
        return True

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = Framer(self._how.most_bytes) if self._how.most_bytes else Framer()
        began = 0.0
        while not self._ending.is_set():
            chunk = await self._read(reader, framer.inside, began)
            if not chunk:
                break
            before, garbage, broken = framer.inside, framer.garbage, framer.broken
            frames = framer.feed(chunk)
            if framer.inside and (frames or not before):
                began = asyncio.get_running_loop().time()
            self._count(garbage=framer.garbage - garbage, broken=framer.broken - broken)
            for start in range(0, len(frames), AHEAD):
                await self._answer(frames[start : start + AHEAD], writer)
        self._count(broken=int(framer.inside))

    async def _read(self, reader: asyncio.StreamReader, inside: bool, began: float) -> bytes:
        """What arrives next; b"" at the end of the connection, of its time, or of the server."""
        left = began + self._how.patience_s - asyncio.get_running_loop().time() if inside else self._how.silence_s
        read = asyncio.ensure_future(reader.read(READ_BYTES))
        end = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait({read, end}, timeout=max(left, 0.0), return_when=asyncio.FIRST_COMPLETED)
            if read.done():
                return read.result()
            if not end.done():
                self._state.counters["timeouts"] += 1
                what = "a message that did not end" if inside else "silence"
                self._state.trouble = f"a connection was closed after {what}"
            return b""
        finally:
            for task in (read, end):
                task.cancel()
            await asyncio.gather(read, end, return_exceptions=True)

    async def _answer(self, frames: list[Frame], writer: asyncio.StreamWriter) -> None:
        """Take in what has arrived together, each in its turn, and answer in the same order."""
        if len(frames) == 1:
            answers = [await self._handler(frames[0])]
        else:
            answers = await asyncio.gather(*(self._handler(frame) for frame in frames))
        said = b"".join(framed(one) for one in answers if one)
        if said:
            writer.write(said)
            await asyncio.wait_for(writer.drain(), DRAIN_S)

    def _count(self, **more: int) -> None:
        self._state.counters.update({name: number for name, number in more.items() if number})
