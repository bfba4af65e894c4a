"""When caretwin must say nothing, and why it says so."""

from dataclasses import replace

import pytest

from caretwin.base.errors import DataError, PlanError
from caretwin.decide.dosing import Question, advise, of_one_effect
from caretwin.decide.members import candidates
from caretwin.record.dosing import Level
from caretwin.record.finding import Finding
from caretwin.review.dosing_words import remedies
from tests.decide.patients import GOTI, changed, person, vancomycin


def test_outside_the_hard_domain():
    answer = vancomycin(CRRT=1.0)
    assert answer.best is None
    assert "renal replacement" in answer.abstained[0]
    assert remedies(answer)


def test_what_is_missing_is_said_all_at_once_with_its_kind():
    answer = advise(Question("vancomycin", now=48.0, models=("vancomycin.roberts2011",)), person({}))
    reason = answer.excluded[0].reason
    assert answer.best is None
    assert "WT" in reason and "CRCL_URINE" in reason and "24 h urine" in reason


def test_levels_that_contradict_each_other():
    answer = vancomycin(levels=(Level(36, 5, "mg/L"), Level(40, 60, "mg/L")))
    assert answer.best is None
    assert "no model fits this patient" in answer.abstained[0]
    assert any("repeat the level" in text for text in remedies(answer))


def test_no_practical_regimen_under_the_limits():
    limit = replace(changed(GOTI).limits[0], high=50.0, maximum_probability=0.01)
    strict = changed(GOTI, name="vancomycin.strict", limits=(limit,))
    question = Question("vancomycin", now=48.0, models=(GOTI,), drug_files=(strict,))
    answer = advise(question, person())
    assert answer.best is None and answer.judged  # what each regimen would do is still shown
    assert "every practical regimen breaks a hard limit" in answer.abstained[0]
    assert any("hold the drug" in text for text in remedies(answer))


def test_advice_that_would_miss_its_target_is_not_given():
    # At an MIC of 4 mg/L the target is an AUC24 of 1600 mg.h/L, far above the limit of 600: every dose that is allowed
    # misses it.
    answer = vancomycin(mic=4.0)
    assert answer.best is None
    assert "likely to reach the target" in answer.abstained[0]


def test_an_inr_is_not_averaged_with_a_clotting_activity():
    names = ("warfarin.xia2024", "warfarin.funaki2018")
    known = {"CYP2C9_2": 0, "CYP2C9_3": 0, "VKORC1_A": 2, "AGE": 71, "WT": 60, "AMIODARONE": 0, "INR_BASE": 1.1,
             "HAN": 1}  # fmt: skip
    allowed, _ = candidates(person(known, doses=(), levels=()), names, (), 0.0)
    same, others = of_one_effect(allowed)
    assert {c.twin.drug.name for c in same} == {"warfarin.xia2024"}
    assert [o.model for o in others] == ["warfarin.funaki2018"] or len(allowed) == 1


def test_errors_of_the_record():
    finding = Finding("error", 7, "unit", "a dose in 'spoons'", "mg", "write the amount in mg")
    answer = advise(Question("vancomycin", now=48.0, models=(GOTI,)), replace(person(), findings=(finding,)))
    assert answer.best is None
    assert "row 7" in answer.abstained[0]


def test_an_unknown_drug_and_an_unknown_target():
    with pytest.raises(DataError, match="no model of this drug"):
        advise(Question("unobtainium", now=0.0), person())
    with pytest.raises(PlanError, match="auc24_over_mic"):
        advise(Question("vancomycin", now=48.0, models=(GOTI,), target="bliss"), person())
