"""What must not change the answer, does not."""

from dataclasses import replace

import numpy as np
import pytest

from caretwin.base.units import convert
from caretwin.decide.dosing import Question, advise
from caretwin.record.dosing import CovariateValue, Dose, Level
from tests.decide.patients import COVARIATES, GIVEN, GOTI, MEASURED, changed, judged, person, vancomycin


def _same(a, b, tolerance=1e-9):
    assert [j.regimen for j in a.judged] == [j.regimen for j in b.judged]
    np.testing.assert_allclose([j.utility for j in a.judged], [j.utility for j in b.judged], atol=tolerance)
    np.testing.assert_allclose([j.late.mean for j in a.judged], [j.late.mean for j in b.judged], rtol=tolerance)


def test_the_same_question_gets_the_same_answer():
    again = advise(Question("vancomycin", now=48.0, models=(GOTI,)), person())
    assert [j.utility for j in again.judged] == [j.utility for j in vancomycin().judged]
    assert again.samples == vancomycin().samples


def test_a_dose_in_grams_is_the_dose_in_milligrams():
    grams = tuple(Dose(d.time_h, d.amount / 1000, "g", d.duration_h) for d in GIVEN)
    _same(vancomycin(), vancomycin(doses=grams), 1e-7)


def test_creatinine_and_levels_may_come_in_other_units():
    covariates = {k: v for k, v in COVARIATES.items() if k != "CRCL"} | {"FEMALE": 0.0}

    def answer(scr, unit, levels):
        record = person(covariates, levels=levels)
        known = (*record.covariates, CovariateValue("SCR", 0.0, scr, unit))
        return advise(Question("vancomycin", now=48.0, models=(GOTI,)), replace(record, covariates=known))

    micromolar = convert(1.1, "mg/dL", "umol/L", substance="creatinine")
    micrograms = tuple(Level(v.time_h, 1000 * v.value, "ug/L") for v in MEASURED)
    _same(answer(1.1, "mg/dL", MEASURED), answer(micromolar, "umol/L", micrograms), 1e-7)


def test_without_levels_models_are_believed_as_far_as_they_were_made_for_the_patient():
    twin = changed(GOTI, name="vancomycin.twin")
    question = Question("vancomycin", now=48.0, models=(GOTI,), drug_files=(twin,))
    advice = advise(question, person(levels=()))
    assert [m.weight for m in advice.members] == pytest.approx([0.5, 0.5], abs=1e-12)
    # The population's own average: each half of the pooled draws has the mean of a model alone, up to the
    # scatter of 512 draws of a log-normal with 40 % (below 2 % of the mean).
    alone = judged(vancomycin(levels=()), 1000, 12).late.mean
    assert judged(advice, 1000, 12).late.mean == pytest.approx(alone, rel=0.06)


def test_a_model_without_weight_changes_nothing():
    impossible = changed(GOTI, name="vancomycin.impossible", omega=1e-6 * changed(GOTI).omega)
    high = (Level(13, 30, "mg/L"), Level(47, 28, "mg/L"))
    question = Question("vancomycin", now=48.0, models=(GOTI,), drug_files=(impossible,))
    with_it, without = advise(question, person(levels=high)), vancomycin(levels=high)
    assert next(m for m in with_it.members if m.label == "vancomycin.impossible").weight == 0.0
    _same(with_it, without)


def test_a_dose_that_is_only_planned_is_replaced():
    planned = (*GIVEN, Dose(48.2, 1400, "mg", 2.0))
    _same(vancomycin(), vancomycin(doses=planned))


def test_a_result_that_has_not_arrived_is_not_known():
    late = (*MEASURED, Level(47.5, 60, "mg/L", received_h=49.0))
    _same(vancomycin(), vancomycin(levels=late))
