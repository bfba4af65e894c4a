"""Where slices wait until their series is measured: a folder on the disk, one subfolder for each series.

A slice is acknowledged when :meth:`Spool.put` has returned: its bytes and its name are on the disk then. Names of
folders and files are digests, because identifiers of images can be traced to people.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from hashlib import sha256
from pathlib import Path

NAME = re.compile(r"[0-9a-f]{24}")
"""Of a series' folder."""
_REFUSED = ".refused"
_MOVED = "done-"


class Spool:
    """The slices that wait; safe for threads.

    folder  made when it is not there; only this door may use it
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._series, self._coming = folder / "series", folder / "coming"
        self._lock = threading.Lock()

    def open(self) -> None:
        """Make the folder, and clear what an interrupted writing or cleaning left. Raises OSError."""
        for one in (self._series, self._coming):
            one.mkdir(parents=True, exist_ok=True)
        for left in self._series.glob(f"{_MOVED}*"):
            shutil.rmtree(left, ignore_errors=True)
        for part in self._coming.iterdir():
            part.unlink(missing_ok=True)
        _sync(self.folder)

    def put(self, raw: bytes, series: str, instance: str) -> str:
        """Keep a slice, the same one twice once; returns the name of its series here. Raises OSError."""
        name, file = digest(series), digest(instance)
        with self._lock:
            folder = self._series / name
            if not folder.is_dir():
                folder.mkdir(parents=True)
                _sync(self._series)
            self._mark(name).unlink(missing_ok=True)  # something new came: it is to be looked at again
            part = self._coming / file
            with part.open("wb") as out:
                out.write(raw)
                out.flush()
                os.fsync(out.fileno())
            part.rename(folder / f"{file}.dcm")
            _sync(folder)
        return name

    def waiting(self) -> list[str]:
        """Series that were neither measured nor refused."""
        return [one.name for one in self._folders() if not self._mark(one.name).exists()]

    def place(self, name: str) -> Path:
        """The folder of a series, whether it is there or not."""
        return self._series / name

    def slices(self, name: str) -> list[Path]:
        """Files of a series that are whole."""
        return sorted(self.place(name).glob("*.dcm"))

    def refuse(self, name: str, slices: int) -> None:
        """Let a series lie, unless more of it has come than ``slices``."""
        with self._lock:
            if len(self.slices(name)) == slices:
                self._mark(name).write_text("waits in quarantine\n", encoding="utf-8")

    def remove(self, name: str, slices: int) -> bool:
        """Remove a series of which ``slices`` files were measured; False when more has come since."""
        with self._lock:
            if len(self.slices(name)) != slices:
                return False
            gone = self._series / f"{_MOVED}{name}"
            self.place(name).rename(gone)
            self._mark(name).unlink(missing_ok=True)
        shutil.rmtree(gone, ignore_errors=True)
        return True

    def drop_old(self, before_s: float) -> int:
        """Remove refused series that nobody replayed since a time (s since 1970); returns how many."""
        old = [one for one in self._folders() if (since := self._refused_at(one.name)) and since < before_s]
        return sum(self.remove(one.name, len(self.slices(one.name))) for one in old)

    def free_bytes(self) -> int:
        """Room on the disk."""
        return shutil.disk_usage(self.folder).free

    def _mark(self, name: str) -> Path:
        return self._series / f"{name}{_REFUSED}"

    def _refused_at(self, name: str) -> float | None:
        """When a series was refused (s since 1970); None for one that was not."""
        try:
            return self._mark(name).stat().st_mtime
        except OSError:
            return None

    def _folders(self) -> list[Path]:
        found = sorted(self._series.iterdir()) if self._series.is_dir() else []
        return [one for one in found if NAME.fullmatch(one.name) and one.is_dir()]


def digest(text: str) -> str:
    """A name of 24 characters that stands for an identifier without being it."""
    return sha256(text.encode()).hexdigest()[:24]


def _sync(folder: Path) -> None:
    """Let the names in a folder reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
