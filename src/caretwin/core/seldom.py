"""What is seldom needed, at no price while nobody needs it."""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

Tree = TypeVar("Tree")


def seldom(needed: Bool[Array, ""], change: Callable[[Tree], Tree], tree: Tree) -> Tree:
    """``change(tree)`` where ``needed``, else ``tree``; shapes and dtypes stay.

    A condition that is mapped over a ward works out both branches for everybody. This is a loop of at most one round,
    which a ward enters only when somebody needs it, and which leaves the others as they are.

    Example: ``x = seldom(~finite, lambda x: old, x)``
    """

    def waiting(carry: tuple[Array, Tree]) -> Array:
        return carry[0]

    def once(carry: tuple[Array, Tree]) -> tuple[Array, Tree]:
        return jnp.zeros_like(carry[0]), change(carry[1])

    answer: Tree = jax.lax.while_loop(waiting, once, (jnp.asarray(needed), tree))[1]
    return answer
