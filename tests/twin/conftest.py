"""A small twin and a record of its own, for tests of wards that live."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from caretwin.record.record import Record, open_record
from caretwin.twin.bedside_twin import BedsideTwin, bedside_twin
from caretwin.twin.living.course import MINUTE

START = 29_000_000 * MINUTE
"""us: a minute of February 2025."""


@pytest.fixture(scope="session")
def twin() -> BedsideTwin:
    return bedside_twin(particles=60, single=True)


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    opened = open_record(tmp_path / "record.db", lambda: START)
    yield opened
    opened.close()
