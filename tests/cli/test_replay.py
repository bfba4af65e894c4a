"""``caretwin replay home``: sensors and notes of a home that does not exist, through real doors."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from caretwin.cli import main
from caretwin.record.access import operator
from caretwin.record.record import open_record


@pytest.mark.slow
@pytest.mark.service
def test_a_home_comes_in_through_the_doors(tmp_path: Path) -> None:
    kept = tmp_path / "record.db"
    arguments = ["replay", "home", "--subjects", "2", "--hours", "3", "--speed", "2400", "--record", str(kept)]
    found = CliRunner().invoke(main, [*arguments, "--no-view"], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    record = open_record(kept, lambda: 0)
    reading = record.reading(operator())
    kinds = {one.key: one.kind for one in reading.subjects()}
    assert sorted(kinds.values()) == ["place", "place", "resident", "resident"]
    for key, kind in kinds.items():
        codes = {series.code for series in reading.series(key)}
        assert ({"room_temperature", "room_carbon_dioxide"} if kind == "place" else {"bed_occupied", "steps"}) <= codes
    record.close()


def test_a_folder_has_no_home() -> None:
    found = CliRunner().invoke(main, ["replay", "home", "--clif", "."])
    assert found.exit_code == 2 and "only stays" in found.output
