"""Erasing a person by law: the one operation that removes rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from caretwin.record.store.connection import Connection
from caretwin.record.store.mentions import mentions
from caretwin.record.store.read_subjects import LAST, person

_BY_SUBJECT = (
    "event", "derived", "checkpoint", "identifier", "series", "quarantined_subject", "merged", "account_person",
    "break_glass",
)  # fmt: skip
TOUCHED = (
    *_BY_SUBJECT, "observation", "version", "superseded", "quarantine", "resolution", "unmapped", "subject", "parted",
)  # fmt: skip
"""Tables from which rows go, or in which rows change."""
PAGE = 200
"""Refused messages that are looked through at a time: each may have megabytes."""


class Export(NamedTuple):
    """An export that was made: when (us), by whom, and what the audit trail says of it."""

    at: int
    actor: str
    detail: str


class Erased(NamedTuple):
    """What was removed, and what is left to do outside of the record.

    rows         of the person's entries, identifiers, series and checkpoints
    messages     refused messages that spoke of the person
    examples     of codes that nobody mapped, which may have been the person's
    exports      made so far: their files are outside, and are to be deleted or made anew by who made them
    overwritten  whether what deletion left behind is overwritten; False: a reader that held on kept it in the log,
                 which goes when the last program that has the record open closes it
    """

    rows: int
    messages: int
    examples: int
    exports: tuple[Export, ...]
    overwritten: bool = True


def erase(connection: Connection, key: str, words: Sequence[str] = ()) -> Erased:
    """Remove all rows about a person, under whichever of the person's keys.

    key    any key of the person: merged into another, or one that others were merged into
    words  others than the identifiers by which refused messages are known to be the person's, such as a name

    Raises KeyError for a subject that the record does not have.
    """
    numbers = person(connection, key)
    if not numbers:
        raise KeyError(f"no subject {key!r} in this record")
    messages = _messages(connection, key, numbers, words)
    examples = _examples(connection, numbers)
    rows = sum(_entries(connection, number) for number in numbers)
    connection.query("UPDATE counter SET erasures = erasures + 1")
    made = connection.query("SELECT at, actor, detail FROM audit WHERE action = 'export' AND allowed = 1 ORDER BY n")
    return Erased(rows, messages, examples, tuple(Export(*row) for row in made))


def _entries(connection: Connection, number: int) -> int:
    """Remove what there is under one key."""
    removed = 0
    places = [row[0] for row in connection.query("SELECT id FROM series WHERE subject = ?", [number])]
    for place in places:
        removed += _delete(connection, "observation", "series", place)
    for place in (*places, -number):
        _delete(connection, "version", "place", place)
        _delete(connection, "superseded", "place", place)
    merges = "SELECT sequence FROM merged WHERE ? IN (subject, into_subject)"
    connection.query(f"DELETE FROM parted WHERE undone IN ({merges})", [number])
    connection.query("DELETE FROM merged WHERE into_subject = ?", [number])  # of who was parted, too
    for table in _BY_SUBJECT:
        removed += _delete(connection, table, "subject", number)
    _delete(connection, "subject", "id", number)
    return removed


def _messages(connection: Connection, key: str, numbers: Sequence[int], words: Sequence[str]) -> int:
    """Remove refused messages that are of a person: told so when they were kept, or by what stands in them.

    Places are not looked for in texts: a ward's name stands in the messages of all who lie there.
    """
    told = connection.among("SELECT quarantine FROM quarantined_subject WHERE subject IN ?", numbers)
    found = {int(row[0]) for row in told}
    known = [] if key.startswith("l") else [value for number in numbers for value in _values(connection, number)]
    pattern, after = mentions([*known, *words]), 0
    while pattern is not None:
        rows = connection.query(
            "SELECT id, raw, reason, media FROM quarantine WHERE id > ? ORDER BY id LIMIT ?", [after, PAGE]
        )
        for number, raw, *texts in rows:
            said = "\n".join([*texts, *_outcomes(connection, number)]).encode()
            if pattern.search(bytes(raw)) or pattern.search(said):
                found.add(int(number))
        if len(rows) < PAGE:
            break
        after = rows[-1][0]
    for number in sorted(found):
        for table in ("resolution", "quarantined_subject"):
            _delete(connection, table, "quarantine", number)
        _delete(connection, "quarantine", "id", number)
    return len(found)


def _values(connection: Connection, number: int) -> list[str]:
    rows = connection.query(f"SELECT DISTINCT i.value FROM identifier i WHERE i.subject = ? AND {LAST}", [number])
    return [str(row[0]) for row in rows]


def _outcomes(connection: Connection, number: int) -> list[str]:
    rows = connection.query("SELECT outcome FROM resolution WHERE quarantine = ?", [number])
    return [str(row[0]) for row in rows]


def _examples(connection: Connection, numbers: Sequence[int]) -> int:
    """Empty the examples of all codes that the person had: whose example it is nobody can say."""
    codes = {row[0] for row in connection.among("SELECT DISTINCT code FROM series WHERE subject IN ?", numbers)}
    rows = connection.query("SELECT source, system, code, unit FROM unmapped WHERE example <> ''")
    may_be = [row for row in rows if f"{row[1]}|{row[2]}" in codes]
    for row in may_be:
        connection.query(
            "UPDATE unmapped SET example = '' WHERE source = ? AND system = ? AND code = ? AND unit = ?", row
        )
    return len(may_be)


def _delete(connection: Connection, table: str, column: str, value: int) -> int:
    count = int(connection.query(f"SELECT count(*) FROM {table} WHERE {column} = ?", [value])[0][0])
    if count:
        connection.query(f"DELETE FROM {table} WHERE {column} = ?", [value])
    return count
