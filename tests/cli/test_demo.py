"""``caretwin demo``: real stays live in a ward, fed through real doors on the loopback interface."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from caretwin.cli import main
from caretwin.record import audit
from caretwin.record.access import operator
from caretwin.record.record import open_record
from caretwin.twin.kept_forecasts import FORECAST, SCORE

pytestmark = [pytest.mark.slow, pytest.mark.service]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    kept = tmp_path_factory.mktemp("demo") / "record.db"
    arguments = ["demo", "--patients", "3", "--hours", "3", "--speed", "600", "--record", str(kept), "--no-view"]
    found = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output, kept


def test_what_went_in_is_in_the_record_and_nothing_was_refused(shown: tuple[str, Path]) -> None:
    text, kept = shown
    record = open_record(kept, lambda: 0)
    reading = record.reading(operator())
    keys = [one.key for one in reading.subjects()]
    assert len(keys) == 3
    words = " ".join(text.split())
    assert "went through the doors" in words and "trouble" not in words
    sources = {series.source for key in keys for series in reading.series(key)}
    assert {"monitors", "devices", "laboratory"} <= {source.split("/")[0] for source in sources}
    for key in keys:
        codes = {series.code for series in reading.series(key)}
        assert {"heart_rate", "oxygen_saturation"} <= codes
        assert not any("|" in code for code in codes), "every code is known"
    assert audit.verify(record.connection())[1] is None
    record.close()


def test_laboratory_results_came_late_and_vital_signs_did_not(shown: tuple[str, Path]) -> None:
    record = open_record(shown[1], lambda: 0)
    reading = record.reading(operator())
    delays: dict[str, list[float]] = {"laboratory": [], "monitors": []}
    for one in reading.subjects():
        for series in reading.series(one.key):
            of = delays.get(series.source.split("/")[0])
            if of is not None and series.code not in ("weight", "height"):
                of += ((series.received - series.effective) / 60e6).tolist()
    record.close()
    median = {name: sorted(values)[len(values) // 2] for name, values in delays.items()}
    assert median["laboratory"] > 3.0 > 1.5 > median["monitors"]  # min


def test_twins_said_what_comes_and_were_scored(shown: tuple[str, Path]) -> None:
    record = open_record(shown[1], lambda: 0)
    reading = record.reading(operator())
    said = [one for subject in reading.subjects() for one in reading.derived(subject.key, [FORECAST])]
    scores = [one for subject in reading.subjects() for one in reading.derived(subject.key, [SCORE])]
    record.close()
    assert len(said) >= 3
    assert {one.about for one in scores} <= {one.sequence for one in said}


def test_a_record_that_exists_is_not_written_over(tmp_path: Path) -> None:
    kept = tmp_path / "record.db"
    kept.write_text("mine")
    found = CliRunner().invoke(main, ["demo", "--record", str(kept)])
    assert found.exit_code == 2 and "exists already" in found.output
    assert kept.read_text() == "mine"
