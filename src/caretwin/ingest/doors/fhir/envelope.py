"""What resources come in: a Bundle, whose resources are not read yet (FHIR R4, section 2.36)."""

from __future__ import annotations

from msgspec import Raw

from caretwin.ingest.doors.fhir.structs import Identifier, Integer, Meta, Part


class Request(Part):
    """Bundle.entry.request (FHIR R4, section 2.36)."""

    method: str
    url: str
    ifNoneMatch: str | None = None
    ifModifiedSince: str | None = None
    ifMatch: str | None = None
    ifNoneExist: str | None = None


class Search(Part):
    """Bundle.entry.search."""

    mode: str | None = None
    score: float | None = None


class LinkTo(Part):
    """Bundle.link."""

    relation: str
    url: str


class Entry(Part):
    """Bundle.entry; its resource is not read yet."""

    fullUrl: str | None = None
    link: tuple[LinkTo, ...] = ()
    resource: Raw = Raw(b"")
    search: Search | None = None
    request: Request | None = None
    response: Raw = Raw(b"")


class Bundle(Part, tag_field="resourceType", tag=True, kw_only=True):
    """Bundle (FHIR R4, section 2.36)."""

    type: str
    id: str | None = None
    meta: Meta | None = None
    identifier: Identifier | None = None
    timestamp: str | None = None
    total: Integer | None = None
    link: tuple[LinkTo, ...] = ()
    entry: tuple[Entry, ...] = ()
