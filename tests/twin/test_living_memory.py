"""A ward does not keep every value that a monitor sent: only what minutes came to, and the twins are the same."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from caretwin.record.entry import Observation, Status
from caretwin.record.record import Record
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.living import record as living_record
from caretwin.twin.living.course import MINUTE
from caretwin.twin.living.ward import LivingWard
from tests.twin.conftest import START
from tests.twin.test_living_ward import in_order, numbers, same, up_to_date, who, write

PER_MINUTE = 6
LEVELS = {"heart_rate": 84.0, "oxygen_saturation": 96.0}


@pytest.fixture(autouse=True)
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes are settled after three, and not after half an hour."""
    monkeypatch.setattr("caretwin.twin.living.course.OPEN_MIN", 3)
    monkeypatch.setattr("caretwin.twin.living.course.MOST_OPEN", 20)


def beats(minutes: Sequence[int], channel: str = "heart_rate", first: int = 0) -> list[Observation]:
    """What a monitor says every ten seconds."""
    luck = np.random.default_rng(7)
    noise = luck.standard_normal((max(minutes) + 1, PER_MINUTE)).round(1)
    return [
        Observation(
            who(0), channel, START + minute * MINUTE - 50_000_000 + 10_000_000 * k,
            float(LEVELS[channel] + noise[minute, k]), "monitor", f"{channel} {minute} {k}",
        )
        for minute in minutes
        for k in range(first, PER_MINUTE)
    ]  # fmt: skip


def followed(record: Record, twin: BedsideTwin, minutes: int) -> LivingWard:
    """A ward that heard every minute in its time."""
    ward = living_record.start(record, twin)
    for minute in range(minutes):
        write(record, beats([minute]) + beats([minute], "oxygen_saturation", first=2))
        up_to_date(ward, minute)
    return ward


def only(ward: LivingWard) -> str:
    (key,) = ward.subjects()
    return key


def test_values_of_minutes_that_are_over_do_not_stay_in_memory(record: Record, twin: BedsideTwin) -> None:
    ward = followed(record, twin, 30)
    course = ward.course(only(ward))
    assert course.open() <= 2 * PER_MINUTE * 5
    assert len(course) == 2 * 30
    assert same(ward, in_order(record, twin, 30))


def test_a_value_that_comes_late_into_a_settled_minute_counts(record: Record, twin: BedsideTwin) -> None:
    ward = followed(record, twin, 20)
    before = numbers(ward)[only(ward)][1]
    write(record, beats([4], "oxygen_saturation")[:2])
    up_to_date(ward, 20)
    assert not all(np.array_equal(a, b) for a, b in zip(before, numbers(ward)[only(ward)][1], strict=True))
    assert same(ward, in_order(record, twin, 20))


@pytest.mark.parametrize("status", [Status.CORRECTED, Status.RETRACTED])
def test_a_settled_minute_can_be_corrected_and_retracted(record: Record, twin: BedsideTwin, status: Status) -> None:
    ward = followed(record, twin, 20)
    changed = [replace(one, value=140.0, version=1, status=status) for one in beats([4])]
    before = numbers(ward)[only(ward)][1]
    write(record, changed)
    up_to_date(ward, 20)
    assert not all(np.array_equal(a, b) for a, b in zip(before, numbers(ward)[only(ward)][1], strict=True))
    assert same(ward, in_order(record, twin, 20))


def test_a_datum_of_another_channel_leaves_settled_minutes_settled(record: Record, twin: BedsideTwin) -> None:
    ward = followed(record, twin, 20)
    write(record, [Observation(who(0), "lactate", START + 5 * MINUTE, 4.0, "lab", "lactate")])
    up_to_date(ward, 20)
    assert ward.course(only(ward)).open() <= 2 * PER_MINUTE * 5
    assert same(ward, in_order(record, twin, 20))


def test_a_course_that_is_read_from_the_record_is_settled_too(record: Record, twin: BedsideTwin) -> None:
    ward = followed(record, twin, 30)
    again = in_order(record, twin, 30)
    assert again.course(only(again)).open() <= 2 * PER_MINUTE * 5
    here, there = (one.course(only(one)) for one in (ward, again))
    last = START // MINUTE + 29
    first = last - 29
    for name, signal in here.record(first, last).observations.items():
        assert np.array_equal(signal.value, there.record(first, last).observations[name].value), name
