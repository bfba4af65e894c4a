"""Whether the server lives, whether it is ready, and its figures."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from caretwin.serve.web.routing import PUBLIC, Here, Routes
from caretwin.serve.web.served import Served

routes = Routes("server")
ANSWER_WITHIN_S = 2.0
"""s in which the record has to answer (assumed: who asks for readiness asks every few seconds)."""


class Health(BaseModel):
    """That the process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Whether people can work with it."""

    ready: bool = Field(description="Both of the following.")
    record: bool = Field(description="The record answers.")
    ward: bool = Field(description="The twins live, or there are none to live here.")


@routes.get("/health", permission=PUBLIC)
async def health() -> Health:
    """Whether the process answers."""
    return Health()


@routes.get("/ready", permission=PUBLIC, responses={503: {"model": Ready, "description": "Not ready"}})
async def ready(here: Here, response: Response) -> Ready:
    """Whether the record answers and the ward lives."""
    try:
        await asyncio.wait_for(asyncio.to_thread(here.accounts.revision), ANSWER_WITHIN_S)
        record = True
    except Exception:  # whatever is wrong with it: it does not answer
        record = False
    loop = here.running.loop
    ward = loop is None or (loop.ward is not None and not loop.pulse.trouble)
    found = Ready(ready=record and ward and not here.closing, record=record, ward=ward)
    response.status_code = 200 if found.ready else 503
    return found


@routes.get(
    "/metrics",
    permission="metrics:see",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Figures"}},
)
def metrics(here: Here) -> Response:
    """Figures for Prometheus."""
    _measure(here)
    return Response(here.metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _measure(here: Served) -> None:
    """Figures that are taken when they are asked for."""
    found, running = here.metrics, here.running
    found.sessions.set(len(here.sessions))
    found.sequence.set(running.record.connection().query("SELECT sequence FROM counter")[0][0])
    found.twins.set(len(running.loop.board) if running.loop is not None else 0)
    for name, intake in running.intakes.items():
        found.open.labels(name).set(bool(intake.state.listening))
        for what, count in dict(intake.state.counters).items():
            found.door.labels(name, what).set(count)
