"""A door that runs, with a record in a file: what tests of the FHIR door start."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from caretwin.ingest.doors.fhir.access import hashed
from caretwin.ingest.doors.fhir.door import FhirDoor
from caretwin.ingest.intake import Intake
from caretwin.ingest.mapping import CodeMapping
from caretwin.ingest.translate import Translator
from caretwin.record.access import Actor
from caretwin.record.entry import Identifier
from caretwin.record.record import Record, open_record
from caretwin.record.store import keep
from caretwin.record.writer import Writer

TOKEN = "a token of the tests"
START = 1_750_000_000_000_000
"""us: 2025-06-15T15:06:40Z, when the clock of these tests begins; it goes on by 1 ms with each look."""


class Open(NamedTuple):
    """A door that listens (address ``base``), and what is behind it."""

    base: str
    door: FhirDoor
    intake: Intake
    record: Record

    def subject(self, value: str, system: str = "local:ward") -> str | None:
        return self.record.reading(READER).subject_of(Identifier(system, value))

    def latest(self, value: str) -> dict[str, float | None]:
        """Last value of every channel of somebody."""
        subject = self.subject(value)
        return {one.code: one.value for one in self.record.reading(READER).latest(subject)} if subject else {}

    def waiting(self) -> list[keep.Quarantined]:
        return keep.quarantined(self.record.connection())

    def events(self, value: str) -> list[Any]:
        subject = self.subject(value)
        return self.record.reading(READER).events(subject) if subject else []


READER = Actor("tests", "auditor")


def clock():
    ticks = itertools.count(START, 1000)
    return lambda: next(ticks)


@contextmanager
def behind(folder: Path, settings: dict[str, Any] | None = None, waiting: int = 4096) -> Iterator[Open]:
    """A door named "ward" that does not run yet; all is on the disk afterwards."""
    (folder / "tokens").write_text(f"icu: {hashed(TOKEN)}\n")
    now = clock()
    record = open_record(folder / "ward.caretwin", now)
    door = FhirDoor("ward", {"listen": "127.0.0.1:0", "tokens": str(folder / "tokens"), **(settings or {})})
    try:
        with Writer(record, waiting) as writer:
            yield Open("", door, Intake(door, record, writer, Translator("fhir:ward", CodeMapping([])), now), record)
    finally:
        record.close()


@asynccontextmanager
async def open_door(folder: Path, settings: dict[str, Any] | None = None, waiting: int = 4096) -> AsyncIterator[Open]:
    """A door at a free port, unless ``listen`` is ""; it has stopped afterwards."""
    with behind(folder, settings, waiting) as opened:
        stop = asyncio.Event()
        running = asyncio.create_task(opened.door.run(opened.intake, stop))
        while (settings or {}).get("listen", "here") and not opened.intake.state.listening:
            if running.done():
                running.result()
            await asyncio.sleep(0.005)
        try:
            yield opened._replace(base=opened.intake.state.listening.partition(" ")[0])
        finally:
            stop.set()
            await running
