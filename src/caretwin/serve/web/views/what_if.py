"""Futures under other settings, as the browser gets them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from caretwin.decide.what_if import MOST
from caretwin.serve.web.views.board import View
from caretwin.serve.web.views.person import Asked


class AskedFutures(Asked):
    """Plans that are to be compared with no change: each a setting by its name."""

    plans: list[dict[str, float]] = Field(max_length=MOST, examples=[[{"peep": 12.0}, {"norepinephrine": 0.1}]])


class Control(View):
    """Something that can be tried: shown = value * scale, in unit."""

    name: str
    label: str
    unit: str
    scale: float
    low: float
    high: float
    now: float
    group: Literal["ventilator", "drug", "fluid"]


class ReadingBand(View):
    """A reading over time: quantiles [minute][level], and those of the paired difference from no change."""

    name: str
    label: str
    unit: str
    digits: int
    bands: list[list[float]]
    difference: list[list[float]]


class LimitChance(View):
    """How probable it is that a limit is broken within half an hour."""

    name: str
    label: str
    chance: float
    hard: bool


class PlanFuture(View):
    """What a plan would bring; refused: why this person's data cannot speak for it."""

    change: dict[str, float]
    words: str
    refused: list[str]
    readings: list[ReadingBand]
    limits: list[LimitChance]


class Futures(View):
    """No change first, then the plans as asked; doubts: why advice from this twin would be held back."""

    now: int
    minutes: list[float]
    levels: list[float]
    controls: list[Control]
    plans: list[PlanFuture]
    doubts: list[str]
