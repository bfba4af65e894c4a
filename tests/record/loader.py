"""A process that loads observations for ever and prints the name of each one after it was acknowledged.

Run as ``python -m tests.record.loader FILE START``: to be killed at any moment.
"""

import sys
import time

from caretwin.record.access import Actor
from caretwin.record.entry import Batch, Identifier, Observation, SubjectRef
from caretwin.record.record import open_record
from caretwin.record.writer import Writer

DOOR = Actor("door:loader", "door")
WAITING = 8
SUBJECTS = [SubjectRef((Identifier("urn:x", str(number)),)) for number in range(5)]
BEGIN = 29_000_000 * 60_000_000
"""us: a minute of February 2025; observation n is true n minutes later."""


def observation(n: int) -> Observation:
    """The n-th of all."""
    return Observation(
        SUBJECTS[n % 5], "heart_rate", BEGIN + n * 60_000_000, 60.0 + n % 40, "loader", source_id=f"n{n}"
    )


def number_of(effective: int) -> int:
    """Which observation was true at this time (us)."""
    return (effective - BEGIN) // 60_000_000


def main() -> None:
    where, start = sys.argv[1], int(sys.argv[2])
    record = open_record(where, lambda: int(time.time() * 1e6))
    number, waiting = start, []
    with Writer(record) as writer:
        while True:
            entries = tuple(observation(n) for n in range(number, number + 10))
            waiting.append((number, writer.submit(DOOR, Batch(entries, BEGIN, DOOR.name), wait_s=10)))
            number += 10
            if len(waiting) >= WAITING:
                first, future = waiting.pop(0)
                future.result()
                sys.stdout.write(f"{first}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
