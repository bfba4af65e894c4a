"""The closed form of the chi-square tail is the one of SciPy."""

import numpy as np
import pytest
from scipy.special import chdtrc

from caretwin.decide.chi_square import upper_tail


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 20, 151])
def test_the_tail_is_that_of_scipy(degrees):
    x = np.array([0.0, 1e-8, 0.3, 1.0, 3.84, 12.0, 55.0, 300.0, 2000.0])
    assert upper_tail(degrees, x) == pytest.approx(chdtrc(degrees, x), rel=1e-12, abs=1e-300)


def test_what_is_infinitely_far_is_never_exceeded():
    assert upper_tail(3, np.array([np.inf]))[0] == 0.0
