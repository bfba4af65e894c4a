"""Parting two who were merged by mistake: nothing is rewritten, from a time on the merge no longer holds.

What was written to either key before the merge is where it was. What was written since stays with the key under which
it was kept: the record does not know which of the two it was of. What a source sends again under the number of the
other goes to the other, and ends what it had said under the survivor.
"""

from __future__ import annotations

from typing import NamedTuple

from caretwin.record.entry import Identifier
from caretwin.record.store.as_of import ALWAYS
from caretwin.record.store.connection import Connection
from caretwin.record.store.pending import Pending
from caretwin.record.store.read_subjects import HOLDS, person


class Merge(NamedTuple):
    """A merge that holds: its sequence number, keys of who stayed and of who went, when (us), and who said so."""

    sequence: int
    kept: str
    other: str
    received: int
    source: str


class Parted(NamedTuple):
    """What came of it.

    merge            that no longer holds
    numbers          that lead to the other again
    values, events   kept since the merge, which stay with the survivor, whosever they are
    survivor         key under which they are now: of who stayed, or whom that one has become since
    """

    merge: Merge
    numbers: int
    values: int
    events: int
    survivor: str


def merge_of(connection: Connection, other: str) -> Merge:
    """The merge by which a subject became another. Raises KeyError where there is none that holds."""
    rows = connection.query(
        "SELECT m.sequence, b.key, a.key, m.received, m.source FROM merged m JOIN subject a ON a.id = m.subject"
        " JOIN subject b ON b.id = m.into_subject"
        " WHERE a.key = ? AND NOT EXISTS (SELECT 1 FROM parted p WHERE p.undone = m.sequence)"
        " ORDER BY m.sequence DESC LIMIT 1",
        [other],
    )
    if not rows:
        raise KeyError(f"subject {other!r} is merged into nobody")
    return Merge(*rows[0])


def part(connection: Connection, other: str, received: int, source: str) -> Parted:
    """End the merge by which ``other`` became somebody else, within the transaction that is open.

    received  when it became known that they are two (us); source  who says so, and why
    The numbers that led to ``other`` when it was merged lead there again. Checkpoints of both end, each was of two.
    Raises KeyError where ``other`` is merged into nobody.
    """
    merge = merge_of(connection, other)
    together = set(person(connection, other))
    kept, gone = (connection.query("SELECT id FROM subject WHERE key = ?", [key])[0][0] for key in merge[1:3])
    back = [one for one in _held_before(connection, gone, merge.sequence) if _owner(connection, one) in together]
    pending = Pending(connection.query("SELECT sequence FROM counter")[0][0])
    connection.query("INSERT INTO parted VALUES (?, ?, ?, ?)", [pending.next(), merge.sequence, received, source])
    pending.rows["identifier"] += [(*one, pending.next(), gone, received) for one in back]
    pending.insert(connection)
    for number in together:
        connection.query("DELETE FROM checkpoint WHERE subject = ?", [number])
    connection.query("UPDATE counter SET erasures = erasures + 1")
    way = _way(connection, kept, merge.sequence)
    counts = [_since(connection, number, sequence) for number, sequence in way]
    survivor = connection.query("SELECT key FROM subject WHERE id = ?", [way[-1][0]])[0][0]
    return Parted(merge, len(back), sum(one[0] for one in counts), sum(one[1] for one in counts), survivor)


def _held_before(connection: Connection, number: int, sequence: int) -> list[Identifier]:
    """The identifiers that led to a subject just before a sequence number."""
    rows = connection.query(
        "SELECT DISTINCT i.system, i.value FROM identifier i WHERE i.subject = ? AND i.sequence < ?"
        " AND NOT EXISTS (SELECT 1 FROM identifier l WHERE l.system = i.system AND l.value = i.value"
        " AND l.sequence > i.sequence AND l.sequence < ? AND l.subject <> i.subject) ORDER BY i.system, i.value",
        [number, sequence, sequence],
    )
    return [Identifier(*row) for row in rows]


def _owner(connection: Connection, one: Identifier) -> int:
    return int(
        connection.query(
            "SELECT subject FROM identifier WHERE system = ? AND value = ? ORDER BY sequence DESC LIMIT 1", list(one)
        )[0][0]
    )


def _way(connection: Connection, kept: int, sequence: int) -> list[tuple[int, int]]:
    """Under whose numbers something of the other may have been kept since a merge, each from a sequence number on."""
    way = [(kept, sequence)]
    for number, since in way:  # grows while it is read
        rows = connection.query(
            f"SELECT m.into_subject, m.sequence FROM merged m WHERE m.subject = ? AND {HOLDS} ORDER BY m.sequence",
            [number, ALWAYS],
        )
        way += [(into, max(since, merged)) for into, merged in rows if into not in [one[0] for one in way]]
    return way


def _since(connection: Connection, number: int, sequence: int) -> tuple[int, int]:
    """How many values and events were kept under a key after a sequence number."""
    values = connection.query(
        "SELECT count(*) FROM observation WHERE series IN (SELECT id FROM series WHERE subject = ?) AND sequence > ?",
        [number, sequence],
    )
    events = connection.query("SELECT count(*) FROM event WHERE subject = ? AND sequence > ?", [number, sequence])
    return int(values[0][0]), int(events[0][0])
