"""What the browser gets about one person. Times are microseconds of UTC since 1970."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from caretwin.serve.channel_groups import Group
from caretwin.serve.web.views.board import BoardPerson, View


class Asked(View):
    """A person who is asked about: in the body, for addresses are kept in logs."""

    subject: str = Field(min_length=1, max_length=64, examples=["p0a1b2c3d4e5"])


class AskedSeries(Asked):
    """Channels within a time; most  points of each that are wanted."""

    channels: list[str] = Field(min_length=1, max_length=60)
    start: int = Field(ge=-(2**53), le=2**53)
    stop: int = Field(ge=-(2**53), le=2**53)
    most: int = Field(default=2000, ge=50, le=20_000)


class AskedOrigin(Asked):
    """A value of a person, by its number in the record."""

    seq: int = Field(ge=1, le=2**53)


class PersonFacts(View):
    """Who it is, as far as a twin needs it."""

    age: float | None
    sex: str | None
    height_cm: float | None
    weight_kg: float | None
    race: str | None
    ethnicity: str | None


class ChannelSpan(View):
    """A channel that this person has."""

    channel: str
    title: str
    unit: str
    kind: Literal["observation", "setting", "infusion"]
    group: Group
    low: float | None = Field(description="below it no living body can be; null where nobody mapped the code")
    high: float | None
    first: int
    last: int
    count: int


class PersonEvent(View):
    """Something that happened."""

    seq: int
    kind: str
    title: str
    at: int
    stop: int | None
    detail: str


class Person(View):
    """Everything that a page about a person begins with."""

    now: int
    row: BoardPerson | None
    person: PersonFacts
    channels: list[ChannelSpan]
    events: list[PersonEvent]


class Series(View):
    """Values of a channel from one source; null where a setting ended; thinned: only the lowest and highest of each
    stretch are here, and all is in the record.
    """

    channel: str
    source: str
    unit: str
    at: list[int]
    value: list[float | None]
    quality: list[int]
    seq: list[int]
    thinned: bool


class SeriesAnswer(View):
    """Series within a time; now  of the site's clock."""

    now: int
    series: list[Series]


class Fan(View):
    """What the twin says of a channel: quantiles by time and level."""

    channel: str
    at: list[int]
    levels: list[float]
    quantiles: list[list[float]]


class SaidBefore(View):
    """What the twin had said, so many hours before, of each of these times: median, and nine in ten."""

    channel: str
    hours: float
    at: list[int]
    low: list[float]
    median: list[float]
    high: list[float]


class Forecasts(View):
    """The last forecast, and earlier ones beside what came; null where the twin has said nothing."""

    said_at: int | None
    fans: list[Fan]
    before: list[SaidBefore]
    wider: float | None
    helps: str
    trouble: str


class Expected(View):
    """What the twin had said of a value before it came."""

    said_at: int
    hours: float
    low: float
    median: float
    high: float
    inside: bool


class TwinUse(View):
    """What the twin did with a value."""

    used: bool
    why: str
    expected: Expected | None


class ValueVersion(View):
    """One version of a value."""

    seq: int
    value: float | None
    effective: int
    received: int
    status: str
    superseded: bool


class Provenance(View):
    """Where a value came from."""

    channel: str
    title: str
    value: float | None
    unit: str
    effective: int
    received: int
    source: str
    sender: str
    message: str
    status: str
    quality: str
    note: dict[str, Any]
    versions: list[ValueVersion]
    twin: TwinUse
