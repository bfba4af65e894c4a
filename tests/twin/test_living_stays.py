"""Who left has no twin any more; who comes back has the one that would have been."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caretwin.base.time import from_microseconds, to_microseconds
from caretwin.ingest.doors.fhir.door import FhirDoor
from caretwin.record.entry import Event, Status
from caretwin.record.record import Record
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.living import record as living_record
from caretwin.twin.living.course import MINUTE
from caretwin.twin.living.roll import ENDS_AFTER_US
from caretwin.twin.living.stays import Stay, left
from caretwin.twin.living.ward import LivingWard
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
    assert left([inside, Stay("encounter", 5, 90, {"status": "in-progress"})]) == 50  # its end was foreseen
    assert left([Stay("person", 7, None, {"deceased": "2025-02-20T10:00:00Z"})]) == 1_740_045_600_000_000
    assert left([Stay("person", 7, None, {"deceased": "2025-02-20"})]) == 7
    assert left([Stay("person", 7, None, {"sex": "male"})]) is None


HALF_PAST = "2026-01-01T00:30:00+00:00"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param([{"deceased": True, "death": HALF_PAST}], 1_767_227_400_000_000, id="when, and that"),
        pytest.param([{"death": HALF_PAST}], 1_767_227_400_000_000, id="when alone"),
        pytest.param([{"death": "2026-01-01"}], 7, id="a day alone"),
        pytest.param([{"deceased": False, "death": HALF_PAST}], None, id="when, and that it was not"),
        pytest.param([{"death": HALF_PAST}, {"death": None}], None, id="taken back"),
        pytest.param([{"death": HALF_PAST}, {"deceased": False}], None, id="alive after all"),
        pytest.param([{"death": HALF_PAST}, {"sex": "male"}], 1_767_227_400_000_000, id="nothing new"),
    ],
)
def test_a_death_is_when_it_was_told_to_be(said: list[dict[str, Any]], expected: int | None) -> None:
    assert left([Stay("person", 7 + i, None, body) for i, body in enumerate(said)]) == expected


def in_bed(begun: int, stop: int | None = None, **body: Any) -> Stay:
    return Stay("encounter", begun, stop, {"status": "in-progress" if stop is None else "finished", **body})


@pytest.mark.parametrize(
    ("stays", "expected"),
    [
        pytest.param([in_bed(0, 50, **{"class": "EMER"}), in_bed(40, **{"class": "IMP"})], None, id="emergency over"),
        pytest.param([in_bed(0, 50, **{"class": "EMER"})], 50, id="emergency, home"),
        pytest.param([in_bed(0, **{"class": "EMER"}), in_bed(20, 50, **{"class": "EMER"})], 50, id="emergency twice"),
        pytest.param([in_bed(0), in_bed(60, 120, part_of="Encounter/h")], None, id="a part is over"),
        pytest.param([in_bed(60, 120, part_of="Encounter/h")], 120, id="a part, and the whole is not told"),
        pytest.param([in_bed(0, 200), in_bed(60, part_of="Encounter/h")], 200, id="the whole is over"),
        pytest.param([in_bed(0, 50), in_bed(45)], None, id="moved before the old stay was closed"),
        pytest.param([in_bed(0, 50, event="A03"), in_bed(2)], 50, id="discharged, told by another door too"),
        pytest.param([in_bed(0, 50, event="A03", **{"class": "emergency"}), in_bed(40)], None, id="A03 of emergency"),
        pytest.param([in_bed(0, 50, event="A03"), in_bed(50)], None, id="admitted anew at once"),
        pytest.param([in_bed(0), Stay("person", 60, None, {"deceased": True})], 60, id="died in bed"),
    ],
)
def test_who_lies_in_a_bed_is_here_whatever_other_stay_is_over(stays: list[Stay], expected: int | None) -> None:
    assert left(stays) == expected
    assert left(stays[::-1]) == expected


def test_a_part_of_an_encounter_comes_as_a_part_from_the_fhir_door() -> None:
    said = {
        "resourceType": "Encounter", "id": "icu", "status": "finished", "class": {"code": "ACUTE"},
        "subject": {"reference": "Patient/7"}, "partOf": {"reference": "Encounter/hospital"},
        "period": {"start": "2026-01-01T01:00:00Z", "end": "2026-01-01T02:00:00Z"},
    }  # fmt: skip
    (event,) = FhirDoor("ward", {}).decode(json.dumps(said).encode()).parts
    assert isinstance(event, Event)
    part = Stay(event.kind, event.effective, event.stop, event.body)
    assert left([part]) == part.stop
    assert left([part, in_bed(part.begun - 1)]) is None


def patient(**said: Any) -> Event:
    """What the FHIR door makes of a Patient."""
    told = {"resourceType": "Patient", "id": "7", "birthDate": "1950-07-01", **said}
    return next(
        part for part in FhirDoor("ward", {}).decode(json.dumps(told).encode()).parts if isinstance(part, Event)
    )


def heard(said: Event, minute: int) -> Stay:
    return Stay(said.kind, said.effective, said.stop, said.body, START + minute * MINUTE)


def test_a_death_without_a_time_is_not_on_the_birth_date_nor_at_midnight() -> None:
    lies = in_bed(START)
    told = START + 90 * MINUTE
    assert left([lies, heard(patient(deceasedBoolean=True), 90)]) == told
    assert left([lies, heard(patient(deceasedBoolean=True, birthDate=None), 90)]) == told
    day = from_microseconds(told).date()
    midnight = to_microseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))
    assert left([lies, heard(patient(deceasedDateTime=day.isoformat()), 90)]) == told  # the day is not over
    the_day_before = (day - timedelta(days=1)).isoformat()
    assert left([heard(patient(deceasedDateTime=the_day_before), 90)]) == midnight  # the end of that day
    assert left([heard(patient(deceasedDateTime=the_day_before + "T10:00:00Z"), 90)]) == midnight - 14 * 60 * MINUTE


def test_the_end_of_a_day_is_that_of_the_house() -> None:
    said = json.dumps({"resourceType": "Patient", "id": "7", "deceasedDateTime": "2025-02-10"}).encode()
    event = FhirDoor("ward", {"zone": "Australia/Sydney"}).decode(said).parts[0]
    assert isinstance(event, Event) and event.body["dead_by"] == "2025-02-10T13:00:00+00:00"


@pytest.mark.parametrize("when", ["9999", "9999-12-31", "9999-12-31T23:59:60Z", "9999-12-31T23:00:00-14:00"])
def test_a_death_beyond_the_calendar_is_refused(when: str) -> None:
    said = json.dumps({"resourceType": "Patient", "id": "7", "deceasedDateTime": when}).encode()
    found = FhirDoor("ward", {}).decode(said)
    assert not found.parts and [one.place for one in found.refused] == ["Patient.deceasedDateTime"]


def test_a_death_told_again_counts_from_when_it_was_first_told(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    key = write(record, vitals(0, range(5)))[0]

    def tell(minute: int, version: int, **said: Any) -> None:
        later = replace(patient(**said), subject=who(0), version=version)
        write(record, [later], START + minute * MINUTE)
        ward.turn(START + minute * MINUTE)

    def lefts() -> set[int | None]:
        """What the ward has heard, and what one that begins now reads."""
        reading = record.reading(living_record.TWIN)
        return {ward.course(key).left(), living_record.course_of(reading, key, None).left()}

    tell(10, 1, deceasedBoolean=True)
    assert lefts() == {START + 10 * MINUTE}
    tell(200, 2, deceasedBoolean=True, gender="female")
    assert lefts() == {START + 10 * MINUTE}
    tell(210, 3, deceasedBoolean=False)
    assert lefts() == {None}
    tell(220, 4, deceasedBoolean=True)
    assert lefts() == {START + 220 * MINUTE}


def test_a_no_that_was_always_said_does_not_raise_the_dead() -> None:
    admitted = Stay("person", 50, None, {"deceased": False}, 5)  # of the message of minute 50; said since minute 5
    assert left([admitted, Stay("person", 0, None, {"deceased": True}, 20)]) == 20
    assert left([admitted._replace(told=30, begun=30), Stay("person", 0, None, {"deceased": True}, 20)]) is None
