"""Luck in single precision: standard normal, and a number for every random word there is."""

import jax
import jax.numpy as jnp
import numpy as np

from caretwin.core import luck


def test_every_random_word_gives_a_finite_number() -> None:
    """The words at both ends, compiled as a ward compiles them: one in eight million is such a word."""
    ends = np.array([0, 1, 511, 512, 2**31 - 1, 2**31, 2**32 - 512, 2**32 - 1], dtype=np.uint32)
    found = np.asarray(jax.jit(luck._normal_of)(jnp.asarray(ends)))
    assert np.all(np.isfinite(found))
    assert np.all(np.diff(found) >= 0.0)
    assert found[0] < -5.0 and found[-1] > 5.0


def test_luck_in_single_precision_is_standard_normal() -> None:
    key, hours = jax.random.key(3), jnp.asarray(1.0)
    w = np.asarray(luck.process_noise(key, luck.subject_number(1), hours, 40_000, 5, jnp.float32), dtype=float)
    np.testing.assert_allclose(w.mean(axis=0), 0.0, atol=4.0 / np.sqrt(40_000))
    np.testing.assert_allclose(w.std(axis=0), 1.0, atol=4.0 / np.sqrt(80_000))
    np.testing.assert_allclose(np.corrcoef(w.T), np.eye(5), atol=4.0 / np.sqrt(40_000))  # halves of one word as well
