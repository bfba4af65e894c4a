"""What was asked, in one line of JSON each: routes and ids, never an address, a name, a number or a free text."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from caretwin.base.time import EPOCH
from caretwin.serve.web.metrics import Metrics
from caretwin.serve.web.problems import refusal_of

LOG = logging.getLogger("caretwin.web")
SWITCHED = 101
"""Status of a WebSocket that was opened."""
KEPT = ("event", "method", "route", "status", "ms", "account", "session", "problem")
"""All that a line can have: what is not named here is not written, whoever passes it."""


class JsonLines(logging.Formatter):
    """One JSON object a line, with the time in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record; the message is the event, a fixed word."""
        at = (EPOCH + timedelta(seconds=record.created)).isoformat(timespec="milliseconds")
        told = {"at": at, "level": record.levelname.lower(), "event": record.msg}
        told |= {name: record.__dict__[name] for name in KEPT if name in record.__dict__}
        return orjson.dumps(told).decode()


class Observed:
    """Counts and logs every answer, by the route and not by the address."""

    def __init__(self, app: ASGIApp, metrics: Metrics, timer: Callable[[], float] = time.perf_counter) -> None:
        self._app, self._metrics, self._timer = app, metrics, timer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note what became of it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        begun, started = self._timer(), False

        async def noted(message: Message) -> None:
            nonlocal started
            if message["type"] in ("http.response.start", "websocket.http.response.start", "websocket.accept"):
                started = True
                self._note(scope, int(message.get("status", SWITCHED)), self._timer() - begun)
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as problem:  # told by its kind alone: its text may be of a person
            LOG.error("failed", extra={"route": _route(scope), "problem": type(problem).__name__})
            if scope["type"] == "http" and not started:
                await refusal_of(problem).response()(scope, receive, noted)
            elif not started:
                await send({"type": "websocket.close", "code": 1011, "reason": "failed"})

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route, method = _route(scope), scope.get("method", "WEBSOCKET")
        method = method if method in ("GET", "HEAD", "POST", "WEBSOCKET") else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        caller = scope.get("state", {}).get("caller")
        who = {"account": caller.account, "session": caller.session} if caller is not None else {}
        said = {"method": method, "route": route, "status": status, "ms": round(seconds * 1e3, 1), **who}
        LOG.info("answered", extra=said)


def _route(scope: Scope) -> str:
    """The route as it is written in the program; what matches none may be anything, and is not told."""
    return str(getattr(scope.get("route"), "path", "none"))
