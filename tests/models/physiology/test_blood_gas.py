"""Blood-gas algebra: three published oxygen curves, CO2 content of measured bloods, acid-base and its inverses."""

import csv

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.paths import shared

from caretwin.models.physiology import blood_gas

CURVES = {
    "Severinghaus1979_eq1": blood_gas.saturation,
    "Kelman1966": blood_gas.saturation_kelman,
    "SiggaardAndersen1984": blood_gas.saturation_siggaard_andersen,
}


_ph_at = jax.jit(blood_gas.ph_at)


def table(name):
    with shared("reference", "physiology", "bloodgas", name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("column", CURVES)
def test_the_published_oxygen_curves_are_met(column):
    rows = table("odc_three_models.csv")  # 25 pressures, printed with four digits: hence 1e-4
    pressure = np.array([float(r["PO2_torr"]) for r in rows])
    wanted = np.array([float(r[column]) for r in rows])
    assert float(jnp.max(jnp.abs(CURVES[column](pressure) - wanted))) < 1e-4


def test_carbon_dioxide_content_errs_on_measured_bloods_as_douglas_does():
    rows = table("douglas1988_table3_loeppky1983.csv")
    get = lambda key: np.array([float(r[key]) for r in rows])  # noqa: E731
    found = blood_gas.carbon_dioxide_content(get("pco2_torr"), get("ph"), get("so2") / 100, get("hb_g_100ml"))
    error = np.asarray(found) - get("blood_c_co2_ml_100ml")
    # Computed before from the formula by others: bias -0.04, root mean square 1.13, worst 2.53 mL/dL.
    assert error.mean() == pytest.approx(-0.04, abs=0.01)
    assert np.sqrt(np.mean(error**2)) == pytest.approx(1.13, abs=0.01)
    assert np.abs(error).max() == pytest.approx(2.53, abs=0.01)


def test_acid_warm_and_hypercapnic_blood_gives_up_oxygen():
    assert blood_gas.saturation(40.0, 7.2) < blood_gas.saturation(40.0, 7.4) < blood_gas.saturation(40.0, 7.6)
    assert blood_gas.saturation(40.0, 7.4, 39.0) < blood_gas.saturation(40.0, 7.4, 37.0)
    assert blood_gas.saturation_kelman(40.0, pco2=60.0) < blood_gas.saturation_kelman(40.0, pco2=40.0)


def test_desaturated_blood_carries_more_carbon_dioxide():
    assert blood_gas.carbon_dioxide_content(45.0, 7.38, 0.6, 15.0) > blood_gas.carbon_dioxide_content(
        45.0, 7.38, 0.98, 15.0
    )


@pytest.mark.parametrize(
    "pco2, ph, haemoglobin, saturation, excess",
    [(40.0, 7.4, 15.0, 0.975, -0.07), (40.0, 7.2, 15.0, 0.97, -12.5), (60.0, 7.25, 10.0, 0.95, -2.1)],
)
def test_base_excess_by_lang_and_zander(pco2, ph, haemoglobin, saturation, excess):
    # The third row's PCO2 of 60 follows from its base excess; the figures are printed with one or two digits.
    assert float(blood_gas.base_excess(pco2, ph, haemoglobin, saturation)) == pytest.approx(excess, abs=0.06)


@given(pco2=st.floats(10, 150), ph=st.floats(6.8, 7.7), haemoglobin=st.floats(3, 20), saturation=st.floats(0.2, 1.0))
def test_ph_is_the_inverse_of_base_excess(pco2, ph, haemoglobin, saturation):
    excess = blood_gas.base_excess(pco2, ph, haemoglobin, saturation)
    assert float(_ph_at(pco2, excess, haemoglobin, saturation)) == pytest.approx(ph, abs=1e-6)


@jax.jit
def _there_and_back(po2, pco2, excess, haemoglobin):
    """The sample found from its contents, and the saturation it had."""

    def mutual(_, S):  # saturation and pH of this blood, each from the other
        return blood_gas.saturation(po2, blood_gas.ph_at(pco2, excess, haemoglobin, S))

    S = jax.lax.fori_loop(0, 60, mutual, jnp.asarray(0.9))
    content = blood_gas.oxygen_content(po2, S, haemoglobin)
    return blood_gas.blood_from_contents(content, pco2, excess, haemoglobin), S


@given(po2=st.floats(15, 600), pco2=st.floats(15, 100), excess=st.floats(-15, 15), haemoglobin=st.floats(4, 18))
def test_contents_give_back_the_pressures_they_came_from(po2, pco2, excess, haemoglobin):
    found, S = _there_and_back(po2, pco2, excess, haemoglobin)
    # The inverse takes the saturation for the pH from content without what is dissolved: 2 % at worst on the flat part.
    assert float(found.oxygen_pressure) == pytest.approx(po2, rel=0.02)
    assert float(found.saturation) == pytest.approx(float(S), abs=2e-3)
