"""A process in which a ward lives while data come, to be killed at any moment: ``python -m tests.twin.living_loader
FILE``.

It goes on where the record ends, and prints a line after each commit.
"""

import sys

from caretwin.record.record import open_record
from caretwin.twin.bedside_twin import bedside_twin
from caretwin.twin.living import record as living_record
from caretwin.twin.living.course import MINUTE
from tests.twin.conftest import START
from tests.twin.test_living_ward import lactate, vitals, write

PATIENTS = 3


def entries_of(minute: int) -> list:
    """What comes in a minute: vital signs, and a laboratory value that is late by half an hour."""
    late = [lactate(minute % PATIENTS, max(minute - 30, 0), 2.0 + minute % 5, minute)] if minute % 7 == 0 else []
    return [entry for patient in range(PATIENTS) for entry in vitals(patient, [minute])] + late


def main() -> None:
    record = open_record(sys.argv[1], lambda: START)
    ward = living_record.start(record, bedside_twin(particles=60, single=True))
    rows = record.connection().query("SELECT coalesce(max(effective), 0) FROM observation")
    minute = max((int(rows[0][0]) - START) // MINUTE, 0) if rows[0][0] else 0
    while True:
        write(record, entries_of(minute))
        ward.turn(START + minute * MINUTE)
        if minute % 5 == 0:
            living_record.save(record, ward, list(ward.subjects()))
        sys.stdout.write(f"{minute}\n")
        sys.stdout.flush()
        minute += 1


if __name__ == "__main__":
    main()
