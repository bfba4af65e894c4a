"""Values that are kept and can never be used: of what, and why; told to who sends them and to who runs the door.

They are no refusals: the message is kept whole and acknowledged. But a sender, and whoever looks after the door, has to
hear that nothing will ever be made of them: a unit that cannot be converted, a value that no body can have, a text
where a number is due, a time that has not come, or one of before the person was born.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from caretwin.ingest.decoded import CodedValue, Decodable
from caretwin.record.bedside import Quality
from caretwin.record.entry import Observation, Status

AHEAD = "a time ahead of its receipt"
"""How the reason of a value begins whose time has not come; by how much it is ahead follows after BY."""
BY = ", by "
LONG_AGO = "a time before 1900, or more than 130 years ago"
UNBORN = "a time before the person's birth"
UNTIMELY = (AHEAD, LONG_AGO, UNBORN)
"""How the reason of a value begins that can not be of its time."""
A_TEXT = "a text where a number is due"
MOST_CAUSES = 200
"""Causes of one door that are counted apart; what is more is counted together (assumed)."""
OTHERS = ("others", "other reasons")


class Unusable(NamedTuple):
    """A value that is kept and can never be used.

    part    place of the part of the message that says it; place  where in the message, for whoever has to find it
    name    what it is: a channel, or the sender's code; said  the value and unit as sent; reason  why
    Its text is fit for answers and logs: no value stands in it.
    """

    part: int
    place: str
    name: str
    said: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"

    @property
    def cause(self) -> str:
        """The reason without what differs from value to value."""
        return self.reason.partition(BY)[0]


def is_unusable(entry: Observation) -> bool:
    """Whether an observation can never be used; what is taken back is none."""
    return entry.quality == Quality.REFUSED and entry.status != Status.RETRACTED


def unusable(number: int, part: Decodable, entry: Observation) -> Unusable:
    """What there is to say of an observation that cannot be used.

    number  place of the part in its message; entry  what was made of it
    """
    note = entry.note or {}
    reason = str(note.get("trouble", "refused for use"))
    if not isinstance(part, CodedValue):
        return Unusable(number, "", entry.code.removeprefix("caretwin|"), str(note.get("sent", "")), reason)
    said = str(note.get("text", "")) if part.value is None else f"{part.value:g} {part.unit}"
    code = part.codes[0] if part.codes else None
    name = entry.code if "|" not in entry.code or code is None else code.display or code.code
    return Unusable(number, part.place, name, said.strip()[:60], reason)


class Cause(NamedTuple):
    """How often values of one name could not be used for one reason, and the last of them."""

    times: int
    last: Unusable


@dataclass
class Tally:
    """What could never be used at a door, by what it is and why; as many kinds as MOST_CAUSES."""

    causes: dict[tuple[str, str], Cause] = field(default_factory=dict)
    last: Unusable | None = None

    def add(self, found: Iterable[Unusable]) -> None:
        """Count these."""
        for one in found:
            key = (one.name, one.cause)
            if key not in self.causes and len(self.causes) >= MOST_CAUSES:
                key = OTHERS
            known = self.causes.get(key)
            self.causes[key] = Cause(1 + (known.times if known else 0), one)
            self.last = one

    def most_common(self) -> list[tuple[str, str, Cause]]:
        """(name, cause, how often and the last) of each, the most frequent first."""
        ordered = sorted(self.causes.items(), key=lambda item: (-item[1].times, item[0]))
        return [(name, cause, count) for (name, cause), count in ordered]
