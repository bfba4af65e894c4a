"""Refused messages: seen, read by who may, taken in again after a fix, or dismissed with a reason."""

from __future__ import annotations

import asyncio

from caretwin.ingest.again import DROPPED, taken_again
from caretwin.record.store import keep
from caretwin.record.store.keep import Quarantined
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.problems import documented
from caretwin.serve.web.quarantine_answers import message_text, quarantine_of, resolve, waiting
from caretwin.serve.web.routes.mapping import EDIT
from caretwin.serve.web.routes.quality import SEARCH, SEE
from caretwin.serve.web.routing import Here, Routes, Signed
from caretwin.serve.web.served import Served
from caretwin.serve.web.views.quarantine import (
    AskedDismissal,
    AskedMessage,
    AskedReplay,
    MessageText,
    Quarantine,
    Resolutions,
    Resolved,
)

NO_ROOM = "not tried: the disk is busy"
NO_DOOR = "not tried: this site has no door of this name"

routes = Routes("quality")


@routes.get("/api/quarantine", permission=SEE, response_model=Quarantine)
async def get_quarantine(here: Here) -> Quarantine:
    """Messages that were refused: why, how often they came, and what became of them; never what they say."""

    def found() -> Quarantine:
        record = here.running.record
        return quarantine_of(keep.quarantined(record.connection(), waiting=False), here.running.clock())

    return await asyncio.to_thread(found)


@routes.post("/api/quarantine/message", permission=SEARCH, response_model=MessageText, responses=documented(404))
async def read_message(here: Here, caller: Signed, asked: AskedMessage) -> MessageText:
    """A refused message as it came, for who may see everybody whom it is known to be about."""
    return await asyncio.to_thread(message_text, here, caller, asked.number)


@routes.post("/api/quarantine/replay", permission=EDIT, response_model=Resolutions, responses=documented(404, 409))
async def replay_messages(here: Here, caller: Signed, asked: AskedReplay) -> Resolutions:
    """Take messages in again, one after the other, by their doors as they are now."""
    messages = await asyncio.to_thread(waiting, here, asked.numbers)
    return Resolutions(messages=[await _again(here, caller, one) for one in messages])


async def _again(here: Served, caller: Caller, one: Quarantined) -> Resolved:
    intake = here.running.intakes.get(one.door)
    if intake is None:
        return Resolved(number=one.number, accepted=False, outcome=NO_DOOR)
    raw = await asyncio.to_thread(lambda: keep.message(here.running.record.connection(), one.number))
    found = await taken_again(intake, raw, one.media)
    if not found.outcome:
        return Resolved(number=one.number, accepted=False, outcome=NO_ROOM)
    return await asyncio.to_thread(resolve, here, caller, one.number, *found)


@routes.post("/api/quarantine/dismiss", permission=EDIT, response_model=Resolutions, responses=documented(404, 409))
async def dismiss_messages(here: Here, caller: Signed, asked: AskedDismissal) -> Resolutions:
    """Say of messages that nobody wants them, and why."""

    def done() -> Resolutions:
        outcome = f"{DROPPED}: {asked.reason.strip()}"
        found = [resolve(here, caller, one.number, outcome) for one in waiting(here, asked.numbers)]
        return Resolutions(messages=found)

    return await asyncio.to_thread(done)
