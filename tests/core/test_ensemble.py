import jax
import jax.numpy as jnp
import numpy as np
import pytest

from caretwin.core.ensemble import (
    Ensemble,
    covariance,
    effective_sample_size,
    normalised,
    quantiles,
    resample,
    weighted_mean,
    weights,
)

RNG = np.random.default_rng(1)
VALUES = RNG.normal(size=(60, 3))
LOGW = RNG.normal(size=60) - 500.0  # far from normalised, and nothing may underflow


def test_effective_sample_size_counts_the_particles_that_matter():
    assert effective_sample_size(jnp.zeros(8)) == 8
    assert effective_sample_size(jnp.array([0.0, -jnp.inf, -jnp.inf])) == 1
    assert effective_sample_size(jnp.array([-900.0, -900.0, -jnp.inf])) == 2


def test_weights_sum_to_one_whatever_their_scale():
    assert jnp.sum(weights(jnp.array(LOGW))) == pytest.approx(1.0, abs=1e-14)
    assert jnp.exp(normalised(jnp.array([0.0, 0.0]))) == pytest.approx(0.5)


def test_moments_agree_with_numpy():
    w = np.exp(LOGW - LOGW.max())
    mean = np.average(VALUES, axis=0, weights=w)
    np.testing.assert_allclose(weighted_mean(VALUES, jnp.array(LOGW)), mean, rtol=1e-12)
    spread = np.cov(VALUES.T, aweights=w, ddof=0)
    np.testing.assert_allclose(covariance(jnp.array(VALUES), jnp.array(LOGW)), spread, rtol=1e-10)


def test_quantiles_agree_with_numpy_s_weighted_definition():
    p = np.array([0.0, 0.05, 0.31, 0.5, 0.95, 1.0])
    w = np.exp(LOGW - LOGW.max())
    expected = np.quantile(VALUES, p, axis=0, weights=w, method="inverted_cdf")
    np.testing.assert_array_equal(quantiles(jnp.array(VALUES), jnp.array(LOGW), p), expected)


def test_a_particle_of_weight_zero_has_no_say_even_when_it_is_not_a_number():
    values = jnp.array([[1.0], [jnp.nan], [3.0], [-9.0]])
    logw = jnp.array([0.0, -jnp.inf, 0.0, -jnp.inf])
    assert weighted_mean(values, logw) == 2.0
    assert covariance(values, logw) == 1.0
    assert quantiles(values, logw, jnp.array([0.0, 0.5, 1.0]))[:, 0].tolist() == [1.0, 1.0, 3.0]


def test_resampling_keeps_particles_whole_and_makes_their_weights_equal():
    theta = jnp.arange(4.0)[:, None]
    ensemble = Ensemble(theta, {"amount": theta[:, 0] * 10}, jnp.log(jnp.array([0.5, 0.5, 1e-9, 0.0])), jnp.array(2.0))
    after = resample(ensemble, 0.5)
    assert after.theta[:, 0].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert jnp.all(after.x["amount"] == 10 * after.theta[:, 0])
    assert jnp.all(after.logw == after.logw[0]) and after.t == 2.0
    jax.tree.map(lambda a, b: None, ensemble, after)  # the same structure
