"""The server: requests in, bundles to the record, answers out after the commit (FHIR R4, section 3.1.0)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from caretwin import __version__
from caretwin.base.time import EPOCH
from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.fhir.access import Clients
from caretwin.ingest.doors.fhir.answers import (
    TAKEN,
    answer,
    bundle_response,
    capabilities,
    entry_response,
    outcome,
    status_of,
    trouble,
    warnings,
)
from caretwin.ingest.doors.fhir.bundle import Message, One
from caretwin.ingest.doors.fhir.keep import Kept, Reader, keep
from caretwin.ingest.doors.fhir.strict_json import is_json, refusal
from caretwin.record.access import AccessDeniedError

if TYPE_CHECKING:
    from caretwin.ingest.intake import Intake

BODY_WITHIN_S = 60.0
"""s in which a request has to arrive: one that drips keeps a place that others need."""
RETRY_AFTER_S = 5


class FhirServer:
    """The routes of one door.

    read  makes a message of bytes; most  largest body (bytes)
    """

    def __init__(self, intake: Intake, read: Reader, clients: Clients, most: int) -> None:
        self._intake, self._read, self._clients, self._most = intake, read, clients, most

    def app(self) -> Callable[..., Awaitable[None]]:
        """The application: every request is authorised before anything else is looked at."""
        routes = [
            Route("/fhir", self._bundle, methods=["POST"]),
            Route("/fhir/", self._bundle, methods=["POST"]),
            Route("/fhir/metadata", self._metadata, methods=["GET"]),
            Route("/fhir/{kind}", self._create, methods=["POST"]),
            Route("/fhir/{kind}/{id}", self._update, methods=["PUT"]),
            Route("/fhir/{kind}/{id}", self._delete, methods=["DELETE"]),
        ]
        app = Starlette(routes=routes, exception_handlers={HTTPException: _http, Exception: _failed})
        app.router.redirect_slashes = False

        async def guarded(scope: Any, receive: Any, send: Any) -> None:
            denied = self._denied(Request(scope)) if scope["type"] == "http" else None
            await (denied or app)(scope, receive, send)

        return guarded

    def _denied(self, request: Request) -> Response | None:
        """Why a request is not answered; None where its client proved who it is."""
        counters = self._intake.state.counters
        if "origin" in request.headers:
            counters["denied"] += 1
            return answer(trouble("forbidden", "no page of a browser sends data here"), 403)
        client = self._clients.named(request.headers.get("authorization"))
        if client is None:
            counters["denied"] += 1
            text = "saw no token that is known; wanted Authorization: Bearer TOKEN; fix: ask who runs this door"
            return answer(trouble("login", text), 401, {"www-authenticate": 'Bearer realm="caretwin"'})
        counters[f"client {client}"] += 1
        return None

    async def _metadata(self, request: Request) -> Response:
        return answer(capabilities(__version__))

    async def _bundle(self, request: Request) -> Response:
        return await self._accept(request, "Bundle", "")

    async def _create(self, request: Request) -> Response:
        return await self._accept(request, self._kind(request), "")

    async def _update(self, request: Request) -> Response:
        return await self._accept(request, self._kind(request), request.path_params["id"])

    async def _delete(self, request: Request) -> Response:
        name = f"{self._kind(request)}/{request.path_params['id']}"
        message = self._read.completed(Message((One(name, "DELETE", deleted=True),)), self._intake.clock())
        if message.entries[0].refused is not None:
            return answer(outcome([message.entries[0].refused]), 404)
        self._intake.state.counters["messages"] += 1
        return await self._keep(message, b"", "")

    def _kind(self, request: Request) -> str:
        kind = str(request.path_params["kind"])
        if kind not in TAKEN:
            raise HTTPException(404, "this door does not take that resource; GET /fhir/metadata lists those it does")
        return kind

    async def _accept(self, request: Request, kind: str, id: str) -> Response:
        media = request.headers.get("content-type", "")
        refused = self._unreadable(request, media)
        if refused is not None:
            return refused
        try:
            raw = await asyncio.wait_for(self._body(request), BODY_WITHIN_S)
        except TimeoutError:
            return answer(trouble("timeout", f"saw half a request; wanted all within {BODY_WITHIN_S:g} s"), 408)
        self._intake.state.counters["messages"] += 1
        try:
            message = _addressed(await self._read(raw, self._intake.clock()), kind, id)
        except RefusedError as problem:
            message = Message((One("", refused=problem.refusal),))
        return await self._keep(message, raw, media)

    def _unreadable(self, request: Request, media: str) -> Response | None:
        if not is_json(media) or request.headers.get("content-encoding", "identity") != "identity":
            return answer(trouble("not-supported", "wanted application/fhir+json in UTF-8, not compressed"), 415)
        if not _takes_json(request.headers.get("accept", "*/*")):
            return answer(trouble("not-supported", "the answer is application/fhir+json: accept it"), 406)
        length = request.headers.get("content-length", "0")
        return self._too_long() if length.isdigit() and int(length) > self._most else None

    def _too_long(self) -> Response:
        text = f"saw a larger body; wanted at most {self._most} bytes; fix: send several Bundles"
        return answer(trouble("too-long", text), 413, {"connection": "close"})

    async def _body(self, request: Request) -> bytes:
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > self._most:
                raise HTTPException(413, f"saw a larger body; wanted at most {self._most} bytes")
            parts.append(part)
        return b"".join(parts)

    async def _keep(self, message: Message, raw: bytes, media: str) -> Response:
        try:
            kept = await keep(self._intake, message, raw, media)
        except AccessDeniedError as problem:
            return answer(trouble("forbidden", f"{problem.seen}; {problem.fix}"), 403)
        if kept.busy:
            text = "saw a full queue; nothing was kept; fix: send the same again later"
            return answer(trouble("transient", text), 503, {"retry-after": str(RETRY_AFTER_S)})
        self._read.remember(kept.message)
        return self._answered(kept)

    def _answered(self, kept: Kept) -> Response:
        message, when = kept.message, _iso(self._intake.clock())
        refused = [one.refused for one in message.entries if one.refused is not None]
        if refused and message.bundle in ("", "transaction"):
            several = {status_of(one) for one in refused}
            return answer(outcome(refused), 400 if 400 in several else max(several))
        if message.bundle:
            return answer(bundle_response(message, kept.sequences, when))
        one = message.entries[0]
        said = entry_response(one, kept.sequences[0] if kept.sequences else 0, when)
        status = int(said["status"][:3])
        headers = {"etag": said["etag"]} if "etag" in said else {}
        if status == 204:
            return answer(None, 204, headers)
        headers |= {"location": f"/fhir/{said['location']}"} if "location" in said else {}
        told = "already known" if kept.known else f"{len(one.parts)} kept"
        text = told if one.parts else said["outcome"]["issue"][0]["diagnostics"]
        body = trouble("informational", text, "information")
        body["issue"] += warnings(one)
        return answer(body, status, headers)


def _addressed(message: Message, kind: str, id: str) -> Message:
    """The message, when it is what its address says. Raises RefusedError."""
    if (kind == "Bundle") != bool(message.bundle):
        wanted = "a Bundle at /fhir, and a single resource at /fhir/ITS-TYPE"
        raise refusal("Resource.resourceType", "another resource", wanted, "mend the address", "structure")
    if kind == "Bundle" or message.entries[0].refused is not None:
        return message
    one = message.entries[0]
    if (one.name or f"{one.ignored}/").partition("/")[0] != kind:
        raise refusal("Resource.resourceType", "another resource", kind, "mend the address", "structure")
    if id and one.name != f"{kind}/{id}":
        fix = "write the same id into both"
        raise refusal(f"{kind}.id", "another id than in the address", "the same", fix, "structure")
    return message._replace(entries=(one._replace(method="PUT" if id else "POST"),))


def _takes_json(accept: str) -> bool:
    wanted = [one.partition(";")[0].strip().lower() for one in accept.split(",")]
    return any(one in ("", "*/*", "application/*") or "json" in one for one in wanted)


def _iso(at: int) -> str:
    return (EPOCH + timedelta(microseconds=at)).isoformat(timespec="milliseconds")


async def _http(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    code = {404: "not-found", 405: "not-supported", 413: "too-long"}.get(problem.status_code, "processing")
    return answer(trouble(code, str(problem.detail)), problem.status_code, problem.headers)


async def _failed(request: Request, problem: Exception) -> Response:
    text = f"nothing was kept ({type(problem).__name__}); send it again, and tell who runs this door"
    return answer(trouble("exception", text), 500)
