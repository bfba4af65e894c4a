"""Migrations: numbered SQL files, applied in order, each in one transaction; a record that is newer than we is
refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from string import Template

from caretwin.base.errors import DataError
from caretwin.record.store.connection import Connection

_NAME = re.compile(r"(\d{4})_\w+\.sql")


def migrations() -> list[tuple[int, str]]:
    """Number and text of every migration, in order."""
    folder = files("caretwin.record.store") / "migrations"
    found = [(match, entry) for entry in folder.iterdir() if (match := _NAME.fullmatch(entry.name))]
    return sorted((int(match[1]), entry.read_text(encoding="utf-8")) for match, entry in found)


def statements(text: str, words: Mapping[str, str]) -> list[str]:
    """The statements of a migration in the words of one database."""
    bare = re.sub(r"--[^\n]*", "", text)
    return [one.strip() for one in Template(bare).substitute(words).split(";") if one.strip()]


def apply(connection: Connection, have: Callable[[], int], words: Mapping[str, str], set_version: str) -> int:
    """Apply what is missing.

    have         tells the version that the tables have; 0 for none
    words        what the database calls ``$whole``, ``$real``, ``$small``, ``$bytes`` and ``$clustered``
    set_version  statement that keeps the version, with ``{}`` for it
    Returns the version that they have now. Raises DataError for tables of a later caretwin.
    """
    known = migrations()
    newest = known[-1][0]
    if have() > newest:
        raise DataError(
            "opening a record",
            seen=f"tables of version {have()}, written by a later caretwin",
            wanted=f"at most version {newest}",
            fix="install the caretwin that wrote it, or restore the copy from before the change",
        )
    for number, text in known:
        if number <= have():
            continue
        with connection.transaction():
            if number > have():  # another process may have been quicker
                for statement in statements(text, words):
                    connection.query(statement)
                connection.query(set_version.format(number))
    return newest
