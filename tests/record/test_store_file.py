"""A record in a file: killed at any moment, encrypted, of another age, or no record at all."""

import time
from pathlib import Path

import apsw
import pytest
from tests.record.test_store import MINUTE, seen, values, write

from caretwin.base.errors import DataError
from caretwin.record.access import operator
from caretwin.record.record import open_record
from caretwin.record.store import migrate


def clock() -> int:
    return 1


def test_an_encrypted_record_tells_nothing_without_its_key(tmp_path: Path) -> None:
    where = tmp_path / "record.db"
    record = open_record(where, clock, key="a long passphrase")
    key = write(record, MINUTE, seen(80, MINUTE, source="a very particular monitor"))
    record.close()
    content = where.read_bytes() + b"".join(path.read_bytes() for path in tmp_path.glob("record.db-*"))
    assert b"a very particular monitor" not in content and not content.startswith(b"SQLite format 3")
    for wrong in (None, "another passphrase"):
        with pytest.raises(DataError, match="encrypted with another key"):
            open_record(where, clock, key=wrong)
    again = open_record(where, clock, key="a long passphrase")
    assert values(again, key) == [80.0]
    again.close()


def test_the_key_can_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARETWIN_RECORD_KEY", "secret")
    open_record(tmp_path / "record.db", clock).close()
    monkeypatch.delenv("CARETWIN_RECORD_KEY")
    with pytest.raises(DataError):
        open_record(tmp_path / "record.db", clock)


@pytest.mark.service
def test_another_sqlcipher_reads_what_ours_wrote(tmp_path: Path) -> None:
    sqlcipher = pytest.importorskip("sqlcipher3.dbapi2")
    where = tmp_path / "record.db"
    record = open_record(where, clock, key="secret")
    write(record, MINUTE, seen(80, MINUTE))
    record.close()
    other = sqlcipher.connect(str(where))
    other.execute("PRAGMA key = 'secret'")
    assert other.execute("SELECT value FROM observation").fetchall() == [(80.0,)]
    other.close()


@pytest.mark.parametrize(
    ("problem", "word"),
    [(apsw.FullError, "a full disk"), (apsw.ReadOnlyError, "cannot write"), (apsw.IOError, "error of the disk")],
)
def test_a_file_that_the_system_does_not_let_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: type[Exception], word: str
) -> None:
    def fails(*_: object) -> int:
        raise problem("as the system says it")

    monkeypatch.setattr(migrate, "apply", fails)
    with pytest.raises(DataError, match=word):
        open_record(tmp_path / "record.db", clock)


def test_a_folder_is_no_record(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a folder[\s\S]*name a file"):
        open_record(tmp_path, clock)


def test_a_record_of_a_later_caretwin_is_not_touched(tmp_path: Path) -> None:
    where = tmp_path / "record.db"
    open_record(where, clock).close()
    raw = apsw.Connection(str(where))
    raw.pragma("user_version", 999)
    raw.close()
    with pytest.raises(DataError, match="version 999, written by a later caretwin"):
        open_record(where, clock)


def test_what_is_no_record_is_refused_and_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "letter.txt"
    text.write_text("Dear colleague, thank you for referring this patient to our clinic. " * 40)
    before = text.read_bytes()
    with pytest.raises(DataError, match="no record"):
        open_record(text, clock)
    assert text.read_bytes() == before
    with pytest.raises(DataError, match="mkdir -p"):
        open_record(tmp_path / "nowhere" / "record.db", clock)


def test_a_server_that_does_not_answer_is_an_error_with_advice() -> None:
    with pytest.raises(DataError, match="psql with the same URL must work"):
        open_record("postgresql://nobody@127.0.0.1:1/none", clock)


def test_a_reader_never_waits_for_the_writer(tmp_path: Path) -> None:
    record = open_record(tmp_path / "record.db", clock)
    key = write(record, MINUTE, seen(80, MINUTE))
    reading = record.reading(operator()).of([key])
    with record.writing(operator(), "configure", "") as connection:
        connection.query("INSERT INTO meta VALUES ('x', 'y')")
        begun = time.monotonic()
        assert reading.latest(key)[0].value == 80.0
        assert time.monotonic() - begun < 2.0
    record.close()
