"""Which regimens can be given, and which of equals comes first."""

from caretwin.decide.regimen import Regimen, practical_regimens
from caretwin.twin.registry import family


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
