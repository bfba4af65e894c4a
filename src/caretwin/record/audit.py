"""The audit trail: who did what to whose data, by which rule; every row holds the digest of the one before.

An edited, removed or reordered row breaks the chain, and :func:`verify` says where. A tail that was cut off is found by
comparing the last digest with one that was kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from caretwin.record.store.connection import Connection, Row

COLUMNS = ("n", "at", "actor", "action", "subject", "allowed", "rule", "detail", "previous", "digest")
START = bytes(32)
"""What the first row follows."""


AT_ONCE = 10_000
"""Rows that are read at once: trails grow for years (assumed)."""


class Act(NamedTuple):
    """One thing that somebody did, or was refused; subject: keys with spaces between them, "" for the record."""

    at: int
    actor: str
    action: str
    subject: str
    allowed: bool
    rule: str
    detail: str = ""


def digest(n: int, act: Act, previous: bytes) -> bytes:
    """SHA-256 of a row and of the digest before it."""
    said = [n, act.at, act.actor, act.action, act.subject, int(act.allowed), act.rule, act.detail, previous.hex()]
    return sha256(orjson.dumps(said)).digest()


def chained(last: tuple[int, bytes], acts: Iterable[Act]) -> list[Row]:
    """Rows of the audit table that follow the row ``last`` (its number and digest)."""
    n, previous = last
    rows: list[Row] = []
    for act in acts:
        n += 1
        found = digest(n, act, previous)
        rows.append(
            (n, act.at, act.actor, act.action, act.subject, int(act.allowed), act.rule, act.detail, previous, found)
        )
        previous = found
    return rows


def append(connection: Connection, acts: Sequence[Act]) -> None:
    """Write acts within the transaction that is open."""
    rows = connection.query("SELECT n, digest FROM audit ORDER BY n DESC LIMIT 1")
    last = (int(rows[0][0]), bytes(rows[0][1])) if rows else (0, START)
    connection.insert("audit", COLUMNS, chained(last, acts))


class Wanted(NamedTuple):
    """Which acts are looked for; what is empty (or None) fits all. Times are us, ``stop`` is not within.

    actor, rule  what must stand in them; subject  key of one whom it is about
    """

    actor: str = ""
    subject: str = ""
    action: str = ""
    rule: str = ""
    allowed: bool | None = None
    start: int | None = None
    stop: int | None = None


def newest(connection: Connection, wanted: Wanted, most: int, before: int | None = None) -> list[tuple[int, Act]]:
    """The newest acts that are looked for, with their numbers, the newest first; before  this number only."""
    holds: list[tuple[str, Any]] = []
    for column, part in (("actor", wanted.actor), ("rule", wanted.rule)):
        holds += [(f"{column} LIKE ? ESCAPE '!'", f"%{_plain(part)}%")] if part else []
    holds += [("' ' || subject || ' ' LIKE ? ESCAPE '!'", f"% {_plain(wanted.subject)} %")] if wanted.subject else []
    holds += [("action = ?", wanted.action)] if wanted.action else []
    holds += [("allowed = ?", int(wanted.allowed))] if wanted.allowed is not None else []
    for condition, bound in (("at >= ?", wanted.start), ("at < ?", wanted.stop), ("n < ?", before)):
        holds += [(condition, bound)] if bound is not None else []
    where = f" WHERE {' AND '.join(condition for condition, _ in holds)}" if holds else ""
    sql = f"SELECT {', '.join(COLUMNS[:8])} FROM audit{where} ORDER BY n DESC LIMIT ?"
    rows = connection.query(sql, [*(value for _, value in holds), most])
    return [(int(row[0]), _act(row)) for row in rows]


def _plain(part: str) -> str:
    """A text in which nothing stands for another, for LIKE."""
    return part.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _act(row: Row) -> Act:
    return Act(row[1], row[2], row[3], row[4], bool(row[5]), row[6], row[7])


def verify(connection: Connection) -> tuple[int, str | None]:
    """Rows of the trail, and what is wrong with the first bad one (None: nothing is)."""
    previous, number = START, 0
    sql = f"SELECT {', '.join(COLUMNS)} FROM audit WHERE n > ? ORDER BY n LIMIT {AT_ONCE}"
    while rows := connection.query(sql, [number]):
        for row in rows:
            number += 1
            if row[0] != number:
                return number, f"row {number} is missing"
            if bytes(row[8]) != previous or digest(number, _act(row), previous) != bytes(row[9]):
                return number, f"row {number} is not what was written"
            previous = bytes(row[9])
    return number, None
