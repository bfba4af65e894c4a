"""Duplicates and corrections: what a source calls by one name is one thing in several versions, of which one holds.

Which version holds does not depend on the order in which they arrived: the highest (version, status), and of two
equals the later one.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

import orjson

from caretwin.record.entry import Event, Observation

DIGEST_BYTES = 16
"""Two names in a record of 10 million meet with a probability of 1e-25."""


class Version(NamedTuple):
    """A version that stands in the record; ``place`` is the series of an observation, minus the subject of an event."""

    sequence: int
    place: int
    effective: int
    version: int
    status: int
    content: bytes


class Verdict(NamedTuple):
    """What a new version does.

    repeats     sequence of the entry that says the same; None: it says something new
    supersedes  (place, sequence) of earlier entries that no longer hold
    superseded_by  sequence of a known entry that is a later version than this one, or None
    """

    repeats: int | None
    supersedes: tuple[tuple[int, int], ...] = ()
    superseded_by: int | None = None


def origin(entry: Observation | Event, place: int) -> bytes:
    """Digest of what the source calls this; of when and what it is, where the source has no name for it."""
    kind = "o" if isinstance(entry, Observation) else "e"
    if entry.source_id:
        name = f"{kind}\x00{entry.source}\x00{entry.source_id}"
        return blake2b(name.encode(), digest_size=DIGEST_BYTES).digest()
    return blake2b(b"?" + content(entry, place), digest_size=DIGEST_BYTES).digest()


def content(entry: Observation | Event, place: int) -> bytes:
    """Digest of what is said: the same twice is a duplicate."""
    if isinstance(entry, Observation):
        said = f"{place}|{entry.effective}|{entry.value!r}|{entry.status:d}|{entry.quality:d}".encode()
        more = orjson.dumps(entry.note, option=orjson.OPT_SORT_KEYS) if entry.note else b""
    else:
        said = f"{place}|{entry.kind}|{entry.effective}|{entry.stop}|{entry.status:d}".encode()
        more = orjson.dumps(entry.body, option=orjson.OPT_SORT_KEYS)
    return blake2b(said + more, digest_size=DIGEST_BYTES).digest()


def judge(new: Version, known: Iterable[Version], named: bool) -> Verdict:
    """What a new version of an origin does, given those known.

    named  whether the source has a name for it: without one, only an exact repeat is recognised

    >>> old = Version(5, 1, 0, 1, 1, b"a")
    >>> judge(Version(9, 1, 0, 2, 2, b"b"), [old], named=True)
    Verdict(repeats=None, supersedes=((1, 5),), superseded_by=None)
    """
    known = list(known)
    for old in known:
        if old.content == new.content and (old.version >= new.version or not named):
            return Verdict(old.sequence)
    later = [old for old in known if (old.version, old.status) > (new.version, new.status)]
    if later:
        best = max(later, key=lambda old: (old.version, old.status, old.sequence))
        return Verdict(None, (), best.sequence)
    return Verdict(None, tuple((old.place, old.sequence) for old in known))
