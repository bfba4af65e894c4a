"""The sigmoid pressure-volume curve, over-distension, and what the chest wall takes of a pressure."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretwin.models.physiology.chest_wall import mean_pleural_shift, share_of_chest_wall, transpulmonary
from caretwin.models.physiology.pressure_volume import (
    PressureVolumeCurve,
    chord_compliance,
    compliance_at,
    curve_at_rest,
    over_distension,
    pressure_after_inflation,
    pressure_at,
    volume_at,
)

CURVE = PressureVolumeCurve(1.0, 4.0, 15.0, 8.0)


def between(low, high):
    return st.floats(low, high, allow_nan=False)


def test_a_curve_is_steepest_at_its_inflection_and_flattens_on_both_sides():
    slopes = [float(compliance_at(CURVE, p)) for p in (-10.0, 5.0, 15.0, 25.0, 40.0)]
    assert max(slopes) == slopes[2] == pytest.approx(4.0 / (4 * 8.0))
    assert slopes[0] < slopes[1] and slopes[3] > slopes[4]


def test_more_pressure_leaves_less_of_the_compliance_and_nothing_is_lost_below_the_inflection():
    left = [float(over_distension(20.0, 8.0, peep, peep + 12.0)) for peep in (0.0, 5.0, 12.0, 18.0, 25.0)]
    assert left[0] == left[1] == 1.0
    assert all(a > b for a, b in pairwise(left[1:]))


def test_a_stiff_chest_wall_spares_the_lung():
    usual = {"pleural_reference": 8.0, "peep_reference": 5.0}
    soft, stiff = (transpulmonary(28.0, 10.0, share, **usual) for share in (0.2, 0.5))
    assert float(stiff.lung_stress) < float(soft.lung_stress)
    assert float(stiff.driving) < float(soft.driving)
    assert float(stiff.pleural_inspiratory) > float(soft.pleural_inspiratory)


@given(between(-30.0, 80.0), between(0.0, 60.0))
def test_a_chord_is_the_difference_of_two_volumes(low, span):
    volume = float(volume_at(CURVE, low + span) - volume_at(CURVE, low))
    assert float(chord_compliance(CURVE, low, low + span)) * span == pytest.approx(volume, abs=1e-12)


@given(between(-5.0, 45.0))
def test_pressure_and_volume_are_inverse(pressure):
    assert float(pressure_at(CURVE, volume_at(CURVE, pressure))) == pytest.approx(pressure, abs=1e-8)


@given(between(0.01, 0.1), between(5.0, 35.0), between(2.0, 15.0), between(0.0, 30.0), between(0.01, 1.0))
def test_what_over_distension_leaves_is_what_inflation_meets(compliance, inflection, width, start, volume):
    end = float(pressure_after_inflation(compliance, inflection, width, start, volume))
    left = float(over_distension(inflection, width, start, end))
    asymptote = inflection + 2 * width * np.arctanh(0.999)
    if end < asymptote - 0.01:
        assert compliance * left * (end - start) == pytest.approx(volume, rel=1e-6)


def test_the_share_that_is_left_is_the_mean_slope_of_the_upper_half_of_the_sigmoid():
    p = jnp.linspace(12.0, 34.0, 200_001)
    slope = jnp.where(p < 20.0, 1.0, 1.0 / jnp.cosh((p - 20.0) / 16.0) ** 2)
    assert float(over_distension(20.0, 8.0, 12.0, 34.0)) == pytest.approx(float(jnp.mean(slope)), abs=1e-5)


@given(*[st.floats(-1e4, 1e4, allow_nan=False, width=32)] * 3)
def test_no_pressure_however_absurd_gives_something_that_is_not_a_number(low, high, volume):
    for dtype in (jnp.float32, jnp.float64):
        a, b, v = (jnp.asarray(x, dtype) for x in (low, high, volume))
        found = (
            volume_at(CURVE, a),
            pressure_at(CURVE, v),
            chord_compliance(CURVE, a, b),
            over_distension(20.0, 8.0, a, b),
            pressure_after_inflation(0.05, 20.0, 8.0, a, v),
        )
        assert all(bool(jnp.isfinite(x)) for x in found)


@pytest.mark.parametrize("end", [5.0, 19.9, 20.0, 20.1, 60.0])
def test_slopes_of_the_over_distension_are_finite_everywhere(end):
    slopes = jax.grad(over_distension, argnums=(0, 1, 2, 3))(20.0, 8.0, 5.0, end)
    assert all(bool(jnp.isfinite(s)) for s in slopes)
    assert bool(jnp.isfinite(jax.grad(pressure_after_inflation, argnums=3)(0.05, 20.0, 8.0, 20.0, 0.1)))


def test_the_curve_of_a_healthy_lung_follows_from_its_volumes():
    # 75.3 kg, 0.1 L/cmH2O at FRC: d 8.24 and c 10.5 above the pressure at rest (computed by hand)
    curve = curve_at_rest(75.3, 0.1, 0.0)
    assert float(curve.width) == pytest.approx(8.24, abs=0.005)
    assert float(curve.inflection) == pytest.approx(10.5, abs=0.05)
    assert float(volume_at(curve, 0.0)) == pytest.approx(30.0 * 75.3e-3)
    assert float(compliance_at(curve, 0.0)) == pytest.approx(0.1)


def test_pressures_across_the_lung_as_loring_measured_them_in_acute_lung_injury():
    # Loring 2010: oesophageal 18.6 at end-expiration, transpulmonary -2.8 and 8.3, n = 48: PEEPtot 15.8,
    # and, for a chest wall that takes 0.3, a plateau of 31.7. The identity is tested, the share is assumed.
    found = transpulmonary(31.66, 15.8, 0.3, pleural_reference=18.6, peep_reference=15.8)
    assert float(found.transpulmonary_expiratory) == pytest.approx(-2.8)
    assert float(found.transpulmonary_inspiratory) == pytest.approx(8.3, abs=0.01)


def test_the_pleura_moves_by_the_share_of_the_chest_wall():
    assert float(share_of_chest_wall(0.06)) == pytest.approx(0.3)
    assert float(share_of_chest_wall(0.5)) == 1.0
    assert float(mean_pleural_shift(17.0, 12.0, 0.4)) == pytest.approx(2.0)
