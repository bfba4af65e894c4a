"""Recommendations, as the browser gets them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from caretwin.review.recommendations import LONGEST_REASON
from caretwin.serve.web.views.board import View
from caretwin.serve.web.views.person import Asked


class AskedProposal(Asked):
    """A plan that is proposed for review; reason: why, in the words of whoever proposes it."""

    change: dict[str, float] = Field(min_length=1, max_length=12)
    reason: str = Field(default="", max_length=LONGEST_REASON)


class AskedReview(Asked):
    """A decision; reason: why, wanted unless it is accepted; words: to what it was changed."""

    seq: int = Field(ge=1, le=2**53)
    verdict: Literal["accepted", "changed", "rejected"]
    reason: str = Field(default="", max_length=LONGEST_REASON)
    words: str = Field(default="", max_length=LONGEST_REASON)


class ShownForetold(View):
    """A reading that was foretold: nine in ten and median with the plan, the median without; and what was charted."""

    label: str
    unit: str
    minute: float
    low: float
    median: float
    high: float
    unchanged: float
    came: float | None
    inside: bool | None


class ShownLimit(View):
    """The chance of breaking a limit, with the plan and without."""

    label: str
    planned: float
    unchanged: float


class ShownReview(View):
    """What a person decided."""

    at: int
    by: str
    role: str
    verdict: Literal["accepted", "changed", "rejected"]
    reason: str
    words: str


class ShownRecommendation(View):
    """A recommendation: what was proposed, by whom, where it stands, and what came of it."""

    seq: int
    subject: str
    at: int
    by: str
    role: str
    state: Literal["waiting", "accepted", "changed", "rejected", "lapsed"]
    question: str
    words: str
    reason: str
    change: dict[str, float]
    foretold: list[ShownForetold]
    limits: list[ShownLimit]
    doubts: list[str]
    model: str
    review: ShownReview | None
    done: dict[str, bool | None] = Field(description="whether each setting was charted as proposed; null: not charted")


class Queue(View):
    """Recommendations: those that wait first, then the newest."""

    now: int
    recommendations: list[ShownRecommendation]
