"""Routes that say what they need: one without a permission cannot be made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter

F = TypeVar("F", bound=Callable[..., Any])


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

    def _route(self, method: str, path: str, permission: str, more: dict[str, Any]) -> Callable[[F], F]:
        def add(handler: F) -> F:
            self.permissions[method, path] = permission
            self.router.add_api_route(path, handler, methods=[method], **more)
            return handler

        return add
