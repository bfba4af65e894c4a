"""A record with an open SDC door, and ways to wait for what comes."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from caretwin.ingest.doors.sdc.door import SdcDoor
from caretwin.ingest.intake import DoorState, Intake
from caretwin.ingest.mapping import CodeMapping
from caretwin.ingest.translate import Translator
from caretwin.record.access import operator
from caretwin.record.entry import Identifier, StoredEvent
from caretwin.record.record import Record, open_record
from caretwin.record.writer import Writer

HOSPITAL = "urn:hospital"
QUICK = {"check_s": 0.3, "search_s": 0.5, "retry_s": 0.5, "answer_s": 1.0, "demo": True}


def now() -> int:
    """us UTC."""
    return time.time_ns() // 1000


class Site:
    """What a test looks at: the door's state, and what is in the record."""

    def __init__(self, record: Record, intake: Intake) -> None:
        self.record, self.intake = record, intake

    @property
    def state(self) -> DoorState:
        return self.intake.state

    async def until(self, true: Callable[[], Any], seconds: float = 20.0) -> None:
        """Wait for something. Raises AssertionError with the state of the door."""
        for _ in range(round(seconds / 0.02)):
            if await asyncio.to_thread(true):
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"waited {seconds} s in vain; {self.state}")

    def subject(self, number: str, system: str = HOSPITAL) -> str | None:
        return self.record.reading(operator()).subject_of(Identifier(system, number))

    def values(self, number: str, code: str, system: str = HOSPITAL) -> list[float]:
        """Values of somebody in order of time."""
        key = self.subject(number, system)
        found = self.record.reading(operator()).series(key, [code]) if key else []
        pairs = [pair for one in found for pair in zip(one.effective, one.value, strict=True)]
        return [float(value) for _, value in sorted(pairs)]

    def events(self, number: str, kind: str) -> list[StoredEvent]:
        key = self.subject(number)
        return self.record.reading(operator()).events(key, [kind]) if key else []


@contextlib.asynccontextmanager
async def site(folder: Path, **settings: Any) -> AsyncIterator[Site]:
    """An open door, closed at the end."""
    record = open_record(folder / "record.db", now)
    writer = Writer(record)
    door = SdcDoor("icu", {**QUICK, **settings})
    intake = Intake(door, record, writer, Translator("sdc:icu", CodeMapping([])), now)
    stop = asyncio.Event()
    task = asyncio.create_task(door.run(intake, stop))
    try:
        yield Site(record, intake)
    finally:
        stop.set()
        await task
        writer.close()
        record.close()
