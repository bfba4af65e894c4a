"""A real MQTT broker for tests: Eclipse mosquitto, found or installed, or else a reason to skip."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
START_S = 10.0


@cache
def binary() -> str | None:
    """The broker's program; as root on Debian it is installed once when it is not there."""
    found = shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), *PLACES]))
    if found is None and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive", **os.environ}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "mosquitto"]
        subprocess.run(install, env=quiet, capture_output=True, check=False, timeout=300)
        found = shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), *PLACES]))
    return found


def free_port() -> int:
    """A port of the loopback interface that nobody uses now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Mosquitto(NamedTuple):
    """A running broker: stop it, and start it again at the same port with what it had kept."""

    port: int
    folder: Path
    processes: list[subprocess.Popen[bytes]]

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        program = binary()
        assert program is not None
        with (self.folder / "mosquitto.log").open("ab") as log:
            command = [program, "-c", str(self.folder / "mosquitto.conf")]
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self.processes[-1].poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError("mosquitto did not start: " + (self.folder / "mosquitto.log").read_text()[-500:])

    def stop(self) -> None:
        while self.processes:
            process = self.processes.pop()
            process.terminate()
            process.wait(START_S)


@contextmanager
def mosquitto(folder: Path, *lines: str) -> Iterator[Mosquitto]:
    """A broker at a free port of the loopback interface; ``lines`` are added to its configuration.

    Skips the test where there is no mosquitto and none can be installed.
    """
    if binary() is None:
        pytest.skip("no mosquitto on this machine: install the package mosquitto (scripts/peers.sh)")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    listener = [] if any(line.startswith("listener") for line in lines) else [f"listener {port} 127.0.0.1"]
    anonymous = [] if any(line.startswith("allow_anonymous") for line in lines) else ["allow_anonymous true"]
    kept = ["persistence true", f"persistence_location {folder}/", "autosave_interval 1", "user root"]
    text = "\n".join([*listener, *anonymous, *kept, "max_queued_messages 100000", *lines]).replace("PORT", str(port))
    (folder / "mosquitto.conf").write_text(text + "\n")
    broker = Mosquitto(port, folder, [])
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
