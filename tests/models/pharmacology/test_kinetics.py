"""What must hold for drug in a body whatever the drug: direction, balance, superposition, other mathematics."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.linalg import expm
from tests.models.pharmacology.plain import Curve, dose, plain_drug

from caretwin.core.events import Series

TWO = {"CL": 4.0, "V1": 30.0, "Q2": 6.0, "V2": 50.0}
THREE = TWO | {"Q3": 1.5, "V3": 120.0}
ORAL = {"CL": 4.0, "V1": 30.0, "KA": 0.9}
SHAPES = {
    "one compartment": ({"CL": 4.0, "V1": 30.0}, {"compartments": 1}),
    "two compartments": (TWO, {"compartments": 2}),
    "three compartments": (THREE, {"compartments": 3}),
    "one, oral": (ORAL, {"compartments": 1, "absorption": "first_order"}),
    "two, oral": (TWO | {"KA": 0.9}, {"compartments": 2, "absorption": "first_order"}),
    "three, oral": (THREE | {"KA": 0.9}, {"compartments": 3, "absorption": "first_order"}),
    "three, effect site": (THREE | {"KE0": 0.7}, {"compartments": 3, "downstream": "effect_site"}),
    "two, metabolite": (TWO | {"FM": 0.6, "CLM": 2.0, "VM": 15.0}, {"compartments": 2, "downstream": "metabolite"}),
}
TIMES = np.array([0.2, 1.0, 2.5, 4.0, 7.9, 12.0, 20.0, 26.0])


def generator(values, shape):
    """The rate matrix of all amounts: depot, compartments, downstream; and the index of the central one."""
    v = values
    n = shape["compartments"]
    depot = shape.get("absorption") == "first_order"
    size = depot + n + ("downstream" in shape)
    matrix, c = np.zeros((size, size)), int(depot)
    if depot:
        matrix[0, 0], matrix[c, 0] = -v["KA"], v["KA"]
    matrix[c, c] = -v["CL"] / v["V1"]
    for i in range(2, n + 1):
        out, back, j = v[f"Q{i}"] / v["V1"], v[f"Q{i}"] / v[f"V{i}"], c + i - 1
        matrix[c, c] -= out
        matrix[j, c] += out
        matrix[c, j] += back
        matrix[j, j] -= back
    if shape.get("downstream") == "effect_site":
        matrix[-1, c], matrix[-1, -1] = v["KE0"] / v["V1"], -v["KE0"]
    if shape.get("downstream") == "metabolite":
        matrix[-1, c], matrix[-1, -1] = v["FM"] * v["CL"] / v["V1"], -v["CLM"] / v["VM"]
    return matrix, c


def exact(matrix, start, rates, t):
    """x' = M x + r from ``start``, by the exponential of the extended matrix."""
    n = len(start)
    extended = np.zeros((n + 1, n + 1))
    extended[:n, :n], extended[:n, n] = matrix, rates
    return (expm(extended * t) @ np.append(start, 1.0))[:n]


@pytest.mark.parametrize("name", SHAPES)
def test_the_closed_form_is_the_matrix_exponential(name):
    # Two infusions that overlap and a bolus, against scipy's expm step by step.
    values, shape = SHAPES[name]
    matrix, central = generator(values, shape)
    doses = [dose(0, 300, 3), dose(2, 200, 4), dose(5, 100)]
    given = Curve(plain_drug(values, **shape), doses, TIMES)
    x, clock, place = np.zeros(len(matrix)), 0.0, 0
    inside = []
    for t in sorted({*TIMES, 2.0, 3.0, 5.0, 6.0}):
        rates = np.zeros(len(matrix))
        rates[place] = 100.0 * (clock < 3) + 50.0 * (2 <= clock < 6)
        x = exact(matrix, x, rates, t - clock)
        clock = t
        if t in TIMES:
            inside.append(x)
        if t == 5.0:
            x = x.copy()
            x[place] += 100
    assert given.levels == pytest.approx([x[central] / values["V1"] for x in inside], rel=1e-11)
    if name == "two, metabolite":
        assert given.effects == pytest.approx([x[-1] / values["VM"] for x in inside], rel=1e-11)
    if name == "three, effect site":
        assert given.end["effect_site"] == pytest.approx(inside[-1][-1], rel=1e-11)


@pytest.mark.parametrize("name", SHAPES)
def test_two_steps_equal_one(name):
    values, shape = SHAPES[name]
    drug, doses = plain_drug(values, **shape), [dose(0, 300, 3)]
    few = Curve(drug, doses, [26.0], rows=12).levels[-1]
    many = Curve(drug, doses, TIMES, rows=12).levels[-1]
    assert many == pytest.approx(few, rel=1e-12)


@pytest.mark.parametrize("name", SHAPES)
def test_everything_given_is_cleared_in_the_end(name):
    # The area under the level times the clearance is the dose.
    values, shape = SHAPES[name]
    curve = Curve(plain_drug(values, **shape), [dose(0, 300, 3), dose(8, 120)], [*TIMES[:-1], 5000.0])
    assert curve.area() * values["CL"] == pytest.approx(420, rel=1e-9)


@pytest.mark.parametrize("name", SHAPES)
def test_doses_add_up_and_scale(name):
    values, shape = SHAPES[name]
    drug = plain_drug(values, **shape)
    first, second = [dose(0, 300, 3)], [dose(4, 150)]
    both = Curve(drug, first + second, TIMES, rows=16).levels
    apart = Curve(drug, first, TIMES, rows=16).levels + Curve(drug, second, TIMES, rows=16).levels
    assert both == pytest.approx(apart, rel=1e-12)
    double = Curve(drug, [dose(0, 600, 3), dose(4, 300)], TIMES, rows=16).levels
    assert double == pytest.approx(2 * both, rel=1e-13)


@pytest.mark.parametrize("name", ["one compartment", "two compartments", "three, oral"])
def test_more_clearance_leaves_less_drug(name):
    values, shape = SHAPES[name]
    levels = [
        Curve(plain_drug(values | {"CL": cl}, **shape), [dose(0, 300, 3)], TIMES).levels[-1] for cl in (2.0, 4.0, 6.0)
    ]
    assert all(more > less for more, less in pairwise(levels))


def test_oral_one_compartment_is_the_textbook_formula():
    # Gibaldi & Perrier 1982, eq. 1.110: C = F D ka / (V (ka - k)) (exp(-k t) - exp(-ka t)).
    k, ka = ORAL["CL"] / ORAL["V1"], ORAL["KA"]
    drug = plain_drug(ORAL | {"F1": 0.8}, absorption="first_order")
    expected = 0.8 * 250 * ka / (30 * (ka - k)) * (np.exp(-k * TIMES) - np.exp(-ka * TIMES))
    assert Curve(drug, [dose(0, 250)], TIMES).levels == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("gap", [0.0, 1e-12, 1e-9, 1e-7, 1e-5, 1e-4])
def test_absorption_as_fast_as_elimination_divides_nothing_by_zero(gap):
    # At ka = k the level is D k t exp(-k t) / V; nearby it moves by about gap t / 2.
    k = 0.3
    drug = plain_drug({"CL": 9.0, "V1": 30.0, "KA": k * (1 + gap)}, absorption="first_order")
    expected = 250 * k * TIMES * np.exp(-k * TIMES) / 30
    assert Curve(drug, [dose(0, 250)], TIMES).levels == pytest.approx(expected, rel=1e-12 + 10 * gap)


def test_a_lag_moves_the_curve_and_nothing_else():
    plain = Curve(plain_drug(ORAL, absorption="first_order"), [dose(0, 250), dose(8, 250)], TIMES[1:] - 0.7).levels
    lagged = Curve(plain_drug(ORAL | {"LAG1": 0.7}, absorption="first_order"), [dose(0, 250), dose(8, 250)], TIMES[1:])
    assert lagged.levels == pytest.approx(plain, rel=1e-12)
    early = Curve(
        plain_drug(ORAL | {"LAG1": 0.7}, absorption="first_order"), [dose(0, 250), dose(8, 250)], [0.1, 0.69]
    ).levels
    assert (early == 0).all()


def test_an_estimated_duration_is_an_infusion_of_that_duration():
    values = ORAL | {"F1": 0.2, "F2": 0.8, "D2": 3.0}
    estimated = plain_drug(values, absorption="first_order")
    stated = plain_drug({n: v for n, v in values.items() if n != "D2"}, absorption="first_order")
    first = Curve(estimated, [dose(0, 100), dose(0, 100, 0, 1)], TIMES)
    second = Curve(stated, [dose(0, 100), dose(0, 100, 3.0, 1)], TIMES)
    assert first.levels == pytest.approx(second.levels, rel=1e-12)
    assert Curve(estimated, [dose(0, 100), dose(0, 100, 0, 1)], [5000]).area() * 4 == pytest.approx(100, rel=1e-9)


def test_a_lag_moves_an_infusion_too():
    # A pump's line holds the drug back by its lag: piperacillin in Roberts 2010.
    lagged = Curve(plain_drug(TWO | {"LAG1": 0.07}, compartments=2), [dose(0, 400, 8), dose(8, 400, 8)], TIMES)
    plain = Curve(plain_drug(TWO, compartments=2), [dose(0.07, 400, 8), dose(8.07, 400, 8)], TIMES)
    assert lagged.levels == pytest.approx(plain.levels, rel=1e-12)


def test_a_sample_at_the_time_of_a_dose_was_drawn_before_it():
    drug = plain_drug(TWO, compartments=2)
    with_dose = Curve(drug, [dose(0, 100), dose(4, 500)], [4.0])
    without = Curve(drug, [dose(0, 100)], [4.0])
    assert with_dose.levels == pytest.approx(without.levels, rel=1e-13)


def test_clearance_that_changes_acts_from_then_on():
    # One compartment, bolus: ln C falls by k1 until the change and by k2 after it.
    weight = '[covariates.WT]\nunit = "kg"\ndescription = "weight"\n'
    drug = plain_drug({"CL": "3 [L/h] * WT / 60 [kg]", "V1": 30.0}, covariates=weight)
    changing = Curve(drug, [dose(0, 300)], [10.0], {"WT": Series((0.0, 4.0), (60.0, 120.0))})
    assert changing.levels[-1] == pytest.approx(10 * np.exp(-0.1 * 4 - 0.2 * 6), rel=1e-12)
    backward = Curve(drug, [dose(0, 300)], [10.0], {"WT": Series((0.0, 4.0), (60.0, 120.0), "nocb")})
    assert backward.levels[-1] == pytest.approx(10 * np.exp(-0.2 * 10), rel=1e-12)
    line = Curve(drug, [dose(0, 300)], [10.0], {"WT": Series((0.0, 4.0), (60.0, 120.0), "linear")})
    assert line.levels[-1] == pytest.approx(10 * np.exp(-0.15 * 4 - 0.2 * 6), rel=1e-12)
