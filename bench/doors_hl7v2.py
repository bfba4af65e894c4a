"""Observations that the HL7 v2 door accepts, commits and acknowledges in a second, through MLLP on the loopback.

Run: python -m bench.doors_hl7v2
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

CODES = (
    ("8867-4", "/min", 60.0), ("8480-6", "mm[Hg]", 118.0), ("8462-4", "mm[Hg]", 64.0), ("9279-1", "/min", 16.0),
    ("59408-5", "%", 97.0), ("8310-5", "Cel", 36.8), ("2703-7", "mm[Hg]", 88.0), ("2019-8", "mm[Hg]", 40.0),
    ("2524-7", "mmol/L", 1.1), ("2823-3", "mmol/L", 4.1),
)  # fmt: skip


class Rate(NamedTuple):
    """What was measured."""

    messages_per_second: float
    observations_per_second: float
    median_ms: float


def messages(connection: int, count: int) -> list[tuple[bytes, int]]:
    """Messages of 1 to 10 OBX of one bed, a minute apart, and how many OBX each has."""
    from caretwin.ingest.decoded import LOINC
    from caretwin.ingest.doors.hl7v2.sender import Measured, oru
    from caretwin.record.entry import Identifier

    found = []
    for number in range(count):
        now = 1_700_000_000_000_000 + number * 60_000_000
        said = [
            Measured(LOINC, code, "", base + number % 7, unit, now) for code, unit, base in CODES[: number % 10 + 1]
        ]
        who = Identifier("urn:oid:1.2.3", f"bed-{connection}")
        found.append((oru(who, said, f"M{connection}-{number}", now + 1_000_000), len(said)))
    return found


def measure(connections: int = 1, count: int = 400) -> Rate:
    """Every message is sent when the one before it on its connection is acknowledged."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder), connections, count))


async def _measure(folder: Path, connections: int, count: int) -> Rate:
    from caretwin.ingest.doors.hl7v2.door import Hl7v2Door
    from caretwin.ingest.doors.hl7v2.sender import MllpSender
    from caretwin.ingest.intake import Intake
    from caretwin.ingest.mapping import CodeMapping
    from caretwin.ingest.translate import Translator
    from caretwin.record.record import open_record
    from caretwin.record.writer import Writer

    clock: Callable[[], int] = lambda: time.time_ns() // 1000  # noqa: E731
    record = open_record(folder / "record.db", clock)
    door = Hl7v2Door("bench", {"port": 0})
    with Writer(record) as writer:
        intake = Intake(door, record, writer, Translator("bench", CodeMapping([])), clock)
        stop = asyncio.Event()
        running = asyncio.create_task(door.run(intake, stop))
        while not intake.state.listening:
            await asyncio.sleep(0.01)
        work = [messages(number, count) for number in range(connections)]
        waits: list[float] = []

        async def one(mine: list[tuple[bytes, int]]) -> None:
            async with MllpSender("127.0.0.1", door.port) as sender:
                for raw, _ in mine:
                    begin = time.perf_counter()
                    told = await sender.send(raw)
                    assert told.code == "AA", told
                    waits.append(time.perf_counter() - begin)

        begin = time.perf_counter()
        await asyncio.gather(*(one(mine) for mine in work))
        seconds = time.perf_counter() - begin
        stop.set()
        await running
    record.close()
    total = sum(obx for mine in work for _, obx in mine)
    return Rate(connections * count / seconds, total / seconds, 1e3 * sorted(waits)[len(waits) // 2])


def observations_per_second(connections: int = 1, count: int = 400) -> float:
    """Observations accepted, committed and acknowledged in a second."""
    return measure(connections, count).observations_per_second


def main() -> None:
    measure(1, 50)  # opens libraries, reads tables
    for connections in (1, 8, 32):
        rate = measure(connections, 400 if connections == 1 else 100)
        print(
            f"{connections:3d} connections: {rate.messages_per_second:7.0f} messages/s, "
            f"{rate.observations_per_second:7.0f} observations/s, median answer {rate.median_ms:.1f} ms"
        )


if __name__ == "__main__":
    main()
