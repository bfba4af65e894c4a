"""Rotas from files: whose shift it is, when it really is, what replaces it, and what a person should look at."""

import asyncio
import os
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.ingest.doors.site import site, until, while_running
from tests.paths import ROOT

from caretwin.base.errors import DataError
from caretwin.base.time import from_microseconds, to_microseconds
from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.rota.door import RotaDoor
from caretwin.record.access import operator
from caretwin.record.entry import Identifier, Status

HOME = ("local:homes", "elm")
NOW = to_microseconds(datetime(2026, 3, 27, 12, 0, tzinfo=UTC))
HOUR = 3_600_000_000


def rota(folder=".", **more):
    return RotaDoor("rota", {"path": str(folder), "zone": "Europe/London", "place": "elm", "every_s": 0.05} | more)


def table(text, file="shifts.csv", **more):
    return rota(**more).decode(text.encode(), f"text/csv;file={file};saved={NOW}")


def calendar(*lines, file="C07.ics", method="PUBLISH", now=NOW, **more):
    text = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", f"METHOD:{method}", *lines, "END:VCALENDAR", ""])
    return rota(**more).decode(text.encode(), f"text/calendar;file={file};now={now}")


def appointment(*lines, uid="s1", stamp="20260301T000000Z"):
    return ("BEGIN:VEVENT", f"UID:{uid}", f"DTSTAMP:{stamp}", *lines, "END:VEVENT")


def utc(event):
    return from_microseconds(event.effective).strftime("%d %H:%M"), from_microseconds(event.stop).strftime("%d %H:%M")


def hours(event):
    return (event.stop - event.effective) / HOUR


# tables --------------------------------------------------------------------------------------------------------------


def test_the_examples_are_read_and_a_night_shift_is_an_hour_shorter_when_the_clocks_go_forward():
    shifts = rota().decode((ROOT / "examples/rota_shifts.csv").read_bytes(), f"text/csv;file=shifts.csv;saved={NOW}")
    assert not shifts.refused
    assert [hours(event) for event in shifts.parts] == [7.5, 9.0, 11.0, 7.5]
    assert utc(shifts.parts[1]) == ("28 21:30", "29 06:30")
    assert shifts.parts[2].body["skills"] == ["medicines", "first aid"]
    assert {event.subject.identifiers[0] for event in shifts.parts} == {HOME}
    assert [event.body.get("agency") for event in shifts.parts] == [None, None, None, True]
    absence = rota().decode((ROOT / "examples/rota_absence.csv").read_bytes(), f"text/csv;file=absence.csv;saved={NOW}")
    assert utc(absence.parts[0]) == ("29 23:00", "05 23:00")  # whole days, on the clock of the home
    staff = rota().decode((ROOT / "examples/rota_staff.csv").read_bytes(), f"text/csv;file=staff.csv;saved={NOW}")
    assert [event.kind for event in staff.parts] == ["staff_member"] * 3
    assert staff.parts[0].body["hours_week"] == 37.5


def test_a_night_shift_is_an_hour_longer_when_the_clocks_go_back():
    (event,) = table("staff,date,start,end\nC1,2026-10-24,21:30,07:30\n").parts
    assert hours(event) == 11.0


@pytest.mark.parametrize(
    "line, column, seen",
    [
        ("C1,2026-10-25,01:30,07:30", "start", "showed twice"),
        ("C1,2026-03-29,01:30,07:30", "start", "never showed"),
        ("C1,25/11/2026,07:00,14:00", "date", "25/11/2026"),
        ("C1,2026-03-27,seven,14:00", "start", "seven"),
        ("C1,2026-03-27T07:00,2026-03-27 07:00,2026-03-29 07:30", "end", "47.5 h"),
        (",2026-03-27,07:00,14:00", "staff", "nothing"),
        ("C1,,07:00,14:00", "date", "no day"),
        ("C1,2026-02-30,07:00,14:00", "date", "2026-02-30"),
    ],
    ids=str,
)
def test_a_bad_row_is_named_by_row_and_column_and_the_others_count(line, column, seen):
    found = table(f"staff,date,start,end\nN9,2026-03-27,07:00,14:00\n{line}\n")
    assert len(found.parts) == 1
    (refusal,) = found.refused
    assert refusal.place == f"shifts.csv, row 3, column {column}"
    assert seen in refusal.seen
    assert "C1" not in str(refusal)


def test_a_time_with_its_offset_is_never_ambiguous():
    (event,) = table("staff,start,end\nC1,2026-10-25T01:30+00:00,2026-10-25T07:30+00:00\n").parts
    assert hours(event) == 6.0


def test_a_spreadsheets_dates_and_semicolons_are_read_when_the_section_says_so():
    (event,) = table("Staff;Date;Start;End\nC1;05/04/2026;7:00;14:30\n", dates="dmy").parts
    assert utc(event) == ("05 06:00", "05 13:30")


def test_a_file_without_a_column_is_told_which_columns_there_are():
    with pytest.raises(RefusedError) as caught:
        table("who,from,to\n1,2,3\n")
    assert "no column staff" in str(caught.value)
    assert "end: when it ends" in caught.value.refusal.wanted


def test_a_file_whose_name_says_nothing_is_refused():
    with pytest.raises(RefusedError, match="a name that does not say"):
        table("staff\n", file="book1.csv")


def test_two_shifts_at_once_are_a_finding_and_no_error():
    found = table(
        "staff,date,start,end,shift\nC1,2026-03-27,07:00,14:30,E\nC1,2026-03-27,14:00,21:30,L\nC2,2026-03-27,14:00,21:30,L\n"
    )
    assert not found.refused
    odd = [event.body.get("findings") for event in found.parts]
    assert odd == [["overlaps another shift of the same person by 0.5 h"]] * 2 + [None]


# calendars -----------------------------------------------------------------------------------------------------------

NIGHTS = (
    "DTSTART;TZID=Europe/London:20260320T213000",
    "DTEND;TZID=Europe/London:20260321T073000",
    "RRULE:FREQ=WEEKLY;BYDAY=FR,SA;UNTIL=20260412T000000Z",
    "SUMMARY:Night",
    "LOCATION:East",
)


def test_a_series_is_written_out_on_the_clock_of_its_zone_across_the_change():
    found = calendar(*appointment(*NIGHTS))
    assert [utc(event)[0] for event in found.parts] == [
        "20 21:30", "21 21:30", "27 21:30", "28 21:30", "03 20:30", "04 20:30", "10 20:30", "11 20:30",
    ]  # fmt: skip
    assert {event.kind for event in found.parts} == {"shift"}
    assert {event.body["staff"] for event in found.parts} == {"C07"}
    assert {event.body["unit"] for event in found.parts} == {"East"}


def test_a_series_reaches_no_further_than_the_horizon():
    forever = tuple(line.replace(";UNTIL=20260412T000000Z", "") for line in NIGHTS)
    assert len(calendar(*appointment(*forever), ahead_days=28).parts) == 10
    assert len(calendar(*appointment(*forever), ahead_days=28, now=NOW + 365 * 24 * HOUR).parts) == 12


def test_a_duration_is_nominal_in_days_and_exact_in_hours():
    lines = ("DTSTART;TZID=Europe/London:20260328T213000", "DURATION:PT10H")
    (event,) = calendar(*appointment(*lines)).parts
    assert hours(event) == 10.0
    (day,) = calendar(*appointment("DTSTART;VALUE=DATE:20260329", "SUMMARY:Leave")).parts
    assert (day.kind, hours(day)) == ("absence", 23.0)  # a day of 23 hours


def test_what_is_taken_out_of_a_series_is_retracted():
    found = calendar(*appointment(*NIGHTS, "EXDATE;TZID=Europe/London:20260403T213000"))
    held = [event for event in found.parts if event.status != Status.RETRACTED]
    (gone,) = [event for event in found.parts if event.status == Status.RETRACTED]
    assert len(held) == 7
    before = {event.source_id for event in calendar(*appointment(*NIGHTS)).parts}
    assert gone.source_id in before - {event.source_id for event in held}


def test_an_occurrence_that_was_moved_replaces_its_own_and_no_other():
    moved = appointment(
        "RECURRENCE-ID;TZID=Europe/London:20260403T213000", "DTSTART;TZID=Europe/London:20260403T193000",
        "DTEND;TZID=Europe/London:20260404T073000", "SEQUENCE:1",
    )  # fmt: skip
    found = calendar(*appointment(*NIGHTS), *moved)
    assert len(found.parts) == 8
    plain = {event.source_id: event for event in calendar(*appointment(*NIGHTS)).parts}
    changed = [event for event in found.parts if utc(event) != utc(plain[event.source_id])]
    assert [utc(event) for event in changed] == [("03 18:30", "04 06:30")]
    assert changed[0].version > plain[changed[0].source_id].version


def test_a_cancelled_appointment_is_retracted_and_a_later_sequence_is_a_later_version():
    one = ("DTSTART:20260327T070000Z", "DTEND:20260327T140000Z")
    (first,) = calendar(*appointment(*one)).parts
    (moved,) = calendar(*appointment(*one, "SEQUENCE:2")).parts
    (gone,) = calendar(*appointment(*one, "SEQUENCE:3", "STATUS:CANCELLED")).parts
    (withdrawn,) = calendar(*appointment(*one, "SEQUENCE:3"), method="CANCEL").parts
    assert first.source_id == moved.source_id == gone.source_id == withdrawn.source_id
    assert first.version < moved.version < gone.version
    assert gone.status == withdrawn.status == Status.RETRACTED


def test_those_who_attend_work_it_and_who_declined_does_not():
    lines = (
        "DTSTART:20260327T070000Z", "DTEND:20260327T140000Z", "ATTENDEE;CN=Ann:mailto:ann@home.example",
        "ATTENDEE;PARTSTAT=DECLINED:mailto:bob@home.example", "CATEGORIES:Sick leave",
    )  # fmt: skip
    (event,) = calendar(*appointment(*lines)).parts
    assert (event.body["staff"], event.kind) == ("ann@home.example", "absence")


@pytest.mark.parametrize(
    "lines, seen",
    [
        (("DTSTART:20260327T070000Z",), "neither DTEND nor DURATION"),
        (("DTSTART:20260327T070000Z", "DTEND:20260327T060000Z"), "an end -1 h"),
        (("DTSTART:20260327T070000Z", "DTEND:20260327T080000Z", "RRULE:FREQ=SECONDLY"), "does not recur by days"),
        (("DTSTART:20260327T070000Z", "DTEND:20260327T080000Z", "RRULE:FREQ=DAILY;INTERVAL=0"), "INTERVAL of 0"),
        (("SUMMARY:x",), "no DTSTART"),
        (("DTSTART:00010101T000000Z", "DTEND:00010101T010000Z", "RRULE:FREQ=DAILY"), "before 1990"),
    ],
    ids=str,
)
def test_an_appointment_that_cannot_be_placed_is_refused_by_its_number(lines, seen):
    good = appointment("DTSTART:20260327T070000Z", "DTEND:20260327T140000Z", uid="good")
    found = calendar(*good, *appointment(*lines))
    assert len(found.parts) == 1
    assert found.refused[0].place == "C07.ics, appointment 2"
    assert seen in found.refused[0].seen


LINES = st.sampled_from(
    [
        *NIGHTS, "BEGIN:VEVENT", "END:VEVENT", "UID:1", "RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=YEARLY;BYMONTH=13",
        "EXDATE:x", "RDATE;VALUE=PERIOD:20260327T070000Z/PT3H", "DURATION:P1DT2H", "DURATION:x", "SEQUENCE:x",
        "DTSTART:20260327", "DTSTART;VALUE=DATE:20260327", "DTEND;TZID=No/Where:20260327T070000", "STATUS:CANCELLED",
        "RECURRENCE-ID:20260327T070000Z", "ATTENDEE:mailto:a", "CATEGORIES:a,b", "SEQUENCE:-99999999999",
        "DTSTART:99991231T235959Z", "RRULE:FREQ=DAILY;UNTIL=x", "METHOD:CANCEL",
        "DTSTART;TZID=Europe/London:20261025T013000",
    ]
)  # fmt: skip


@given(
    st.lists(LINES | st.text(max_size=20), max_size=12), st.binary(max_size=60), st.sampled_from(["", str(NOW), "x"])
)
@example(
    ["BEGIN:VEVENT", "UID:1", "DTSTART:20260327T070000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY", "END:VEVENT"], b"", "0"
)
def test_no_bytes_raise_anything_but_a_refusal(lines, raw, now):
    text = "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:9", *lines, "END:VEVENT", "END:VCALENDAR", ""])
    header = b"staff,date,start,end,from,to,hours\n"
    for body, media in (
        (text.encode("utf-8", "replace"), f"text/calendar;file=a.ics;now={now}"),
        (raw, f"text/calendar;file=a.ics;now={now}"),
        (header + raw, f"text/csv;file=shifts.csv;saved={now}"),
        (header + ",".join(lines).encode("utf-8", "replace"), f"text/csv;file=absence.csv;saved={now}"),
        (header + raw, "text/csv;file=staff.csv"),
        (raw, text[:50]),
    ):
        try:
            rota().decode(body, media)
        except RefusedError:
            continue


def test_a_mistake_in_the_settings_is_named():
    with pytest.raises(DataError, match="zone = 'Mars'"):
        rota(zone="Mars")
    with pytest.raises(DataError, match="dates = 'american'"):
        rota(dates="american")


# the folder ----------------------------------------------------------------------------------------------------------


def save(path, text, seconds):
    """Save a file as if at that many seconds after NOW."""
    path.write_text(text)
    os.utime(path, (NOW / 1e6 + seconds,) * 2)


HEAD = "staff,date,start,end,shift\n"
EARLY, LATE = "C1,2026-03-28,07:00,14:30,E\n", "C1,2026-03-29,14:00,21:30,L\n"


@pytest.mark.service
def test_what_is_saved_anew_replaces_what_was_and_what_is_gone_is_retracted(tmp_path):
    folder = tmp_path / "rota"
    folder.mkdir()
    with site(rota(folder), tmp_path, lambda: NOW) as one:

        def shifts():
            return sorted((e.effective, hours(e)) for e in one.events(*HOME) if e.kind == "shift")

        async def edit():
            save(folder / "shifts.csv", HEAD + EARLY + LATE, 0)
            await until(lambda: len(shifts()) == 2, "two shifts")
            save(folder / "shifts.csv", HEAD + EARLY.replace("14:30", "15:30") + LATE, 10)
            await until(lambda: shifts()[0][1] == 8.5, "the longer shift")
            assert len(shifts()) == 2
            save(folder / "shifts.csv", HEAD + EARLY, 20)
            await until(lambda: len(shifts()) == 1, "one is gone")
            save(folder / "shifts.csv", HEAD + EARLY + LATE, 30)
            await until(lambda: len(shifts()) == 2, "it is back")
            await asyncio.sleep(0.4)  # it is in the record before it is counted
            entries = one.intake.state.counters["entries"]
            save(folder / "shifts.csv", HEAD + EARLY + LATE, 40)
            await asyncio.sleep(0.4)
            assert one.intake.state.counters["entries"] == entries  # nothing changed, nothing is written

        while_running(one, edit)


@pytest.mark.service
def test_a_home_that_was_erased_is_not_written_back_by_what_is_gone_from_its_file(tmp_path):
    folder = tmp_path / "rota"
    folder.mkdir()
    with site(rota(folder), tmp_path, lambda: NOW) as one:

        async def edit():
            save(folder / "shifts.csv", HEAD + EARLY + LATE, 0)
            await until(lambda: len(one.events(*HOME)) == 2, "two shifts")
            one.record.erase(operator(), one.reading.subject_of(Identifier(*HOME)), "closed")
            save(folder / "shifts.csv", HEAD + EARLY, 10)
            await until(lambda: one.events(*HOME), "told anew")

        while_running(one, edit)
        kept = one.record.connection().query("SELECT count(*) FROM event")
        assert kept == [(1,)]  # the shift that is told now, and no retraction of the one that was erased


@pytest.mark.service
def test_a_later_export_that_begins_later_takes_nothing_away(tmp_path):
    folder = tmp_path / "rota"
    folder.mkdir()
    with site(rota(folder), tmp_path, lambda: NOW) as one:

        async def edit():
            save(folder / "shifts.csv", HEAD + EARLY, 0)
            await until(lambda: len(one.events(*HOME)) == 1, "a shift")
            save(folder / "shifts.csv", HEAD + LATE, 10)
            await until(lambda: len(one.events(*HOME)) == 2, "the next export")

        while_running(one, edit)
        assert len(one.events(*HOME)) == 2


@pytest.mark.service
def test_reading_everything_again_after_a_restart_writes_nothing_twice(tmp_path):
    folder = tmp_path / "rota"
    folder.mkdir()
    save(folder / "shifts.csv", HEAD + EARLY + LATE, 0)
    (folder / "C07.ics").write_text(
        "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *appointment(*NIGHTS), "END:VCALENDAR", ""])
    )
    for _ in range(2):
        with site(rota(folder), tmp_path, lambda: NOW) as one:

            async def read(one=one):
                await until(lambda: one.intake.state.counters["entries"] == 10, "both files")

            while_running(one, read)
            assert len(one.events(*HOME)) == 10
            assert one.intake.state.counters["duplicates"] in (0, 10)
    assert one.intake.state.counters["duplicates"] == 10


@pytest.mark.service
def test_a_file_with_a_bad_row_is_put_aside_and_its_good_rows_count(tmp_path):
    folder = tmp_path / "rota"
    folder.mkdir()
    save(folder / "shifts.csv", HEAD + EARLY + "C1,tomorrow,07:00,14:30,E\n", 0)
    save(folder / "notes.csv", "hello\n", 0)
    with site(rota(folder), tmp_path, lambda: NOW) as one:

        async def read():
            await until(lambda: len(one.quarantined()) == 2, "both are put aside")

        while_running(one, read)
        assert len(one.events(*HOME)) == 1
        assert "shifts.csv, row 3, column date" in " ".join(aside.reason for aside in one.quarantined())


def test_the_test_of_the_folder_says_what_is_in_it(tmp_path):
    assert not asyncio.run(rota(tmp_path / "none").test()).works
    assert not asyncio.run(rota(tmp_path).test()).works
    (tmp_path / "shifts.csv").write_text(HEAD)
    assert asyncio.run(rota(tmp_path).test()) == (True, "1 file of a rota: shifts.csv")
