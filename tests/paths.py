"""Where tests find things: the repository itself, and data that stay outside it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def shared_root() -> Path:
    """The folder of data outside the repository: ``CARETWIN_SHARED``, or ``shared`` beside the repository."""
    return Path(os.environ.get("CARETWIN_SHARED", ROOT.parent / "shared"))


def shared(*parts: str) -> Path:
    """A file or folder of the data outside the repository; raises with the fix when it is not there."""
    path = shared_root().joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(
            f"test data\n  seen    no {path}\n  wanted  {'/'.join(parts)} of the shared data\n"
            "  fix     put the shared data beside the repository as ../shared, or set CARETWIN_SHARED to their folder"
        )
    return path
