"""Nothing that was not yet known has a say in a forecast, to the last bit."""

from dataclasses import replace

import numpy as np
import pytest

from caretwin.record.dosing import CovariateValue, Dose, DoseHistory, Level
from caretwin.review.forecasting import replay
from caretwin.review.forecasting.series import series_of
from caretwin.twin.registry import family
from tests.review.forecast_patients import patients, with_level
from tests.review.test_forecast_calibration import COUNT, DRAWS


@pytest.fixture(scope="module")
def drug():
    return family("pharmacology").load("phenobarbital.grasela1985")


@pytest.fixture(scope="module")
def records(drug):
    return patients(COUNT, 4, drug)


def forecasts(found, model="phenobarbital.grasela1985"):
    return {(f.subject, f.time_h): f for f in found.forecasts if f.model == model}


@pytest.fixture(scope="module")
def base(drug, records):
    return forecasts(replay([drug], records, draws=DRAWS))


def test_later_levels_change_no_earlier_forecast_by_a_single_bit(drug, records, base):
    changed = [with_level(r, 2, value=3 * r.levels[2].value) for r in records]
    after = forecasts(replay([drug], changed, draws=DRAWS))
    for (subject, time), one in base.items():
        other = after[subject, time]
        if time < 23.5:
            assert other == one
        elif time == 23.5:  # its own value is scored, not used
            assert (other.next.point, other.next.q05, other.next.q95) == (
                one.next.point, one.next.q05, one.next.q95,
            )  # fmt: skip
            assert other.next.crps != one.next.crps
        else:
            assert other.next.point != one.next.point


def steps_of(drug, record):
    """Which levels each forecast has seen, by the level's place in the record; and the refusals."""
    found, refused = series_of(drug, record)
    return {step.level: step.seen for one in found for step in one.steps}, refused


def test_levels_drawn_at_the_same_time_do_not_know_each_other(drug, records):
    twice = replace(records[0], levels=(*records[0].levels, Level(23.5, 99.0, "mg/L")))
    steps, refused = steps_of(drug, twice)
    assert not refused
    assert [len(steps[i]) for i in range(5)] == [0, 1, 2, 4, 2]


def test_a_level_that_came_back_late_is_not_used_before_it_came(drug, records):
    late = with_level(records[0], 0, received_h=30.0)
    steps, _ = steps_of(drug, late)
    assert [len(steps[i]) for i in range(4)] == [0, 0, 1, 3]


def test_doses_after_the_last_level_are_not_in_the_history(drug, records):
    record = records[0]
    later = replace(record, doses=(*record.doses, Dose(40.0, 500.0, "mg", 0.5, "central")))
    one, other = (series_of(drug, r)[0][0].history for r in (record, later))
    assert one.time.tolist() == other.time.tolist()
    assert one.u.rate.tolist() == other.u.rate.tolist()


def test_a_covariate_holds_from_when_it_was_received(drug, records):
    record = replace(
        records[0],
        covariates=(
            CovariateValue("WT", 0.0, 2.0, "kg"),
            CovariateValue("WT", 5.0, 3.0, "kg", received_h=20.0),
            CovariateValue("APGAR", 0.0, 8.0, "1"),
        ),
    )
    history = series_of(drug, record)[0][0].history
    changes = history.time[1:][history.between[1:] != history.between[:-1]]
    assert min(changes) > 20.0


def test_a_covariate_that_is_not_known_yet_refuses_the_level_with_the_reason(drug, records):
    unweighed = replace(
        records[0], covariates=(CovariateValue("WT", 20.0, 2.0, "kg"), CovariateValue("APGAR", 0.0, 8.0, "1"))
    )
    steps, refused = steps_of(drug, unweighed)
    assert sorted(steps) == [2, 3]
    assert refused[0].levels == 2
    assert "WT" in refused[0].reason


def test_a_level_before_any_dose_is_refused(drug, records):
    early = replace(records[0], levels=(Level(0.0, 0.0, "mg/L"), *records[0].levels))
    steps, refused = steps_of(drug, early)
    assert len(steps) == 4
    assert steps[1] == ()
    assert "before any dose" in refused[0].reason


def test_a_patient_outside_the_hard_domain_is_refused_for_that_model(drug, records):
    heavy = replace(records[0], covariates=(CovariateValue("WT", 0.0, 70.0, "kg"), records[0].covariates[1]))
    steps, refused = steps_of(drug, heavy)
    assert not steps
    assert refused[0].levels == 4
    assert "newborn" in refused[0].reason


def test_a_value_below_the_limit_has_a_log_score_and_no_prediction_error(drug, records):
    from caretwin.review.forecasting import summarise

    censored = [with_level(r, 3, value=2.0, censoring="below", limit=2.0) for r in records]
    found = replay([drug], censored, draws=DRAWS)
    last = [f for f in found.forecasts if f.time_h == 35.0 and f.model != "average"]
    assert all(f.next.log_score < 0 and f.next.inside != f.next.inside for f in last)
    entry = summarise(found)[0]
    assert entry["below_limit"] == COUNT
    assert entry["levels"] == 4 * COUNT


def test_uncertain_doses_are_believed_by_how_well_they_explain_the_levels(drug, records):
    """Two histories of doses, one false by a factor of three: after three levels the false one has hardly a say."""
    doubtful = []
    for record in records:
        wrong = tuple(replace(dose, amount=3 * dose.amount) for dose in record.doses)
        either = (DoseHistory(record.doses, 0.5, "true"), DoseHistory(wrong, 0.5, "false"))
        doubtful.append(replace(record, alternatives=either))
    doubtful = doubtful[: COUNT // 2]  # two series each: the number of series of the other tests
    sure = replay([drug], records[: COUNT // 2], draws=DRAWS)
    found = replay([drug], doubtful, draws=DRAWS)
    gaps = [
        abs(f.next.point / truth.next.point - 1) for f, truth in zip(_at(found, 35.0), _at(sure, 35.0), strict=True)
    ]
    assert np.median(gaps) < 0.05  # a rare patient may look like one with another dose: then both histories stay
    assert np.mean(np.array(gaps) < 0.15) > 0.8
    first, truth = _at(found, 2.0)[0], _at(sure, 2.0)[0]
    assert first.next.q95 > 1.5 * truth.next.q95  # nothing known yet: both are possible


def _at(found, time):
    return [f for f in found.forecasts if f.time_h == time and f.model != "average"]
