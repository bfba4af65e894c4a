"""How JAX is set up for caretwin: double precision, and a compilation cache that outlives the process.

Double precision, because answers are compared with references to six digits and more. The cache, because a
clinician who asks one question must not wait for a compiler: set ``CARETWIN_CACHE_DIR`` to move it, or to the
empty string to do without.
"""

import os
from pathlib import Path

import jax


def cache_directory() -> Path | None:
    """Where compiled programs are kept, or ``None`` when ``CARETWIN_CACHE_DIR`` is set to the empty string."""
    chosen = os.environ.get("CARETWIN_CACHE_DIR")
    if chosen == "":
        return None
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "caretwin" / "compiled"


def configure() -> None:
    """Switch on float64 and the persistent compilation cache; called once, on import of :mod:`caretwin.core`."""
    jax.config.update("jax_enable_x64", True)
    directory = cache_directory()
    if directory is None:
        return
    jax.config.update("jax_compilation_cache_dir", str(directory))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
