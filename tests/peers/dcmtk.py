"""Real DICOM senders for tests: storescu and echoscu of DCMTK, found or installed, or else a reason to skip."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

PLACES = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")
PATIENCE_S = 120.0


@cache
def binary(name: str) -> str | None:
    """One of DCMTK's programs; as root on Debian they are installed once when they are not there."""
    where = os.pathsep.join([os.environ.get("PATH", ""), *PLACES])
    found = shutil.which(name, path=where)
    if found is None and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive", **os.environ}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "dcmtk"]
        subprocess.run(install, env=quiet, capture_output=True, check=False, timeout=300)
        found = shutil.which(name, path=where)
    return found


def echo(port: int, *, calling: str = "CT1", called: str = "CARETWIN") -> subprocess.CompletedProcess[str]:
    """Ask whether somebody is there (C-ECHO); the return code is 0 when the answer is yes."""
    return _run("echoscu", ["-aet", calling, "-aec", called, "127.0.0.1", str(port)])


def store(
    port: int, files: Sequence[Path] | Path, *options: str, calling: str = "CT1", called: str = "CARETWIN"
) -> subprocess.CompletedProcess[str]:
    """Send files, or a folder with its subfolders (C-STORE); the return code is 0 when all were taken."""
    what = (
        ["+sd", "+r", str(files)] if isinstance(files, Path) and files.is_dir() else [str(one) for one in _list(files)]
    )
    return _run("storescu", ["-v", "-aet", calling, "-aec", called, *options, "127.0.0.1", str(port), *what])


def _list(files: Sequence[Path] | Path) -> Sequence[Path]:
    return [files] if isinstance(files, Path) else files


def _run(name: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    program = binary(name)
    if program is None:
        pytest.skip(f"no {name} on this machine: install the package dcmtk (scripts/peers.sh)")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
