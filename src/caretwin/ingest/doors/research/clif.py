"""The CLIF door: a folder of CLIF 2.1 tables, loaded whole, for research and replay.

Patients are the subjects; every hospitalisation is an event ``encounter``. Values are as they were charted, in the
units of the channels: they are judged in the record, as those of every other door. CLIF's times are in UTC.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from caretwin.base.errors import CaretwinError
from caretwin.base.time import from_microseconds, to_microseconds
from caretwin.ingest.clif.observations import RESULT_DELAY_H
from caretwin.ingest.clif.stays import hospitalisations, patients, read_clif
from caretwin.ingest.clif.tables import Columns, read_clif_tables
from caretwin.ingest.decoded import Code, CodedValue, Decodable, Decoded, Refusal, RefusedError
from caretwin.ingest.door import Setting, Tested, Tier, given
from caretwin.ingest.doors.research.loading import Known, keep_all, known, load_once
from caretwin.ingest.intake import Intake
from caretwin.record.bedside import BedsideRecord, Person, Quality, Signal
from caretwin.record.entry import Event, SubjectRef
from caretwin.record.identifiers import identifier
from caretwin.record.vocabulary import vocabulary

STAY_MEDIA = "application/vnd.caretwin.stay+json"
"""One stay: ``{"subject": [system, value], "values": [[channel, us, value or null, issued us or null]]}``."""
MILLISECOND = 1_000
"""us to which hours from the origin are rounded: tables write seconds, and an hour is no binary fraction of them."""
AT_ONCE = 200
"""Hospitalisations that are read together: the whole of a large folder does not fit the memory."""


class Stay(NamedTuple):
    """When a hospitalisation began and ended (us), as far as it is known; of whom."""

    patient: str
    begin: int | None
    end: int | None


class ClifDoor:
    """A CLIF folder.

    name  of the door; settings  see :attr:`settings`
    """

    shifted = True  # it judges times by itself: research data have dates of another century
    kind, title, tier = "clif", "CLIF 2.1 folders: intensive care research data", Tier.PEER
    settings = (
        Setting("path", "the folder with clif_*.parquet or clif_*.csv", path=True),
        Setting("system", "who gives patients their numbers", "local:clif"),
        Setting("as_charted", "true: received when available at the source, for research and replay", False),
    )

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        said = given(self.settings, settings)
        self.name, self.path, self.system = name, Path(str(said["path"])), str(said["system"])
        self.as_charted = bool(said["as_charted"])

    def decode(self, raw: bytes, media: str) -> Decoded:
        """See :class:`caretwin.ingest.door.Door`; the message is one stay as :data:`STAY_MEDIA` writes it."""
        try:
            said = orjson.loads(raw)
            system, value = said["subject"]
            subject = SubjectRef((identifier(str(system), str(value)),))
            parts = [_value(subject, *row) for row in said["values"]]
        except (CaretwinError, ValueError, TypeError, KeyError, OverflowError, AttributeError):
            wanted, fix = "one stay as this door writes it", "load the folder again"
            raise RefusedError(Refusal("the message", "something else", wanted, fix, "structure")) from None
        return Decoded(tuple(parts))

    async def test(self) -> Tested:
        """Whether the folder has the tables, and how many stays."""
        try:
            stays = await asyncio.to_thread(hospitalisations, self.path)
        except (CaretwinError, OSError) as problem:
            return Tested(False, str(problem))
        return Tested(bool(stays), f"{len(stays)} hospitalisations with vital signs or respiratory support")

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Load the folder once, then wait: research data do not change."""
        await load_once(self.load, self.path, intake, stop)

    async def load(self, intake: Intake, stop: asyncio.Event) -> None:
        """Take every stay in. Raises DataError for a folder without the tables that are needed."""
        stays = await asyncio.to_thread(self._stays)
        names = list(stays)
        for begin in range(0, len(names), AT_ONCE):
            now = names[begin : begin + AT_ONCE]
            parts = await asyncio.to_thread(lambda now=now: [part for part in self._parts(now, stays)])
            intake.state.counters["messages"] += len(now)
            if not stop.is_set():
                await keep_all(intake, parts, self.as_charted, stop)

    def _stays(self) -> dict[str, Stay]:
        whose = patients(self.path)
        tables = read_clif_tables(self.path)
        return {
            stay: Stay(whose.get(stay, stay), _us(row.get("admission_dttm")), _us(row.get("discharge_dttm")))
            for stay, row in tables.stays.items()
        }

    def _parts(self, names: Sequence[str], stays: Mapping[str, Stay]) -> Iterator[Known]:
        tables = read_clif_tables(self.path, names)
        for name, record in read_clif(self.path, names, judged=False).items():
            subject = SubjectRef((identifier(self.system, stays[name].patient),))
            yield from self._events(subject, name, stays[name], record.person)
            yield from (known(part) for part in values_of(subject, record))
            yield from (known(part) for part in _body(subject, tables.of("vitals", name), record))

    def _events(self, subject: SubjectRef, name: str, stay: Stay, person: Person) -> Iterator[Known]:
        """Who it is, at admission; the stay at admission, and again, with its end, at discharge."""
        if stay.begin is None:
            return
        told = {"sex": person.sex, "race": person.race, "ethnicity": person.ethnicity}
        body = {word: value for word, value in told.items() if value}
        if person.age_y is not None:
            year = from_microseconds(stay.begin).year - int(person.age_y)
            body["birth_date"] = str(year)  # CLIF has an age at admission; no more than a year is known
        yield Known(stay.begin, Event(subject, "person", stay.begin, self.name, body, None, f"person|{name}"))
        body = {"status": "admitted", "class": "inpatient"}
        yield Known(
            stay.begin, Event(subject, "encounter", stay.begin, self.name, body, None, f"encounter|{name}", stay.begin)
        )
        if stay.end is not None and stay.end >= stay.begin:
            body = {**body, "status": "discharged"}
            rest = (body, stay.end, f"encounter|{name}", stay.end)
            yield Known(stay.end, Event(subject, "encounter", stay.begin, self.name, *rest))


def values_of(subject: SubjectRef, record: BedsideRecord) -> Iterator[Decodable]:
    """The values of a record whose origin is a clock time."""
    if record.origin is None:
        return
    for part in (record.observations, record.settings):
        for channel, signal in part.items():
            yield from _signal(subject, channel, signal, record.origin)


def _body(subject: SubjectRef, vitals: Columns | None, record: BedsideRecord) -> Iterator[CodedValue]:
    """Weights and heights when they were charted."""
    if vitals is None or record.origin is None:
        return
    start = to_microseconds(record.origin)
    for category, channel in (("weight_kg", "weight"), ("height_cm", "height")):
        chosen = (vitals["vital_category"] == category) & np.isfinite(vitals["recorded_h"])
        for time_h, value in zip(vitals["recorded_h"][chosen], vitals["vital_value"][chosen], strict=True):
            yield _value(subject, channel, _rounded(start, float(time_h)), float(value), None)


def _signal(subject: SubjectRef, channel: str, signal: Signal, origin: datetime) -> Iterator[CodedValue]:
    start = to_microseconds(origin)
    rows = zip(signal.time_h, signal.received_h, signal.value, signal.quality, strict=True)
    for time_h, received_h, value, quality in rows:
        if not np.isfinite(time_h):
            continue
        effective = _rounded(start, float(time_h))
        issued = _rounded(start, float(received_h)) if received_h > time_h else None
        assumed = abs(received_h - time_h - RESULT_DELAY_H) < 1e-6
        said = _value(subject, channel, effective, float(value), issued, assumed)
        doubted = {**(said.note or {}), "questionable": "a rate that was assumed in part: see the page of CLIF"}
        yield replace(said, note=doubted) if quality == Quality.SUSPECT else said


def _value(
    subject: SubjectRef, channel: str, effective: int, value: float | None, issued: int | None, assumed: bool = False
) -> CodedValue:
    said = None if value is None or not np.isfinite(value) else float(value)
    note: dict[str, Any] = {"issued": int(issued)} if issued is not None else {}
    note |= {"issued_is": "assumed"} if issued is not None and assumed else {}
    note |= {"absent": "not-applicable"} if said is None else {}
    code, unit = Code("caretwin", str(channel)), vocabulary()[str(channel)].unit
    return CodedValue(subject, (code,), int(effective), said, unit, note=note or None)


def _rounded(start: int, hours: float) -> int:
    return round((start + hours * 3.6e9) / MILLISECOND) * MILLISECOND


def _us(moment: Any) -> int | None:
    """A pandas time, None for NaT: it is not equal to itself."""
    return None if moment is None or moment != moment else to_microseconds(moment.to_pydatetime())
