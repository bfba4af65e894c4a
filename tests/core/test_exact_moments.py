"""Draws with exact moments: no correlation that is not there, and otherwise still luck."""

import jax
import numpy as np
import pytest

from caretwin.core.exact_moments import exact_moments


@pytest.mark.parametrize(("count", "dimension"), [(300, 74), (500, 74), (40, 3)])
def test_mean_and_covariance_are_exact_where_there_are_enough_draws(key, count, dimension):
    found = np.asarray(exact_moments(jax.random.normal(key, (count, dimension))))
    np.testing.assert_allclose(found.mean(0), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.cov(found.T), np.eye(dimension), atol=1e-9)


def test_the_draws_themselves_hardly_move(key):
    # A sample covariance of 4,000 draws of 5 numbers lies within a few hundredths of 1: so do the draws.
    drawn = jax.random.normal(key, (4000, 5))
    moved = np.asarray(exact_moments(drawn) - drawn)
    assert np.sqrt(np.mean(moved**2)) < 0.05


def test_of_too_few_draws_only_the_mean_is_made_exact(key):
    drawn = jax.random.normal(key, (10, 8))
    np.testing.assert_allclose(exact_moments(drawn), drawn - drawn.mean(0), atol=1e-12)
