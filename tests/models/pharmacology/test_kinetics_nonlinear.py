"""Kinetics and responses without a closed form, against scipy's own solver and against published check values."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from tests.models.pharmacology.plain import Curve, dose, plain_drug

from caretwin.models.pharmacology.drug_file import load_shipped

TIMES = np.array([0.5, 1.0, 3.0, 6.0, 12.0, 24.0])
PHENYTOIN = {"VMAX": 13.5, "KM": 2.4, "V1": 36.0}  # mg/h, mg/L, L


def solved(field, start, times):
    found = solve_ivp(field, (0, times[-1]), start, method="LSODA", t_eval=times, rtol=1e-11, atol=1e-13)
    return found.y


def test_saturable_elimination_is_what_scipy_finds():
    curve = Curve(plain_drug(PHENYTOIN, elimination="michaelis_menten"), [dose(0, 900)], TIMES)
    expected = solved(lambda t, a: [-13.5 * a[0] / 36 / (2.4 + a[0] / 36)], [900.0], TIMES)[0] / 36
    assert curve.levels == pytest.approx(expected, rel=1e-7)


def test_mixed_elimination_with_absorption_is_what_scipy_finds():
    values = PHENYTOIN | {"CL": 0.4, "KA": 1.5}
    curve = Curve(plain_drug(values, elimination="mixed", absorption="first_order"), [dose(0, 900)], TIMES)

    def field(t, a):
        c = a[1] / 36
        return [-1.5 * a[0], 1.5 * a[0] - 0.4 * c - 13.5 * c / (2.4 + c)]

    assert curve.levels == pytest.approx(solved(field, [900.0, 0.0], TIMES)[1] / 36, rel=1e-7)


def test_a_little_more_phenytoin_is_a_lot_more_level():
    # At steady state F R = Vmax C / (Km + C): equal steps of the dose rate give growing steps of the level.
    drug = plain_drug(PHENYTOIN, elimination="michaelis_menten")
    levels = [Curve(drug, [dose(0, rate * 9000, 9000)], [9000]).levels[-1] for rate in (8.0, 10.0, 12.0)]
    assert levels == pytest.approx([2.4 * r / (13.5 - r) for r in (8, 10, 12)], rel=1e-4)
    steps = [b - a for a, b in pairwise(levels)]
    assert steps[1] > 2 * steps[0]


def test_the_area_of_a_saturable_drug_is_the_integral_of_its_level():
    curve = Curve(plain_drug(PHENYTOIN, elimination="michaelis_menten"), [dose(0, 900)], [24.0])

    def field(t, x):
        return [-13.5 * x[0] / 36 / (2.4 + x[0] / 36), x[0] / 36]

    assert curve.area(0, 24) == pytest.approx(solved(field, [900.0, 0.0], [24.0])[1][0], rel=1e-7)


def test_turnover_response_is_what_scipy_finds_and_returns_to_its_baseline():
    values = {"CL": 2.0, "V1": 20.0, "R0": 100.0, "KOUT": 0.3, "EMAX": 0.9, "EC50": 1.5, "HILL": 1.2}
    drug = plain_drug(values, response="turnover")
    curve = Curve(drug, [dose(0, 100)], TIMES)

    def field(t, x):
        c = 5 * np.exp(-0.1 * t)
        return [0.3 * (100 * (1 - 0.9 * c**1.2 / (1.5**1.2 + c**1.2)) - x[0])]

    assert curve.effects == pytest.approx(solved(field, [100.0], TIMES)[0], rel=1e-7)
    assert Curve(drug, [dose(0, 100)], [1000.0]).effects[-1] == pytest.approx(100, rel=1e-6)


PEOPLE = [
    {"CL": 0.13, "V1": 8.0, "KA": 0.9, "KOUT": 0.055, "EC50": 1.0, "HILL": 1.0},
    {"CL": 0.5, "V1": 5.0, "KA": 7.0, "KOUT": 0.3, "EC50": 0.2, "HILL": 2.5},
    {"CL": 0.02, "V1": 12.0, "KA": 0.1, "KOUT": 0.02, "EC50": 4.0, "HILL": 0.6},
]
DOSES = [(0.0, 100.0), (24.0, 40.0), (30.0, 60.0)]
LATER = np.array([1.0, 24.0, 27.0, 96.0, 240.0])


def absorbed(person):
    """Level (mg/L) at any time after DOSES, from the textbook formula of one dose."""
    ka, k = person["KA"], person["CL"] / person["V1"]

    def level(t):
        ages = [(amount, t - start) for start, amount in DOSES if t > start]
        return sum(amount / person["V1"] * ka / (ka - k) * (np.exp(-k * a) - np.exp(-ka * a)) for amount, a in ages)

    return level


def pieces(field, start):
    """Solved from dose to dose, so that no solver steps over one."""
    found, state, before = [], start, 0.0
    for end in sorted({*LATER, *(t for t, _ in DOSES if t > 0)}):
        run = solve_ivp(field, (before, end), state, method="LSODA", rtol=1e-11, atol=1e-13)
        state, before = run.y[:, -1], end
        if end in LATER:
            found.append(state.copy())
    return np.array(found)


@pytest.mark.parametrize("person", PEOPLE, ids=["usual", "fast", "slow"])
def test_a_response_to_absorbed_doses_is_what_scipy_finds(person):
    values = person | {"R0": 100.0, "EMAX": 0.97}
    drug = plain_drug(values, absorption="first_order", response="turnover")
    level = absorbed(person)

    def field(t, x):
        s = 0.97 / (1 + (person["EC50"] / max(level(t), 1e-12)) ** person["HILL"])
        return [person["KOUT"] * (100 * (1 - s) - x[0])]

    expected = pieces(field, [100.0])[:, 0]
    found = Curve(drug, [dose(t, amount) for t, amount in DOSES], LATER).effects
    assert found == pytest.approx(expected, abs=2e-5)  # of 100; the rows are up to 24 h apart


@pytest.mark.parametrize("rate", [1.0, 3.0, 10.0, 30.0])
def test_a_fast_response_over_a_day_without_a_record_is_what_scipy_finds(rate):
    person = {"CL": 0.15, "V1": 10.0, "KA": 1.0, "KOUT": rate, "EC50": 1.5, "HILL": 1.0}
    drug = plain_drug(person | {"R0": 100.0, "EMAX": 1.0}, absorption="first_order", response="turnover")
    level = absorbed(person)

    def field(t, x):
        return [rate * (100 * (1 - level(t) / (1.5 + level(t))) - x[0])]

    found = Curve(drug, [dose(t, amount) for t, amount in DOSES], LATER).effects
    assert found == pytest.approx(pieces(field, [100.0])[:, 0], abs=1e-4)


@pytest.mark.parametrize("person", PEOPLE, ids=["usual", "fast", "slow"])
def test_coagulation_after_absorbed_doses_is_what_scipy_finds(person):
    values = {k: v for k, v in person.items() if k != "KOUT"}
    values |= {"BASE": 1.1, "INRMAX": 20.0, "MTT_FAST": 28.6, "MTT_SLOW": 118.3}
    drug = plain_drug(values, absorption="first_order", response="coagulation")
    level = absorbed(person)

    def field(t, x):
        s = 1 / (1 + (person["EC50"] / max(level(t), 1e-12)) ** person["HILL"])
        slopes = []
        for chain, mean_time in ((x[:3], 28.6), (x[3:], 118.3)):
            before = np.array([1 - s, *chain[:2]])
            slopes += list(3 / mean_time * (before - chain))
        return slopes

    end = pieces(field, [1.0] * 6)
    expected = 1.1 + 20.0 * (1 - 0.5 * (end[:, 2] + end[:, 5]))
    found = Curve(drug, [dose(t, amount) for t, amount in DOSES], LATER).effects
    assert found == pytest.approx(expected, abs=5e-6)


# field/dosing.md 2.7: INR 24 h after dose 7, 14 and 40, recomputed there with other code; printed to three decimals.
INR = [
    ("3 mg AA", 3.0, {"VKORC1_A": 2}, (2.300, 2.546, 2.562)),
    ("3 mg GG", 3.0, {"VKORC1_A": 0}, (1.326, 1.369, 1.372)),
    ("5 mg GG", 5.0, {"VKORC1_A": 0}, (1.525, 1.609, 1.615)),
    ("1.5 mg *1/*3 AA", 1.5, {"VKORC1_A": 2, "CYP2C9_3": 1}, (1.883, 2.166, 2.206)),
    ("3 mg AA amiodarone", 3.0, {"VKORC1_A": 2, "AMIODARONE": 1}, (4.705, 5.405, 5.449)),
]


@pytest.mark.parametrize("case", INR, ids=lambda case: case[0])
def test_warfarin_inr(case):
    _, amount, genes, expected = case
    person = {"CYP2C9_2": 0, "CYP2C9_3": 0, "AMIODARONE": 0, "AGE": 71, "WT": 60, "INR_BASE": 1.13} | genes
    drug = load_shipped()["warfarin.xia2024"]
    curve = Curve(drug, [dose(24.0 * i, amount) for i in range(40)], [168.0, 336.0, 960.0], person)
    assert curve.effects == pytest.approx(expected, abs=6e-4)


def test_norepinephrine_starts_in_its_own_steady_state():
    # field/dosing.md 2.5: endogenous 237 ng/L; 0.1 ug/kg/min at 70 kg adds 3,333 ng/L; no false dip at the start.
    drug = load_shipped()["norepinephrine.li2024"]
    factor = drug.channels["level"].factor
    per_ng = 1 / 1e3 if drug.dose.unit == "ug" else 1.0
    person = {name: 0.0 for name in drug.covariate_names} | {"WT": 70, "AGE": 35}
    times = [0.05, 0.5, 2.0, 8.0]
    rest = Curve(drug, [], times, person).levels * factor
    assert rest == pytest.approx(237, abs=0.5)
    infused = Curve(drug, [dose(0, 0.1 * 70 * 60 * 1e3 * per_ng * 24, 24)], [23.9], person).levels * factor
    assert infused[-1] - rest[0] == pytest.approx(3333, rel=2e-3)
    with_propofol = (
        Curve(drug, [], [8.0], person | {n: 3.53 for n in drug.covariate_names if "PROP" in n}).levels * factor
    )
    assert with_propofol[-1] > rest[-1]


def test_the_bis_falls_with_propofol_and_slope_changes_at_ec50():
    values = {
        "CL": 100.0,
        "V1": 6.0,
        "KE0": 9.0,
        "E0": 93.0,
        "EMAX": 0.0,
        "EC50": 3.0,
        "HILL_LOW": 1.9,
        "HILL_HIGH": 1.5,
    }
    drug = plain_drug(values, downstream="effect_site", response="sigmoid")
    effects = [Curve(drug, [dose(0, 100.0 * c * 40, 40)], [40.0]).effects[-1] for c in (1.0, 3.0, 6.0)]
    assert effects == pytest.approx([93 / (1 + (c / 3) ** g) for c, g in ((1, 1.9), (3, 1.7), (6, 1.5))], rel=1e-6)
