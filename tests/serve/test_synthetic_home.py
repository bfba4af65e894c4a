"""A home that does not exist: the same every time, with days and nights, and late notes as real ones have."""

import numpy as np

from caretwin.base.time import parse_instant, to_microseconds
from caretwin.record.vocabulary import vocabulary
from caretwin.serve.synthetic_home import HOUR_US, plan_home

START = to_microseconds(parse_instant("2026-01-05T00:00:00Z"))


def values(seed: int = 0, residents: int = 6, hours: float = 48.0) -> list[tuple[str, str, float, int, int]]:
    """(kind, channel, value, effective, known)."""
    return [
        (post.kind, one.channel, float(one.value or 0.0), one.effective, post.at)
        for post in plan_home(residents, START, hours, seed)
        for one in post.values
    ]


def test_the_same_seed_is_the_same_home() -> None:
    assert values(1) == values(1)
    assert values(1) != values(2)


def test_people_lie_in_bed_at_night_and_walk_by_day() -> None:
    found = values()
    hour = lambda effective: effective / HOUR_US % 24  # noqa: E731
    in_bed = [(hour(at), value) for _, channel, value, at, _ in found if channel == "bed_occupied"]
    assert np.mean([value for h, value in in_bed if 1 <= h <= 5]) > 0.8
    assert np.mean([value for h, value in in_bed if 10 <= h <= 17]) < 0.05
    steps = [(hour(at), value) for _, channel, value, at, _ in found if channel == "steps"]
    assert np.mean([v for h, v in steps if 19 <= h <= 21]) > np.mean([v for h, v in steps if 8 <= h <= 10])


def test_every_value_is_plausible_and_known_after_it_was_true() -> None:
    for _, channel, value, effective, known in values():
        assert vocabulary()[channel].plausible(value), (channel, value)
        assert START <= effective <= known


def test_notes_are_written_down_late_and_sensors_speak_at_once() -> None:
    found = values()
    late = {True: [], False: []}  # type: ignore[var-annotated]
    for _, channel, _, effective, known in found:
        late[channel == "fluid_intake"].append((known - effective) / 60e6)
    assert np.median(late[True]) > 15
    assert np.median(late[False]) == 0.0


def test_nobody_could_be_taken_for_a_person() -> None:
    posts = plan_home(3, START, 2.0, 0)
    assert all(post.who.value.startswith("synthetic-") for post in posts)
    assert {post.kind for post in posts} == {"resident", "place"}
