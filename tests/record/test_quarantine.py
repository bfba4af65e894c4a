"""A refused message waits once, however often it is sent; a record of the earlier form learns to count."""

import tracemalloc
from typing import Any

import pytest
from tests.record.conftest import Ticking
from tests.record.test_store import MINUTE, reader, seen, values, write

from caretwin.record.access import AccessDeniedError, Action, Actor, Decision, by_role, operator
from caretwin.record.record import Record, open_record
from caretwin.record.store import keep, migrate


def refuse(record: Record, at: int, raw: bytes = b"MSH|", door: str = "icu", **more: Any) -> int:
    with record.writing(operator(), "write", "quarantine") as connection:
        media = more.pop("media", "hl7v2")
        return keep.quarantine(connection, at, door, more.pop("reason", "no patient"), media, raw, **more)


def test_a_refused_message_that_is_sent_again_is_counted(record: Record) -> None:
    numbers = {refuse(record, at * MINUTE, reason=f"reason {at}") for at in (1, 3, 2)}
    (found,) = keep.quarantined(record.connection())
    assert numbers == {found.number}
    assert (found.received, found.last, found.times) == (MINUTE, 3 * MINUTE, 3)
    assert found.reason == "reason 2", "what has to be mended now"


@pytest.mark.parametrize("other", [{"raw": b"MSH|2"}, {"door": "ward"}, {"media": "fhir"}], ids=str)
def test_another_message_is_another(record: Record, other: dict[str, Any]) -> None:
    assert refuse(record, MINUTE) != refuse(record, MINUTE, **other)
    assert [one.times for one in keep.quarantined(record.connection())] == [1, 1]


def test_what_was_dealt_with_does_not_wait_again(record: Record) -> None:
    number = refuse(record, MINUTE)
    with record.writing(operator(), "write", "resolve") as connection:
        keep.resolve(connection, number, 2 * MINUTE, "me", "dropped: a test message")
    assert refuse(record, 3 * MINUTE) == number
    assert keep.quarantined(record.connection()) == []
    assert keep.quarantined(record.connection(), waiting=False)[0].times == 2


def test_the_list_reads_no_message_and_only_what_is_asked_for(record: Record) -> None:
    numbers = [refuse(record, MINUTE, b"\x00" * 4_000_000 + bytes([n]), "ward" if n else "icu") for n in range(4)]
    with record.writing(operator(), "write", "resolve") as connection:
        keep.resolve(connection, numbers[1], 2 * MINUTE, "me", "accepted: 3 entries")
        keep.resolve(connection, numbers[2], 2 * MINUTE, "me", "accepted: 3 entries")
        keep.resolve(connection, numbers[2], 3 * MINUTE, "me", "refused again: no patient")
    tracemalloc.start()
    found = keep.quarantined(record.connection())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [one.number for one in found] == [numbers[0], *numbers[2:]] and peak < 1_000_000
    assert {one.size for one in found} == {4_000_001}
    ward = keep.quarantined(record.connection(), "ward", waiting=False)
    assert [(one.number, one.outcome) for one in ward] == [
        (numbers[1], "accepted: 3 entries"), (numbers[2], "refused again: no patient"), (numbers[3], ""),
    ]  # fmt: skip
    assert keep.message(record.connection(), numbers[3])[-1] == 3
    with pytest.raises(KeyError):
        keep.message(record.connection(), 99)


@pytest.fixture
def of_0001(where: str, clock: Ticking, monkeypatch: pytest.MonkeyPatch) -> str:
    """A record of the first form, with what its caretwin could have written."""
    first = migrate.migrations()[:1]
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "migrations", lambda: first)
        record = open_record(where, clock)
        with record.writing(operator(), "write", "what the caretwin of today looks for") as connection:
            connection.query("CREATE TABLE parted (undone BIGINT, received BIGINT)")
        write(record, 10 * MINUTE, seen(82, MINUTE, source_id="a", version=2))
        write(record, 10 * MINUTE, seen(90, 2 * MINUTE, source_id="b", version=1))
        write(record, 5 * MINUTE, seen(80, MINUTE, source_id="a", version=1))
        with record.writing(operator(), "write", "as it was") as connection:
            connection.query("UPDATE superseded SET received = ?", [5 * MINUTE])
            row = [1, MINUTE, "icu", "no patient", "hl7v2", b"MSH|"]
            connection.query("INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?)", row)
            connection.query("DROP TABLE parted")
        record.close()
    return where


def test_a_record_of_the_first_form_is_brought_to_the_newest(of_0001: str, clock: Ticking) -> None:
    record = open_record(of_0001, clock)
    (key,) = [one.key for one in reader(record).subjects()]
    assert values(record, key, as_of=7 * MINUTE) == [80.0], "it ended when the better one came"
    assert values(record, key) == [82.0, 90.0]
    (found,) = keep.quarantined(record.connection())
    assert (found.times, found.last, found.size) == (1, MINUTE, 4)
    assert refuse(record, 4 * MINUTE) == found.number
    assert refuse(record, 5 * MINUTE) == found.number
    (found,) = keep.quarantined(record.connection())
    assert (found.received, found.times, found.last) == (MINUTE, 3, 5 * MINUTE)
    record.close()
    again = open_record(of_0001, clock)
    assert values(again, key) == [82.0, 90.0]
    again.close()


def test_a_refused_message_is_read_as_a_look_at_whom_it_is_about(record: Record) -> None:
    key = write(record, MINUTE, seen(80, MINUTE))
    number = refuse(record, MINUTE, b"PID|1||4711", subjects=[key])
    of_nobody = refuse(record, MINUTE, b"what is this")
    assert reader(record).refused(number) == b"PID|1||4711" and reader(record).refused(of_nobody) == b"what is this"
    rows = record.connection().query("SELECT subject FROM audit WHERE action = 'read' AND allowed = 1 ORDER BY n")
    assert [row[0] for row in rows] == ["", key, ""]
    with pytest.raises(KeyError):
        reader(record).refused(99)


def test_who_may_not_read_about_the_person_is_not_shown_the_message(where: str, clock: Ticking) -> None:
    def but_one(actor: Actor, action: Action, subject: str) -> Decision:
        return Decision(False, "not this one", "") if action == "read" and subject else by_role(actor, action, subject)

    record = open_record(where, clock, policy=but_one)
    number = refuse(record, MINUTE, b"PID|1||4711", subjects=[write(record, MINUTE, seen(80, MINUTE))])
    with pytest.raises(AccessDeniedError):
        reader(record).refused(number)
    record.close()
