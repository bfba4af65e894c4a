"""Duplicates and corrections: what a source calls by one name is one thing in several versions, of which one holds.

Which version holds does not depend on the order in which they arrived: the highest (version, status), and of two
equals the later one. A source that gives no versions has the order of receipt for them: its version is the received
time, and what says again what holds is a duplicate. As of any time, of those received by then exactly one holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import orjson

from caretwin.record.entry import Event, Observation, Remapped
from caretwin.record.store.connection import Connection

DIGEST_BYTES = 16
"""Two names in a record of 10 million meet with a probability of 1e-25."""


class Claim(NamedTuple):
    """What an entry says, and of what: by this earlier versions of it are found.

    place     the series of an observation, minus the subject of an event
    origins   digests of what the source calls it, the entry's own first; several where its subject was merged
    contents  digests of what is said, the entry's own first: an entry with any of them says the same
    """

    place: int
    origins: tuple[bytes, ...]
    contents: tuple[bytes, ...]


class Version(NamedTuple):
    """A version that stands in the record, or is about to; received  when it could be known (us)."""

    sequence: int
    place: int
    effective: int
    version: int
    status: int
    content: bytes
    received: int


class Superseding(NamedTuple):
    """From ``received`` on, ``sequence`` of ``place`` no longer holds because ``by_sequence`` does.

    held  whether it held until now: False where it was known already to be superseded, only later
    """

    place: int
    sequence: int
    by_sequence: int
    received: int
    held: bool


class Verdict(NamedTuple):
    """What a new version does.

    repeats     sequence of the entry that says the same; None: it says something new
    superseded  which versions no longer hold, the new one among them where a later version was quicker
    """

    repeats: int | None
    superseded: tuple[Superseding, ...] = ()


def claim(entry: Observation | Event, places: Sequence[int]) -> Claim:
    """What an entry claims.

    places  where it stands, and then where it would stand under the keys that were merged into its subject: what was
            kept there before the merge is recognised when it is sent again
    """
    contents = [content(entry, place) for place in places]
    if entry.source_id:
        kind = "o" if isinstance(entry, Observation) else "e"
        name = f"{kind}\x00{entry.source}\x00{entry.source_id}".encode()
        origins = [blake2b(name, digest_size=DIGEST_BYTES).digest()]
    else:
        origins = [_unnamed(one) for one in contents]
    return Claim(places[0], tuple(origins), tuple(contents))


def claim_anew(entry: Remapped, places: Sequence[int]) -> Claim:
    """What an entry claims that stands for another: to be a version of that one. Where the source has no name for it,
    it is also known by what it says, for so it is when it is sent again.

    places  as of :func:`claim`
    """
    contents = [content(entry, place) for place in places]
    own = [] if entry.named else [_unnamed(one) for one in contents]
    return Claim(places[0], (*own, entry.origin), tuple(contents))


def is_named(origin: bytes, content: bytes) -> bool:
    """Whether a version is known by its source's own name for it, and not by what it says."""
    return origin != _unnamed(content)


def _unnamed(content: bytes) -> bytes:
    """The origin of what its source has no name for: when and what it is has to do."""
    return blake2b(b"?" + content, digest_size=DIGEST_BYTES).digest()


def content(entry: Observation | Event, place: int) -> bytes:
    """Digest of what is said: the same twice is a duplicate."""
    if isinstance(entry, Observation):
        said = f"{place}|{entry.effective}|{entry.value!r}|{entry.status:d}|{entry.quality:d}".encode()
        more = orjson.dumps(entry.note, option=orjson.OPT_SORT_KEYS) if entry.note else b""
    else:
        said = f"{place}|{entry.kind}|{entry.effective}|{entry.stop}|{entry.status:d}".encode()
        more = orjson.dumps(entry.body, option=orjson.OPT_SORT_KEYS)
    return blake2b(said + more, digest_size=DIGEST_BYTES).digest()


def recall(connection: Connection, claims: Iterable[Claim]) -> dict[bytes, list[Version]]:
    """The versions that the record has of what is claimed, by origin."""
    rows = connection.among(
        "SELECT origin, sequence, place, effective, version, status, content FROM version WHERE origin IN ?",
        sorted({origin for one in claims for origin in one.origins}),
    )
    received: dict[int, int] = {}
    for table, numbers in (
        ("observation", [row[1] for row in rows if row[2] > 0]),
        ("event", [row[1] for row in rows if row[2] < 0]),
    ):
        times = connection.among(f"SELECT sequence, received FROM {table} WHERE sequence IN ?", numbers)
        received |= {sequence: at for sequence, at in times}
    found: dict[bytes, list[Version]] = {}
    for name, sequence, place, effective, number, status, said in rows:
        if sequence in received:
            version = Version(sequence, place, effective, number, status, bytes(said), received[sequence])
            found.setdefault(bytes(name), []).append(version)
    return found


def judge(new: Version, known: Iterable[Version], named: bool, alike: Sequence[bytes] = ()) -> Verdict:
    """What a new version does, given those known.

    named  whether the source has a name for it: without one, only an exact repeat is recognised
    alike  contents that say the same as the new one's, beside its own

    >>> old = Version(5, 1, 0, 1, 1, b"a", received=100)
    >>> judge(Version(9, 1, 0, 2, 2, b"b", received=200), [old], named=True).superseded
    (Superseding(place=1, sequence=5, by_sequence=9, received=200, held=True),)
    """
    known = list(known)
    for old in known:
        if (old.content == new.content or old.content in alike) and (old.version >= new.version or not named):
            return Verdict(old.sequence)
    if named and known and new.version == new.received:  # ordered by receipt: nothing comes in between any more
        best = max(known, key=_rank)
        if best.content == new.content or best.content in alike:
            return Verdict(best.sequence)
    found = [one for old in known if (one := _ended_by(new, old, known)) is not None]
    own = _end(new, known)
    return Verdict(None, (*found, own) if own is not None else tuple(found))


def judge_anew(new: Version, of: int, known: Iterable[Version], named: bool) -> Verdict:
    """What a version does that stands for another: it takes the place of that one, and of nothing else.

    of     sequence number of the other; named  as of :func:`judge`: without a name, what says the same already takes
           its place
    Where the other has been corrected since, or is not known, nothing is to be done: it repeats what holds.
    """
    known = list(known)
    old = next((one for one in known if one.sequence == of), None)
    if old is None:
        return Verdict(of)
    rivals = [old] if not named else known
    best = max(rivals, key=_rank)
    if best.sequence != of:
        return Verdict(best.sequence)
    same = None if named else next((one for one in known if one.content == new.content), None)
    by = new if same is None else same
    ended = Superseding(old.place, old.sequence, by.sequence, max(old.received, new.received), held=True)
    return Verdict(None if same is None else same.sequence, (ended,))


def _rank(one: Version) -> tuple[int, int, int]:
    return one.version, one.status, one.sequence


def _end(one: Version, known: Sequence[Version]) -> Superseding | None:
    """What ends a version first: none ends before both it and a better one were received, else at that time neither
    would hold.
    """
    better = [other for other in known if _rank(other) > _rank(one)]
    if not better:
        return None
    by = min(better, key=lambda other: (max(other.received, one.received), -other.sequence))
    return Superseding(one.place, one.sequence, by.sequence, max(by.received, one.received), held=True)


def _ended_by(new: Version, old: Version, known: Sequence[Version]) -> Superseding | None:
    """How a new version ends a known one; None where that one is the better or has ended earlier."""
    if _rank(old) > _rank(new):
        return None
    received, before = max(old.received, new.received), _end(old, known)
    if before is not None and before.received <= received:
        return None
    return Superseding(old.place, old.sequence, new.sequence, received, held=before is None)
