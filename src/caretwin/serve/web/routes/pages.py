"""The application's pages and files, and the description of what the server answers."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import Response

from caretwin.serve.web.problems import Refusal
from caretwin.serve.web.routing import PUBLIC, Routes
from caretwin.serve.web.static import Static

routes = Routes("pages")


@routes.get("/api/openapi.json", permission=PUBLIC)
def openapi(request: Request) -> dict[str, Any]:
    """The OpenAPI document of this server."""
    found: dict[str, Any] = request.app.openapi()
    return found


@routes.get("/{path:path}", permission=PUBLIC, include_in_schema=False, response_class=Response)
def page(request: Request, path: str) -> Response:
    """A file of the application, or the application itself, which knows its pages."""
    known = {route.path: route.methods for route in request.app.routes if hasattr(route, "methods")}
    if methods := known.get(request.url.path):
        allow = ", ".join(sorted(methods))
        raise Refusal(405, "another method than this address takes", fix=f"use {allow}", headers={"allow": allow})
    static: Static = request.app.state.static
    found = None if path.startswith("api/") else static.response(path, request.headers.get("accept-encoding", ""))
    if found is None:
        raise Refusal(404, "nothing of this name")
    return found
