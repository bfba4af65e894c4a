"""Levels of one patient are not patients: intervals are as wide as patients differ."""

import numpy as np
import pytest

import caretwin.core  # noqa: F401  (float64)
from caretwin.core import score

PATIENTS, EACH = 40, 10
OWNERS = np.repeat(np.arange(PATIENTS), EACH)


@pytest.fixture(scope="module")
def errors():
    """Prediction errors [PATIENTS * EACH]: each patient has a bias of sd 1, each level noise of sd 0.1."""
    generator = np.random.default_rng(6)
    return np.repeat(generator.normal(0, 1, PATIENTS), EACH) + generator.normal(0, 0.1, PATIENTS * EACH)


def width(found):
    return found.upper - found.lower


def test_the_interval_of_a_mean_is_that_of_the_patients_means(errors):
    found = score.clustered_interval(errors, OWNERS)
    of_patients = errors.reshape(PATIENTS, EACH).mean(1)
    # Normal theory, 2 x 1.96 x sd / sqrt(n). The percentile bootstrap of 40 is narrower by sqrt(39/40), with
    # a Monte Carlo error of some 3 %: 10 % in all.
    assert width(found) == pytest.approx(2 * 1.96 * of_patients.std(ddof=1) / np.sqrt(PATIENTS), rel=0.10)
    assert found.estimate == pytest.approx(errors.mean(), rel=1e-12)
    assert (found.patients, found.levels) == (PATIENTS, PATIENTS * EACH)
    assert found.lower < found.estimate < found.upper


def test_forgetting_who_is_who_gives_too_narrow_an_interval(errors):
    honest = score.clustered_interval(errors, OWNERS, resamples=500)
    careless = score.clustered_interval(errors, np.arange(errors.size), resamples=500)
    assert width(honest) > 2.5 * width(careless)  # sqrt(10) = 3.2 when patients differ and their levels do not


@pytest.mark.parametrize("statistic", [score.median, score.median_absolute])
def test_any_statistic_can_be_had(errors, statistic):
    found = score.clustered_interval(errors, OWNERS, statistic, resamples=300)
    assert found.estimate == statistic(errors)
    assert found.lower <= found.estimate <= found.upper


def test_the_same_seed_is_the_same_interval_in_any_order_of_patients(errors):
    found = score.clustered_interval(errors, OWNERS, score.median, resamples=200, seed=3)
    assert found == score.clustered_interval(errors, OWNERS, score.median, resamples=200, seed=3)
    order = np.argsort(-OWNERS, kind="stable")
    assert found == score.clustered_interval(errors[order], OWNERS[order], score.median, resamples=200, seed=3)
    assert found != score.clustered_interval(errors, OWNERS, score.median, resamples=200, seed=4)


def test_a_higher_level_is_a_wider_interval(errors):
    assert width(score.clustered_interval(errors, OWNERS, level=0.99)) > width(
        score.clustered_interval(errors, OWNERS, level=0.8)
    )


def test_absent_scores_are_left_out_and_counted(errors):
    some = np.where(OWNERS == 0, np.nan, errors)
    found = score.clustered_interval(some, OWNERS, resamples=100)
    assert (found.patients, found.levels) == (PATIENTS - 1, (PATIENTS - 1) * EACH)
    assert np.isfinite(found.lower)


def test_one_patient_says_nothing_about_the_others_and_none_says_nothing():
    one = score.clustered_interval([1.0, 3.0], ["7f3c", "7f3c"])
    assert one.estimate == 2.0 and np.isnan(one.lower) and np.isnan(one.upper)
    none = score.clustered_interval([np.nan], ["7f3c"])
    assert np.isnan(none.estimate) and none.levels == 0


def test_a_score_without_its_patient_is_an_error():
    with pytest.raises(ValueError, match="one patient per score"):
        score.clustered_interval([1.0, 2.0], ["7f3c"])
