"""From rows of a MEDS file to values, persons and stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np

from caretwin.base.time import from_microseconds
from caretwin.ingest.bedside import person as bedside_person
from caretwin.ingest.clif.observations import RESULT_DELAY_H
from caretwin.ingest.decoded import Code, CodedValue
from caretwin.ingest.doors.research.loading import Known, known
from caretwin.ingest.doors.research.meds_codes import SEPARATOR, Meanings, Read
from caretwin.ingest.doors.research.meds_infusions import Infusions
from caretwin.record.entry import Event, SubjectRef
from caretwin.record.identifiers import identifier

BIRTH, DEATH, SEX = "MEDS_BIRTH", "MEDS_DEATH", "GENDER"
ADMISSION, DISCHARGE = "HOSPITAL_ADMISSION", "HOSPITAL_DISCHARGE"
RESULT_DELAY = round(RESULT_DELAY_H * 3.6e9)
"""us from collection to result, which MEDS does not have: the median that we found in two sets (assumed)."""


def parts_of(
    frame: Any, meanings: Meanings, source: str, system: str, zone: str, unmapped: bool, left: Counter[str]
) -> Iterator[Known]:
    """Everything in a frame of subject_id, time, code and number that has a meaning.

    unmapped  whether codes without one are kept as they came; left  is told how often codes were left out
    """
    times = _microseconds(frame["time"], zone)
    reads = {code: meanings.read(code) for code in frame["code"].unique()}
    rows = zip(frame["subject_id"], times, frame["time"].isna(), frame["code"], frame["number"], strict=True)
    people: dict[Any, _Person] = {}
    for who, at, static, code, number in rows:
        person = people.setdefault(who, _Person(_ref(system, who), source))
        read = reads[code]
        if read.meaning is None and person.told(code, None if static else int(at)):
            continue
        if not static and person.infusions.told(read, code, int(at), float(number)):
            continue
        if static or (read.meaning is None and not unmapped) or number != number:
            left[code] += 1
            continue
        yield known(_value(person.subject, read, code, int(at), float(number)))
    for person in people.values():
        yield from person.events()
        yield from map(known, person.infusions.values(person.subject, person.admissions))


def _ref(system: str, who: Any) -> SubjectRef:
    return SubjectRef((identifier(system, str(who).removesuffix(".0")),))


def _microseconds(column: Any, zone: str) -> Any:
    """Instants (us); the hour that a clock shows twice is its second, one that it never shows the next: research
    clocks are shifted anyway.
    """
    if getattr(column.dt, "tz", None) is None:
        twice = np.zeros(len(column), dtype=bool)
        column = column.dt.tz_localize(zone, ambiguous=twice, nonexistent="shift_forward")
    pd = import_module("pandas")
    since = column.dt.tz_convert("UTC") - pd.Timestamp("1970-01-01", tz="UTC")
    return (since // pd.Timedelta(microseconds=1)).fillna(0).astype("int64")


def _value(subject: SubjectRef, read: Read, code: str, at: int, number: float) -> CodedValue:
    if read.meaning is None:
        stem = SEPARATOR.join(code.split(SEPARATOR)[:2])  # without the unit
        return CodedValue(subject, (Code("local:meds", stem, read.item),), at, number, read.unit)
    meaning = read.meaning
    note = {"issued": at + RESULT_DELAY, "issued_is": "assumed"} if meaning.laboratory else None
    codes = (Code("caretwin", meaning.channel, read.item),)
    return CodedValue(subject, codes, at, number, meaning.unit or read.unit, device=meaning.device, note=note)


class _Person:
    """What is told of one subject beside values."""

    def __init__(self, subject: SubjectRef, source: str) -> None:
        self.subject, self.source = subject, source
        self._body: dict[str, str] = {}
        self._stays: list[tuple[int, int | None]] = []
        self._death: int | None = None
        self._first: int | None = None
        self.infusions = Infusions()

    @property
    def admissions(self) -> list[int]:
        """When its stays began (us), in order."""
        return sorted(begin for begin, _ in self._stays)

    def told(self, code: str, at: int | None) -> bool:
        """Whether a code was about the person or a stay; ``at`` None for what holds always."""
        head, _, rest = code.partition(SEPARATOR)
        if head == SEX:
            found = bedside_person.sex(rest)
            self._body |= {"sex": found} if found else {}
            return True
        if at is None:
            return False
        if head == BIRTH:
            self._body["birth_date"] = from_microseconds(at).date().isoformat()
            return True
        self._first = at if self._first is None else min(at, self._first)
        if head == ADMISSION:
            self._stays.append((at, None))
        elif head == DISCHARGE:
            self._leave(at)
        elif head == DEATH:
            self._death = at
        return head in (ADMISSION, DISCHARGE, DEATH)

    def _leave(self, at: int) -> None:
        """A discharge ends the stay that began last before it."""
        for place in reversed(range(len(self._stays))):
            begin, end = self._stays[place]
            if end is None and begin <= at:
                self._stays[place] = (begin, at)
                return

    def events(self) -> Iterator[Known]:
        """Who it is, stays (again with their end, when it was known), and death."""
        who, first = self.subject, self._first
        if self._body and first is not None:
            yield Known(first, Event(who, "person", first, self.source, dict(self._body), None, f"person|{who}"))
        for begin, end in self._stays:
            name = f"encounter|{who}|{begin}"
            body = {"status": "admitted", "class": "inpatient"}
            yield Known(begin, Event(who, "encounter", begin, self.source, body, None, name, begin))
            if end is not None:
                body = {**body, "status": "discharged"}
                yield Known(end, Event(who, "encounter", begin, self.source, body, end, name, end))
        if self._death is not None:
            body = {"death": from_microseconds(self._death).isoformat(), "deceased": True}
            yield Known(self._death, Event(who, "person", self._death, self.source, body, None, f"death|{who}"))
