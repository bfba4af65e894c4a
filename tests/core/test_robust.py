import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from caretwin.core.robust import student_t4_from_normal, student_t_log_density


@pytest.mark.parametrize("dof", [1.0, 4.0, 30.0])
def test_density_agrees_with_scipy(dof):
    residual = np.linspace(-50, 50, 41)
    expected = stats.t.logpdf(residual, dof, scale=2.5)
    np.testing.assert_allclose(student_t_log_density(residual, 2.5, dof), expected, rtol=1e-12)


def test_many_degrees_of_freedom_are_the_normal():
    assert student_t_log_density(jnp.array(1.5), 2.0, 1e6) == pytest.approx(stats.norm.logpdf(1.5, scale=2.0), abs=1e-6)


def test_four_degrees_of_freedom_from_normal_luck_is_the_quantile_transform():
    e = np.linspace(-6, 6, 49)
    expected = stats.t.ppf(stats.norm.cdf(-np.abs(e)), 4) * -np.sign(e)
    np.testing.assert_allclose(student_t4_from_normal(e), expected, rtol=1e-9, atol=1e-7)


def posterior_of_a_mean(values, log_density):
    """Mean and standard deviation on a fine grid, flat prior."""
    grid = np.linspace(60, 120, 6001)
    log_posterior = sum(np.asarray(log_density(value - grid)) for value in values)
    w = np.exp(log_posterior - log_posterior.max())
    w /= w.sum()
    mean = w @ grid
    return mean, np.sqrt(w @ (grid - mean) ** 2)


def test_one_absurd_pressure_moves_the_mean_little_while_ordinary_ones_still_count():
    ordinary = [88.0, 92.0, 90.0, 91.0, 89.0]  # mmHg; then the line is flushed
    robust = lambda r: student_t_log_density(r, 3.0, 4.0)  # noqa: E731
    normal = lambda r: stats.norm.logpdf(r, scale=3.0)  # noqa: E731
    before, spread = posterior_of_a_mean(ordinary, robust)
    assert abs(posterior_of_a_mean([*ordinary, 300.0], robust)[0] - before) < 0.1 * spread
    assert posterior_of_a_mean([*ordinary, 300.0], normal)[0] > before + 10 * spread
    with_another, narrower = posterior_of_a_mean([*ordinary, 95.0], robust)
    assert with_another > before + 0.1 * spread and narrower < spread
