"""Questions in SQL to an export, by DuckDB: it reads the files of the export, and nothing else of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from caretwin.base.errors import DataError
from caretwin.record.export import MANIFEST, TABLES, missing

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FENCE = (
    "SET enable_external_access = false",
    "SET python_enable_replacements = false",  # else FROM name finds a variable of ours
    "SET lock_configuration = true",  # last: what it locks, a question cannot open again
)
"""A question may come from a form or a language model: it gets no other file, no network and no extension."""
VIEWS = (
    "CREATE VIEW held AS SELECT subject, into_subject FROM merged WHERE sequence NOT IN (SELECT undone FROM parted)",
    "CREATE VIEW became AS WITH RECURSIVE step(subject, person) AS (SELECT subject, into_subject FROM held UNION"
    " SELECT step.subject, held.into_subject FROM step JOIN held ON held.subject = step.person)"
    " SELECT subject, person FROM step WHERE person NOT IN (SELECT subject FROM held)",
    "CREATE VIEW current_observation AS SELECT o.* REPLACE (coalesce(became.person, o.subject) AS subject)"
    " FROM observation o LEFT JOIN became ON became.subject = o.subject WHERE status <> 3"
    " AND o.sequence NOT IN (SELECT sequence FROM superseded)",
)
"""What holds now: under the key that a person has after all merges."""
READS = ("SELECT", "EXPLAIN")
"""Kinds of statements that only read; DESCRIBE and SHOW are among the first."""


def ask(folder: str | Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of a question to an export.

    sql  one question over the tables observation, event, derived, superseded, merged and parted, and
         current_observation: observations that nothing superseded, under the key that their subject has after all
         merges that hold
    Raises DataError for a folder without an export, for SQL that DuckDB refuses or that does more than read the
    export, and without DuckDB.

    Example: ``ask("parquet", "SELECT code, avg(value) FROM current_observation WHERE quality <> 2 GROUP BY code")``.
    """
    try:
        import duckdb
    except ImportError as problem:
        raise missing("duckdb") from problem
    into = Path(folder)
    if not (into / MANIFEST).exists():
        raise DataError(f"export {folder}", seen="no export", wanted="one", fix="caretwin record export FILE FOLDER")
    with duckdb.connect(":memory:") as database:
        _fence(database, into.resolve())
        try:
            kinds = [one.type.name for one in database.extract_statements(sql)]
            if len(kinds) != 1 or kinds[0] not in READS:
                raise _refused(" and then ".join(kinds) or "no statement")
            found = database.sql(sql).to_arrow_table()
            return list(found.column_names), list(zip(*(column.to_pylist() for column in found.columns), strict=True))
        except duckdb.Error as problem:
            raise _refused(str(problem).splitlines()[0]) from problem


def _fence(database: DuckDBPyConnection, into: Path) -> None:
    """Name the tables of an export, and let the database reach nothing beside them."""
    database.execute(f"SET allowed_directories = [{_text(into)}]")
    for statement in FENCE:
        database.execute(statement)
    named: list[str] = orjson.loads((into / MANIFEST).read_bytes())["files"]
    for table, (_, columns) in TABLES.items():
        files = ", ".join(_text(into / name) for name in named if name.startswith(f"{table}/"))
        empty = "SELECT " + ", ".join(f"NULL AS {name}" for name in columns) + " WHERE false"
        source = f"SELECT * FROM read_parquet([{files}])" if files else empty
        database.execute(f"CREATE VIEW {table} AS {source}")
    for view in VIEWS:
        database.execute(view)


def _text(path: Path) -> str:
    """A path as SQL writes a text."""
    return "'" + str(path).replace("'", "''") + "'"


def _refused(seen: str) -> DataError:
    return DataError(
        "question to an export",
        seen=seen,
        wanted="one SELECT over " + ", ".join((*TABLES, "current_observation")) + ", and no other file",
        fix="DESCRIBE observation shows the columns; what is to be written elsewhere, write from the answer",
    )
