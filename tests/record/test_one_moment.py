"""An answer is of one moment of the record, whoever writes while it is read."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.record.conftest import Ticking
from tests.record.test_store import MINUTE, MRS_A, reader, seen, write

from caretwin.record.entry import Event
from caretwin.record.record import Record, open_record


def after_the_first(statement: str, record: Record, act: Callable[[], object], patch: pytest.MonkeyPatch) -> None:
    """Let something happen right after the first statement about a table that this thread reads."""
    connection: Any = record.connection()
    asked, done = connection.query, list[bool]()

    def query(sql: str, parameters: Any = ()) -> Any:
        rows = asked(sql, parameters)
        if statement in sql and not done:
            done.append(True)
            act()
        return rows

    patch.setattr(connection, "query", query)


@pytest.mark.parametrize("question", ["series", "latest", "events", "first_effective"])
def test_a_correction_amid_a_question_is_seen_whole_or_not_at_all(
    record: Record, where: str, clock: Ticking, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the observations and what of them is superseded: without one moment nothing would be left."""
    said = Event(MRS_A, "fall", 5, "notes", {"injury": "none"}, source_id="f", version=1)
    mended = Event(MRS_A, "fall", 5, "notes", {"injury": "bruise"}, source_id="f", version=2)
    key = write(record, MINUTE, seen(80, MINUTE, source_id="a", version=1), said)
    other = open_record(where, clock)
    table = "FROM event" if question == "events" else "FROM observation" if question == "series" else "FROM series"
    after_the_first(
        table,
        record,
        lambda: write(other, 2 * MINUTE, seen(88, 2 * MINUTE, source_id="a", version=2), mended),
        monkeypatch,
    )
    ask = {
        "series": lambda: [float(value) for one in reader(record).series(key) for value in one.value],
        "latest": lambda: [one.value for one in reader(record).latest(key)],
        "events": lambda: [one.body["injury"] for one in reader(record).events(key)],
        "first_effective": lambda: reader(record).first_effective(key, ["heart_rate"]),
    }[question]
    old: Any = {"events": ["none"], "first_effective": MINUTE}.get(question, [80.0])
    new: Any = {"events": ["bruise"], "first_effective": 2 * MINUTE}.get(question, [88.0])
    assert ask() == old
    assert ask() == new
    other.close()


def test_several_questions_can_be_of_one_moment(record: Record, where: str, clock: Ticking) -> None:
    key = write(record, MINUTE, seen(80, MINUTE))
    other, reading = open_record(where, clock), reader(record)

    def twice() -> tuple[int, int]:
        first = len(reading.series(key)[0])
        write(other, 2 * MINUTE, seen(81, 2 * MINUTE))
        return first, len(reading.series(key)[0])

    assert reading.at_once(twice) == (1, 1)
    assert len(reading.series(key)[0]) == 2
    other.close()


def test_a_question_that_fails_leaves_no_moment_behind(record: Record) -> None:
    key = write(record, MINUTE, seen(80, MINUTE))
    reading = reader(record)
    with pytest.raises(ZeroDivisionError):
        reading.at_once(lambda: 1 // 0)
    write(record, 2 * MINUTE, seen(81, 2 * MINUTE))
    assert len(reading.series(key)[0]) == 2
