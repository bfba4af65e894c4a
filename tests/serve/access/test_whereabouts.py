"""Where people are is what the doors said last; who said no to being looked at is known by it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from caretwin.record.access import Actor, operator
from caretwin.record.entry import Batch, Event, Identifier, Link, Status, SubjectRef
from caretwin.record.record import Record, open_record
from caretwin.serve.access.whereabouts import LOOK_EVERY_US, STILL_US, Standing, Whereabouts

DOOR = Actor("door:adt", "door")
MRS_A, MR_B = (SubjectRef((Identifier("urn:x", one),)) for one in "ab")
HL7 = {"status": "admitted", "class": "inpatient", "location": {"point_of_care": "ICU", "room": "1", "bed": "7"}}


class Clock:
    def __init__(self) -> None:
        self.now = 10_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def record(tmp_path: Path, clock: Clock) -> Iterator[Record]:
    opened = open_record(tmp_path / "ward.db", clock)
    yield opened
    opened.close()


@pytest.fixture
def where(record: Record, clock: Clock) -> Whereabouts:
    return Whereabouts(record, clock)


def say(
    record: Record, body: Mapping[str, Any], begun: int = 1, stop: int | None = None, who: SubjectRef = MRS_A,
    kind: str = "encounter", name: str = "stay-1", version: int = 0, status: Status = Status.FINAL,
) -> str:  # fmt: skip
    event = Event(who, kind, begun, "adt", body, stop, f"{name} of {who.identifiers[0].value}", version, status)
    return next(iter(record.append(DOOR, [Batch((event,), begun, DOOR.name)])[0].subjects))


def test_an_admission_a_transfer_and_a_discharge_are_followed(record: Record, where: Whereabouts, clock: Clock) -> None:
    key = say(record, HL7)
    assert where.of(key) == Standing("ICU", False)
    say(record, {**HL7, "location": {"point_of_care": "Ward 3"}}, version=2)
    assert where.of(key).unit == "Ward 3"
    say(record, {**HL7, "status": "discharged"}, stop=clock.now, version=3)
    assert where.of(key).unit == "ICU", "who has just left is still of the unit that they left"
    clock.now += STILL_US
    assert where.of(key).unit is None


def test_of_whom_nobody_says_where_they_are_is_nowhere(record: Record, where: Whereabouts) -> None:
    assert where.of("p00000000") == Standing(None, False)
    key = say(record, {"status": "admitted", "class": "inpatient"})
    assert where.of(key).unit is None
    assert where.of(say(record, {**HL7, "class": "outpatient"}, who=MR_B)).unit is None
    assert where.of(say(record, {**HL7, "status": "planned"}, who=MR_B, name="s2")).unit is None


def test_the_last_place_of_a_fhir_stay_counts_and_the_part_that_began_last(record: Record, where: Whereabouts) -> None:
    key = say(record, {"status": "in-progress", "class": "IMP", "places": ["Ward 1", "Ward 2"]})
    assert where.of(key).unit == "Ward 2"
    part = {"status": "in-progress", "class": "IMP", "places": ["ICU"], "part_of": "Encounter/1"}
    say(record, part, begun=5, name="part")
    assert where.of(key).unit == "ICU"
    say(record, {**part, "status": "finished"}, begun=5, stop=8, name="part", version=1)
    assert where.of(key).unit == "Ward 2"


def test_a_stay_that_was_entered_in_error_says_nothing(record: Record, where: Whereabouts) -> None:
    key = say(record, HL7)
    assert where.of(key).unit == "ICU"
    say(record, HL7, version=1, status=Status.RETRACTED)
    assert where.of(key).unit is None


def test_what_another_program_writes_is_known_a_moment_later(
    record: Record, where: Whereabouts, clock: Clock, tmp_path: Path
) -> None:
    key = say(record, HL7)
    assert where.of(key).unit == "ICU"
    other = open_record(tmp_path / "ward.db", clock)
    say(other, {**HL7, "location": {"facility": "Elm House"}}, version=2)
    other.close()
    clock.now += LOOK_EVERY_US
    assert where.of(key).unit == "Elm House"


def test_two_who_are_one_are_where_the_last_stay_says(record: Record, where: Whereabouts) -> None:
    key, other = say(record, HL7), say(record, {**HL7, "location": {"point_of_care": "Ward 3"}}, 2, who=MR_B)
    assert (where.of(key).unit, where.of(other).unit) == ("ICU", "Ward 3")
    record.append(DOOR, [Batch((Link(MRS_A, MR_B, "adt"),), 3, DOOR.name)])
    assert where.of(key).unit == "Ward 3"
    record.erase(operator(), key, "asked for")
    assert where.of(key).unit is None


@pytest.mark.parametrize(
    ("more", "sealed"),
    [
        ({}, True), ({"purposes": ["TREAT"]}, True), ({"purposes": ["HRESCH"]}, False),
        ({"provision": "permit"}, False), ({"status": "inactive"}, False), ({"scope": "research"}, False),
    ],
)  # fmt: skip
def test_a_consent_that_denies_care_closes_the_record(
    record: Record, where: Whereabouts, more: dict[str, Any], sealed: bool
) -> None:
    said = {"status": "active", "scope": "patient-privacy", "provision": "deny"}
    key = say(record, {**said, **more}, kind="consent", name="consent-1")
    assert where.of(key).sealed is sealed
    say(record, {**said, "provision": "permit"}, kind="consent", name="consent-1", version=1)
    assert not where.of(key).sealed
