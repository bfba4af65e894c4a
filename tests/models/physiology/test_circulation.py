"""Venous return meets the heart."""

import jax.numpy as jnp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretwin.models.physiology import circulation


def heart(**changed):
    given = {"K": 18.0, "P50": 8.0, "venous_resistance": 2.4, "systemic_resistance": 16.0, "filling_pressure": 15.0,
             "pleural_pressure": 3.0} | changed  # fmt: skip
    return circulation.Heart(**{name: jnp.asarray(value) for name, value in given.items()})


def output(**changed):
    return float(circulation.balance(heart(**changed)).cardiac_output)


def test_filling_and_strength_raise_output_and_pleural_pressure_and_resistance_lower_it():
    rest = output()
    assert output(filling_pressure=18.0) > rest
    assert output(K=22.0) > rest
    assert output(pleural_pressure=5.0) < rest
    assert output(venous_resistance=3.0) < rest


def test_a_weak_heart_answers_less_to_filling():
    gain = lambda **h: output(filling_pressure=17.0, **h) / output(filling_pressure=15.0, **h)  # noqa: E731
    assert gain(K=6.0, P50=2.0) < gain(K=25.0, P50=8.0)


def test_without_filling_above_pleural_pressure_nothing_flows():
    assert output(filling_pressure=2.0) == 0.0


@given(K=st.floats(3, 60), P50=st.floats(1, 20), Rvr=st.floats(0.5, 6), Pms=st.floats(4, 40), Ppl=st.floats(-5, 20))
def test_return_equals_output(K, P50, Rvr, Pms, Ppl):
    flow = circulation.balance(heart(K=K, P50=P50, venous_resistance=Rvr, filling_pressure=Pms, pleural_pressure=Ppl,
                                     systemic_resistance=5.0))  # fmt: skip
    if Pms <= Ppl:
        assert float(flow.cardiac_output) == 0.0
        return
    back = (Pms - float(flow.venous_pressure)) / Rvr
    out = K * float(flow.transmural) / (P50 + float(flow.transmural))
    assert back == pytest.approx(out, rel=1e-9, abs=1e-9)
    # The limits of the left ventricle (280 mmHg) and of any heart (40 L/min) take the rest.
    assert float(flow.cardiac_output) <= out + 1e-9
    assert float(flow.cardiac_output) < circulation.HIGHEST_OUTPUT
    if out < 30.0:
        assert float(flow.cardiac_output) == pytest.approx(out, rel=0.2)


@given(st.floats(40, 130), st.floats(0, 15), st.floats(3, 15), st.floats(2, 15), st.floats(2, 10))
def test_a_reference_is_a_balance_of_its_own_constants(pressure, venous, gradient, half, flow):
    values = (pressure + 20, venous + 1, venous + 1 + gradient, 0.0, half, flow, 75.0)
    rest = circulation.Reference(*(jnp.asarray(v) for v in values))
    constants = circulation.constants(rest)
    found = circulation.balance(
        circulation.Heart(constants.K, rest.P50, constants.venous_resistance, constants.systemic_resistance,
                          rest.filling_pressure, rest.pleural_pressure)
    )  # fmt: skip
    # The limit of 280 mmHg takes less than 0.5 % at ordinary pressures.
    assert float(found.cardiac_output) == pytest.approx(flow, rel=5e-3)
    assert float(found.venous_pressure) == pytest.approx(venous + 1, rel=1e-6)
    assert float(found.arterial_pressure) == pytest.approx(pressure + 20, rel=5e-3)


def test_pulse_pressure_grows_with_stroke_volume_and_with_stiffer_arteries():
    pulse = circulation.pulse_pressure
    own = float(pulse(5.0, 62.5, 2.0, 90.0, 90.0))
    assert own == pytest.approx(40.0)
    assert float(pulse(5.0, 62.5, 2.0, 108.0, 90.0)) > own
    assert float(pulse(5.0, 80.0, 2.0, 90.0, 90.0)) < own
    assert float(pulse(20.0, 40.0, 1.0, 90.0, 90.0)) == 180.0  # never more than twice the mean


def test_the_heart_fails_when_its_own_pressure_does():
    found = [float(circulation.coronary(jnp.asarray(p), jnp.asarray(80.0))) for p in (30.0, 45.0, 60.0, 90.0)]
    assert found == sorted(found)
    assert found[0] < 0.3 and found[3] > 0.9


def test_a_heart_that_lives_at_a_low_pressure_works_at_it():
    at_45 = [float(circulation.coronary(jnp.asarray(45.0), jnp.asarray(own))) for own in (45.0, 65.0, 90.0)]
    assert at_45[0] > 0.85 > at_45[1] == at_45[2]
