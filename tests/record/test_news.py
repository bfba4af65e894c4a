"""What is new since a sequence number: told once, by the keys of now, with what ceased to hold."""

from tests.record.test_store import MINUTE, MR_B, MRS_A, reader, seen, write

from caretwin.record.entry import Event, Link, Status
from caretwin.record.record import Record
from caretwin.record.store import read_changes

KINDS = frozenset({"person"})


def test_everything_is_told_once_and_in_order(record: Record) -> None:
    begin = reader(record).newest()
    write(record, MINUTE, seen(60, 1), seen(61, 2), Event(MRS_A, "person", 1, "adt", {"sex": "female"}, source_id="p"))
    write(record, MINUTE, Event(MRS_A, "condition", 1, "ehr", {"code": "x"}, source_id="c"))
    found = reader(record).news(begin, KINDS)
    assert [one.value for one in found.observations] == [60.0, 61.0]
    assert [one.kind for one in found.events] == ["person"]
    assert found.whole and found.upto == reader(record).newest()
    assert reader(record).news(found.upto, KINDS) == read_changes.News(found.upto, True, (), (), ())


def test_a_correction_tells_what_it_ends_and_an_older_version_that_comes_late_is_no_news(record: Record) -> None:
    write(record, MINUTE, seen(60, 5, source_id="a", version=2))
    first = reader(record).news(0, KINDS)
    write(record, 2 * MINUTE, seen(65, 5, source_id="a", version=3))
    write(record, 2 * MINUTE, seen(50, 5, source_id="a", version=1))
    found = reader(record).news(first.upto, KINDS)
    assert [one.value for one in found.observations] == [65.0]
    assert (first.observations[0].sequence, 5) in {(one.sequence, one.effective) for one in found.gone}
    write(record, 3 * MINUTE, seen(65, 5, source_id="a", version=4, status=Status.RETRACTED))
    last = reader(record).news(found.upto, KINDS)
    assert not last.observations
    assert found.observations[0].sequence in {one.sequence for one in last.gone}


def test_who_was_merged_is_told_by_the_key_of_now(record: Record) -> None:
    write(record, MINUTE, seen(60, 1), seen(61, 2, subject=MR_B))
    survivor = write(record, MINUTE, Link(MR_B, MRS_A, "adt"))
    assert {one.subject for one in reader(record).news(0, KINDS).observations} == {survivor}


def test_much_is_told_in_pages_that_leave_nothing_out(record: Record) -> None:
    for minute in range(25):
        write(
            record,
            MINUTE,
            seen(60 + minute, minute, source_id="a" if minute % 5 == 0 else f"n{minute}", version=minute),
        )
    values, gone, after = list[float | None](), set[int](), 0
    while True:
        page = record._connections.look(lambda it, after=after: read_changes.news(it, after, KINDS, most=4))  # type: ignore[misc]
        values += [one.value for one in page.observations]
        gone |= {one.sequence for one in page.gone}
        after = page.upto
        if page.whole:
            break
    whole = reader(record).news(0, KINDS)
    assert set(values) >= {one.value for one in whole.observations}
    assert gone == {one.sequence for one in whole.gone}
    assert after == whole.upto
