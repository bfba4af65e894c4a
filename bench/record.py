"""Jobs of the record: ten million observations in a file, and what is asked of it at a bedside."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from caretwin.record.access import Actor, operator
from caretwin.record.entry import Batch, Identifier, Observation, SubjectRef
from caretwin.record.record import Record, open_record
from caretwin.record.vocabulary import vocabulary

PATIENTS, CHANNELS, MINUTES = 500, 20, 1000
START, MINUTE = 1_740_000_000_000_000, 60_000_000
DOOR = Actor("door:bench", "door")
CODES = [name for name, term in vocabulary().items() if term.kind == "observation"][:CHANNELS]


def filled(where: Path, minutes: int = MINUTES) -> Record:
    """A record with PATIENTS x CHANNELS x minutes observations, which came in order of time; kept for the next run."""
    record = open_record(where, lambda: int(time.time() * 1e6))
    patients = [SubjectRef((Identifier("urn:bench", str(number)),)) for number in range(PATIENTS)]
    rows = record.connection().query("SELECT coalesce(max(effective), 0) FROM observation")
    done = (int(rows[0][0]) - START) // MINUTE + 1 if rows[0][0] else 0
    luck = random.Random(0)
    for minute in range(done, minutes):
        at = START + minute * MINUTE
        batches = [
            Batch(
                tuple(Observation(patient, code, at, round(luck.gauss(80, 5), 1), "monitor") for code in CODES),
                at + 1_000_000,
                DOOR.name,
            )
            for patient in patients
        ]
        record.append(DOOR, batches)
    return record


@contextmanager
def kept() -> Iterator[Record]:
    """The record of ten million, made the first time (some minutes) and kept in .cache."""
    folder = Path(__file__).parent.parent / ".cache" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    record = filled(folder / "ten_million.db")
    yield record
    record.close()


def asked(record: Record) -> dict[str, Callable[[], Any]]:
    """Questions, each about another patient every time."""
    keys = [one.key for one in record.reading(operator()).subjects()]
    reading = record.reading(operator()).of(keys)
    luck = random.Random(1)
    last = START + MINUTES * MINUTE
    return {
        "latest": lambda: reading.latest(luck.choice(keys)),
        "day": lambda: reading.series(luck.choice(keys), start=last - 24 * 60 * MINUTE),
    }


def percentile(job: Callable[[], Any], times: int, share: float = 0.99) -> float:
    """s that this share of the calls take at most."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        job()
        taken.append(time.perf_counter() - begun)
    return sorted(taken)[min(int(share * times), times - 1)]
