"""Urine, creatinine and lactate follow perfusion."""

import jax.numpy as jnp
import pytest

from caretwin.models.physiology import kidney

START = kidney.Kidney(jnp.asarray(0.9), jnp.asarray(1.0))


def after(minutes, filtration=110.0, made=1.0, missing=0.0, extracted=0.25, start=START):
    return kidney.step(start, jnp.asarray(filtration), 1.0, 75.0, made, missing, extracted, jnp.asarray(minutes))


def urine(filtration=1.0, excess=0.0, filling=0.0):
    return float(kidney.urine(jnp.asarray(filtration), 1.0, jnp.asarray(excess), jnp.asarray(filling)))


def test_filtration_is_kept_until_perfusion_falls():
    share = lambda p: float(kidney.filtration_share(jnp.asarray(p), jnp.asarray(5.0)))  # noqa: E731
    assert share(95.0) > 0.97 and 0.5 < share(65.0) < 0.9 and share(45.0) < 0.15


def test_congestion_costs_filtration():
    assert kidney.filtration_share(70.0, 18.0) < kidney.filtration_share(70.0, 5.0)


def test_creatinine_rises_over_a_day_when_filtration_halves_and_settles_at_production_over_filtration():
    day, weeks = after(1440.0, filtration=45.0), after(20 * 1440.0, filtration=45.0)
    assert 1.2 < float(day.creatinine) < float(weeks.creatinine)
    assert float(weeks.creatinine) == pytest.approx(1.0 / 0.45, rel=1e-3)


def test_lactate_rises_within_minutes_when_oxygen_is_missing_and_clears_when_it_is_back():
    high = after(30.0, missing=0.05)
    assert float(high.lactate) > 3.0
    assert float(after(120.0, start=high).lactate) < 1.4


def test_lactate_rises_before_oxygen_is_missing_when_tissue_takes_more_than_half_of_it():
    assert float(after(60.0, extracted=0.4).lactate) == pytest.approx(float(after(60.0).lactate), abs=1e-9)
    assert 1.5 < float(after(120.0, extracted=0.55).lactate) < 3.0


def test_urine_follows_filtration_and_plasma_that_is_overfull():
    assert urine(filtration=0.3) < urine()
    assert urine(excess=1.0) > 2.5 * urine()


def test_a_heart_short_of_filling_keeps_water_back_and_one_that_is_full_does_not_let_more_go():
    assert urine(filling=-3.0) < 0.5 * urine()
    assert urine(filling=3.0) == urine()


def test_two_steps_equal_one():
    once = after(60.0, filtration=40.0, missing=0.02)
    twice = after(30.0, filtration=40.0, missing=0.02, start=after(30.0, filtration=40.0, missing=0.02))
    assert all(float(a) == pytest.approx(float(b), rel=1e-12) for a, b in zip(once, twice, strict=True))
