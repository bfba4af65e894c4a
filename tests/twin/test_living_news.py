"""A ward asks the record what is new: whoever wrote it, and whatever went wrong meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from caretwin.record.access import operator
from caretwin.record.entry import Event, Identifier, Link, Observation, SubjectRef
from caretwin.record.record import Record, open_record
from caretwin.record.store.connection import CommitUnknownError
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.living import record as living_record
from caretwin.twin.living.course import MINUTE
from caretwin.twin.living.record import course_of
from caretwin.twin.living.ward import LivingWard
from tests.twin.conftest import START
from tests.twin.test_living_ward import in_order, lactate, same, up_to_date, vitals, who, write


def test_what_another_process_writes_reaches_the_twin_and_its_checkpoints(tmp_path: Path, twin: BedsideTwin) -> None:
    record = open_record(tmp_path / "record.db", lambda: START)
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, range(20))))
    up_to_date(ward, 20)
    other = open_record(tmp_path / "record.db", lambda: START)  # a connection that tells our listeners nothing
    write(other, [lactate(0, 5), *vitals(0, range(20, 22))])
    other.close()
    write(record, vitals(0, [22]))
    up_to_date(ward, 23)
    assert living_record.save(record, ward, [key]) == 1
    assert same(ward, in_order(record, twin, 23))
    record.close()
    record = open_record(tmp_path / "record.db", lambda: START)
    again = living_record.start(record, twin)
    up_to_date(again, 23)
    assert same(ward, again)
    record.close()


def test_a_patient_who_gets_a_new_number_keeps_the_twin(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    write(record, vitals(0, range(20)))
    up_to_date(ward, 20)
    new = SubjectRef((Identifier("urn:new", "1"),))
    write(record, [Link(new, who(0), "adt")])  # of the new number nothing else is known
    up_to_date(ward, 20)
    (key,) = ward.subjects()
    assert len(ward.course(key)) == len(course_of(record.reading(living_record.TWIN), key, None))
    write(record, vitals(0, [20]))
    up_to_date(ward, 21)
    assert same(ward, in_order(record, twin, 21))


def test_a_number_that_was_told_without_a_value_is_no_empty_twin_after_a_merge(
    record: Record, twin: BedsideTwin
) -> None:
    ward = living_record.start(record, twin)
    write(record, vitals(0, range(10)))
    new = SubjectRef((Identifier("urn:new", "1"),))
    write(record, [Event(new, "condition", START, "ehr", {"code": "x"}, source_id="c1")])
    up_to_date(ward, 10)
    write(record, [Link(new, who(0), "adt")])
    write(record, vitals(0, [10]))
    up_to_date(ward, 11)
    assert same(ward, in_order(record, twin, 11))


def test_an_erasure_is_followed_though_reading_failed_once(
    record: Record, twin: BedsideTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, range(4))))
    up_to_date(ward, 4)
    record.erase(operator(), key, "asked for")
    assert ward.roll.book is not None
    book = ward.roll.book

    def locked() -> list[str]:
        monkeypatch.setattr(ward.roll, "book", book)
        raise OSError("database is locked")

    monkeypatch.setattr(ward.roll, "book", book._replace(subjects=locked))
    with pytest.raises(OSError, match="locked"):
        ward.turn(START + 4 * MINUTE)
    ward.turn(START + 4 * MINUTE)
    assert not ward.subjects()


def test_what_was_kept_though_nobody_could_say_so_is_heard(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    real = record._connections.write.transaction

    @contextmanager
    def lost() -> Iterator[None]:
        with real():
            yield
        raise CommitUnknownError("commit", seen="the server went away", wanted="its word", fix="send again")

    record._connections.write.transaction = lost  # type: ignore[method-assign]
    with pytest.raises(CommitUnknownError):
        write(record, vitals(0, range(4)))
    record._connections.write.transaction = real  # type: ignore[method-assign]
    (key, *_) = write(record, vitals(0, range(4)))  # the sender sends it again: it is a repeat
    up_to_date(ward, 4)
    assert len(ward.course(key)) == len(vitals(0, range(4)))


@pytest.mark.parametrize("channel, values", [("fio2", (0.5, 0.4)), ("norepinephrine", (None, 0.1))])
def test_of_two_settings_of_one_instant_the_same_holds_when_it_is_read_again(
    record: Record, twin: BedsideTwin, channel: str, values: tuple[float | None, float | None]
) -> None:
    both = [
        Observation(who(0), channel, START + MINUTE, value, source, source_id=source)
        for value, source in zip(values, "ab", strict=True)
    ]
    (key, *_) = write(record, [*both, *vitals(0, range(60))])
    reading = record.reading(living_record.TWIN)
    whole, part = (course_of(reading, key, since) for since in (None, START // MINUTE + 50))
    at = START // MINUTE + 55
    held = [one.record(at, at).settings[channel].value[-1] for one in (whole, part)]
    assert str(held[0]) == str(held[1])


def test_a_first_message_without_a_value_does_not_make_a_restart_begin_anew(record: Record, twin: BedsideTwin) -> None:
    off = Observation(who(0), "heart_rate", START - 10 * MINUTE, None, "monitor", source_id="off")
    facts = Event(
        who(0), "person", START - 20 * MINUTE, "adt", {"birth_date": "1950-01-01", "sex": "male"}, source_id="p"
    )
    (key, *_) = write(record, [off, facts, *vitals(0, range(20))])
    ward = living_record.start(record, twin)
    up_to_date(ward, 20)
    assert living_record.save(record, ward, [key]) == 1
    again = living_record.start(record, twin)
    assert len(again.roll.twins[key].checkpoints) > 0
    up_to_date(again, 20)
    assert same(ward, again)


def test_a_ward_without_a_book_hears_nothing_and_fails_nothing(twin: BedsideTwin) -> None:
    assert LivingWard(twin).turn(START).steps == 0
