"""Which drug model a person means: a file, or the name of a shipped one."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from caretwin.base.errors import ModelError
from caretwin.twin.registry import family


def chosen_drug(text: str) -> Any:
    """The drug model in the file ``text``, or the shipped one of that name.

    Raises DrugFileError for a wrong file, ModelError for a name that is not shipped.
    """
    pharmacology = family("pharmacology")
    if text.endswith(".toml") or Path(text).is_file():
        return pharmacology.read(text)
    names = pharmacology.names()
    if text in names:
        return pharmacology.load(text)
    of_drug = pharmacology.names(text.lower())
    near = of_drug or tuple(get_close_matches(text, names, n=3, cutoff=0.4))
    raise ModelError(
        f"drug model {text!r}",
        seen=f"{len(of_drug)} models of the drug {text}" if of_drug else "neither a file nor a shipped model",
        wanted="one model: the path of a drug file, or a name that `caretwin drug list` shows",
        fix="choose one: " + ", ".join(near) if near else "run `caretwin drug list`",
    )
