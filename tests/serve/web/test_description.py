"""The server does what its OpenAPI document says, whatever it is sent, in any role and in none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks
from tests.serve.web.conftest import Web

pytestmark = [pytest.mark.service, pytest.mark.slow]
EXAMPLES = 15
"""Requests of each operation and role; as many of other kinds are found in a longer run."""
STATUSES = {401, 403, 404, 405, 409, 413, 422, 429, 503}


@pytest.fixture
def site(start: Callable[..., Web]) -> Iterator[Web]:
    found = start(requests_per_min=1_000_000, sign_ins_per_min=1_000_000)
    found.person("1", "ICU")
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("role", ["", "doctor", "manager", "engineer", "auditor"])
def test_every_operation_keeps_to_its_description(site: Web, role: str) -> None:
    schema = schemathesis.openapi.from_url(site.address + "/api/openapi.json")
    account = site.account(role) if role else None
    wanted = [
        checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
        checks.response_schema_conformance, checks.response_headers_conformance,
    ]  # fmt: skip
    asked = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path == "/api/live":  # has no end: test_living reads it
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            nonlocal asked
            cookie = {"caretwin": site.secret(account)} if account is not None else {}
            headers = {"origin": site.address, "sec-fetch-site": "same-origin"}
            case.call_and_validate(headers=headers, cookies=cookie, checks=wanted)
            asked += 1

        ask()
    assert asked > 100
