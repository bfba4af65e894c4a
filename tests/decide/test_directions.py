"""The signs a clinician would bet on."""

from dataclasses import replace
from itertools import pairwise

import pytest

from caretwin.decide.dosing import Question, advise
from caretwin.decide.personal import personal
from caretwin.record.dosing import Level
from tests.decide.patients import GOTI, MEASURED, changed, judged, person, vancomycin


def test_worse_kidneys_get_less_vancomycin():
    answers = [vancomycin(crcl=c, levels=()) for c in (120.0, 80.0, 45.0, 20.0)]
    exposure = [judged(a, 1000, 12).late.mean for a in answers]
    assert all(low < high for low, high in pairwise(exposure))
    daily = [max((j for j in a.judged if j.allowed), key=lambda j: j.utility).regimen.per_day for a in answers]
    assert all(more > less for more, less in pairwise(daily))


def test_a_higher_level_asks_for_less_drug():
    answers = [vancomycin(levels=(Level(13, 12 * f, "mg/L"), Level(47, 10.5 * f, "mg/L"))) for f in (0.7, 1.0, 1.6)]
    assert all(a.judged[0].regimen.per_day > b.judged[0].regimen.per_day for a, b in pairwise(answers))


def test_a_more_resistant_organism_asks_for_more_drug():
    low, high = vancomycin(mic=0.5), vancomycin(mic=1.0)
    assert low.judged[0].regimen.per_day < high.judged[0].regimen.per_day
    assert judged(low, 1000, 12).late.mean == pytest.approx(2 * judged(high, 1000, 12).late.mean, rel=1e-12)


def test_an_assay_that_scatters_more_teaches_less():
    vague = changed(GOTI, name="vancomycin.vague", errors={"level": _scattering(5.0)})
    high = tuple(Level(v.time_h, 2 * v.value, "mg/L") for v in MEASURED)
    question = Question("vancomycin", now=48.0, models=(GOTI,), drug_files=(vague,))
    advice = advise(question, person(levels=high))
    sharp, blurred = (next(m for m in advice.members if m.label == n) for n in (GOTI, "vancomycin.vague"))
    moved = [abs(personal(m)[0].median / personal(m)[0].typical - 1) for m in (sharp, blurred)]
    assert moved[1] < 0.5 * moved[0]


def _scattering(factor):
    error = changed(GOTI).errors["level"]
    return replace(error, additive=factor * error.additive, proportional=factor * error.proportional)


def test_a_model_for_other_patients_is_believed_less_and_says_so():
    inside, outside = vancomycin(levels=()), vancomycin(levels=(), WT=30.0)
    assert inside.members[0].domain_factor == 1.0
    assert outside.members[0].domain_factor == 0.2
    assert any("weight outside the study" in note for note in outside.notes)
    assert any("an assumption" in note and "0.2" in note for note in outside.notes)


def test_costs_of_being_over_lower_the_dose():
    from caretwin.decide.preferences import Preferences

    record = person()
    careful = Question("vancomycin", now=48.0, models=(GOTI,), preferences=Preferences(cost_over=5.0))
    assert advise(careful, record).judged[0].late.over < vancomycin().judged[0].late.over
