"""Who is erased is gone: every key of the person, every refused message, every byte that deletion leaves behind."""

import threading
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from tests.record.conftest import Ticking
from tests.record.test_quarantine import refuse
from tests.record.test_store import DOOR, MINUTE, MR_B, MRS_A, reader, seen, write

from caretwin.cli import main
from caretwin.record.access import operator
from caretwin.record.entry import Batch, Derived, Event, Identifier, Link, Status, SubjectRef
from caretwin.record.export import export
from caretwin.record.record import Record, open_record
from caretwin.record.store import keep
from caretwin.record.store.mentions import mentions

NHS = Identifier("urn:nhs", "9434765919")
ADA = SubjectRef((NHS, Identifier("urn:ward", "ada-lovelace-1815")))
TRACES = (b"ada-lovelace-1815", b"9434765919", b"a very particular corridor", b"sinus-sinister", b"secret state")


def bytes_of(where: str, folder: Path) -> bytes:
    """All that the database has on the disk: the file and its log, or the files of every table and index."""
    if not where.startswith("postgres"):
        return b"".join(path.read_bytes() for path in folder.glob("record.db*"))
    with psycopg.connect(where, autocommit=True) as server:
        server.execute("CHECKPOINT")
        rows = server.execute(
            "SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class WHERE pg_relation_filepath(oid)"
            " IS NOT NULL AND relpersistence = 'p'"
        ).fetchall()
    return b"".join(bytes(row[0]) for row in rows)


def analysed(where: str) -> None:
    """Let the server gather its statistics, in which common values stand."""
    if where.startswith("postgres"):
        with psycopg.connect(where, autocommit=True) as server:
            server.execute("ANALYZE")


def told(record: Record, subject: SubjectRef = ADA, at: int = MINUTE) -> str:
    """Say something of everything about a person; the key."""
    key = write(
        record,
        at,
        seen(80, at, subject=subject, source_id=f"a{at}", version=1, note={"text": "a very particular corridor"}),
        seen(81, at, subject=subject, source_id=f"a{at}", version=2, status=Status.CORRECTED),
        seen(None, at, subject=subject, code="local|RHYTHM", note={"text": "sinus-sinister"}),
        Event(subject, "fall", at, "notes", {"where": "a very particular corridor"}),
        Derived(subject, "forecast", at, {"median": 82.0}, {"of": "ada-lovelace-1815"}),
    )
    with record.writing(DOOR, "write", "beside", [key]) as connection:
        keep.save_checkpoint(connection, key, "bedside", at, 1, b"secret state")
        one = keep.Unmapped("icu", "local", "RHYTHM", "", "Rhythm", "sinus-sinister", at, at, 1)
        keep.note_unmapped(connection, [one])
    return key


def test_no_byte_of_who_was_erased_is_left(record: Record, where: str, tmp_path: Path) -> None:
    other = write(record, MINUTE, seen(60, MINUTE, subject=MR_B))
    key = told(record)
    refuse(record, MINUTE, b"PID|1||943 476 5919^^^NHS~ADA-LOVELACE-1815||a very particular corridor")
    refuse(record, MINUTE, b"ZZZ|sinus-sinister", reason="no unit for ada-lovelace-1815")
    analysed(where)
    before = bytes_of(where, tmp_path)
    assert all(trace in before for trace in TRACES)
    gone = record.erase(operator(), key, "request")
    assert gone.messages == 2 and gone.examples == 1 and gone.overwritten
    after = bytes_of(where, tmp_path)
    assert [trace for trace in TRACES if trace in after] == []
    assert [one.key for one in reader(record).subjects()] == [other]
    assert [one.times for one in keep.unmapped(record.connection())] == [1], "the code is still to be mapped"


@pytest.mark.parametrize("asked", ["survivor", "merged", "merged before"])
def test_every_key_of_a_person_goes(record: Record, asked: str) -> None:
    third = SubjectRef((Identifier("urn:old", "1815-12-10"),))
    keys = {
        "survivor": told(record),
        "merged": write(record, MINUTE, seen(60, MINUTE)),
        "merged before": write(record, MINUTE, seen(61, MINUTE, subject=third)),
    }
    stays = write(record, MINUTE, seen(62, MINUTE, subject=MR_B))
    for link in (Link(MRS_A, third, "adt"), Link(ADA, MRS_A, "adt")):
        record.append(DOOR, [Batch((link,), 2 * MINUTE, DOOR.name)])
    refuse(record, MINUTE, b"PID|1||1815-12-10")
    gone = record.erase(operator(), keys[asked], "request")
    assert gone.messages == 1
    assert [one.key for one in reader(record).subjects()] == [stays]
    for table, left in (("observation", 1), ("series", 1), ("merged", 0), ("subject", 1), ("identifier", 1)):
        assert record.connection().query(f"SELECT count(*) FROM {table}") == [(left,)], table


def test_messages_of_others_stay(record: Record) -> None:
    key = told(record)
    refuse(record, MINUTE, b"PID|1||99434765919^^^X||ada-lovelace-18150")
    refuse(record, MINUTE, b"PID|1||4712")
    assert record.erase(operator(), key, "request").messages == 0
    assert len(keep.quarantined(record.connection())) == 2


def test_a_message_of_which_a_part_was_kept_goes_with_its_person(record: Record) -> None:
    key, other = told(record), write(record, MINUTE, seen(60, MINUTE, subject=MR_B))
    refuse(record, MINUTE, b"no number in it", subjects=[key])
    refuse(record, MINUTE, b"nor in this", subjects=[other])
    number = refuse(record, MINUTE, b"accepted later")
    with record.writing(operator(), "write", "resolve") as connection:
        keep.resolve(connection, number, 2 * MINUTE, "me", "accepted: 3 entries", [key])
    assert record.erase(operator(), key, "request").messages == 2
    (left,) = keep.quarantined(record.connection(), waiting=False)
    assert keep.message(record.connection(), left.number) == b"nor in this"


def test_a_name_that_the_record_does_not_know_can_be_said(record: Record) -> None:
    key = told(record)
    refuse(record, MINUTE, b"PID|1||||LOVELACE^ADA")
    assert record.erase(operator(), key, "request", ["Lovelace"]).messages == 1
    details = record.connection().query("SELECT detail FROM audit WHERE action = 'erase'")
    assert "Lovelace" not in details[0][0]


def test_a_place_is_not_looked_for_in_the_messages_of_those_who_were_there(record: Record) -> None:
    ward = SubjectRef((Identifier("urn:wards", "ward-12"),), "place")
    key = write(record, MINUTE, seen(21, MINUTE, subject=ward, code="room_temperature"))
    refuse(record, MINUTE, b"PV1|1|I|ward-12")
    assert record.erase(operator(), key, "closed").messages == 0


def test_an_example_that_was_seen_before_an_erasure_is_not_written_after_it(record: Record) -> None:
    key = told(record)
    epoch = reader(record).epoch()
    record.erase(operator(), key, "request")
    one = keep.Unmapped("icu", "local", "RHYTHM", "", "Rhythm", "sinus-sinister", 1, 2, 3)
    with record.writing(DOOR, "write", "codes") as connection:
        keep.note_unmapped(connection, [one], epoch)
    assert [(found.example, found.times) for found in keep.unmapped(record.connection())] == [("", 4)]


def test_what_is_outside_is_named(record: Record, tmp_path: Path) -> None:
    key = told(record)
    export(record, operator(), tmp_path / "for research")
    (made,) = record.erase(operator(), key, "request").exports
    assert made.actor == operator().name and "for research" in made.detail


def test_a_reader_that_holds_on_is_told_of(tmp_path: Path, clock: Ticking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretwin.record.store.sqlite.WAIT_MS", 100)
    record = open_record(tmp_path / "record.db", clock)
    key, begun, ended = told(record), threading.Event(), threading.Event()

    def hold() -> None:
        reading = reader(record).of([key])
        reading.at_once(lambda: (reading.latest(key), begun.set(), ended.wait(10)))

    holding = threading.Thread(target=hold)
    holding.start()
    begun.wait(10)
    assert not record.erase(operator(), key, "request").overwritten
    ended.set()
    holding.join()
    record.close()
    assert not any(trace in bytes_of(str(tmp_path), tmp_path) for trace in TRACES)


def test_the_command_says_what_went_and_what_is_left_to_do(tmp_path: Path, clock: Ticking) -> None:
    record = open_record(tmp_path / "record.db", clock)
    key = told(record)
    refuse(record, MINUTE, b"PID|1||||LOVELACE^ADA")
    export(record, operator(), tmp_path / "parquet")
    record.close()
    asked = ["record", "erase", str(tmp_path / "record.db"), key, "--reason", "request", "--word", "Lovelace", "--yes"]
    said = CliRunner().invoke(main, asked)
    assert said.exit_code == 0, said.output
    assert "1 refused message," in said.output and "backups" in said.output
    assert f"by {operator().name}: Parquet, {(tmp_path / 'parquet').resolve()}" in said.output


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("9434765919", "943-476-5919", True),
        ("9434765919", "PID|9434765919|", True),
        ("9434765919", "19434765919", False),
        ("Müller/1", '"M\\u00fcller/1"', True),
        ("Müller/1", '"Müller\\/1"', True),
        ("Müller/1", "/rooms/M%C3%BCller%2F1", True),
        ("A&B12", "<id>a&amp;b12</id>", True),
        ("47a", "47a", False),
        ("4711", "4711x", False),
    ],
)
def test_a_word_is_found_as_it_may_be_written(word: str, text: str, found: bool) -> None:
    pattern = mentions([word])
    assert (pattern is not None and pattern.search(text.encode()) is not None) is found
    if found:
        assert pattern is not None and (pattern.search(word.encode("utf-16-le")) or "%" in text or "&" in text)
