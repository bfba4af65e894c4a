"""Routes that say what they need: one without a permission cannot be made, and the permission is asked before the
handler runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute

from caretwin.record.accounts import SignInError
from caretwin.serve.access.rules import denied
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.identify import identify
from caretwin.serve.web.problems import Refusal, documented
from caretwin.serve.web.served import Served

F = TypeVar("F", bound=Callable[..., Any])
PUBLIC = "public"
"""The action that is everybody's."""


def served_of(connection: HTTPConnection) -> Served:
    """What the application works with."""
    found: Served = connection.app.state.served
    return found


class Permission:
    """Asks whether who is calling may do ``action`` here at all; about a person it is asked again in the handler
    (:meth:`caretwin.serve.access.rules.Rules.require`), and by the record itself.
    """

    def __init__(self, action: str) -> None:
        self.action = action

    def __call__(self, connection: HTTPConnection) -> None:
        """Raises Refusal (401) for who has not signed in, AccessDeniedError for who may not."""
        served, caller = served_of(connection), None
        if self.action != PUBLIC:
            try:
                caller = identify(served, connection)
            except SignInError as problem:
                served.metrics.refused.labels("session").inc()
                raise Refusal(401, problem.seen, fix=problem.fix, rule="session:valid") from None
        decision = served.rules.decide(caller, self.action)
        if not decision.allow:
            served.metrics.refused.labels("policy").inc()
            if caller is None:
                raise Refusal(401, "nobody has signed in", fix="sign in", rule=decision.rule)
            served.accounts.refuse(caller.account, self.action, decision.rule, decision.reason)
            raise denied(caller, self.action, decision)
        connection.state.caller = caller


async def signed(connection: HTTPConnection) -> Caller:
    """Who asks, as the permission of the route has found."""
    caller: Caller | None = getattr(connection.state, "caller", None)
    if caller is None:
        raise Refusal(401, "nobody has signed in", fix="sign in")
    return caller


async def here(connection: HTTPConnection) -> Served:
    """What the application works with, for a handler."""
    return served_of(connection)


Signed = Annotated[Caller, Depends(signed)]
"""Parameter of a handler: who asks."""
Here = Annotated[Served, Depends(here)]
"""Parameter of a handler: what it works with."""


class Routes:
    """Routes of one page; each with the permission (an action of the policies) that a caller needs for it."""

    def __init__(self, tag: str) -> None:
        self.router = APIRouter(tags=[tag])
        self.permissions: dict[tuple[str, str], str] = {}

    def get(self, path: str, *, permission: str, **more: Any) -> Callable[[F], F]:
        """A route that is asked with GET; ``more`` as for FastAPI."""
        return self._route("GET", path, permission, more)

    def post(self, path: str, *, permission: str, **more: Any) -> Callable[[F], F]:
        """A route that is asked with POST: whatever names a person, for addresses are kept in logs."""
        return self._route("POST", path, permission, more)

    def websocket(self, path: str, *, permission: str) -> Callable[[F], F]:
        """A WebSocket; its handshake is asked for the permission, and for where it comes from."""

        def add(handler: F) -> F:
            self.permissions["WEBSOCKET", path] = permission
            self.router.add_api_websocket_route(path, handler, dependencies=[Depends(Permission(permission))])
            return handler

        return add

    def _route(self, method: str, path: str, permission: str, more: dict[str, Any]) -> Callable[[F], F]:
        def add(handler: F) -> F:
            self.permissions[method, path] = permission
            refusals = (422, 429) if permission == PUBLIC else (401, 403, 422, 429)
            told = documented(*refusals, *((403, 413) if method == "POST" else ())) | more.pop("responses", {})
            asked = [Depends(Permission(permission)), *more.pop("dependencies", ())]
            name = more.pop("operation_id", handler.__name__)
            self.router.add_api_route(
                path, handler, methods=[method], dependencies=asked, responses=told, operation_id=name, **more
            )
            return handler

        return add


def permission_of(route: BaseRoute) -> str | None:
    """The action that a route asks for, None for one that asks for nothing (or is of another kind)."""
    if not isinstance(route, APIRoute | APIWebSocketRoute):
        return None
    asked = [one.call for one in route.dependant.dependencies]
    first = asked[0] if asked else None  # before anything else that a handler depends on
    return first.action if isinstance(first, Permission) else None


def undecided(routes: Iterable[BaseRoute], actions: Iterable[str]) -> list[str]:
    """Routes that no policy decides about: without a permission, or with one that no policy speaks of."""
    known = set(actions)
    return [str(getattr(one, "path", one)) for one in routes if permission_of(one) not in known]
