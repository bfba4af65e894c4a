"""What one kind of topic means: whom its messages are about, which values stand where in them, and when they were true.

A message is read by one rule. What of it cannot be accepted is refused by name of its place; the rest still counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import Code, CodedValue, Decoded, Refusal, RefusedError
from caretwin.ingest.doors.mqtt.media import Arrival
from caretwin.ingest.doors.mqtt.payload import MISSING, Json, at, clean, reading, refused
from caretwin.ingest.doors.mqtt.times import instant
from caretwin.ingest.doors.mqtt.topics import TopicPattern
from caretwin.ingest.doors.toml_file import WORDS
from caretwin.record.entry import SubjectKind, SubjectRef
from caretwin.record.identifiers import identifier

RETAINED = "a retained message without a time of its own: when it was true is not known"
MOST_SAMPLES = 10_000
"""Of one message (assumed): more come from a file."""
_HOLE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class ValueRule:
    """One value of a message.

    at       JSON pointer or dotted path; "" for the payload itself
    code     what it is; unit  of a bare number, as its sender means it; unit_at  where in the message the unit stands
    words    what words mean as numbers
    """

    at: str
    code: Code
    unit: str = ""
    unit_at: str = ""
    words: Mapping[str, float] = field(default_factory=lambda: WORDS)


@dataclass(frozen=True)
class TopicRule:
    """What messages of a pattern mean.

    system, value, kind  of the subject; ``value``, ``device`` and ``id`` may have holes: ``{name}`` of the topic,
               ``{/pointer}`` of the payload
    time       where the time stands ("" : the message has none); time_unit  of a number; zone  of a time without offset
    samples    where an array of readings stands; interval  s between them when they have no times of their own
    id         the sender's name for the message, by which a correction is known
    """

    pattern: TopicPattern
    system: str
    value: str
    kind: SubjectKind
    values: tuple[ValueRule, ...]
    time: str = ""
    time_unit: str = "s"
    zone: str = ""
    samples: str = ""
    interval: float = 0.0
    device: str = ""
    id: str = ""


class _Sample(NamedTuple):
    content: Json
    effective: int
    place: str


def read_message(rule: TopicRule, names: Mapping[str, str], content: Json, arrival: Arrival) -> Decoded:
    """What a message says by its rule. Raises RefusedError for one of which nothing can be accepted.

    names  what the topic says
    """
    effective = _when(rule, content, arrival)
    if effective is None:
        return Decoded((), ignored=(RETAINED,))
    subject = _subject(rule, names, content)
    device, name = (clean(fill(text, names, content)) for text in (rule.device, rule.id))
    parts, problems, missing = list[CodedValue](), list[Refusal](), dict[str, None]()
    for sample in _samples(rule, content, effective, arrival):
        for value in rule.values:
            try:
                part = _value(value, sample, subject, device, name)
            except RefusedError as error:
                problems.append(error.refusal)
                continue
            if part is None:
                missing[value.at] = None
            else:
                parts.append(part)
    if not parts and problems:
        raise RefusedError(problems[0])
    nothing = (f"no {', '.join(missing)} in the message",) if not parts else ()
    return Decoded(tuple(parts), tuple(problems), ignored=nothing)


def _value(rule: ValueRule, sample: _Sample, subject: SubjectRef, device: str, name: str) -> CodedValue | None:
    found = at(sample.content, rule.at)
    if found is MISSING:
        return None
    where = f"{sample.place}{rule.at or 'the payload'}"
    said = reading(found, rule.words, where)
    unit = said.unit or _unit(rule, sample.content)
    origin = f"{name}/{rule.code.code}/{sample.place}" if name else ""
    return CodedValue(
        subject, (rule.code,), sample.effective, said.value, unit, origin, device=device, note=said.note() or None,
        place=where,
    )  # fmt: skip


def _unit(rule: ValueRule, content: Json) -> str:
    found = at(content, rule.unit_at) if rule.unit_at else MISSING
    return clean(found, 40) if isinstance(found, str) and found else rule.unit


def _when(rule: TopicRule, content: Json, arrival: Arrival) -> int | None:
    """When the message was true (us); None for a retained one that does not say."""
    found = at(content, rule.time) if rule.time else MISSING
    if found is not MISSING and found is not None:
        return instant(found, rule.time_unit, rule.zone, rule.time, arrival.received)
    if rule.samples and not rule.interval:
        return 0  # never used: without an interval each sample has to have a time of its own
    return arrived(arrival)


def arrived(arrival: Arrival) -> int | None:
    """The arrival as the time of a message that has none; None for a retained one.

    Raises RefusedError where the arrival says nothing of when the message was true.
    """
    if arrival.retained:
        return None
    fix = "let the sender write the time into its messages, and name its place in the mapping"
    if arrival.waited:
        seen = "no time, and it may have waited at the broker while nobody was connected"
        raise refused("the message", seen, "a time of its own", fix, "required")
    if arrival.received is None:
        raise refused("the message", "no time, and no time of arrival", "a time of its own", fix, "required")
    return arrival.received


def _samples(rule: TopicRule, content: Json, effective: int, arrival: Arrival) -> Iterator[_Sample]:
    if not rule.samples:
        yield _Sample(content, effective, "")
        return
    found = at(content, rule.samples)
    if not isinstance(found, list) or len(found) > MOST_SAMPLES:
        seen = f"{len(found)} samples" if isinstance(found, list) else "no array"
        raise refused(rule.samples, seen, f"an array of at most {MOST_SAMPLES}", "look at the mapping", "structure")
    for i, one in enumerate(found):
        place = f"{rule.samples}/{i} "
        yield _Sample(one, _sampled(rule, one, i, effective, place, arrival), place)


def _sampled(rule: TopicRule, one: Json, i: int, effective: int, place: str, arrival: Arrival) -> int:
    own = at(one, rule.time) if rule.time and isinstance(one, dict) else MISSING
    if own is not MISSING and own is not None:
        return instant(own, rule.time_unit, rule.zone, place + rule.time, arrival.received)
    if rule.interval:
        return effective + round(i * rule.interval * 1e6)
    fix = "name the place of the time within a sample, or write interval (s) into the mapping"
    raise refused(place + "time", "a sample without a time", "a time, or an interval between samples", fix, "required")


def _subject(rule: TopicRule, names: Mapping[str, str], content: Json) -> SubjectRef:
    try:
        return SubjectRef((identifier(rule.system, fill(rule.value, names, content)),), rule.kind)
    except DataError as problem:
        raise refused("the subject", problem.seen, problem.wanted, problem.fix) from None


def fill(template: str, names: Mapping[str, str], content: Json) -> str:
    """A template with its holes filled. Raises RefusedError where the payload has nothing for one.

    >>> fill("{home}-{/room}", {"home": "elm"}, {"room": 12})
    'elm-12'
    """
    if "{" not in template:
        return template

    def filled(hole: re.Match[str]) -> str:
        found = at(content, hole[1]) if hole[1].startswith("/") else names.get(hole[1], MISSING)
        if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
            raise refused(hole[1], "nothing, or no name", "a name or a number", "look at the mapping", "not-found")
        return str(found) if isinstance(found, str) or abs(found) < 10**100 else ""

    return _HOLE.sub(filled, template)
