"""What every test may rely on: kept compilations, no display, reproducible examples, a key."""

import gc
import os
from pathlib import Path

from tests.paths import NO_DATA, ROOT, shared_root

os.environ.setdefault("CARETWIN_CACHE_DIR", str(ROOT / ".cache" / "caretwin"))
os.environ.setdefault("MPLCONFIGDIR", str(ROOT / ".cache" / "matplotlib"))
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import hypothesis
import pytest

import caretwin.core  # noqa: F401  double precision before any array is made
from caretwin.core.program import Program

MOST_MAPPED = 25_000
"""Pieces of memory that a process of tests may hold before it drops what it compiled: each program maps some hundred,
and beyond the limit of the system (65,530 on Linux) the next compilation ends the process."""

# The same examples every time, and no deadline: a first call compiles for seconds.
hypothesis.settings.register_profile("caretwin", derandomize=True, deadline=None, database=None, max_examples=50)
hypothesis.settings.load_profile("caretwin")


@pytest.fixture(scope="session")
def key():
    """A key for tests that need luck; what they claim must hold for any."""
    import jax

    return jax.random.key(20240229)


@pytest.fixture(autouse=True, scope="module")
def compiled_programs_leave_room_for_others():
    """Drops every compiled program of this process after a module, when there are many; the cache folder keeps them."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MOST_MAPPED:
        import jax

        for known in [a for a in gc.get_objects() if type(a) is Program]:
            known.forget()
        jax.clear_caches()
        gc.collect()


def pytest_terminal_summary(terminalreporter):
    """Says loudly how much was not held against the references that stay outside the repository."""
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if NO_DATA in str(r.longrepr)]
    if skipped:
        terminalreporter.section("reference data missing", sep="=", yellow=True)
        terminalreporter.line(f"{len(skipped)} tests or modules were skipped: no data at {shared_root()}")
        terminalreporter.line("put the shared data beside the repository as ../shared, or set CARETWIN_SHARED to them")
