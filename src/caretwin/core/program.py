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
from threading import RLock
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

    def __init__(
        self, function: Callable[..., Any], static: tuple[int, ...] = (), used_up: tuple[int, ...] = ()
    ) -> None:
        self.function = function
        self.static = static
        self.used_up = used_up
        self.traces = 0
        self._known: dict[Any, Callable[..., Any]] = {}
        self._first = RLock()
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__

    def __call__(self, *arguments: Any) -> Any:
        """The function's value; arguments at the ``static`` places must be hashable, those at the ``used_up`` places
        lend their memory to the answer and are no longer.
        """
        fixed = tuple(a for i, a in enumerate(arguments) if i in self.static)
        moving = tuple(a for i, a in enumerate(arguments) if i not in self.static)
        leaves, structure = jax.tree.flatten(moving)
        leaves = [leaf if isinstance(leaf, jax.Array) else np.asarray(leaf) for leaf in leaves]
        shapes = tuple((leaf.shape, str(leaf.dtype)) for leaf in leaves)
        key = (structure, shapes, fixed)
        if key not in self._known:
            with self._first:  # threads that ask for the same program wait for the one that compiles it
                if key not in self._known:
                    prepared = self._prepare(structure, leaves, shapes, fixed)
                    answer = prepared(*leaves)
                    self._known[key] = prepared
                    return answer
        return self._known[key](*leaves)

    def forget(self) -> None:
        """Drop what was compiled in this process: the next call loads it from the cache, or compiles it again."""
        self._known.clear()

    def _prepare(self, structure: Any, leaves: list[Any], shapes: Any, fixed: tuple[Any, ...]) -> Callable[..., Any]:
        flat = self._flat(structure, fixed)
        lent = self._lent(structure)
        executables = _executables()
        description = f"{self.function.__module__}.{self.function.__qualname__} {structure} {shapes} {fixed} {lent}"
        description += "".join(sources_of(package) for package in sorted(_packages(self.function, structure)))
        if executables is None or _ADDRESS.search(description):
            # What is only an address in memory cannot name a program in another process.
            return jax.jit(flat, donate_argnums=lent)
        specifications = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
        return executables.find(description) or executables.keep(description, flat, specifications, lent)

    def _lent(self, structure: Any) -> tuple[int, ...]:
        """The places among the leaves whose memory the answer may use."""
        moving = (i for i in range(len(self.static) + len(structure.children())) if i not in self.static)
        lent: list[int] = []
        first = 0
        for place, child in zip(moving, structure.children(), strict=False):
            lent += range(first, first + child.num_leaves) if place in self.used_up else []
            first += child.num_leaves
        return tuple(lent)

    def _flat(self, structure: Any, fixed: tuple[Any, ...]) -> Callable[..., Any]:
        def flat(*leaves: Any) -> Any:
            self.traces += 1
            moving = iter(jax.tree.unflatten(structure, leaves))
            constants = iter(fixed)
            count = len(fixed) + len(structure.children())
            return self.function(*(next(constants if i in self.static else moving) for i in range(count)))

        return flat


def program(
    function: Callable[..., Any] | None = None, *, static: tuple[int, ...] = (), used_up: tuple[int, ...] = ()
) -> Any:
    """Decorator form of :class:`Program`; ``static`` are the places of arguments that are not arrays, ``used_up`` of
    those that nobody needs afterwards.
    """
    if function is None:
        return lambda inner: Program(inner, static, used_up)
    return Program(function, static, used_up)


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
