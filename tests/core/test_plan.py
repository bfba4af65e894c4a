import numpy as np
import pytest

from caretwin.base.errors import PlanError
from caretwin.core.plan import Do, Plan, apply, regrid, union_grid

GRID = np.arange(6.0)
RATE = {"rate": np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0])}


def test_an_empty_plan_changes_nothing():
    np.testing.assert_array_equal(apply(Plan(), RATE, GRID)["rate"], RATE["rate"])


def test_an_intervention_holds_between_its_start_and_its_stop():
    # Row g is what holds from grid[g-1] to grid[g]: from 1 h to 3 h are rows 2 and 3.
    planned = apply(Plan((Do("rate", 9.0, 1.0, 3.0),)), RATE, GRID)
    assert planned["rate"].tolist() == [1.0, 1.0, 9.0, 9.0, 3.0, 3.0]
    assert RATE["rate"].tolist() == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0], "what was passed in stays as it was"


def test_one_that_began_before_the_grid_and_one_without_end_hold_throughout():
    assert apply(Plan((Do("rate", 9.0, -4.0),)), RATE, GRID)["rate"].tolist() == [9.0] * 6


def test_one_follows_the_other_without_overlap():
    plan = Plan((Do("rate", 8.0, 3.0, 5.0), Do("rate", 9.0, 1.0, 3.0), Do("other", 1.0, 0.0)))
    planned = apply(plan, {**RATE, "other": np.zeros(6)}, GRID)
    assert planned["rate"].tolist() == [1.0, 1.0, 9.0, 9.0, 8.0, 8.0]
    assert planned["other"].tolist() == [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_steps_split_where_an_intervention_starts_and_stops():
    plan = Plan((Do("rate", 9.0, 0.25, 2.5),))
    finer = union_grid(GRID, plan, Plan((Do("rate", 0.0, 4.0, 99.0),)))
    assert finer.tolist() == [0.0, 0.25, 1.0, 2.0, 2.5, 3.0, 4.0, 5.0]
    carried = regrid(RATE, GRID, finer)
    assert carried["rate"].tolist() == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0]
    assert apply(plan, carried, finer)["rate"].tolist() == [1.0, 1.0, 9.0, 9.0, 9.0, 2.0, 3.0, 3.0]


def test_splitting_gives_the_same_amount():
    finer = union_grid(GRID, Plan((Do("rate", 0.0, 0.1, 3.7),)))
    before = np.sum(np.diff(GRID) * RATE["rate"][1:])
    after = np.sum(np.diff(finer) * regrid(RATE, GRID, finer)["rate"][1:])
    assert after == pytest.approx(before, rel=1e-12)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Do("rate", 1.0, 3.0, 2.0), "lasts -1.0 h"),
        (lambda: Do("rate", 1.0, 3.0, 3.0), "lasts 0.0 h"),
        (lambda: Do("rate", float("nan"), 0.0, 1.0), "finite value"),
        (lambda: Do("rate", 1.0, 0.0, float("nan")), "finite value"),
        (lambda: Plan((Do("rate", 1.0, 0.0, 2.0), Do("rate", 2.0, 1.5, 3.0))), "one value at a time"),
        (lambda: Plan((Do("rate", 2.0, 1.5, 1.6), Do("rate", 1.0, 0.0))), "one value at a time"),
        (lambda: apply(Plan((Do("rat", 1.0, 0.0),)), RATE, GRID), "among rate"),
        (lambda: apply(Plan((Do("rate", 1.0, 0.5),)), RATE, GRID), "union_grid"),
        (lambda: apply(Plan(), {"rate": np.ones(3)}, GRID), "3 values for 6 times"),
        (lambda: apply(Plan(), {"rate": 3.0}, GRID), "one values for 6 times"),
        (lambda: union_grid(np.array([1.0, 0.0])), "none earlier"),
        (lambda: union_grid(np.array([])), "at least one"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_says_what_was_seen_and_what_to_do(make, words):
    with pytest.raises(PlanError) as refused:
        make()
    assert words in str(refused.value)
    assert all(part in str(refused.value) for part in ("seen", "wanted", "fix"))
