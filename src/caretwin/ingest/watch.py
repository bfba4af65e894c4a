"""A folder that a door watches: looked at again and again; what is still being written is left for the next look."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, MutableMapping
from pathlib import Path
from typing import Generic, TypeVar

from caretwin.ingest.intake import DoorState
from caretwin.ingest.pauses import rest

Key = TypeVar("Key", bound=Hashable)


class Still(Generic[Key]):
    """Which things changed since they were taken, and are as they were at the last look.

    taken  marks of what was taken already, such as what an earlier run remembers
    """

    def __init__(self, taken: MutableMapping[Key, object] | None = None) -> None:
        self.taken: MutableMapping[Key, object] = {} if taken is None else taken
        self._lain: dict[Key, object] = {}

    def ripe(self, key: Key, mark: object) -> bool:
        """Whether it is to be taken now. mark: what changes with it, such as its size and the time of its saving."""
        lies, self._lain[key] = self._lain.get(key) == mark, mark
        return lies and self.taken.get(key) != mark

    def take(self, key: Key) -> None:
        """It was taken as it was at the last look."""
        self.taken[key] = self._lain[key]

    def only(self, keys: Collection[Key]) -> None:
        """Forget what is no longer there."""
        for marks in (self.taken, self._lain):
            for gone in [key for key in marks if key not in keys]:
                del marks[gone]


def files_in(path: Path, endings: Collection[str]) -> list[Path]:
    """A file, or those of a folder, whose names end so; none that is hidden or that an editor holds. Raises OSError."""
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    return [one for one in found if one.suffix.lower() in endings and one.is_file() and one.name[0] not in ".~"]


async def watch(look: Callable[[], Awaitable[str]], every_s: float, state: DoorState, stop: asyncio.Event) -> None:
    """Look until ``stop`` is set.

    look  takes in what is new, and returns what it looked at in words ("" where nothing is there); it may raise OSError
    """
    try:
        while not stop.is_set():
            try:
                state.listening = await look()
            except OSError as problem:
                state.listening = ""
                state.trouble = f"the folder cannot be read: {problem.strerror or type(problem).__name__}"
            await rest(stop, every_s)
    finally:
        state.listening = ""
