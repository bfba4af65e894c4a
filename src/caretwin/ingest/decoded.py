"""What every door makes of a message before anything is mapped: coded values, events, and what it could not accept.

A decoder knows the form of a message and nothing of ours: which channel a code means, in which unit, and whether a
value is plausible, is decided for all doors at once in :mod:`caretwin.ingest.translate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from caretwin.base.errors import CaretwinError
from caretwin.record.entry import Event, Link, Status, SubjectRef

LOINC, SNOMED, MDC, UCUM = (
    "http://loinc.org",
    "http://snomed.info/sct",
    "urn:iso:std:iso:11073:10101",
    "http://unitsofmeasure.org",
)
"""Code systems by the URI that FHIR gives them; every door uses these."""


class Code(NamedTuple):
    """A code of a system; ``system`` is a URI, or ``"local:..."`` for the sender's own."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class CodedValue:
    """A value as its sender codes it.

    subject    whom it is about
    codes      all codings of what it is, in the sender's order: any may be the one that we know
    effective  when it was true (us)
    value      None: a word (``note["text"]``), or absent (``note["absent"]`` says why)
    unit       as sent: UCUM or the sender's own word; "" for none
    source_id  the sender's name for this value, by which duplicates and corrections are known; "" for none
    version    orders versions of one ``source_id`` (us); 0 for none
    device     which device or channel of it spoke; becomes part of the source
    note       ``comparator`` ("<" and the like: the value is a bound), ``questionable`` (the sender doubts it),
               ``text``, ``absent``, ``method``, ``issued`` (us)
    place      where in the message it stands, for whoever has to find it
    """

    subject: SubjectRef
    codes: tuple[Code, ...]
    effective: int
    value: float | None
    unit: str = ""
    source_id: str = ""
    version: int = 0
    status: Status = Status.FINAL
    device: str = ""
    note: Mapping[str, Any] | None = None
    place: str = ""


Decodable: TypeAlias = "CodedValue | Event | Link"


OF_SUBJECT = "subject"
"""Place of a refusal that the record makes because of whom a part is about."""


class Refusal(NamedTuple):
    """A part of a message that cannot be accepted: where it stands, what was seen, what was wanted, how to put it
    right.

    code  as FHIR calls kinds of issues: ``"structure"``, ``"required"``, ``"value"``, ``"not-supported"``, ...
    """

    place: str
    seen: str
    wanted: str
    fix: str
    code: Literal["structure", "required", "value", "not-supported", "not-found", "conflict", "processing"] = "value"

    def __str__(self) -> str:
        return f"{self.place}: saw {self.seen}; wanted {self.wanted}; fix: {self.fix}"


class Decoded(NamedTuple):
    """A message in our terms.

    parts    what it says; refused  what of it cannot be accepted (the rest still can)
    message  the sender's id of it, "" for none; ignored  kinds of content that are none of ours, by name
    """

    parts: tuple[Decodable, ...]
    refused: tuple[Refusal, ...] = ()
    message: str = ""
    ignored: tuple[str, ...] = ()


class RefusedError(CaretwinError):
    """Raised by a decoder for a message of which nothing can be accepted; ``refusal`` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.place, seen=refusal.seen, wanted=refusal.wanted, fix=refusal.fix)
        self.refusal = refusal

    def __reduce__(self) -> tuple[object, ...]:
        """The refusal survives pickling."""
        return (RefusedError, (self.refusal,))
