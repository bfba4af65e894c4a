"""Why something was not answered: problem details (RFC 9457) with the reason and the rule, never with what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket

from caretwin.base.errors import CaretwinError
from caretwin.record.access import AccessDeniedError
from caretwin.record.accounts import SignInError

MEDIA = "application/problem+json"
POLICY_VIOLATION = 1008
"""Code with which a WebSocket is closed that may not be opened (RFC 6455, 7.4.1)."""


class Problem(BaseModel):
    """Why a request was not answered (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field("about:blank", description="Kind of problem; about:blank: what the status says.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    reason: str = Field(description="What was seen that is not right.")
    detail: str = Field("", description="What can be done about it.")
    rule: str = Field("", description="Policy or limit that decided; empty where none did.")


class Refusal(Exception):
    """A request that is not answered, and why.

    status  of HTTP; reason  what was seen; fix  what can be done; rule  policy or limit that decided
    more    members of the problem beyond these; headers  of the answer
    """

    def __init__(
        self, status: int, reason: str, *, fix: str = "", rule: str = "", headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(status, reason)
        self.status, self.reason, self.fix, self.rule = status, reason, fix, rule
        self.headers, self.more = dict(headers or {}), more

    def response(self) -> Response:
        """As an answer."""
        title = HTTPStatus(self.status).phrase
        told = Problem(
            title=title, status=self.status, reason=self.reason, detail=self.fix, rule=self.rule, **self.more
        )
        return Response(orjson.dumps(told.model_dump()), self.status, self.headers, MEDIA)


def refusal_of(problem: Exception) -> Refusal:
    """What is told of an error; of one that nobody foresaw only that there was one."""
    match problem:
        case Refusal():
            return problem
        case AccessDeniedError():
            return Refusal(403, problem.seen, fix=problem.fix, rule=problem.rule)
        case SignInError():
            return Refusal(401, problem.seen, fix=problem.fix)
        case CaretwinError():
            return Refusal(422, f"{problem.where}: {problem.seen}; wanted {problem.wanted}", fix=problem.fix)
        case RequestValidationError() | WebSocketRequestValidationError():
            return Refusal(422, _invalid(problem.errors()), fix="send what the OpenAPI document describes")
        case HTTPException():
            headers = {} if problem.headers is None else dict(problem.headers)
            return Refusal(problem.status_code, str(problem.detail), headers=headers)
    return Refusal(500, "something went wrong here; nothing is known of it to the outside", fix="try again")


def _invalid(errors: Any) -> str:
    """Where a request is not valid, and how; not what stood there, which may be of a person."""
    told = [f"{'.'.join(str(part) for part in one['loc'])}: {one['type']}" for one in errors]
    return "; ".join(told[:10])


async def answer(connection: HTTPConnection, problem: Exception) -> Response:
    """Handler of all errors, of requests and of WebSockets that are not open yet."""
    response = refusal_of(problem).response()
    if isinstance(connection, WebSocket):
        if "websocket.http.response" in connection.scope.get("extensions", {}):
            await connection.send_denial_response(response)
        else:
            await connection.close(POLICY_VIOLATION, "refused")
    return response


HANDLED: tuple[type[Exception], ...] = (
    Refusal, CaretwinError, RequestValidationError, WebSocketRequestValidationError, HTTPException,
)  # fmt: skip

SAID: Mapping[int, str] = {
    401: "Nobody has signed in, or the session is over",
    403: "No policy allows it, or the request came from elsewhere",
    404: "There is nothing of this name",
    409: "Not possible as things are now",
    413: "Larger than what is taken",
    422: "Not what is described here",
    429: "Too often; wait as long as Retry-After says",
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Answers of an operation that are problems, for its description."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {one: {"description": SAID[one], "content": {MEDIA: {"schema": schema}}} for one in statuses}
