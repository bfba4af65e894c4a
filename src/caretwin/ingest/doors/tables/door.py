"""The tables door: CSV, Parquet and Excel files, one file or a watched folder, read by a mapping file.

``caretwin ingest preview FILE`` proposes the mapping and explains it. A file is read when it has been saved and lies
still. Files are only read, never moved or marked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from caretwin.base.counted import counted
from caretwin.ingest.decoded import CodedValue, Decodable, Decoded, RefusedError
from caretwin.ingest.door import Setting, Tested, Tier, given, zone_name
from caretwin.ingest.doors.mqtt.payload import clean
from caretwin.ingest.doors.research.loading import keep_all, known
from caretwin.ingest.doors.tables.decode import Found, read_rows
from caretwin.ingest.doors.tables.file import ENDINGS, read_grid
from caretwin.ingest.doors.tables.grid import MOST_BYTES, ROWS_MEDIA, Cell, Grid, as_rows, from_rows
from caretwin.ingest.doors.tables.mapping import TableMapping, read_table_mapping
from caretwin.ingest.intake import Intake
from caretwin.ingest.mapping import CodeMapping
from caretwin.ingest.translate import Translator
from caretwin.ingest.unusable import Unusable, is_unusable, unusable
from caretwin.ingest.watch import Still, files_in, watch
from caretwin.record.entry import Event

MOST_REMEMBERED = 2_000_000
"""Values whose last version is remembered, so that a table that is saved again sends only what changed."""


class TablesDoor:
    """Tables in files.

    name  of the door; settings  see :attr:`settings`; mapping  instead of the file that they name
    """

    shifted = True  # it judges times by itself: research data have dates of another century
    kind, title, tier = "tables", "Tables: CSV, Parquet and Excel files", Tier.PEER
    settings = (
        Setting("path", "a folder that is watched, or one file", path=True),
        Setting("mapping", "the TOML file that says which column is what; caretwin ingest preview makes it", path=True),
        Setting("zone", "IANA zone of clock times without an offset, where the mapping names none", ""),
        Setting("every_s", "s between two looks at the folder", 30.0),
        Setting("as_charted", "true: received when available at the source, for research and replay", False),
    )

    def __init__(self, name: str, settings: Mapping[str, Any], mapping: TableMapping | None = None) -> None:
        said = given(self.settings, settings)
        self.name, self.path = name, Path(str(said["path"]))
        found = mapping if mapping is not None else read_table_mapping(str(said["mapping"]))
        zone = str(said["zone"] or "")
        self.mapping = replace(found, time=_in_zone(found.time, zone), issued=_in_zone(found.issued, zone))
        for one in {self.mapping.time.zone, self.mapping.issued.zone} - {""}:
            zone_name(one, f"door {name} (tables)")
        self.every, self.as_charted = float(said["every_s"]), bool(said["as_charted"])
        self._still: Still[Path] = Still()
        self._known: dict[bytes, bytes] = {}
        self.told: dict[str, str] = {}
        """By file: what a person should know of its rows, though they were taken in."""

    def decode(self, raw: bytes, media: str) -> Decoded:
        """See :class:`caretwin.ingest.door.Door`; media: ``";file=NAME;saved=US"`` after the type."""
        return self.read(*self._grid(raw, media)).decoded

    def _grid(self, raw: bytes, media: str) -> tuple[Grid, int]:
        kind, _, rest = media.partition(";")
        said = dict(word.partition("=")[::2] for word in rest.split(";"))
        file = clean(unquote(said.get("file", ""))) or "the table"
        saved = said.get("saved", "")
        rows = kind == ROWS_MEDIA
        grid = from_rows(raw, file, self.mapping.layout) if rows else read_grid(raw, file, self.mapping.layout)
        return grid, int(saved) if saved.isascii() and saved.isdigit() and len(saved) < 18 else 0

    def read(self, grid: Grid, saved: int) -> Found:
        """What a table says by the mapping. Raises RefusedError."""
        found = read_rows(grid, replace(self.mapping, layout=grid.layout), self.name, saved)
        if found.decoded.refused and not found.decoded.parts:
            raise RefusedError(found.decoded.refused[0])
        return found

    async def test(self) -> Tested:
        """Whether the path is there, and whether its newest table fits the mapping."""
        if not self.path.exists():
            return Tested(False, "the path is not there: make the folder, or look at its name")
        files = self._files()
        if not files:
            return Tested(False, f"no table yet: no file ends in {', '.join(sorted(ENDINGS))}")
        newest = max(files, key=lambda path: path.stat().st_mtime_ns)
        try:
            grid, saved = await asyncio.to_thread(lambda: self._grid(*_raw(newest)))
            decoded = await asyncio.to_thread(lambda: self.read(grid, saved).decoded)
        except RefusedError as error:
            return Tested(False, f"{counted(len(files), 'table')}; the newest, {error.refusal}")
        except OSError as problem:
            return Tested(False, f"{newest.name} cannot be read: {problem.strerror}")
        size, cells = counted(len(files), "table"), counted(len(decoded.refused), "cell")
        refused_ = f", refused {cells}, first: {decoded.refused[0]}" if decoded.refused else ""
        never = self._never_used(decoded)
        never_ = f", {counted(len(never), 'value')} can never be used, first: {never[0]}" if never else ""
        said = f"{size}; the newest, {newest.name}, says {counted(len(decoded.parts), 'thing')}{refused_}{never_}"
        return Tested(not decoded.refused, "; ".join(filter(None, [said, grid.told_short()])))

    def _never_used(self, decoded: Decoded) -> list[Unusable]:
        """What of a table's channels would be kept and could never be used; codes are the site's."""
        translator, found = Translator(self.name, CodeMapping([])), list[Unusable]()
        for number, part in enumerate(decoded.parts):
            if isinstance(part, CodedValue):
                entry, _ = translator.translate(part, 0)
                found += [unusable(number, part, entry)] if is_unusable(entry) else []
        return found

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """See :class:`caretwin.ingest.door.Door`."""

        async def look() -> str:
            files = await asyncio.to_thread(self._files)
            for path in files:
                await self._look(path, intake, stop)
            return counted(len(files), "table") if self.path.exists() else ""

        await watch(look, self.every, intake.state, stop)

    async def load(self, intake: Intake, stop: asyncio.Event) -> None:
        """Take every table in once, now. Raises OSError for a file that cannot be read."""
        for path in self._files():
            await self._take(path, intake, stop)

    def _files(self) -> list[Path]:
        return files_in(self.path, ENDINGS)

    async def _look(self, path: Path, intake: Intake, stop: asyncio.Event) -> None:
        """Read a file that has changed and lies still since the last look."""
        status = path.stat()
        if self._still.ripe(path, (status.st_mtime_ns, status.st_size)):
            await self._take(path, intake, stop)
            if not stop.is_set():
                self._still.take(path)

    async def _take(self, path: Path, intake: Intake, stop: asyncio.Event) -> None:
        if path.stat().st_size > MOST_BYTES:
            intake.state.trouble = f"a file of {path.stat().st_size} bytes: at most {MOST_BYTES}; split it"
            return
        raw, media = await asyncio.to_thread(_raw, path)
        intake.state.counters["messages"] += 1
        try:
            grid, saved = await asyncio.to_thread(self._grid, raw, media)
            found = await asyncio.to_thread(
                read_rows, grid, replace(self.mapping, layout=grid.layout), self.name, saved
            )
        except RefusedError as error:
            await intake.accept_decoded(Decoded((), (error.refusal,)), raw, media)
            return
        self._tell_short(grid)
        parts = [part for part in found.decoded.parts if self._new(part)]
        await keep_all(intake, [known(part) for part in parts], self.as_charted, stop)
        bad = {number for number, cells in grid.rows if number in found.bad and self._new_row(path, cells)}
        if bad:
            kept = media.replace(media.partition(";")[0], ROWS_MEDIA, 1)
            await intake.accept_decoded(Decoded((), found.decoded.refused), as_rows(grid, bad), kept)

    def _tell_short(self, grid: Grid) -> None:
        """Keep what is to be said of rows with too few cells of a file, as it is now."""
        self.told.pop(grid.file, None)
        if said := grid.told_short():
            self.told[grid.file] = f"{grid.file}: {said}"

    def _new_row(self, path: Path, cells: tuple[Cell, ...]) -> bool:
        """Whether a refused row does not wait in quarantine since an earlier look."""
        return self._remember(f"row {path}", repr(cells))

    def _new(self, part: Decodable) -> bool:
        """Whether a part says something that was not said before; it is remembered from now on."""
        if not isinstance(part, CodedValue | Event):
            return True
        bare = replace(part, version=0, place="") if isinstance(part, CodedValue) else replace(part, version=0)
        return self._remember(part.source_id, repr(bare))

    def _remember(self, name: str, said: str) -> bool:
        """Whether something is said for the first time, or otherwise than before."""
        key = blake2b((f"{name}|{said}" if name.startswith("row ") else name).encode(), digest_size=8).digest()
        content = blake2b(said.encode(), digest_size=8).digest()
        if len(self._known) > MOST_REMEMBERED:
            self._known.clear()  # everything is sent once more, and recognised by the record
        before, self._known[key] = self._known.get(key), content
        return before != content


def _in_zone(rule: Any, zone: str) -> Any:
    return rule if rule.zone else replace(rule, zone=zone)


def _raw(path: Path) -> tuple[bytes, str]:
    """A file and what kind of message of this door it is."""
    saved = path.stat().st_mtime_ns // 1000
    return path.read_bytes(), f"{ENDINGS[path.suffix.lower()]};file={quote(path.name)};saved={saved}"
