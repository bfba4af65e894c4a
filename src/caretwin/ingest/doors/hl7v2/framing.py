"""MLLP frames: a start block (0x0B), a message, an end block (0x1C) and a carriage return.

However a network cuts or joins them; what stands between frames is passed over. Source: HL7 implementation guide
"Transport specification: MLLP, release 1", section 2; v2.5.1 appendix C.
"""

from __future__ import annotations

from typing import NamedTuple

START, END = b"\x0b", b"\x1c"
TAIL = b"\x1c\x0d"
MOST_BYTES = 16 * 1024 * 1024
"""Bytes of a message: a report with an embedded document has a few million (assumed)."""


class Frame(NamedTuple):
    """A message as it stood between its blocks, or the beginning of one that was too long."""

    raw: bytes
    too_long: bool = False


class Framer:
    """Finds frames in what arrives, in time proportional to it.

    most     bytes of a message; more are dropped, and told as one frame that was too long
    garbage  bytes that stood outside of frames; broken  frames that another one interrupted
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most = most
        self.garbage = self.broken = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._inside = False

    @property
    def inside(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._inside

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that are complete with this piece."""
        found: list[Frame] = []
        at = 0
        while at < len(chunk):
            at = self._within(chunk, at, found) if self._inside else self._outside(chunk, at)
        return found

    def _outside(self, chunk: bytes, at: int) -> int:
        start = chunk.find(START, at)
        between = chunk[at:] if start < 0 else chunk[at:start]
        self.garbage += len(between.strip(b"\r\n"))
        if start < 0:
            return len(chunk)
        self._inside, self._parts, self._size = True, [], 0
        return start + 1

    def _within(self, chunk: bytes, at: int, found: list[Frame]) -> int:
        end = chunk.find(END, at)
        stop = len(chunk) if end < 0 else end
        again = chunk.find(START, at, stop)
        if again >= 0:  # the sender began anew: what it had begun was never acknowledged, and comes again
            self.broken += 1
            self._parts, self._size = [], 0
            return again + 1
        self._keep(chunk[at:stop])
        if end < 0:
            return len(chunk)
        found.append(Frame(b"".join(self._parts), self._size > self.most))
        self._inside, self._parts, self._size = False, [], 0
        return end + 1

    def _keep(self, piece: bytes) -> None:
        room = self.most - self._size
        self._size += len(piece)
        if room > 0:
            self._parts.append(piece[:room])


def framed(message: bytes) -> bytes:
    """A message in its blocks."""
    return START + message + TAIL
