"""The door for WFDB records: signals that were recorded, as PhysioNet and many monitors' exports keep them.

Numerics become values; curves become events where they are asked for. A folder is looked through again and again, so
that a record that is put there is taken in.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretwin.base.errors import CaretwinError, DataError, TimeError
from caretwin.base.time import parse_instant, to_microseconds
from caretwin.ingest.decoded import Decoded, RefusedError
from caretwin.ingest.door import Setting, Tested, Tier, given
from caretwin.ingest.watch import watch
from caretwin.record.entry import SubjectRef
from caretwin.record.identifiers import identifier

if TYPE_CHECKING:
    from caretwin.ingest.doors.wfdb.files import Header
    from caretwin.ingest.intake import Intake

MEDIA = "application/vnd.caretwin.wfdb-record"
"""A message of this door is the name of a record: the files lie in its folder."""
AGAIN_S = 0.5
"""s after which a piece is offered again when the record had no room."""


class WfdbDoor:
    """WFDB records of one person in a folder. See docs/doors/wfdb.md."""

    shifted = True  # it judges times by itself: research data have dates of another century
    kind, title, tier = "wfdb", "WFDB records", Tier.PEER
    settings = (
        Setting("folder", "where the records lie: .hea files, and the signal files beside them", path=True),
        Setting("subject", 'whose they are: "system|number"'),
        Setting("record", "name of one record; empty: all of the folder", ""),
        Setting("start", "instant of the earliest record's begin, where headers have no date or a made-up one", ""),
        Setting("zone", "zone of the clock times of headers", "UTC"),
        Setting("waveforms", "keep curves as events; else they are counted and left out", False),
        Setting("every_s", "s between looks into the folder", 10.0),
    )

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.name = name
        said = given(self.settings, settings)
        self.folder, self.record = Path(str(said["folder"])), str(said["record"])
        self.zone, self.curves, self.every_s = str(said["zone"]), bool(said["waveforms"]), float(said["every_s"])
        self.subject = _subject(name, str(said["subject"]))
        self.start = _start(name, str(said["start"]), self.zone)
        self._done: dict[str, tuple[tuple[str, int, int], ...]] = {}

    def decode(self, raw: bytes, media: str) -> Decoded:
        """What a record of the folder says; ``raw`` is its name."""
        name = raw[:1000].decode("utf-8", errors="replace").strip()
        pieces = list(self._pieces(name))
        parts = tuple(part for piece in pieces for part in piece.parts)
        refused = tuple(one for piece in pieces for one in piece.refused)
        if refused and not parts and not any(piece.ignored for piece in pieces):
            raise RefusedError(refused[0])
        return Decoded(parts, refused, name, tuple(one for piece in pieces for one in piece.ignored))

    async def test(self) -> Tested:
        """Whether there are records, and whether their files are whole."""
        return await asyncio.to_thread(self._test)

    def _test(self) -> Tested:
        from caretwin.ingest.doors.wfdb.files import check

        names = self._names()
        if not names:
            return Tested(False, f"no record in {self.folder}: put .hea files and their signal files there")
        broken = []
        for name in names:
            try:
                header = self._header(name)
                self._zero(header)
                broken += [error for one in header.segments if (error := _trouble(check, self.folder, one.name))]
            except CaretwinError as error:
                broken.append(error.seen)
        more = f"; {len(broken)} parts cannot be read, the first: {broken[0]}" if broken else ""
        return Tested(len(broken) < len(names), f"{len(names)} records{more}")

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Take in each record once, and what is put there later; a record that was mended is read again."""

        async def look() -> str:
            if not self.folder.is_dir():
                intake.state.trouble = f"no folder {self.folder}"
                return ""
            intake.state.listening = str(self.folder)  # before the first records, which may take long
            for name in await asyncio.to_thread(self._new):
                await self._take(name, intake, stop)
            return str(self.folder)

        await watch(look, self.every_s, intake.state, stop)

    async def _take(self, name: str, intake: Intake, stop: asyncio.Event) -> None:
        pieces, raw = self._pieces(name), name.encode()
        while not stop.is_set() and (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            intake.state.counters["messages"] += 1
            intake.state.counters["curves left out"] += len(piece.ignored)
            while (await intake.accept_decoded(piece, raw, MEDIA)).result == "busy":
                await asyncio.sleep(AGAIN_S)

    # records -------------------------------------------------------------------------------------------------------

    def _pieces(self, name: str) -> Iterator[Decoded]:
        """A record in pieces; one that cannot be read at all is a piece with the reason."""
        from caretwin.ingest.doors.wfdb.values import Reading

        try:
            header = self._header(name)
            zero = self._zero(header)
        except RefusedError as error:
            yield Decoded((), (error.refusal,), name)
            return
        yield from Reading(self.folder, header, self.subject, zero, f"{self.kind}:{self.name}", self.curves).pieces()

    def _names(self) -> list[str]:
        from caretwin.ingest.doors.wfdb.files import records

        return [self.record] if self.record else records(self.folder)

    def _new(self) -> list[str]:
        """Records that were not read yet as they are now."""
        found = []
        for name in self._names():
            now = self._look(name)
            if self._done.get(name) != now:
                self._done[name] = now
                found.append(name)
        return found

    def _look(self, name: str) -> tuple[tuple[str, int, int], ...]:
        """Name, size and time of every file of a record: a change of any is a reason to read it again."""
        from caretwin.ingest.doors.wfdb.files import files_of

        there = [path for path in files_of(self.folder, name) if path.is_file()]
        return tuple((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in there)

    def _header(self, name: str) -> Header:
        from caretwin.ingest.doors.wfdb.files import read_header

        return read_header(self.folder, name)

    def _zero(self, header: Header) -> int:
        """us UTC of a record's first frame. Raises RefusedError where nobody says when that was."""
        from caretwin.ingest.doors.wfdb.files import refused

        if self.start is None:
            if header.began is None:
                raise refused(
                    header.name, "no date in its header", "the day and time of its begin",
                    'write start = "2024-03-01T06:10:00Z" into the section of the door', "required",
                )  # fmt: skip
            return self._instant(header)
        dated = [one.began for one in self._all_headers() if one.began is not None]
        if header.began is None or not dated:
            return self.start
        return self.start + round((header.began - min(dated)).total_seconds() * 1e6)

    def _instant(self, header: Header) -> int:
        from caretwin.ingest.doors.wfdb.files import refused

        began: datetime = header.began  # type: ignore[assignment]
        try:
            return to_microseconds(parse_instant(began.isoformat(), self.zone))
        except TimeError as error:
            raise refused(
                header.name, error.seen, error.wanted, "set start, with an offset, or another zone"
            ) from error

    def _all_headers(self) -> list[Header]:
        found = []
        for name in self._names():
            with contextlib.suppress(RefusedError):
                found.append(self._header(name))
        return found


def _trouble(check: Any, folder: Path, segment: str) -> str:
    try:
        check(folder, segment)
    except RefusedError as error:
        return f"{error.refusal.place}: {error.refusal.seen}"
    return ""


def _subject(name: str, text: str) -> SubjectRef:
    system, bar, value = text.rpartition("|")
    if not bar:
        raise DataError(
            f"door {name} (wfdb)", seen="a subject without a system", wanted='"system|number"',
            fix='write subject = "urn:our-hospital|1234" into its section',
        )  # fmt: skip
    return SubjectRef((identifier(system, value),))


def _start(name: str, text: str, zone: str) -> int | None:
    if not text:
        return None
    try:
        return to_microseconds(parse_instant(text, zone))
    except TimeError as error:
        raise DataError(f"door {name} (wfdb)", seen=error.seen, wanted=error.wanted, fix=error.fix) from error
