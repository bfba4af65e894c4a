"""What is seldom needed: who needs it gets it, and nobody else changes."""

import jax
import jax.numpy as jnp
import numpy as np

from caretwin.core.seldom import seldom


def test_only_who_needs_it_is_changed_in_a_ward() -> None:
    needed = jnp.array([False, True, False])
    values = {"a": jnp.arange(6.0).reshape(3, 2), "b": jnp.array([1, 2, 3])}
    answer = jax.vmap(lambda n, tree: seldom(n, lambda t: jax.tree.map(lambda q: -q, t), tree))(needed, values)
    np.testing.assert_array_equal(answer["a"], [[0.0, 1.0], [-2.0, -3.0], [4.0, 5.0]])
    np.testing.assert_array_equal(answer["b"], [1, -2, 3])


def test_a_change_that_is_not_a_number_does_not_reach_who_does_not_need_it() -> None:
    for needed in (False, True):
        answer = jax.jit(lambda n: seldom(n, lambda x: x / 0.0, jnp.zeros(2)))(jnp.asarray(needed))
        assert np.isnan(answer).all() == needed
