"""The filter against the exact posterior of a linear-Gaussian model, over replicate keys.

Tolerance: four standard errors of the average over 48 keys of 1,000 particles each (see monte_carlo.agree),
computed from the replicates themselves, so that a smaller error cannot hide behind a generous constant.
"""

import jax
import numpy as np
import pytest
from scipy.stats import multivariate_normal
from tests.core.linear_gaussian import GAIN, LEVEL, START, TREND, kalman, smooth
from tests.core.monte_carlo import agree
from tests.core.trend_case import MODEL, data, exact, replicates

from caretwin.core.ensemble import weighted_mean

COMPONENTS = pytest.mark.parametrize(
    "component, pick",
    [
        (LEVEL, lambda e: e.x.level),
        (TREND, lambda e: e.x.trend),
        (START, lambda e: e.x.start),
        (GAIN, lambda e: e.theta[..., 0]),
    ],
    ids=["level", "trend", "remembered start", "gain"],
)


def joint_normal():
    """Everything at once, with no recursion: covariance of (all states, all observations) from the noise that
    made them."""
    time, push, y, seen = data()
    rows = []  # every state as a linear map of independent unit normals: 3 at the start, 2 per step
    count = 3 + 2 * (len(time) - 1)
    mean = np.zeros((len(time), 4))
    mean[:, GAIN] = float(MODEL.prior.mean[0])
    state = np.zeros((4, count))
    state[LEVEL, 0], state[TREND, 1], state[START, 0], state[GAIN, 2] = (
        1,
        0.5,
        1,
        float(MODEL.prior.cholesky[0, 0]),
    )
    for t in range(len(time)):
        dt = time[t] - time[max(t - 1, 0)]
        mean[t, LEVEL] = mean[max(t - 1, 0), LEVEL] + push[t] * dt * mean[t, GAIN]
        state = state.copy()
        state[LEVEL] += dt * (state[TREND] + push[t] * state[GAIN])
        if t > 0:
            q = float(MODEL.q) * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
            state[:2, 3 + 2 * (t - 1) : 5 + 2 * (t - 1)] = np.linalg.cholesky(q)
        rows.append(state)
    states = np.stack(rows)
    observed = states[seen, LEVEL]
    variance = observed @ observed.T + float(MODEL.r) ** 2 * np.eye(seen.sum())
    return mean, states, observed, variance, mean[seen, LEVEL], y[seen]


def test_the_oracle_s_evidence_is_the_density_of_all_observations_at_once():
    *_, variance, expected, y = joint_normal()
    assert exact().log_evidence.sum() == pytest.approx(multivariate_normal.logpdf(y, expected, variance), rel=1e-10)


def test_the_oracle_s_smoother_is_the_conditional_of_the_joint_normal():
    mean, states, observed, variance, expected, y = joint_normal()
    smoothed, covariance = smooth(exact())
    for t in range(len(mean)):
        gain = states[t] @ observed.T @ np.linalg.inv(variance)
        np.testing.assert_allclose(smoothed[t], mean[t] + gain @ (y - expected), atol=1e-8)
        np.testing.assert_allclose(covariance[t], states[t] @ states[t].T - gain @ observed @ states[t].T, atol=1e-8)


def test_log_evidence():
    """The estimate of the evidence, not of its logarithm, is unbiased."""
    total = np.asarray(replicates()[1].log_evidence).sum(axis=1)
    agree(np.exp(total - exact().log_evidence.sum()), 1.0, sharp=0.1)


def test_evidence_of_each_datum_is_that_of_the_exact_filter():
    rows = np.asarray(replicates()[1].log_evidence)
    assert np.all(rows[:, ~data()[3]] == 0.0)
    error = rows.mean(axis=0) - exact().log_evidence
    assert np.all(np.abs(error) < 4 * rows.std(axis=0) / np.sqrt(len(rows)) + 0.01)  # 0.01: the bias of a logarithm


@COMPONENTS
def test_posterior_mean(component, pick):
    ensemble, _ = replicates()
    agree(jax.vmap(weighted_mean)(pick(ensemble), ensemble.logw), exact().mean[-1, component])


@COMPONENTS
def test_posterior_variance(component, pick):
    """About the exact mean, so that the error of each replicate's own mean is counted."""
    ensemble, _ = replicates()
    squares = (pick(ensemble) - exact().mean[-1, component]) ** 2
    agree(jax.vmap(weighted_mean)(squares, ensemble.logw), exact().covariance[-1, component, component])


def test_what_is_remembered_of_the_start_is_the_smoothed_start():
    mean, covariance = smooth(exact())
    assert exact().mean[-1, START] == pytest.approx(mean[0, LEVEL], abs=1e-9)
    assert exact().covariance[-1, START, START] == pytest.approx(covariance[0, LEVEL, LEVEL], abs=1e-9)


def test_conditioning_twice_on_a_datum_is_conditioning_once_on_half_its_variance():
    time, push, y, seen = data()
    last = [np.append(column, column[-1]) for column in (time, push, y, seen)]
    twice = kalman(MODEL, *last)
    once = exact()
    assert twice.covariance[-1, LEVEL, LEVEL] < 0.8 * once.covariance[-1, LEVEL, LEVEL], "twice is not once"
    # The last datum alone with r / sqrt(2), by one Kalman step on the state before it.
    before, variance = once.before_mean[-1], once.before_covariance[-1]
    gain = variance[:, LEVEL] / (variance[LEVEL, LEVEL] + float(MODEL.r) ** 2 / 2)
    np.testing.assert_allclose(twice.mean[-1], before + gain * (y[-1] - before[LEVEL]), atol=1e-10)
    np.testing.assert_allclose(twice.covariance[-1], variance - np.outer(gain, variance[LEVEL]), atol=1e-10)
