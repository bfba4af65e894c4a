"""Where a value came from, and what there is of a person at all: for whoever clicks on a point of a chart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from caretwin.record.entry import Stored
from caretwin.record.store.connection import Connection
from caretwin.record.store.read_observations import stored
from caretwin.record.store.read_subjects import numbers


class Version(NamedTuple):
    """One version of a value; superseded  whether a better one is known."""

    observation: Stored
    superseded: bool


class Origin(NamedTuple):
    """Where a value came from.

    versions  every version of it, in order of receipt, itself among them
    actor     who wrote it; message  the message that it came in, as the sender names it
    """

    observation: Stored
    versions: tuple[Version, ...]
    actor: str
    message: str


class Span(NamedTuple):
    """A series of a person: first and last effective time (us), and how many values it has, also superseded ones."""

    code: str
    unit: str
    source: str
    first: int
    last: int
    values: int


def spans(connection: Connection, key: str) -> list[Span]:
    """What there is of a person, series by series, in order of code and source."""
    rows = connection.among(
        "SELECT s.code, s.unit, s.source, min(o.effective), max(o.effective), count(*)"
        " FROM series s JOIN observation o ON o.series = s.id WHERE s.subject IN ? AND o.status <> 3"
        " GROUP BY s.code, s.unit, s.source ORDER BY s.code, s.source",
        numbers(connection, key),
    )
    return [Span(*row) for row in rows]


def origin(connection: Connection, key: str, sequence: int) -> Origin | None:
    """Where an observation of a person came from; None where the person has none of this number."""
    found = _rows(connection, key, [sequence])
    if not found:
        return None
    place, actor, message, observation = found[0]
    links = connection.query("SELECT sequence, by_sequence FROM superseded WHERE place = ?", [place])
    related = _related(sequence, links)
    gone = {one for one, _ in links}
    versions = [Version(row[3], row[3].sequence in gone) for row in _rows(connection, key, sorted(related))]
    return Origin(observation, tuple(versions), actor, message)


def _related(sequence: int, links: Iterable[tuple[int, ...]]) -> set[int]:
    """All numbers that are tied to one by superseding and being superseded."""
    known, before = {sequence}, set[int]()
    pairs = list(links)
    while known != before:
        before = set(known)
        known |= {one for pair in pairs if known & set(pair) for one in pair}
    return known


def _rows(connection: Connection, key: str, sequences: Iterable[int]) -> list[tuple[int, str, str, Stored]]:
    """Series, who wrote it, the message, and the observation of each number that is this person's, by receipt."""
    mine = set(numbers(connection, key))
    rows = connection.among(
        "SELECT s.id, s.subject, i.actor, i.message, s.code, s.unit, s.source, o.sequence, o.effective, o.received,"
        " o.value, o.status, o.quality, o.note FROM observation o JOIN series s ON s.id = o.series"
        " JOIN intake i ON i.id = o.intake WHERE o.sequence IN ? ORDER BY o.sequence",
        list(sequences),
    )
    return [(row[0], row[2], row[3], stored(row[7:], key, row[4], row[5], row[6])) for row in rows if row[1] in mine]
