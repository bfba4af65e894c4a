"""A mixture of forecasts is what the arithmetic of probability says it is."""

import numpy as np
import pytest

from caretwin.review.forecasting.mixture import mix, prior_weights, weights_of
from caretwin.review.forecasting.predictive import Predictive


def forecast(centre, spread=1.0, log_score=-1.0, evidence=0.0, count=1000):
    from scipy.special import ndtri

    particles = centre + spread * ndtri((np.arange(count) + 0.5) / count)
    return Predictive(
        centre, particles, particles, particles, particles, np.float64(log_score), np.float64(log_score),
        np.float64(evidence), 500.0, True,
    )  # fmt: skip


def test_alone_a_forecast_is_not_changed():
    one = forecast(3.0)
    assert mix([0.0], [one]) is one


def test_the_mean_of_a_mixture_is_the_weighted_mean():
    mixed = mix([0.0, 0.0], [forecast(0.0, evidence=np.log(3.0)), forecast(10.0)])
    assert mixed.level.mean() == pytest.approx(2.5, abs=0.02)  # 3 : 1
    assert mixed.prior.mean() == pytest.approx(5.0, abs=0.02)  # nothing seen: 1 : 1


def test_the_density_of_a_mixture_is_the_weighted_mean_of_densities():
    mixed = mix([0.0, 0.0], [forecast(0.0, log_score=np.log(0.2)), forecast(1.0, log_score=np.log(0.4))])
    assert mixed.log_score == pytest.approx(np.log(0.3))


def test_evidence_multiplies_up_over_levels():
    """The evidence after two levels is the product of the mixture's own one-step densities."""
    seen = [np.log(0.2), np.log(0.4)]
    first = mix([0.0, 0.0], [forecast(0.0, log_score=s) for s in seen])
    second = mix([0.0, 0.0], [forecast(0.0, evidence=s) for s in seen])
    assert second.log_evidence == pytest.approx(first.log_score)


def test_a_model_that_foretold_the_levels_better_is_believed_more():
    weights = weights_of([0.0, 0.0], [forecast(0.0, evidence=-3.0), forecast(0.0, evidence=-5.0)])
    assert weights[0] / weights[1] == pytest.approx(np.exp(2.0))


def test_evidence_that_is_not_a_number_has_no_weight():
    weights = weights_of([0.0, 0.0], [forecast(0.0, evidence=np.nan), forecast(0.0)])
    assert weights.tolist() == [0.0, 1.0]


def test_prior_weights_need_not_be_normalised():
    assert prior_weights(np.log([2.0, 6.0])).tolist() == pytest.approx([0.25, 0.75])
