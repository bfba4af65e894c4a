"""Mechanical power: four published formulas, one breath."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretwin.models.physiology.breath import Lung, pressure_control, volume_control
from caretwin.models.physiology.mechanical_power import (
    power_from_plateau,
    power_pressure_control,
    power_volume_control,
    power_without_hold,
)


def test_more_of_anything_costs_more_energy():
    usual = (0.42, 20.0, 28.0, 12.0, 0.5, 10.0)
    base = float(power_volume_control(*usual))
    for i in (0, 1, 2, 3, 5):
        raised = [v * (1.2 if j == i else 1.0) for j, v in enumerate(usual)]
        assert float(power_volume_control(*raised)) > base


def test_the_three_forms_of_volume_control_agree_on_one_breath_and_pressure_control_costs_more():
    # The check of the three forms: VT 0.42 L, RR 20, PEEP 10, Crs 36 mL/cmH2O, R 12, I:E 1:2 -> 17.2 and 17.8 J/min.
    # The breath itself, without expiratory resistance, so that nothing is trapped: the formulas know no trapping.
    b = volume_control(Lung(0.036, 12.0, 0.1), 0.42, 20.0, 1 / 3, 10.0)
    three = (
        power_volume_control(0.42, 20.0, 1 / 0.036, 12.0, 0.5, 10.0),
        power_from_plateau(0.42, 20.0, b.peak_pressure, b.driving_pressure),
        power_without_hold(b.minute_ventilation, b.peak_pressure, 10.0, b.peak_flow),
        b.mechanical_power,
    )
    assert [round(float(p), 1) for p in three] == [17.2] * 4
    assert round(float(power_pressure_control(0.42, 20.0, 10.0, 0.42 / 0.036)), 1) == 17.8


def between(low, high):
    return st.floats(low, high, allow_nan=False)


@given(
    between(0.01, 0.15),
    between(2.0, 40.0),
    between(0.1, 1.0),
    between(8.0, 35.0),
    between(0.2, 1.5),
    between(0.0, 20.0),
)
def test_the_power_of_a_breath_is_the_published_formula_at_its_total_peep(C, R, VT, rate, ratio, peep):
    lung, fraction = Lung(C, R, R), ratio / (1 + ratio)
    b = volume_control(lung, VT, rate, fraction, peep)
    formula = power_volume_control(VT, rate, 1 / C, R, ratio, b.total_peep)
    assert float(b.mechanical_power) == pytest.approx(float(formula), rel=1e-6)
    assert float(power_from_plateau(VT, rate, b.peak_pressure, b.driving_pressure)) == pytest.approx(
        float(formula), rel=1e-6
    )
    p = pressure_control(lung, 15.0, rate, fraction, peep)
    by_formula = power_pressure_control(p.tidal_volume, rate, peep, 15.0)
    assert float(p.mechanical_power) == pytest.approx(float(by_formula), rel=1e-6)
