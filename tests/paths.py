"""Where tests find things: the repository itself, and data that stay outside it."""

import os
from pathlib import Path

import pytest

NO_DATA = "no shared data:"
ROOT = Path(__file__).resolve().parents[1]


def shared_root() -> Path:
    """The folder of data outside the repository: ``CARETWIN_SHARED``, or ``shared`` beside the repository."""
    return Path(os.environ.get("CARETWIN_SHARED", ROOT.parent / "shared"))


def shared(*parts: str) -> Path:
    """A file or folder of the data outside the repository; where it is not there, the test is skipped and counted."""
    path = shared_root().joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{NO_DATA} {'/'.join(parts)}", allow_module_level=True)
    return path
