"""An MQTT broker of our own for demonstrations: mosquitto where it is installed, else one in Python; loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from caretwin.base.errors import DataError

WAIT_S = 10.0


@contextlib.asynccontextmanager
async def broker() -> AsyncIterator[str]:
    """The URL of a running broker. Raises DataError where there is none to run."""
    port = free_port()
    url = f"mqtt://127.0.0.1:{port}"
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    async with _mosquitto(program, port) if program else _in_python(port):
        yield url


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.asynccontextmanager
async def _mosquitto(program: str, port: int) -> AsyncIterator[None]:
    with tempfile.TemporaryDirectory(prefix="caretwin-broker-") as folder:
        settings = Path(folder) / "mosquitto.conf"
        settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type none\n")
        process = subprocess.Popen([program, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            await _answers(port)
            yield
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 5.0)


@contextlib.asynccontextmanager
async def _in_python(port: int) -> AsyncIterator[None]:
    try:
        from amqtt.broker import Broker  # type: ignore[import-untyped]
    except ImportError as problem:
        raise DataError(
            "a broker for the demonstration",
            seen="neither mosquitto nor amqtt",
            wanted="one of them",
            fix="apt-get install mosquitto, or pip install amqtt",
        ) from problem
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    found = Broker({"listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}, "plugins": plugins})
    await found.start()
    try:
        yield
    finally:
        await found.shutdown()


async def _answers(port: int) -> None:
    for _ in range(round(WAIT_S / 0.05)):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        await asyncio.sleep(0.05)
    raise DataError("the broker", seen="no answer", wanted="one within 10 s", fix="start mosquitto by hand to see why")
