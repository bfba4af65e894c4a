"""A folder of tables: what to say when a table is not in it."""

from pathlib import Path


def seen_instead_of(folder: str | Path, name: str) -> str:
    """What stands where a folder with the table ``name`` was wanted, in words.

    >>> seen_instead_of("/nowhere", "patient")
    'no such folder'
    """
    folder = Path(folder)
    if folder.is_dir():
        return f"no table {name}"
    return "a file, not a folder" if folder.exists() else "no such folder"
