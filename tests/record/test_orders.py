"""What runs by several orders at once is their sum, told as it was known."""

import numpy as np
import pytest

from caretwin.record.bedside import Quality
from caretwin.record.orders import combined

NAN = float("nan")


def signal(rows, channel="norepinephrine"):
    """Of rows (time, received, value, order)."""
    time, received, value, orders = zip(*rows, strict=True)
    columns = [np.array(one, dtype=float) for one in (time, received, value)]
    return combined(channel, *columns, np.zeros(len(rows), dtype=int), orders)


def held(found, *times):
    return found.held_at(np.array(times, dtype=float)).tolist()


def test_the_end_of_one_bag_leaves_the_other():
    found = signal([(1, 1, 0.1, "a"), (2, 2, 0.2, "b"), (3, 3, NAN, "a"), (5, 5, NAN, "b")])
    assert held(found, 1, 2, 3) == pytest.approx([0.1, 0.3, 0.2])
    assert np.isnan(held(found, 0.5, 5)).all()


def test_a_rate_without_an_order_is_of_all_that_runs_until_an_order_is_told_later():
    found = signal([(1, 1, 0.1, ""), (2, 2, 0.4, ""), (3, 3, 0.2, "b"), (4, 4, NAN, "")])
    assert held(found, 1, 2, 3, 4) == pytest.approx([0.1, 0.4, 0.2, 0.2])


def test_a_pump_and_a_chart_that_tell_the_same_bag_are_not_counted_twice():
    chart = [(1, 1, 0.1, "a"), (3, 6, 0.2, "a"), (9, 9, NAN, "a")]
    pump = [(1, 1, 0.1, ""), (2, 2, 0.1, ""), (3, 3, 0.2, ""), (4, 4, 0.2, ""), (8, 8, NAN, "")]
    found = signal(chart + pump)
    assert held(found, 1, 2, 3, 4, 8) == pytest.approx([0.1, 0.1, 0.2, 0.2, 0.2])
    assert np.isnan(held(found, 9)).all()


def test_one_order_alone_is_as_it_was_and_doses_are_no_rates():
    assert held(signal([(1, 1, 0.1, "a"), (2, 2, 0.4, "a")]), 1, 2) == [0.1, 0.4]
    assert held(signal([(1, 1, 4.0, "a"), (2, 2, 6.0, "b")], "insulin_bolus"), 1, 2) == [4.0, 6.0]


def test_two_relaxants_relax_once():
    assert held(signal([(1, 1, 1.0, "a"), (2, 2, 1.0, "b"), (3, 3, NAN, "a")], "neuromuscular_block"), 2, 3) == [1, 1]


def test_nothing_is_known_before_it_was_received():
    found = signal([(1, 4, 0.1, "a"), (2, 2, 0.2, "b")])
    assert held(found.known_by(3.0), 2) == [0.2]
    assert held(found.known_by(5.0), 1, 2) == pytest.approx([0.1, 0.3])


@pytest.mark.parametrize("seed", range(20))
def test_what_is_held_is_the_sum_of_what_each_order_holds_however_it_came(seed):
    luck = np.random.default_rng(seed)
    rows = [
        (
            float(luck.integers(0, 12)),
            0.0,
            NAN if luck.random() < 0.3 else float(luck.integers(1, 9)),
            luck.choice(list("abc")),
        )
        for _ in range(15)
    ]
    rows = [(time, time + float(luck.integers(0, 8)) * (luck.random() < 0.4), *rest) for time, _, *rest in rows]
    unique = list({(row[0], row[3]): row for row in rows}.values())
    found = signal(unique)
    assert np.array_equal(found.value, signal([unique[i] for i in luck.permutation(len(unique))]).value, equal_nan=True)
    for now in (4.0, 9.0, 30.0):
        known, times = found.known_by(now), np.arange(min(now, 14.0))
        alone = [[row for row in unique if row[3] == name and row[1] <= now] for name in "abc"]
        parts = [signal(mine).held_at(times) if mine else np.full(len(times), NAN) for mine in alone]
        total = np.where(np.isnan(parts).all(axis=0), NAN, np.nansum(parts, axis=0))
        assert np.array_equal(known.held_at(times), total, equal_nan=True)


def test_what_was_refused_is_kept_for_the_eye_and_not_used():
    found = combined("norepinephrine", np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]), np.array([0.1, 99.0, 0.2]),
                     np.array([0, 2, 0]), ["a", "a", "b"])  # fmt: skip
    assert found.quality.tolist() == [0, Quality.REFUSED, 0]
    assert held(found, 2, 3) == pytest.approx([0.1, 0.3])
