"""What the door answers: outcomes that name the element, responses entry by entry, and what it can do
(FHIR R4, sections 2.35, 2.36 and 2.38).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from caretwin.ingest.decoded import Refusal
from caretwin.ingest.doors.fhir.bundle import Message, One
from caretwin.ingest.doors.fhir.resources import KNOWN
from caretwin.ingest.unusable import AHEAD

MEDIA = "application/fhir+json; charset=utf-8"
VERSION = "4.0.1"
TAKEN = tuple(sorted(set(KNOWN) - {"Medication"}))
"""Resources that can be sent alone; a Medication only explains another in its Bundle."""
WORDS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 400: "Bad Request", 403: "Forbidden",
         409: "Conflict", 422: "Unprocessable Entity",
         500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip
_STATEMENT_DATE = "2026-11-01"


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response in FHIR's JSON, not to be stored by anybody on the way."""
    more = {"cache-control": "no-store", **(headers or {})}
    content = b"" if body is None else orjson.dumps(body)
    return Response(content, status, more, MEDIA if content else None)


def outcome(refused: Sequence[Refusal]) -> dict[str, Any]:
    """An OperationOutcome of refusals: what was seen, what was wanted, and how to put it right."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(one) for one in refused]}


def trouble(code: str, text: str, severity: str = "error") -> dict[str, Any]:
    """An OperationOutcome that is about no element."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": code, "diagnostics": text}],
    }


def warnings(one: One, place: str = "") -> list[dict[str, Any]]:
    """Issues about what was kept of a resource and can never be used.

    place  of its entry in a Bundle; "" for a resource that came alone
    """
    found = []
    for said in one.unusable:
        kind, point, rest = (said.place or one.name.partition("/")[0]).partition(".")
        element = f"{place}.resource{point}{rest}" if place else f"{kind}{point}{rest}"
        if said.place:
            element += ".effective" if said.cause == AHEAD else ".value"
        text = f"kept, and never used: {said}"
        found.append({"severity": "warning", "code": "value", "diagnostics": text, "expression": [element]})
    return found


def status_of(refused: Refusal) -> int:
    """400 for what is no FHIR, 409 for what contradicts the record, 422 for what is FHIR and cannot be kept."""
    return {"structure": 400, "conflict": 409}.get(refused.code, 422)


def bundle_response(message: Message, sequences: Sequence[int], when: str) -> dict[str, Any]:
    """What became of each entry.

    sequences  number in the record of every part, in order; when  time of the commit, ISO 8601
    """
    entries, at = [], 0
    for place, one in enumerate(message.entries):
        kept = 0 if one.refused is not None else len(one.parts)
        entries.append({"response": entry_response(one, sequences[at] if kept else 0, when, place)})
        at += kept
    kind = "transaction-response" if message.bundle == "transaction" else "batch-response"
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def entry_response(one: One, sequence: int, when: str, place: int | None = None) -> dict[str, Any]:
    """What became of one entry. The version is its number in the record, 0 where it is only a link between numbers.

    place  of the entry in its Bundle; None for a resource that came alone
    """
    if one.refused is not None:
        status = status_of(one.refused)
        return {"status": f"{status} {WORDS[status]}", "outcome": outcome([one.refused])}
    if not one.parts:
        text = f"not kept: nothing in this {one.ignored or 'resource'} is about a person or a place"
        return {"status": "202 Accepted", "outcome": trouble("informational", text, "information")}
    if one.deleted:
        return {"status": "204 No Content", "etag": f'W/"{sequence}"', "lastModified": when}
    said = "200 OK" if one.method == "PUT" else "201 Created"
    location = f"{one.name}/_history/{sequence}"
    found: dict[str, Any] = {"status": said, "location": location, "etag": f'W/"{sequence}"', "lastModified": when}
    if one.unusable and place is not None:
        found["outcome"] = {"resourceType": "OperationOutcome", "issue": warnings(one, f"Bundle.entry[{place}]")}
    return found


def capabilities(software: str) -> dict[str, Any]:
    """The CapabilityStatement: data come in, nothing is given out."""
    interactions = [{"code": "create"}, {"code": "update"}, {"code": "delete"}]
    about = (
        "Write only. What is refused is kept aside with its reason. A deletion takes back what came lately; "
        "status entered-in-error always does."
    )
    resources = [
        {"type": kind, "interaction": interactions, "versioning": "no-version", "updateCreate": True} for kind in TAKEN
    ]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _STATEMENT_DATE,
        "kind": "instance",
        "software": {"name": "caretwin", "version": software},
        "implementation": {"description": "FHIR door of caretwin"},
        "fhirVersion": VERSION,
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "documentation": about,
                "security": {"cors": False, "description": "A bearer token for each client, on every address."},
                "resource": resources,
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _issue(one: Refusal) -> dict[str, Any]:
    text = f"saw {one.seen}; wanted {one.wanted}; fix: {one.fix}"
    return {"severity": "error", "code": one.code, "diagnostics": text, "expression": [one.place]}
