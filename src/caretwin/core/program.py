"""Compiled functions that a new process can use without tracing them again.

A program is addressed by its function, the shapes, the static structure, the versions of JAX, the kind of processor and
the content of caretwin's own source files: any change makes a new one. Without a cache directory this is ``jax.jit``
and nothing else.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np

from caretwin.core.executables import Executables, sources_of
from caretwin.core.numerics import cache_directory

KNOWN = frozenset({"caretwin", "jax", "jaxlib", "equinox", "numpy", "builtins", "collections"})  # addressed by version
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class Program:
    """A function of pytrees of arrays, compiled once per structure and shapes, in this process or an earlier one.

    traces  how often the Python function was traced: a test holds it against the number of structures
    """

    def __init__(self, function: Callable[..., Any], static: tuple[int, ...] = ()) -> None:
        self.function = function
        self.static = static
        self.traces = 0
        self._known: dict[Any, Callable[..., Any]] = {}
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__

    def __call__(self, *arguments: Any) -> Any:
        """The function's value; arguments at the ``static`` places must be hashable."""
        fixed = tuple(a for i, a in enumerate(arguments) if i in self.static)
        moving = tuple(a for i, a in enumerate(arguments) if i not in self.static)
        leaves, structure = jax.tree.flatten(moving)
        leaves = [leaf if isinstance(leaf, jax.Array) else np.asarray(leaf) for leaf in leaves]
        shapes = tuple((leaf.shape, str(leaf.dtype)) for leaf in leaves)
        key = (structure, shapes, fixed)
        if key not in self._known:
            self._known[key] = self._prepare(structure, leaves, shapes, fixed)
        return self._known[key](*leaves)

    def _prepare(self, structure: Any, leaves: list[Any], shapes: Any, fixed: tuple[Any, ...]) -> Callable[..., Any]:
        flat = self._flat(structure, fixed)
        executables = _executables()
        description = f"{self.function.__module__}.{self.function.__qualname__} {structure} {shapes} {fixed}"
        description += "".join(sources_of(package) for package in sorted(_packages(self.function, structure)))
        if executables is None or _ADDRESS.search(description):
            return jax.jit(flat)  # what is only an address in memory cannot name a program in another process
        specifications = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
        return executables.find(description) or executables.keep(description, flat, specifications)

    def _flat(self, structure: Any, fixed: tuple[Any, ...]) -> Callable[..., Any]:
        def flat(*leaves: Any) -> Any:
            self.traces += 1
            moving = iter(jax.tree.unflatten(structure, leaves))
            constants = iter(fixed)
            count = len(fixed) + len(structure.children())
            return self.function(*(next(constants if i in self.static else moving) for i in range(count)))

        return flat


def program(function: Callable[..., Any] | None = None, *, static: tuple[int, ...] = ()) -> Any:
    """Decorator form of :class:`Program`; ``static`` are the places of arguments that are not arrays."""
    if function is None:
        return lambda inner: Program(inner, static)
    return Program(function, static)


def _packages(function: Callable[..., Any], structure: Any) -> set[str]:
    """Packages other than caretwin and what it is built on that a program is made of: a model of somebody else."""
    found = {function.__module__.partition(".")[0]}
    waiting = [structure]
    while waiting:
        node = waiting.pop()
        waiting += node.children()
        if (data := node.node_data()) is not None:
            found.add(data[0].__module__.partition(".")[0])
    return found - KNOWN


@contextmanager
def programs_ahead(occasion: str) -> Iterator[None]:
    """Load in the background the programs that the last process of that kind used, while this one reads its input.

    Example: ``with programs_ahead("dose vancomycin"): ...``
    """
    executables = _executables()
    if executables is None:
        yield
    else:
        with executables.ahead(occasion):
            yield


def _executables() -> Executables | None:
    directory = cache_directory()
    return None if directory is None else _of_folder(directory)


@cache
def _of_folder(directory: Path) -> Executables:
    return Executables(directory)
