"""Columns of a table as a pandas frame; pandas comes with the optional extra ``data`` and is imported when needed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from caretwin.base.errors import DataError


def pandas() -> Any:
    """The module pandas. Raises DataError when the extra ``data`` is not installed."""
    return _extra("pandas")


def read_columns(path: Path, columns: tuple[str, ...]) -> Any:
    """Those of ``columns`` that a parquet or CSV table has (in any spelling of case), as a pandas frame.

    path     .parquet, .csv or .csv.gz
    columns  lower-case names; the frame has exactly these, in this order, empty where the table lacks one
    Raises DataError when the extra ``data`` is not installed or the file cannot be read as a table.
    """
    pd = pandas()
    try:
        if path.suffix == ".parquet":
            names = _extra("pyarrow.parquet").read_schema(path).names
            frame = pd.read_parquet(path, columns=[n for n in names if n.lower() in columns])
        else:
            frame = pd.read_csv(path, usecols=lambda n: n.lower() in columns, dtype=str, encoding_errors="replace")
    except (OSError, ValueError) as problem:
        raise DataError(
            f"table {path.name}",
            seen=f"{type(problem).__name__}: {problem}".splitlines()[0],
            wanted="a parquet or CSV table",
            fix="export it again, or remove a file that is no table",
        ) from problem
    frame.columns = [name.lower() for name in frame.columns]
    return frame.reindex(columns=list(columns)).reset_index(drop=True)


def absent_columns(path: Path, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``columns`` that the table at ``path`` does not have."""
    if path.suffix == ".parquet":
        names = _extra("pyarrow.parquet").read_schema(path).names
    else:
        names = list(pandas().read_csv(path, nrows=0).columns)
    present = {name.lower() for name in names}
    return tuple(name for name in columns if name not in present)


def _extra(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as problem:
        raise DataError(
            "reading tables",
            seen=f"no module {name}",
            wanted="pandas and pyarrow",
            fix="pip install 'caretwin[data]'",
        ) from problem
