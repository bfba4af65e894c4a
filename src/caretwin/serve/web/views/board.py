"""The board as the browser gets it: a row for each person. Times are microseconds of UTC since 1970."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class View(BaseModel):
    """A part of an answer; nothing is in it that is not named here."""

    model_config = {"extra": "forbid", "frozen": True}


class ScorePart(View):
    """One part of the early warning score: the least and the most that it can be; score where they are one."""

    channel: str
    score: int | None
    low: int
    high: int


class ScoreThen(View):
    """What the score could have been so many hours ago."""

    from_low: int
    from_high: int
    hours: float


class WarningScore(View):
    """NEWS2 (Royal College of Physicians, 2017) as a range: what was not measured is not normal."""

    low: int
    high: int
    complete: bool
    single_three: bool = Field(description="one part alone surely has three points")
    parts: list[ScorePart]
    changed: ScoreThen | None = Field(description="what it was hours ago, where that was another")


class Ahead(View):
    """What the twin expects: the median, and where it lies nine times in ten."""

    at: int
    low: float
    median: float
    high: float


class VitalSign(View):
    """The last value of a channel, its way to here, and what comes next."""

    channel: str
    unit: str
    value: float
    at: int
    stale: bool = Field(description="older than can be expected of this channel")
    trend: list[tuple[int, float]]
    ahead: Ahead | None


class SettingsNow(View):
    """What is set; null where nothing was charted."""

    mode: str | None
    fio2: float | None
    norepinephrine: float | None = Field(description="ug/kg/min")


class TwinState(View):
    """Whether the twin lives, and up to when it knows its person."""

    state: Literal["live", "replaying", "none", "ended", "trouble"]
    at: int | None
    trouble: str


class DataDoubt(View):
    """How far a forecast can be trusted for its data."""

    score: float = Field(description="quality of the data, 0 to 1")
    reason: str
    wider: float = Field(description="how much wider the forecast is than with all stale channels measured now")
    helps: str = Field(description="measurement that would narrow it most, empty for none")
    narrower: float


class BoardPerson(View):
    """One person of the board."""

    subject: str
    number: str | None
    unit: str | None
    place: str | None
    age: float | None
    sex: str | None
    since: int | None
    left: int | None
    heard: int | None
    news2: WarningScore | None
    vitals: list[VitalSign]
    settings: SettingsNow
    twin: TwinState
    doubt: DataDoubt | None
    surprises: list[str]
    recommendations: int


class Unit(View):
    """A unit with the beds in which somebody lies."""

    name: str
    beds: list[str]


class Board(View):
    """Everybody whom the caller may see; ``seq`` numbers the picture."""

    now: int
    seq: int
    rows: list[BoardPerson]
    units: list[Unit]


class BoardNews(View):
    """What changed since a picture: rows that are another, and subjects that are no longer there.

    This is the data of the event "board" of /api/live.
    """

    now: int
    seq: int
    gone: list[str]
    whole: bool = Field(description="rows are everything: drop what you have")
    rows: list[BoardPerson]


class DoorPulse(View):
    """How a door is doing."""

    name: str
    listening: str
    trouble: str
    age_s: float | None = Field(description="s since the last message, null for none yet")


class Pulse(View):
    """How the site is doing."""

    now: int
    seq: int
    doors: list[DoorPulse]
    trouble: str
