"""Bringing messages into the record together, and knowing which of them may be acknowledged.

A message is acknowledged when it is in the record or, with the reason, in quarantine. While neither can be had, because
the disk is full or behind, it stays with us, unacknowledged, and is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import chain

from caretwin.ingest.decoded import Decoded, Refusal, RefusedError
from caretwin.ingest.doors.mqtt.inbox import Waiting
from caretwin.ingest.doors.mqtt.media import Arrival, media_of
from caretwin.ingest.intake import Intake
from caretwin.ingest.pauses import BackOff

SOONEST_S, LATEST_S = 0.1, 5.0
"""s before what could not be kept is tried again: doubled from one to the other (assumed)."""
Understand = Callable[[bytes, Arrival], Decoded]


async def keep_together(
    intake: Intake, understand: Understand, messages: Sequence[Waiting], stop: asyncio.Event
) -> list[Waiting]:
    """Keep messages in one commit, those with a refusal each alone; returns those that may be acknowledged."""
    good, alone = list[tuple[Waiting, Decoded]](), list[tuple[Waiting, Decoded]]()
    for message in messages:
        try:
            decoded = understand(message.raw, message.arrival)
        except RefusedError as error:
            decoded = Decoded((), (error.refusal,))
        (alone if decoded.refused else good).append((message, decoded))
    intake.state.counters["messages"] += len(messages)
    if good and not await _together(intake, [decoded for _, decoded in good]):
        alone, good = good + alone, []
    kept = {id(message) for message, _ in good}
    for message, decoded in alone:
        if await _alone(intake, message, decoded, stop):
            kept.add(id(message))
    return [message for message in messages if id(message) in kept]  # acknowledged in the order in which they came


async def _together(intake: Intake, many: Sequence[Decoded]) -> bool:
    """Whether all are in the record."""
    parts = tuple(chain.from_iterable(decoded.parts for decoded in many))
    ignored = dict.fromkeys(chain.from_iterable(decoded.ignored for decoded in many))
    try:
        outcome = await intake.accept_decoded(Decoded(parts, ignored=tuple(ignored)))
    except Exception:  # one of them cannot be written, or none: each alone tells which
        return False
    if outcome.result != "accepted":
        return False
    silent = sum(not decoded.parts for decoded in many)
    intake.state.counters["accepted"] += len(many) - 1
    intake.state.counters["ignored"] += silent - (not parts)
    return True


async def _alone(intake: Intake, message: Waiting, decoded: Decoded, stop: asyncio.Event) -> bool:
    """Whether a message is in the record or in quarantine; False only when it is time to stop."""
    pauses, media = BackOff(SOONEST_S, LATEST_S), media_of(message.arrival)
    while True:
        try:
            outcome = await intake.accept_decoded(decoded, message.raw, media)
            if outcome.result != "busy":
                return True
        except Exception as problem:
            if await _quarantined(intake, message, media, type(problem).__name__):
                return True
            intake.state.trouble = f"the record cannot be written ({type(problem).__name__}): nothing is acknowledged"
        if await pauses.rest(stop):
            return False


async def _quarantined(intake: Intake, message: Waiting, media: str, problem: str) -> bool:
    """Whether what cannot be written as an entry could be put aside."""
    fix = "tell the makers of caretwin: a door should have refused it"
    refusal = Refusal("the message", f"content that the record does not take ({problem})", "entries", fix, "processing")
    try:
        await intake.accept_decoded(Decoded((), (refusal,)), message.raw, media)
    except Exception:
        return False
    return True
