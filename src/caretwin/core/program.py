"""Compiled functions that a new process can use without tracing them again.

JAX keeps compiled machine code between processes, but not the traced program: a cold process traces again for seconds
before it finds its code. Here the traced program (StableHLO, by ``jax.export``) is kept beside it, addressed by the
function, the shapes, the static structure, the versions of JAX and the content of caretwin's own source files: any
change makes a new one.

Without a cache directory this is ``jax.jit`` and nothing else.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.export
import numpy as np

from caretwin.core.numerics import cache_directory

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
        flat = jax.jit(self._flat(structure, fixed))
        directory = cache_directory()
        description = f"{self.function.__module__}.{self.function.__qualname__} {structure} {shapes} {fixed}"
        if directory is None or _ADDRESS.search(description):
            return flat  # what is only an address in memory cannot name a program in another process
        path = directory / "programs" / hashlib.sha256(f"{_versions()} {description}".encode()).hexdigest()
        exported = _read(path)
        if exported is None:
            specifications = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
            exported = jax.export.export(flat)(*specifications)
            _write(path, exported)
        return jax.jit(exported.call)

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


def keeps(*classes: type) -> None:
    """Lets programs return these NamedTuples: their names are written with the program."""
    for one in classes:
        name = f"{one.__module__}.{one.__qualname__}"
        jax.export.register_namedtuple_serialization(one, serialized_name=name)


@cache
def _versions() -> str:
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    sources = [path for folder in ("base", "core", "models", "decide") for path in (root / folder).rglob("*.py")]
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return f"{jax.__version__} {version('jaxlib')} {jax.default_backend()} {digest.hexdigest()}"


def _read(path: Path) -> Any:
    try:
        return jax.export.deserialize(bytearray(path.read_bytes()))
    except (OSError, ValueError, KeyError):
        return None  # absent, or written by a version that serialises otherwise: it is made anew


def _write(path: Path, exported: Any) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{hashlib.sha256(str(id(exported)).encode()).hexdigest()[:8]}")
        partial.write_bytes(bytes(exported.serialize()))
        partial.replace(path)
    except OSError:
        return  # a cache that cannot be written costs time, never an answer
