"""Pressors and fluids on the twin: the signs a clinician would bet on, the advice, and when there is none."""

from dataclasses import replace

import numpy as np
import pytest

from caretwin.base.errors import DomainError
from caretwin.decide import haemodynamics
from caretwin.decide.bedside_outlook import outlook
from caretwin.decide.haemodynamics import Question, Target, advise, choose, mean_pressure, silences, warnings
from caretwin.decide.haemodynamics_candidates import MINUTES, candidate, grid, grid_rates, legs_raised
from caretwin.record.bedside import Signal
from tests.decide.bedside_case import NOW, bedside, record, twin, without

TRIED = ({}, {"norepinephrine": 0.2}, {"norepinephrine": 0.02}, {"crystalloid": 0.5}, {"red_cells": 0.5}, {})


@pytest.fixture(scope="module")
def seen():
    """Every change and a leg raise, tried once."""
    plans = [candidate(bedside(), "asked", change).plan for change in TRIED] + [legs_raised(bedside())]
    return outlook(twin(), bedside().living, plans, MINUTES)


@pytest.fixture(scope="module")
def advice():
    """The question of the examples: norepinephrine 0.12?"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(haemodynamics, "at_bedside", lambda *_: bedside())
        return advise(Question(NOW, ({"norepinephrine": 0.12},)), twin(), record())


def test_norepinephrine_raises_arterial_pressure_and_its_withdrawal_lowers_it(seen):
    pressure = mean_pressure(seen)
    for change in (pressure[1] - pressure[0], pressure[0] - pressure[2]):
        assert np.all(change > 0.0) and np.median(change) > 3.0


def test_fluid_raises_venous_pressure_and_output_and_thins_the_blood(seen):
    at = MINUTES.index(15.0)
    for name in ("central_venous_pressure_mmHg", "cardiac_output_L_per_min", "blood_volume_L"):
        value = seen.of(name)[at]
        assert np.median(value[3] - value[0]) > 0
    haemoglobin = seen.of("haemoglobin_g_per_dL")[at]
    assert np.all(haemoglobin[3] < haemoglobin[0]) and np.all(haemoglobin[4] > haemoglobin[0])


def test_crystalloid_leaves_the_blood_again(seen):
    # Hahn 2020: half in plasma when the infusion ends, 15-20 % half an hour later; slower in the sick.
    gained = np.median(seen.of("blood_volume_L")[:, 3] - seen.of("blood_volume_L")[:, 0], axis=1)
    assert gained[MINUTES.index(15.0)] > 1.5 * gained[MINUTES.index(60.0)] > 0
    assert 0.2 < gained[MINUTES.index(15.0)] < 0.45


def test_who_responds_to_raised_legs_responds_to_fluid(seen):
    output = seen.of("cardiac_output_L_per_min")
    legs = output[MINUTES.index(2.0), -1] / output[MINUTES.index(2.0), 0]
    fluid = output[MINUTES.index(15.0), 3] / output[MINUTES.index(15.0), 0]
    more = legs > np.median(legs)
    assert np.mean(fluid[more]) > np.mean(fluid[~more])
    assert np.all(legs > 0.99)


def test_the_same_plan_differs_by_exactly_nothing(seen):
    assert np.array_equal(seen.read[:, 0], seen.read[:, 5])


def test_a_cell_of_the_grid_equals_the_single_question(advice):
    rate = grid_rates(bedside())[-1]
    single = candidate(bedside(), "asked", {"norepinephrine": rate, "crystalloid": 0.5})
    pressure = mean_pressure(outlook(twin(), bedside().living, [single.plan], MINUTES))[0]
    row = advice.grid.fluids.index(0.5)
    assert advice.grid.below[row, -1] == (pressure < 65.0).mean()
    assert len(grid(bedside())) <= 50


def test_the_grid_falls_with_the_rate_and_holds_what_runs(advice):
    assert float(bedside().settings.infusions.norepinephrine) in advice.grid.rates
    known = advice.grid.below[0][np.isfinite(advice.grid.below[0])]
    assert np.all(np.diff(known) <= 0)  # more norepinephrine, fewer particles under 65


def test_with_pressure_above_its_target_the_advice_is_less_norepinephrine(advice):
    # MAP 82 on 0.1 ug/kg/min with a target of 65-70: nobody would add.
    assert advice.chosen.candidate.kind == "step"
    assert advice.chosen.candidate.change["norepinephrine"] < 0.1
    assert advice.chosen.below <= 0.1


def test_with_pressure_under_its_target_the_advice_does_not_take_the_pressor_away():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(haemodynamics, "at_bedside", lambda *_: bedside())
        high = advise(Question(NOW, (), Target(95.0, 100.0)), twin(), record())
    assert high.judged[0].below > 0.9
    assert high.chosen.candidate.change.get("norepinephrine", 0.2) > 0.1
    assert high.chosen.below < high.judged[0].below


def test_responsiveness_is_a_probability_with_its_spread(advice):
    r = advice.responsiveness
    assert 0.0 <= r.legs <= 1.0 and r.legs_rise[0] < r.legs_rise[1] < r.legs_rise[2]


def test_no_change_wins_unless_something_is_clearly_better(advice):
    judged = list(advice.judged)
    nothing = np.zeros((len(judged), 10))
    assert choose(judged, nothing, Target(), bedside())[0].candidate.kind == "as now"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (lambda: without("mean_arterial_pressure"), "no mean arterial pressure was ever charted"),
        (lambda: bedside()._replace(now=14.0), "the last arterial pressure is 2.0 h old"),
    ],
)
def test_silence_has_its_reason(state, said):
    assert not silences(bedside(), Target())
    assert any(said in reason for reason in silences(state(), Target()))


def test_a_drug_without_a_checked_model_is_said(advice):
    u = bedside().settings
    with_more = bedside()._replace(settings=u._replace(infusions=u.infusions._replace(vasopressin=np.asarray(1.8))))
    assert any("vasopressin running" in note for note in warnings(with_more, advice.responsiveness))


def test_a_rate_far_beyond_what_was_seen_is_not_judged():
    assert candidate(bedside(), "asked", {"norepinephrine": 0.9}).refused is not None
    known = replace(bedside().record, settings={"norepinephrine": Signal.of(np.array([1.0]), np.array([0.8]))})
    assert candidate(bedside()._replace(record=known), "asked", {"norepinephrine": 0.9}).refused is None


def test_norepinephrine_in_micrograms_per_minute_is_a_named_error():
    with pytest.raises(DomainError, match="norepinephrine"):
        candidate(bedside(), "asked", {"norepinephrine": 8.0})
