"""A message as segments and fields: split once, read where it is asked for.

A lean splitter of our own, because it stands in the way of every value; in the tests an independent library splits
the same messages. Source: HL7 v2.5.1 chapter 2, sections 2.5 (message construction) and 2.7 (delimiters).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from caretwin.ingest.decoded import Refusal, RefusedError
from caretwin.ingest.doors.hl7v2.text import read_text, unescape

_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
NULL = '""'
"""A field that says that there is nothing (HL7 v2.5.1, 2.5.3), unlike one that says nothing."""


class Marks(NamedTuple):
    """The delimiters of a message (MSH-1, MSH-2)."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    def read(self, text: str) -> str:
        """An escaped text as it was meant."""
        if not self.escape or self.escape not in text:
            return text
        return unescape(text, self.escape, self.field + self.component + self.subcomponent + self.repetition)


class Segment:
    """A segment: its name, which of that name it is (1 is the first), and its fields as they were sent."""

    __slots__ = ("fields", "marks", "name", "number")

    def __init__(self, name: str, number: int, fields: list[str], marks: Marks) -> None:
        self.name, self.number, self.fields, self.marks = name, number, fields, marks

    def raw(self, position: int) -> str:
        """A field as it was sent; "" where there is none."""
        return self.fields[position] if position < len(self.fields) else ""

    def place(self, position: int) -> str:
        """Where a field stands, such as ``OBX[2]-5``."""
        return f"{self.name}[{self.number}]-{position}"

    def repetitions(self, position: int) -> list[str]:
        """The repetitions of a field that say something, as they were sent."""
        raw = self.raw(position)
        return [one for one in raw.split(self.marks.repetition) if one.strip()] if raw else []

    def text(self, position: int, component: int = 1, subcomponent: int = 1) -> str:
        """A part of a field's first repetition, as it was meant; "" where nothing is said, or nothing is there."""
        raw = self.raw(position)
        if not raw:
            return ""
        return self.part(raw.split(self.marks.repetition, 1)[0], component, subcomponent)

    def part(self, repetition: str, component: int = 1, subcomponent: int = 1) -> str:
        """A part of one repetition, as it was meant."""
        found = _nth(_nth(repetition, self.marks.component, component), self.marks.subcomponent, subcomponent)
        found = self.marks.read(found).strip()
        return "" if found == NULL else found

    def whole(self, repetition: str) -> str:
        """One repetition of a field that is a single text, whatever delimiters it holds."""
        return self.marks.read(repetition).strip()


@dataclass(frozen=True, slots=True)
class Message:
    """A message, split.

    encoding  character set it came in; note  what to say about that, or about its form
    """

    marks: Marks
    segments: tuple[Segment, ...]
    encoding: str = "utf-8"
    note: str = ""
    _by_name: dict[str, list[Segment]] = field(default_factory=dict, repr=False)

    @property
    def header(self) -> Segment:
        """MSH: the first segment."""
        return self.segments[0]

    def all(self, name: str) -> list[Segment]:
        """Segments of a name, in order."""
        if not self._by_name:
            for one in self.segments:
                self._by_name.setdefault(one.name, []).append(one)
        return self._by_name.get(name, [])

    def first(self, name: str) -> Segment:
        """The first segment of a name; an empty one where there is none."""
        found = self.all(name)
        return found[0] if found else Segment(name, 1, [name], self.marks)


def split(raw: bytes) -> Message:
    """Split a message.

    Raises RefusedError when it does not begin with a readable MSH, or holds several messages.
    """
    text, encoding, note = read_text(raw)
    text = text.strip(" \r\t\ufeff")
    marks = _marks(text)
    segments = tuple(_segments(text, marks))
    if any(one.name in ("MSH", "BHS", "FHS") for one in segments[1:]):
        raise _refused("several messages in one", "one message in each frame", "let the sender frame each message")
    return Message(marks, segments, encoding, note)


def _marks(text: str) -> Marks:
    """The delimiters. A sign that is given twice counts once: some senders escape the escape character."""
    if not text.startswith("MSH"):
        raise _refused("a message that does not begin with MSH", "MSH|^~\\&|...", "look at what the sender sends")
    separator = text[3:4]
    end = text.find(separator, 4) if separator else -1
    signs = "".join(dict.fromkeys(text[4 : end if end > 0 else 4].split("\r", 1)[0]))
    if not separator or separator.isalnum() or separator in "\r " or not signs:
        raise _refused("MSH without delimiters", "MSH|^~\\&|...", "look at MSH-1 and MSH-2 of the sender")
    if len(signs) > 8 or separator in signs or any(sign.isalnum() or sign.isspace() for sign in signs):
        raise _refused("delimiters that cannot be any", "MSH|^~\\&|...", "look at MSH-1 and MSH-2 of the sender")
    component, repetition, escape, subcomponent = (signs[i : i + 1] for i in range(4))
    return Marks(separator, component, repetition or "~", escape, subcomponent or "&")


def _segments(text: str, marks: Marks) -> Iterator[Segment]:
    numbers: dict[str, int] = {}
    for line in _lines(text, marks.field):
        fields = line.split(marks.field)
        name = fields[0]
        numbers[name] = numbers.get(name, 0) + 1
        if name == "MSH":
            fields.insert(1, marks.field)  # MSH-1 is the separator itself
        yield Segment(name, numbers[name], fields, marks)


def _lines(text: str, separator: str) -> Iterator[str]:
    """Lines that are segments; one that is none continues a text that the sender broke."""
    held: list[str] = []
    for line in text.split("\r"):
        if not line.strip():
            continue
        starts = _NAME.match(line) and (len(line) == 3 or line[3] == separator)
        if starts and held:
            yield "\n".join(held)
            held = []
        held.append(line)
    if held:
        yield "\n".join(held)


def _nth(text: str, mark: str, number: int) -> str:
    if not mark or mark not in text:
        return text if number == 1 else ""
    parts = text.split(mark, number)
    return parts[number - 1] if number <= len(parts) else ""


def _refused(seen: str, wanted: str, fix: str) -> RefusedError:
    return RefusedError(Refusal("MSH", seen, wanted, fix, "structure"))
