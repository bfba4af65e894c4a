"""Erasing a person by law: the one operation that removes rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from caretwin.record.store.connection import Connection
from caretwin.record.store.elsewhere import Part, elsewhere, ever_one_with
from caretwin.record.store.mentions import mentions
from caretwin.record.store.read_subjects import LAST, person, touch, untouch

_BY_SUBJECT = (
    "event", "derived", "checkpoint", "identifier", "series", "quarantined_subject", "account_person", "break_glass",
)  # fmt: skip
TOUCHED = (
    *_BY_SUBJECT, "observation", "version", "superseded", "quarantine", "resolution", "unmapped", "subject", "merged",
    "parted",
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
    elsewhere    of the rows, entries that stood under the keys of others: of before the source corrected whose they
                 are, or of a time when two were one
    overwritten  whether what deletion left behind is overwritten; False: a reader that held on kept it in the log,
                 which goes when the last program that has the record open closes it
    """

    rows: int
    messages: int
    examples: int
    exports: tuple[Export, ...]
    elsewhere: int = 0
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
    known = _known(connection, numbers)
    messages = _messages(connection, key, numbers, [one[1] for one in known], words)
    examples = _examples(connection, ever_one_with(connection, numbers))
    strewn = elsewhere(connection, numbers)
    rows = _strewn(connection, strewn) + _numbers(connection, known) + _merges(connection, numbers, known)
    rows += sum(_entries(connection, number) for number in numbers)
    connection.query("UPDATE counter SET erasures = erasures + 1")
    made = connection.query("SELECT at, actor, detail FROM audit WHERE action = 'export' AND allowed = 1 ORDER BY n")
    return Erased(rows, messages, examples, tuple(Export(*row) for row in made), len(strewn))


def _known(connection: Connection, numbers: Sequence[int]) -> list[tuple[str, str]]:
    """System and value of every identifier that leads to the person."""
    asked = f"SELECT DISTINCT i.system, i.value FROM identifier i WHERE i.subject IN ? AND {LAST}"
    rows = connection.among(asked, numbers)
    return [(row[0], row[1]) for row in rows]


def _numbers(connection: Connection, known: Sequence[tuple[str, str]]) -> int:
    """Remove identifiers wherever they led: those of who was parted had led to another."""
    removed = 0
    for one in known:
        said = "FROM identifier WHERE system = ? AND value = ?"
        removed += int(connection.query(f"SELECT count(*) {said}", one)[0][0])
        connection.query(f"DELETE {said}", one)
    return removed


def _strewn(connection: Connection, parts: Sequence[Part]) -> int:
    """Remove entries from the places of others, and what was made of them there."""
    for one in parts:
        table = "observation" if one.place > 0 else "event"
        connection.query(f"DELETE FROM {table} WHERE sequence = ?", [one.sequence])
        connection.query("DELETE FROM version WHERE origin = ? AND sequence = ?", [one.origin, one.sequence])
        connection.query("DELETE FROM superseded WHERE place = ? AND sequence = ?", [one.place, one.sequence])
    for place in {one.place for one in parts if one.place > 0}:  # a code that only this person had
        if not connection.query("SELECT 1 FROM observation WHERE series = ? LIMIT 1", [place]):
            _delete(connection, "series", "id", place)
    for subject in {one.subject for one in parts}:
        _delete(connection, "checkpoint", "subject", subject)
        touch(connection, subject)
    return len(parts)


def _merges(connection: Connection, numbers: Sequence[int], known: Sequence[tuple[str, str]]) -> int:
    """Remove merges of the person. Where two others were one through the person, the bare numbers of the merges stay:
    as of that time they were one. What others' merges say of the person in words is emptied.
    """
    rows = connection.query("SELECT sequence, subject, into_subject FROM merged")
    own = [row for row in rows if row[1] in numbers or row[2] in numbers]
    through = any(row[1] not in numbers for row in own) and any(row[2] not in numbers for row in own)
    for sequence, *_ in own:
        if through:
            _silence(connection, sequence)
        else:
            _delete(connection, "parted", "undone", sequence)
            _delete(connection, "merged", "sequence", sequence)
    pattern = mentions([value for _, value in known])
    for table, column in (("merged", "sequence"), ("parted", "undone")):
        for sequence, source in connection.query(f"SELECT {column}, source FROM {table}"):
            if pattern is not None and pattern.search(str(source).encode()):
                _silence(connection, sequence)
    return 0 if through else len(own)


def _silence(connection: Connection, merge: int) -> None:
    """Empty what was said of a merge, and of its end."""
    connection.query("UPDATE merged SET source = '' WHERE sequence = ?", [merge])
    connection.query("UPDATE parted SET source = '' WHERE undone = ?", [merge])


def _entries(connection: Connection, number: int) -> int:
    """Remove what there is under one key."""
    removed = 0
    places = [row[0] for row in connection.query("SELECT id FROM series WHERE subject = ?", [number])]
    for place in places:
        removed += _delete(connection, "observation", "series", place)
    for place in (*places, -number):
        _delete(connection, "version", "place", place)
        _delete(connection, "superseded", "place", place)
    for table in _BY_SUBJECT:
        removed += _delete(connection, table, "subject", number)
    _delete(connection, "subject", "id", number)
    untouch(connection, number)
    return removed


def _messages(
    connection: Connection, key: str, numbers: Sequence[int], values: Sequence[str], words: Sequence[str]
) -> int:
    """Remove refused messages that are of a person: told so when they were kept, or by what stands in them.

    Places are not looked for in texts: a ward's name stands in the messages of all who lie there.
    """
    told = connection.among("SELECT quarantine FROM quarantined_subject WHERE subject IN ?", numbers)
    found = {int(row[0]) for row in told}
    pattern, after = mentions([*([] if key.startswith("l") else values), *words]), 0
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


def _outcomes(connection: Connection, number: int) -> list[str]:
    rows = connection.query("SELECT outcome FROM resolution WHERE quarantine = ?", [number])
    return [str(row[0]) for row in rows]


def _examples(connection: Connection, numbers: Sequence[int]) -> int:
    """Empty the examples of all codes that the person may have had: whose example it is nobody can say.

    numbers  of the person's keys, and of those under whose keys something may have been kept
    """
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
