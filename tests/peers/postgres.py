"""A PostgreSQL server of our own: a fresh cluster in a folder, on a free port of the loopback interface."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

MISSING = "no PostgreSQL on this machine (as root on Debian: apt-get install postgresql)"


def programs() -> Path | None:
    """The folder with initdb and postgres, None where there is none."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def free_port() -> int:
    """A port of the loopback interface that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """The URL of a running server whose data are in ``folder``; it is stopped afterwards."""
    there = programs()
    if there is None:
        install()
        there = programs()
    if there is None:
        pytest.skip(MISSING)
    port, data, user = free_port(), folder / "data", None
    if os.getuid() == 0:  # the server refuses to run as root
        user = "postgres" if _exists("postgres") else "nobody"
        for parent in (folder, *folder.parents):
            if parent.stat().st_uid == 0 and str(parent).startswith("/tmp") and str(parent) != "/tmp":
                parent.chmod(parent.stat().st_mode | 0o055)
        shutil.chown(folder, user)
    run = {"user": user, "check": True, "capture_output": True, "timeout": 60, "cwd": folder}
    subprocess.run([there / "initdb", "-D", data, "-U", "caretwin", "-A", "trust", "-N", "-E", "UTF8"], **run)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data}"
    # The server inherits what pg_ctl writes to: a pipe would never end.
    start = [there / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start"]
    subprocess.run(start, **{**run, "capture_output": False, "stdout": subprocess.DEVNULL})
    try:
        yield f"postgresql://caretwin@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([there / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], **run)


def install() -> None:
    """Install it where that can be done without asking: as root on Debian."""
    if os.getuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "postgresql"]):
            subprocess.run(["apt-get", *command], env=environment, capture_output=True, check=False, timeout=600)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
