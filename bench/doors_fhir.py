"""Speed of the FHIR door: observations per second that are accepted, committed and acknowledged over HTTP on this
machine, client and server in two processes that share its cores.

Run: python -m bench.doors_fhir
"""

import asyncio
import multiprocessing
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

BUNDLE, BUNDLES, SENDERS = 100, 300, 4
TOKEN = "speed"
VITALS = (("8867-4", "/min", 70.0), ("9279-1", "/min", 16.0), ("59408-5", "%", 97.0), ("8310-5", "Cel", 36.6))
START = 1_700_000_000_000_000


def bundles(count: int = BUNDLES, size: int = BUNDLE) -> list[bytes]:
    """Bundles of vital signs of 20 people, encoded: every value and id is another one."""
    from caretwin.ingest.doors.fhir.sender import bundle, observation

    made = []
    for number in range(count):
        resources = []
        for i in range(size):
            at = START + (number * size + i) * 250_000
            code, unit, mean = VITALS[i % len(VITALS)]
            who = f"Patient/{(number * 7 + i // 4) % 20}"
            value = round(mean + (i % 13) * 0.1, 2)
            resources.append(observation(f"o{number}-{i}", who, code, at, value, unit, issued=at))
        made.append(bundle(resources))
    return made


def observations_per_second(count: int = BUNDLES, size: int = BUNDLE, senders: int = SENDERS) -> float:
    """Observations per second from the first request to the last acknowledgement, after one bundle that is not
    counted.
    """
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, theirs), daemon=True)
        server.start()
        try:
            port, raws = ours.recv(), bundles(count + 1, size)
            seconds = asyncio.run(_send(f"http://127.0.0.1:{port}/fhir", raws, senders))
            ours.send("stop")
            kept = ours.recv()
        finally:
            server.join(10)
            server.kill()
    assert kept == (count + 1) * size, kept
    return count * size / seconds


def microseconds_of_decoding(size: int = BUNDLE) -> float:
    """us for each observation of a Bundle, from bytes to coded values."""
    from caretwin.ingest.doors.fhir.door import FhirDoor

    door, raws = FhirDoor("speed", {}), bundles(40, size)
    door.decode(raws[0])
    begin = time.perf_counter()
    for raw in raws[1:]:
        door.decode(raw)
    return (time.perf_counter() - begin) / (len(raws) - 1) / size * 1e6


async def _send(base: str, raws: list[bytes], senders: int) -> float:
    from caretwin.ingest.doors.fhir.sender import Sender

    async with Sender(base, TOKEN) as sender:
        await sender.post(raws[0])
        queue = iter(raws[1:])

        async def work() -> None:
            for raw in queue:
                answer = await sender.post(raw)
                assert answer.status == 200, answer

        begin = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(senders)))
        return time.perf_counter() - begin


def _serve(folder: str, pipe: Connection) -> None:
    asyncio.run(_serving(Path(folder), pipe))


async def _serving(folder: Path, pipe: Connection) -> None:
    from caretwin.ingest.doors.fhir.access import hashed
    from caretwin.ingest.doors.fhir.door import FhirDoor
    from caretwin.ingest.intake import Intake
    from caretwin.ingest.mapping import CodeMapping
    from caretwin.ingest.translate import Translator
    from caretwin.record.record import open_record
    from caretwin.record.writer import Writer

    (folder / "tokens").write_text(f"speed: {hashed(TOKEN)}\n")
    clock = lambda: time.time_ns() // 1000  # noqa: E731
    record = open_record(folder / "speed.caretwin", clock)
    door = FhirDoor("speed", {"listen": "127.0.0.1:0", "tokens": str(folder / "tokens")})
    with Writer(record) as writer:
        intake = Intake(door, record, writer, Translator("fhir:speed", CodeMapping([])), clock)
        stop = asyncio.Event()
        running = asyncio.create_task(door.run(intake, stop))
        while not intake.state.listening:
            await asyncio.sleep(0.01)
        pipe.send(int(intake.state.listening.rpartition(":")[2].partition("/")[0]))
        await asyncio.to_thread(pipe.recv)
        stop.set()
        await running
    counters: Any = intake.state.counters
    pipe.send(counters["entries"] - counters["duplicates"])
    record.close()


if __name__ == "__main__":
    print(f"{microseconds_of_decoding():.1f} us to decode an observation")
    for _ in range(3):
        print(f"{observations_per_second():,.0f} observations/s in Bundles of {BUNDLE}")
