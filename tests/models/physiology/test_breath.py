"""One breath in closed form: what settings do to it, what is conserved, and the same breath integrated in time."""

import math
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.models.physiology.oracle_breath import integrate

from caretwin.models.physiology.breath import (
    Breath,
    Lung,
    inspiratory_fraction_of,
    one_breath,
    pressure_control,
    pressure_for_volume,
    pressure_support,
    spontaneous_inspiratory_fraction,
    volume_control,
)
from caretwin.models.physiology.mechanical_power import JOULE_PER_CMH2O_LITRE

LUNG = Lung(0.04, 12.0, 15.0)
ABSENT = float("nan")


def between(low, high):
    return st.floats(low, high, allow_nan=False)


lungs = st.builds(Lung, between(0.005, 0.2), between(0.5, 60.0), between(0.5, 60.0))
rhythms = st.tuples(between(4.0, 45.0), between(0.1, 0.8))


def rising(values):
    return all(low < high for low, high in pairwise(float(v) for v in values))


# ---- direction ----


def test_a_stiffer_lung_needs_a_higher_plateau_for_the_same_volume():
    assert rising(
        volume_control(Lung(c, 12.0, 15.0), 0.45, 20.0, 0.33, 8.0).plateau_pressure for c in (0.08, 0.05, 0.02)
    )


def test_a_narrower_airway_raises_the_peak_and_not_the_driving_pressure():
    breaths = [volume_control(Lung(0.04, r, 12.0), 0.45, 20.0, 0.33, 8.0) for r in (5.0, 12.0, 30.0)]
    assert rising(b.peak_pressure for b in breaths)
    assert len({float(b.driving_pressure) for b in breaths}) == 1


@pytest.mark.parametrize("name", ["rate", "expiratory_resistance", "compliance", "inspiratory_fraction"])
def test_gas_is_trapped_when_expiration_is_short_against_its_time_constant(name):
    usual = {"rate": 18.0, "expiratory_resistance": 18.0, "compliance": 0.05, "inspiratory_fraction": 0.33}

    def intrinsic(factor):
        s = usual | {name: usual[name] * factor}
        lung = Lung(s["compliance"], 15.0, s["expiratory_resistance"])
        return volume_control(lung, 0.5, s["rate"], s["inspiratory_fraction"], 5.0).intrinsic_peep

    assert rising(intrinsic(factor) for factor in (0.5, 1.0, 1.5, 2.0))


def test_under_pressure_control_a_stiffer_lung_gets_less_volume():
    assert rising(pressure_control(Lung(c, 12.0, 15.0), 15.0, 20.0, 0.33, 8.0).tidal_volume for c in (0.02, 0.05, 0.08))


def test_an_effort_brings_volume_under_pressure_support_and_lowers_the_airway_pressure_under_volume_control():
    assert rising(pressure_support(LUNG, 8.0, 22.0, 0.35, 5.0, e).tidal_volume for e in (0.0, 5.0, 10.0))
    means = [volume_control(LUNG, 0.4, 22.0, 0.35, 5.0, effort=e).mean_airway_pressure for e in (10.0, 5.0, 0.0)]
    assert rising(means)


def test_a_patient_who_pulls_has_a_plateau_above_the_pressure_that_the_ventilator_gives():
    active, passive = (pressure_support(Lung(0.06, 8.0, 8.0), 8.0, 18.0, 0.35, 5.0, e) for e in (10.0, 0.0))
    assert float(passive.plateau_pressure) < float(passive.peak_pressure) == 13.0
    assert float(active.plateau_pressure) > float(active.peak_pressure) == 13.0


def test_continuous_positive_pressure_moves_no_gas_without_an_effort():
    assert float(pressure_support(LUNG, 0.0, 20.0, 0.35, 8.0, 0.0).tidal_volume) == 0.0


def test_peep_is_added_to_every_pressure_and_changes_no_volume_of_a_linear_lung():
    low, high = (pressure_control(LUNG, 15.0, 20.0, 0.33, p, effort=3.0) for p in (5.0, 12.0))
    raised = {"peak_pressure", "plateau_pressure", "total_peep", "mean_airway_pressure", "mean_alveolar_pressure"}
    for name in set(Breath._fields) - {"mechanical_power"}:
        rise = float(getattr(high, name) - getattr(low, name))
        assert rise == pytest.approx(7.0 if name in raised else 0.0, abs=1e-12)


def test_a_pause_makes_the_flow_faster_and_leaves_the_plateau():
    without, with_pause = (volume_control(LUNG, 0.45, 18.0, 0.33, 8.0, pause_fraction=p) for p in (0.0, 0.3))
    assert float(with_pause.peak_flow) == pytest.approx(float(without.peak_flow) / 0.7)
    assert float(with_pause.plateau_pressure) == float(without.plateau_pressure)
    assert float(with_pause.mean_airway_pressure) > float(without.mean_airway_pressure)


# ---- identities ----


# The oracle steps through every breath until it repeats, so its lungs are those that need at most some dozens of them.
timed_lungs = st.builds(Lung, between(0.015, 0.12), between(3.0, 40.0), between(3.0, 40.0))
SLOWEST = 0.5  # expiratory time over its time constant


def settles(lung, rate, fraction):
    return (1 - fraction) * 60.0 / rate / (lung.compliance * lung.expiratory_resistance) > SLOWEST


@settings(max_examples=25)
@given(
    timed_lungs,
    rhythms,
    between(0.05, 1.0),
    between(0.0, 25.0),
    between(0.0, 0.6),
    between(0.0, 1.0),
    between(0.0, 25.0),
)
def test_volume_control_is_the_integrated_equation_of_motion_once_it_repeats(
    lung, rhythm, VT, peep, pause, end_flow, effort
):
    assume(settles(lung, *rhythm))
    ours = volume_control(lung, VT, *rhythm, peep, pause_fraction=pause, end_flow=end_flow, effort=effort)
    theirs = integrate(*lung, *rhythm, peep, flow=float(ours.peak_flow), pause=pause, end_flow=end_flow, effort=effort)
    # a grid of 4,001 points sees the end of the flow and the crest to 1/4000 of the inspiration
    resistive = float(lung.inspiratory_resistance * ours.peak_flow) * 3e-4
    same(ours, theirs, resistive)
    # exact without effort or with a square flow, otherwise documented as too low by up to 12 % of the effort
    missed = 0.12 * effort if end_flow < 1.0 else 0.0
    grid = 5e-4 * (theirs.peak_pressure + effort) + resistive
    assert -missed - grid <= float(ours.peak_pressure) - theirs.peak_pressure <= grid


@settings(max_examples=25)
@example(Lung(0.0625, 3.0, 3.0), (4.0, 0.5), 0.0, 0.0, 1.0)  # effort alone, in a lung that follows it at once
@given(timed_lungs, rhythms, between(0.0, 35.0), between(0.0, 25.0), between(0.0, 25.0))
def test_pressure_control_is_the_integrated_equation_of_motion_once_it_repeats(lung, rhythm, pressure, peep, effort):
    assume(settles(lung, *rhythm))
    ours = pressure_control(lung, pressure, *rhythm, peep, effort=effort)
    theirs = integrate(*lung, *rhythm, peep, pressure=pressure, effort=effort)
    same(ours, theirs, 0.0)
    assert float(ours.peak_pressure) == pytest.approx(theirs.peak_pressure)
    # six Newton steps towards the crest: at most 0.2 % below the maximum and never above it
    assert 0.997 * theirs.peak_flow - 1e-6 <= float(ours.peak_flow) <= theirs.peak_flow * (1 + 1e-4) + 1e-6


def same(ours, theirs, edge):
    """To 1e-5 of pressures and volumes, by integration at 1e-9 and a trapezoid rule that cuts an edge of this size."""
    for name in ("tidal_volume", "plateau_pressure", "total_peep", "mean_alveolar_pressure"):
        assert float(getattr(ours, name)) == pytest.approx(getattr(theirs, name), rel=1e-4, abs=1e-5), name
    allowed = 1e-4 * (1 + theirs.peak_pressure) + edge
    assert abs(float(ours.mean_airway_pressure) - theirs.mean_airway_pressure) < allowed
    work = float(ours.mechanical_power / (ours.rate * JOULE_PER_CMH2O_LITRE))
    assert abs(work - theirs.work) < 1e-3 * float(ours.tidal_volume) * (theirs.peak_pressure + 1.0) + 1e-6


@given(lungs, rhythms, between(0.1, 1.0), between(0.0, 20.0), between(0.0, 15.0))
def test_driving_pressure_is_the_plateau_above_total_peep_in_every_mode(lung, rhythm, VT, peep, effort):
    rate, fraction = rhythm
    for mode in range(1, 8):
        b = one_breath(
            lung,
            mode,
            tidal_volume=VT,
            pressure=15.0,
            rate=rate,
            inspiratory_fraction=fraction,
            peep=peep,
            effort=effort,
        )
        assert float(b.plateau_pressure - b.total_peep) == pytest.approx(float(b.driving_pressure), rel=1e-9, abs=1e-6)
        assert float(b.total_peep) == pytest.approx(peep + float(b.intrinsic_peep), rel=1e-9, abs=1e-9)
        assert float(b.minute_ventilation) == pytest.approx(rate * float(b.tidal_volume), rel=1e-9)


@given(lungs, rhythms, between(0.05, 1.0), between(0.0, 20.0), between(0.0, 15.0))
def test_pressure_regulated_volume_control_delivers_its_volume_unless_the_effort_already_does(
    lung, rhythm, VT, peep, effort
):
    rate, fraction = rhythm
    pressure = pressure_for_volume(lung, VT, rate, fraction, effort=effort)
    got = float(pressure_control(lung, pressure, rate, fraction, peep, effort=effort).tidal_volume)
    assert got == pytest.approx(VT, rel=1e-6) if float(pressure) > 0 else got >= VT * (1 - 1e-9)


@given(lungs, rhythms, between(0.1, 1.0), between(0.0, 20.0))
def test_the_same_breath_has_the_same_alveolar_ends_whether_volume_or_pressure_was_set(lung, rhythm, VT, peep):
    rate, fraction = rhythm
    by_volume = volume_control(lung, VT, rate, fraction, peep)
    by_pressure = pressure_control(lung, pressure_for_volume(lung, VT, rate, fraction), rate, fraction, peep)
    for name in ("tidal_volume", "plateau_pressure", "total_peep"):
        assert float(getattr(by_pressure, name)) == pytest.approx(float(getattr(by_volume, name)), rel=1e-6)
    assert float(by_pressure.mean_airway_pressure) >= float(by_volume.mean_airway_pressure) - 1e-6


def test_a_setting_that_the_mode_does_not_use_may_be_absent_and_one_that_it_uses_may_not():
    rest = {"rate": 18.0, "inspiratory_fraction": 0.33, "peep": 8.0}
    by_volume = one_breath(LUNG, 1, tidal_volume=0.45, pressure=ABSENT, **rest)
    assert by_volume == volume_control(LUNG, 0.45, 18.0, 0.33, 8.0)
    by_pressure = one_breath(LUNG, 2, tidal_volume=ABSENT, pressure=15.0, **rest)
    assert by_pressure == pressure_control(LUNG, 15.0, 18.0, 0.33, 8.0)
    assert math.isnan(one_breath(LUNG, 1, tidal_volume=ABSENT, pressure=15.0, **rest).plateau_pressure)


def test_an_absent_unused_setting_leaves_gradients_finite():
    def plateau(compliance):
        lung = Lung(compliance, 12.0, 15.0)
        return one_breath(
            lung, 1.0, tidal_volume=0.45, pressure=ABSENT, rate=18.0, inspiratory_fraction=0.33, peep=8.0
        ).plateau_pressure

    slope, step = float(jax.grad(plateau)(0.04)), 1e-6
    assert slope == pytest.approx(float(plateau(0.04 + step) - plateau(0.04 - step)) / (2 * step), rel=1e-6)


def test_a_patient_off_the_ventilator_moves_gas_by_effort_alone():
    b = one_breath(
        Lung(0.1, 2.0, 2.0),
        0,
        tidal_volume=ABSENT,
        pressure=ABSENT,
        rate=14.0,
        inspiratory_fraction=0.35,
        peep=ABSENT,
        effort=6.0,
    )
    assert 0.4 < float(b.tidal_volume) < 0.8
    assert float(b.mean_airway_pressure) == 0.0 and float(b.mechanical_power) == 0.0


# ---- extremes ----

anything = st.floats(-1e4, 1e4, allow_nan=False, width=32)


@settings(max_examples=300)
@given(st.tuples(anything, anything, anything), st.integers(-1, 10), st.tuples(*[anything] * 7))
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_no_input_however_absurd_gives_a_breath_that_is_not_a_number(dtype, lung, mode, given_settings):
    VT, pressure, rate, fraction, peep, pause, effort = (jnp.asarray(v, dtype) for v in given_settings)
    b = ONE(Lung(*(jnp.asarray(v, dtype) for v in lung)), mode, VT, pressure, rate, fraction, peep, pause, effort)
    assert all(bool(jnp.isfinite(v)) for v in b)
    assert {v.dtype for v in b} == {jnp.dtype(dtype)}


@jax.jit
def ONE(lung, mode, VT, pressure, rate, fraction, peep, pause, effort):
    return one_breath(
        lung,
        mode,
        tidal_volume=VT,
        pressure=pressure,
        rate=rate,
        inspiratory_fraction=fraction,
        peep=peep,
        pause_fraction=pause,
        effort=effort,
    )


def _many(dtype):
    luck = np.random.default_rng(20150219)

    def u(low, high):
        return jnp.asarray(luck.uniform(low, high, 4096), dtype)

    lung = Lung(u(0.01, 0.15), u(2.0, 40.0), u(2.0, 40.0))
    modes = jnp.asarray(luck.integers(0, 8, 4096))
    return lung, modes, u(0.1, 1.0), u(0.0, 35.0), u(6.0, 40.0), u(0.12, 0.7), u(0.0, 24.0), u(0.0, 0.5), u(0.0, 20.0)


def test_single_precision_makes_no_difference_at_the_bedside():
    exact, quick = (jax.vmap(ONE)(*_many(dtype)) for dtype in (jnp.float64, jnp.float32))
    for name, a, b in zip(Breath._fields, exact, quick, strict=True):
        # 24 bits of a pressure that may reach hundreds: 1e-4 of the value, far below a ventilator's 0.1 cmH2O
        assert np.allclose(a, b, rtol=1e-4, atol=1e-4), name


def test_slopes_are_finite_over_the_whole_range_of_lungs_and_settings():
    def total(*args):
        return sum(jnp.sum(v) for v in jax.vmap(ONE)(*args))

    lung, modes, *rest = _many(jnp.float32)
    slopes = jax.grad(lambda lung, *rest: total(lung, modes, *rest), argnums=tuple(range(8)))(lung, *rest)
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(slopes))


# ---- reference values ----


# Arnal 2013 (Crit Care 17:R196) and 2018 (Respir Care 63:158) measured R 12-17 and C 20-54 in normal lungs, R 17-26 and
# C 46-61 mL/cmH2O in COPD; settings of Pulse's validation scenarios, 75.3 kg. The bounds below follow from those ranges
# by hand: VT/C for the highest and the lowest C, plus PEEP; not from this model.
@pytest.mark.parametrize(
    "VT, PEEP, rate, ratio, R, C, lowest, highest",
    [
        (0.527, 5.0, 15.0, 0.6, 13.0, 0.050, 5 + 0.527 / 0.054, 5 + 0.527 / 0.020),
        (0.452, 11.0, 17.0, 0.9, 13.0, 0.040, 11 + 0.452 / 0.054, 11 + 0.452 / 0.020),
        (0.452, 11.0, 20.0, 0.9, 13.0, 0.030, 11 + 0.452 / 0.054, 11 + 0.452 / 0.020),
    ],
)
def test_plateaus_of_measured_lungs_lie_where_their_compliance_puts_them(VT, PEEP, rate, ratio, R, C, lowest, highest):
    b = volume_control(Lung(C, R, R), VT, rate, inspiratory_fraction_of(ratio), PEEP)
    assert lowest - 0.01 < float(b.plateau_pressure) < highest
    assert float(b.intrinsic_peep) < 1.5


def test_a_lung_with_copd_traps_more_than_a_normal_one_at_the_same_setting():
    normal, copd = (volume_control(Lung(C, R, R), 0.64, 14.0, 0.3, 8.0) for C, R in ((0.05, 13.0), (0.059, 21.0)))
    assert float(copd.intrinsic_peep) > 2 * float(normal.intrinsic_peep)
    # By hand: te 3.0 s, tau 1.239 s, VT/(exp(te/tau) - 1) = 0.0624 L, / 0.059 = 1.06 cmH2O
    assert float(copd.intrinsic_peep) == pytest.approx(1.06, abs=0.01)


def test_a_textbook_breath_in_numbers_that_can_be_checked_by_hand():
    # VT 0.5, RR 15, I:E 1:2, no resistance to trap: Pplat = 5 + 0.5/0.05, Ppeak = Pplat + 10 * 0.375
    b = volume_control(Lung(0.05, 10.0, 0.1), 0.5, 15.0, 1 / 3, 5.0)
    assert float(b.plateau_pressure) == pytest.approx(15.0)
    assert float(b.peak_pressure) == pytest.approx(18.75)
    # PEEP + (ti/T)(R F + VT/2C) = 5 + (3.75 + 5)/3; the alveolar mean is less by (Ri - Re) VT/T = 9.9 * 0.125
    assert float(b.mean_airway_pressure) == pytest.approx(5 + 8.75 / 3)
    assert float(b.mean_alveolar_pressure) == pytest.approx(5 + 8.75 / 3 - 9.9 * 0.125)


def test_breathing_faster_leaves_a_larger_share_for_inspiration():
    assert rising(spontaneous_inspiratory_fraction(f) for f in (8.0, 16.0, 24.0))
    assert float(spontaneous_inspiratory_fraction(60.0)) == 0.6
