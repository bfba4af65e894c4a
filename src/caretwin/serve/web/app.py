"""The application: its routes, each decided by a policy; around them what every request meets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from caretwin import __version__
from caretwin.base.errors import DataError
from caretwin.serve.web.border import Border, Shield
from caretwin.serve.web.identify import cookie_name
from caretwin.serve.web.log import Observed
from caretwin.serve.web.problems import HANDLED, Problem, answer
from caretwin.serve.web.routes import (
    access,
    audit,
    board,
    health,
    mapping,
    pages,
    person,
    quality,
    quarantine,
    session,
    sign_in,
    what_if,
)
from caretwin.serve.web.routing import PUBLIC, Routes, permission_of, undecided
from caretwin.serve.web.served import Served
from caretwin.serve.web.static import Static
from caretwin.serve.web.views.board import BoardNews, Pulse

ROUTES: tuple[Routes, ...] = (
    sign_in.routes, session.routes, access.routes, board.routes, person.routes, what_if.routes, quality.routes,
    mapping.routes, quarantine.routes, audit.routes, health.routes,
)  # fmt: skip
"""Routes of every page, in the order in which they are described."""
TOLD = (BoardNews, Pulse)
"""What events of a stream say: no answer has them, and a client needs their types."""


def make_app(served: Served, more: Sequence[Routes] = (), static: Static | None = None) -> FastAPI:
    """The application of a site.

    more  routes beside ours; static  files of the pages, ours where none are given
    Raises DataError for a route about which no policy decides: such an application does not start.
    """
    app = FastAPI(title="caretwin", version=__version__, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.served, app.state.static = served, static or Static()
    app.router.redirect_slashes = False
    app.router.routes.clear()
    for routes in (*ROUTES, *more, pages.routes):  # pages last: they answer what nobody else does
        app.router.routes.extend(routes.router.routes)
    if open_to_all := undecided(app.routes, served.rules.policies.actions):
        seen = "routes that no policy decides about: " + ", ".join(open_to_all)
        raise DataError("the web application", seen=seen, wanted="a permission of the policies", fix="give them one")
    for kind in HANDLED:
        app.add_exception_handler(kind, answer)
    app.openapi = lambda: described(app)  # type: ignore[method-assign]
    app.add_middleware(Border, settings=served.settings, metrics=served.metrics)
    app.add_middleware(Observed, metrics=served.metrics)
    app.add_middleware(Shield, settings=served.settings)
    return app


def described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once."""
    if app.openapi_schema is None:
        found = get_openapi(
            title="caretwin", version=__version__, routes=app.routes,
            description="Digital twins for care. caretwin advises; it never actuates.",
        )  # fmt: skip
        parts = found.setdefault("components", {})
        schemas = parts.setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema()
        told = [(one, "serialization") for one in TOLD]
        schemas |= models_json_schema(told, ref_template="#/components/schemas/{model}")[1]["$defs"]  # type: ignore[arg-type]
        name = cookie_name(app.state.served.settings)
        parts["securitySchemes"] = {
            "session": {"type": "apiKey", "in": "cookie", "name": name},
            "token": {"type": "http", "scheme": "bearer"},
        }
        for route in app.routes:
            for method in getattr(route, "methods", None) or ():
                said = found["paths"].get(getattr(route, "path", ""), {}).get(method.lower())
                if said is not None:
                    _secure(said, permission_of(route) or "")
        app.openapi_schema = found
    return app.openapi_schema


def _secure(said: dict[str, Any], permission: str) -> None:
    said["x-permission"] = permission
    if permission == "metrics:see":
        said["security"] = [{"session": []}, {"token": []}]
    elif permission != PUBLIC:
        said["security"] = [{"session": []}]
