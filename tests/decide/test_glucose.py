"""Insulin and feed until the next glucose: what may be proposed, what it risks, and when there is silence."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from caretwin.base.errors import DataError
from caretwin.base.random import raw_key
from caretwin.core.model import MEASURED, MISSING
from caretwin.decide.glucose import Judged, Limits, Question, advise, candidates, checked_goal, choose
from caretwin.decide.glucose_futures import futures
from caretwin.models.physiology.glucose import INPUTS, Glucose
from caretwin.record.bedside import BedsideRecord, Person, Signal
from caretwin.record.finding import Finding
from caretwin.review.glucose_forecasts import targets
from caretwin.twin.glucose import begin, padded, series

LIMITS = Limits()
GOAL = 0.6
CHARTED = {"uncharted": np.asarray(0.0)}


@pytest.fixture(scope="module")
def model():
    return Glucose.of()


def patient(glucose=((0, 9.5), (2, 9.1), (4, 8.8)), insulin=((0, 2.0),), feed=((0, 0.4),), delay=0.0, findings=()):
    def signal(rows, late=0.0):
        time, value = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
        return Signal.of(time, value, time + late)

    settings = {"insulin": signal(insulin)} | ({"enteral_glucose": signal(feed)} if feed else {})
    return BedsideRecord(Person("made up"), {"glucose": signal(glucose, delay)}, settings, findings)


def running(**given):
    return dict.fromkeys(INPUTS, 0.0) | given


@pytest.fixture(scope="module")
def advice(model):
    return advise(Question(now=4.0, feed_goal=GOAL), patient(), model=model)


def test_insulin_rises_by_no_more_than_a_step_and_never_beyond_the_most():
    for rate in (0.0, 1.7, 4.0, 9.0, 14.0):
        tried = candidates(running(insulin=rate, enteral_glucose=0.4), Question(now=0.0))
        assert rate in tried["insulin"]
        assert tried["insulin"].min() == 0
        assert tried["insulin"].max() == max(rate, min(rate + LIMITS.insulin_rise, LIMITS.insulin_most))


def test_the_feed_changes_by_no_more_than_a_step_and_stays_above_the_least():
    for feed in (0.2, 0.36, 0.6):
        shares = candidates(running(enteral_glucose=feed), Question(now=0.0, feed_goal=GOAL))["enteral_glucose"] / GOAL
        assert np.any(np.isclose(shares, feed / GOAL))
        assert np.all(np.abs(shares - feed / GOAL) <= LIMITS.feed_change + 1e-6)
        assert shares.min() >= LIMITS.feed_least - 1e-6
        assert shares.max() <= 1 + 1e-6


@pytest.mark.parametrize(("feed", "goal"), [(0.0, GOAL), (0.4, None)])
def test_a_feed_that_is_held_or_has_no_goal_is_left_alone(feed, goal):
    tried = candidates(running(enteral_glucose=feed), Question(now=0.0, feed_goal=goal))
    assert np.all(tried["enteral_glucose"] == feed)


@pytest.fixture(scope="module")
def grid(model):
    """Futures of one patient who was never measured: two equal treatments, then rising insulin, then a smaller feed."""
    ensemble = begin(model, raw_key(3), CHARTED, "made up", 512)
    rates = np.array([2.0, 2.0, 0.0, 1.0, 4.0, 8.0, 2.0])
    feeds = np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.2])
    u = {name: np.zeros(7) for name in INPUTS} | {"insulin": rates, "enteral_glucose": feeds}
    return futures(model, raw_key(3), ensemble, u, CHARTED, 3, (2.2, 4.4, 8.0), "made up")


def test_identical_treatments_differ_by_exactly_nothing(grid):
    assert all(np.array_equal(leaf[0], leaf[1]) for leaf in grid)


def test_more_insulin_never_risks_less_and_never_leaves_more_glucose(grid):
    order = [2, 3, 0, 4, 5]
    assert np.all(np.diff(grid.low[order], axis=0) >= 0)
    assert np.all(np.diff(grid.bands[order], axis=0) <= 1e-12)


def test_less_feed_leaves_less_glucose(grid):
    assert np.all(grid.bands[6] <= grid.bands[0] + 1e-12)


def test_a_longer_interval_never_risks_less(grid):
    assert np.all(np.diff(grid.low, axis=1) >= 0)
    assert np.all(grid.severe <= grid.low)


def test_the_advice_stays_within_its_limit(advice):
    assert advice.chosen.safe
    assert advice.chosen.best.low[advice.chosen.hours - 1] <= LIMITS.allowed
    assert advice.chosen.best in advice.judged


def test_the_same_question_has_the_same_answer(advice, model):
    again = advise(Question(now=4.0, feed_goal=GOAL), patient(), model=model)
    assert np.array_equal(again.chosen.best.bands, advice.chosen.best.bands)
    assert again.chosen.best.utility == advice.chosen.best.utility


def test_a_patient_who_runs_high_gets_more_insulin_than_one_who_runs_low(advice, model):
    low = patient(glucose=((0, 5.6), (2, 5.2), (4, 4.9)))
    answer = advise(Question(now=4.0, feed_goal=GOAL), low, model=model)
    assert answer.chosen.best.insulin < advice.chosen.best.insulin


def treatment(insulin, low, utility, above=0.0):
    hours = np.array([1.0, 1.0, 1.0])
    return Judged(insulin, 0.4, low * hours, 0 * hours, hours, 0 * hours, above * hours, utility, np.full((18, 5), 6.0))


def test_whatever_is_gained_no_forbidden_treatment_is_chosen_while_an_allowed_one_exists():
    luck = np.random.default_rng(5)
    for _ in range(300):
        rows = [treatment(float(i), *luck.uniform((0, -1), (0.2, 1))) for i in range(6)]
        choices, chosen, _ = choose(rows, LIMITS)
        possible = any(row.low[0] <= LIMITS.allowed for row in rows)
        assert chosen.safe == possible
        assert (chosen.best.low[0] <= LIMITS.allowed) == possible
        allowed = [row.utility for row in rows if row.low[0] <= LIMITS.allowed]
        assert not allowed or choices[0].best.utility == max(allowed)


def test_where_nothing_is_allowed_the_least_risk_is_named_as_such():
    _, chosen, reasons = choose([treatment(2.0, 0.4, 0.9), treatment(0.0, 0.2, 0.1)], LIMITS)
    assert chosen.best.insulin == 0.0
    assert chosen.hours == 1
    assert not chosen.safe
    assert "no treatment keeps the chance" in reasons[0]


def test_the_longest_acceptable_interval_is_chosen_and_a_high_end_shortens_it():
    assert choose([treatment(1.0, 0.01, 0.9)], LIMITS)[1].hours == 3
    _, chosen, reasons = choose([treatment(1.0, 0.01, 0.9, above=0.6)], LIMITS)
    assert chosen.hours == 1
    assert any("above 8 mmol/L with a chance of 60 %" in reason for reason in reasons)


def test_what_would_do_better_but_risks_too_much_is_said():
    _, chosen, reasons = choose([treatment(1.0, 0.01, 0.5), treatment(4.0, 0.12, 0.8)], LIMITS)
    assert chosen.best.insulin == 1.0
    assert "4 U/h would keep more of the time in the band" in reasons[0]


def test_an_old_glucose_gets_no_advice(model):
    answer = advise(Question(now=9.0), patient(), model=model)
    assert answer.chosen is None
    assert "5.0 h ago" in answer.abstained[0]


def test_a_result_that_has_not_arrived_is_not_used(model):
    late = advise(Question(now=4.5), patient(delay=1.0), model=model)
    early = advise(Question(now=4.5), patient(glucose=((0, 9.5), (2, 9.1))), model=model)
    assert late.series.values == 2
    assert np.array_equal(late.followed.glucose, early.followed.glucose)


def test_a_value_that_cannot_belong_to_this_patient_silences_the_twin(model):
    steady = [(h, 6.5 + 0.2 * (h % 2)) for h in range(12)]
    answer = advise(Question(now=12.0), patient(glucose=(*steady, (12, 31.0))), model=model)
    assert answer.chosen is None
    assert any("contradict the twin" in reason for reason in answer.abstained)


def test_a_record_with_an_error_and_a_pump_beyond_belief_get_no_advice(model):
    wrong = Finding("error", 7, "insulin", "-3 U/h", "a rate of 0 or more", "correct the row")
    assert advise(Question(now=4.0), patient(findings=(wrong,)), model=model).chosen is None
    absurd = advise(Question(now=4.0), patient(insulin=((0, 50.0),)), model=model)
    assert any("check the unit" in reason for reason in absurd.abstained)


def test_without_any_glucose_the_question_is_an_error(model):
    empty = replace(patient(), observations={})
    with pytest.raises(DataError, match="no value before"):
        advise(Question(now=4.0), empty, model=model)


def test_a_goal_in_grams_is_refused():
    with pytest.raises(DataError, match="6 mmol/min"):
        checked_goal(155.0)


def test_rows_are_no_longer_than_an_hour_and_hold_what_ran(model):
    history = series(patient(glucose=((0, 9.0), (5.3, 8.0)), insulin=((0, 2.0), (3.5, 4.0))), 6.0).history
    assert np.diff(history.time).max() <= 1.0
    assert history.time[0] == -4.0
    ended = history.time > 3.5 + 0.02
    assert np.all(history.u["insulin"][ended] == 4.0)
    assert np.all(history.u["insulin"][(history.time > 0.02) & ~ended] == 2.0)
    assert np.sum(history.y.kind == MEASURED) == 2


def test_an_injection_is_given_once_from_its_time_on():
    record = patient(glucose=((0, 9.0), (3.0, 8.0)))
    record = replace(record, settings=record.settings | {"insulin_bolus": Signal.of(np.array([1.5]), np.array([4.0]))})
    history = series(record, 3.0).history
    row = np.flatnonzero(history.u["insulin_bolus"])
    assert len(row) == 1
    assert history.time[row[0] - 1] == pytest.approx(1.5, abs=1 / 60)


def test_a_series_begins_anew_after_a_day_without_glucose():
    record = patient(glucose=((0, 9.0), (3, 8.0), (40, 7.0), (42, 7.5)))
    assert series(record, 42.0).values == 2


def test_padding_observes_nothing():
    history = series(patient(), 4.0).history
    longer = padded(history)
    assert np.all(longer.y.kind[len(history.time) :] == MISSING)


def virtual_record(model, number, hours=36, every=2):
    """A patient drawn from the model's own population: the truth hour by hour, a laboratory value every second hour."""
    who, begin_key, walk, error = jax.random.split(jax.random.key(number), 4)
    theta = model.prior.sample(who, 1)[0]
    phi = model.individual(theta, {"uncharted": jnp.asarray(1.0)})
    x = model.initial(phi, jax.random.normal(begin_key, (4,)))
    u = dict.fromkeys(INPUTS, jnp.asarray(0.0)) | {"insulin": jnp.asarray(1.5)}

    def hour(x, keys):
        moving, measuring = keys
        x = model.transition(phi, x, u, jax.random.normal(moving, (4,)), jnp.asarray(1.0))
        return x, model.sample_observation(phi, x, u, jax.random.normal(measuring, (2,)))[0]

    _, seen = jax.lax.scan(hour, x, (jax.random.split(walk, hours), jax.random.split(error, hours)))
    times = np.arange(1.0, hours + 1)[::every]
    return patient(glucose=tuple(zip(times, np.asarray(seen)[::every], strict=True)), insulin=((-9, 1.5),), feed=None)


@pytest.mark.slow
def test_forward_bands_hold_what_happens_to_patients_of_the_model(model):
    made = [virtual_record(model, n) for n in range(24)]
    found = [t for n, record in enumerate(made) for t in targets(model, str(n), record, particles=512)]
    within = np.array([[np.quantile(t.draws, q) for q in (0.05, 0.25, 0.75, 0.95)] for t in found])
    value = np.array([t.value for t in found])
    ninety = np.mean((within[:, 0] <= value) & (value <= within[:, 3]))
    fifty = np.mean((within[:, 1] <= value) & (value <= within[:, 2]))
    # 400 forecasts of 24 patients: two standard errors of a binomial are 3 and 5 points; patients resemble themselves.
    assert ninety == pytest.approx(0.90, abs=0.045)
    assert fifty == pytest.approx(0.50, abs=0.075)
