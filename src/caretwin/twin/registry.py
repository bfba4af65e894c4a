"""Finds models by their entry points, ours the same way as a stranger's: nothing here knows a model by name."""

from functools import cache
from importlib.metadata import entry_points
from typing import Any

from caretwin.base.errors import ModelError

GROUP = "caretwin.models"


def families() -> tuple[str, ...]:
    """Names of the families of models that are installed."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


@cache
def family(name: str) -> Any:
    """The family of models of that name, such as "pharmacology".

    Raises ModelError when it is not installed.
    """
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            return entry.load()
    raise ModelError(
        f"models of the family {name!r}",
        seen="installed families: " + (", ".join(families()) or "none"),
        wanted=f"an installed package with an entry point {name!r} in the group {GROUP!r}",
        fix="install caretwin itself (pip install .), or the package that brings the family",
    )
