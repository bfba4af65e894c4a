"""What every test may rely on: kept compilations, no display, reproducible examples, a key."""

import os

from tests.paths import NO_DATA, ROOT, shared_root

os.environ.setdefault("CARETWIN_CACHE_DIR", str(ROOT / ".cache" / "caretwin"))
os.environ.setdefault("MPLCONFIGDIR", str(ROOT / ".cache" / "matplotlib"))
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import hypothesis
import pytest

import caretwin.core  # noqa: F401  double precision before any array is made

# The same examples every time, and no deadline: a first call compiles for seconds.
hypothesis.settings.register_profile("caretwin", derandomize=True, deadline=None, database=None, max_examples=50)
hypothesis.settings.load_profile("caretwin")


@pytest.fixture(scope="session")
def key():
    """A key for tests that need luck; what they claim must hold for any."""
    import jax

    return jax.random.key(20240229)


def pytest_terminal_summary(terminalreporter):
    """Says loudly how much was not held against the references that stay outside the repository."""
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if NO_DATA in str(r.longrepr)]
    if skipped:
        terminalreporter.section("reference data missing", sep="=", yellow=True)
        terminalreporter.line(f"{len(skipped)} tests or modules were skipped: no data at {shared_root()}")
        terminalreporter.line("put the shared data beside the repository as ../shared, or set CARETWIN_SHARED to them")
