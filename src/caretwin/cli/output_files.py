"""Files that a command writes: looked at before anything is computed, and an error of writing names the file."""

import contextlib
import os
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

import click


def check(outputs: Iterable[str | PathLike[str] | None], inputs: Iterable[str | PathLike[str] | None] = ()) -> None:
    """Raise a usage error for an output that cannot be written, or that would overwrite what is read.

    outputs, inputs  paths as they were given; None and names of what is no file are passed over
    """
    read = {Path(path).resolve() for path in inputs if path is not None}
    written: set[Path] = set()
    for path in outputs:
        if path is None:
            continue
        place = Path(path).resolve()
        if not place.parent.is_dir():
            raise click.BadParameter(f"{path}: its folder does not exist; create it first")
        if place.is_dir():
            raise click.BadParameter(f"{path}: a folder of this name exists; name a file")
        if place in read:
            raise click.BadParameter(f"{path}: is what this command reads, and would be lost; name another file")
        if place in written:
            raise click.BadParameter(f"{path}: two outputs have this name; name another file for one of them")
        written.add(place)


def write(path: str | PathLike[str], text: str) -> None:
    """Write a file whole or not at all; a ClickException says which it was and what went wrong."""
    place = Path(path)
    if place.exists() and not place.is_file():  # a pipe or a terminal
        aside = place
    else:
        place = place.resolve()
        aside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        aside.write_text(text, encoding="utf-8")
        if aside != place:
            aside.replace(place)
    except OSError as error:
        if aside != place:
            with contextlib.suppress(OSError):
                aside.unlink()
        raise click.ClickException(f"{path}: {error.strerror}; name another file") from error
