"""Machine code that outlives the process: executables in files, found again without tracing or compiling anything.

JAX's own cache finds machine code only after the function was traced and lowered, which costs a cold process seconds.
Here an address (what was called, with which shapes, in which version of the sources) leads to the executable at once:

    addresses/ADDRESS     which executable, and the structure of its results
    executables/DIGEST    the machine code, named by the program it was compiled from: sources that changed without
                          changing the program find it again
    occasions/NAME        which executables the last process of that kind used, so that the next one can load them
                          while it is still reading its input

What names source lines is taken out before compiling: a new process need not read it. These files are machine code:
a cache folder that others can write to is a folder that others can run programs from.
"""

import hashlib
import os
import pickle
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
from jax._src.config import persistent_cache_min_compile_time_secs  # there is no public way to say it for one program
from jax.experimental.serialize_executable import deserialize_and_load, serialize
from jaxlib.mlir.passmanager import PassManager

MOST_BYTES = 1 << 30  # of machine code that is kept; the longest unused goes first
NEVER = 1e9  # s
CHECKSUM = hashlib.sha256().digest_size  # bytes at the beginning of a file

Call = Callable[..., Any]


class Executables:
    """The executables of one cache folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ahead: dict[str, Future[Call]] = {}
        self._used: dict[str, None] = {}

    def find(self, description: str) -> Call | None:
        """The function of that description, of flat arrays, if an earlier process kept it."""
        try:
            name, results = _read(self._address(description))
            waiting = self._ahead.pop(name, None)
            begun = waiting is not None and not waiting.cancel()
            call = waiting.result() if waiting is not None and begun else self._load(name)
        except Exception:
            return None  # absent, damaged, or of another version: whatever it is, it is made anew
        self._used[name] = None
        return lambda *leaves: jax.tree.unflatten(results, call(*leaves))

    def keep(
        self, description: str, function: Call, arguments: Sequence[jax.ShapeDtypeStruct], lent: tuple[int, ...] = ()
    ) -> Call:
        """Compile a function of flat arrays, and write what was compiled for the next process.

        lent  places of arrays whose memory the answer may use
        """
        # JAX's own cache may hold the same function: an executable that it loads cannot be written again. Under this
        # name it has none, and gets none.
        function.__name__ = "kept"
        lowered = jax.jit(function, donate_argnums=lent).lower(*arguments)
        module: Any = lowered.compiler_ir("stablehlo")
        with module.context:
            PassManager.parse("builtin.module(strip-debuginfo)").run(module.operation)
        text = str(module)
        name = _digest(_machine(), text)
        try:
            compiled = self._load(name)
        except Exception:  # as above
            with persistent_cache_min_compile_time_secs(NEVER):
                fresh = lowered.compile()
            code, inputs, results = serialize(fresh)
            kept = (code, inputs.num_leaves, results.num_leaves, "@lapack_" in text)
            _write(self.directory / "executables" / name, kept)
            _prune(self.directory / "executables")
            compiled = lambda *leaves: tuple(jax.tree.leaves(fresh(*leaves)))  # noqa: E731
        _write(self._address(description), (name, lowered.out_tree))
        self._used[name] = None
        return lambda *leaves: jax.tree.unflatten(lowered.out_tree, compiled(*leaves))

    @contextmanager
    def ahead(self, occasion: str) -> Iterator[None]:
        """Load in the background what the last process of that kind used; at the end, note what this one used."""
        note = self.directory / "occasions" / _digest(_versions(), occasion)
        try:
            expected = note.read_text("ascii").split()
        except (OSError, ValueError):
            expected = []
        with ThreadPoolExecutor(1) as pool:
            self._ahead = {name: pool.submit(self._load, name) for name in expected}
            try:
                yield
            finally:  # also when the command ends with another status, as one that gives no advice does
                pool.shutdown(cancel_futures=True)
                if self._used and list(self._used) != expected:
                    _write_bytes(note, "\n".join(self._used).encode())

    def _address(self, description: str) -> Path:
        return self.directory / "addresses" / _digest(_versions(), description)

    def _load(self, name: str) -> Call:
        path = self.directory / "executables" / name
        code, arguments, results, calls_lapack = _read(path)
        os.utime(path)  # so that what is used is not the oldest
        if calls_lapack:
            _find_lapack()
        given = jax.tree.structure((tuple(range(arguments)), {}))
        found: Call = deserialize_and_load(code, given, jax.tree.structure(tuple(range(results))))
        return found


@cache
def _find_lapack() -> None:
    """JAX looks for LAPACK when it lowers the first function that calls it; code that calls it before that crashes."""
    jax.jit(jax.lax.linalg.cholesky).lower(jax.ShapeDtypeStruct((1, 1), float))


WITH_PROGRAMS = ("base", "core", "models", "twin", "decide", "review")
"""Folders of caretwin from which programs are made: a change in one of them makes every program another one."""


@cache
def _versions() -> str:
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(path for folder in WITH_PROGRAMS for path in (root / folder).rglob("*.py")):
        digest.update(path.read_bytes())
    return f"{_machine()} {version('numpy')} {version('equinox')} {digest.hexdigest()}"


@cache
def sources_of(package: str) -> str:
    """Digest of the sources of a package that is not ours, so that a changed model of a plug-in is another program."""
    module = sys.modules.get(package)
    folders = [Path(p) for p in getattr(module, "__path__", ())]
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    if not folders and (file := getattr(module, "__file__", None)):
        files = [Path(file)]
    digest = hashlib.sha256(package.encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def _machine() -> str:
    """Versions of the compiler and the kind of processor: code for one may not run on another."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        features = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        features = platform.processor()
    return f"{jax.__version__} {version('jaxlib')} {jax.devices()[0].device_kind} {platform.machine()} {features}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read(path: Path) -> Any:
    """What was written there; raises ValueError when the file is not the one that was written under this name.

    Damaged machine code would give wrong numbers, or end the process, without any other sign.
    """
    content = path.read_bytes()
    if content[:CHECKSUM] != _checksum(path, content[CHECKSUM:]):
        raise ValueError(f"{path.name} is damaged")
    return pickle.loads(content[CHECKSUM:])


def _write(path: Path, content: Any) -> None:
    packed = pickle.dumps(content)
    _write_bytes(path, _checksum(path, packed) + packed)


def _checksum(path: Path, packed: bytes) -> bytes:
    return hashlib.sha256(path.name.encode() + packed).digest()


def _write_bytes(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}-{id(content):x}")
        partial.write_bytes(content)
        partial.replace(path)
    except OSError:
        return  # a cache that cannot be written costs time, never an answer


def _prune(folder: Path) -> None:
    try:
        known = sorted((entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in os.scandir(folder))
        excess = sum(size for _, size, _ in known) - MOST_BYTES
        for _, size, path in known:
            if excess <= 0:
                return
            Path(path).unlink(missing_ok=True)
            excess -= size
    except OSError:
        return
