"""The board, and what happens on it: server-sent events that go on where a browser left off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import Header
from sse_starlette import EventSourceResponse, ServerSentEvent

from caretwin.serve.web.caller import Caller
from caretwin.serve.web.routing import Here, Routes, Signed
from caretwin.serve.web.served import Served
from caretwin.serve.web.views.board import Board

PULSE_S = 5.0
"""s between two words about the doors."""
DRAW_S = 0.5
"""s between two looks at the ward."""
PING_S = 15
"""s after which a silent stream says that it lives."""

EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "id": {"type": "string", "description": "picture of the board: send it as Last-Event-ID to go on from it"},
        "event": {"enum": ["board", "pulse", "end"]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "BoardNews of a board, Pulse of a pulse; of an end, why",
        },
    },
}
LastEventId = Annotated[str | None, Header(max_length=40)]

routes = Routes("board")


@routes.get("/api/board", permission="board:see", response_model=Board)
async def get_board(here: Here, caller: Signed) -> Board:
    """Everybody whom the caller may see, with vital signs, early warning score, twin and data."""
    here.view.draw()
    return await asyncio.to_thread(here.view.board, caller)


@routes.get(
    "/api/live",
    permission="board:see",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {"schema": EVENT}}, "description": "What happens, as it does."}},
)
async def follow_board(
    here: Here, caller: Signed, last_event_id: str | None = Header(None, max_length=40)
) -> EventSourceResponse:
    """Rows of the board that changed ("board"), and how the doors are doing ("pulse").

    An id names a picture of the board: a browser that comes back with it gets what is another since.
    """
    return EventSourceResponse(events(here, caller, last_event_id or ""), ping=PING_S)


async def events(here: Served, caller: Caller, have: str) -> AsyncIterator[ServerSentEvent]:
    """What a session is told, until it ends: rows that changed, rows that are gone or no longer theirs, the pulse."""
    view = here.view
    known, told, pulse_in = view.picture.number_in(have), set[str](), 0.0
    if known is not None:
        told = view.visible(caller)  # whoever comes back had those whom they may see
    while here.goes_on(caller.session):
        view.draw()
        visible = view.visible(caller)
        news = view.picture.since(known, visible)
        rows = {*news.rows, *(visible - told if not news.whole else ())}
        gone = {*(told & set(news.gone)), *(told - visible)}
        if rows or gone or known is None:
            await asyncio.to_thread(view.look, caller, rows)
            data = view.news_json(sorted(rows), sorted(gone), whole=news.whole)
            yield ServerSentEvent(data, event="board", id=view.picture.name())
            told = (told | rows) - gone
        known = news.number
        if pulse_in <= 0.0:
            yield ServerSentEvent(view.pulse().model_dump_json(), event="pulse")
            pulse_in = PULSE_S
        await asyncio.sleep(DRAW_S)
        pulse_in -= DRAW_S
    yield ServerSentEvent(orjson.dumps({"reason": "the session is over"}).decode(), event="end")
