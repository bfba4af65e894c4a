"""Urine, creatinine and lactate follow perfusion."""

import jax.numpy as jnp
import pytest

from caretwin.models.physiology import kidney

START = kidney.Kidney(jnp.asarray(0.9), jnp.asarray(1.0))


def after(minutes, filtration=110.0, made=1.0, missing=0.0, start=START):
    return kidney.step(start, jnp.asarray(filtration), 1.0, 75.0, made, missing, jnp.asarray(minutes))


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


def test_urine_follows_filtration_and_plasma_that_is_overfull():
    rest = float(kidney.urine(jnp.asarray(1.0), 1.0, jnp.asarray(0.0)))
    assert float(kidney.urine(jnp.asarray(0.3), 1.0, jnp.asarray(0.0))) < rest
    assert float(kidney.urine(jnp.asarray(1.0), 1.0, jnp.asarray(1.0))) > 2.5 * rest


def test_two_steps_equal_one():
    once = after(60.0, filtration=40.0, missing=0.02)
    twice = after(30.0, filtration=40.0, missing=0.02, start=after(30.0, filtration=40.0, missing=0.02))
    assert all(float(a) == pytest.approx(float(b), rel=1e-12) for a, b in zip(once, twice, strict=True))
