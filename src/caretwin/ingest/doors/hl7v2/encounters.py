"""Stays: what an ADT message says of where a patient is, since when and until when.

Sources: HL7 v2.5.1 chapter 3, 3.3 (trigger events), 3.4.1 (EVN), 3.4.3 (PV1).
"""

from __future__ import annotations

from typing import Any

from caretwin.base.time import from_microseconds
from caretwin.ingest.doors.hl7v2.context import Context
from caretwin.ingest.doors.hl7v2.message import Segment
from caretwin.ingest.doors.hl7v2.times import Instant
from caretwin.record.entry import Event, Status

STATUS = {
    "A01": "admitted", "A02": "admitted", "A03": "discharged", "A04": "registered", "A05": "planned",
    "A06": "admitted", "A07": "registered", "A08": "", "A09": "leaving", "A10": "arriving", "A11": "cancelled",
    "A12": "admitted", "A13": "admitted", "A14": "planned", "A15": "to be transferred", "A16": "to be discharged",
    "A23": "deleted", "A25": "admitted", "A26": "admitted", "A27": "cancelled", "A38": "cancelled",
    "A21": "on leave", "A22": "admitted", "A52": "admitted", "A53": "on leave",
}  # fmt: skip
"""What a trigger event says of a stay ("": nothing of its own). Others say nothing of one."""
_GONE = frozenset({"A11", "A23", "A27", "A38"})
"""The stay was entered in error, or will not be."""
_CLASS = {
    "I": "inpatient", "O": "outpatient", "E": "emergency", "P": "preadmission", "R": "recurring", "B": "obstetrics",
    "C": "commercial", "N": "none", "U": "unknown",
}  # fmt: skip
_PLACE = ("point_of_care", "room", "bed", "facility")


def happened(context: Context) -> Instant:
    """When the event of a message was: EVN-6, else EVN-2 (when it was recorded), else MSH-7."""
    event = context.message.first("EVN")
    for said in (context.when(event.text(6)), context.when(event.text(2)), context.sent):
        if said.us is not None:
            return said
    return context.sent


def encounter(context: Context) -> Event | None:
    """The stay of PV1; None where the message says nothing of one.

    A later message about the same stay replaces this one: where a patient was before stands in what is superseded.
    """
    trigger = context.message.header.text(9, 2)
    pv1 = context.message.first("PV1")
    if trigger not in STATUS or len(pv1.fields) < 2 or pv1.text(2).upper() == "N":
        return None
    admitted, ended = context.when(pv1.text(44)), context.when(pv1.text(45))
    begin = admitted if admitted.us is not None else happened(context)
    if begin.us is None:
        wanted = "the time of admission in PV1-44, or of the event in EVN-2"
        context.refuse(pv1.place(44), begin.trouble, wanted, "let the sender say when, or set the door's zone")
        return None
    stop = _stop(context, pv1, trigger, begin.us, ended)
    status = Status.RETRACTED if trigger in _GONE else Status.FINAL
    body = _body(context, pv1, trigger, admitted, stop)
    assert context.subject is not None
    return Event(
        context.subject, "encounter", begin.us, context.door, body, stop, _name(context, pv1, begin), context.version,
        status,
    )  # fmt: skip


def _name(context: Context, pv1: Segment, begin: Instant) -> str:
    """A stay is known by its visit number (PV1-19, else the account, PID-18), else by its patient and begin."""
    visit = _number(pv1, 19) or _number(context.message.first("PID"), 18) or str(begin.us)
    return f"encounter|{context.origin}|{context.anchor}|{visit}"


def _number(segment: Segment, position: int) -> str:
    value = segment.text(position)
    return f"{value}|{segment.text(position, 4)}" if value else ""


def _stop(context: Context, pv1: Segment, trigger: str, begin: int, ended: Instant) -> int | None:
    """When the stay ended: only where the message says that it did, and not before it began."""
    if trigger == "A03":
        ended = ended if ended.us is not None else happened(context)
    elif trigger != "A08":
        return None
    if ended.us is not None and ended.us < begin:
        wanted = "a discharge after the admission"
        context.refuse(pv1.place(45), "a discharge before the admission", wanted, "let the sender look at PV1-44, 45")
        return None
    return ended.us


def _body(context: Context, pv1: Segment, trigger: str, admitted: Instant, stop: int | None) -> dict[str, Any]:
    said = {
        "event": trigger,
        "status": STATUS[trigger] or ("discharged" if stop is not None else ""),
        "class": _CLASS.get(pv1.text(2).upper(), pv1.text(2)),
        "location": _location(pv1, 3),
        "prior_location": _location(pv1, 6),
        "service": pv1.text(10),
        "disposition": pv1.text(36),
        "admission": from_microseconds(admitted.us).isoformat() if admitted.us is not None else admitted.date,
        "discharge": from_microseconds(stop).isoformat() if stop is not None else "",
        "moved": _moved(context, trigger),
    }
    return {name: value for name, value in said.items() if value not in ("", {})}


def _moved(context: Context, trigger: str) -> str:
    """When the patient came to the place that is told, where the message tells of a move."""
    said = happened(context)
    moves = trigger in ("A02", "A12", "A09", "A10")
    return from_microseconds(said.us).isoformat() if moves and said.us is not None else ""


def _location(pv1: Segment, position: int) -> dict[str, str]:
    """A place (PL, 2.A.53): point of care, room, bed, facility."""
    found = {name: pv1.text(position, number) for number, name in enumerate(_PLACE, start=1)}
    return {name: value for name, value in found.items() if value}
