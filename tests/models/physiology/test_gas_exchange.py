"""Gas exchange alone: directions, the alveolar gas equation, and how fast stores fill."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import pytest

from caretwin.models.physiology import blood_gas, gas_exchange

HEALTHY = gas_exchange.Exchange(
    0.21 * 713.0, 0.0, 4.4, 0.08, 0.1, 0.03, 5.2, 2.4, 5.3, 14.8, 0.0, 250.0, 205.0
)  # fmt: skip


def steady(**changed):
    """Blood and stores after a day at one exchange."""
    e = HEALTHY._replace(**changed)
    stores = gas_exchange.typical_stores(jnp.ones(()))
    return _day(stores, jax.tree.map(jnp.asarray, e))


@jax.jit
def _day(stores, e):
    move = lambda _, pair: gas_exchange.step(pair[0], e, 1.0)  # noqa: E731
    return jax.lax.fori_loop(0, 1440, move, gas_exchange.step(stores, e, 1.0))


def arterial_pressure(blood, haemoglobin=14.8):
    found = blood_gas.blood_from_contents(blood.arterial_oxygen, blood.arterial_carbon_dioxide, 0.0, haemoglobin)
    return float(found.oxygen_pressure)


def test_more_inspired_oxygen_never_lowers_arterial_oxygen():
    contents = [float(steady(inspired_oxygen=f * 713.0)[1].arterial_oxygen) for f in (0.15, 0.21, 0.3, 0.5, 0.8, 1.0)]
    assert all(low < high for low, high in pairwise(contents))


def test_more_alveolar_ventilation_never_raises_arterial_carbon_dioxide():
    found = [float(steady(ventilation=v)[1].arterial_carbon_dioxide) for v in (2.0, 3.0, 4.4, 6.0, 10.0)]
    assert all(high > low for high, low in pairwise(found))


def test_shunt_and_low_ventilated_lung_lower_arterial_oxygen():
    by_shunt = [float(steady(shunt=s)[1].arterial_oxygen) for s in (0.02, 0.1, 0.3, 0.5)]
    by_low = [float(steady(low_perfusion=s)[1].arterial_oxygen) for s in (0.1, 0.2, 0.4)]
    assert all(high > low for high, low in pairwise(by_shunt))
    assert all(high > low for high, low in pairwise(by_low))


def test_oxygen_corrects_low_ventilation_but_not_shunt():
    low, shunt = {"low_perfusion": 0.4, "low_ventilation": 0.1}, {"shunt": 0.4}
    pure = [arterial_pressure(steady(inspired_oxygen=713.0, **lung)[1]) for lung in (low, shunt)]
    poor = [arterial_pressure(steady(inspired_oxygen=0.3 * 713.0, **lung)[1]) for lung in (low, shunt)]
    assert pure[0] > 400.0 > 130.0 > pure[1]
    assert max(poor) < 100.0


def test_at_rest_what_goes_in_is_what_is_used():
    _, blood = steady()
    assert float(blood.oxygen_uptake) == pytest.approx(250.0, rel=1e-3)
    assert float(blood.carbon_dioxide_output) == pytest.approx(205.0, rel=1e-4)


def test_arterial_carbon_dioxide_is_production_over_ventilation():
    # PaCO2 = 0.863 VCO2 / VA holds for one compartment without shunt; with two and 3 % shunt it is a little higher.
    _, blood = steady(shunt=0.0, low_perfusion=0.05, low_ventilation=0.05)
    assert float(blood.arterial_carbon_dioxide) == pytest.approx(0.863 * 205.0 / 4.4, rel=0.01)


def test_alveolar_oxygen_follows_the_alveolar_gas_equation():
    # Fenn, Rahn & Otis: PAO2 = PIO2 - PACO2 (F + (1 - F) / R), R = 0.82.
    _, blood = steady(low_perfusion=0.05, low_ventilation=0.05)
    expected = 0.21 * 713.0 - float(blood.alveolar_carbon_dioxide) * (0.21 + 0.79 / 0.82)
    assert float(blood.alveolar_oxygen) == pytest.approx(expected, abs=1.0)


def test_tissue_without_oxygen_uses_none():
    assert float(gas_exchange.extraction(jnp.asarray(12.0))) == pytest.approx(1.0, abs=1e-3)
    assert float(gas_exchange.extraction(jnp.asarray(0.0))) == 0.0


def test_a_step_of_ten_minutes_ends_near_sixty_of_ten_seconds():
    # Backward Euler over-damps: after a change of ventilation ten minutes in one step and in sixty differ by 0.9 mmHg.
    stores, _ = steady()
    e = jax.tree.map(jnp.asarray, HEALTHY._replace(ventilation=6.6))
    once, _ = gas_exchange.step(stores, e, 10.0)
    fine = jax.lax.fori_loop(0, 60, lambda _, s: gas_exchange.step(s, e, 1 / 6)[0], stores)
    assert abs(float(once.carbon_dioxide_matched - fine.carbon_dioxide_matched)) < 1.5
    assert abs(float(once.oxygen_matched - fine.oxygen_matched)) < 2.0
