"""A question to an export reads the export, and nothing else; it writes nothing."""

from pathlib import Path

import pytest
from tests.record.test_store import MINUTE, MR_B, MRS_A, seen, write

from caretwin.base.errors import DataError
from caretwin.record.access import operator
from caretwin.record.entry import Identifier, Link, SubjectRef
from caretwin.record.export import export
from caretwin.record.export_query import ask
from caretwin.record.record import open_record


@pytest.fixture
def out(tmp_path: Path) -> Path:
    record = open_record(tmp_path / "record.db", lambda: MINUTE)
    write(record, MINUTE, seen(60, 1))
    export(record, operator(), tmp_path / "mum's ward")
    record.close()
    (tmp_path / "secret.csv").write_text("name\nAda\n")
    return tmp_path / "mum's ward"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT content FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd', header = false, sep = '?')",
        "SELECT * FROM '{beside}/secret.csv'",
        "SELECT * FROM read_text('{out}/../secret.csv')",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1) TO '{beside}/written.csv'",
        "COPY (SELECT 1) TO '{out}/written.csv'",
        "COPY observation TO '{out}/observation/00000000000000000001.parquet'",
        "SELECT 1; COPY (SELECT 1) TO '{out}/written.csv'",
        "ATTACH '{beside}/written.db'",
        "ATTACH '{out}/written.db'",
        "EXPORT DATABASE '{out}'",
        "INSTALL httpfs",
        "LOAD sqlite",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "RESET lock_configuration",
        "CREATE TABLE x AS SELECT 1",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "SELECT * FROM columns",
        "SELECT getenv('HOME')",
        "",
    ],
)
def test_a_question_that_reaches_further_is_refused(out: Path, sql: str) -> None:
    before = {path: path.read_bytes() for path in out.parent.rglob("*") if path.is_file()}
    with pytest.raises(DataError, match="no other file"):
        ask(out, sql.format(beside=out.parent, out=str(out).replace("'", "''")))
    assert {path: path.read_bytes() for path in out.parent.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT value FROM current_observation", [(60.0,)]),
        ("WITH one AS (SELECT * FROM observation) SELECT count(*) FROM one", [(1,)]),
        ("SELECT count(*) FROM superseded;", [(0,)]),
        ("FROM observation SELECT code", [("heart_rate",)]),
        ("SELECT column_name FROM (DESCRIBE observation) LIMIT 1", [("sequence",)]),
    ],
)
def test_what_a_question_may_do(out: Path, sql: str, rows: list[tuple[object, ...]]) -> None:
    assert ask(out, sql)[1] == rows


def test_the_columns_are_told(out: Path) -> None:
    assert ("value", "DOUBLE") in [row[:2] for row in ask(out, "DESCRIBE observation")[1]]
    assert ask(out, "EXPLAIN SELECT * FROM observation")[1]


def test_who_was_merged_is_one_person_of_an_export_too(tmp_path: Path) -> None:
    record = open_record(tmp_path / "record.db", lambda: MINUTE)
    third = SubjectRef((Identifier("urn:nhs", "9434765919"),))
    for number, ref in enumerate((MRS_A, MR_B, third)):
        write(record, MINUTE, seen(60 + number, 1 + number, subject=ref))
    export(record, operator(), tmp_path / "out")
    write(record, MINUTE, Link(MR_B, MRS_A, "adt"))  # and after the first run: merges of merges
    survivor = write(record, MINUTE, Link(third, MR_B, "adt"))
    export(record, operator(), tmp_path / "out")
    record.close()
    _, rows = ask(tmp_path / "out", "SELECT DISTINCT subject FROM current_observation")
    assert rows == [(survivor,)]
    assert ask(tmp_path / "out", "SELECT count(*) FROM current_observation")[1] == [(3,)]


def test_who_was_parted_is_two_people_of_an_export_too(tmp_path: Path) -> None:
    record = open_record(tmp_path / "record.db", lambda: MINUTE)
    keys = [write(record, MINUTE, seen(60, 1 + number, subject=ref)) for number, ref in enumerate((MRS_A, MR_B))]
    write(record, MINUTE, Link(MR_B, MRS_A, "adt"))
    export(record, operator(), tmp_path / "out")
    assert len(ask(tmp_path / "out", "SELECT DISTINCT subject FROM current_observation")[1]) == 1
    record.part(operator(), keys[0], 2 * MINUTE, "two wristbands")
    export(record, operator(), tmp_path / "out")
    record.close()
    _, rows = ask(tmp_path / "out", "SELECT subject FROM current_observation")
    assert sorted(rows) == sorted((key,) for key in keys)
