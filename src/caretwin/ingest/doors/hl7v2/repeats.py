"""What was said last under each name, so that the same words in a new message keep their old version.

A gateway that repeats the last cuff pressure every minute sends it in a new message with a new time (MSH-7). It says
nothing new: with the version of the first telling, the record knows it as a duplicate. When this memory is lost (a
restart, an erasure, or too many names), the next telling becomes a new version with the same value: harmless, and one
entry more.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Any

from caretwin.ingest.decoded import CodedValue, Decodable, Decoded
from caretwin.ingest.erasures import Erasures
from caretwin.record.entry import Event

MOST = 200_000
"""Names that are remembered: 72 MB (measured); a day of 2,000 signals that are charted every 15 minutes."""


class Repeats:
    """A bounded memory of what was said under each name."""

    def __init__(self, erasures: Erasures, most: int = MOST) -> None:
        self._erasures, self._most = erasures, most
        self._last: OrderedDict[int, tuple[int, int, int]] = OrderedDict()

    def settle(self, decoded: Decoded) -> Decoded:
        """The same, with the version (and, of a person, the time) of the first telling where nothing new is said."""
        if self._erasures.happened():  # who is erased and told anew is told from now on
            self._last.clear()
        return decoded._replace(parts=tuple(self._part(part) for part in decoded.parts))

    def _part(self, part: Decodable) -> Decodable:
        if not isinstance(part, CodedValue | Event) or not part.source_id:
            return part
        key, said = hash((part.source_id, getattr(part, "device", ""))), hash(_content(part))
        known = self._last.get(key)
        if known is not None and known[1] > part.version:
            return part  # an old telling that comes late: the record knows what to do with it
        if known is not None and known[0] == said:
            same = known[1] == part.version and known[2] == part.effective
            return part if same else replace(part, version=known[1], effective=known[2])
        self._last[key] = (said, part.version, part.effective)
        self._last.move_to_end(key)
        if len(self._last) > self._most:
            self._last.popitem(last=False)
        return part


def _content(part: CodedValue | Event) -> tuple[Any, ...]:
    """What is said, apart from when it was sent; of a person also apart from when the message was made."""
    if isinstance(part, CodedValue):
        said = (part.effective, part.value, part.unit, part.status, repr(part.note))
        return ("value", part.codes, *said)
    when = 0 if part.kind == "person" else part.effective
    return ("event", part.kind, when, part.stop, part.status, repr(part.body))
