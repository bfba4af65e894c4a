"""Set C: patients and regimens of posologyr's own tests, whose expected values come from Monolix, NONMEM and nlmixr2.

Numbers are facts of a public test suite (levenc/posologyr, tests/testthat); every case is described in field/dosing.md.
"""

import jax
import numpy as np
import pytest

from caretwin.core.fit import find_modes
from caretwin.record.dosing import CovariateValue, DosingRecord
from caretwin.twin.dosing import bind
from caretwin.twin.population import estimate
from tests.reference.sets import area, at, curve, model, record

KEY = jax.random.key(0)


def only(name, one, **options):
    return estimate(model(name), [one], KEY, **options)[0]


VANCOMYCIN = record([(0, 1900, 1), (22.2, 1750, 1)], [(12, 14.8), (37.5, 22.5)], {"CRCL": 34, "WT": 62, "DIAL": 0})
PATIENT_4 = record([(0, 2000, 2), (24.2, 1400, 2)], [(13, 12), (48, 10.5)], {"CRCL": 65, "WT": 70, "DIAL": 0})


def test_vancomycin_goti_against_monolix():
    found = only("vancomycin.goti2018", VANCOMYCIN).parameters  # printed to three digits
    assert [found["CL"], found["V1"], found["V2"]] == pytest.approx([1.721, 59.78, 41.56], rel=1e-3)


def test_vancomycin_patient_4():
    found = only("vancomycin.goti2018", PATIENT_4).eta
    assert [found[p] for p in ("CL", "V1", "V2")] == pytest.approx([0.10796, 0.04653, 0.06866], abs=1e-5)


def test_tobramycin_with_rate_constants_against_monolix():
    one = record([(0, 500, 0.5)], [(1, 25), (14, 5.5)], {"CLCR": 80, "WT": 65})
    found = only("tobramycin_fictional", one).parameters
    assert found["CL"] / found["V1"] == pytest.approx(0.1258, abs=5e-5)
    assert found["V1"] == pytest.approx(18.21, abs=5e-3)


def test_amikacin_burdet_with_correlated_effects_against_nlmixr():
    drug = model("amikacin.burdet2015")
    names = [n for n in drug.covariates if "CL" in n]
    one = record([(0, 1600, 0.5)], [(1, 75), (6, 32)], {names[0]: 50, "WT": 62, "PF": 169})
    found = only("amikacin.burdet2015", one).parameters
    assert [found[p] for p in ("CL", "V1", "V2", "Q2")] == pytest.approx([2.62, 11.01, 14.57, 11.96], abs=5e-3)


def test_piperacillin_whose_clearance_changes_from_day_to_day():
    # Occasions begin at 0, 48, 72 and 96 h; only clearance is printed, all else stays at its typical value.
    day = lambda t: 1 + sum(t >= start for start in (47.95, 71.95, 95.95))  # noqa: E731
    doses = [(8.0 * i, 4000, 8.0) for i in range(15)]
    one = record(doses, [(47.9, 63.0), (71.9, 19.7), (95.9, 31), (120, 16)], {"WT": 92, "CRRT": 0}, day)
    drug = model("piperacillin.roberts2010")
    found = estimate(drug, [one], KEY)[0]
    clearances = [found.by_occasion[n]["CL"] for n in (1, 2, 3, 4)]
    assert clearances == pytest.approx([10.58, 24.0, 18.4, 26.3], rel=2e-3)
    assert [found.parameters[p] for p in ("V2", "Q2")] == pytest.approx([17.8, 52], rel=0.02)


def test_methotrexate_with_a_clearance_that_rose_and_an_occasion():
    one = record([(0, 11723, 3)], [(36, 10.32), (42, 6.59), (48, 4.58)], {"CLCR": 59, "BSA": 2.049}, lambda t: 1)
    one = DosingRecord(one.subject, one.doses, one.levels, (*one.covariates, CovariateValue("CLCR", 36.0, 175.0)))
    found = only("methotrexate_iov", one)
    assert found.eta["CL"] == pytest.approx(-0.78917, abs=1e-4)
    assert found.eta["V2"] == pytest.approx(0.05709, abs=2e-4)


BW = zip((0, 1.5, 4.4, 7.1, 24.6), (77, 113, 92, 132, 126), (0, 0, 1, 0, 1), strict=True)
CHANGING = tuple(v for t, w, s in BW for v in (CovariateValue("BW", t, w), CovariateValue("SEX", t, s)))


@pytest.mark.parametrize("rule, eta, tolerance", [("nocb", (0.398846, 0.076220), 2e-6), ("locf", (0.2297, None), 1e-4)])
def test_covariates_that_change_between_records(rule, eta, tolerance):
    levels = [(1.5, 107.267), (4.4, 100.995), (7.1, 54.0546), (24.6, 5.97081)]
    one = record([(0, 10000, 1)], levels)
    one = DosingRecord(one.subject, one.doses, one.levels, CHANGING)
    found = only("nocb_infusion", one, interpolation=rule).eta
    assert found["CL"] == pytest.approx(eta[0], abs=tolerance)
    if eta[1] is not None:
        assert found["V1"] == pytest.approx(eta[1], abs=tolerance)


# The regimens below use the etas that posologyr printed for patient 4, so that they test kinetics alone.
ETA = {"CL": 0.10796221, "V1": 0.04643863, "V2": 0.06859768}
COVARIATES = {"CRCL": 65, "WT": 70, "DIAL": 0}


def vancomycin(doses, times):
    return curve("vancomycin.goti2018", ETA, doses, times, COVARIATES)


def test_single_doses_for_an_area_and_for_a_level():
    times, levels, areas, _ = vancomycin([(0, 1000, 2)], [24])
    assert 1000 * 400 / area(times, areas, 0, 24) == pytest.approx(2377.758, abs=1e-3)
    assert 1000 * 11.04931 / at(times, levels, 24) == pytest.approx(2530.699, abs=2e-3)


def first_below(level, times, levels, begin):
    inside = (times >= begin - 1e-9) & (levels < level)
    return times[np.flatnonzero(inside)[0]]


def test_time_until_a_level_on_their_grid_of_a_tenth_of_an_hour():
    grid = np.round(np.arange(0, 50.05, 0.1), 1)
    times, levels, _, _ = vancomycin([(0, 1500, 2)], grid)
    assert first_below(10, times, levels, 2) == pytest.approx(11.2, abs=1e-6)
    eleven = [(24.0 * i, 1500, 2) for i in range(11)]
    times, levels, _, _ = vancomycin(eleven, 240 + grid)
    assert first_below(10, times, levels, 242) - 240 == pytest.approx(34.8, abs=1e-6)


def test_daily_doses_for_an_area_and_a_continuous_infusion_for_a_level():
    times, _, areas, _ = vancomycin([(24.0 * i, 1000, 2) for i in range(11)], [216, 240])
    assert 1000 * 400 / area(times, areas, 216, 240) == pytest.approx(1229.366, abs=1e-3)
    times, levels, _, _ = vancomycin([(24.0 * i, 1000, 24) for i in range(11)], [237.6])
    assert 1000 * (50 / 3) / at(times, levels, 237.6) == pytest.approx(1229.426, abs=0.03)  # 16.667 for 50/3


def test_interval_for_a_trough():
    def trough(interval):
        times, levels, _, _ = vancomycin([(interval * i, 2000, 2) for i in range(11)], [interval * 11])
        return float(levels[len(times) - 1]) if len(levels) == len(times) else float(at(times, levels, interval * 11))

    found = next(t for t in np.round(np.arange(30, 40, 0.1), 1) if trough(float(t)) < 10)
    assert found == pytest.approx(35.9, abs=1e-6)  # solved without the grid: 35.81


def test_one_program_serves_every_two_compartment_drug():
    # The same structure and the same shapes: the drugs' numbers are data.
    amikacin = bind(model("vancomycin.goti2018"), PATIENT_4)
    together = find_modes([amikacin.model] * 2, [amikacin.history()] * 2)
    assert together.ofv[0] == together.ofv[1]
