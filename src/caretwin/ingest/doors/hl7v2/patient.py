"""Whom a message is about: identifiers of PID, what PID says of the person, and merges of MRG.

Sources: HL7 v2.5.1 chapter 3, 3.4.2 (PID), 3.4.9 (MRG); 2.A.14 (CX), 2.A.36 (HD); tables 0001 and 0203.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from caretwin.base.errors import DataError, TimeError
from caretwin.base.time import end_of_date, from_microseconds
from caretwin.ingest.decoded import Code, Refusal, RefusedError
from caretwin.ingest.doors.hl7v2.context import Context
from caretwin.ingest.doors.hl7v2.message import NULL, Segment
from caretwin.ingest.doors.hl7v2.times import Instant
from caretwin.record.entry import Event, Identifier, Link, Status, SubjectRef
from caretwin.record.identifiers import NHS_NUMBER, identifier

_OF_A_VISIT = frozenset({"AN", "VN", "ANON", "BC", "CC"})
"""Types (table 0203) of numbers of a visit, an account or a card: the same number may be another person's."""
_OF_A_PERSON = frozenset({"", "MR", "PI", "PT", "PE", "PN"})
"""Types that share one pool of numbers of their authority; a merge (MRG-1) often leaves the type out."""
_TYPE = re.compile(r"[A-Z]{2,5}")
_SEX = {"F": "female", "M": "male", "O": "other", "A": "other", "N": "other", "U": "unknown"}


class _Known(NamedTuple):
    """An identifier, and its type (table 0203)."""

    found: Identifier
    kind: str


def identify(context: Context, segment: Segment) -> tuple[SubjectRef, str]:
    """The subject of a PID, and its anchor: the number under which its sender is likely to know it next time.

    A wrong identifier beside a right one is refused alone. Raises RefusedError when there is none that is right.
    """
    known = _identifiers(context, segment, 3) or _identifiers(context, segment, 2) or _identifiers(context, segment, 4)
    if not known:
        raise RefusedError(_nobody(context, segment))
    anchor = next((one for one in known if one.kind == "MR"), None) or next(
        (one for one in known if one.kind in _OF_A_PERSON and one.found.system != NHS_NUMBER), known[0]
    )
    found = SubjectRef(tuple(dict.fromkeys(one.found for one in known)))
    return found, f"{anchor.found.system}|{anchor.found.value}"


def _nobody(context: Context, segment: Segment) -> Refusal:
    if context.refused:
        return context.refused[-1]
    return Refusal(
        segment.place(3),
        "no identifier of a patient",
        "at least one in PID-3, with its assigning authority",
        "admit the patient at the device or in the sending system, or fill PID-3 there",
        "required",
    )


def _identifiers(context: Context, segment: Segment, position: int) -> list[_Known]:
    found = []
    for repetition in segment.repetitions(position):
        value, kind = segment.part(repetition, 1), segment.part(repetition, 5).upper()
        kind = kind if _TYPE.fullmatch(kind) else ""  # some senders leave a component out
        if not value or kind in _OF_A_VISIT:
            continue
        try:
            found.append(_Known(identifier(_authority(context, segment, repetition, kind), value), kind))
        except DataError as problem:
            context.refuse(segment.place(position), problem.seen, problem.wanted, problem.fix)
    return found


def _authority(context: Context, segment: Segment, repetition: str, kind: str) -> str:
    """Who gives the number: CX-4, else CX-6, else the sender; with the type where the authority gives several."""
    namespace, universal, sort = (segment.part(repetition, 4, part) for part in (1, 2, 3))
    named = {"ISO": f"urn:oid:{universal}", "UUID": f"urn:uuid:{universal}"}.get(sort.upper(), "") if universal else ""
    system = named or namespace or universal or segment.part(repetition, 6) or f"local:{context.sender}"
    if kind in ("NH", "NHS") or system.upper() == "NHS":
        return NHS_NUMBER
    configured = context.options.systems.get(system) or context.options.systems.get(namespace)
    if configured:
        return configured
    return system if kind in _OF_A_PERSON else f"{system}#{kind}"


def person(context: Context, effective: int) -> Event:
    """What PID says of the person, without name, address or telephone.

    A field that says nothing is left out; one that says that there is nothing (the HL7 null) is None. ``dead_by`` is
    the end of the date of a death of which only the date is known.
    """
    pid = context.message.first("PID")
    body: dict[str, Any] = {}
    _put(body, "sex", pid, 8, _SEX.get(pid.text(8).upper(), pid.text(8)))
    _put(body, "birth_date", pid, 7, context.when(pid.text(7)).date)
    _put(body, "race", pid, 10, [_plain(c) for r in pid.repetitions(10) for c in context.codings(pid, r)[:1]])
    _put(body, "ethnicity", pid, 22, [_plain(c) for r in pid.repetitions(22) for c in context.codings(pid, r)[:1]])
    _put(body, "language", pid, 15, pid.text(15))
    _put(body, "deceased", pid, 30, {"Y": True, "N": False}.get(pid.text(30).upper()))
    _put(body, "death", pid, 29, _moment(context, pid, 29))
    if by := _by(context.when(pid.text(29)), context.zone):
        body["dead_by"] = by
    status = Status.RETRACTED if context.message.header.text(9, 2) == "A29" else Status.FINAL  # A29: delete person
    name = f"person|{context.origin}|{context.anchor}"
    assert context.subject is not None
    return Event(context.subject, "person", effective, context.door, body, None, name, context.version, status)


def links(context: Context) -> list[Link]:
    """Merges: each MRG says that the numbers of MRG-1 are of the patient whose PID stands before it."""
    found: list[Link] = []
    into: SubjectRef | None = None
    for segment in context.message.segments:
        if segment.name == "PID":
            into = _ref(context, segment, 3)
        elif segment.name == "MRG":
            other = _ref(context, segment, 1)
            if into is None or other is None:
                context.refuse(
                    segment.place(1), "a merge without both numbers", "the number that stays in PID-3, the other in"
                    " MRG-1", "let the sender send both", "required",
                )  # fmt: skip
            elif set(other.identifiers) != set(into.identifiers):  # PID-3 may hold the number that goes as well
                found.append(Link(into, other, context.door))
    return found


def joins(subject: SubjectRef, source: str) -> list[Link]:
    """A message that says who a person is lists numbers that were met apart before: they are one person's, unless
    somebody gave the two different numbers (then only a merge can say so).
    """
    first, *rest = subject.identifiers
    kind = subject.kind
    return [Link(SubjectRef((first,), kind), SubjectRef((one,), kind), source, agreeing=True) for one in rest]


def same_person(context: Context) -> bool:
    """Whether every MRG-1 is a number of the patient whose PID stands before it: an account moves, no person does."""
    mine: set[Identifier] = set()
    for segment in context.message.segments:
        if segment.name in ("PID", "MRG"):
            found = _ref(context, segment, 3 if segment.name == "PID" else 1)
            numbers = set(found.identifiers) if found else set()
            if segment.name == "PID":
                mine = numbers
            elif not numbers <= mine:
                return False
    return True


def _ref(context: Context, segment: Segment, position: int) -> SubjectRef | None:
    known = _identifiers(context, segment, position)
    return SubjectRef(tuple(dict.fromkeys(one.found for one in known))) if known else None


def _put(body: dict[str, Any], name: str, segment: Segment, position: int, value: Any) -> None:
    if segment.raw(position).strip() == NULL:
        body[name] = None
    elif value not in ("", None, []):
        body[name] = value


def _plain(code: Code) -> dict[str, str]:
    return {"system": code.system, "code": code.code, "display": code.display}


def _moment(context: Context, segment: Segment, position: int) -> str:
    """A time as ISO 8601, or the date alone where no more is known."""
    said = context.when(segment.text(position))
    return from_microseconds(said.us).isoformat() if said.us is not None else said.date


def _by(said: Instant, zone: str) -> str:
    """The end of a date that is not an instant; "" where there is none."""
    try:
        return end_of_date(said.date, zone).isoformat() if said.us is None and said.date else ""
    except TimeError:
        return ""
