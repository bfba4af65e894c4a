"""A key can mean another person from one turn to the next: twins follow, and keep nothing of who is gone."""

from caretwin.record.access import operator
from caretwin.record.entry import Batch, Link
from caretwin.record.record import Record
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.living import record as living_record
from caretwin.twin.living.ward import LivingWard
from tests.twin.conftest import START
from tests.twin.test_living_ward import DOOR, in_order, lactate, same, up_to_date, vitals, who, write


def merge(record: Record, one: int, other: int) -> None:
    record.append(DOOR, [Batch((Link(who(one), who(other), "adt"),), START, DOOR.name)])


def afresh(record: Record, twin: BedsideTwin, minute: int) -> LivingWard:
    """A ward that knows of nothing but the entries of the record."""
    with record.writing(operator(), "write", "no checkpoints") as connection:
        connection.query("DELETE FROM checkpoint")
    return in_order(record, twin, minute)


def test_who_was_erased_and_comes_again_is_new(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, range(20))))
    up_to_date(ward, 20)
    record.erase(operator(), key, "law")
    assert set(write(record, vitals(0, [21]))) == {key}, "by the same number, in the same turn"
    turn = ward.turn(START + 22 * 60_000_000)
    assert turn.renewed == (key,)
    up_to_date(ward, 22)
    assert ward.course(key).open() == len(vitals(0, [21]))
    living_record.save(record, ward, [key])
    kept = record.reading(living_record.TWIN).checkpoints(key, living_record.model_name(twin))
    assert kept and all(at >= START + 20 * 60_000_000 for at, _, _ in kept)
    assert same(ward, in_order(record, twin, 22)) and same(ward, afresh(record, twin, 22))


def test_who_is_parted_has_all_that_was_theirs_though_a_value_comes_at_once(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    write(record, vitals(0, range(20)))
    (other,) = set(write(record, vitals(1, range(20))))
    merge(record, 0, 1)
    up_to_date(ward, 20)
    record.part(operator(), other, START, "another person")
    assert set(write(record, vitals(1, [21]))) == {other}
    up_to_date(ward, 22)
    assert ward.course(other).first_minute() == START // 60_000_000
    assert same(ward, afresh(record, twin, 22))


def test_a_part_within_a_chain_of_merges_reaches_the_last_of_it(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    for number in (0, 1, 2):
        write(record, vitals(number, range(5 * number, 5 * number + 10)))
    (other,) = set(write(record, [lactate(1, 3)]))
    merge(record, 0, 1)
    merge(record, 2, 0)
    up_to_date(ward, 20)
    assert same(ward, afresh(record, twin, 20))
    record.part(operator(), other, START, "another person")
    up_to_date(ward, 20)
    assert len(ward.subjects()) == 2
    assert same(ward, afresh(record, twin, 20))


def test_somebody_heard_of_for_the_first_time_does_not_begin_again_when_others_merge(
    record: Record, twin: BedsideTwin
) -> None:
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, range(10))))
    up_to_date(ward, 10)
    write(record, vitals(1, range(3)) + vitals(2, range(3)))
    up_to_date(ward, 10)
    merge(record, 1, 2)
    turn = ward.turn(START + 10 * 60_000_000)
    assert key not in turn.renewed and len(turn.renewed) == 2
    assert same(ward, afresh(record, twin, 10))


def test_what_an_erasure_takes_from_the_chart_of_another_is_in_no_twin(record: Record, twin: BedsideTwin) -> None:
    """A value of one was kept under the other while they were one, and named again by its source after the part."""
    ward = living_record.start(record, twin)
    (kept,) = set(write(record, vitals(0, range(10))))
    (other,) = set(write(record, vitals(1, range(10))))
    merge(record, 0, 1)
    write(record, [lactate(1, 8)])
    up_to_date(ward, 10)
    record.part(operator(), other, START, "another person")
    up_to_date(ward, 10)
    assert ward.course(kept).latest("lactate") is not None
    write(record, [lactate(1, 8, value=4.5, version=1)])
    record.erase(operator(), other, "law")
    up_to_date(ward, 10)
    assert set(ward.subjects()) == {kept}
    assert ward.course(kept).latest("lactate") is None
    assert same(ward, afresh(record, twin, 10))
