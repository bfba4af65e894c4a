"""Many subjects in two halves are the same subjects."""

import numpy as np
import pytest

from caretwin.core.fit.halves import WORTH_IT, in_halves


@pytest.mark.parametrize(("count", "calls"), [(1, 1), (WORTH_IT - 2, 1), (WORTH_IT, 2), (4 * WORTH_IT, 2)])
def test_halves_are_the_whole(count, calls):
    sizes = []

    def work(subjects):
        sizes.append(len(subjects["a"]))
        return subjects["a"] ** 2, {"sum": subjects["b"].sum(axis=1)}

    luck = np.random.default_rng(1)
    subjects = {"a": luck.normal(size=count), "b": luck.normal(size=(count, 3))}
    found, expected = in_halves(work, subjects), work(subjects)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1]["sum"], expected[1]["sum"])
    assert len(sizes) == calls + 1 and set(sizes[:calls]) == {count // calls}


def test_what_goes_wrong_in_a_half_is_said():
    def work(subjects):
        raise FloatingPointError("a half")

    with pytest.raises(FloatingPointError, match="a half"):
        in_halves(work, np.zeros(WORTH_IT))
