"""The reflexes: directions, limits, and Ursino's steady heart rates."""

from itertools import pairwise

import jax.numpy as jnp
import pytest

from caretwin.models.physiology import baroreflex


def tone(arterial=0.0, cardiopulmonary=0.0, gain=1.0, heart_rate=69.0):
    signals = baroreflex.Signals(jnp.asarray(arterial), jnp.asarray(cardiopulmonary))
    return baroreflex.tone(signals, jnp.asarray(gain), jnp.asarray(heart_rate))


def test_low_pressure_speeds_the_heart_tightens_vessels_and_moves_blood_into_stress():
    low, rest = tone(arterial=-10.0), tone()
    assert low.heart_rate > rest.heart_rate and low.resistance > rest.resistance
    assert low.contractility > rest.contractility and low.venous > rest.venous == 0.0


def test_empty_veins_tighten_vessels_and_quicken_the_heart_and_full_veins_do_not_slow_it():
    empty = tone(cardiopulmonary=-3.0)
    assert empty.resistance > 1.0 and empty.venous > 0.0 and empty.heart_rate == empty.quickening > 1.1
    assert tone(cardiopulmonary=3.0).heart_rate == 1.0


def test_without_gain_nothing_happens():
    assert all(float(v) in (0.0, 1.0) for v in tone(arterial=-20.0, cardiopulmonary=-5.0, gain=0.0))


# Ursino, Am J Physiol 1998;275:H1733, open loop, steady: 102, 90, 69, 57, 54 per min at 62, 77, 92, 107, 122 mmHg
# (computed from its equations). Another form of curve: within 6 per min.
@pytest.mark.parametrize("pressure, rate", [(62, 102), (77, 90), (92, 69), (107, 57), (122, 54)])
def test_steady_heart_rates_are_those_of_ursino(pressure, rate):
    error = baroreflex.arterial_error(jnp.asarray(pressure - 92.0), jnp.asarray(0.0))
    assert 69.0 * float(tone(arterial=error).heart_rate) == pytest.approx(rate, abs=6.0)


def test_the_reflex_saturates_sooner_above_than_below():
    up = float(baroreflex.arterial_error(jnp.asarray(40.0), jnp.asarray(0.0)))
    down = float(baroreflex.arterial_error(jnp.asarray(-40.0), jnp.asarray(0.0)))
    assert 0.0 < up < -down < baroreflex.BOUND["arterial"]


def test_lost_pulse_pressure_is_felt_and_gained_is_not():
    at = lambda pulse: float(baroreflex.arterial_error(jnp.asarray(0.0), jnp.asarray(pulse)))  # noqa: E731
    assert at(-20.0) < at(-10.0) < at(0.0) == at(10.0) == 0.0


def test_the_set_point_follows_in_part_only():
    point = jnp.asarray(90.0)
    values = [float(baroreflex.reset(point, 90.0, 60.0, minutes)) for minutes in (1.0, 15.0, 600.0)]
    assert all(high > low for high, low in pairwise(values))
    assert values[-1] == pytest.approx(90.0 - baroreflex.RESET_SHARE * 30.0, abs=1e-6)


def test_signals_follow_within_seconds():
    assert float(baroreflex.relaxation(jnp.asarray(0.0))) == 0.0
    assert float(baroreflex.relaxation(jnp.asarray(8 / 60))) == pytest.approx(0.632, abs=1e-3)
