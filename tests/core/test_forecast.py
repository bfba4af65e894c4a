import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.core.linear_gaussian import GAIN, LEVEL, TREND, kalman
from tests.core.monte_carlo import agree
from tests.core.trend_case import CONTEXT, MODEL

from caretwin.base.errors import PlanError
from caretwin.core.filter import particle_filter
from caretwin.core.forecast import Trajectories, bands, counterfactual, forecast, probability, what_if
from caretwin.core.plan import Do, Plan

GRID = np.arange(1.0, 9.0)
REST = {"push": np.zeros(8)}
PUSH = Plan((Do("push", 1.0, 0.5, 2.5),))


@pytest.fixture(scope="module")
def ensemble():
    return particle_filter(MODEL, particles=1000).init(jax.random.key(4), CONTEXT, 0.0, "7f3c")


def future(ensemble, plan=PUSH, subject="7f3c", seed=0, grid=GRID):
    inputs = {"push": np.zeros(len(grid))}
    return forecast(MODEL, jax.random.key(seed), ensemble, inputs, plan, grid, context=CONTEXT, subject=subject)


def test_a_push_raises_those_whom_pushing_raises(ensemble):
    rest, pushed = counterfactual(
        MODEL, jax.random.key(0), ensemble, REST, Plan(), PUSH, GRID, context=CONTEXT, subject="7f3c"
    )
    effect = np.asarray(pushed.mean - rest.mean)[:, :, 0]
    gain = np.asarray(ensemble.theta[:, :1])
    hours = np.clip(GRID - 0.5, 0.0, 2.0)  # under the push so far: the step is split, though the grid is hourly
    np.testing.assert_allclose(effect, gain * hours, atol=1e-12)


def test_a_paired_difference_has_no_noise_of_its_own(ensemble):
    rest = future(ensemble, Plan())
    pushed = future(ensemble, PUSH, seed=1)
    same_luck, _ = counterfactual(
        MODEL, jax.random.key(0), ensemble, REST, PUSH, Plan(), GRID, context=CONTEXT, subject="7f3c"
    )
    paired = np.std(np.asarray(same_luck.sample - rest.sample)[:, -1])
    assert paired < 0.5 * np.std(np.asarray(pushed.sample - rest.sample)[:, -1])


def test_shapes_and_times_are_those_of_the_grid_asked_for(ensemble):
    found = future(ensemble)
    assert found.time.tolist() == GRID.tolist()
    assert found.mean.shape == found.sample.shape == (1000, 8, 1)
    assert found.x.level.shape == (1000, 8) and found.logw.shape == (1000,)


def test_mean_and_variance_agree_with_the_exact_prediction(ensemble):
    time = np.concatenate([[0.0, 0.5], GRID[:2], [2.5], GRID[2:]])
    push = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    exact = kalman(MODEL, time, push, np.zeros(11), np.zeros(11, dtype=bool))
    found = future(ensemble)
    for row, g in ((3, 1), (10, 7)):
        agree(found.x.level[:, g], exact.mean[row, LEVEL])  # the prior's particles are independent replicates
        agree(found.x.trend[:, g], exact.mean[row, TREND])
        variance = exact.covariance[row, LEVEL, LEVEL]
        agree((found.mean[:, g, 0] - exact.mean[row, LEVEL]) ** 2, variance)
        agree((found.sample[:, g, 0] - exact.mean[row, LEVEL]) ** 2, variance + float(MODEL.r) ** 2)
    assert exact.mean[-1, GAIN] == float(MODEL.prior.mean[0])


def test_uncertainty_grows_with_the_horizon(ensemble):
    low, high = bands(future(ensemble), [0.05, 0.95])
    assert np.all(np.diff(np.asarray(high - low)[:, 0]) > 0)


def test_what_would_be_measured_has_the_measurement_s_noise_on_top(ensemble):
    found = future(ensemble)
    noise = np.asarray(found.sample - found.mean)
    agree(noise[:, 0, 0], 0.0)
    agree(noise[:, 0, 0] ** 2, float(MODEL.r) ** 2)
    measured = bands(found, [0.5], measured=True)
    np.testing.assert_array_equal(measured, bands(found._replace(mean=found.sample), [0.5]))


def test_all_plans_at_once_are_the_same_as_in_pairs(ensemble):
    arguments = (MODEL, jax.random.key(0), ensemble, REST)
    plans = (Plan(), PUSH, Plan((Do("push", 2.0, 0.5, 2.5),)))
    rest, single, double = what_if(*arguments, plans, GRID, context=CONTEXT, subject="7f3c")
    np.testing.assert_allclose(double.mean - rest.mean, 2 * (single.mean - rest.mean), atol=1e-12)


def test_weighted_probability_of_an_event_in_a_window():
    level = jnp.array([[0.0, 5.0, 0.0], [0.0, 0.0, 9.0], [0.0, 0.0, 0.0], [9.0, 9.0, 9.0]])[:, :, None]
    logw = jnp.log(jnp.array([0.5, 0.2, 0.3, 0.0]))
    trajectories = Trajectories(jnp.array([1.0, 2.0, 3.0]), None, level, level + 5, logw)

    def above(limit):
        return lambda y: y[..., 0] > limit

    assert probability(trajectories, above(4.0)) == pytest.approx(0.7)
    assert probability(trajectories, above(4.0), stop=2.0) == pytest.approx(0.5)
    assert probability(trajectories, above(4.0), start=2.5) == pytest.approx(0.2)
    assert probability(trajectories, above(4.0), measured=True) == pytest.approx(1.0)
    assert probability(trajectories, above(99.0)) == 0.0


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda e: future(e, grid=np.array([-1.0, 2.0])), "before the ensemble's own"),
        (lambda e: future(e, Plan((Do("pull", 1.0, 0.0),))), "among push"),
        (
            lambda e: forecast(MODEL, jax.random.key(0), e, np.zeros(8), PUSH, GRID, context=CONTEXT),
            "inputs by name",
        ),
    ],
    ids=["grid in the past", "no such input", "inputs without names"],
)
def test_what_cannot_be_forecast_is_refused_with_a_fix(ensemble, make, words):
    with pytest.raises(PlanError, match=words):
        make(ensemble)
