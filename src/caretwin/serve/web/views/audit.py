"""The audit trail, as the browser gets it. Times are microseconds of UTC since 1970."""

from __future__ import annotations

from pydantic import BaseModel, Field

from caretwin.serve.web.fields import SubjectKey, Text
from caretwin.serve.web.views.board import View

MOST_ROWS = 500
"""Rows that are told at once (assumed)."""
USUAL_ROWS = 100
LATEST = 2**53


class AuditRow(View):
    """One thing that somebody did, or was refused."""

    n: int = Field(description="Its number in the trail.")
    at: int
    actor: str
    name: str | None = Field(description="Of the account that did it, or in whose name it was done.")
    action: str
    subjects: list[str] = Field(description="Keys of whom it is about; empty: of nobody, or of the record.")
    allowed: bool
    rule: str
    detail: str
    flagged: bool = Field(description="By leave to look at somebody who was not theirs (break-glass).")


class Chain(View):
    """Whether the trail is as it was written: each row holds the digest of the one before."""

    whole: bool
    trouble: str = Field(description='What is wrong with the first bad row; "": nothing is.')
    rows: int
    checked: int = Field(description="When all of it was looked through.")


class AuditPage(View):
    """Rows, the newest first; before: number to ask for the next page with, null where there is no more."""

    now: int
    rows: list[AuditRow]
    before: int | None
    chain: Chain


class AskedAudit(BaseModel):
    """Which rows; what is left out fits all."""

    account: Text = Field(
        default="", max_length=120, description="Key of an account, or a part of what the trail calls it."
    )
    subject: SubjectKey | None = None
    action: Text = Field(default="", max_length=60)
    allowed: bool | None = Field(default=None, description="Only what was allowed, or only what was refused.")
    flagged: bool = Field(default=False, description="Only what leave to look made possible.")
    start: int | None = Field(default=None, ge=0, le=LATEST)
    stop: int | None = Field(default=None, ge=0, le=LATEST, description="Not within.")
    before: int | None = Field(default=None, ge=1, le=LATEST, description="Rows before this number: the next page.")
    most: int = Field(default=USUAL_ROWS, ge=1, le=MOST_ROWS)
