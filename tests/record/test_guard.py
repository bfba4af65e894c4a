"""The policy is asked for every person that is read or written about, and each of them is in the audit trail."""

from collections.abc import Callable

import pytest
from tests.record.conftest import Ticking
from tests.record.test_store import DOOR, MINUTE, MR_B, MRS_A, reader, seen, values, write

from caretwin.record import audit
from caretwin.record.access import AccessDeniedError, Action, Actor, Decision, operator
from caretwin.record.entry import Batch, Link
from caretwin.record.reading import AUDITED_EVERY_US
from caretwin.record.record import Record, open_record
from caretwin.record.store import keep
from caretwin.record.writer import Writer


class Wards:
    """A policy that knows persons: the keys in ``closed`` are nobody's; it remembers what it was asked."""

    def __init__(self) -> None:
        self.closed: set[str] = set()
        self.asked: list[tuple[str, str]] = []

    def __call__(self, actor: Actor, action: Action, subject: str) -> Decision:
        self.asked.append((action, subject))
        return Decision(subject not in self.closed, "closed" if subject in self.closed else "open", "wards")


@pytest.fixture
def wards() -> Wards:
    return Wards()


@pytest.fixture
def record(where: str, clock: Ticking, wards: Wards) -> object:
    opened = open_record(where, clock, policy=wards)
    yield opened
    opened.close()


def trail(record: Record, action: str) -> list[tuple[str, int]]:
    """Subject, and whether it was allowed, of the rows of an action."""
    return record.connection().query("SELECT subject, allowed FROM audit WHERE action = ? ORDER BY n", [action])


def test_a_write_is_asked_for_every_subject_of_its_batch(record: Record, wards: Wards) -> None:
    batch = Batch((seen(1, 1), seen(2, 2), seen(3, 3, subject=MR_B)), MINUTE, DOOR.name)
    keys = list(dict.fromkeys(record.append(DOOR, [batch])[0].subjects))
    assert wards.asked == [("write", key) for key in keys] and len(keys) == 2
    assert trail(record, "write") == [(" ".join(keys), 1)]


def test_who_may_not_write_about_one_writes_nothing_of_the_batch(record: Record, wards: Wards) -> None:
    key, other = write(record, MINUTE, seen(1, 1)), write(record, MINUTE, seen(2, 2, subject=MR_B))
    wards.closed = {other}
    with pytest.raises(AccessDeniedError, match=other):
        write(record, MINUTE, seen(5, 5), seen(6, 6, subject=MR_B))
    assert values(record, key) == [1.0]
    assert trail(record, "write")[-1] == (other, 0)
    write(record, MINUTE, seen(7, 7))
    assert values(record, key) == [1.0, 7.0]
    assert audit.verify(record.connection())[1] is None


def test_a_merge_is_asked_for_both(record: Record, wards: Wards) -> None:
    key, other = write(record, MINUTE, seen(1, 1)), write(record, MINUTE, seen(2, 2, subject=MR_B))
    wards.closed = {other}
    with pytest.raises(AccessDeniedError):
        write(record, MINUTE, Link(MRS_A, MR_B, "adt"))
    assert [one.key for one in reader(record).subjects()] == [key, other]
    wards.closed = set()
    write(record, MINUTE, Link(MRS_A, MR_B, "adt"))
    assert trail(record, "write")[-1] == (f"{key} {other}", 1)


def test_one_refusal_takes_no_other_sender_with_it(record: Record, wards: Wards) -> None:
    other = write(record, MINUTE, seen(2, 2, subject=MR_B))
    wards.closed = {other}
    with Writer(record) as writer:
        good = [writer.submit(DOOR, Batch((seen(n, n),), MINUTE, "x"), wait_s=5) for n in range(5)]
        bad = writer.submit(DOOR, Batch((seen(9, 9, subject=MR_B),), MINUTE, "x"), wait_s=5)
    assert isinstance(bad.exception(), AccessDeniedError)
    assert len({future.result().sequences for future in good}) == 5


@pytest.mark.parametrize(
    "act",
    [
        lambda it, key: keep.save_checkpoint(it, key, "bedside", 1, 1, b"state"),
        lambda it, key: keep.note_unmapped(it, [keep.Unmapped("icu", "x", "HR2", "bpm", "", "80 bpm", 1, 1, 1)]),
    ],
    ids=["checkpoint", "codes that nobody mapped"],
)
def test_what_is_kept_beside_the_entries_is_audited_too(
    record: Record, wards: Wards, act: Callable[[object, str], None]
) -> None:
    key = write(record, MINUTE, seen(1, 1))
    with record.writing(DOOR, "derive", "", [key]) as connection:
        act(connection, key)
    assert ("derive", key) in wards.asked
    assert trail(record, "derive") == [(key, 1)]
    wards.closed = {key}
    with pytest.raises(AccessDeniedError), record.writing(DOOR, "derive", "", [key]) as connection:
        act(connection, key)
    assert trail(record, "derive") == [(key, 1), (key, 0)]


def test_who_reads_for_long_is_audited_every_hour(record: Record, clock: Ticking) -> None:
    key = write(record, MINUTE, seen(1, 1))
    reading = record.reading(operator())
    for after, rows in ((0, 1), (AUDITED_EVERY_US - 1, 1), (1, 2), (AUDITED_EVERY_US, 3), (-5 * MINUTE, 4)):
        clock.now += after
        reading.latest(key)
        reading.series(key)
        assert trail(record, "read") == [(key, 1)] * rows, f"after {after} us"


def test_a_right_that_is_taken_away_holds_from_the_next_look(record: Record, wards: Wards) -> None:
    key = write(record, MINUTE, seen(1, 1))
    reading = record.reading(operator())
    assert reading.latest(key)
    wards.closed = {key}
    with pytest.raises(AccessDeniedError):
        reading.latest(key)
    assert trail(record, "read") == [(key, 1), (key, 0)]
