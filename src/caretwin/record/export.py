"""The record as Parquet files, for wide questions: every run adds what came since the last, and never changes a file.

Files hold keys of subjects and no identifiers. Reading needs nothing of caretwin: any tool that reads Parquet will
do.
DuckDB asks them in SQL (:mod:`caretwin.record.export_query`).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from caretwin.base.errors import DataError
from caretwin.record.access import Actor
from caretwin.record.record import Record
from caretwin.record.store.as_of import ALWAYS
from caretwin.record.store.connection import Connection, Row

MANIFEST = "manifest.json"
FORM = 2
"""Form of the manifest: 1 went on from the wrong number in the table superseded, and missed rows of it."""
ROWS_IN_A_FILE = 1_000_000
TABLES = {
    "observation": (
        "SELECT o.sequence, u.key AS subject, s.code, s.unit, s.source, o.effective, o.received, o.value, o.quality,"
        " o.status, o.note, o.sequence FROM observation o JOIN series s ON s.id = o.series"
        " JOIN subject u ON u.id = s.subject WHERE o.sequence > ? AND o.sequence <= ? ORDER BY o.sequence LIMIT ?",
        (
            "sequence", "subject", "code", "unit", "source", "effective", "received", "value", "quality", "status",
            "note",
        ),
    ),
    "event": (
        "SELECT e.sequence, u.key, e.kind, e.source, e.effective, e.stop, e.received, e.status, e.body, e.sequence"
        " FROM event e JOIN subject u ON u.id = e.subject"
        " WHERE e.sequence > ? AND e.sequence <= ? ORDER BY e.sequence LIMIT ?",
        ("sequence", "subject", "kind", "source", "effective", "stop", "received", "status", "body"),
    ),
    "derived": (
        "SELECT d.sequence, u.key, d.kind, d.at, d.received, d.about, d.body, d.provenance, d.sequence FROM derived d"
        " JOIN subject u ON u.id = d.subject WHERE d.sequence > ? AND d.sequence <= ? ORDER BY d.sequence LIMIT ?",
        ("sequence", "subject", "kind", "at", "received", "about", "body", "provenance"),
    ),
    "superseded": (
        "SELECT by_sequence, sequence, received, mark FROM (SELECT by_sequence, sequence, received,"
        " CASE WHEN sequence > by_sequence THEN sequence ELSE by_sequence END AS mark FROM superseded) AS marked"
        " WHERE mark > ? AND mark <= ? ORDER BY mark, sequence, by_sequence LIMIT ?",
        ("by_sequence", "sequence", "received"),
    ),
    "merged": (
        "SELECT m.sequence, a.key, b.key, m.received, m.sequence FROM merged m JOIN subject a ON a.id = m.subject"
        " JOIN subject b ON b.id = m.into_subject WHERE m.sequence > ? AND m.sequence <= ?"
        " ORDER BY m.sequence LIMIT ?",
        ("sequence", "subject", "into_subject", "received"),
    ),
    "parted": (
        "SELECT sequence, undone, received, sequence FROM parted WHERE sequence > ? AND sequence <= ?"
        " ORDER BY sequence LIMIT ?",
        ("sequence", "undone", "received"),
    ),
}  # fmt: skip
"""What is exported: the statement (after which number, up to which, at most how many rows), and its columns.

The statement's last column is the number that the row came with, from which later runs go on. That of a superseded
version is the higher of the two: a version that a better one was quicker than comes after the one that ends it.
"""
TIMES = ("effective", "stop", "received", "at")


def export(record: Record, actor: Actor, folder: str | Path) -> dict[str, int]:
    """Write what came since the last run into the folder; returns how many rows of each table.

    Raises AccessDeniedError, and DataError without pyarrow, for what is no folder and for one of another record; the
    audit trail has no export then.
    """
    into = Path(folder).resolve()
    with record.writing(actor, "export", f"Parquet, {into}") as connection:
        salt = connection.query("SELECT value FROM meta WHERE name = 'salt'")[0][0]
        last = int(connection.query("SELECT sequence FROM counter")[0][0])
        manifest = _begin(into, sha256(str(salt).encode()).hexdigest()[:16])
    counts = {table: _export_table(record.connection(), table, last, into, manifest) for table in TABLES}
    _keep(into, manifest)
    return counts


def _begin(into: Path, mark: str) -> dict[str, Any]:
    """The folder, made where there is none, and its manifest. Raises DataError where nothing can be exported to."""
    if find_spec("pyarrow") is None:
        raise missing("pyarrow")
    try:
        into.mkdir(parents=True, exist_ok=True)
        return _manifest(into, mark)
    except (FileExistsError, NotADirectoryError) as problem:
        seen = "a file of this name, or on the way to it"
        raise DataError(f"export folder {into}", seen=seen, wanted="a folder", fix="name another") from problem
    except OSError as problem:
        seen = problem.strerror or "a folder that cannot be made"
        raise DataError(
            f"export folder {into}", seen=seen, wanted="a folder to write into", fix="name another"
        ) from problem


def _export_table(connection: Connection, table: str, last: int, into: Path, manifest: dict[str, Any]) -> int:
    """Write the rows of a table that came since the last run, up to the number that the record was at: what comes
    while we write is the next run's, in all tables alike.
    """
    import pyarrow.parquet as parquet

    total = 0
    while True:
        after = int(manifest["after"].get(table, 0))
        rows, upto = _page(connection, table, after, last)
        if not rows:
            return total
        target = into / table / f"{after + 1:020d}-{upto:020d}.parquet"
        target.parent.mkdir(exist_ok=True)
        aside = target.with_suffix(".part")
        parquet.write_table(_arrow(TABLES[table][1], rows), aside, compression="zstd", row_group_size=50_000)
        aside.rename(target)
        manifest["after"][table] = upto
        manifest["files"].append(f"{table}/{target.name}")
        _keep(into, manifest)
        total += len(rows)


def _page(connection: Connection, table: str, after: int, last: int) -> tuple[list[Row], int]:
    """The next rows of a table, and the number up to which they are complete: rows that came with one number are not
    parted, for the next page goes on behind it.
    """
    sql, _ = TABLES[table]
    rows = connection.query(sql, [after, last, ROWS_IN_A_FILE])
    if len(rows) < ROWS_IN_A_FILE:
        return rows, last
    upto = int(rows[-1][-1])
    whole = [row for row in rows if row[-1] < upto]
    if whole:
        return whole, int(whole[-1][-1])
    return connection.query(sql, [upto - 1, upto, ALWAYS]), upto  # all rows of one number


def _arrow(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Any:
    try:
        import pyarrow as arrow
    except ImportError as problem:
        raise missing("pyarrow") from problem
    whole, small = arrow.int64(), arrow.int8()
    kinds = {
        **dict.fromkeys(("sequence", "by_sequence", "undone", "about"), whole), "value": arrow.float64(),
        "quality": small, "status": small, **dict.fromkeys(TIMES, arrow.timestamp("us", tz="UTC")),
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
        fresh: dict[str, Any] = {"form": FORM, "record": mark, "after": {}, "files": []}
        _keep(into, fresh)
        return fresh
    found: dict[str, Any] = orjson.loads(path.read_bytes())
    if found.get("record") != mark:
        raise DataError(
            f"export folder {into}", seen="an export of another record", wanted="one of this", fix="name another folder"
        )
    if found.get("form", 1) < FORM:  # that table anew; its old files are no longer named, and so no longer count
        found["form"], found["after"]["superseded"] = FORM, 0
        found["files"] = [name for name in found["files"] if not name.startswith("superseded/")]
    return found


def _keep(into: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest aside and rename it: only files that it names count, what broke off doubles nothing."""
    aside = into / f"{MANIFEST}.part"
    aside.write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    aside.rename(into / MANIFEST)


def missing(package: str) -> DataError:
    """The error of a package that is not installed."""
    return DataError(
        "export", seen=f"no {package}", wanted="the packages of wide questions", fix="pip install 'caretwin[analytics]'"
    )
