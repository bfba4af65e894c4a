"""A site for the tests of a door: a record in a folder, a writer, and the way from the door into it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from caretwin.ingest.intake import Intake
from caretwin.ingest.mapping import CodeMapping
from caretwin.ingest.translate import Translator
from caretwin.record.access import Actor
from caretwin.record.entry import Identifier
from caretwin.record.reading import Reading
from caretwin.record.record import Record, open_record
from caretwin.record.store import keep
from caretwin.record.writer import Writer

OPERATOR = Actor("account:test", "operator")


def now() -> int:
    return time.time_ns() // 1000


class Site(NamedTuple):
    record: Record
    writer: Writer
    intake: Intake

    @property
    def reading(self) -> Reading:
        return self.record.reading(OPERATOR)

    def latest(self, system: str, value: str) -> dict[str, Any]:
        """Last observations of a subject by code."""
        key = self.reading.subject_of(Identifier(system, value))
        return {} if key is None else {one.code: one for one in self.reading.latest(key)}

    def values(self, system: str, value: str, code: str) -> list[float | None]:
        """All values of a channel in order of time."""
        key = self.reading.subject_of(Identifier(system, value))
        found = [] if key is None else self.reading.series(key, [code])
        return [None if one != one else one for series in found for one in series.value.tolist()]

    def events(self, system: str, value: str) -> list[Any]:
        key = self.reading.subject_of(Identifier(system, value))
        return [] if key is None else self.reading.events(key)

    def quarantined(self) -> list[keep.Quarantined]:
        return keep.quarantined(self.record.connection())

    def aside(self, number: int) -> bytes:
        """A refused message as it came."""
        return keep.message(self.record.connection(), number)


@contextmanager
def site(door: Any, folder: Path, clock: Callable[[], int] = now) -> Iterator[Site]:
    record = open_record(folder / "record.db", clock)
    try:
        with Writer(record) as writer:
            yield Site(record, writer, Intake(door, record, writer, Translator(door.name, CodeMapping([])), clock))
    finally:
        record.close()


async def until(true: Callable[[], Any], what: str, seconds: float = 15.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        await asyncio.sleep(0.02)


def while_running(one: Site, do: Callable[[], Awaitable[None]]) -> None:
    """Run the site's door, do something once it listens, stop it; whatever it raises is raised."""

    async def both() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(one.intake.door.run(one.intake, stop))
        try:
            await until(lambda: one.intake.state.listening or running.done(), "the door listens")
            await do()
        finally:
            stop.set()
            await asyncio.wait_for(running, 20.0)

    asyncio.run(both())
