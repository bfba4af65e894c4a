"""What a message says, by its type: the table of what is read, and what is acknowledged and left.

Source: HL7 v2.5.1 chapter 2, 2.15.9.9 (MSH-9), 2.15.9.11 (MSH-11); chapters 3, 4 and 7 for the messages.
"""

from __future__ import annotations

import re

from caretwin.ingest.decoded import Decodable, Decoded, Refusal, RefusedError
from caretwin.ingest.doors.hl7v2.context import Context, Options, begin
from caretwin.ingest.doors.hl7v2.encounters import encounter, happened
from caretwin.ingest.doors.hl7v2.medication import medication
from caretwin.ingest.doors.hl7v2.message import Message, split
from caretwin.ingest.doors.hl7v2.observations import Observations
from caretwin.ingest.doors.hl7v2.patient import identify, joins, links, person, same_person

RESULTS = frozenset({("ORU", f"R{n:02d}") for n in (1, 30, 31, 32)} | {("OUL", f"R{n:02d}") for n in (21, 22, 23, 24)})
"""Messages with results. Others of these types carry waveforms (W01) and alarms (R40 to R43)."""
PHARMACY = frozenset({"RDE", "RAS", "RDS", "OMP"})
MERGES = frozenset({"A18", "A30", "A34", "A36", "A39", "A40", "A46", "A47"})
"""Two numbers are one person (A18, A30, A34, A36, A39, A40), or one number becomes another (A46, A47)."""
MOVES = frozenset({"A35", "A41", "A42", "A43", "A44", "A45", "A48", "A49", "A50", "A51"})
"""Accounts and visits are merged, moved or renamed: nothing to do where they stay with one person."""
_KNOWN_TYPE = re.compile(r"[A-Z][A-Z0-9]{2}")


def decode_message(raw: bytes, options: Options, door: str) -> tuple[Decoded, Context]:
    """What a message says. Raises RefusedError for one of which nothing can be accepted."""
    message = split(raw)
    context = begin(message, options, door)
    kind, trigger = _kind(message)
    _allowed(message, options)
    parts = _parts(context, kind, trigger)
    if message.note:
        context.ignore(message.note)
    refused = tuple(dict.fromkeys(context.refused))
    return Decoded(tuple(parts), refused, message.header.text(10)[:199], tuple(context.ignored)), context


def _kind(message: Message) -> tuple[str, str]:
    """Type and trigger event of a message (MSH-9)."""
    header = message.header
    kind, trigger = header.text(9).upper(), header.text(9, 2).upper()
    if not _KNOWN_TYPE.fullmatch(kind):
        raise RefusedError(
            Refusal("MSH[1]-9", "no type of a message", "such as ORU^R01", "let the sender fill MSH-9", "structure")
        )
    return kind, trigger


def _allowed(message: Message, options: Options) -> None:
    """Training and debugging messages tell of nobody: they are taken in only where the site says so."""
    said = message.header.text(11).upper()[:1]
    if said and said not in options.processing.upper():
        raise RefusedError(
            Refusal(
                "MSH[1]-11",
                f"processing {said!r}",
                f"one of {', '.join(options.processing.upper())}",
                'send P from the live system; to try a feed out, write processing = "PDT" into the door\'s section',
                "not-supported",
            )
        )


def _parts(context: Context, kind: str, trigger: str) -> list[Decodable]:
    if (kind, trigger) in RESULTS or (kind, trigger) in (("ORU", ""), ("OUL", "")):
        _subject(context)
        return list(Observations(context).read())
    if kind == "ADT":
        return _adt(context, trigger)
    if kind in PHARMACY or (kind == "ORM" and context.message.all("RXO")):
        _subject(context)
        return [*_person(context), *medication(context)]
    if kind == "ACK":
        raise RefusedError(
            Refusal("MSH[1]-9", "an answer (ACK)", "a message", "connect the sender, not its answers", "not-supported")
        )
    context.ignore(f"{kind}^{trigger}" if trigger else kind)
    return []


def _adt(context: Context, trigger: str) -> list[Decodable]:
    if trigger in MERGES:
        _subject(context)
        return list(links(context))
    _subject(context)
    if trigger in MOVES:
        return _move(context, trigger)
    if trigger == "A17":
        context.refuse("MSH[1]-9", "a swap of two patients' places", "two transfers", "send A02 twice", "not-supported")
        return []
    if trigger in ("A24", "A37"):
        context.ignore(f"ADT^{trigger}: patients who belong together are not one person")
        return []
    stay = encounter(context)
    found: list[Decodable] = [*_person(context), *([stay] if stay else [])]
    if trigger != "A29" and context.subject is not None:  # A29: delete person
        found += joins(context.subject, context.door)
    if context.message.all("OBX"):
        found += Observations(context, happened(context)).read()
    return found


def _move(context: Context, trigger: str) -> list[Decodable]:
    """Nothing to do where visits and accounts stay with their person; else somebody has to look."""
    if same_person(context):
        context.ignore(f"ADT^{trigger}: accounts and visits of one person")
    else:
        context.refuse(
            "MRG[1]-1",
            f"ADT^{trigger}, which moves a visit or an account from one person to another",
            "results sent anew under the right person, and the wrong ones deleted (OBX-11 W)",
            "nothing was moved: look at both patients",
            "not-supported",
        )
    return []


def _subject(context: Context) -> None:
    context.subject, context.anchor = identify(context, context.message.first("PID"))


def _person(context: Context) -> list[Decodable]:
    """What PID says of the person, where the time of the message is known."""
    when = happened(context)
    if when.us is None:
        context.ignore("PID: the message has no time")
        return []
    found = person(context, when.us)
    return [found] if found.body or found.status else []
