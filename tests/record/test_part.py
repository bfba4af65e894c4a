"""Two who were merged by mistake are two again: nothing is rewritten, and nobody is given what was the other's."""

import pytest
from tests.record.conftest import Ticking
from tests.record.test_store import DOOR, MINUTE, MR_B, MRS_A, MRS_A_NHS, reader, seen, values, write

from caretwin.record import audit
from caretwin.record.access import AccessDeniedError, Actor, operator
from caretwin.record.conflict import IdentityConflictError
from caretwin.record.entry import Batch, Event, Identifier, Link, SubjectRef
from caretwin.record.record import Record, open_record
from caretwin.record.store import keep

NHS = SubjectRef((Identifier("urn:nhs", "9434765919"),))


@pytest.fixture
def two(record: Record) -> tuple[str, str]:
    """Mr B, and Mrs A who was merged into him: 80 and 60 before, 81 and 61 since."""
    kept = write(record, MINUTE, seen(80, MINUTE, subject=MR_B, source_id="b1"))
    other = write(record, MINUTE, seen(60, MINUTE, subject=MRS_A_NHS, source_id="a1"))
    write(record, 10 * MINUTE, Link(MR_B, MRS_A, "adt"))
    write(record, 11 * MINUTE, seen(81, 11 * MINUTE, subject=MR_B, source_id="b2"))
    write(record, 11 * MINUTE, seen(61, 11 * MINUTE, source_id="a2", subject=NHS))
    return kept, other


def test_each_has_what_was_kept_before_and_the_survivor_what_came_since(record: Record, two: tuple[str, str]) -> None:
    kept, other = two
    done = record.part(operator(), other, 20 * MINUTE, "two wristbands")
    assert (done.numbers, done.values, done.events) == (2, 2, 0)
    assert values(record, other) == [60.0]
    assert sorted(values(record, kept)) == [61.0, 80.0, 81.0]
    assert {one.key for one in reader(record).subjects()} == {kept, other}
    assert reader(record).merges() == {}


def test_their_numbers_lead_to_each_of_them_again(record: Record, two: tuple[str, str]) -> None:
    kept, other = two
    record.part(operator(), other, 20 * MINUTE, "two wristbands")
    assert write(record, 21 * MINUTE, seen(62, 21 * MINUTE, subject=NHS)) == other
    assert write(record, 21 * MINUTE, seen(63, 22 * MINUTE)) == other
    assert write(record, 21 * MINUTE, seen(82, 21 * MINUTE, subject=MR_B)) == kept
    assert reader(record).identifiers(kept) == list(MR_B.identifiers)
    assert set(reader(record).identifiers(other)) == set(MRS_A_NHS.identifiers)


def test_as_of_a_time_between_the_two_they_were_one(record: Record, two: tuple[str, str]) -> None:
    kept, other = two
    record.part(operator(), other, 20 * MINUTE, "two wristbands")
    assert values(record, kept, as_of=9 * MINUTE) == [80.0]
    assert sorted(values(record, kept, as_of=19 * MINUTE)) == [60.0, 61.0, 80.0, 81.0]
    assert sorted(values(record, kept, as_of=20 * MINUTE)) == [61.0, 80.0, 81.0]
    assert reader(record).merges(15 * MINUTE) == {kept: (other,)}


def test_what_is_sent_again_under_the_number_of_the_other_goes_over(record: Record, two: tuple[str, str]) -> None:
    kept, other = two
    record.part(operator(), other, 20 * MINUTE, "two wristbands")
    write(record, 21 * MINUTE, seen(61, 11 * MINUTE, source_id="a2", subject=NHS))
    assert sorted(values(record, other)) == [60.0, 61.0]
    assert sorted(values(record, kept)) == [80.0, 81.0]


def test_a_second_process_learns_of_it(where: str, clock: Ticking, record: Record, two: tuple[str, str]) -> None:
    kept, other = two
    elsewhere = open_record(where, clock)
    assert write(elsewhere, 12 * MINUTE, seen(64, 12 * MINUTE)) == kept
    before, erased = reader(elsewhere).epoch(), reader(elsewhere).erased()
    record.part(operator(), other, 20 * MINUTE, "two wristbands")
    assert write(elsewhere, 21 * MINUTE, seen(65, 21 * MINUTE)) == other
    assert reader(elsewhere).epoch() > before
    assert reader(elsewhere).erased() == erased  # nobody was: a door need not forget
    elsewhere.close()


def test_no_sender_merges_them_again_and_a_person_does(record: Record, two: tuple[str, str]) -> None:
    kept, other = two
    record.part(operator(), other, 20 * MINUTE, "two wristbands")
    for link in (Link(MR_B, MRS_A, "adt"), Link(MRS_A, MR_B, "adt")):
        with pytest.raises(IdentityConflictError):
            write(record, 21 * MINUTE, link)
    write(record, 21 * MINUTE, Link(MR_B, MRS_A, "adt", agreeing=True))  # a list of numbers: as if it were not said
    both = SubjectRef((*MR_B.identifiers, *MRS_A.identifiers))
    with pytest.raises(IdentityConflictError):
        write(record, 21 * MINUTE, seen(66, 21 * MINUTE, subject=both))
    write(record, 22 * MINUTE, Link(MR_B, MRS_A, "by hand", again=True))
    assert reader(record).merges() == {kept: (other,)}
    assert sorted(values(record, kept)) == [60.0, 61.0, 80.0, 81.0]
    record.part(operator(), other, 30 * MINUTE, "two after all")
    assert sorted(values(record, kept, as_of=21 * MINUTE)) == [61.0, 80.0, 81.0]
    assert sorted(values(record, kept, as_of=25 * MINUTE)) == [60.0, 61.0, 80.0, 81.0]
    assert values(record, other) == [60.0]


def test_parted_from_a_chain_each_takes_its_own_numbers_along(record: Record, two: tuple[str, str]) -> None:
    kept, other = two
    third = SubjectRef((Identifier("urn:old", "7"),))
    last = write(record, 12 * MINUTE, seen(50, 12 * MINUTE, subject=third))
    write(record, 13 * MINUTE, Link(third, MR_B, "adt"))  # Mr B, with Mrs A, becomes the third
    record.part(operator(), other, 20 * MINUTE, "she is not")
    assert values(record, other) == [60.0]
    assert sorted(values(record, last)) == [50.0, 61.0, 80.0, 81.0]
    record.part(operator(), kept, 21 * MINUTE, "nor is he")
    assert reader(record).identifiers(last) == list(third.identifiers)
    assert reader(record).identifiers(kept) == list(MR_B.identifiers)
    assert set(reader(record).identifiers(other)) == set(MRS_A_NHS.identifiers)


def test_in_a_chain_it_is_told_how_much_came_since_and_with_whom_it_stays(record: Record, two: tuple[str, str]) -> None:
    kept, other = two
    third = SubjectRef((Identifier("urn:old", "7"),))
    last = write(record, 12 * MINUTE, seen(50, 12 * MINUTE, subject=third))
    write(record, 13 * MINUTE, Link(third, MR_B, "adt"))
    write(record, 14 * MINUTE, *(seen(70 + n, (14 + n) * MINUTE, subject=NHS) for n in range(5)))
    done = record.part(operator(), other, 20 * MINUTE, "she is not")
    assert (done.values, done.survivor) == (2 + 5, last), "not what the third had before"
    assert record.part(operator(), kept, 21 * MINUTE, "nor is he").values == 5


def test_erasing_one_of_them_leaves_the_other_and_its_messages(record: Record, two: tuple[str, str]) -> None:
    kept, other = two
    record.part(operator(), other, 20 * MINUTE, "two wristbands")
    with record.writing(DOOR, "write", "refused", [other]) as connection:
        keep.quarantine(connection, 21 * MINUTE, "hl7", "no unit", "text", b"PID|1||9434765919")
    gone = record.erase(operator(), kept, "request")
    assert gone.messages == 0
    assert values(record, other) == [60.0] and [one.key for one in reader(record).subjects()] == [other]
    assert reader(record).subject_of(MRS_A.identifiers[0]) == other
    record.erase(operator(), other, "request")
    for table in ("observation", "series", "merged", "parted", "subject", "identifier", "superseded", "version"):
        assert record.connection().query(f"SELECT count(*) FROM {table}") == [(0,)], table


def test_it_is_authorised_and_audited_and_needs_a_reason(record: Record, two: tuple[str, str]) -> None:
    kept, other = two
    with pytest.raises(AccessDeniedError):
        record.part(Actor("auditor", "auditor"), other, 20 * MINUTE, "curious")
    with pytest.raises(ValueError, match="reason"):
        record.part(operator(), other, 20 * MINUTE, " ")
    with pytest.raises(KeyError, match="nobody"):
        record.part(operator(), kept, 20 * MINUTE, "not merged")
    record.part(operator(), other, 20 * MINUTE, "two wristbands")
    rows = record.connection().query("SELECT subject FROM audit WHERE detail = 'part: two wristbands' AND allowed = 1")
    assert {key for (keys,) in rows for key in keys.split()} == {kept, other}
    assert audit.verify(record.connection())[1] is None
    with pytest.raises(KeyError, match="nobody"):
        record.part(operator(), other, 21 * MINUTE, "twice")


def test_checkpoints_of_both_end(record: Record, two: tuple[str, str]) -> None:
    kept, other = two
    with record.writing(operator(), "derive", "checkpoint", [kept]) as connection:
        keep.save_checkpoint(connection, kept, "model", MINUTE, 1, b"of two")
    record.part(operator(), other, 20 * MINUTE, "two wristbands")
    assert reader(record).checkpoints(kept, "model") == []


def test_events_and_news_are_by_the_key_of_now(record: Record, two: tuple[str, str]) -> None:
    kept, other = two
    start = reader(record).newest()
    record.part(operator(), other, 20 * MINUTE, "two wristbands")
    record.append(DOOR, [Batch((Event(MRS_A, "encounter", 21 * MINUTE, "adt"),), 21 * MINUTE, DOOR.name)])
    assert [one.subject for one in reader(record).news(start, ("encounter",)).events] == [other]
    assert {one.subject for one in reader(record).news(0, ()).observations} == {kept, other}
