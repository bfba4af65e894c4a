"""Acknowledgements: what the sender is told, once it is true.

Sources: HL7 v2.5.1 chapter 2, 2.9.2 and 2.9.3 (original and enhanced mode), 2.15.8 (MSA), 2.15.5 (ERR), tables 0008,
0155 and 0357.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from caretwin.base.time import from_microseconds
from caretwin.ingest.decoded import OF_SUBJECT, Refusal, RefusedError
from caretwin.ingest.doors.hl7v2.message import Marks, Message, Segment, split
from caretwin.ingest.doors.hl7v2.text import escaped
from caretwin.ingest.intake import Outcome
from caretwin.ingest.unusable import Unusable

Verdict = Literal["A", "E", "R"]
"""Accepted, error (of the content), rejected (not of the content, or not a message at all)."""
MOST_ERRORS = 20
"""ERR segments of an answer: what is more stands in the quarantine (assumed)."""
_CODES = {
    "structure": "100^Segment sequence error", "required": "101^Required field missing",
    "value": "102^Data type error", "not-found": "204^Unknown key identifier",
    "not-supported": "207^Application internal error", "conflict": "205^Duplicate key identifier",
    "processing": "207^Application internal error",
}  # fmt: skip
"""Table 0357 of kinds of refusal."""
_HEADER_CODES = {"9": "200^Unsupported message type", "11": "202^Unsupported processing id"}
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})\[(\d+)\]-(\d+)")


class Answer(NamedTuple):
    """An answer: its code (MSA-1), and its bytes; none where the sender asked for none."""

    code: str
    raw: bytes


def verdict(outcome: Outcome) -> Verdict:
    """How an outcome is told: a header that cannot be taken, and a disk that is busy, reject; bad content is an
    error.
    """
    if outcome.result in ("accepted", "partly"):
        return "A"
    if outcome.result == "busy" or any(one.place.startswith("MSH") for one in outcome.refused):
        return "R"
    return "E"


def answer(raw: bytes, outcome: Outcome, now: int, number: int) -> Answer:
    """The acknowledgement of a message.

    raw     the message; now  when the answer is made (us); number  of the answer, for its own control id
    """
    told = verdict(outcome)
    message = _readable(raw)
    if message is None:
        header = f"MSH|^~\\&|||||{_time(now)}||ACK|{_id(now, number)}|P|2.5.1"
        return Answer(f"A{told}", _join([header, f"MSA|A{told}||{escaped(_text(outcome))}"], "utf-8"))
    letter = _mode(message.header, told)
    if not letter:
        return Answer("", b"")
    code = letter + told
    return Answer(code, _join(_segments(message, outcome, code, now, number), message.encoding))


def _readable(raw: bytes) -> Message | None:
    """The message's header, read alone; None where there is none."""
    try:
        first = re.split(rb"[\r\n]+(?=[A-Z][A-Z0-9]{2}.)", raw.lstrip(b"\r\n \t"), maxsplit=1)[0]
        return split(first)
    except RefusedError:
        return None


def _mode(header: Segment, told: Verdict) -> str:
    """A for an application acknowledgement, C for an accept acknowledgement, "" where none is asked for.

    We answer after the commit, so the stronger of the two is always true: where MSH-16 asks for it, it is sent.
    """
    accept, application = header.text(15).upper(), header.text(16).upper()
    if not accept and not application:
        return "A"
    if _asked(application, told):
        return "A"
    return "C" if _asked(accept, told) else ""


def _asked(condition: str, told: Verdict) -> bool:
    """Whether table 0155 (AL always, NE never, ER on errors, SU on success) asks for this answer."""
    return condition == "AL" or (condition == "SU" and told == "A") or (condition == "ER" and told != "A")


def _segments(message: Message, outcome: Outcome, code: str, now: int, number: int) -> list[str]:
    """MSH, MSA and ERR with the delimiters of the message, so that its fields are echoed as they came."""
    header, marks = message.header, message.marks
    kind = marks.component.join(part for part in ("ACK", header.text(9, 2), "ACK") if part)
    version = header.raw(12) or "2.5.1"
    fields = [
        "MSH" + marks.field + header.raw(2), header.raw(5), header.raw(6), header.raw(3), header.raw(4), _time(now),
        "", kind, _id(now, number), header.raw(11) or "P", version,
    ]  # fmt: skip
    if header.raw(18):
        fields += ["", "", "", "", "", header.raw(18)]
    text = _text(outcome)
    lines = [marks.field.join(fields), marks.field.join(("MSA", code, header.raw(10), _own(marks, text)))]
    newer = header.text(12) >= "2.5" or not header.text(12)
    lines += [_error(one, marks, newer, code) for one in outcome.refused[:MOST_ERRORS]]
    left = MOST_ERRORS - len(lines) + 2
    # before v2.5 an ERR cannot say that it only warns: MSA-3 does
    return lines + [_warning(one, marks) for one in outcome.unusable[:left] if newer]


def _error(refusal: Refusal, marks: Marks, newer: bool, code: str) -> str:
    """ERR: where (ERR-2; ERR-1 before v2.5), what (ERR-3), how bad (ERR-4), and in words (ERR-8)."""
    found = _PLACE.match("PID[1]-3" if refusal.place == OF_SUBJECT else refusal.place)
    location = "^".join(found.groups()) if found else refusal.place[:3]
    kind = _CODES.get(refusal.code, _CODES["value"])
    if found and found[1] == "MSH":
        kind = _HEADER_CODES.get(found[3], kind)
    if not newer:
        return _own(marks, f"ERR|{location}^{kind.replace('^', '&')}^HL70357", as_is=True)
    words = escaped(f"{refusal.seen}; wanted {refusal.wanted}; fix: {refusal.fix}")
    severity = "W" if code.endswith("A") else "E"
    return _own(marks, f"ERR||{location}|{kind}^HL70357|{severity}||||{words}", as_is=True)


def _warning(one: Unusable, marks: Marks) -> str:
    """ERR of severity W: a value that was kept and can never be used."""
    found = _PLACE.match(one.place)
    location = "^".join(found.groups()) if found else one.place[:3]
    words = escaped(f"kept, and never used: {one}")
    return _own(marks, f"ERR||{location}|{_CODES['value']}^HL70357|W||||{words}", as_is=True)


def _own(marks: Marks, text: str, *, as_is: bool = False) -> str:
    """Our words with the delimiters of the message."""
    said = text if as_is else escaped(text)
    field, component, _, escape, subcomponent = marks
    table = str.maketrans({"|": field, "^": component, "&": subcomponent, "\\": escape or " "})
    return said.translate(table)


def _text(outcome: Outcome) -> str:
    """MSA-3: what became of the message, in one sentence."""
    if outcome.result == "accepted":
        return _never_used(outcome.unusable)
    if outcome.result == "busy":
        return "busy: nothing was kept, send it again"
    first = str(outcome.refused[0]) if outcome.refused else "refused"
    more = f" (and {len(outcome.refused) - 1} more)" if len(outcome.refused) > 1 else ""
    if outcome.result == "partly":
        never = f"; {said}" if (said := _never_used(outcome.unusable)) else ""
        return f"kept in part; this waits in quarantine: {first}{more}{never}"
    return f"{first}{more}"


def _never_used(found: Sequence[Unusable]) -> str:
    if not found:
        return ""
    values = "a value that can" if len(found) == 1 else f"{len(found)} values that can"
    return f"kept with {values} never be used: {found[0]}"


def _join(lines: list[str], encoding: str) -> bytes:
    return ("\r".join(lines) + "\r").encode("utf-8" if encoding == "utf-16" else encoding, "replace")


def _time(now: int) -> str:
    """UTC with milliseconds, as HL7 writes it."""
    said = from_microseconds(now)
    return f"{said:%Y%m%d%H%M%S}.{said.microsecond // 1000:03d}+0000"


def _id(now: int, number: int) -> str:
    """A control id of ours that does not come again: at most 20 characters."""
    return f"CT{now // 1_000_000:x}-{number:x}"[:20]
