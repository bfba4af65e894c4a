"""What is killed again and again ends as what never was: the same record, the same twins to the last bit."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from caretwin.record.record import Record, open_record
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.living import record as living_record
from caretwin.twin.living.checkpoints import model_name
from tests.paths import ROOT
from tests.record.loader import SUBJECTS, number_of, observation
from tests.twin.conftest import START
from tests.twin.living_loader import entries_of
from tests.twin.test_living_ward import numbers, same, up_to_date, write

KILLS = 8
"""Of a process in which twins live: each start takes seconds."""
LOADS = 100
"""Of a process that only loads."""


def run_and_kill(module: str, arguments: Sequence[str], wait_s: float) -> list[int]:
    """The numbers that a process said were acknowledged before it was killed, ``wait_s`` after the first of them."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    command = [sys.executable, "-m", module, *arguments]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(wait_s)
    child.send_signal(signal.SIGKILL)
    lines = [first, *child.stdout.read().splitlines()]
    child.wait()
    child.stdout.close()
    said = [int(line) for line in lines if line.strip().isdigit()]
    assert said, "it was killed before it said anything"
    return said


def unbroken_like(record: Record, where: Path) -> Record:
    """An empty record with the same secret: so that its people have the same keys, and their twins the same luck."""
    made = open_record(where, lambda: START)
    with made.writing(living_record.TWIN, "derive", "") as connection:
        salt = record.connection().query("SELECT value FROM meta WHERE name = 'salt'")[0][0]
        connection.query("UPDATE meta SET value = ? WHERE name = 'salt'", [salt])
    made.close()
    return open_record(where, lambda: START)


@pytest.mark.slow
def test_a_hundred_kills_while_loading_lose_nothing_double_nothing_and_leave_the_same_twins(
    tmp_path: Path, twin: BedsideTwin
) -> None:
    where, luck, acknowledged, start = tmp_path / "record.db", random.Random(7), set[int](), 0
    for turn in range(LOADS):
        batches = run_and_kill("tests.record.loader", [str(where), str(start)], luck.uniform(0, 0.05))
        acknowledged.update(n for batch in batches for n in range(batch, batch + 10))
        again = max(batches) - 30 if turn % 2 else max(batches) + 10  # a sender that was not answered sends again
        start = max(again, 0)
    record = open_record(where, lambda: START)
    reading = record.reading(living_record.TWIN)
    series = [one for subject in reading.subjects() for one in reading.series(subject.key)]
    kept = [number_of(int(time_)) for one in series for time_ in one.effective]
    assert len(kept) == len(set(kept))
    assert acknowledged <= set(kept)
    assert len(acknowledged) > 1000
    assert record.connection().query("PRAGMA integrity_check")[0][0] == "ok"
    unbroken = unbroken_like(record, tmp_path / "unbroken.db")
    luck.shuffle(kept)
    write(unbroken, [observation(n) for n in kept])
    survived, lived = living_record.start(record, twin), living_record.start(unbroken, twin)
    for ward in (survived, lived):
        up_to_date(ward, max(kept) + 1)
    assert len(numbers(survived)) == len(SUBJECTS)
    assert same(survived, lived)
    record.close()
    unbroken.close()


@pytest.mark.slow
def test_a_ward_that_was_killed_is_the_same_as_one_that_was_not(tmp_path: Path, twin: BedsideTwin) -> None:
    where, luck, last = tmp_path / "record.db", random.Random(3), 0
    for _ in range(KILLS):
        last = max(run_and_kill("tests.twin.living_loader", [str(where)], luck.uniform(0.0, 0.4)))
    record = open_record(where, lambda: START)
    survived = living_record.start(record, twin)
    up_to_date(survived, last + 1)
    key = next(iter(numbers(survived)))
    assert record.reading(living_record.TWIN).checkpoints(key, model_name(twin)), "there was nothing to go on from"
    unbroken = unbroken_like(record, tmp_path / "unbroken.db")
    lived = living_record.start(unbroken, twin)
    stored = record.connection().query("SELECT max(effective) FROM observation")[0][0]
    for minute in range(round((stored - START) / 60e6) + 1):
        write(unbroken, entries_of(minute))
        lived.turn(START + minute * 60_000_000)
    up_to_date(lived, last + 1)
    assert same(survived, lived)
    record.close()
    unbroken.close()
