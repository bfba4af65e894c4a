"""Models of one structure go through one compiled call: how they are grouped, padded and stacked."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import jax
import numpy as np

from caretwin.core.history import small_bucket

T = TypeVar("T")


def groups(models: Sequence[Any]) -> list[list[int]]:
    """Places of the models that share a structure, in the order in which each structure first appears."""
    found: dict[Any, list[int]] = {}
    for i, model in enumerate(models):
        found.setdefault(jax.tree.structure(model), []).append(i)
    return list(found.values())


def padded(items: Sequence[Any]) -> list[Any]:
    """The items, the last one repeated up to the next power of two: shapes stay few."""
    return [*items, *[items[-1]] * (small_bucket(len(items)) - len(items))]


def stacked(trees: Sequence[Any]) -> Any:
    """Trees of arrays as one tree with a leading axis, padded."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *padded(trees))


def for_each_group(work: Callable[[list[int]], T], models: Sequence[Any]) -> list[tuple[list[int], T]]:
    """``work(places)`` for every structure among the models, two at a time: loading and running programs is no Python.

    Results come in the order of :func:`groups`, whichever is ready first.
    """
    places = groups(models)
    if len(places) < 2:
        return [(own, work(own)) for own in places]
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(zip(places, pool.map(work, places), strict=True))
