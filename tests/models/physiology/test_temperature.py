"""Fever and cold."""

import jax.numpy as jnp
import pytest

from caretwin.models.physiology.temperature import warmth


def test_nothing_changes_at_37_degrees():
    assert [float(x) for x in warmth(jnp.asarray(37.0))] == [1.0, 1.0, 1.0]


def test_cooling_fever_gives_what_was_measured():
    # Manthous 1995, from 39.4 to 37.0 degC: VCO2 304 to 244 mL/min, cardiac output 8.4 to 6.5 L/min; 2 % are rounding.
    warm = warmth(jnp.asarray(39.4))
    assert float(warm.metabolism) == pytest.approx(304 / 244, rel=0.02)
    assert float(warm.flow) == pytest.approx(8.4 / 6.5, rel=0.02)


def test_stroke_volume_stays_nearly_as_it_was():
    for temperature in (33.0, 39.0, 41.0):
        warm = warmth(jnp.asarray(temperature))
        assert float(warm.flow / warm.heart_rate) == pytest.approx(1.0, abs=0.04)
