"""What every reader of a part of a message needs to know of the whole: who sent it, when, about whom, in which zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from caretwin.ingest.decoded import LOINC, MDC, SNOMED, UCUM, Code, Refusal
from caretwin.ingest.doors.hl7v2.message import Message, Segment
from caretwin.ingest.doors.hl7v2.times import Instant, instant
from caretwin.record.entry import SubjectRef

_SYSTEMS = {
    "LN": LOINC, "LOINC": LOINC, "SCT": SNOMED, "SCT2": SNOMED, "SNM-CT": SNOMED, "SNOMED-CT": SNOMED,
    "SNOMED": SNOMED, "MDC": MDC, "UCUM": UCUM, "ISO+": "urn:iso:std:iso:2955", "NDC": "http://hl7.org/fhir/sid/ndc",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm", "CVX": "http://hl7.org/fhir/sid/cvx",
    "DMD": "https://dmd.nhs.uk", "ATC": "http://www.whocc.no/atc", "WC": "http://www.whocc.no/atc",
    "CDCREC": "urn:oid:2.16.840.1.113883.6.238",
}  # fmt: skip
"""URIs of the coding systems of HL7 table 0396 that we meet; every other one becomes ``"local:NAME"``."""
_CODINGS = ((1, 2, 3), (4, 5, 6), (10, 11, 12))
"""Components (code, text, system) of the codings of a CE or CWE (HL7 v2.5.1, 2.A.3 and 2.A.13; v2.7 adds the third)."""


@dataclass(frozen=True)
class Options:
    """What a site says about a feed.

    zone      IANA zone of times without an offset; "" : the offset of MSH-7, or none
    systems   what an assigning authority is called in the record (its URI)
    unique_orders  order numbers are never used for two patients, so that a correction may move a result
    processing     letters of MSH-11 that are taken in (HL7 table 0103)
    """

    zone: str = ""
    systems: Mapping[str, str] = field(default_factory=dict)
    unique_orders: bool = False
    processing: str = "P"


@dataclass
class Context:
    """A message that is being read.

    origin   sending application and facility: part of the name of everything it says
    version  orders what it says of one thing: the time of the message (us); 0 where it has none
    subject, anchor  whom it is about, and by which number the sender is likely to know them next time
    refused, ignored  what could not be accepted, and what is none of ours
    """

    message: Message
    options: Options
    door: str
    sender: str = ""
    origin: str = ""
    zone: str = ""
    sent: Instant = field(default_factory=lambda: Instant(None))
    version: int = 0
    subject: SubjectRef | None = None
    anchor: str = ""
    refused: list[Refusal] = field(default_factory=list)
    ignored: dict[str, None] = field(default_factory=dict)

    def when(self, text: str) -> Instant:
        """A time of this message."""
        return instant(text, self.zone)

    def ignore(self, what: str) -> None:
        """Say once what kind of content is not kept."""
        self.ignored[what] = None

    def refuse(self, place: str, seen: str, wanted: str, fix: str, code: Any = "value") -> None:
        """Say what cannot be accepted, and why."""
        self.refused.append(Refusal(place, seen, wanted, fix, code))

    def codes(self, segment: Segment, position: int) -> tuple[Code, ...]:
        """All codings of a field's first repetition."""
        found = segment.repetitions(position)
        return self.codings(segment, found[0]) if found else ()

    def codings(self, segment: Segment, repetition: str) -> tuple[Code, ...]:
        """All codings of one repetition."""
        mark = segment.marks.component
        parts = [segment.part(one) for one in repetition.split(mark)] if mark in repetition else None
        if parts is None:
            alone = segment.part(repetition)
            return (Code(self.system(""), alone),) if alone else ()
        found: list[Code] = []
        for group in _CODINGS:
            code, text, system = (parts[n - 1] if n <= len(parts) else "" for n in group)
            if code or (text and not found):
                found.append(Code(self.system(system), code or text, text))
        return tuple(found)

    def system(self, name: str) -> str:
        """The URI of a coding system; the sender's own codes are told by the sender's name."""
        name = name.strip()
        if name.upper() in ("", "L"):
            return f"local:{self.sender}"
        return _SYSTEMS.get(name.upper(), f"local:{name}")


def begin(message: Message, options: Options, door: str) -> Context:
    """What the header of a message tells.

    The zone that the site configured comes before the offset of MSH-7: that one is of the day of sending, and a
    result of another season has another.
    """
    header = message.header
    sent = instant(header.text(7), options.zone)
    offset = sent.text[-5:] if sent.us is not None and sent.text[-5:-4] in ("+", "-") else ""
    sender = header.text(3) or header.text(4)
    origin = f"{header.text(3)}|{header.text(4)}"
    return Context(message, options, door, sender, origin, options.zone or offset, sent, sent.us or 0)
