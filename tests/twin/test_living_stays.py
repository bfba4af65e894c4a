"""Who left has no twin any more; who comes back has the one that would have been."""

from typing import Any

import pytest

from caretwin.record.entry import Event, Status
from caretwin.record.record import Record
from caretwin.twin import living_record
from caretwin.twin.course import MINUTE
from caretwin.twin.live import BedsideTwin
from caretwin.twin.living_roll import ENDS_AFTER_US
from caretwin.twin.living_ward import LivingWard
from caretwin.twin.stays import Stay, left
from tests.twin.conftest import START
from tests.twin.test_living_ward import lactate, numbers, same, up_to_date, vitals, who, write

DELAY = ENDS_AFTER_US // MINUTE


def stay(minute: int, end: int | None = None, version: int = 0, name: str = "visit", **more: Any) -> Event:
    body = {"status": "admitted" if end is None else "discharged", "class": "inpatient"} | more.pop("body", {})
    stop = None if end is None else START + end * MINUTE
    return Event(who(0), "encounter", START + minute * MINUTE, "adt", body, stop, name, version, **more)


def live(record: Record, ward: LivingWard, minute: int) -> None:
    """Turns until all is done, those who left ended."""
    while (turn := ward.turn(START + minute * MINUTE)).waiting or turn.over:
        living_record.retire(record, ward, turn.over)


def never_ended(record: Record, twin: BedsideTwin, minute: int) -> LivingWard:
    """The same course, by a ward that begins with nothing and ends nobody."""
    ward = living_record.start(record, twin)
    for one in ward.roll.twins.values():
        one.checkpoints, one.alive, one.changed = [], None, one.course.first_minute()
        one.course = living_record.course_of(record.reading(living_record.TWIN), one.course.subject, None)
    up_to_date(ward, minute)
    return ward


@pytest.fixture
def left_ward(record: Record, twin: BedsideTwin) -> tuple[LivingWard, str, str]:
    """A ward of two: one was discharged at minute 45 and the twin has ended, one is here."""
    ward = living_record.start(record, twin)
    keys = [write(record, vitals(patient, range(45)))[0] for patient in range(2)]
    write(record, [stay(0)])
    live(record, ward, 45)
    write(record, [stay(0, 45, 1)])
    live(record, ward, 45 + DELAY - 1)
    assert len(ward.subjects()) == 2  # not yet
    live(record, ward, 45 + DELAY)
    assert list(ward.subjects()) == [keys[1]]
    assert ward.roll.ended[keys[0]].left == START + 45 * MINUTE
    return ward, *keys  # type: ignore[return-value]


def test_a_discharge_ends_the_twin_and_a_readmission_brings_it_back_to_the_same_bits(
    record: Record, twin: BedsideTwin, left_ward: tuple[LivingWard, str, str]
) -> None:
    ward, gone, here = left_ward
    assert record.reading(living_record.TWIN).checkpoints(gone, living_record.model_name(twin))
    late = DELAY + 120
    write(record, [stay(late, name="again"), *vitals(0, range(late, late + 5))])
    turn = ward.turn(START + (late + 5) * MINUTE)
    assert 0 < turn.steps < 20  # from its last checkpoint
    live(record, ward, late + 5)
    assert set(ward.subjects()) == {gone, here}
    assert same(ward, never_ended(record, twin, late + 5))


@pytest.mark.parametrize("change", ["retracted", "corrected", "later data", "still admitted"])
def test_a_discharge_that_does_not_stand_is_undone_to_the_same_bits(
    record: Record, twin: BedsideTwin, left_ward: tuple[LivingWard, str, str], change: str
) -> None:
    ward, gone, _ = left_ward
    later = DELAY + 60
    write(record, [lactate(0, 20)])  # late: it waits in the record
    assert not ward.turn(START + later * MINUTE).steps
    said: dict[str, Any] = {
        "retracted": [stay(0, 45, 2, status=Status.RETRACTED)],
        "corrected": [stay(0, later, 2)],
        "later data": vitals(0, [later]),
        "still admitted": [stay(0, None, 2)],
    }
    write(record, said[change])
    live(record, ward, later)
    assert gone in ward.subjects()
    assert same(ward, never_ended(record, twin, later))


def test_late_data_of_who_left_wake_nobody(
    record: Record, twin: BedsideTwin, left_ward: tuple[LivingWard, str, str]
) -> None:
    ward, _, here = left_ward
    write(record, [lactate(0, 20)])
    live(record, ward, DELAY + 60)
    assert list(ward.subjects()) == [here]


def test_after_a_restart_who_left_is_not_woken_and_still_comes_back(
    record: Record, twin: BedsideTwin, left_ward: tuple[LivingWard, str, str]
) -> None:
    _, gone, here = left_ward
    now = DELAY + 60
    ward = living_record.start(record, twin, START + now * MINUTE)
    assert list(ward.subjects()) == [here] and list(ward.roll.ended) == [gone]
    live(record, ward, now)
    write(record, [stay(0, None, 2), lactate(0, 30)])
    live(record, ward, now)
    assert same(ward, never_ended(record, twin, now))


def test_who_died_has_no_twin_and_who_is_erased_is_forgotten(
    record: Record, twin: BedsideTwin, left_ward: tuple[LivingWard, str, str]
) -> None:
    from caretwin.record.access import operator

    ward, gone, here = left_ward
    dead = Event(who(1), "person", START + 50 * MINUTE, "adt", {"deceased": True}, None, "p1", 1)
    write(record, [dead])
    live(record, ward, 50 + DELAY)
    assert not ward.subjects() and set(ward.roll.ended) == {gone, here}
    write(record, [Event(who(1), "person", START + 50 * MINUTE, "adt", {"deceased": False}, None, "p1", 2)])
    live(record, ward, 50 + DELAY)
    assert set(numbers(ward)) == {here}
    record.erase(operator(), gone, "request")
    live(record, ward, 50 + DELAY)
    assert not ward.roll.ended


def test_only_stays_in_the_house_that_stand_and_are_over_end_anything() -> None:
    inside = Stay("encounter", 10, 50, {"status": "finished", "class": "IMP"})
    assert left([inside]) == 50
    assert left([inside._replace(body={"status": "finished", "class": "AMB"})]) is None
    assert left([inside._replace(stop=None)]) is None  # finished, but nobody says when
    assert left([inside, Stay("encounter", 60, None, {"status": "planned"})]) == 50
    assert left([inside, Stay("encounter", 5, None, {"status": "admitted"})]) == 50  # closed by the discharge
    assert left([Stay("person", 7, None, {"deceased": "2025-02-20T10:00:00Z"})]) == 1_740_045_600_000_000
    assert left([Stay("person", 7, None, {"deceased": "2025-02-20"})]) == 7
    assert left([Stay("person", 7, None, {"sex": "male"})]) is None
