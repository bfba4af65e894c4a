"""The rota door: shifts, staff and absence from CSV and iCalendar files in a folder, as events of a home.

A file is read when it has been saved and lies still. What has changed since the last reading is written; a row that is
gone from a file is retracted. Files are only read, never moved or marked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from caretwin.base.counted import counted
from caretwin.base.errors import DataError
from caretwin.ingest.decoded import Decoded, Refusal, RefusedError
from caretwin.ingest.door import Setting, Tested, Tier, given, zone_name
from caretwin.ingest.doors.mqtt.payload import clean
from caretwin.ingest.doors.rota.calendar_files import decode_calendar, window_of
from caretwin.ingest.doors.rota.csv_files import decode_table
from caretwin.ingest.doors.rota.findings import with_findings
from caretwin.ingest.doors.rota.home import ABSENCE, SHIFT, Home
from caretwin.ingest.doors.rota.times import DAY, ORDERS
from caretwin.ingest.erasures import Erasures
from caretwin.ingest.intake import Intake
from caretwin.ingest.watch import Still, files_in, watch
from caretwin.record.entry import Event, Status, SubjectRef
from caretwin.record.identifiers import identifier

ENDINGS = {".csv": "text/csv", ".ics": "text/calendar"}
MOST_BYTES = 50_000_000
"""Of a file (assumed)."""


class RotaDoor:
    """A home's rota.

    name  of the door; settings  see :attr:`settings`
    """

    shifted = True  # it judges times by itself: research data have dates of another century
    kind, title, tier = "rota", "Rota files: shifts, staff, absence (CSV, iCalendar)", Tier.PEER
    settings = (
        Setting("path", "a folder that is watched, or one file", path=True),
        Setting("zone", "IANA zone of the home's clocks, such as Europe/London"),
        Setting("place", "the home, by the name or number that its other doors use"),
        Setting("place_system", "who gives that name or number", "local:homes"),
        Setting("dates", "how CSV files write dates: iso (2025-11-25), dmy (25/11/2025) or mdy", "iso"),
        Setting("every_s", "s between two looks at the folder", 30.0),
        Setting("ahead_days", "days ahead to which recurring appointments are written", 60),
        Setting("back_days", "days back from which they are", 14),
        Setting("absence", "words that make an appointment an absence", "absence leave sick sickness holiday"),
    )

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        said = given(self.settings, settings)
        self.name, self.path = name, Path(str(said["path"]))
        where = f"door {name} (rota)"
        if not zone_name(str(said["zone"]), where):
            raise DataError(where, seen="no zone", wanted="such as Europe/London", fix="write the zone of the home")
        if said["dates"] not in ORDERS:
            raise DataError(where, seen=f"dates = {said['dates']!r}", wanted=", ".join(ORDERS), fix="write one of them")
        subject = SubjectRef((identifier(str(said["place_system"]), str(said["place"])),), "place")
        words = frozenset(str(said["absence"]).lower().split())
        self.home = Home(subject, name, str(said["zone"]), str(said["dates"]), words)
        self.every, self.ahead, self.back = float(said["every_s"]), int(said["ahead_days"]), int(said["back_days"])
        self._still: Still[Path] = Still()
        self._known: dict[Path, dict[str, Event]] = {}
        self.erasures = Erasures()

    def decode(self, raw: bytes, media: str) -> Decoded:
        """See :class:`caretwin.ingest.door.Door`; media: ``"text/csv;file=shifts.csv;saved=US"``, or text/calendar with
        ``now=US``, around which recurring appointments are written out.
        """
        kind, _, rest = media.partition(";")
        said = dict(word.partition("=")[::2] for word in rest.split(";"))
        file = unquote(said.get("file", ""))
        if kind == "text/calendar":
            now = _number(said.get("now", ""))
            if not now:
                fix = "read it through its folder"
                raise RefusedError(Refusal(clean(file), "no time of reading", "now=US in its media", fix, "required"))
            found = decode_calendar(raw, file, window_of(now, self.back, self.ahead), self.home)
        else:
            found = decode_table(raw, file, _number(said.get("saved", "")), self.home)
        events = [part for part in found.parts if isinstance(part, Event)]
        return found._replace(parts=tuple(with_findings(events)))

    async def test(self) -> Tested:
        """Whether the path is there, and which of its files are of a rota."""
        if not self.path.exists():
            return Tested(False, "the path is not there: make the folder, or look at its name")
        files = [path.name for path in self._files()]
        return Tested(
            bool(files),
            f"{counted(len(files), 'file')} of a rota: {', '.join(files[:10]) or 'none ends in .csv or .ics'}",
        )

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """See :class:`caretwin.ingest.door.Door`."""

        async def look() -> str:
            files = await asyncio.to_thread(self._files)
            for path in files:
                await self._look(path, intake)
            return counted(len(files), "file") if self.path.exists() else ""

        await watch(look, self.every, intake.state, stop)

    def _files(self) -> list[Path]:
        return files_in(self.path, ENDINGS)

    async def _look(self, path: Path, intake: Intake) -> None:
        """Read a file that has changed and lies still since the last look; a calendar also on every new day."""
        status = path.stat()
        now = intake.clock()
        calendar = path.suffix.lower() == ".ics"
        if not self._still.ripe(path, (status.st_mtime_ns, status.st_size, now // DAY if calendar else 0)):
            return
        if status.st_size > MOST_BYTES:
            intake.state.trouble = f"a file of {status.st_size} bytes: too large for a rota"
            self._still.take(path)
            return
        raw = await asyncio.to_thread(path.read_bytes)
        times = f"now={now}" if calendar else f"saved={status.st_mtime_ns // 1000}"
        media = f"{ENDINGS[path.suffix.lower()]};file={quote(path.name)};{times}"
        if await self._take(path, raw, media, status.st_mtime_ns // 1000, intake):
            self._still.take(path)

    async def _take(self, path: Path, raw: bytes, media: str, saved: int, intake: Intake) -> bool:
        """Whether a file is in the record, or in quarantine; otherwise it is read again at the next look."""
        try:
            decoded = self.decode(raw, media)
        except RefusedError:
            return (await intake.accept(raw, media)).result != "busy"
        self._forget_erased()
        known = self._known.get(path, {})
        parts = {part.source_id: part for part in decoded.parts if isinstance(part, Event)}
        changed = [part for name, part in parts.items() if name not in known or not _same(part, known[name])]
        gone = [] if decoded.refused else [_withdrawn(one, saved) for one in _gone(known, parts)]
        intake.state.counters["messages"] += 1
        intake.state.counters["findings"] += sum("findings" in part.body for part in changed)
        try:
            outcome = await intake.accept_decoded(decoded._replace(parts=(*changed, *gone)), raw, media)
        except Exception as problem:
            intake.state.trouble = f"the record cannot be written ({type(problem).__name__}): the file is read again"
            return False
        if outcome.result != "busy" and not self._forget_erased():  # it may have been committed before
            self._known[path] = parts
        return outcome.result != "busy"

    def _forget_erased(self) -> bool:
        """Whether somebody was erased since the last look: then nothing is taken back of what was said before."""
        happened = self.erasures.happened()
        if happened:
            self._known.clear()
        return happened


def _gone(known: Mapping[str, Event], parts: Mapping[str, Event]) -> list[Event]:
    """What a file no longer says, as far back as it still reaches: a later export often begins later."""
    found = []
    for kind in (SHIFT, ABSENCE):
        first = min((one.effective for one in parts.values() if one.kind == kind), default=None)
        missing = [one for name, one in known.items() if name not in parts and one.kind == kind]
        found += [one for one in missing if first is not None and one.effective >= first]
    return [one for one in found if one.status != Status.RETRACTED]


def _same(one: Event, other: Event) -> bool:
    return replace(one, version=0) == replace(other, version=0)


def _withdrawn(event: Event, saved: int) -> Event:
    return replace(event, status=Status.RETRACTED, version=max(event.version, saved if event.version < 2**51 else 0))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
