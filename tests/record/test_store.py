"""The record keeps its promises, on a file and on a server alike."""

import itertools
import pickle
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future

import numpy as np
import pytest
from tests.record.conftest import Ticking

from caretwin.record import audit
from caretwin.record.access import AccessDeniedError, Actor, operator
from caretwin.record.conflict import IdentityConflictError
from caretwin.record.entry import Batch, Derived, Event, Identifier, Link, Observation, Receipt, Status, SubjectRef
from caretwin.record.reading import Reading
from caretwin.record.record import Record, open_record
from caretwin.record.store import keep
from caretwin.record.writer import BusyError, Writer

DOOR = Actor("door:test", "door")
MRS_A = SubjectRef((Identifier("urn:hospital", "4711"),))
MRS_A_NHS = SubjectRef((Identifier("urn:nhs", "9434765919"), Identifier("urn:hospital", "4711")))
MR_B = SubjectRef((Identifier("urn:hospital", "4712"),))
MINUTE = 60_000_000


def seen(value: float | None, at: int, **more: object) -> Observation:
    """A heart rate of Mrs A."""
    fields = {"subject": MRS_A, "code": "heart_rate", "source": "monitor", **more}
    return Observation(effective=at, value=value, **fields)  # type: ignore[arg-type]


def write(record: Record, received: int, *entries: object) -> str:
    """Write entries as one batch; the key of the first subject."""
    return record.append(DOOR, [Batch(tuple(entries), received, DOOR.name)])[0].subjects[0]  # type: ignore[arg-type]


def values(record: Record, key: str, code: str = "heart_rate", as_of: int = 2**62) -> list[float]:
    found = reader(record).series(key, [code], as_of=as_of)
    return [float(value) for one in found for value in one.value]


def reader(record: Record) -> Reading:
    return record.reading(operator())


@pytest.fixture
def key(record: Record) -> Iterator[str]:
    yield write(record, 10 * MINUTE, seen(80, 9 * MINUTE, source_id="a", version=1))


def test_what_was_kept_can_be_read(record: Record, key: str) -> None:
    (series,) = reader(record).series(key)
    assert (series.code, series.source) == ("heart_rate", "monitor")
    assert series.value.tolist() == [80.0]
    assert series.effective.tolist() == [9 * MINUTE] and series.received.tolist() == [10 * MINUTE]


def test_a_value_is_not_known_before_it_was_received(record: Record, key: str) -> None:
    assert values(record, key, as_of=10 * MINUTE - 1) == []
    assert values(record, key, as_of=10 * MINUTE) == [80.0]


def test_a_correction_replaces_what_it_corrects_from_when_it_came(record: Record, key: str) -> None:
    write(record, 20 * MINUTE, seen(88, 9 * MINUTE, source_id="a", version=2, status=Status.CORRECTED))
    assert values(record, key, as_of=19 * MINUTE) == [80.0]
    assert values(record, key) == [88.0]


def test_a_correction_can_move_a_value_in_time(record: Record, key: str) -> None:
    write(record, 20 * MINUTE, seen(80, 5 * MINUTE, source_id="a", version=2))
    assert reader(record).series(key)[0].effective.tolist() == [5 * MINUTE]
    assert reader(record).latest(key)[0].effective == 5 * MINUTE


def test_what_was_set_last_by_every_order_is_found(record: Record) -> None:
    key = write(
        record, 10 * MINUTE,
        seen(0.1, MINUTE, code="norepinephrine", note={"order": "bag 1"}),
        seen(0.2, 2 * MINUTE, code="norepinephrine", note={"order": "bag 2"}),
        seen(0.3, 3 * MINUTE, code="norepinephrine"), seen(0.4, 4 * MINUTE, code="norepinephrine"),
    )  # fmt: skip
    held = reader(record).held(key, ["norepinephrine"], 5 * MINUTE)
    assert sorted((one.note.get("order", ""), one.value) for one in held) == [
        ("", 0.4), ("bag 1", 0.1), ("bag 2", 0.2),
    ]  # fmt: skip


def test_a_retracted_value_is_absent_and_not_zero(record: Record, key: str) -> None:
    write(record, 20 * MINUTE, seen(None, 9 * MINUTE, source_id="a", version=2, status=Status.RETRACTED))
    assert values(record, key) == []
    assert reader(record).latest(key) == []
    assert values(record, key, as_of=19 * MINUTE) == [80.0]


def test_the_same_message_twice_is_one_observation(record: Record, key: str) -> None:
    again = record.append(DOOR, [Batch((seen(80, 9 * MINUTE, source_id="a", version=1),), 30 * MINUTE, "x")])[0]
    assert again.duplicates == 1
    assert values(record, key) == [80.0]
    unnamed = [record.append(DOOR, [Batch((seen(70, 8 * MINUTE),), 31 * MINUTE, "x")])[0] for _ in range(2)]
    assert [receipt.duplicates for receipt in unnamed] == [0, 1]
    assert unnamed[0].sequences == unnamed[1].sequences
    assert sorted(values(record, key)) == [70.0, 80.0]


def test_two_readings_of_one_minute_without_names_are_two_when_they_differ(record: Record, key: str) -> None:
    write(record, 11 * MINUTE, seen(70, 9 * MINUTE), seen(71, 9 * MINUTE))
    assert sorted(values(record, key)) == [70.0, 71.0, 80.0]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_versions_end_the_same_in_whatever_order_they_come(record: Record, order: tuple[int, ...]) -> None:
    versions = [
        seen(80, 9 * MINUTE, source_id="a", version=1, status=Status.PRELIMINARY),
        seen(82, 9 * MINUTE, source_id="a", version=2),
        seen(84, 8 * MINUTE, source_id="a", version=3, status=Status.CORRECTED),
        seen(84, 8 * MINUTE, source_id="a", version=3, status=Status.CORRECTED),
    ]
    for number in order:
        key = write(record, (10 + number) * MINUTE, versions[number])
    assert values(record, key) == [84.0]
    assert [one.value for one in reader(record).latest(key)] == [84.0]


def test_the_latest_value_is_that_of_the_latest_time_not_of_the_latest_arrival(record: Record, key: str) -> None:
    write(record, 20 * MINUTE, seen(60, 4 * MINUTE))
    assert [one.value for one in reader(record).latest(key)] == [80.0]
    assert reader(record).latest(key, ["lactate"]) == []
    assert reader(record).latest(key, as_of=9 * MINUTE) == []


def test_what_is_said_beside_a_value_comes_back(record: Record) -> None:
    key = write(record, MINUTE, seen(0.5, 0, code="lactate", note={"comparator": "<", "text": "Grüße 心"}))
    (found,) = reader(record).latest(key)
    assert found.note == {"comparator": "<", "text": "Grüße 心"}
    key = write(record, MINUTE, seen(None, 1, code="lactate", note={"absent": "not-performed"}))
    assert np.isnan(reader(record).series(key, ["lactate"])[0].value[-1])


def test_events_are_bitemporal_too(record: Record, key: str) -> None:
    fall = Event(MRS_A, "fall", 5 * MINUTE, "notes", {"injury": "none"}, source_id="f1", version=1)
    write(record, 30 * MINUTE, fall)
    mended = Event(MRS_A, "fall", 5 * MINUTE, "notes", {"injury": "bruise"}, source_id="f1", version=2)
    write(record, 40 * MINUTE, mended)
    assert [one.body["injury"] for one in reader(record).events(key, as_of=35 * MINUTE)] == ["none"]
    assert [one.body["injury"] for one in reader(record).events(key)] == ["bruise"]
    assert reader(record).events(key, ["shift"]) == []
    withdrawn = Event(MRS_A, "fall", 5 * MINUTE, "notes", {}, source_id="f1", version=3, status=Status.RETRACTED)
    write(record, 50 * MINUTE, withdrawn)
    assert reader(record).events(key) == []


def test_what_is_derived_says_what_it_is_about(record: Record, key: str) -> None:
    twin = Actor("twin", "twin")
    forecast = Derived(key, "forecast", 10 * MINUTE, {"median": 82.0}, {"seed": 0})
    made = record.append(twin, [Batch((forecast,), 10 * MINUTE, twin.name)])[0].sequences[0]
    score = Derived(key, "score", 20 * MINUTE, {"crps": 1.0}, {}, about=made)
    record.append(twin, [Batch((score,), 20 * MINUTE, twin.name)])
    assert [(one.kind, one.about) for one in reader(record).derived(key)] == [("forecast", None), ("score", made)]
    assert reader(record).derived(key, ["forecast"])[0].body == {"median": 82.0}


def test_a_second_identifier_is_the_same_person(record: Record, key: str) -> None:
    assert write(record, MINUTE, seen(81, MINUTE, subject=MRS_A_NHS)) == key
    assert reader(record).subject_of(Identifier("urn:nhs", "9434765919")) == key
    assert write(record, MINUTE, seen(60, MINUTE, subject=MR_B)) != key


def test_a_merge_makes_two_people_one(record: Record, key: str) -> None:
    other = write(record, MINUTE, seen(60, MINUTE, subject=MR_B))
    assert other != key
    record.append(DOOR, [Batch((Link(MRS_A, MR_B, "adt"),), 2 * MINUTE, DOOR.name)])
    assert sorted(values(record, key)) == [60.0, 80.0]
    assert write(record, 3 * MINUTE, seen(61, 3 * MINUTE, subject=MR_B)) == key
    assert [one.key for one in reader(record).subjects()] == [key]


def test_a_key_does_not_depend_on_who_came_first(where: str, clock: Ticking) -> None:
    with_both = open_record(where, clock)
    first = write(with_both, MINUTE, seen(60, MINUTE, subject=MR_B))
    second = write(with_both, MINUTE, seen(60, MINUTE))
    operator_ = operator()
    for subject in (first, second):
        with_both.erase(operator_, subject, "test")
    assert write(with_both, MINUTE, seen(60, MINUTE)) == second
    assert write(with_both, MINUTE, seen(60, MINUTE, subject=MR_B)) == first
    with_both.close()


def test_all_of_a_batch_or_nothing(record: Record, key: str) -> None:
    with pytest.raises(KeyError):
        write(record, MINUTE, seen(90, 2 * MINUTE), seen(91, 3 * MINUTE, subject="nobody"))
    assert values(record, key) == [80.0]
    write(record, MINUTE, seen(92, 2 * MINUTE, subject=MR_B))  # what was remembered of the failed batch is forgotten


def test_it_is_all_there_after_opening_anew(where: str, clock: Ticking) -> None:
    first = open_record(where, clock)
    key = write(first, MINUTE, seen(80, MINUTE))
    first.close()
    second = open_record(where, clock)
    assert values(second, key) == [80.0]
    assert write(second, MINUTE, seen(80, MINUTE)) == key
    assert values(second, key) == [80.0]
    second.close()


def test_two_processes_worth_of_writers_do_not_step_on_each_other(where: str, clock: Ticking) -> None:
    records = [open_record(where, clock) for _ in range(2)]

    def fill(which: int) -> None:
        for number in range(50):
            write(
                records[which], MINUTE, seen(number, number, source=f"monitor {which}"), seen(1, number, subject=MR_B)
            )

    threads = [threading.Thread(target=fill, args=(which,)) for which in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = reader(records[0]).changes(0)
    assert len({one.sequence for one in found}) == len(found) == 150
    assert len(reader(records[1]).subjects()) == 2
    for opened in records:
        opened.close()


def test_changes_come_in_the_order_in_which_they_were_kept(record: Record, key: str) -> None:
    write(record, MINUTE, *(seen(60 + number, number * MINUTE) for number in range(5)))
    after = reader(record).changes(0)
    assert [one.value for one in after] == [80, 60, 61, 62, 63, 64]
    assert [one.value for one in reader(record).changes(after[2].sequence, most=2)] == [62, 63]
    assert {one.subject for one in after} == {key}


def test_listeners_hear_of_every_commit(record: Record, key: str) -> None:
    heard: list[int] = []
    end = record.listen(lambda batches, receipts: heard.append(sum(len(batch.entries) for batch in batches)))
    write(record, MINUTE, seen(1, 1), seen(2, 2))
    end()
    write(record, MINUTE, seen(3, 3))
    assert heard == [2]


# who may do what
# ---------------------------------------------------------------------------------------------------------


def test_a_door_writes_and_reads_nothing(record: Record, key: str) -> None:
    with pytest.raises(AccessDeniedError, match="door may write"):
        record.reading(DOOR).latest(key)
    with pytest.raises(AccessDeniedError):
        record.erase(DOOR, key, "no")
    with pytest.raises(AccessDeniedError):
        record.append(Actor("auditor", "auditor"), [Batch((seen(1, 1),), 1, "x")])
    assert values(record, key) == [80.0]


def test_every_read_and_write_is_in_the_audit_trail(record: Record, key: str) -> None:
    reader(record).latest(key)
    with pytest.raises(AccessDeniedError):
        record.reading(DOOR).latest(key)
    rows = record.connection().query("SELECT actor, action, subject, allowed FROM audit ORDER BY n")
    assert (DOOR.name, "write", key, 1) in rows
    assert (operator().name, "read", key, 1) in rows
    assert (DOOR.name, "read", key, 0) in rows
    assert audit.verify(record.connection()) == (len(rows), None)


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE audit SET actor = 'me' WHERE n = 2",
        "DELETE FROM audit WHERE n = 2",
        "UPDATE audit SET n = 100 + n WHERE n > 1",
    ],
)
def test_whoever_changes_the_trail_is_found_out(record: Record, key: str, attack: str) -> None:
    for number in range(3):
        write(record, MINUTE, seen(number, number))
    with record.writing(operator(), "configure", "") as connection:
        connection.query(attack)
    row, trouble = audit.verify(record.connection())
    assert row == 2 and trouble is not None


def test_erasing_leaves_nothing_but_the_audit_trail(record: Record, where: str, key: str) -> None:
    write(record, MINUTE, Event(MRS_A, "fall", 5, "notes", {"where": "a very particular corridor"}))
    removed = record.erase(operator(), key, "request of 2026-11-22")
    assert removed.rows >= 4
    assert reader(record).subjects() == []
    assert reader(record).subject_of(Identifier("urn:hospital", "4711")) is None
    rows = record.connection().query("SELECT detail FROM audit WHERE action = 'erase'")
    assert len(rows) == 1 and "request of 2026-11-22" in rows[0][0]
    if not where.startswith("postgres"):
        with open(where, "rb") as file:
            assert b"a very particular corridor" not in file.read()
    with pytest.raises(KeyError):
        record.erase(operator(), key, "again")
    with pytest.raises(ValueError, match="reason"):
        record.erase(operator(), key, " ")


def test_another_process_forgets_who_was_erased(where: str, clock: Ticking) -> None:
    one, other = open_record(where, clock), open_record(where, clock)
    key = write(one, MINUTE, seen(80, MINUTE))
    write(other, MINUTE, seen(81, 2 * MINUTE))
    one.erase(operator(), key, "request")
    write(other, MINUTE, seen(82, 3 * MINUTE))
    assert values(one, key) == [82.0]
    one.close()
    other.close()


# what is kept beside
# ------------------------------------------------------------------------------------------------------


def test_a_refused_message_waits_until_somebody_deals_with_it(record: Record) -> None:
    with record.writing(DOOR, "write", "quarantine") as connection:
        number = keep.quarantine(connection, MINUTE, "icu", "no patient", "hl7v2", b"MSH|\x00\xff")
    (found,) = keep.quarantined(record.connection())
    assert (found.number, found.size, found.reason) == (number, 6, "no patient")
    assert keep.message(record.connection(), number) == b"MSH|\x00\xff"
    assert keep.quarantined(record.connection(), "other door") == []
    with record.writing(operator(), "write", "resolve") as connection:
        keep.resolve(connection, number, 2 * MINUTE, "me", "accepted: 3 entries")
    assert keep.quarantined(record.connection()) == []
    assert len(keep.quarantined(record.connection(), waiting=False)) == 1


def test_codes_that_nobody_mapped_are_counted(record: Record) -> None:
    one = keep.Unmapped("icu", "local", "HR2", "bpm", "Herzfrequenz", "80 bpm", 1, 1, 1)
    for _ in range(3):
        with record.writing(DOOR, "write", "") as connection:
            keep.note_unmapped(connection, [one, one._replace(code="X")])
    found = keep.unmapped(record.connection())
    assert [(row.code, row.times) for row in found] == [("HR2", 3), ("X", 3)]


def test_checkpoints_come_back_as_they_were_and_old_ones_go(record: Record, key: str) -> None:
    with record.writing(Actor("twin", "twin"), "derive", "") as connection:
        for hour in range(4):
            keep.save_checkpoint(connection, key, "bedside", hour, 10 + hour, bytes([hour]) * 100)
        assert keep.drop_checkpoints(connection, key, "bedside", 3, keep=1) == 2
    found = keep.checkpoints(record.connection(), key, "bedside")
    assert found == [(2, 12, b"\x02" * 100), (3, 13, b"\x03" * 100)]
    assert keep.checkpoints(record.connection(), key, "other") == []


# group commit
# ------------------------------------------------------------------------------------------------------------


def test_many_senders_are_acknowledged_after_one_commit(record: Record) -> None:
    commits: list[int] = []
    record.listen(lambda batches, _: commits.append(len(batches)))
    with Writer(record) as writer:
        futures = [writer.submit(DOOR, Batch((seen(n % 50, n),), MINUTE, "x"), wait_s=5) for n in range(300)]
        keys = {future.result().subjects[0] for future in futures}
    assert sum(commits) == 300 and len(commits) < 300
    assert len(values(record, keys.pop())) == 300


def test_a_bad_batch_does_not_take_the_others_with_it(record: Record) -> None:
    with Writer(record) as writer:
        futures = [
            writer.submit(DOOR, Batch((seen(1, n, subject="nobody" if n == 7 else MRS_A),), MINUTE, "x"), wait_s=5)
            for n in range(20)
        ]
        errors = [future.exception() for future in futures]
    assert [n for n, error in enumerate(errors) if error] == [7]


def test_a_full_queue_tells_the_sender_to_wait(record: Record) -> None:
    gate = threading.Event()
    record.listen(lambda batches, receipts: gate.wait(10) and None)
    writer = Writer(record, most_waiting=2)
    kept = []
    with pytest.raises(BusyError, match="send again later"):
        for n in range(50):
            kept.append(writer.submit(DOOR, Batch((seen(1, n),), MINUTE, "x")))
    gate.set()
    writer.close()
    assert all(future.done() and not future.exception() for future in kept)
    with pytest.raises(RuntimeError):
        writer.submit(DOOR, Batch((), MINUTE, "x"))


def test_shuffled_duplicated_and_delayed_streams_leave_the_same_record(record: Record) -> None:
    luck = random.Random(4)
    stream = [
        seen(
            60 + luck.randrange(40),
            n % 17 * MINUTE,
            source_id=f"o{n % 23}",
            version=n,
            status=Status(luck.randrange(4)),
        )
        if n % 3
        else seen(60 + n % 7, n % 11 * MINUTE)
        for n in range(120)
    ]
    found = []
    for turn in range(3):
        shuffled = stream + stream[::2] if turn else stream
        luck.shuffle(shuffled) if turn else None
        source = f"monitor {turn}"
        key = ""
        for entry in shuffled:
            fields = {name: getattr(entry, name) for name in entry.__dataclass_fields__}
            key = write(record, MINUTE, Observation(**{**fields, "source": source}))
        series = [one for one in reader(record).series(key) if one.source == source]
        found.append(sorted(zip(series[0].effective, series[0].value, strict=True)))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 20


# what a review found
# -----------------------------------------------------------------------------------------------------


def test_a_retraction_leaves_the_value_before_it_as_the_latest(record: Record) -> None:
    key = write(record, MINUTE, seen(70, MINUTE, source_id="a"), seen(80, 2 * MINUTE, source_id="b", version=1))
    write(record, 3 * MINUTE, seen(None, 2 * MINUTE, source_id="b", version=2, status=Status.RETRACTED))
    assert [one.value for one in reader(record).latest(key)] == [70.0]


def test_a_merge_takes_every_number_of_the_other_along(record: Record) -> None:
    """An admission system merges by hospital number; the data go on coming under the NHS number."""
    survivor = write(record, MINUTE, seen(80, MINUTE, subject=MR_B))
    write(record, MINUTE, seen(60, MINUTE, subject=MRS_A_NHS))
    record.append(DOOR, [Batch((Link(MR_B, MRS_A, "adt"),), 2 * MINUTE, DOOR.name)])
    nhs = SubjectRef((Identifier("urn:nhs", "9434765919"),))
    assert write(record, 3 * MINUTE, seen(61, 3 * MINUTE, subject=nhs)) == survivor
    assert reader(record).subject_of(Identifier("urn:nhs", "9434765919")) == survivor
    assert sorted(values(record, survivor)) == [60.0, 61.0, 80.0]


def test_what_is_written_by_the_key_of_the_merged_is_of_the_survivor(record: Record, key: str) -> None:
    other = write(record, 11 * MINUTE, seen(90, 11 * MINUTE, subject=MR_B))
    assert write(record, 12 * MINUTE, seen(91, 12 * MINUTE, subject=other)) == other
    write(record, 13 * MINUTE, Link(MRS_A, MR_B, "adt"))
    assert write(record, 14 * MINUTE, seen(92, 14 * MINUTE, subject=other)) == key
    assert sorted(values(record, key)) == [80, 90, 91, 92]


def test_a_merge_the_other_way_round_afterwards_loses_nobody(record: Record) -> None:
    survivor = write(record, MINUTE, seen(80, MINUTE, subject=MR_B))
    write(record, MINUTE, seen(60, MINUTE))
    for link in (Link(MR_B, MRS_A, "adt"), Link(MRS_A, MR_B, "adt")):
        record.append(DOOR, [Batch((link,), 2 * MINUTE, DOOR.name)])
    assert [one.key for one in reader(record).subjects()] == [survivor]
    assert sorted(values(record, survivor)) == [60.0, 80.0]


def test_a_merge_and_data_of_the_merged_in_one_message(record: Record) -> None:
    survivor = write(record, MINUTE, seen(80, MINUTE, subject=MR_B))
    write(record, MINUTE, seen(60, MINUTE))
    batch = Batch((Link(MR_B, MRS_A, "adt"), seen(62, 4 * MINUTE, code="respiratory_rate")), 5 * MINUTE, DOOR.name)
    assert set(record.append(DOOR, [batch])[0].subjects) == {survivor}
    assert values(record, survivor, "respiratory_rate") == [62.0]


def test_before_a_merge_was_known_two_people_were_two(record: Record) -> None:
    survivor = write(record, MINUTE, seen(80, MINUTE, subject=MR_B))
    write(record, MINUTE, seen(60, MINUTE))
    record.append(DOOR, [Batch((Link(MR_B, MRS_A, "adt"),), 100 * MINUTE, DOOR.name)])
    assert values(record, survivor, as_of=50 * MINUTE) == [80.0]
    assert sorted(values(record, survivor, as_of=100 * MINUTE)) == [60.0, 80.0]


def test_another_process_learns_of_a_merge(where: str, clock: Ticking) -> None:
    one, other = open_record(where, clock), open_record(where, clock)
    survivor = write(one, MINUTE, seen(80, MINUTE, subject=MR_B))
    write(other, MINUTE, seen(60, MINUTE))
    one.append(DOOR, [Batch((Link(MR_B, MRS_A, "adt"),), 2 * MINUTE, DOOR.name)])
    assert write(other, 3 * MINUTE, seen(61, 3 * MINUTE)) == survivor
    one.close()
    other.close()


def test_a_sender_that_no_longer_waits_does_not_stop_the_writer(record: Record) -> None:
    gate = threading.Event()
    record.listen(lambda batches, receipts: gate.wait(5) and None)
    with Writer(record) as writer:
        first = writer.submit(DOOR, Batch((seen(1, 1),), MINUTE, "x"))
        second = writer.submit(DOOR, Batch((seen(2, 2),), MINUTE, "x"))
        second.cancel()
        gate.set()
        first.result(10)
        assert writer.submit(DOOR, Batch((seen(3, 3),), MINUTE, "x"), wait_s=5).result(10).sequences


def test_whoever_submits_while_a_writer_closes_gets_an_answer(record: Record) -> None:
    writer, found, begun = Writer(record, most_waiting=4), list[Future[Receipt]](), threading.Barrier(5)

    def submit(number: int) -> None:
        begun.wait()
        for at in range(200):
            try:
                found.append(writer.submit(DOOR, Batch((seen(60, 1000 * number + at),), MINUTE, "x"), wait_s=1))
            except (RuntimeError, BusyError):
                return

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    begun.wait()
    time.sleep(0.01)
    writer.close()
    for thread in threads:
        thread.join(10)
    assert found
    assert all(one.done() for one in found)  # nothing is left in a queue that nobody reads


def test_a_listener_that_fails_takes_back_no_commit(record: Record) -> None:
    def fails(batches: object, receipts: object) -> None:
        raise OSError("no room on the screen")

    end = record.listen(fails)
    with pytest.warns(RuntimeWarning, match="no room on the screen"):
        key = write(record, MINUTE, seen(80, MINUTE))
    end()
    assert values(record, key) == [80.0]


def test_numbers_of_two_people_are_a_conflict_that_names_systems_and_no_number(record: Record, key: str) -> None:
    other = SubjectRef((Identifier("urn:nhs", "9434765919"),))
    write(record, 11 * MINUTE, seen(60, 9 * MINUTE, subject=other))
    with pytest.raises(IdentityConflictError) as caught:
        write(record, 12 * MINUTE, seen(81, 11 * MINUTE), seen(90, 11 * MINUTE, subject=MRS_A_NHS))
    assert (caught.value.places, caught.value.systems) == ((1,), ("urn:hospital", "urn:nhs"))
    assert "4711" not in str(caught.value) and "9434765919" not in str(caught.value)
    assert values(record, key) == [80.0]
    assert pickle.loads(pickle.dumps(caught.value)).places == (1,)


def test_after_a_merge_the_same_numbers_are_one_person(record: Record, key: str) -> None:
    other = SubjectRef((Identifier("urn:nhs", "9434765919"),))
    write(record, 11 * MINUTE, seen(60, 9 * MINUTE, subject=other))
    write(record, 12 * MINUTE, Link(MRS_A, other, "adt"), seen(90, 11 * MINUTE, subject=MRS_A_NHS))
    assert sorted(values(record, key)) == [60.0, 80.0, 90.0]


@pytest.mark.parametrize("names_both", [False, True])
def test_a_merge_may_name_the_number_that_goes_among_those_that_stay(
    record: Record, key: str, names_both: bool
) -> None:
    write(record, 11 * MINUTE, seen(60, 9 * MINUTE, subject=MR_B))
    both = SubjectRef((*MR_B.identifiers, *MRS_A.identifiers))
    write(record, 12 * MINUTE, Link(both, both if names_both else MR_B, "adt"))
    one = reader(record).subject_of(MR_B.identifiers[0])
    assert one == reader(record).subject_of(MRS_A.identifiers[0])
    assert one is not None and sorted(values(record, one)) == [60.0, 80.0]


def test_a_merge_of_three_is_a_conflict(record: Record, key: str) -> None:
    third = SubjectRef((Identifier("urn:nhs", "9434765919"),))
    for ref in (MR_B, third):
        write(record, 11 * MINUTE, seen(60, 9 * MINUTE, subject=ref))
    two = SubjectRef((*MR_B.identifiers, *third.identifiers))
    with pytest.raises(IdentityConflictError):
        write(record, 12 * MINUTE, Link(MRS_A, two, "adt"))
    assert len({reader(record).subject_of(ref.identifiers[0]) for ref in (MRS_A, MR_B, third)}) == 3


def test_a_number_of_a_house_joins_only_while_nothing_else_is_known_of_it(record: Record, key: str) -> None:
    house = SubjectRef((Identifier("local:ehr", "Patient/7"),))
    known = SubjectRef((*house.identifiers, *MR_B.identifiers))
    write(record, 11 * MINUTE, seen(60, 9 * MINUTE, subject=known))
    write(record, 12 * MINUTE, Link(MRS_A, house, "ehr", alone=True))
    assert reader(record).subject_of(house.identifiers[0]) != key
    other = SubjectRef((Identifier("local:ehr", "Patient/8"),))
    write(record, 13 * MINUTE, seen(61, 9 * MINUTE, subject=other))
    write(record, 14 * MINUTE, Link(MRS_A, other, "ehr", alone=True))
    assert reader(record).subject_of(other.identifiers[0]) == key
