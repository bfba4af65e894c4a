"""Scores of other patients of the same number are not compiled again."""

import numpy as np
import pytest

from caretwin.core import score

LEVELS, DRAWS = 5, 7
CALLS = {
    "crps_ensemble": lambda luck: (luck.random((LEVELS, DRAWS)), luck.random(LEVELS)),
    "crps_normal": lambda luck: (luck.random(LEVELS), luck.random(LEVELS) + 0.1, luck.random(LEVELS)),
    "weighted_quantile": lambda luck: (luck.random((LEVELS, DRAWS)), np.array([0.05, 0.95])),
    "covered": lambda luck: (luck.random((LEVELS, DRAWS)), luck.random(LEVELS), 0.9),
    "log_score": lambda luck: (luck.random((LEVELS, DRAWS)),),
    "probability_integral_transform": lambda luck: (luck.random((LEVELS, DRAWS)), luck.random(LEVELS)),
    "prediction_error": lambda luck: (luck.random(LEVELS), luck.random(LEVELS) + 0.1),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_score_is_compiled_once_for_one_size(name):
    luck, function = np.random.default_rng(1), getattr(score, name)
    function(*CALLS[name](luck))
    first = function._cache_size()
    for _ in range(3):
        function(*CALLS[name](luck))
    assert first >= 1 and function._cache_size() == first
