"""The language of drug files computes what Python computes, and knows kilograms from litres."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretwin.models.pharmacology.dimension import NUMBER, fit, unit
from caretwin.models.pharmacology.drug_file import formulas
from caretwin.models.pharmacology.expression import ExpressionError, Name, evaluate, parse
from caretwin.models.pharmacology.loading import Term, terms

NAMES = {"x": 1.7, "WT": 70.0, "age_2": 0.3}

numbers = st.floats(0.01, 99, allow_nan=False).map(lambda v: (repr(round(v, 3)), round(v, 3)))
names = st.sampled_from(sorted(NAMES)).map(lambda n: (n, NAMES[n]))


def _joined(operator):
    def join(pair):
        (left, a), (right, b) = pair
        python = {
            "+": lambda: a + b,
            "-": lambda: a - b,
            "*": lambda: a * b,
            "/": lambda: a / b if b else math.nan,
        }
        return f"({left}) {operator} ({right})", python[operator]()

    return join


def _extended(inner):
    pairs = st.tuples(inner, inner)
    return st.one_of(
        *(pairs.map(_joined(operator)) for operator in "+-*/"),
        inner.map(lambda e: (f"-({e[0]})", -e[1])),
        inner.map(lambda e: (f"abs({e[0]})", abs(e[1]))),
        inner.map(lambda e: (f"sqrt(abs({e[0]}))", math.sqrt(abs(e[1])))),
        inner.map(lambda e: (f"exp(-abs({e[0]}))", math.exp(-abs(e[1])))),
        inner.map(lambda e: (f"log(1 + abs({e[0]}))", math.log(1 + abs(e[1])))),
        pairs.map(lambda p: (f"min({p[0][0]}, {p[1][0]})", min(p[0][1], p[1][1]))),
        pairs.map(lambda p: (f"if({p[0][0]} < {p[1][0]}, {p[0][0]}, {p[1][0]})", min(p[0][1], p[1][1]))),
        inner.map(lambda e: (f"clip({e[0]}, 1, 2)", min(max(e[1], 1), 2))),
    )


expressions = st.recursive(numbers | names, _extended, max_leaves=8)


@given(expressions)
def test_what_is_written_is_what_python_computes(pair):
    text, expected = pair
    found = float(parse(text).evaluate(NAMES))
    if math.isfinite(expected):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-300)


# Python writes ** for ^ and agrees on every precedence, so Python is the oracle here too.
@pytest.mark.parametrize(
    "text, value",
    [
        ("-2^2", -4),
        ("2^3^2", 512),
        ("2^-1", 0.5),
        ("-2^-2^2", -(2**-4)),
        ("2*-3", -6),
        ("1-2-3", -4),
        ("8/2/2", 2),
        ("8/2*3", 12),
        ("1 + 2*3^2", 19),
        ("+4", 4),
        (".5e1 + 1.", 6),
        ("if(1 < 2 and not 3 < 2 or 1 == 2, 5, 6)", 5),
        ("if(0, 1, 2)", 2),
        ("max(1, 3, 2)", 3),
        ("log10(1000)", 3),
        ("android + 1", 2),
    ],
)
def test_precedence(text, value):
    assert float(parse(text).evaluate({"android": 1.0})) == pytest.approx(value, rel=1e-15)


def test_the_same_tree_in_numpy_and_jax_over_many_patients():
    tree = parse("if(x > 2, x^0.75, 1 / (1 + exp(-x))) * clip(x, 1, 3)")
    x = np.linspace(0.1, 5, 20)
    assert np.allclose(tree.evaluate({"x": x}), tree.evaluate({"x": jnp.asarray(x)}, jnp), rtol=1e-13)


@pytest.mark.parametrize(
    "text, offset",
    [
        ("2 +", 3),
        ("a b", 2),
        ("foo(2)", 0),
        ("1 + clip(1, 2)", 4),
        ("2**3", 2),
        ("exp", 0),
        ("x = 3", 2),
        ("(1 + 2", 6),
        ("1 < 2 < 3", 6),
        ("__import__('os')", 11),
    ],
)
def test_a_fault_is_located(text, offset):
    with pytest.raises(ExpressionError) as error:
        parse(text)
    assert error.value.offset == offset
    assert error.value.fix


KINDS = {"WT": unit("kg")[1], "V": unit("L")[1], "AGE": unit("a")[1], "FLAG": NUMBER}


@pytest.mark.parametrize(
    "text, offset",
    [
        ("WT + V", 3),
        ("WT + 70", 3),
        ("1 + exp(WT)", 4),
        ("WT^0.75", 2),
        ("2^WT", 1),
        ("min(WT, V)", 0),
        ("WT < 3 [L]", 3),
        ("if(WT, 1, 2)", 0),
        ("if(FLAG, WT, V)", 0),
        ("(WT < 3 [kg]) + 1", 14),
        ("3 [furlongg]", 0),
        ("1 + HEIGHT", 4),
        ("WT and FLAG", 0),
    ],
)
def test_units_that_do_not_fit_are_refused_where_they_stand(text, offset):
    with pytest.raises(ExpressionError) as error:
        fit(parse(text), KINDS)
    assert error.value.offset == offset


@pytest.mark.parametrize(
    "text, like",
    [
        ("4.5 [L/h] * (WT / 70 [kg])^0.75", "mL/min"),
        ("0.7 [L/kg] * WT", "L"),
        ("sqrt(WT * 1 [kg])", "g"),
        ("V / 1 [h] + 3 [mL/min]", "L/h"),
        ("WT^2 / 1 [kg]", "kg"),
        ("if(AGE > 65 [a] and FLAG, WT, undefined)", "kg"),
    ],
)
def test_units_that_fit(text, like):
    assert fit(parse(text), KINDS)[1] == unit(like)[1]


def test_units_mix_without_factors_in_the_text():
    def value(text):
        return fit(parse(text), {})[0].evaluate({})

    assert value("1 [g/L] + 100 [mg/dL]") == pytest.approx(value("2 [mg/mL]"), rel=1e-14)
    assert value("1 [a]") == pytest.approx(value("365.25 [d]"), rel=1e-14)
    assert value("60 [mL/min]") == pytest.approx(value("3.6 [L/h]"), rel=1e-14)


def test_a_formula_is_its_body():
    """60-year-old man, 72 kg, creatinine 1 mg/dL: 80 mL/min by Cockcroft and Gault; a woman 15 % less."""
    kinds = {"AGE": KINDS["AGE"], "WT": KINDS["WT"], "SCR": unit("mg/dL")[1], "FEMALE": NUMBER}
    tree, kind = fit(parse("cockcroft_gault(AGE, WT, SCR, FEMALE)", formulas()), kinds)
    base = {"AGE": 60 * unit("a")[0], "WT": 72.0, "SCR": unit("mg/dL")[0], "FEMALE": np.array([0.0, 1.0])}
    assert kind == unit("mL/min")[1]
    assert np.allclose(tree.evaluate(base) / unit("mL/min")[0], [80, 68], rtol=1e-13)


A, B = np.array([1.0, 0.0]), np.array([0.0, 1.0])
MOVING = {"a": (Term(Name("typical_a", 0), A),), "b": (Term(Name("typical_b", 0), B),)}
NONNEGATIVE = {"typical_a", "typical_b", "c"}


@pytest.mark.parametrize(
    "text, rows",
    [
        ("2 * a", [A]),
        ("a * b", [A + B]),
        ("a / b", [A - B]),
        ("3 * (a / 2)^0.75", [0.75 * A]),
        ("a^(1 - 3)", [-2 * A]),
        ("exp(c) * a", [A]),
        ("c + 1", [0 * A]),
        ("c - 1", [0 * A]),
        ("a + b", [A, B]),
        ("a + b * c", [A, B]),
        ("(a + b) * c / a", [0 * A, B - A]),
        ("a * c + 2 * a", [A]),
        ("a + c", [A, 0 * A]),
        ("(a * c - 2 * a) + a", None),
        ("a + b * (c - 1)", None),
        ("a + b * z_score", None),
        ("a + b * log(c)", None),
        ("a - b", None),
        ("c / (a + b)", None),
        ("(a + b)^2", None),
        ("exp(a)", None),
        ("if(c > 1, a, b)", None),
        ("2^a", None),
        ("-a", None),
        ("a^c", None),
    ],
)
def test_sums_of_log_affine_terms_are_recognised(text, rows):
    found = terms(parse(text).tree, MOVING, 2, NONNEGATIVE)
    assert (found is None) == (rows is None)
    if rows is not None:
        assert np.array_equal([term.row for term in found], rows)


@given(st.floats(0.2, 5), st.floats(0.2, 5), st.floats(-2, 2))
def test_the_terms_are_what_the_formula_says(a, b, power):
    text = f"3 * (a / 2)^{power:.3f} / b + c * b + b / 4"
    found = terms(parse(text).tree, MOVING, 2, NONNEGATIVE)
    eta, c = np.array([0.3, -0.2]), 1.7
    value = sum(
        evaluate(term.typical, {"typical_a": a, "typical_b": b, "c": c}) * math.exp(term.row @ eta) for term in found
    )
    expected = parse(text).evaluate({"a": a * math.exp(0.3), "b": b * math.exp(-0.2), "c": c})
    assert len(found) == 2 and value == pytest.approx(expected, rel=1e-12)
