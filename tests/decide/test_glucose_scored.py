"""What the glucose twin is held against: rivals that need no physiology, a population search, and a virtual trial."""

import jax
import numpy as np
import pytest

from caretwin.decide.glucose import Limits
from caretwin.models.physiology.glucose import Glucose
from caretwin.review.glucose_forecasts import DRAWS, Target, fit_rival, scores, targets
from caretwin.review.glucose_population import COARSE_STEP, SEARCHED, batches, log_evidence, with_population
from caretwin.review.glucose_trial import Cohort, summary, treat, treat_one
from caretwin.twin.glucose import series
from tests.decide.test_glucose import patient


@pytest.fixture(scope="module")
def model():
    return Glucose.of()


def series_of(level, tau, spread, error, count, seed):
    """Targets from a logarithm that returns to a level: what AR(1) is right about."""
    luck = np.random.default_rng(seed)
    x, found = level, []
    previous = np.exp(x + error * luck.normal())
    for _ in range(count):
        hours = luck.uniform(0.5, 8.0)
        rho = np.exp(-hours / tau)
        x = level + (x - level) * rho + spread * np.sqrt(1 - rho**2) * luck.normal()
        value = np.exp(x + error * luck.normal())
        found.append(Target("p", 0.0, hours, previous, value, 0, 0.0, np.full(DRAWS, value)))
        previous = value
    return found


def test_the_rival_that_returns_to_a_mean_finds_mean_and_spread():
    rival = fit_rival(series_of(np.log(8.0), 6.0, 0.3, 0.02, 4000, 1), returns=True)
    assert rival.mean == pytest.approx(np.log(8.0), abs=0.03)
    assert rival.wander**2 + rival.error**2 == pytest.approx(0.3**2 + 0.02**2, rel=0.08)
    assert rival.tau == pytest.approx(6.0, rel=0.15)


def test_a_rival_that_is_right_covers_what_it_says_and_beats_one_that_is_not():
    found = series_of(np.log(8.0), 3.0, 0.3, 0.02, 1500, 2)
    right, walk = (fit_rival(found, returns=returns) for returns in (True, False))
    rivals = {name: [r.draws(t.previous, t.hours) for t in found] for name, r in (("AR(1)", right), ("walk", walk))}
    table = scores(found, rivals)["all"]
    assert table["crps"]["twin"] == 0.0  # these forecasts were made of what happened
    assert table["crps"]["AR(1)"] < table["crps"]["walk"] < table["crps"]["last value"]
    assert table["coverage90"]["AR(1)"] == pytest.approx(0.9, abs=0.025)  # three binomial standard errors


@pytest.mark.slow
def test_a_target_follows_a_value_that_had_been_received(model):
    on_time = targets(model, "p", patient(glucose=((0, 9.0), (2, 8.5), (4, 8.0))), particles=64)
    assert [t.hours for t in on_time] == pytest.approx([2.0, 2.0])
    assert [t.previous for t in on_time] == [9.0, 8.5]
    late = targets(model, "p", patient(glucose=((0, 9.0), (2, 8.5), (4, 8.0)), delay=3.0), particles=64)
    assert late == []


@pytest.mark.slow
def test_the_evidence_of_silence_is_nothing_and_a_likely_population_has_more(model):
    history = series(patient(glucose=((0, 7.0), (2, 7.2), (4, 6.9))), 4.0).history
    stack = batches([history], 2)[0]
    key = jax.random.key(0)
    start = np.log([4e-4, 0.5, 0.5, 10.0, 0.3, 0.5, 0.7, 10.0])
    likely, silent = np.asarray(log_evidence(with_population(model, start), stack, key, 128))
    assert silent == 0.0
    wild = start + np.log([1, 1, 6, 0.1, 20, 1, 4, 0.1])
    assert likely > float(log_evidence(with_population(model, wild), stack, key, 128)[0])
    assert len(SEARCHED) == len(start)
    assert with_population(model, start).longest_step == COARSE_STEP


@pytest.mark.slow
def test_virtual_patients_are_their_own_whoever_the_others_are(model):
    few, more = (Cohort(patients=n, hours=5, particles=64, futures=32) for n in (1, 2))
    first, again = next(iter(treat(few, Limits(), model))), list(treat(more, Limits(), model))
    assert np.array_equal(first.glucose, again[0].glucose)
    assert not np.array_equal(again[0].glucose, again[1].glucose)
    assert again[0].measured[0] == 0
    assert np.all(np.diff(again[0].measured) <= 3)
    counted = summary(again, more, Limits())
    parts = [counted[f"time_{part}_percent"] for part in ("below_band", "in_band", "above_band")]
    assert sum(parts) == pytest.approx(100.0)


def test_insulin_rises_by_no_more_than_a_step_throughout_a_treatment(model):
    cohort = Cohort(patients=1, hours=8, particles=64, futures=32)
    treated = treat_one(model, cohort, Limits(), "virtual 5")
    assert treated.glucose[0] > 6.0
    assert np.all(np.diff(np.concatenate([[0.0], treated.insulin])) <= Limits().insulin_rise + 1e-9)
    assert np.all(np.abs(np.diff(np.concatenate([[1.0], treated.feed]))) <= Limits().feed_change + 1e-6)
