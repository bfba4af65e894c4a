"""Elementary functions that compilers vectorise: the same numbers as the library's, and the same slopes."""

import jax
import numpy as np
import pytest

import caretwin.core  # noqa: F401  double precision
from caretwin.models.physiology.elementary import arctangent, cube_root, power

X = np.concatenate([np.linspace(-3.0, 3.0, 601), np.array([-1e6, -20.0, 20.0, 1e6])])


def test_the_arctangent_is_the_library_s_to_two_parts_in_a_hundred_million():
    np.testing.assert_allclose(arctangent(X), np.arctan(X), atol=2.1e-8)  # Abramowitz & Stegun 4.4.49: 2e-8


@pytest.mark.parametrize("x", [-2.0, -0.3, 0.0, 0.3, 2.0])
def test_the_slope_of_the_arctangent_is_right_at_rest_as_well(x):
    assert float(jax.grad(arctangent)(x)) == pytest.approx(1.0 / (1.0 + x * x), abs=1e-6)


def test_powers_and_cube_roots_are_the_library_s():
    base = np.geomspace(1e-6, 1e6, 101)
    for exponent in (-2.616, 0.15, 1.0 / 6.0, 3.88):
        np.testing.assert_allclose(power(base, exponent), base**exponent, rtol=1e-12)
    np.testing.assert_allclose(cube_root(base), np.cbrt(base), rtol=1e-13)
