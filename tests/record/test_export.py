"""The record as Parquet: complete, without identifiers, and adding only what is new."""

import json
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from tests.record.test_store import DOOR, MINUTE, MRS_A, seen, write

from caretwin.base.errors import DataError
from caretwin.record import export as exporting
from caretwin.record.access import AccessDeniedError, operator
from caretwin.record.entry import Event, Status
from caretwin.record.export import export
from caretwin.record.export_query import ask
from caretwin.record.record import Record


def test_an_export_holds_what_the_record_holds_and_no_identifier(record: Record, tmp_path: Path) -> None:
    key = write(record, 10 * MINUTE, *(seen(60 + n, n * MINUTE) for n in range(5)), Event(MRS_A, "fall", 5, "notes"))
    counts = export(record, operator(), tmp_path / "out")
    assert counts["observation"] == 5 and counts["event"] == 1
    table = parquet.read_table(next((tmp_path / "out" / "observation").glob("*.parquet")))
    assert table.column("subject").to_pylist() == [key] * 5
    assert table.column("value").to_pylist() == [60.0, 61.0, 62.0, 63.0, 64.0]
    assert table.column("effective")[1].as_py().timestamp() == 60.0
    assert not any(b"4711" in path.read_bytes() for path in (tmp_path / "out").rglob("*.parquet"))


def test_a_second_run_adds_what_came_since_and_touches_no_file(record: Record, tmp_path: Path) -> None:
    write(record, MINUTE, seen(60, 1))
    export(record, operator(), tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.parquet")}
    assert export(record, operator(), tmp_path / "out")["observation"] == 0
    write(record, MINUTE, seen(61, 2))
    assert export(record, operator(), tmp_path / "out")["observation"] == 1
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert ask(tmp_path / "out", "SELECT count(*), max(value) FROM observation") == (
        ["count_star()", 'max("value")'],
        [(2, 61.0)],
    )


def test_questions_can_leave_out_what_no_longer_holds(record: Record, tmp_path: Path) -> None:
    write(record, MINUTE, seen(60, 1, source_id="a", version=1), seen(70, 2, source_id="b", version=1))
    write(record, 2 * MINUTE, seen(65, 1, source_id="a", version=2))
    write(record, 3 * MINUTE, seen(None, 2, source_id="b", version=2, status=Status.RETRACTED))
    export(record, operator(), tmp_path / "out")
    assert ask(tmp_path / "out", "SELECT list(value) FROM current_observation")[1] == [([65.0],)]
    assert ask(tmp_path / "out", "SELECT count(*) FROM observation")[1] == [(4,)]
    assert ask(tmp_path / "out", "SELECT count(*) FROM event")[1] == [(0,)]


def test_who_may_not_export_does_not_and_a_wrong_folder_is_left_alone(record: Record, tmp_path: Path) -> None:
    with pytest.raises(AccessDeniedError):
        export(record, DOOR, tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.doc").write_text("mine")
    with pytest.raises(DataError, match="other files"):
        export(record, operator(), tmp_path / "mine")
    with pytest.raises(DataError, match="no export"):
        ask(tmp_path / "mine", "SELECT 1")
    export(record, operator(), tmp_path / "out")
    with pytest.raises(DataError, match="DESCRIBE"):
        ask(tmp_path / "out", "SELEC")


def test_a_run_that_broke_off_doubles_nothing(record: Record, tmp_path: Path) -> None:
    write(record, MINUTE, *(seen(60 + n, n) for n in range(3)))
    export(record, operator(), tmp_path / "out")
    written = next((tmp_path / "out" / "observation").glob("*.parquet"))
    manifest = tmp_path / "out" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "after": {}, "files": []}))
    write(record, MINUTE, seen(70, 9))
    export(record, operator(), tmp_path / "out")
    assert written.exists()
    assert ask(tmp_path / "out", "SELECT count(*) FROM observation")[1] == [(4,)]


def test_a_version_that_came_too_late_is_not_current_in_the_next_run_either(record: Record, tmp_path: Path) -> None:
    """It is superseded by an entry that the last run has written already."""
    write(record, MINUTE, seen(65, 1, source_id="a", version=2))
    export(record, operator(), tmp_path / "out")
    write(record, 2 * MINUTE, seen(60, 1, source_id="a", version=1))
    assert export(record, operator(), tmp_path / "out")["superseded"] == 1
    assert ask(tmp_path / "out", "SELECT list(value) FROM current_observation")[1] == [([65.0],)]


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_page_parts_nothing_that_came_together(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """One correction may end several versions: they have one number, and a page may end amid them."""
    monkeypatch.setattr(exporting, "ROWS_IN_A_FILE", rows)
    for received, version in ((30, 3), (20, 2), (10, 1), (5, 4)):  # the last is known first, and ends them all
        write(record, received * MINUTE, seen(60 + version, 1, source_id="a", version=version))
    counted = record.connection().query("SELECT count(*) FROM superseded")[0][0]
    assert export(record, operator(), tmp_path / "out")["superseded"] == counted > 3
    assert ask(tmp_path / "out", "SELECT count(*) FROM superseded")[1] == [(counted,)]
    assert ask(tmp_path / "out", "SELECT list(value) FROM current_observation")[1] == [([64.0],)]


def test_what_comes_while_it_is_written_is_the_next_runs(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a correction could be in one table and what it corrects in no other."""
    write(record, MINUTE, seen(60, 1, source_id="a", version=1))
    arrow = exporting._arrow

    def meanwhile(columns: object, rows: object) -> object:
        write(record, 2 * MINUTE, seen(65, 1, source_id="a", version=2))
        return arrow(columns, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(exporting, "_arrow", meanwhile)
    counts = export(record, operator(), tmp_path / "out")
    assert {table: count for table, count in counts.items() if count} == {"observation": 1}
    assert ask(tmp_path / "out", "SELECT list(value) FROM current_observation")[1] == [([60.0],)]
    monkeypatch.setattr(exporting, "_arrow", arrow)
    export(record, operator(), tmp_path / "out")
    assert ask(tmp_path / "out", "SELECT list(value) FROM current_observation")[1] == [([65.0],)]


def test_an_export_of_an_earlier_form_is_mended_by_its_next_run(record: Record, tmp_path: Path) -> None:
    write(record, MINUTE, seen(65, 1, source_id="a", version=2))
    write(record, 2 * MINUTE, seen(60, 1, source_id="a", version=1))
    export(record, operator(), tmp_path / "out")
    manifest = tmp_path / "out" / "manifest.json"
    old = json.loads(manifest.read_text())
    del old["form"]
    old["files"] = [name for name in old["files"] if not name.startswith("superseded/")]  # it had missed the row
    manifest.write_text(json.dumps(old))
    export(record, operator(), tmp_path / "out")
    assert ask(tmp_path / "out", "SELECT list(value) FROM current_observation")[1] == [([65.0],)]
