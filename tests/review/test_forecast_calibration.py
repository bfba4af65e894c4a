"""Forecasts of patients drawn from the model are calibrated; those of another model's patients are not."""

import numpy as np
import pytest

from caretwin.review.forecasting import replay, summarise
from caretwin.twin.registry import family
from tests.review.forecast_patients import LEVEL_TIMES, patients

COUNT = 60  # times four levels: 240 cases, one batch, one compiled program for this file and the next
DRAWS = 400


@pytest.fixture(scope="module")
def drug():
    return family("pharmacology").load("phenobarbital.grasela1985")


@pytest.fixture(scope="module")
def honest(drug):
    return replay([drug], patients(COUNT, 1, drug), draws=DRAWS)


@pytest.fixture(scope="module")
def summary(honest):
    return summarise(honest, set_name="drawn")


def test_the_90_percent_interval_holds_90_percent_of_levels_drawn_from_the_model(summary):
    # 240 levels of 60 patients: the standard error of the coverage is 0.019, so 0.06 is three of them.
    assert summary[0]["coverage90_next"] == pytest.approx(0.9, abs=0.06)
    assert summary[0]["coverage90_prior"] == pytest.approx(0.9, abs=0.1)  # levels of one patient go together


def test_the_place_of_each_level_within_its_forecast_is_uniform(honest):
    # One-step-ahead places are independent uniforms when the model is right (Rosenblatt 1952): chi-square, 9 df.
    places = np.array([f.next.pit for f in honest.forecasts if f.model != "average"])
    counts = np.histogram(places, 10, (0, 1))[0]
    expected = len(places) / 10
    assert ((counts - expected) ** 2 / expected).sum() < 27.9  # the 0.1 % point


def test_a_forecast_that_has_seen_levels_is_sharper_and_better(summary):
    assert summary[0]["mdape_next"] < summary[0]["mdape_prior"]
    assert summary[0]["crps_next"] < summary[0]["crps_prior"]
    assert summary[0]["log_score_next"] > summary[0]["log_score_prior"]


def test_predictions_of_patients_drawn_from_the_model_are_not_biased(summary):
    assert abs(summary[0]["mdpe_prior"]) < 0.07
    assert abs(summary[0]["mdpe_next"]) < 0.04


def test_noisier_levels_than_the_model_believes_fall_out_of_its_intervals(drug):
    found = summarise(replay([drug], patients(COUNT, 2, drug, noise=2.5), draws=DRAWS))[0]
    assert found["coverage90_next"] < 0.8
    assert found["pit_next"][0] + found["pit_next"][-1] > 0.35 * found["levels"]


def test_a_population_that_clears_faster_is_predicted_too_high_until_its_levels_are_seen(drug):
    found = summarise(replay([drug], patients(COUNT, 3, drug, clearance=6.0), draws=DRAWS))[0]
    assert found["mdpe_prior"] > 0.1
    assert abs(found["mdpe_informed"]) < abs(found["mdpe_prior"])


def test_the_first_forecast_is_the_a_priori_one(honest):
    first = [f for f in honest.forecasts if f.earlier == 0]
    assert len(first) == 2 * COUNT  # the model's and the average's
    for f in first:
        assert f.next.point == pytest.approx(f.prior.point, rel=0.1)  # the same distribution, other draws
        assert f.time_h == LEVEL_TIMES[0]


def test_intervals_of_scores_hold_their_estimate(summary):
    for key in ("mdpe_next", "mdape_next", "coverage90_next", "crps_next", "log_score_next"):
        low, high = summary[0][f"{key}_interval"]
        assert low <= summary[0][key] <= high
