"""The SDC door: reports a second and the time from a device's publishing to the commit, over loopback sockets.

Run: python -m bench.doors_sdc
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

REPORTS, VALUES = 500, 12
"""Reports of a run, and values in each: as a monitor that shows twelve."""


class Figures(NamedTuple):
    """reports/s with the device as fast as it can; ms from publishing to the commit, at 20 reports/s."""

    reports_per_s: float
    latency_p50_ms: float
    latency_p99_ms: float


def throughput_and_latency(reports: int = REPORTS) -> Figures:
    """A simulated monitor, its door, a record on a file: two runs, one as fast as it goes and one at bedside pace."""
    with tempfile.TemporaryDirectory() as folder:
        rate, _ = asyncio.run(_run(Path(folder) / "fast.db", reports, 0.0))
        _, waits = asyncio.run(_run(Path(folder) / "paced.db", min(reports, 200), 0.05))
    waits.sort()
    return Figures(rate, statistics.median(waits), waits[int(0.99 * (len(waits) - 1))])


async def _run(where: Path, reports: int, pause_s: float) -> tuple[float, list[float]]:
    """(reports/s until the last is committed, ms of each)."""
    from caretwin.ingest.doors.sdc.door import SdcDoor
    from caretwin.ingest.doors.sdc.provider import CHANNELS, SimulatedMonitor
    from caretwin.ingest.intake import Intake
    from caretwin.ingest.mapping import CodeMapping
    from caretwin.ingest.translate import Translator
    from caretwin.record.record import open_record
    from caretwin.record.writer import Writer

    names = list(CHANNELS)[:VALUES]
    record = open_record(where, _now)
    committed: list[float] = []
    record.listen(lambda batches, _: committed.extend([time.perf_counter()] * len(batches)))
    stop = asyncio.Event()
    with SimulatedMonitor() as monitor, Writer(record) as writer:
        monitor.admit([("urn:bench", "1")], _now() - 60_000_000)
        door = SdcDoor("bench", {"provider": monitor.address, "demo": True})
        intake = Intake(door, record, writer, Translator("sdc:bench", CodeMapping([])), _now)
        task = asyncio.create_task(door.run(intake, stop))
        while not intake.state.listening:
            await asyncio.sleep(0.01)
        said = await asyncio.to_thread(_publish, monitor, names, reports, pause_s)
        while len(committed) < reports:
            await asyncio.sleep(0.002)
        stop.set()
        await task
    record.close()
    waits = [1000.0 * (done - begun) for begun, done in zip(said, committed, strict=False)]
    return reports / (committed[reports - 1] - said[0]), waits


def _publish(monitor: Any, names: list[str], reports: int, pause_s: float) -> list[float]:
    begun = []
    at = _now()
    for number in range(reports):
        begun.append(time.perf_counter())
        monitor.publish({name: 40.0 + number % 7 for name in names}, at + 1000 * number)
        time.sleep(pause_s)
    return begun


def _now() -> int:
    return time.time_ns() // 1000


if __name__ == "__main__":
    found = throughput_and_latency()
    print(f"{found.reports_per_s:.0f} reports/s of {VALUES} values")
    print(f"publish to commit p50 {found.latency_p50_ms:.1f} ms, p99 {found.latency_p99_ms:.1f} ms")
