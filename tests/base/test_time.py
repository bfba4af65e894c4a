"""A text is one instant, or it is refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from caretwin.base.errors import TimeError
from caretwin.base.time import end_of_date, from_microseconds, hours_between, parse_instant, to_microseconds

SIX_TEN = datetime(2024, 3, 1, 6, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "text, zone",
    [
        ("2024-03-01T06:10:00Z", None),
        ("2024-03-01 06:10+00:00", None),
        ("2024-03-01T07:10+01:00", None),
        ("2024-03-01T07:10", "Europe/Berlin"),
        ("2024-03-01T07:10+01:00", "America/New_York"),  # an offset in the text wins
        ("20240301T061000Z", None),
        (" 2024-03-01T11:40:00.000000+05:30 ", None),
    ],
)
def test_one_instant_written_in_many_ways(text, zone):
    found = parse_instant(text, zone)
    assert found == SIX_TEN
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text, zone, seen",
    [
        ("2024-03-01T06:10", None, "without a zone"),
        ("2024-03-01", None, "without a time of day"),
        ("2024-03-01", "Europe/Berlin", "without a time of day"),
        ("20240301", "UTC", "without a time of day"),
        ("2024", "UTC", "without a time of day"),
        ("01.03.2024 06:10", "UTC", "no date and time of day"),
        ("", "UTC", "no date and time of day"),
        ("2024-02-30T06:10Z", None, "day is out of range"),
        ("2024-03-01T06:10", "Mars/Olympus", "Mars/Olympus"),
        ("2024-03-31T02:30", "Europe/Berlin", "never showed"),
        ("2024-10-27T02:30", "Europe/Berlin", "showed twice"),
    ],
)
def test_a_text_that_is_not_one_instant_is_refused_with_a_fix(text, zone, seen):
    with pytest.raises(TimeError) as caught:
        parse_instant(text, zone)
    assert seen in caught.value.seen
    assert caught.value.fix


def test_both_hours_of_an_autumn_night_can_be_told_by_their_offset():
    first = parse_instant("2024-10-27T02:30+02:00")
    assert hours_between(first, parse_instant("2024-10-27T02:30+01:00")) == 1.0


def test_hours_between_counts_elapsed_time_and_not_clock_time():
    before, after = (
        parse_instant("2024-03-31T00:00", "Europe/Berlin"),
        parse_instant("2024-04-01T00:00", "Europe/Berlin"),
    )
    assert hours_between(before, after) == 23.0  # the night on which an hour is lost
    assert hours_between(after, before) == -23.0
    elsewhere = SIX_TEN.astimezone(timezone(timedelta(hours=-5)))
    assert hours_between(SIX_TEN, elsewhere) == 0.0


def test_hours_between_refuses_a_naive_datetime():
    with pytest.raises(TimeError, match="without a zone"):
        hours_between(SIX_TEN.replace(tzinfo=None), SIX_TEN)


@pytest.mark.parametrize("year", [1, 1899, 1969, 1970, 2024, 2144, 9999])
def test_microseconds_are_exact_in_every_year(year):
    instant = datetime(year, 7, 1, 23, 59, 59, 999_999, tzinfo=UTC)
    assert from_microseconds(to_microseconds(instant)) == instant


def test_microseconds_count_from_1970():
    assert to_microseconds(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005
    assert to_microseconds(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1_000_000


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2024-03-01", None, "2024-03-02T00:00:00+00:00"),
        ("2024-12-31", "Europe/Berlin", "2024-12-31T23:00:00+00:00"),
        ("2024-02", "+0100", "2024-02-29T23:00:00+00:00"),
        ("2024-12", "", "2025-01-01T00:00:00+00:00"),
        ("2024", "UTC", "2025-01-01T00:00:00+00:00"),
        ("2024-09-07", "America/Santiago", "2024-09-08T04:00:00+00:00"),  # no midnight: the clocks went forward
    ],
)
def test_a_date_ends_when_the_next_begins_there(text, zone, expected):
    assert end_of_date(text, zone).isoformat() == expected


@pytest.mark.parametrize("text", ["2024-02-30", "9999", "9999-12-31", "", "2024-13", "soon"])
def test_the_end_of_no_date_is_refused(text):
    with pytest.raises(TimeError):
        end_of_date(text)
