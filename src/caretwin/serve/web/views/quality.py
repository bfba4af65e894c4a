"""How data come in, as the browser gets it. Times are microseconds of UTC since 1970."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from caretwin.serve.web.views.board import View


class Count(View):
    """Something that a door counts since the site was started: its name, and what that is in words."""

    name: str
    words: str
    count: int


class NeverUsed(View):
    """Values of one name that were kept and can never be used."""

    name: str = Field(description="A channel, or the sender's code.")
    times: int
    example: str | None = Field(description="The last as it was sent; null for who may not look through the record.")


class Unusable(View):
    """Why values can never be used, and which those are, the most frequent first."""

    reason: str
    times: int
    values: list[NeverUsed]


class LastMessage(View):
    """A message in one line, without identifiers."""

    at: int
    words: str


class DoorQuality(View):
    """A door: what it is, how it is doing, and what came of what it took in."""

    name: str
    kind: str
    title: str
    tier: Literal["field", "peer", "loopback"]
    tested: str = Field(description="How well it is tested, in words.")
    listening: str = Field(description='Where it can be reached, or what it is connected to; "": neither.')
    remark: str = Field(description="What the door says of how it is reached, such as where its token is.")
    trouble: str = Field(description="The last thing that went wrong, in words; no value stands in it.")
    age_s: float | None = Field(description="s since the last message; null: none came since the start")
    reconnects: int
    busy: int = Field(description="Messages that had to be sent again because the disk was busy.")
    counters: list[Count]
    unusable: list[Unusable]
    last: list[LastMessage] | None = Field(description="The newest last; null for who may not look through the record.")


class Doors(View):
    """All doors of the site."""

    now: int
    doors: list[DoorQuality]


class Suggested(View):
    """A channel that a code may mean; for a person to decide."""

    channel: str
    title: str
    unit: str = Field(description="UCUM, of the channel.")
    likeness: float = Field(description="Of the names, 0 to 1.")
    fits: bool = Field(description="The unit in which the values come is known to be of the channel's kind.")


class UnmappedCode(View):
    """A code that came in and that no mapping knows."""

    door: str
    system: str
    code: str
    unit: str = Field(description="As sent.")
    display: str
    times: int
    first: int
    last: int
    example: str | None = Field(description="A value as sent; null for who may not look through the record.")
    suggestions: list[Suggested]


class UnmappedCodes(View):
    """Codes that nobody mapped, the most frequent first; more: how many there are beyond these."""

    now: int
    codes: list[UnmappedCode]
    more: int


class VocabularyTerm(View):
    """A channel: what a code can mean."""

    channel: str
    title: str
    unit: str = Field(description='UCUM; "1": a pure number.')
    low: float = Field(description="Below it a value is an artefact, or in a wrong unit.")
    high: float = Field(description="Above it, likewise.")
    kind: Literal["observation", "setting", "infusion"]
    group: Literal["vital", "laboratory", "ventilator", "drug", "other"]
    about: Literal["person", "place"]


class Vocabulary(View):
    """All channels, in the order of their names."""

    terms: list[VocabularyTerm]
