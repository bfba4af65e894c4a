"""Where people say what codes mean: one change at a time, checked, written, used by the doors at once, and applied to
what is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from caretwin.base.errors import DataError
from caretwin.ingest import mapping_edit
from caretwin.ingest.mapping import IGNORE, CodeMapping, Rule, read_mapping
from caretwin.ingest.mapping_edit import Row
from caretwin.ingest.remap import Change, Plan, plan, remap
from caretwin.record.access import Actor
from caretwin.record.entry import Batch
from caretwin.record.store import keep
from caretwin.record.vocabulary import vocabulary
from caretwin.serve.running import mapping_file
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.problems import Refusal
from caretwin.serve.web.views.mapping import MappedCode, MappingDone, MappingPreview, NewRule

if TYPE_CHECKING:
    from caretwin.serve.running import Running

REMEMBERED = 50
"""States of files that are remembered, to tell what somebody else changed since (assumed)."""


class Standing(NamedTuple):
    """A mapping file as it is: its doors, digest and rows."""

    path: Path
    doors: tuple[str, ...]
    digest: str
    rows: Sequence[Row]


class MappingDesk:
    """The mapping files of a running site."""

    def __init__(self, running: Running) -> None:
        self._running, self.turn = running, asyncio.Lock()
        self._told: dict[str, Sequence[Row]] = {}

    def standing(self, door: str) -> Standing:
        """The file of a door. Raises Refusal: 404 for no door, 409 for one whose file cannot be read, or has none."""
        if door not in self._running.intakes:
            raise Refusal(404, "no door of this name", fix="name one of the site")
        path = mapping_file(self._running.site, door)
        if path is None:
            fix = 'write mapping = "codes.csv" into its section of the configuration, make that file, and start again'
            raise Refusal(409, "this door has no mapping of codes", fix=fix, rule="mapping:file")
        try:
            found = Standing(path, self._doors_of(path), mapping_edit.digest(path), mapping_edit.rows_of(path))
        except (OSError, DataError) as problem:
            seen = problem.seen if isinstance(problem, DataError) else problem.strerror
            fix = "look at the file where the site runs"
            raise Refusal(409, f"the file {path.name}: {seen}", fix=fix, rule="mapping:file") from None
        while len(self._told) >= REMEMBERED:
            self._told.pop(next(iter(self._told)))
        self._told[found.digest] = found.rows
        return found

    def _doors_of(self, path: Path) -> tuple[str, ...]:
        site = self._running.site
        files = {name: mapping_file(site, name) for name in self._running.intakes}
        return tuple(name for name, one in files.items() if one is not None and one.resolve() == path.resolve())

    def editable(self, door: str) -> Standing:
        """As :meth:`standing`. Raises Refusal (409) also for a file that cannot be written."""
        found = self.standing(door)
        if trouble := self.read_only(found):
            raise Refusal(409, trouble, fix="let the account of the site write it", rule="mapping:file")
        return found

    def read_only(self, file: Standing) -> str:
        """Why a file cannot be changed here, "" where it can."""
        return mapping_edit.read_only(file.path)

    def tried(self, caller: Caller, door: str, rules: Sequence[NewRule]) -> MappingPreview:
        """What rules would map. Raises Refusal."""
        file = self.editable(door)
        new = _rows(door, rules)
        self._flush()
        rules_then = CodeMapping([*_rules_of(file.path).rules, *_checked(file.rows, new)])
        found = self._plan(caller, file, rules_then)
        changes = [_shown(one) for one in found.changes]
        return MappingPreview(
            digest=file.digest, changes=changes, values=found.values, unusable=found.unusable, left=found.left
        )

    def write(self, caller: Caller, door: str, rules: Sequence[NewRule], digest: str) -> tuple[Standing, CodeMapping]:
        """Write rules into the file of a door, audited; the file and the mapping as they are then.

        Raises Refusal, with 409 and what changed where the file is another than that of the digest.
        """
        file = self.editable(door)
        if file.digest != digest:
            raise self._overtaken(digest, file)
        new = _rows(door, rules)
        _rules_of(file.path)
        _checked(file.rows, new)
        said = "; ".join(f"{one['system']}|{one['code']} [{one['unit']}] is {one['channel']}" for one in new)
        record = self._running.record
        try:
            with record.writing(caller.actor(), "configure", f"mapping {file.path.name} of {door}: {said}"):
                mapping_edit.write_whole(file.path, mapping_edit.with_rows(file.path, new))
        except OSError as problem:
            seen = f"the file {file.path.name} could not be written ({problem.strerror})"
            raise Refusal(409, seen, fix="look at it where the site runs", rule="mapping:file") from None
        return self.standing(door), read_mapping(file.path)

    def use(self, file: Standing, mapping: CodeMapping) -> None:
        """Let the doors of a file map by it from now on; on the loop of the doors."""
        for name in file.doors:
            self._running.intakes[name].use(mapping)

    def apply(self, caller: Caller, file: Standing, mapping: CodeMapping) -> MappingDone:
        """Say anew what is kept, once all that doors had mapped by the old rules is on the disk."""
        running, actor = self._running, _in_the_name_of(caller)
        said = f"codes of {', '.join(file.doors)} are mapped anew"
        running.writer.submit(actor, Batch((), running.clock(), actor.name, said), wait_s=60.0).result()
        self._flush()
        of = {name: mapping for name in file.doors}.get
        values = remap(running.record, actor, of, running.clock)
        left = [one for one in keep.unmapped(running.record.connection()) if one.source in file.doors]
        return MappingDone(digest=file.digest, doors=list(file.doors), values=values, left=len(left))

    def _plan(self, caller: Caller, file: Standing, mapping: CodeMapping) -> Plan:
        return plan(self._running.record, _in_the_name_of(caller), {name: mapping for name in file.doors}.get)

    def _flush(self) -> None:
        for intake in self._running.intakes.values():
            intake.flush()

    def _overtaken(self, digest: str, now: Standing) -> Refusal:
        """Somebody changed the file since: which rules came, and which went (null: its old state is not known)."""
        old = self._told.get(digest)
        more: dict[str, Any] = {
            "digest": now.digest,
            "added": None if old is None else [_bare(one) for one in now.rows if one not in old],
            "removed": None if old is None else [_bare(one) for one in old if one not in now.rows],
        }
        seen = "somebody else changed the mapping since you read it"
        fix = "look at what changed, and send your rules again with the new digest"
        return Refusal(409, seen, fix=fix, rule="mapping:digest", **more)


def _in_the_name_of(caller: Caller) -> Actor:
    """The program that says values anew when somebody asks for it: they themselves see nobody's data by it."""
    return Actor(f"mapping by account:{caller.account}", "operator", "say what codes mean")


def _rows(door: str, rules: Sequence[NewRule]) -> list[Row]:
    return [
        {
            "source": door if one.only_this_door else "", "system": one.system, "code": one.code, "unit": one.unit,
            "channel": one.channel, "to_unit": one.to_unit, "note": one.note,
        }
        for one in rules
    ]  # fmt: skip


def _checked(rows: Sequence[Row], new: Sequence[Row]) -> list[Rule]:
    """The rules of rows that are added. Raises Refusal (422) with the index of the first that cannot be."""
    found = []
    for number, one in enumerate(new):
        try:
            found.append(mapping_edit.check_new([*rows, *new[:number]], number, one))
        except DataError as problem:
            seen = f"{problem.where}: {problem.seen}; wanted {problem.wanted}"
            raise Refusal(422, seen, fix=problem.fix, rule="mapping:rule", index=number) from None
    return found


def _rules_of(path: Path) -> CodeMapping:
    """The mapping as it is. Raises Refusal (409) where a row of the file says what cannot be."""
    try:
        return read_mapping(path)
    except DataError as problem:
        raise Refusal(409, f"{problem.where}: {problem.seen}", fix=problem.fix, rule="mapping:file") from None


def _shown(one: Change) -> MappedCode:
    known = one.channel not in ("", IGNORE)
    return MappedCode(
        door=one.source, code=one.code, unit=one.unit, channel=one.channel,
        channel_unit=vocabulary()[one.channel].unit if known else "", values=one.values, unusable=one.unusable,
        reason="" if one.never is None else one.never.reason,
    )  # fmt: skip


def _bare(row: Row) -> Row:
    """A row without its note, which may hold an example of what was sent."""
    return {name: value for name, value in row.items() if name != "note"}
