"""What a record keeps beside its entries: refused messages, codes that nobody mapped, and checkpoints of twins."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

from caretwin.record.store import foreign
from caretwin.record.store.connection import Connection
from caretwin.record.store.versions import DIGEST_BYTES


class Quarantined(NamedTuple):
    """A message that a door refused: when (us), why; outcome says what became of it ("" : it waits).

    size   of the message (bytes), which :func:`message` reads
    last   when it came last (us); times  how often: a sender that was not answered well sends again
    """

    number: int
    received: int
    door: str
    reason: str
    media: str
    size: int
    outcome: str
    last: int
    times: int


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


def quarantine(
    connection: Connection, received: int, door: str, reason: str, media: str, raw: bytes, subjects: Iterable[str] = ()
) -> int:
    """Keep a message that was refused; returns its number. One that is there already is counted, with its new reason.

    media     what the door knows of it beside its bytes: another media is another message
    subjects  keys of those whom it is about, as far as other parts of it could be read
    """
    digest = blake2b(f"{door}\x00{media}\x00".encode() + raw, digest_size=DIGEST_BYTES).digest()
    known = connection.query(
        "SELECT id FROM quarantine WHERE digest = ? OR (digest IS NULL AND door = ? AND media = ? AND raw = ?)",
        [digest, door, media, raw],
    )
    if known:
        number = int(known[0][0])
        more = [reason, digest, received, received, number]
        connection.query(
            "UPDATE quarantine SET times = times + 1, reason = ?, digest = ?,"
            " last = CASE WHEN coalesce(last, received) > ? THEN coalesce(last, received) ELSE ? END WHERE id = ?",
            more,
        )
    else:
        number = int(connection.query("SELECT coalesce(max(id), 0) + 1 FROM quarantine")[0][0])
        row = (number, received, door, reason, media, raw, digest, 1)
        connection.insert("quarantine", ("id", "received", "door", "reason", "media", "raw", "digest", "times"), [row])
    about(connection, number, subjects)
    return number


def about(connection: Connection, number: int, subjects: Iterable[str]) -> None:
    """Say whom a refused message is about (keys), so that it goes with them when they are erased."""
    told = connection.query("SELECT subject FROM quarantined_subject WHERE quarantine = ?", [number])
    known = {row[0] for row in told}
    rows = connection.among("SELECT id FROM subject WHERE key IN ?", sorted(set(subjects)))
    new = [(number, row[0]) for row in rows if row[0] not in known]
    connection.insert("quarantined_subject", ("quarantine", "subject"), new)


def told_about(connection: Connection, number: int) -> list[str]:
    """Keys of those whom a refused message is known to be about."""
    rows = connection.query(
        "SELECT s.key FROM quarantined_subject q JOIN subject s ON s.id = q.subject WHERE q.quarantine = ?"
        " ORDER BY s.key",
        [number],
    )
    return [str(row[0]) for row in rows]


def resolve(
    connection: Connection, number: int, at: int, actor: str, outcome: str, subjects: Iterable[str] = ()
) -> None:
    """Say what became of a refused message: accepted after a fix, or refused again and why; and of whom it was."""
    while connection.query("SELECT 1 FROM resolution WHERE quarantine = ? AND at = ?", [number, at]):
        at += 1
    connection.query("INSERT INTO resolution VALUES (?, ?, ?, ?)", [number, at, actor, outcome])
    about(connection, number, subjects)


def quarantined(connection: Connection, door: str | None = None, *, waiting: bool = True) -> list[Quarantined]:
    """Refused messages in order of arrival; ``waiting`` leaves out those that were accepted or dropped later.

    Their texts stay where they are: thousands may be there, of megabytes each.
    """
    wanted = ["substr(outcome, 1, 8) <> 'accepted' AND substr(outcome, 1, 7) <> 'dropped'"] if waiting else []
    wanted += ["door = ?"] if door is not None else []
    rows = connection.query(
        "SELECT id, received, door, reason, media, size, outcome, last, times FROM (SELECT q.id, q.received, q.door,"
        " q.reason, q.media, length(q.raw) AS size, coalesce((SELECT r.outcome FROM resolution r"
        " WHERE r.quarantine = q.id ORDER BY r.at DESC LIMIT 1), '') AS outcome,"
        " coalesce(q.last, q.received) AS last, q.times FROM quarantine q) AS known"
        f"{' WHERE ' + ' AND '.join(wanted) if wanted else ''} ORDER BY id",
        [] if door is None else [door],
    )
    return [Quarantined(*row) for row in rows]


def message(connection: Connection, number: int) -> bytes:
    """A refused message as it came, whatever became of it. Raises KeyError for a number that is not there."""
    rows = connection.query("SELECT raw FROM quarantine WHERE id = ?", [number])
    if not rows:
        raise KeyError(f"no message {number} in quarantine")
    return bytes(rows[0][0])


def whose(connection: Connection, number: int) -> list[str]:
    """Keys of those whom a refused message is about, as far as other parts of it could be read."""
    rows = connection.query(
        "SELECT s.key FROM quarantined_subject q JOIN subject s ON s.id = q.subject WHERE q.quarantine = ?"
        " ORDER BY s.id",
        [number],
    )
    return [str(row[0]) for row in rows]


def note_unmapped(connection: Connection, seen: Iterable[Unmapped], since: int | None = None) -> None:
    """Count codes that could not be mapped.

    since  the record's count of erasures (:meth:`caretwin.record.reading.Reading.epoch`) when they were seen: examples
           of before an erasure may be of who was erased, and are left out
    """
    now = connection.query("SELECT erasures FROM counter")[0][0]
    for one in seen:
        one = one if since in (None, now) else one._replace(example="")
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
    """Codes that could not be mapped, the most frequent first.

    Those of which no value stands any more, for all are said anew under what they mean, are not among them.
    """
    rows = connection.query(
        "SELECT source, system, code, unit, display, example, first, last, times FROM unmapped"
        " ORDER BY times DESC, source, system, code"
    )
    places: dict[tuple[str, str], list[foreign.Foreign]] = {}
    for series in foreign.foreign_series(connection) if rows else ():
        places.setdefault((series.code, series.unit), []).append(series)
    found = (Unmapped(*row) for row in rows)
    return [one for one in found if _waits(connection, one, places.get((f"{one.system}|{one.code}", one.unit), ()))]


def _waits(connection: Connection, one: Unmapped, series: Iterable[foreign.Foreign]) -> bool:
    """Whether a code is still to be mapped: it is also where nothing was kept, or it was erased."""
    own = (it.place for it in series if it.source == one.source or it.source.startswith(f"{one.source}/"))
    return foreign.anything_usable(connection, own) is not False


def mapped(connection: Connection, codes: Iterable[Unmapped]) -> None:
    """Take codes from the list of those that could not be mapped; one that comes so again begins at 1."""
    for one in codes:
        key = [one.source, one.system, one.code, one.unit]
        connection.query("DELETE FROM unmapped WHERE source = ? AND system = ? AND code = ? AND unit = ?", key)


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
