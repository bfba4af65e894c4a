"""A ward that is killed again and again ends as one that never was: the same twins, to the last bit."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from caretwin.record.record import open_record
from caretwin.twin import living_record
from caretwin.twin.live import BedsideTwin
from caretwin.twin.living_checkpoints import model_name
from tests.paths import ROOT
from tests.twin.conftest import START
from tests.twin.living_loader import entries_of
from tests.twin.test_living_ward import numbers, same, up_to_date, write

KILLS = 8


@pytest.mark.slow
def test_a_ward_that_was_killed_is_the_same_as_one_that_was_not(tmp_path: Path, twin: BedsideTwin) -> None:
    where, luck, last = tmp_path / "record.db", random.Random(3), 0
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    for _ in range(KILLS):
        command = [sys.executable, "-m", "tests.twin.living_loader", str(where)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(luck.uniform(0.0, 0.4))
        child.send_signal(signal.SIGKILL)
        lines = [first, *child.stdout.read().splitlines()]
        child.wait()
        child.stdout.close()
        last = max(int(line) for line in lines if line.strip().isdigit())
    record = open_record(where, lambda: START)
    survived = living_record.start(record, twin)
    up_to_date(survived, last + 1)
    key = next(iter(numbers(survived)))
    assert record.reading(living_record.TWIN).checkpoints(key, model_name(twin)), "there was nothing to go on from"
    unbroken = open_record(tmp_path / "unbroken.db", lambda: START)
    with unbroken.writing(living_record.TWIN, "derive", "") as connection:  # the same secret: the same keys and luck
        salt = record.connection().query("SELECT value FROM meta WHERE name = 'salt'")[0][0]
        connection.query("UPDATE meta SET value = ? WHERE name = 'salt'", [salt])
    unbroken.close()
    unbroken = open_record(tmp_path / "unbroken.db", lambda: START)
    lived = living_record.start(unbroken, twin)
    stored = record.connection().query("SELECT max(effective) FROM observation")[0][0]
    for minute in range(round((stored - START) / 60e6) + 1):
        write(unbroken, entries_of(minute))
        lived.turn(START + minute * 60_000_000)
    up_to_date(lived, last + 1)
    assert same(survived, lived)
    record.close()
    unbroken.close()
