"""Of several versions exactly one holds as of any time, in whatever order they came, and after merges too."""

import itertools

import pytest
from tests.record.test_store import DOOR, MINUTE, MR_B, MRS_A, reader, seen, values, write

from caretwin.record.entry import Batch, Event, Link, Status
from caretwin.record.record import Record

RECEIVED = (10, 20, 30)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("received", list(itertools.permutations(RECEIVED)), ids=str)
def test_as_of_any_time_the_best_version_of_those_received_holds(
    record: Record, order: tuple[int, ...], received: tuple[int, ...]
) -> None:
    """Version n was received at received[n]: a replay of old data may bring an early one late, and the other way."""
    for number in order:
        key = write(record, received[number] * MINUTE, seen(80 + number, MINUTE, source_id="a", version=number))
    for now in range(5, 40, 5):
        known = [80.0 + number for number in range(3) if received[number] <= now]
        assert values(record, key, as_of=now * MINUTE) == known[-1:], f"at {now}"


def test_only_what_held_until_now_is_told_as_gone(record: Record) -> None:
    write(record, 10 * MINUTE, seen(80, MINUTE, source_id="a", version=1))
    write(record, 30 * MINUTE, seen(82, MINUTE, source_id="a", version=3))
    late = record.append(DOOR, [Batch((seen(81, MINUTE, source_id="a", version=2),), 20 * MINUTE, "x")])[0]
    assert late.gone == late.sequences and late.changed == () and late.replaced == 0


@pytest.mark.parametrize("source_id", ["", "a"], ids=["without a name", "with a name"])
def test_what_is_sent_again_after_a_merge_is_still_one(record: Record, source_id: str) -> None:
    """The message of the merged person comes again, and is the survivor's now."""
    survivor = write(record, MINUTE, seen(80, MINUTE, subject=MR_B))
    again = Batch(
        (
            seen(60, MINUTE, source_id=source_id),
            Event(MRS_A, "fall", 5, "notes", {"injury": "none"}, source_id=source_id),
        ),
        MINUTE,
        DOOR.name,
    )
    first = record.append(DOOR, [again])[0]
    record.append(DOOR, [Batch((Link(MR_B, MRS_A, "adt"),), 2 * MINUTE, DOOR.name)])
    second = record.append(DOOR, [again])[0]
    assert second.sequences == first.sequences and second.duplicates == 2 and second.changed == ()
    assert second.subjects == (survivor, survivor)
    assert sorted(values(record, survivor)) == [60.0, 80.0]
    assert len(reader(record).events(survivor)) == 1


def test_two_people_made_one_keep_what_was_said_of_each(record: Record) -> None:
    survivor = write(record, MINUTE, seen(80, MINUTE, subject=MR_B))
    write(record, MINUTE, seen(80, MINUTE))
    record.append(DOOR, [Batch((Link(MR_B, MRS_A, "adt"),), 2 * MINUTE, DOOR.name)])
    assert values(record, survivor) == [80.0, 80.0]
    write(record, 3 * MINUTE, seen(80, MINUTE))
    assert values(record, survivor) == [80.0, 80.0]


def test_a_correction_after_a_merge_ends_what_it_corrects(record: Record) -> None:
    survivor = write(record, MINUTE, seen(80, MINUTE, subject=MR_B))
    write(record, MINUTE, seen(60, MINUTE, source_id="a", version=1))
    record.append(DOOR, [Batch((Link(MR_B, MRS_A, "adt"),), 2 * MINUTE, DOOR.name)])
    mended = Batch((seen(66, MINUTE, source_id="a", version=2, status=Status.CORRECTED),), 3 * MINUTE, DOOR.name)
    assert record.append(DOOR, [mended])[0].changed == ((survivor, MINUTE),)
    assert sorted(values(record, survivor)) == [66.0, 80.0]
