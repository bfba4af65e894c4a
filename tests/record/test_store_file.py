"""A record in a file: killed at any moment, encrypted, of another age, or no record at all."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest
from tests.paths import ROOT
from tests.record.test_store import MINUTE, seen, values, write

from caretwin.base.errors import DataError
from caretwin.record.access import operator
from caretwin.record.record import open_record


def clock() -> int:
    return 1


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing_that_was_acknowledged_and_double_nothing(tmp_path: Path) -> None:
    where, luck, acknowledged, start = tmp_path / "record.db", random.Random(7), set[int](), 0
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    for turn in range(100):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.record.loader", str(where), str(start)],
            stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment,
        )  # fmt: skip
        assert child.stdout is not None
        first = child.stdout.readline()  # it is loading now
        time.sleep(luck.uniform(0, 0.05))
        child.send_signal(signal.SIGKILL)
        lines = [first, *child.stdout.read().splitlines()]
        child.wait()
        child.stdout.close()
        batches = [int(line) for line in lines if line.strip().isdigit()]
        assert batches, f"turn {turn}: the loader said nothing"
        acknowledged.update(n for batch in batches for n in range(batch, batch + 10))
        start = max(batches) - 30 if turn % 2 else max(batches) + 10  # a sender that was not answered sends again
        start = max(start, 0)
    record = open_record(where, clock)
    found = [one for key in _keys(record) for one in record.reading(operator()).series(key)]
    effective = [int(time_) // 1_000_000 for one in found for time_ in one.effective]
    assert len(effective) == len(set(effective))
    assert acknowledged <= set(effective)
    assert len(acknowledged) > 1000
    assert record.connection().query("PRAGMA integrity_check")[0][0] == "ok"
    record.close()


def _keys(record: object) -> list[str]:
    return [one.key for one in record.reading(operator()).subjects()]  # type: ignore[attr-defined]


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
