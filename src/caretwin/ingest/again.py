"""A refused message, taken in again after a fix: of the mapping, of the door's settings, or of caretwin."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from caretwin.base.counted import counted
from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.intake import Intake, Outcome

ACCEPTED, DROPPED, REFUSED = "accepted", "dropped", "refused again"
"""How the outcome of a refused message begins: it waits on only where it was refused again."""


class Again(NamedTuple):
    """What became of a message: "accepted: ...", "refused again: ...", or "" where there was no room for it.

    subjects  keys of those whom it is about
    """

    outcome: str
    subjects: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether all of it is in the record."""
        return self.outcome.startswith(ACCEPTED)


async def taken_again(intake: Intake, raw: bytes, media: str) -> Again:
    """Take a message in again, on the loop of the door; it waits in quarantine already, and is not put there anew."""
    door = intake.door
    try:
        slow = getattr(door, "slow", False)
        decoded = await asyncio.to_thread(door.decode, raw, media) if slow else door.decode(raw, media)
    except RefusedError as error:
        return Again(f"{REFUSED}: {error.refusal}")
    result = await intake.accept_decoded(decoded._replace(refused=()))
    if result.result == "busy":
        return Again("")
    subjects = tuple(filter(None, result.receipt.subjects)) if result.receipt else ()
    kept, refused = _kept(result, len(subjects)), decoded.refused + result.refused
    if refused:
        return Again(f"{REFUSED}: {refused[0]} ({len(refused)} parts; of the rest {kept})", subjects)
    settle = getattr(door, "settle", None)
    if settle is not None:
        settle(raw)
    return Again(f"{ACCEPTED}: {kept}", subjects)


def _kept(result: Outcome, entries: int) -> str:
    """How much the record has of it, in words."""
    known = result.receipt.duplicates if result.receipt else 0
    kept = counted(entries - known, "new entry", "new entries") + (f", {known} known already" if known else "")
    if result.unusable:
        kept += f", {len(result.unusable)} of which can never be used ({result.unusable[0]})"
    return kept
