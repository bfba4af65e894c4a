"""Jobs of a ward that lives: 200 patients, a value every minute for seven hours, then a live stream."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from caretwin.record.access import Actor
from caretwin.record.entry import Batch, Identifier, Observation, SubjectRef
from caretwin.record.record import Record, open_record
from caretwin.serve.clock import wall
from caretwin.serve.ward_loop import WardLoop
from caretwin.twin.bedside_twin import bedside_twin
from caretwin.twin.living import record as living_record

PATIENTS, PARTICLES, BEFORE_MIN = 200, 300, 420
MINUTE, HOUR = 60_000_000, 3_600_000_000
LATE_US = 6 * HOUR
DOOR = Actor("door:bench", "door")
SENT = {
    "heart_rate": (84.0, 4.0), "mean_arterial_pressure": (74.0, 5.0), "systolic_pressure": (118.0, 8.0),
    "diastolic_pressure": (60.0, 5.0), "oxygen_saturation": (96.0, 1.0), "respiratory_rate": (18.0, 2.0),
    "central_venous_pressure": (9.0, 1.0), "temperature": (37.1, 0.1),
}  # fmt: skip
"""What a bedside monitor sends of each patient: mean and standard deviation."""


def who(number: int) -> SubjectRef:
    return SubjectRef((Identifier("urn:bench", f"bed {number}"),))


def said(number: int, at: int, luck: np.random.Generator) -> tuple[Observation, ...]:
    """One message of a monitor."""
    noise = luck.standard_normal(len(SENT))
    return tuple(
        Observation(who(number), name, at, round(mean + sd * float(z), 1), "monitor")
        for (name, (mean, sd)), z in zip(SENT.items(), noise, strict=True)
    )


@contextmanager
def ward(patients: int = PATIENTS, before: int = BEFORE_MIN) -> Iterator[tuple[Record, WardLoop]]:
    """A ward whose twins have lived for seven hours and are up to date."""
    luck = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        record = open_record(Path(folder) / "record.db", wall)
        now = wall() // MINUTE * MINUTE
        for minute in range(before, 0, -1):
            at = now - minute * MINUTE - 5_000_000
            record.append(DOOR, [Batch(said(n, at, luck), at, DOOR.name) for n in range(patients)])
        loop = started(record)
        yield record, loop
        loop.stop()
        record.close()


def started(record: Record) -> WardLoop:
    """A loop whose twins are all up to date."""
    loop = WardLoop(record, bedside_twin(particles=PARTICLES, single=True), wall, forecast_every_min=1440.0)
    loop.start()
    loop.wait_until_ready()
    while loop.pulse.waiting or loop.pulse.turns < 3 or not loop.board:
        time.sleep(0.05)
    return loop


def stream(record: Record, seconds: float, every_s: float, patients: int = PATIENTS) -> None:
    """Every patient's monitor sends a message every so many seconds, evenly spread."""
    luck, begun, sent = np.random.default_rng(1), time.monotonic(), 0
    while (elapsed := time.monotonic() - begun) < seconds:
        wanted = int(elapsed / every_s * patients)
        if sent == wanted:
            time.sleep(0.002)
            continue
        batches = [Batch(said(n % patients, wall(), luck), wall(), DOOR.name) for n in range(sent, wanted)]
        record.append(DOOR, batches)
        sent = wanted


def receipt_to_twin(seconds: float = 60.0, every_s: float = 5.0) -> list[float]:
    """s from receipt to twin of every message of a stream: their 99th percentile, by thirds of the time."""
    with ward() as (record, loop):
        found = []
        for _ in range(3):
            loop.pulse.delays_s.clear()
            stream(record, seconds / 3, every_s)
            found.append(float(np.quantile(list(loop.pulse.delays_s), 0.99)))
    return found


def late_datum() -> tuple[list[float], list[float]]:
    """s until a datum that is six hours late is replayed, and the 99th percentile for everybody else meanwhile."""
    replayed, others = [], []
    with ward() as (record, loop):
        for turn in range(3):
            running = threading.Thread(target=stream, args=(record, 12.0, 5.0))
            running.start()
            time.sleep(3.0)
            loop.pulse.delays_s.clear()
            begun, before = time.monotonic(), loop.pulse.replayed
            at = wall() - LATE_US
            late = Observation(who(turn), "lactate", at, 4.0, "laboratory", f"late {turn}")
            record.append(DOOR, [Batch((late,), wall(), DOOR.name)])
            while loop.pulse.replayed == before or loop.pulse.waiting:
                time.sleep(0.005)
            replayed.append(time.monotonic() - begun)
            running.join()
            others.append(float(np.quantile(list(loop.pulse.delays_s), 0.99)))
    return replayed, others


def restart() -> list[float]:
    """s from opening a record with 200 twins to all of them up to date, checkpoints a minute old; programs kept."""
    found = []
    with ward() as (record, loop):
        keys = list(loop.ward.subjects()) if loop.ward is not None else []
        for _ in range(3):
            assert loop.ward is not None
            living_record.save(record, loop.ward, keys)
            stream(record, 10.0, 5.0)
            begun = time.monotonic()
            again = started(record)
            found.append(time.monotonic() - begun)
            again.stop()
    return found
