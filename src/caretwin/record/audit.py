"""The audit trail: who did what to whose data, by which rule; every row holds the digest of the one before.

An edited, removed or reordered row breaks the chain, and :func:`verify` says where. A tail that was cut off is found by
comparing the last digest with one that was kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

import orjson

from caretwin.record.store.connection import Connection, Row

COLUMNS = ("n", "at", "actor", "action", "subject", "allowed", "rule", "detail", "previous", "digest")
START = bytes(32)
"""What the first row follows."""


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


def verify(connection: Connection) -> tuple[int, str | None]:
    """Rows of the trail, and what is wrong with the first bad one (None: nothing is)."""
    previous, number = START, 0
    for row in connection.query(f"SELECT {', '.join(COLUMNS)} FROM audit ORDER BY n"):
        number += 1
        if row[0] != number:
            return number, f"row {number} is missing"
        act = Act(row[1], row[2], row[3], row[4], bool(row[5]), row[6], row[7])
        if bytes(row[8]) != previous or digest(number, act, previous) != bytes(row[9]):
            return number, f"row {number} is not what was written"
        previous = bytes(row[9])
    return number, None
