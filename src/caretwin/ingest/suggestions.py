"""Which channels a code that nobody mapped may mean: by its name, and by the unit in which its values come.

They are shown to a person who decides; nothing is mapped by likeness.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import NamedTuple

from caretwin.base.errors import UnitError
from caretwin.base.units import parse
from caretwin.ingest.meanings import bare, nearest, readable
from caretwin.record.vocabulary import vocabulary

MOST = 3
"""Channels that are suggested for one code (assumed)."""
ALIKE = 0.6
"""Likeness (difflib) from which a channel is worth suggesting to a person (assumed)."""
CONTAINED, LONG_ENOUGH = 0.8, 5
"""Likeness of a name that has a channel's whole name in it ("Blood glucose level"), and how many letters that must
have, lest it is chance (assumed)."""
REMEMBERED = 2_000
"""Codes of which the answer is remembered: a page asks for the same ones again and again (assumed)."""


class Suggestion(NamedTuple):
    """A channel that may be meant; likeness  of its name, 0 to 1; fits  whether the unit is known to be of its kind."""

    channel: str
    likeness: float
    fits: bool


@lru_cache(REMEMBERED)
def suggested(code: str, display: str, unit: str) -> tuple[Suggestion, ...]:
    """The nearest channels of the vocabulary, the nearest first; none where nothing is near.

    A channel of another kind of unit is left out, as long as the unit can be read at all.

    >>> [one.channel for one in suggested("BZ", "Blood glucose level", "mmol/L")]
    ['glucose']
    """
    names = [one for one in (display, code) if bare(one)]
    known, can_read = {nearest(one) for one in names}, _can_read(unit)
    found = []
    for channel in vocabulary():
        likeness = 1.0 if channel in known else max((_alike(one, channel) for one in names), default=0.0)
        fits = can_read and likeness >= ALIKE and _is_of(unit, channel)
        if likeness >= ALIKE and (fits or not (can_read and unit)):
            found.append(Suggestion(channel, round(likeness, 2), fits))
    return tuple(sorted(found, key=lambda one: (-one.likeness, not one.fits, one.channel))[:MOST])


def _alike(name: str, channel: str) -> float:
    """How alike a name and a channel are, in the letters and digits of both."""
    one, other = bare(name), bare(channel)
    inside = CONTAINED if len(other) >= LONG_ENOUGH and other in one else 0.0
    return max(inside, difflib.SequenceMatcher(None, one, other).ratio())


def _can_read(unit: str) -> bool:
    try:
        parse(unit)
    except UnitError:
        return False
    return True


def _is_of(unit: str, channel: str) -> bool:
    try:
        readable(unit, vocabulary()[channel])
    except UnitError:
        return False
    return True
