"""The record as Parquet files, for wide questions: every run adds what came since the last, and never changes a file.

Files hold keys of subjects and no identifiers. Reading needs nothing of caretwin: any tool that reads Parquet will do.
DuckDB asks them in SQL (:func:`ask`).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from caretwin.base.errors import DataError
from caretwin.record.access import Actor
from caretwin.record.record import Record
from caretwin.record.store.connection import Connection

MANIFEST = "manifest.json"
ROWS_IN_A_FILE = 1_000_000
TABLES = {
    "observation": (
        "SELECT o.sequence, u.key AS subject, s.code, s.unit, s.source, o.effective, o.received, o.value, o.quality,"
        " o.status, o.note FROM observation o JOIN series s ON s.id = o.series JOIN subject u ON u.id = s.subject"
        " WHERE o.sequence > ? ORDER BY o.sequence LIMIT ?",
        (
            "sequence",
            "subject",
            "code",
            "unit",
            "source",
            "effective",
            "received",
            "value",
            "quality",
            "status",
            "note",
        ),
    ),
    "event": (
        "SELECT e.sequence, u.key, e.kind, e.source, e.effective, e.stop, e.received, e.status, e.body FROM event e"
        " JOIN subject u ON u.id = e.subject WHERE e.sequence > ? ORDER BY e.sequence LIMIT ?",
        ("sequence", "subject", "kind", "source", "effective", "stop", "received", "status", "body"),
    ),
    "derived": (
        "SELECT d.sequence, u.key, d.kind, d.at, d.received, d.about, d.body, d.provenance FROM derived d"
        " JOIN subject u ON u.id = d.subject WHERE d.sequence > ? ORDER BY d.sequence LIMIT ?",
        ("sequence", "subject", "kind", "at", "received", "about", "body", "provenance"),
    ),
    "superseded": (
        "SELECT by_sequence, sequence, received FROM superseded WHERE by_sequence > ? ORDER BY by_sequence LIMIT ?",
        ("by_sequence", "sequence", "received"),
    ),
}
"""What is exported: the statement, and its columns; the first is what later runs go on from."""
TIMES = ("effective", "stop", "received", "at")


def export(record: Record, actor: Actor, folder: str | Path) -> dict[str, int]:
    """Write what came since the last run into the folder; returns how many rows of each table.

    Raises AccessDeniedError, and DataError without pyarrow or for a folder of another record.
    """
    into = Path(folder)
    with record.writing(actor, "export", f"Parquet, {into.name}") as connection:
        mark = connection.query("SELECT value FROM meta WHERE name = 'salt'")[0][0]
    mark = sha256(str(mark).encode()).hexdigest()[:16]
    into.mkdir(parents=True, exist_ok=True)
    manifest = _manifest(into, mark)
    counts = {}
    for table in TABLES:
        counts[table] = _export_table(record.connection(), table, into, manifest)
    _keep(into, manifest)
    return counts


def ask(folder: str | Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of a question to an export.

    sql  over the tables observation, event and derived, and current_observation: observations that nothing superseded
    Raises DataError for a folder without an export, for SQL that DuckDB refuses, and without DuckDB.
    """
    try:
        import duckdb
    except ImportError as problem:
        raise _missing("duckdb") from problem
    into = Path(folder)
    if not (into / MANIFEST).exists():
        raise DataError(f"export {folder}", seen="no export", wanted="one", fix="caretwin record export FILE FOLDER")
    named: list[str] = orjson.loads((into / MANIFEST).read_bytes())["files"]
    with duckdb.connect(":memory:") as database:
        for table, (_, columns) in TABLES.items():
            files = [str(into / name) for name in named if name.startswith(f"{table}/")]
            empty = "SELECT " + ", ".join(f"NULL AS {name}" for name in columns) + " WHERE false"
            source = f"SELECT * FROM read_parquet({files!r})" if files else empty
            database.execute(f"CREATE VIEW {table} AS {source}")
        database.execute(
            "CREATE VIEW current_observation AS SELECT * FROM observation WHERE status <> 3"
            " AND sequence NOT IN (SELECT sequence FROM superseded)"
        )
        try:
            relation = database.sql(sql)
            if relation is None:  # a statement without an answer
                return [], []
            found = relation.to_arrow_table()
            return list(found.column_names), list(zip(*(column.to_pylist() for column in found.columns), strict=True))
        except duckdb.Error as problem:
            raise DataError(
                "question to an export",
                seen=str(problem).splitlines()[0],
                wanted="SQL over observation, current_observation, event, derived",
                fix="DESCRIBE observation shows the columns",
            ) from problem


def _export_table(connection: Connection, table: str, into: Path, manifest: dict[str, Any]) -> int:
    import pyarrow.parquet as parquet

    sql, columns = TABLES[table]
    total = 0
    while True:
        after = int(manifest["after"].get(table, 0))
        rows = connection.query(sql, [after, ROWS_IN_A_FILE])
        if not rows:
            return total
        last = rows[-1][0]
        target = into / table / f"{after + 1:020d}-{last:020d}.parquet"
        target.parent.mkdir(exist_ok=True)
        aside = target.with_suffix(".part")
        parquet.write_table(_arrow(columns, rows), aside, compression="zstd", row_group_size=50_000)
        aside.rename(target)
        manifest["after"][table] = last
        manifest["files"].append(f"{table}/{target.name}")
        _keep(into, manifest)
        total += len(rows)


def _arrow(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Any:
    try:
        import pyarrow as arrow
    except ImportError as problem:
        raise _missing("pyarrow") from problem
    whole, small = arrow.int64(), arrow.int8()
    kinds = {
        "sequence": whole, "by_sequence": whole, "about": whole, "value": arrow.float64(), "quality": small,
        "status": small, **dict.fromkeys(TIMES, arrow.timestamp("us", tz="UTC")),
    }  # fmt: skip
    arrays = [arrow.array([row[i] for row in rows], kinds.get(name, arrow.string())) for i, name in enumerate(columns)]
    return arrow.table(arrays, names=list(columns))


def _manifest(into: Path, mark: str) -> dict[str, Any]:
    path = into / MANIFEST
    if not path.exists():
        if any(into.iterdir()):
            raise DataError(
                f"export folder {into}", seen="other files", wanted="an empty folder, or an earlier export",
                fix="name another folder",
            )  # fmt: skip
        fresh: dict[str, Any] = {"record": mark, "after": {}, "files": []}
        _keep(into, fresh)
        return fresh
    found: dict[str, Any] = orjson.loads(path.read_bytes())
    if found.get("record") != mark:
        raise DataError(
            f"export folder {into}", seen="an export of another record", wanted="one of this", fix="name another folder"
        )
    return found


def _keep(into: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest aside and rename it: only files that it names count, what broke off doubles nothing."""
    aside = into / f"{MANIFEST}.part"
    aside.write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    aside.rename(into / MANIFEST)


def _missing(package: str) -> DataError:
    return DataError(
        "export", seen=f"no {package}", wanted="the packages of wide questions", fix="pip install 'caretwin[analytics]'"
    )
