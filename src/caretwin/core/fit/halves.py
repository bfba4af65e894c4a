"""Many subjects in two halves at a time: a program uses one core for much of its work, and machines have more."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

WORTH_IT = 256  # subjects; with fewer the second program would cost more than it saves


def in_halves(work: Callable[..., Any], subjects: Any) -> Any:
    """``work(subjects)`` for a pytree of leaves [S, ...]; the results, leaves [S, ...], are the same either way."""
    count = len(jax.tree.leaves(subjects)[0])
    if count < WORTH_IT or count % 2:
        return work(subjects)
    parts = [jax.tree.map(lambda leaf, i=i: np.asarray(leaf)[i], subjects) for i in np.arange(count).reshape(2, -1)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda part: jax.tree.map(np.asarray, work(part)), parts))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)
