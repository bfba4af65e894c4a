"""Test of a connection: what the server that is pulled from says about itself (FHIR R4, section 5.1)."""

from __future__ import annotations

import re

import httpx
from msgspec import MsgspecError
from msgspec.json import Decoder

from caretwin.ingest.door import Tested
from caretwin.ingest.doors.fhir.pull import Source, StopError, client
from caretwin.ingest.doors.fhir.structs import Part

WITHIN_S = 10.0
VERSIONS = ("4.0", "4.3")
"""R4 and R4B: the resources that are read have the same elements in both."""
_PLAIN = re.compile(r"[^\w .+-]")


class _Software(Part):
    name: str = ""
    version: str = ""


class _Statement(Part):
    resourceType: str = ""
    fhirVersion: str = ""
    software: _Software | None = None


_STATEMENT = Decoder(_Statement)


async def asked(source: Source) -> Tested:
    """Ask for /metadata once; changes nothing there or here."""
    try:
        async with client(source) as http:
            answer = await http.get(f"{source.base}/metadata", timeout=WITHIN_S)
        if answer.status_code != 200:
            raise StopError(f"it answers {answer.status_code}")
        found = _STATEMENT.decode(answer.content)
    except (httpx.HTTPError, StopError) as problem:
        reason = str(problem) if isinstance(problem, StopError) else type(problem).__name__
        return Tested(False, f"No statement of capabilities from {source.base}/metadata: {reason}.")
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return Tested(False, f"{source.base}/metadata answers with something that is no FHIR in JSON.")
    return _told(found, source)


def _told(found: _Statement, source: Source) -> Tested:
    name = _short(found.software.name) if found.software else ""
    version = _short(found.software.version) if found.software else ""
    who = f"{name} {version}".strip() or "A server that does not name its software"
    speaks = _short(found.fhirVersion) or "a version it does not tell"
    if found.resourceType != "CapabilityStatement" or not found.fhirVersion.startswith(VERSIONS):
        return Tested(False, f"{who} at {source.base} speaks FHIR {speaks}; wanted 4.0.1.")
    return Tested(True, f"{who} at {source.base} speaks FHIR {speaks} and answers.")


def _short(text: str) -> str:
    """What a stranger calls itself, fit for a terminal and a page."""
    return _PLAIN.sub("", text)[:60]
