"""What of a person stands in the places of others: for an erasure, which has to find all of it.

It comes there in two ways: the source sent it under another's number first and corrected whose it is, or it was kept
under the key of the one whom the person had been merged with. Versions of what a source calls by one name are one
thing, and so are a value and what it was remapped to. Whose a thing is, its best version says. Where that was kept
while several were one, its place says only that it is of one of them; earlier versions may say of whom.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from caretwin.record.store.connection import Connection

_SUBJECT = "coalesce(s.subject, -v.place)"
_VERSIONS = (
    f"SELECT v.origin, v.sequence, v.place, v.version, v.status, {_SUBJECT}"
    " FROM version v LEFT JOIN series s ON s.id = v.place"
)


class Part(NamedTuple):
    """A version of a thing: its origin and sequence number, its place and whose that is, and its rank."""

    origin: bytes
    sequence: int
    place: int
    version: int
    status: int
    subject: int


class _Merge(NamedTuple):
    """From sequence number ``begin`` until ``end`` (None: still) ``subject`` was ``into``."""

    begin: int
    end: int | None
    subject: int
    into: int


Links: TypeAlias = Sequence[tuple[int, int]]


def elsewhere(connection: Connection, numbers: Collection[int]) -> list[Part]:
    """Versions of entries that stand in places of others and are of this person, as far as the record can know.

    numbers  of all keys of the person
    """
    merges = _merges(connection)
    found = list[Part]()
    for thing in _things(connection, numbers):
        if _whose(thing, merges) <= set(numbers):
            found += [one for one in thing if one.subject not in numbers]
    return sorted(found, key=lambda one: one.sequence)


def ever_one_with(connection: Connection, numbers: Iterable[int]) -> list[int]:
    """Numbers of a person, and of all who were ever merged with them, parted since or not."""
    found, merges = list(numbers), _merges(connection)
    for number in found:  # grows while it is read
        found += [
            other
            for one in merges
            if number in (one.subject, one.into)
            for other in {one.subject, one.into} - set(found)
        ]
    return found


def _things(connection: Connection, numbers: Collection[int]) -> list[list[Part]]:
    """Things of which versions stand both in places of a person and in those of others."""
    mine = ",".join(str(number) for number in numbers)
    shared = connection.query(
        f"{_VERSIONS} WHERE v.origin IN (SELECT o.origin FROM version o LEFT JOIN series s ON s.id = o.place"
        f" GROUP BY o.origin HAVING count(DISTINCT coalesce(s.subject, -o.place)) > 1 AND"
        f" max(CASE WHEN coalesce(s.subject, -o.place) IN ({mine}) THEN 1 ELSE 0 END) = 1)"
    )
    parts = {one.sequence: one for one in map(_part, shared)}
    ends = connection.query(
        "SELECT g.sequence, g.by_sequence FROM superseded g JOIN series a ON a.id = g.place"
        " JOIN observation o ON o.sequence = g.by_sequence JOIN series b ON b.id = o.series"
        f" WHERE (a.subject IN ({mine})) <> (b.subject IN ({mine}))"
    )
    return _together(parts, _followed(connection, parts, [(old, by) for old, by in ends]))


def _followed(connection: Connection, parts: dict[int, Part], links: Links) -> Links:
    """All that hangs on links by which a version ended that has another origin: remapped, perhaps several times."""
    found, new = set(links), {end for link in links for end in link} - parts.keys()
    while new:
        own = [_part(row) for row in connection.among(f"{_VERSIONS} WHERE v.sequence IN ?", sorted(new))]
        rows = connection.among(f"{_VERSIONS} WHERE v.origin IN ?", sorted({one.origin for one in own}))
        parts |= {one.sequence: one for one in (*own, *map(_part, rows))}
        asked = sorted({*new, *(one.sequence for one in own)})
        for column in ("sequence", "by_sequence"):
            pairs = connection.among(f"SELECT sequence, by_sequence FROM superseded WHERE {column} IN ?", asked)
            found |= {(old, by) for old, by in pairs}
        new = {end for link in found for end in link} - parts.keys() - new
    return [link for link in found if link[0] in parts and link[1] in parts]


def _part(row: Sequence[object]) -> Part:
    return Part(bytes(row[0]), *row[1:])  # type: ignore[arg-type,call-overload]


def _together(parts: Mapping[int, Part], links: Links) -> list[list[Part]]:
    """Versions put together to things: those of one origin, and those that are linked."""
    first = dict[bytes, int]()
    above = {number: number for number in parts}

    def top(number: int) -> int:
        while above[number] != number:
            above[number] = number = above[above[number]]
        return number

    for number, one in parts.items():
        above[top(number)] = top(first.setdefault(one.origin, number))
    for old, by in links:
        above[top(old)] = top(by)
    things = dict[int, list[Part]]()
    for number, one in parts.items():
        things.setdefault(top(number), []).append(one)
    return list(things.values())


def _whose(thing: Sequence[Part], merges: Sequence[_Merge]) -> set[int]:
    """Numbers of those whose a thing may be: of whom its best version can be, narrowed by earlier ones that agree."""
    best, *rest = sorted(thing, key=lambda one: (one.version, one.status, one.sequence), reverse=True)
    may = _family(best, merges)
    for one in rest:
        both = may & _family(one, merges)
        if not both:  # the source had taken it for somebody else's
            break
        may = both
    return may


def _family(part: Part, merges: Sequence[_Merge]) -> set[int]:
    """Of whom a version can be: of the one in whose place it stands, and of those who were merged into that one."""
    found = [part.subject]
    for number in found:  # grows while it is read
        found += [
            one.subject
            for one in merges
            if one.into == number
            and one.begin < part.sequence
            and (one.end is None or part.sequence < one.end)
            and one.subject not in found
        ]
    return set(found)


def _merges(connection: Connection) -> list[_Merge]:
    rows = connection.query(
        "SELECT m.sequence, p.sequence, m.subject, m.into_subject FROM merged m"
        " LEFT JOIN parted p ON p.undone = m.sequence ORDER BY m.sequence"
    )
    return [_Merge(*row) for row in rows]
