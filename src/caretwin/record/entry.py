"""What is written to the record: observations, events, derived things, and who or what they are about.

An entry never changes. A correction is another entry with the same ``source_id`` and a later ``version``; a
retraction is one with status RETRACTED. Times are whole microseconds UTC since 1970 (see :mod:`caretwin.base.time`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal, NamedTuple, TypeAlias

from caretwin.record.bedside import Quality

SubjectKind = Literal["patient", "resident", "place"]
KIND_LETTERS: Mapping[SubjectKind, str] = {"patient": "p", "resident": "r", "place": "l"}
"""First letter of the keys of each kind of subject."""


def kind_of(key: str) -> SubjectKind:
    """What the subject of a key is.

    >>> kind_of("r0a1b2c3d4e5")
    'resident'
    """
    return next(kind for kind, letter in KIND_LETTERS.items() if key.startswith(letter))


class Status(IntEnum):
    """What the source says of an entry; between versions of one time the higher wins."""

    PRELIMINARY = 0
    FINAL = 1
    CORRECTED = 2
    RETRACTED = 3  # entered in error, wrong patient, deleted at the source: absent from then on


class Identifier(NamedTuple):
    """A number by which a system knows a subject.

    system  the URI or local name of who gives it; value  the number as it is stored (see :mod:`identifiers`)
    """

    system: str
    value: str


@dataclass(frozen=True, slots=True)
class SubjectRef:
    """Who an entry is about, by what its source knows: any of the identifiers; all are remembered.

    identifiers  at least one; kind  what is made when none of them is known yet
    """

    identifiers: tuple[Identifier, ...]
    kind: SubjectKind = "patient"

    def __post_init__(self) -> None:
        if not self.identifiers:
            raise ValueError("a subject without an identifier: wanted at least one (system, value)")


Subject: TypeAlias = "str | SubjectRef"
"""A subject's key in this record, or what its source knows of it."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A value that was seen, set or given, with a code.

    subject    whom it is about
    code       a channel of the vocabulary, in whose unit ``value`` is; else ``"system|code"`` in the unit as sent
    effective  when it was true (us)
    value      None: the source says that there is none (``note["absent"]`` says why), or it is a word
    source     who sent it: the door and the device
    source_id  the source's own name for it: by this duplicates and corrections are known; "" when it has none
    version    orders versions of one ``source_id``: such as the time of its message (us)
    unit       of a value that is not in a channel's unit; "" otherwise
    note       what else was said: ``comparator`` ("<"), ``text``, ``absent``, ``device``, ``method``, ``display``
    """

    subject: Subject
    code: str
    effective: int
    value: float | None
    source: str
    source_id: str = ""
    version: int = 0
    status: Status = Status.FINAL
    quality: Quality = Quality.GOOD
    unit: str = ""
    note: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.code}: value {self.value}; wanted a finite number, or None where it is absent")


@dataclass(frozen=True, slots=True)
class Remapped(Observation):
    """An observation that was kept under a code that nobody had mapped, said anew under what the code means.

    It is a version of the one that it stands for (:class:`caretwin.record.store.foreign.Standing`), with its time,
    version and status: what the source sends later corrects it, what it sends again is a duplicate. As of any time
    before it was received the other one holds.

    of      sequence number of that one; origin  digest of the name by which the record knows its versions
    named   whether that is the source's own name for it; without one it is known by what it says
    before  what it was: ``code`` and ``unit``; they stay with it, as ``note["mapped_from"]``
    """

    of: int = 0
    origin: bytes = b""
    named: bool = True
    before: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, or held for a time.

    kind       such as ``"medication_administration"``, ``"fall"``, ``"encounter"``, ``"person"``
    effective  when, or from when (us); stop  until when (us), None: at once, or not over
    body       what is known of it, as JSON can say it
    """

    subject: Subject
    kind: str
    effective: int
    source: str
    body: Mapping[str, Any] = field(default_factory=dict)
    stop: int | None = None
    source_id: str = ""
    version: int = 0
    status: Status = Status.FINAL


@dataclass(frozen=True, slots=True)
class Derived:
    """Something that caretwin made of the record: a forecast, a score of one, a recommendation, a review.

    at          the time that it speaks from (us): it uses only what had been received by then
    provenance  inputs, code version, model version, seed: enough to make it again
    about       sequence number of the entry that it is about (a score's forecast), or None
    """

    subject: Subject
    kind: str
    at: int
    body: Mapping[str, Any]
    provenance: Mapping[str, Any]
    about: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Two sets of identifiers are one subject (a merge that the source tells): ``other`` is ``subject`` from now on.

    alone     it holds only where nothing but these identifiers is known of ``other``: for numbers of one house that
              were met before the person whom they belong to
    agreeing  it holds only where nobody gave the two different numbers: for a message that says who a person is, and
              lists numbers that were met apart
    again     it holds also where somebody parted the two before: for a person who knows that, never for a sender
    """

    subject: SubjectRef
    other: SubjectRef
    source: str
    alone: bool = False
    agreeing: bool = False
    again: bool = False


Entry: TypeAlias = "Observation | Event | Derived | Link"


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that are kept or refused together: one message, one bundle, one file's part.

    received  when they could be known (us); actor  who writes them (a door, a person); message  the source's message id
    """

    entries: tuple[Entry, ...]
    received: int
    actor: str
    message: str = ""


class Receipt(NamedTuple):
    """What became of a batch, once it is committed.

    sequences   of each entry, in order; that of the entry it repeats for a duplicate (0 for a link)
    duplicates  how many entries were known already
    replaced    how many earlier entries are superseded by these
    subjects    keys of the subjects, by entry
    repeats     places in the batch of entries that the record had already: they say nothing new
    changed     (subject, effective time) of earlier entries that no longer hold
    gone        sequences of entries that no longer hold: earlier ones, and new ones that a later version was quicker
                than
    """

    sequences: tuple[int, ...]
    duplicates: int
    replaced: int
    subjects: tuple[str, ...]
    gone: tuple[int, ...] = ()
    repeats: tuple[int, ...] = ()
    changed: tuple[tuple[str, int], ...] = ()


class Stored(NamedTuple):
    """An observation as it stands in the record."""

    sequence: int
    subject: str
    code: str
    unit: str
    source: str
    effective: int
    received: int
    value: float | None
    status: Status
    quality: Quality
    note: Mapping[str, Any]


class StoredEvent(NamedTuple):
    """An event as it stands in the record."""

    sequence: int
    subject: str
    kind: str
    source: str
    effective: int
    stop: int | None
    received: int
    status: Status
    body: Mapping[str, Any]


class StoredDerived(NamedTuple):
    """A derived thing as it stands in the record."""

    sequence: int
    subject: str
    kind: str
    at: int
    received: int
    about: int | None
    body: Mapping[str, Any]
    provenance: Mapping[str, Any]
