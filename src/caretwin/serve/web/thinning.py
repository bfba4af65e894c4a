"""Fewer points of a long series, for a chart: the lowest and the highest of each stretch stay, with their numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int


def thinned(value: Float[np.ndarray, " n"], most: int) -> Int[np.ndarray, " m"]:
    """Places of at most ``most`` values that show what all show: the first, the last, and extremes between.

    An end (NaN) stays where it is the only thing of its stretch.

    >>> thinned(np.array([1.0, 5.0, 2.0, 0.0, 3.0, 3.0]), 10).tolist()
    [0, 1, 2, 3, 4, 5]
    """
    count = len(value)
    if count <= most:
        return np.arange(count)
    edges = np.linspace(0, count, max(1, (most - 2) // 2) + 1).astype(int)
    kept = {0, count - 1}
    for first, stop in pairwise(edges):
        part = value[first:stop]
        if np.isfinite(part).any():
            kept |= {first + int(np.nanargmin(part)), first + int(np.nanargmax(part))}
        elif len(part):
            kept.add(int(first))
    return np.array(sorted(kept))
