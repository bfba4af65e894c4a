"""A folder in which images appear: files that lie still are copied into the spool, and never moved or changed.

Which files were read is remembered beside the spool by digests of their paths, which can be names of people.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from caretwin.ingest.doors.dicom.listener import names_of
from caretwin.ingest.doors.dicom.spool import Spool, digest
from caretwin.ingest.watch import Still

_PREFIX_AT, _PREFIX = 128, b"DICM"


class Looked(NamedTuple):
    """What a look at the folder found: names of series of which slices came, and counts of files."""

    series: tuple[str, ...]
    slices: int = 0
    others: int = 0


class Watched:
    """A folder with its subfolders.

    Raises OSError while it cannot be read.
    """

    def __init__(self, folder: Path, spool: Spool, most_bytes: int) -> None:
        self._folder, self._spool, self._most = folder, spool, most_bytes
        self._memory = spool.folder / "read.json"
        self._still: Still[str] | None = None

    def look(self) -> Looked:
        """Take in the files that are as they were at the last look; it may take long, and belongs in a thread."""
        if self._still is None:
            self._still = Still(self._known())
        series: dict[str, None] = {}
        slices, others, there = 0, 0, set[str]()
        for path in self._files():
            status, key = path.stat(), digest(str(path))
            there.add(key)
            if not self._still.ripe(key, [status.st_size, status.st_mtime_ns]):
                continue
            name = self._take(path, status.st_size)
            slices, others = slices + (name is not None), others + (name is None)
            if name is not None:
                series[name] = None
            self._still.take(key)
        self._still.only(there)
        if slices or others:
            self._remember(dict(self._still.taken))
        return Looked(tuple(series), slices, others)

    def _files(self) -> Iterator[Path]:
        found = sorted(self._folder.rglob("*")) if self._folder.is_dir() else []
        mine = self._spool.folder.resolve()
        return (one for one in found if one.is_file() and one.name[0] not in ".~" and mine not in one.resolve().parents)

    def _take(self, path: Path, size: int) -> str | None:
        """The name of its series in the spool; None for a file that is no CT image."""
        with path.open("rb") as file:
            if size > self._most or file.read(_PREFIX_AT + 4)[_PREFIX_AT:] != _PREFIX:
                return None
            file.seek(0)
            raw = file.read()
        names = names_of(raw)
        return self._spool.put(raw, *names) if names is not None else None

    def _known(self) -> dict[str, object]:
        try:
            return dict(orjson.loads(self._memory.read_bytes()))
        except (OSError, orjson.JSONDecodeError, TypeError, ValueError):
            return {}

    def _remember(self, known: dict[str, object]) -> None:
        part = self._memory.with_suffix(".part")
        part.write_bytes(orjson.dumps(known))
        part.rename(self._memory)
