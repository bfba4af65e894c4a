"""Claims about scores, against closed forms, the defining integrals and printed figures."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

import caretwin.core  # noqa: F401  (float64)
from caretwin.core import score

LEVELS = 6
PARTICLES = 40


@pytest.fixture(scope="module")
def forecast():
    """Particles [LEVELS, PARTICLES] with ties, log weights that are not normalised, observations [LEVELS]."""
    generator = np.random.default_rng(1)
    values = generator.normal(10, 3, (LEVELS, PARTICLES)).round(1)
    log_weights = generator.normal(0, 1.5, (LEVELS, PARTICLES)) + 7.0
    log_weights[:, ::9] = -np.inf
    observed = np.array([10.0, 0.0, 25.0, values[3, 1], values[4].max(), values[5].min()])
    return values, log_weights, observed


def weights_of(log_weights):
    weights = np.exp(log_weights - log_weights.max())
    return weights / weights.sum()


def test_crps_is_the_energy_of_all_pairs(forecast):
    values, log_weights, observed = forecast
    ours = score.crps_ensemble(values, observed, log_weights)
    for i in range(LEVELS):  # E|X - y| - E|X - X'| / 2, Gneiting & Raftery 2007, eq. 21
        w, x = weights_of(log_weights[i]), values[i]
        pairs = w @ np.abs(x - observed[i]) - 0.5 * w @ np.abs(x[:, None] - x[None, :]) @ w
        assert ours[i] == pytest.approx(pairs, abs=1e-12)


def test_crps_is_the_integral_of_its_definition(forecast):
    values, log_weights, observed = forecast
    grid = np.linspace(-20, 50, 700_001)
    x, w, y = values[0], weights_of(log_weights[0]), observed[0]
    cumulative = np.array([0.0, *np.cumsum(w[np.argsort(x)])])[np.searchsorted(np.sort(x), grid, side="right")]
    expected = integrate.trapezoid((cumulative - (y <= grid)) ** 2, grid)
    assert score.crps_ensemble(x, y, log_weights[0]) == pytest.approx(expected, abs=1e-3)  # 41 steps on a 1e-4 grid


@pytest.mark.parametrize("observed", [-2.0, 0.0, 0.3, 4.0])
def test_crps_of_a_normal_is_the_integral_of_its_definition(observed):
    cdf = stats.norm(0.5, 1.5).cdf
    low = integrate.quad(lambda x: cdf(x) ** 2, -np.inf, observed)[0]
    high = integrate.quad(lambda x: (1 - cdf(x)) ** 2, observed, np.inf)[0]
    assert score.crps_normal(0.5, 1.5, observed) == pytest.approx(low + high, abs=1e-8)


def test_crps_of_many_normal_particles_is_that_of_the_normal():
    # Particles at the quantiles (i - 1/2)/N: the error of this rule falls as 1/N^2 in the middle, N = 4000.
    particles = stats.norm(3, 2).ppf((np.arange(4000) + 0.5) / 4000)
    for observed in (-1.0, 3.0, 8.0):
        assert score.crps_ensemble(particles, observed) == pytest.approx(
            float(score.crps_normal(3.0, 2.0, observed)), abs=1e-3
        )


def test_certainty_is_scored_by_its_absolute_error():
    assert score.crps_ensemble(np.full(5, 3.0), 7.5) == 4.5
    assert score.crps_normal(3.0, 0.0, 7.5) == 4.5
    assert score.crps_ensemble(np.full(5, 3.0), 3.0) == 0.0


def test_the_honest_forecast_scores_best_on_average():
    generator = np.random.default_rng(2)
    observed = generator.normal(0, 1, 4000)
    honest, vague, sure, biased = (
        float(score.crps_normal(mean, sd, observed).mean()) for mean, sd in [(0, 1), (0, 2), (0, 0.5), (0.5, 1)]
    )
    assert honest < min(vague, sure, biased)


def test_crps_has_the_unit_of_the_value(forecast):
    values, log_weights, observed = forecast
    milligrams = score.crps_ensemble(values, observed, log_weights)
    micrograms = score.crps_ensemble(1000 * values, 1000 * observed, log_weights)
    np.testing.assert_allclose(micrograms, 1000 * milligrams, rtol=1e-12)


def test_the_place_of_an_observation_counts_half_of_a_tie(forecast):
    values, log_weights, observed = forecast
    ours = score.probability_integral_transform(values, observed, log_weights)
    for i in range(LEVELS):
        w = weights_of(log_weights[i])
        expected = w[values[i] < observed[i]].sum() + 0.5 * w[values[i] == observed[i]].sum()
        assert ours[i] == pytest.approx(expected, abs=1e-14)
    assert (ours[1], ours[2]) == (0.0, pytest.approx(1.0))


def test_places_of_calibrated_forecasts_are_uniform_and_of_low_forecasts_are_high():
    generator = np.random.default_rng(3)
    truth, particles = generator.normal(0, 1, 2000), generator.normal(0, 1, (2000, 200))
    calibrated = np.asarray(score.probability_integral_transform(particles, truth))
    low = np.asarray(score.probability_integral_transform(particles - 1, truth))
    # Kolmogorov-Smirnov distance of 2,000 uniform numbers exceeds 1.95/sqrt(2000) = 0.044 once in 1000; the
    # place is one of 201 values, which adds at most 0.005.
    assert stats.kstest(calibrated, "uniform").statistic < 0.049
    assert low.mean() > 0.7


def test_quantiles_with_equal_weights_are_hazens():
    values = np.random.default_rng(4).normal(size=(3, 25))
    probabilities = jnp.array([0.0, 0.05, 0.33, 0.5, 0.95, 1.0])
    expected = np.quantile(values, probabilities, axis=-1, method="hazen").T
    np.testing.assert_allclose(score.weighted_quantile(values, probabilities), expected, rtol=1e-12)
    np.testing.assert_allclose(score.weighted_quantile(values, 0.5), expected[:, 3], rtol=1e-12)


def test_a_weight_of_two_moves_a_quantile_as_two_particles_do():
    # One step of 2/N is not two of 1/N under Hazen's rule, but they meet at the middle of the double step.
    values, weights = np.array([1.0, 2.0, 4.0]), np.log(np.array([1.0, 2.0, 1.0]))
    assert (
        score.weighted_quantile(values, 0.5, weights)
        == score.weighted_quantile(np.array([1.0, 2.0, 2.0, 4.0]), 0.5)
        == 2.0
    )


@pytest.mark.parametrize("harmless", [1e6, -1e6, np.nan, np.inf])
def test_what_a_particle_without_weight_holds_changes_no_score(harmless):
    values, log_weights = np.array([1.0, 2.0, 4.0, 7.0, 2.5]), np.array([0.0, 1.0, 0.5, 0.2, -np.inf])
    other = np.append(values[:-1], harmless)
    for function in (score.crps_ensemble, score.probability_integral_transform):
        assert function(other, 3.0, log_weights) == function(values, 3.0, log_weights)
    probabilities = jnp.array([0.01, 0.4, 0.99])
    np.testing.assert_array_equal(
        score.weighted_quantile(other, probabilities, log_weights),
        score.weighted_quantile(values, probabilities, log_weights),
    )
    assert score.log_score(other, log_weights) == score.log_score(values, log_weights)


def test_a_quantile_is_that_of_the_particles_with_weight():
    values, log_weights = np.array([1.0, 2.0, 4.0, 7.0, 2.5]), np.array([0.0, 1.0, 0.5, 0.2, -np.inf])
    w = weights_of(log_weights[:-1])
    expected = np.interp([0.01, 0.4, 0.99], np.cumsum(w) - w / 2, values[:-1])
    found = score.weighted_quantile(values, jnp.array([0.01, 0.4, 0.99]), log_weights)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_scoring_another_patient_of_the_same_shape_compiles_nothing(forecast):
    values, log_weights, observed = forecast
    functions = [score.crps_ensemble, score.probability_integral_transform]
    for function in functions:
        function(values, observed, log_weights)
        compiled = function._cache_size()
        function(values[::-1] + 1, observed, log_weights)
        assert function._cache_size() == compiled


def test_coverage_of_calibrated_forecasts_is_the_level():
    generator = np.random.default_rng(5)
    truth, particles = generator.normal(0, 1, 3000), generator.normal(0, 1, (3000, 200))
    # Binomial error sqrt(0.9 x 0.1 / 3000) = 0.0055; four of them. Shrunk to half: 2 Phi(0.822) - 1 = 0.589.
    assert score.coverage(particles, truth, 0.9) == pytest.approx(0.9, abs=0.022)
    assert score.coverage(particles / 2, truth, 0.9) == pytest.approx(0.589, abs=0.036)


def test_a_wider_level_covers_no_less(forecast):
    values, log_weights, observed = forecast
    half, most = (np.asarray(score.covered(values, observed, level, log_weights)) for level in (0.5, 0.95))
    assert (half <= most).all() and most[0] == 1 and most[1] == most[2] == 0


def test_log_score_is_the_log_of_the_average_density(forecast):
    values, log_weights, observed = forecast
    log_density = stats.norm(values, 2.0).logpdf(observed[:, None])
    expected = [np.log(weights_of(w) @ np.exp(d)) for w, d in zip(log_weights, log_density, strict=True)]
    np.testing.assert_allclose(score.log_score(log_density, log_weights), expected, rtol=1e-12)
    np.testing.assert_allclose(score.log_score(log_density), np.log(np.exp(log_density).mean(-1)), rtol=1e-12)


def test_log_score_of_a_far_observation_does_not_underflow():
    assert score.log_score(jnp.array([-2000.0, -2001.0])) == pytest.approx(-2000 + np.log((1 + np.exp(-1)) / 2))


@pytest.mark.parametrize("function", [score.crps_ensemble, score.probability_integral_transform])
def test_an_absent_observation_has_no_score(forecast, function):
    values, log_weights, observed = forecast
    scores = np.asarray(function(values, np.where(np.arange(LEVELS) == 2, np.nan, observed), log_weights))
    assert np.isnan(scores[2]) and np.isfinite(np.delete(scores, 2)).all()


def test_an_absent_observation_is_neither_covered_nor_missed(forecast):
    values, _, observed = forecast
    inside = np.asarray(score.covered(values, np.where(np.arange(LEVELS) == 2, np.nan, observed), 0.9))
    assert np.isnan(inside[2])
    assert np.isnan(score.coverage(values, np.full(LEVELS, np.nan), 0.9))


# Vancomycin levels of three patients and what population values predicted for them (mg/L): MIMIC-III demo,
# 1000 mg over an assumed hour, typical values of Goti 2018. Reported as MdPE -30 %, MdAPE 30 %: sign and size
# decide between the two conventions.
OBSERVED = np.array([22.4, 12.2, 23.2, 10.7, 10.7, 12.3, 15.7, 18.8, 15.6, 11.3, 25.8, 44.9])
PREDICTED = np.array([15.8, 12.0, 13.9, 7.4, 10.6, 12.2, 12.9, 19.3, 9.2, 7.5, 17.3, 23.1])


def test_the_default_convention_is_the_one_of_drug_monitoring():
    assert score.mdpe(PREDICTED, OBSERVED) == pytest.approx(-0.30, abs=0.005)
    assert score.mdape(PREDICTED, OBSERVED) == pytest.approx(0.30, abs=0.005)
    assert score.mdpe(PREDICTED, OBSERVED, relative_to="predicted") == pytest.approx(0.43, abs=0.005)
    assert score.mdape(PREDICTED, OBSERVED, relative_to="predicted") == pytest.approx(0.43, abs=0.005)


def test_low_predictions_are_negative_for_the_one_and_positive_for_the_other():
    assert score.prediction_error(8.0, 10.0) == pytest.approx(-0.2)
    assert score.prediction_error(8.0, 10.0, relative_to="predicted") == pytest.approx(0.25)
    with pytest.raises(ValueError, match="relative_to"):
        score.prediction_error(8.0, 10.0, relative_to="measured")


def test_the_two_conventions_are_reciprocal():
    one = np.asarray(score.prediction_error(PREDICTED, OBSERVED))
    other = np.asarray(score.prediction_error(PREDICTED, OBSERVED, relative_to="predicted"))
    np.testing.assert_allclose((1 + one) * (1 + other), 1, rtol=1e-14)


def test_what_has_no_relative_error_is_left_out():
    predicted, observed = np.array([8.0, 9.0, 12.0, 5.0, np.nan]), np.array([10.0, 10.0, 10.0, 0.0, 10.0])
    assert np.isnan(score.prediction_error(predicted, observed)).tolist() == [False, False, False, True, True]
    assert score.mdpe(predicted, observed) == pytest.approx(-0.1)
    assert score.mdape(predicted, observed) == pytest.approx(0.2)
    assert score.mpe(predicted, observed) == pytest.approx(-0.1 / 3)
    assert score.rmse(predicted[:3], observed[:3]) == pytest.approx(np.sqrt(3))
    assert np.isnan(score.mdpe(np.array([1.0]), np.array([np.nan])))
