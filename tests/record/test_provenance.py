"""Whoever clicks on a value learns where it came from, all versions of it, and nothing of anybody else."""

from collections.abc import Iterator

import pytest

from caretwin.record.access import Actor, operator
from caretwin.record.entry import Batch, Identifier, Observation, Status, SubjectRef
from caretwin.record.record import Record

DOOR = Actor("door:test", "door")
MINUTE = 60_000_000


def lactate(person: str, value: float, version: int, status: Status = Status.FINAL) -> Observation:
    who = SubjectRef((Identifier("urn:hospital", person),))
    return Observation(who, "lactate", 9 * MINUTE, value, "lab", "L1", version=version, status=status)


def write(record: Record, received: int, one: Observation) -> tuple[str, int]:
    (receipt,) = record.append(DOOR, [Batch((one,), received, DOOR.name, f"message {received}")])
    return receipt.subjects[0], receipt.sequences[0]


@pytest.fixture
def versions(record: Record) -> Iterator[tuple[str, list[int]]]:
    """A value that was corrected twice; the second correction overtook the first."""
    rows = [write(record, 10 * MINUTE, lactate("a", 9.0, 1)), write(record, 11 * MINUTE, lactate("a", 2.0, 3))]
    rows.append(write(record, 12 * MINUTE, lactate("a", 5.0, 2)))
    yield rows[0][0], [sequence for _, sequence in rows]


def test_every_version_leads_to_all_of_them(record: Record, versions: tuple[str, list[int]]) -> None:
    key, sequences = versions
    for sequence in sequences:
        found = record.reading(operator()).origin(key, sequence)
        assert found is not None and found.observation.sequence == sequence
        said = [(one.observation.value, one.superseded) for one in found.versions]
        assert said == [(9.0, True), (2.0, False), (5.0, True)]


def test_it_is_told_who_wrote_it_and_in_which_message(record: Record, versions: tuple[str, list[int]]) -> None:
    key, sequences = versions
    found = record.reading(operator()).origin(key, sequences[1])
    assert found is not None
    assert (found.actor, found.message) == (DOOR.name, f"message {11 * MINUTE}")


def test_a_value_of_another_person_is_not_told(record: Record, versions: tuple[str, list[int]]) -> None:
    other, _ = write(record, 13 * MINUTE, lactate("b", 1.0, 1))
    assert record.reading(operator()).origin(other, versions[1][0]) is None
    assert record.reading(operator()).origin(other, 10**9) is None


def test_what_there_is_of_a_person_is_counted_by_series(record: Record, versions: tuple[str, list[int]]) -> None:
    (span,) = record.reading(operator()).spans(versions[0])
    assert (span.code, span.source, span.first, span.last, span.values) == ("lactate", "lab", *[9 * MINUTE] * 2, 3)
