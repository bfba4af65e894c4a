"""What a record keeps beside its entries: refused messages, codes that nobody mapped, and checkpoints of twins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from caretwin.record.store.connection import Connection


class Quarantined(NamedTuple):
    """A message that a door refused: as it came, when (us), why; outcome says what became of it ("" : it waits)."""

    number: int
    received: int
    door: str
    reason: str
    media: str
    raw: bytes
    outcome: str


class Unmapped(NamedTuple):
    """A code that was seen and that no mapping knows: from where, what, how often, first and last (us)."""

    source: str
    system: str
    code: str
    unit: str
    display: str
    example: str
    first: int
    last: int
    times: int


def quarantine(connection: Connection, received: int, door: str, reason: str, media: str, raw: bytes) -> int:
    """Keep a message that was refused; returns its number."""
    number = int(connection.query("SELECT coalesce(max(id), 0) + 1 FROM quarantine")[0][0])
    row = [number, received, door, reason, media, raw]
    connection.query("INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?)", row)
    return number


def resolve(connection: Connection, number: int, at: int, actor: str, outcome: str) -> None:
    """Say what became of a refused message: accepted after a fix, or refused again and why."""
    while connection.query("SELECT 1 FROM resolution WHERE quarantine = ? AND at = ?", [number, at]):
        at += 1
    connection.query("INSERT INTO resolution VALUES (?, ?, ?, ?)", [number, at, actor, outcome])


def quarantined(connection: Connection, door: str | None = None, *, waiting: bool = True) -> list[Quarantined]:
    """Refused messages in order of arrival; ``waiting`` leaves out those that were accepted later."""
    rows = connection.query(
        "SELECT q.id, q.received, q.door, q.reason, q.media, q.raw, coalesce((SELECT r.outcome FROM resolution r"
        " WHERE r.quarantine = q.id ORDER BY r.at DESC LIMIT 1), '') FROM quarantine q ORDER BY q.id"
    )
    found = [Quarantined(*row[:5], bytes(row[5]), row[6]) for row in rows]
    return [
        one
        for one in found
        if door in (None, one.door) and not (waiting and one.outcome.startswith(("accepted", "dropped")))
    ]


def note_unmapped(connection: Connection, seen: Iterable[Unmapped]) -> None:
    """Count codes that could not be mapped."""
    for one in seen:
        key = [one.source, one.system, one.code, one.unit]
        known = connection.query(
            "SELECT 1 FROM unmapped WHERE source = ? AND system = ? AND code = ? AND unit = ?", key
        )
        if known:
            connection.query(
                "UPDATE unmapped SET last = ?, times = times + ?, example = ?"
                " WHERE source = ? AND system = ? AND code = ? AND unit = ?",
                [one.last, one.times, one.example, *key],
            )
        else:
            connection.query("INSERT INTO unmapped VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", list(one))


def unmapped(connection: Connection) -> list[Unmapped]:
    """Codes that could not be mapped, the most frequent first."""
    rows = connection.query(
        "SELECT source, system, code, unit, display, example, first, last, times FROM unmapped"
        " ORDER BY times DESC, source, system, code"
    )
    return [Unmapped(*row) for row in rows]


def save_checkpoint(connection: Connection, subject: str, model: str, at: int, sequence: int, state: bytes) -> None:
    """Keep a twin's state at a time (us), made of all entries up to ``sequence``; an older one of that time is
    replaced.

    Raises KeyError for an unknown subject.
    """
    rows = connection.query("SELECT id FROM subject WHERE key = ?", [subject])
    if not rows:
        raise KeyError(f"no subject {subject!r} in this record")
    place = [rows[0][0], model, at]
    connection.query("DELETE FROM checkpoint WHERE subject = ? AND model = ? AND at = ?", place)
    connection.query("INSERT INTO checkpoint VALUES (?, ?, ?, ?, ?)", [*place, sequence, state])


def checkpoints(connection: Connection, subject: str, model: str) -> list[tuple[int, int, bytes]]:
    """(time us, sequence, state) of a twin's checkpoints, in order of time."""
    rows = connection.query(
        "SELECT c.at, c.sequence, c.state FROM checkpoint c JOIN subject s ON s.id = c.subject"
        " WHERE s.key = ? AND c.model = ? ORDER BY c.at",
        [subject, model],
    )
    return [(row[0], row[1], bytes(row[2])) for row in rows]


def drop_checkpoints(connection: Connection, subject: str, model: str, before: int, *, keep: int = 1) -> int:
    """Forget a twin's checkpoints before a time (us) but for the last ``keep`` of them; returns how many went."""
    old = [at for at, _, _ in checkpoints(connection, subject, model) if at < before]
    gone = old[: max(len(old) - keep, 0)]
    number = connection.query("SELECT id FROM subject WHERE key = ?", [subject])[0][0]
    for at in gone:
        connection.query("DELETE FROM checkpoint WHERE subject = ? AND model = ? AND at = ?", [number, model, at])
    return len(gone)
