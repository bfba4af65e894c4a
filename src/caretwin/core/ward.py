"""Many subjects at once, each with the numbers that it would have had alone."""

from collections.abc import Callable
from typing import Any

import jax


def over_subjects(function: Callable[..., Any], *stacked: Any, together: int | None = None) -> Any:
    """``function`` of each subject's arguments, stacked again: a pytree with leaves [S, ...].

    function  of one subject's arguments, traceable
    stacked   pytrees with leaves [S, ...]
    together  how many subjects share one vectorised step. None: one after another, each by the very program that
              serves a single subject, so that one more subject changes no other's numbers by a single bit. A number
              (or ``jax.vmap``) is faster on a GPU, and then a neighbour may move the last digit: compilers order the
              operations of a batch as they see fit.

    Example: ``over_subjects(lambda h, s: replay(twin, key, h, s), histories, subjects)``.
    """
    return jax.lax.map(lambda arguments: function(*arguments), stacked, batch_size=together)
