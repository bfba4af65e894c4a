"""Vasoactive infusions: kinetics and what they act on."""

import jax.numpy as jnp
import pytest

from caretwin.models.physiology import vasoactive

NONE = {name: 0.0 for name in vasoactive.Infusions._fields}


def after(minutes=120, weight=70.0, age=35.0, **rates):
    """Drugs after ``minutes`` of constant rates in steps of a minute."""
    infusions = vasoactive.Infusions(**{name: jnp.asarray(v) for name, v in (NONE | rates).items()})
    drugs = vasoactive.no_drugs(jnp.zeros(()))
    for _ in range(minutes):
        drugs = vasoactive.distribute(drugs, infusions, weight, 1.0, age)
    return drugs


def effect(half=32.0, weight=70.0, **rates):
    return vasoactive.effects(after(weight=weight, **rates), jnp.asarray(half), weight)


def test_norepinephrine_at_rest_is_rate_over_clearance():
    assert float(after(norepinephrine=0.1).central) == pytest.approx(0.1 * 70.0 / vasoactive.CLEARANCE, rel=1e-6)


# Ensinger 1992, volunteers: plasma levels with their ranges; ours with the body's own level.
@pytest.mark.parametrize(
    "rate, low, high", [(0.06, 2.265, 3.391), (0.1, 3.608, 4.408), (0.14, 4.619, 6.765), (0.2, 6.404, 8.546)]
)
def test_plasma_levels_are_those_of_volunteers(rate, low, high):
    level = float(after(norepinephrine=rate, weight=75.0, age=40.0).central) + vasoactive.ENDOGENOUS
    assert low <= level <= high


def test_it_is_gone_within_minutes():
    drugs = after(norepinephrine=0.2)
    stopped = vasoactive.Infusions(**{name: jnp.asarray(0.0) for name in NONE})
    for _ in range(15):
        drugs = vasoactive.distribute(drugs, stopped, 70.0, 1.0)
    assert float(drugs.central) < 0.1 * 0.2 * 70.0 / vasoactive.CLEARANCE * 3


def test_pressors_tighten_arteries_and_move_venous_blood_each_the_more_the_higher():
    for name, doses in (("norepinephrine", (0.05, 0.2)), ("phenylephrine", (0.5, 2.0)), ("vasopressin", (1.0, 2.4))):
        low, high = (effect(**{name: dose}) for dose in doses)
        assert 1.0 < low.resistance < high.resistance and 0.0 < low.venous < high.venous
        assert low.venous_resistance > 1.0


def test_the_same_dose_does_less_in_a_patient_with_dull_vessels():
    assert effect(half=60.0, norepinephrine=0.2).resistance < effect(half=15.0, norepinephrine=0.2).resistance


def test_dobutamine_strengthens_and_speeds_the_heart_and_widens_vessels():
    found = effect(dobutamine=5.0)
    assert found.contractility > 1.1 and found.heart_rate > 1.02 and found.resistance < 1.0


def test_milrinone_strengthens_without_speeding():
    found = effect(milrinone=0.5)
    assert found.contractility > 1.1 and found.heart_rate == 1.0 and found.resistance < 1.0


def test_propofol_widens_vessels_takes_stress_and_sedates():
    found = effect(propofol=4.0)
    assert found.resistance < 0.95 and found.venous < 0.0 and 0.0 < found.sedation < 1.0


def test_nothing_given_does_nothing():
    found = effect()
    assert found.resistance == found.venous_resistance == found.contractility == found.heart_rate == 1.0
    assert abs(float(found.venous)) < 1e-12 and float(found.sedation) < 1e-12


def test_steps_of_any_length_end_alike():
    rates = vasoactive.Infusions(**{n: jnp.asarray(v) for n, v in (NONE | {"norepinephrine": 0.3}).items()})
    long = vasoactive.distribute(vasoactive.no_drugs(jnp.zeros(())), rates, 70.0, 1e4)
    assert float(long.central) == pytest.approx(float(after(600, norepinephrine=0.3).central), rel=1e-3)
