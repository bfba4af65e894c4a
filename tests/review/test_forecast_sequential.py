"""The pass over a record agrees with a fit made anew before each level, and with exact answers."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from caretwin.core.ensemble import weighted_mean
from caretwin.core.fit import fit_many
from caretwin.core.history import MISSING
from caretwin.core.model import Observation
from caretwin.review.forecasting.sequential import forecast_all
from caretwin.review.forecasting.series import series_of
from caretwin.twin.registry import family
from tests.review.forecast_patients import patients
from tests.review.test_forecast_calibration import COUNT

DRAWS = 400
LAST = 3


@pytest.fixture(scope="module")
def drug():
    return family("pharmacology").load("phenobarbital.grasela1985")


@pytest.fixture(scope="module")
def every(drug):
    return [series_of(drug, record)[0][0] for record in patients(COUNT, 6, drug)]


@pytest.fixture(scope="module")
def passed(every):
    return forecast_all(every, jax.random.key(1), draws=DRAWS)


@pytest.fixture(scope="module")
def fitted(every):
    """Posteriors given the first three levels, by the engine's batch fit."""
    histories = []
    for one in every:
        kind = one.history.y.kind.copy()
        kind[-1] = MISSING
        histories.append(one.history._replace(y=Observation(one.history.y.value, kind)))
    models = [one.model for one in every]
    return fit_many(models, jax.random.key(2), histories, subjects=[one.name for one in every], draws=2000)


def test_the_predicted_level_is_that_of_the_batch_fit(every, passed, fitted):
    gaps = []
    for i, steps in enumerate(passed):
        ensemble = jax.tree.map(lambda leaf, i=i: leaf[i], fitted.ensemble)
        theta, x = ensemble.theta, ensemble.x["A1"]
        volume = np.exp(every[i].history.contexts.basis[0, 1] + theta[:, 1])  # phi is (CL, V1)
        level = x / volume
        mean = float(weighted_mean(level, ensemble.logw))
        deviation = float(np.sqrt(weighted_mean((level - mean) ** 2, ensemble.logw)))
        gaps.append((steps[LAST][1].level.mean() - mean) / deviation)
    # The mean of 400 correlated draws: about 0.07 of a standard deviation from the truth.
    assert np.abs(gaps).max() < 0.35
    assert abs(np.mean(gaps)) < 0.03


def test_the_evidence_is_that_of_the_batch_fit(passed, fitted):
    gaps = np.array([steps[LAST][1].log_evidence for steps in passed]) - fitted.log_evidence
    assert np.abs(gaps).max() < 0.4
    assert abs(gaps.mean()) < 0.03


def test_the_evidence_is_the_sum_of_the_log_scores_before(passed):
    """Prequential: log p(y1..y3) = log p(y1) + log p(y2 | y1) + log p(y3 | y1, y2)."""
    for steps in passed:
        scores = sum(one.log_score for _, one in steps[:LAST])
        assert steps[LAST][1].log_evidence == pytest.approx(scores, abs=0.25)


def test_other_series_change_no_number_of_a_series(drug, every, passed):
    fewer = forecast_all(every[: COUNT // 2] * 2, jax.random.key(1), draws=DRAWS)
    for (_, one), (_, other) in zip(passed[0], fewer[0], strict=True):
        assert one.log_score == other.log_score
        assert np.array_equal(one.level, other.level)


def test_no_level_is_missing_when_records_differ_in_length(drug):
    """Series of 1 to 4 levels side by side: each step is forecast once."""
    records = patients(COUNT, 7, drug)
    ragged = [replace(r, levels=r.levels[: 1 + i % 4]) for i, r in enumerate(records)]
    ragged[0] = records[0]
    every = [series_of(drug, record)[0][0] for record in ragged]
    found = forecast_all(every, jax.random.key(1), draws=DRAWS)
    assert [len(steps) for steps in found] == [len(r.levels) for r in ragged]
