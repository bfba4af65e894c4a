"""The board's early warning score counts what is recent, and leaves open what nobody charted."""

import pytest

from caretwin.record.bedside import Quality
from caretwin.serve.warning_score import SELDOM_COUNTS_MIN, VITAL_COUNTS_MIN, warning_score
from caretwin.twin.living.course import MINUTE, Course
from caretwin.twin.living.track import Value

NOW = 10_000
WELL = {
    "respiratory_rate": 16.0, "oxygen_saturation": 98.0, "systolic_pressure": 120.0, "heart_rate": 70.0,
    "temperature": 37.0, "glasgow_coma_scale": 15.0, "fio2": 0.21,
}  # fmt: skip


def course(values: dict[str, float], ago: int = 10) -> Course:
    found = Course("p1")
    for number, (name, value) in enumerate(values.items()):
        found.put(Value(name, (NOW - ago) * MINUTE, value, Quality.GOOD, number))
    return found


def bounds(course: Course) -> tuple[int, int] | None:
    score = warning_score(course, NOW)
    return None if score is None else (score.low, score.high)


def test_a_whole_chart_of_somebody_well_is_nought() -> None:
    assert bounds(course(WELL)) == (0, 0)


def test_nothing_charted_is_no_score() -> None:
    assert bounds(Course("p1")) is None
    assert bounds(course({"temperature": 37.0})) is None


def test_old_vital_signs_do_not_count() -> None:
    assert bounds(course(WELL, VITAL_COUNTS_MIN)) == (0, 0)
    assert bounds(course(WELL, VITAL_COUNTS_MIN + 1)) is None
    mixed = course(WELL, SELDOM_COUNTS_MIN)
    mixed.put(Value("heart_rate", NOW * MINUTE, 70.0, Quality.GOOD, 99))
    assert bounds(mixed) == (0, 9)


@pytest.mark.parametrize(
    "name, value, low, high",
    [
        ("glasgow_coma_scale", 14.0, 0, 3), ("glasgow_coma_scale", 8.0, 3, 3), ("sedation_score", -3.0, 3, 3),
        ("sedation_score", 0.0, 0, 3), ("fio2", 0.4, 2, 2), ("oxygen_flow", 2.0, 2, 2),
    ],
)  # fmt: skip
def test_consciousness_and_oxygen_are_what_was_charted_last(name: str, value: float, low: int, high: int) -> None:
    found = course(WELL)
    found.put(Value(name, NOW * MINUTE, value, Quality.GOOD, 99))
    assert bounds(found) == (low, high)


def test_what_is_still_to_come_does_not_count() -> None:
    found = course({**WELL, "heart_rate": 140.0})
    found.put(Value("heart_rate", (NOW + 5) * MINUTE, 70.0, Quality.GOOD, 99))
    assert bounds(found) == (3, 3)
