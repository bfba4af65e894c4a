"""A message and what it says: one resource, or a Bundle of them, each on its own or all together
(FHIR R4, sections 2.36 and 3.1.0.11).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from caretwin.ingest.decoded import Decodable, Decoded, Refusal, RefusedError
from caretwin.ingest.doors.fhir.envelope import Bundle, Entry
from caretwin.ingest.doors.fhir.events import happened
from caretwin.ingest.doors.fhir.medications import Medication
from caretwin.ingest.doors.fhir.names import House, name_of
from caretwin.ingest.doors.fhir.observation import observed
from caretwin.ingest.doors.fhir.parse import bundle, fast, full, kind_of
from caretwin.ingest.doors.fhir.patient import person
from caretwin.ingest.doors.fhir.resources import KNOWN, Known, Patient
from caretwin.ingest.doors.fhir.strict_json import plain, refusal
from caretwin.ingest.doors.fhir.structs import Observation
from caretwin.ingest.doors.fhir.subject import Scope
from caretwin.ingest.unusable import Unusable

MOST_ENTRIES = 20_000
"""Entries of one Bundle: more of them make a transaction that others wait for (assumed)."""
AS_BATCH = frozenset({"batch", "message", "collection", "searchset", "document"})
"""Bundles whose resources are taken each on its own."""
_WRITES = frozenset({"POST", "PUT"})
_DELETED = re.compile(r"(?P<kind>[A-Z]\w+)/(?P<id>[A-Za-z0-9\-.]{1,64})")


class One(NamedTuple):
    """What an entry says.

    name     Type/id, under which it is known from now on; method  how it was sent
    parts    what is to be kept; refused  why nothing of it is; ignored  its kind, where it is none of ours
    deleted  whether the sender takes it back
    unusable  of what was kept, what can never be used
    """

    name: str
    method: str = "POST"
    parts: tuple[Decodable, ...] = ()
    refused: Refusal | None = None
    ignored: str = ""
    deleted: bool = False
    unusable: tuple[Unusable, ...] = ()


class Message(NamedTuple):
    """A message, entry by entry.

    bundle  its type; "" for a single resource; received  when (us), where its receipt orders versions, else None
    """

    entries: tuple[One, ...]
    bundle: str = ""
    id: str = ""
    received: int | None = None

    def decoded(self) -> Decoded:
        """What of it can be accepted: of a transaction all or nothing."""
        refused = tuple(one.refused for one in self.entries if one.refused is not None)
        ignored = tuple(dict.fromkeys(one.ignored for one in self.entries if one.ignored))
        if refused and self.bundle == "transaction":
            return Decoded((), refused, self.id, ignored)
        return Decoded(tuple(part for one in self.entries for part in one.parts), refused, self.id, ignored)

    def told(self, unusable: Sequence[Unusable]) -> Message:
        """The message with what the record keeps of its parts (all of which were kept) and can never use."""
        if not unusable:
            return self
        owners = [at for at, one in enumerate(self.entries) for _ in one.parts]
        found: dict[int, list[Unusable]] = {}
        for one in unusable:
            found.setdefault(owners[one.part], []).append(one)
        return self._replace(
            entries=tuple(one._replace(unusable=tuple(found.get(at, ()))) for at, one in enumerate(self.entries))
        )


class _Open(NamedTuple):
    """An entry whose resource was read, before others of the Bundle are known.

    unchecked  its bytes, where only the fast parser has seen them
    """

    name: str
    method: str
    resource: Known | None = None
    refused: Refusal | None = None
    ignored: str = ""
    deleted: bool = False
    unchecked: bytes = b""


def read(raw: bytes, house: House) -> Message:
    """What a message says. Raises RefusedError when nothing of it can be read."""
    raw = plain(raw)
    head = kind_of(raw, "Resource")
    if head.resourceType == "Bundle":
        return _bundle(bundle(raw), Scope(house))
    if head.resourceType not in KNOWN:
        raise refusal("Resource.resourceType", "a kind that is not read here", "one of " + ", ".join(KNOWN),
                      "send one of these", "not-supported")  # fmt: skip
    scope = Scope(house)
    opened = _opened(raw, "POST", "", scope)
    return Message((_said(opened, scope, ""),))


def _bundle(found: Bundle, scope: Scope) -> Message:
    if found.type != "transaction" and found.type not in AS_BATCH:
        wanted = "one of transaction, " + ", ".join(sorted(AS_BATCH))
        raise refusal("Bundle.type", "a Bundle of another type", wanted, "send one of these", "not-supported")
    if len(found.entry) > MOST_ENTRIES:
        wanted = f"at most {MOST_ENTRIES}"
        raise refusal("Bundle.entry", f"{len(found.entry)} entries", wanted, "send several Bundles", "not-supported")
    opened = [_entry(one, i, found.type, scope) for i, one in enumerate(found.entry)]
    entries = tuple(_said(one, scope, f"Bundle.entry[{i}]") for i, one in enumerate(opened))
    return Message(entries, found.type, found.id or "")


def _entry(entry: Entry, i: int, kind: str, scope: Scope) -> _Open:
    place = f"Bundle.entry[{i}]"
    method = "POST"
    if kind in ("transaction", "batch"):
        if entry.request is None:
            wanted = "request.method and request.url"
            return _refused(place, "nothing", wanted, "say what is to be done with it", f"{place}.request")
        method = entry.request.method
        if method == "DELETE":
            return _delete(entry.request.url, place)
        if method not in _WRITES:
            wanted, fix = "POST, PUT or DELETE: data only come in here", "ask another server for data"
            return _refused(place, "another method", wanted, fix, f"{place}.request.method", "not-supported")
    if entry.search is not None and entry.search.mode == "outcome":
        return _Open("", method, ignored="OperationOutcome")
    raw = bytes(entry.resource)
    if not raw:
        return _refused(place, "nothing", "a resource", "send it", f"{place}.resource", "required")
    address = entry.fullUrl or ""
    opened = _opened(raw, method, address, scope)
    if method == "PUT" and entry.request is not None and opened.refused is None and not opened.ignored:
        return _named(opened, entry.request.url, place)
    return opened


def _opened(raw: bytes, method: str, address: str, scope: Scope) -> _Open:
    """A resource read, and known to the others of its message."""
    resource: Known | None = fast(raw)
    kind, quick = "Observation", resource is not None
    if resource is None:
        try:
            kind = kind_of(raw, "Resource").resourceType
            if kind not in KNOWN:
                return _Open("", method, ignored=kind[:64])
            resource = full(raw, kind, scope.house.zone)
        except RefusedError as problem:
            return _Open("", method, refused=problem.refusal)
    name = name_of(resource, kind)
    if isinstance(resource, Patient) and not resource.id:
        if address.startswith("urn:uuid:") and not any(one.value for one in resource.identifier):
            name = f"Patient/{address.removeprefix('urn:uuid:')[:64]}"
        elif not any(one.value for one in resource.identifier):
            nobody = refusal("Patient.id", "neither an id nor an identifier", "one of them",
                              "give the person a number", "required")  # fmt: skip
            return _Open("", method, refused=nobody.refusal)
    scope.add(resource, name, address)
    return _Open(name, method, resource, unchecked=raw if quick else b"")


def _said(opened: _Open, scope: Scope, place: str) -> One:
    """An entry in our terms; what it is refused for has its place in the Bundle."""
    if opened.refused is not None:
        return One(opened.name, opened.method, refused=_placed(opened.refused, place))
    resource = opened.resource
    if resource is None:
        return One(opened.name, opened.method, ignored=opened.ignored, deleted=opened.deleted)
    try:
        parts = _checked(opened, resource, scope)
    except RefusedError as problem:
        return One(opened.name, opened.method, refused=_placed(problem.refusal, place))
    return One(opened.name, opened.method, parts, ignored="" if parts else type(resource).__name__)


def _checked(opened: _Open, resource: Known, scope: Scope) -> tuple[Decodable, ...]:
    """What a resource says. The fast parser never refuses: what it let pass is validated before it is refused."""
    try:
        return _parts(resource, opened.name, scope)
    except RefusedError:
        if not opened.unchecked:
            raise
        return _parts(full(opened.unchecked, "Observation", scope.house.zone), opened.name, scope)


def _parts(resource: Known, name: str, scope: Scope) -> tuple[Decodable, ...]:
    if isinstance(resource, Observation):
        return observed(resource, name, scope)
    if isinstance(resource, Patient):
        return person(resource, name, scope)
    return () if isinstance(resource, Medication) else happened(resource, name, scope)


def _named(opened: _Open, url: str, place: str) -> _Open:
    """An update names what it updates; by a search (``Type?identifier=...``) it is named by its identifier."""
    if "?" in url or url == opened.name:
        return opened
    return _refused(place, "an address that is not the resource's", "Type/id as in the resource", "mend one of them",
                    f"{place}.request.url")  # fmt: skip


def _delete(url: str, place: str) -> _Open:
    found = _DELETED.fullmatch(url)
    if found is None or found["kind"] not in KNOWN:
        return _refused(place, "an address that is not Type/id", "the address of a resource that is read here",
                        "send the resource with status entered-in-error", f"{place}.request.url",
                        "not-supported")  # fmt: skip
    return _Open(url, "DELETE", deleted=True)


def _refused(place: str, seen: str, wanted: str, fix: str, where: str, code: str = "structure") -> _Open:
    return _Open("", "", refused=Refusal(where, seen, wanted, fix, code))  # type: ignore[arg-type]


def _placed(said: Refusal, place: str) -> Refusal:
    """A refusal of a resource, with the place of that resource in its Bundle."""
    if not place or said.place.startswith("Bundle"):
        return said
    _, point, rest = said.place.partition(".")
    return said._replace(place=f"{place}.resource{point}{rest}")
