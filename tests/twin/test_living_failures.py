"""What goes wrong with one twin is told of it, tried again, and keeps nobody else waiting."""

from typing import Any

import jax
import numpy as np
import pytest

from caretwin.base.errors import DataError
from caretwin.record.entry import Batch, Event, Link
from caretwin.record.record import Record
from caretwin.twin import kept_forecasts
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.kept_forecasts import Said
from caretwin.twin.living import record as living_record
from caretwin.twin.living import step as living_step
from caretwin.twin.living.calls import MOST_LEFT_OUT
from caretwin.twin.living.checkpoints import Checkpoint, from_bytes, to_bytes
from caretwin.twin.living.course import MINUTE, Course, value_of
from caretwin.twin.living.roll import Found
from caretwin.twin.living.ward import LivingWard
from tests.twin.conftest import START
from tests.twin.test_living_ward import DOOR, in_order, lactate, numbers, same, up_to_date, vitals, who, write

SECOND = 1_000_000


def broken(ward: LivingWard, key: str) -> None:
    """Make the numbers of a twin what no filter should make of them."""
    alive = ward.subjects()[key]
    assert alive is not None
    np.asarray(alive.state.ensemble.theta)[0] = np.nan


# numbers that are not finite -----------------------------------------------------------------------------------------


def test_a_twin_that_is_no_number_any_more_goes_back_to_one_that_was(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, range(70))))
    up_to_date(ward, 70)
    broken(ward, key)
    write(record, vitals(0, range(70, 75)))
    up_to_date(ward, 75)
    assert same(ward, in_order(record, twin, 75))
    assert ward.restarted(key) == START // MINUTE + 69


def poison(ward: LivingWard, key: str) -> None:
    """Give a twin a body with which nothing can be calculated, whatever comes."""
    alive = ward.subjects()[key]
    assert alive is not None
    for leaf in jax.tree.leaves(alive.state.body):
        if np.issubdtype(np.asarray(leaf).dtype, np.floating):
            np.asarray(leaf)[...] = np.nan


def test_rows_that_would_make_a_twin_no_number_are_left_out_and_then_it_is_begun_anew(
    record: Record, twin: BedsideTwin
) -> None:
    ward = living_record.start(record, twin)
    keys = [write(record, vitals(patient, range(10)))[0] for patient in range(2)]
    up_to_date(ward, 10)
    before = [np.array(leaf) for leaf in jax.tree.leaves(ward.subjects()[keys[0]].state.ensemble)]  # type: ignore[union-attr]
    poison(ward, keys[0])
    for minute in range(10, 10 + MOST_LEFT_OUT):
        for patient in range(2):
            write(record, vitals(patient, [minute]))
        turn = ward.turn(START + minute * MINUTE)
        alive = ward.subjects()[keys[0]]
        assert alive is not None and living_step.sound(alive.state) and not turn.failed
        if minute < 9 + MOST_LEFT_OUT:
            assert int(alive.state.left_out) == minute - 9
            assert all(map(np.array_equal, before, jax.tree.leaves(alive.state.ensemble)))
    assert (int(alive.state.left_out), int(alive.state.begun)) == (0, alive.minute)
    write(record, vitals(0, range(15, 20)))
    up_to_date(ward, 20)
    assert int(ward.subjects()[keys[0]].state.left_out) == 0  # type: ignore[union-attr]
    other = numbers(in_order(record, twin, 20))[keys[1]][1]
    assert all(map(np.array_equal, other, numbers(ward)[keys[1]][1]))  # of the other, not a bit


def test_it_does_not_matter_in_how_many_calls_rows_were_left_out(record: Record, twin: BedsideTwin) -> None:
    found = []
    for pieces in ([range(10, 20)], [range(10, 12), range(12, 13), range(13, 20)]):
        ward = LivingWard(twin)
        course = Course("p1")
        for minute in range(20):
            for number, one in enumerate(vitals(0, [minute])):
                course.put(value_of(one.code, one.effective, one.value, 0, 10 * minute + number))
        ward.roll.adopt(Found(course))
        ward.turn(START + 7 * MINUTE)
        poison(ward, "p1")
        for piece in pieces:
            while ward.turn(START + (piece[-1] - 2) * MINUTE).waiting:
                pass
        found.append(numbers(ward))
    assert all(map(np.array_equal, found[0]["p1"][1], found[1]["p1"][1]))


def test_a_checkpoint_that_is_no_number_is_none(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, range(4))))
    up_to_date(ward, 4)
    alive = ward.subjects()[key]
    assert alive is not None
    state = alive.state._replace(ensemble=alive.state.ensemble._replace(theta=alive.state.ensemble.theta * np.nan))
    with pytest.raises(DataError):
        from_bytes(to_bytes(Checkpoint(4, state, False, ())), living_record._structure(twin))


def test_a_forecast_that_is_no_number_is_neither_shown_nor_kept(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, range(10))))
    up_to_date(ward, 10)
    fork = ward.fork(key)
    assert fork is not None
    np.asarray(fork.ensemble.theta)[...] = np.nan
    course = ward.course(key).record(0, START // MINUTE + 10)
    said = kept_forecasts.say(twin, fork, course, START + 10 * MINUTE)
    assert said == []
    assert kept_forecasts.unsaid(course, said) == kept_forecasts.CHANNELS
    with pytest.raises(ValueError, match="not finite"):
        kept_forecasts.to_keep(key, [Said("heart_rate", 0, START, np.full(40, np.nan))], {})


# one that fails ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["rows", "embody", "took"])
def test_one_that_fails_keeps_nobody_waiting_and_is_tried_again(
    record: Record, twin: BedsideTwin, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    ward = living_record.start(record, twin)
    bad, good = (write(record, vitals(patient, range(5)))[0] for patient in range(2))
    up_to_date(ward, 5)
    tries = fail(monkeypatch, bad, what)
    for patient in range(2):
        write(record, vitals(patient, range(5, 9)))
    turn = ward.turn(START + 9 * MINUTE)
    assert turn.failed == (bad,) and good in turn.updated
    failure = ward.failure(bad)
    assert failure is not None and failure.reason == "RuntimeError: the disk is on fire"
    for second in (0, 1, 2, 3, 4, 6, 7):
        ward.turn(START + 9 * MINUTE + second * SECOND)
    assert 2 <= len(tries) <= 4
    assert ward.checkpoint(bad) is None
    monkeypatch.undo()
    up_to_date(ward, 20)
    assert ward.failure(bad) is None
    assert same(ward, in_order(record, twin, 20))


def fail(monkeypatch: pytest.MonkeyPatch, key: str, what: str) -> list[str]:
    """From now on this goes wrong for one subject; returns the times at which it did."""
    from caretwin.twin.living.twin import LivingTwin

    owner: Any = Course if what == "rows" else LivingTwin
    real, tries = getattr(owner, what), list[str]()

    def failing(self: Any, *args: Any, **more: Any) -> Any:
        subject = self.subject if what == "rows" else self.course.subject
        if subject == key:
            tries.append(key)
            raise RuntimeError("the disk is on fire")
        return real(self, *args, **more)

    monkeypatch.setattr(owner, what, failing)
    return tries


def test_an_entry_that_cannot_be_understood_is_its_own_subject_s_trouble(
    record: Record, twin: BedsideTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward = living_record.start(record, twin)
    bad, good = (write(record, vitals(patient, range(5)))[0] for patient in range(2))
    monkeypatch.setattr(Course, "tell", lambda self, *said: 1 / 0)
    write(record, [Event(who(0), "person", START, "adt", {"sex": "female"}), *vitals(1, [5])])
    turn = ward.turn(START + 6 * MINUTE)
    assert turn.failed == (bad,) and good in turn.updated
    monkeypatch.undo()
    up_to_date(ward, 6)
    assert ward.course(bad).body_known().sex == "female"
    assert same(ward, in_order(record, twin, 6))


def test_one_that_cannot_be_read_at_the_start_does_not_keep_the_ward_asleep(
    record: Record, twin: BedsideTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = (write(record, vitals(patient, range(5)))[0] for patient in range(2))
    real = living_record.course_of

    def reading(where: Any, subject: str, since: int | None) -> Course:
        if subject == bad:
            raise RuntimeError("unreadable")
        return real(where, subject, since)

    monkeypatch.setattr(living_record, "course_of", reading)
    ward = living_record.start(record, twin)
    turn = ward.turn(START + 5 * MINUTE)
    assert turn.failed == (bad,) and turn.updated == (good,)
    monkeypatch.undo()
    up_to_date(ward, 6)
    assert same(ward, in_order(record, twin, 6))


# restarts ------------------------------------------------------------------------------------------------------------


def test_a_restart_replays_of_each_only_what_is_its_own(record: Record, twin: BedsideTwin) -> None:
    first = living_record.start(record, twin)
    keys = [write(record, vitals(patient, range(60)))[0] for patient in range(3)]
    up_to_date(first, 60)
    living_record.save(record, first, keys[:1])  # the oldest checkpoint; of the others later ones are kept
    for patient in (1, 2):
        write(record, [lactate(patient, 30), *vitals(patient, range(60, 90))])
    up_to_date(first, 90)
    living_record.save(record, first, keys[1:])
    second = living_record.start(record, twin)
    assert second.turn(START + 90 * MINUTE).steps <= 3  # the last row of each
    up_to_date(second, 90)
    assert same(first, second)


def test_a_crash_between_a_merge_and_the_twin_s_rebuild_ends_in_the_same_twin(
    record: Record, twin: BedsideTwin
) -> None:
    ward = living_record.start(record, twin)
    keys = [write(record, vitals(patient, range(6 * patient, 6 * patient + 6)))[0] for patient in range(2)]
    up_to_date(ward, 12)
    record.append(DOOR, [Batch((Link(who(0), who(1), "adt"),), START, DOOR.name)])
    assert living_record.save(record, ward, keys) == 0  # a twin of half a person is nobody's
    again = living_record.start(record, twin)
    up_to_date(again, 12)
    up_to_date(ward, 12)
    assert same(ward, again)
    assert len(numbers(again)) == 1
    assert numbers(again)[keys[0]][0] == START // MINUTE + 11


def test_two_who_are_parted_have_the_twins_that_they_would_have_had(tmp_path: Any, twin: BedsideTwin) -> None:
    from caretwin.record.access import operator
    from caretwin.record.record import open_record

    record, other = (open_record(tmp_path / "record.db", lambda: START) for _ in range(2))
    ward = living_record.start(record, twin)
    keys = [write(record, vitals(patient, range(6 * patient, 6 * patient + 6)))[0] for patient in range(2)]
    up_to_date(ward, 12)
    other.append(DOOR, [Batch((Link(who(0), who(1), "adt"),), START, DOOR.name)])
    up_to_date(ward, 12)
    assert set(numbers(ward)) == {keys[0]}
    other.part(operator(), keys[1], START, "two wristbands")
    up_to_date(ward, 12)
    assert set(numbers(ward)) == set(keys)
    assert same(ward, in_order(record, twin, 12))
    record.close()
    other.close()


def test_a_merge_by_another_process_makes_one_twin_of_both(tmp_path: Any, twin: BedsideTwin) -> None:
    from caretwin.record.record import open_record

    record, other = (open_record(tmp_path / "record.db", lambda: START) for _ in range(2))
    ward = living_record.start(record, twin)
    for patient in range(2):
        write(record, vitals(patient, range(6 * patient, 6 * patient + 6)))
    up_to_date(ward, 12)
    other.append(DOOR, [Batch((Link(who(0), who(1), "adt"),), START, DOOR.name)])
    up_to_date(ward, 12)
    assert same(ward, in_order(record, twin, 12))
    record.close()
    other.close()
