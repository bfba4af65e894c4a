"""The loop of a ward: what is committed reaches the twins by itself, and a stopped loop goes on where it was."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.twin.conftest import START
from tests.twin.test_living_ward import vitals, write

from caretwin.record.record import open_record
from caretwin.serve import ward_loop
from caretwin.serve.ward_loop import WardLoop
from caretwin.twin.bedside_twin import BedsideTwin, bedside_twin
from caretwin.twin.living import record as living_record
from caretwin.twin.living.course import MINUTE
from caretwin.twin.living.ward import LivingWard


@pytest.fixture(scope="module")
def small() -> BedsideTwin:
    return bedside_twin(particles=60, single=True)


def wait_for(what: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


@pytest.mark.slow
def test_what_is_committed_reaches_the_twin_and_is_foretold_and_survives(tmp_path: Path, small: BedsideTwin) -> None:
    record = open_record(tmp_path / "record.db", lambda: START + 10 * MINUTE)
    loop = WardLoop(record, small, lambda: START + 10 * MINUTE)
    loop.start()
    loop.wait_until_ready()
    (key,) = set(write(record, vitals(0, range(10))))
    wait_for(lambda: bool(loop.board) and bool(loop.board[0].vitals) and loop.forecasts.count > 0)
    (row,) = loop.board
    assert row.subject == key and row.twin == START // MINUTE + 9
    assert row.vitals["heart_rate"].value == vitals(0, range(10))[36].value
    wait_for(lambda: loop.board[0].vitals["heart_rate"].ahead is not None)
    low, middle, high = loop.board[0].vitals["heart_rate"].ahead or (0.0, 0.0, 0.0)
    assert low < middle < high
    assert loop.pulse.delays_s
    loop.stop()
    again = WardLoop(record, small, lambda: START + 10 * MINUTE)
    again.start()
    again.wait_until_ready()
    wait_for(lambda: bool(again.board))
    assert again.board[0].twin == START // MINUTE + 9
    assert again.pulse.rows <= 2  # from the checkpoint, not from the beginning
    again.stop()
    record.close()


def test_a_record_that_cannot_be_read_at_the_start_is_tried_again(
    tmp_path: Path, small: BedsideTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = open_record(tmp_path / "record.db", lambda: START)
    real, tries = living_record.start, list[int]()

    def start(*arguments: Any) -> LivingWard:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("database is locked")
        return real(*arguments)

    monkeypatch.setattr(living_record, "start", start)
    monkeypatch.setattr(ward_loop, "START_AGAIN_S", 0.05)
    loop = WardLoop(record, small, lambda: START)
    loop.start()
    wait_for(lambda: loop.ward is not None)
    assert len(tries) == 2
    wait_for(lambda: not loop.pulse.trouble)
    loop.stop()
    record.close()
