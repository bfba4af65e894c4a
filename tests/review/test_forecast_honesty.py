"""Nothing that was not yet known has a say in a forecast, to the last bit."""

from dataclasses import replace

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


def test_levels_drawn_at_the_same_time_do_not_know_each_other(drug, records):
    twice = replace(records[0], levels=(*records[0].levels, Level(23.5, 99.0, "mg/L")))
    series, refused = series_of(drug, twice)
    assert not refused
    known = {step.level: len(step.seen) for step in series[0].steps}
    assert known == {0: 0, 1: 1, 2: 2, 4: 2, 3: 4}


def test_a_level_that_came_back_late_is_not_used_before_it_came(drug, records):
    late = with_level(records[0], 0, received_h=30.0)
    assert [len(step.seen) for step in series_of(drug, late)[0][0].steps] == [0, 0, 1, 3]


def test_later_doses_and_covariates_are_not_in_the_history(drug, records):
    record = records[0]
    later = replace(
        record,
        doses=(*record.doses, Dose(30.0, 500.0, "mg", 0.5, "central")),
        covariates=(*record.covariates, CovariateValue("WT", 30.0, 5.0, "kg")),
    )
    before, after = (forecasts(replay([drug], [r, *records[1:]], draws=DRAWS)) for r in (record, later))
    for (subject, time), one in before.items():
        unchanged = subject != record.subject or time < 30
        assert (after[subject, time].next.point == one.next.point) == unchanged


def test_a_covariate_that_is_not_known_yet_refuses_the_level_with_the_reason(drug, records):
    unweighed = replace(
        records[0], covariates=(CovariateValue("WT", 20.0, 2.0, "kg"), CovariateValue("APGAR", 0.0, 8.0, "1"))
    )
    series, refused = series_of(drug, unweighed)
    assert [step.level for step in series[0].steps] == [2, 3]
    assert refused[0].levels == 2
    assert "WT" in refused[0].reason


def test_a_level_before_any_dose_is_refused(drug, records):
    early = replace(records[0], levels=(Level(0.0, 0.0, "mg/L"), *records[0].levels))
    series, refused = series_of(drug, early)
    assert len(series[0].steps) == 4
    assert "before any dose" in refused[0].reason


def test_a_patient_outside_the_hard_domain_is_refused_for_that_model(drug, records):
    heavy = replace(records[0], covariates=(CovariateValue("WT", 0.0, 70.0, "kg"), records[0].covariates[1]))
    series, refused = series_of(drug, heavy)
    assert not series
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
    """Two histories of doses, one false by a factor of three: after two levels the false one has no say."""
    wrong = tuple(replace(dose, amount=3 * dose.amount) for dose in records[0].doses)
    true, false = DoseHistory(records[0].doses, 0.5, "true"), DoseHistory(wrong, 0.5, "false")
    found = [
        forecasts(replay([drug], [replace(records[0], alternatives=choice), *records[1:]], draws=DRAWS))
        for choice in ((true, true), (true, false))
    ]
    certain, doubtful = ([f for (who, _), f in sorted(one.items()) if who == records[0].subject] for one in found)
    assert doubtful[0].next.q95 > 2 * certain[0].next.q95
    assert doubtful[-1].next.point == pytest.approx(certain[-1].next.point, rel=0.1)
