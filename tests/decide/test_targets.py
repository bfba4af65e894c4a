"""Targets other than an area: time above the MIC, a level at 12 h, an effect; the next sample; a wrong chart."""

from functools import cache

import pytest

from caretwin.decide.dosing import Question, advise
from caretwin.decide.sensitivity import consequences
from caretwin.record.dosing import Dose, Level
from tests.decide.patients import daily_doses, judged, person, vancomycin


@cache
def _meropenem():
    known = {"CRCL": 110, "WT": 80, "AGE": 45, "CRRT": 0, "ECMO": 0}
    question = Question("meropenem", now=0.0, models=("meropenem.gijsen2022",), mic=((8.0, 1.0),))
    return advise(question, person(known, doses=(), levels=()))


def test_a_continuous_infusion_stays_above_the_mic_longer_than_short_ones_of_the_same_daily_dose():
    daily = {}
    for j in _meropenem().judged:
        if j.regimen.loading is None and j.regimen.per_day == 6000.0 and j.regimen.interval == 8.0:
            daily[j.regimen.duration] = j.late.mean
    assert daily[8.0] > daily[3.0] > daily[0.5]


def test_lithium_is_read_twelve_hours_after_the_dose():
    known = {"TDD": 600, "WT": 70, "CRCL": 100, "AGE": 50, "CRRT": 0, "INTERACTING": 0}
    answer = advise(Question("lithium", now=0.0), person(known, doses=(), levels=()))
    once = next(j for j in answer.judged if j.regimen.interval == 24 and j.regimen.dose == pytest.approx(16.240357))
    twice = next(j for j in answer.judged if j.regimen.interval == 12 and j.regimen.dose == pytest.approx(8.120179))
    # 600 mg of carbonate a day either way. In the middle of a day's interval the level is near its mean (CL 0.95 L/h:
    # 16.24 / 24 / 0.95 = 0.71 mmol/L); before the next of two doses it is at its lowest, and lower than in the middle.
    assert 0.5 < twice.late.mean < 0.75
    assert once.late.mean != pytest.approx(twice.late.mean, rel=0.02)
    assert answer.target.after == 12.0


def test_a_sensitive_patient_needs_less_warfarin():
    def inr(alleles):
        known = {"CYP2C9_2": 0, "CYP2C9_3": 0, "VKORC1_A": alleles, "AGE": 71, "WT": 60, "AMIODARONE": 0,
                 "INR_BASE": 1.1, "HAN": 1}  # fmt: skip
        return daily_doses("warfarin.xia2024", known, (1.0, 2.0, 4.0, 6.0), 240.0, 64)

    sensitive, less = inr(2), inr(1)
    assert all(sensitive[dose].late.mean > less[dose].late.mean for dose in sensitive)
    best = [max(found, key=lambda dose: found[dose].late.target) for found in (sensitive, less)]
    assert best[0] < best[1]
    chosen = sensitive[best[0]].late
    assert chosen.low < 2.5 < chosen.high  # INR


def test_no_sample_is_worth_less_than_nothing():
    samples = vancomycin().samples
    assert all(s.gain >= 0 and 0 <= s.variance_removed <= 1 for s in samples)
    # The first one earns nearly the best gain, and none that is drawn earlier earns as much.
    most, sharpest = max(s.gain for s in samples), max(s.variance_removed for s in samples)
    good = [s for s in samples if s.gain >= 0.9 * most - 5e-4 and s.variance_removed >= 0.75 * sharpest]
    assert samples[0] == min(good or samples[:1], key=lambda s: s.hours)
    assert samples[0].variance_removed > 0.05


def test_the_more_is_known_the_less_a_sample_adds():
    many = tuple(Level(t, v, "mg/L") for t, v in ((3, 27), (8, 16), (13, 12), (20, 9), (27, 24), (34, 14), (47, 10.5)))
    spread = [vancomycin(levels=levels).best.late for levels in ((), many)]
    assert spread[1].high - spread[1].low < spread[0].high - spread[0].low


def test_a_level_drawn_later_than_written_means_less_clearance():
    found = {c.label: c for c in consequences(vancomycin())}
    earlier, later = (found[f"last level drawn 1 h {way} than written"] for way in ("earlier", "later"))
    assert earlier.late.mean < vancomycin().best.late.mean * 1.02
    assert earlier.late.mean < later.late.mean
    assert found["last dose was not given"].late.mean > later.late.mean
    assert all(c.loss >= 0 for c in found.values())


def test_a_first_dose_has_no_chart_that_could_be_wrong():
    assert consequences(vancomycin(levels=(), doses=())) == ()


def test_the_present_regimen_is_judged_beside_the_practical_ones():
    doses = (Dose(0, 1000, "mg", 1.0), Dose(12.4, 1000, "mg", 1.0), Dose(24.1, 1000, "mg", 1.0))
    answer = vancomycin(doses=doses, levels=())
    assert (answer.current.regimen.dose, answer.current.regimen.interval) == (1000.0, 12)  # 11.7 h is every 12 h
    assert answer.current.late == judged(answer, 1000, 12).late
