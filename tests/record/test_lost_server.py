"""A server that goes away and comes back: nothing acknowledged is lost, nothing doubled, nobody has to restart."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.record.conftest import Ticking
from tests.record.test_one_moment import after_the_first
from tests.record.test_store import DOOR, MINUTE, MRS_A, reader, seen, values, write

from caretwin.record import audit
from caretwin.record.access import Action, Actor, Decision, by_role, operator
from caretwin.record.entry import Batch, Derived, Event
from caretwin.record.record import Record, open_record
from caretwin.record.store import keep, postgres_session
from caretwin.record.store.connection import CommitUnknownError, ConnectionLostError
from caretwin.record.writer import Writer

pytestmark = [pytest.mark.service, pytest.mark.parametrize("where", ["postgres"], indirect=True)]
TWIN = Actor("twin", "twin")


def cut(where: str) -> None:
    """End all sessions with the database, as a server does that is stopped or fails over."""
    with psycopg.connect(where, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def group() -> Batch:
    """Entries of every kind: with a source's name, without one, and a derived one, which has neither."""
    forecast = Derived(MRS_A, "forecast", MINUTE, {"median": 82.0}, {"seed": 0})
    return Batch(
        (seen(80, MINUTE, source_id="a"), seen(70, 2 * MINUTE), Event(MRS_A, "fall", 5, "x"), forecast), 1, "x"
    )


def counted(record: Record) -> list[int]:
    """Rows of each kind of entry, and rows of the audit trail about a write."""
    tables = ("observation", "event", "derived", "intake", "version")
    found = [int(record.connection().query(f"SELECT count(*) FROM {table}")[0][0]) for table in tables]
    return [*found, int(record.connection().query("SELECT count(*) FROM audit WHERE action = 'write'")[0][0])]


ONCE = [2, 1, 1, 1, 3, 1]


@pytest.fixture
def session(record: Record) -> Iterator[Any]:
    """The session that writes, for tests that let it fail at a certain statement."""
    yield record._connections.write._session  # type: ignore[attr-defined]


class Cutting:
    """A driver's connection that is cut before, or after, the server did what it was told."""

    def __init__(self, raw: Any, where: str, *, after: bool) -> None:
        self.raw, self.where, self.after = raw, where, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)

    def execute(self, sql: str, *more: Any) -> Any:
        if sql != "COMMIT":
            return self.raw.execute(sql, *more)
        if self.after:
            self.raw.execute(sql)
            self.raw.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        cut(self.where)
        return self.raw.execute(sql)


def test_readers_and_writers_go_on_after_the_server_was_away(record: Record, where: str) -> None:
    key = write(record, MINUTE, seen(80, MINUTE))
    reading = reader(record)
    assert len(reading.series(key)[0]) == 1
    cut(where)
    assert len(reading.series(key)[0]) == 1
    cut(where)
    assert write(record, 2 * MINUTE, seen(81, 2 * MINUTE)) == key
    cut(where)
    with record.writing(operator(), "write", "quarantine") as connection:
        keep.quarantine(connection, MINUTE, "icu", "no patient", "hl7v2", b"MSH|")
    cut(where)
    assert len(keep.quarantined(record.connection())) == 1
    assert values(record, key) == [80.0, 81.0]


def test_a_question_that_was_cut_off_is_put_anew(record: Record, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key = write(record, MINUTE, seen(80, MINUTE))
    after_the_first("FROM observation", record, lambda: cut(where), monkeypatch)
    assert values(record, key) == [80.0]


def test_a_group_that_was_cut_off_before_its_commit_is_written_once(where: str, clock: Ticking) -> None:
    cuts = [True]

    def cutting(actor: Actor, action: Action, subject: str) -> Decision:
        if action == "write" and cuts:  # the policy is asked amid the transaction
            cuts.pop()
            cut(where)
        return by_role(actor, action, subject)

    record = open_record(where, clock, policy=cutting)
    receipt = record.append(DOOR, [group()])[0]
    assert not cuts and receipt.duplicates == 0
    assert counted(record) == ONCE
    record.close()


@pytest.mark.parametrize("after", [False, True], ids=["before the server committed", "after it"])
def test_a_group_that_was_cut_off_in_its_commit_is_written_once(
    record: Record, where: str, session: Any, after: bool
) -> None:
    session._raw = Cutting(session._raw, where, after=after)
    heard: list[int] = []
    record.listen(lambda batches, _: heard.append(len(batches)))
    receipt = record.append(DOOR, [group()])[0]
    assert counted(record) == ONCE and heard == [1]
    assert receipt.duplicates == 0
    found = record.connection().query("SELECT sequence FROM observation ORDER BY sequence")
    assert receipt.sequences[:2] == tuple(row[0] for row in found)
    again = record.append(DOOR, [group()])[0]
    assert again.sequences[:3] == receipt.sequences[:3] and again.duplicates == 3
    assert audit.verify(record.connection())[1] is None


def test_a_server_that_stays_away_is_an_error_and_not_an_acknowledgement(
    record: Record, where: str, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_session, "PATIENCE_S", 0.2)
    opens = session._open

    def refused() -> Any:
        raise psycopg.OperationalError("connection refused")

    with Writer(record) as writer:
        monkeypatch.setattr(session, "_open", refused)
        cut(where)
        with pytest.raises(ConnectionLostError, match="comes back within") as lost:
            writer.submit(DOOR, group(), wait_s=1).result(20)
        assert not isinstance(lost.value, CommitUnknownError)
        monkeypatch.setattr(session, "_open", opens)
        assert writer.submit(DOOR, group(), wait_s=1).result(20).duplicates == 0
    assert counted(record) == ONCE


def test_where_nobody_can_say_what_became_of_a_commit_that_is_what_is_said(
    record: Record, where: str, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_session, "PATIENCE_S", 0.2)
    opens = session._open

    def refused() -> Any:
        raise psycopg.OperationalError("connection refused")

    session._raw = Cutting(session._raw, where, after=True)
    monkeypatch.setattr(session, "_open", refused)
    with pytest.raises(CommitUnknownError, match="send it again"):
        record.append(DOOR, [group()])
    monkeypatch.setattr(session, "_open", opens)
    assert record.append(DOOR, [group()])[0].duplicates == 3
    assert counted(record)[:2] == [2, 1], "what has a name or a content of its own is not doubled"


def test_a_statement_amid_a_transaction_that_is_lost_is_not_run_outside_of_it(record: Record, where: str) -> None:
    with pytest.raises(ConnectionLostError), record.writing(operator(), "write", "two codes") as connection:
        connection.query("INSERT INTO meta VALUES ('x', 'y')")
        cut(where)
        for _ in range(2):
            with pytest.raises(ConnectionLostError):
                connection.query("INSERT INTO meta VALUES ('z', 'y')")
        raise ConnectionLostError("x", seen="x", wanted="x", fix="x")
    assert record.connection().query("SELECT count(*) FROM meta WHERE name IN ('x', 'z')") == [(0,)]
