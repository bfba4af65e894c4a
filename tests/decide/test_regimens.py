"""Which regimens can be given, and which of equals comes first."""

from dataclasses import replace

import pytest

from caretwin.decide.ranking import _rank
from caretwin.decide.regimen import Regimen, due, practical_regimens
from caretwin.record.dosing import Level
from caretwin.twin.registry import family
from tests.decide.patients import vancomycin


def test_a_drug_without_a_molar_mass_can_be_dosed_per_kilogram():
    drug = family("pharmacology").load("gentamicin.abbasi2023")
    loads = {r.loading for r in practical_regimens(drug, 70.0)}
    assert loads == {None, 360.0, 480.0, 560.0}  # 5, 7 and 8 mg/kg, to the step of 40 mg
    assert {r.loading for r in practical_regimens(drug, None)} == {None}  # no weight: no dose per kilogram


def test_a_loading_dose_is_larger_than_what_follows():
    drug = family("pharmacology").load("vancomycin.goti2018")
    found = practical_regimens(drug, 78.0)
    assert all(r.loading is None or r.loading > r.dose for r in found)
    assert len(set(found)) == len(found)


def test_a_continuous_infusion_is_offered_once_and_follows_its_loading_dose_at_once():
    drug = family("pharmacology").load("meropenem.gijsen2022")
    found = practical_regimens(drug, 80.0, every_duration=True)
    continuous = [(r.per_day, r.loading) for r in found if r.duration >= r.interval]
    assert len(set(continuous)) == len(continuous) > 3
    whole = Regimen(6000.0, 24.0, 24.0, loading=2000.0, loading_duration=0.5)
    assert [d.time for d in whole.all_doses(10.0, 48.0, 0)][:2] == [10.0, 10.5]
    apart = Regimen(1000.0, 8.0, 0.5, loading=2000.0, loading_duration=0.5)
    assert [d.time for d in apart.all_doses(10.0, 48.0, 0)][:2] == [10.0, 18.0]


@pytest.mark.parametrize(
    ("interval", "since_last", "expected"), [(12, None, 0), (12, 4, 8), (12, 13, 0), (8, 3.9, 4.25)]
)
def test_the_next_dose_is_due_an_interval_after_the_last_one(interval, since_last, expected):
    assert due(interval, since_last) == expected


def test_maintenance_waits_until_it_is_due_and_a_loading_dose_does_not():
    found = practical_regimens(family("pharmacology").load("vancomycin.goti2018"), 70.0, since_last=6.0)
    assert {(r.interval, r.start) for r in found if r.loading is None} >= {(6, 0.0), (8, 2.0), (24, 18.0)}
    assert {r.start for r in found if r.loading is not None} == {0.0}
    assert [d.time for d in Regimen(500.0, 12, 1.0, start=5.0).doses(48.0, 24.0, 0)] == [53.0, 65.0]
    assert "first in 5 h" in Regimen(500.0, 12, 1.0, start=5.0).describe("mg")


def test_after_far_too_much_the_advice_is_to_wait():
    # Levels twice as high as they should be: whatever is given soon breaks the limit of the first days.
    high = (Level(13, 30, "mg/L"), Level(47, 33, "mg/L"))
    answer = vancomycin(crcl=30.0, levels=high)
    assert answer.best is not None and answer.best.regimen.start >= 24.0
    assert answer.best.regimen.loading is None


def test_of_equals_the_one_that_keeps_to_the_clock_comes_first():
    like = vancomycin().judged[0]
    ranks = [
        _rank(replace(like, regimen=Regimen(1000.0, interval, 1.0), utility=0.7))
        for interval in (24.0, 12.0, 8.0, 18.0, 36.0)
    ]
    assert ranks == sorted(ranks)


def test_less_drug_is_preferred_among_equals():
    like = vancomycin().judged[0]
    small, large = (
        replace(like, regimen=Regimen(dose, 24.0, 1.0), utility=utility)
        for dose, utility in ((1000.0, 0.991), (2000.0, 0.999))
    )
    assert _rank(small) < _rank(large)
