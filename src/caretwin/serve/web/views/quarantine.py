"""Refused messages, as the browser gets them. Times are microseconds of UTC since 1970."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from caretwin.record.accounts import LONGEST_REASON
from caretwin.serve.web.fields import Text
from caretwin.serve.web.views.board import View

MOST_AT_ONCE = 100
"""Messages that are replayed or dismissed at once (assumed)."""
Number = Annotated[int, Field(ge=1, le=2**53, description="Of a refused message.")]


class RefusedMessage(View):
    """A message that a door refused, without its text."""

    number: int
    door: str
    received: int
    last: int = Field(description="When it came last.")
    times: int = Field(description="How often it came.")
    size: int = Field(description="bytes")
    reason: str
    state: Literal["waiting", "accepted", "dropped"]
    outcome: str = Field(description='What became of it, in words; "": nobody has tried it again.')


class Quarantine(View):
    """Refused messages: those that wait first, of both the newest first; more: how many there are beyond these."""

    now: int
    messages: list[RefusedMessage]
    waiting: int
    more: int


class AskedMessage(BaseModel):
    """Which refused message."""

    number: Number


class MessageText(View):
    """A refused message as it came."""

    number: int
    media: str = Field(description="What its door knows of it beside its bytes.")
    text: str | None = Field(description="null: it is no text.")
    cut: bool = Field(description="Only its beginning is told.")


class AskedReplay(BaseModel):
    """Which refused messages to take in again."""

    numbers: list[Number] = Field(min_length=1, max_length=MOST_AT_ONCE)


class AskedDismissal(AskedReplay):
    """Which refused messages nobody wants, and why."""

    reason: Text = Field(min_length=1, max_length=LONGEST_REASON, pattern=r"\S")


class Resolved(View):
    """What became of a message."""

    number: int
    accepted: bool
    outcome: str


class Resolutions(View):
    """What became of messages, in the order in which they were named."""

    messages: list[Resolved]
