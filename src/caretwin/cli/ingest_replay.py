"""``caretwin ingest replay``: messages that were refused, taken in again after a fix, or dropped with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from caretwin.ingest.again import Again
    from caretwin.ingest.mapping import CodeMapping
    from caretwin.record.record import Record
    from caretwin.record.store.keep import Quarantined

Doors = dict[str, tuple[Any, "CodeMapping"]]


def drop_messages(where: str, numbers: Sequence[int], reason: str) -> None:
    """Say of messages that nobody wants them."""
    record = _open(where)
    try:
        for one in _chosen(record, numbers):
            _resolve(record, one, f"dropped: {reason}")
            click.echo(f"{one.number}  dropped")
    finally:
        record.close()


def replay_messages(where: str, numbers: Sequence[int], config: Path | None, mapping: Path | None, zone: str) -> bool:
    """Take messages in again; whether one was refused again, or has no door."""
    from caretwin.record.writer import Writer

    record = _open(where)
    try:
        waiting = _chosen(record, numbers)
        doors = _doors(waiting, config, mapping, zone)
        known = [one for one in waiting if one.door in doors]
        with Writer(record) as writer:
            outcomes = [_again(record, writer, one, doors) for one in known]
        _without_door([one for one in waiting if one.door not in doors])
        if not waiting:
            click.echo("nothing waits in quarantine")
        return not all(outcomes) or len(known) < len(waiting)
    finally:
        record.close()


def _open(where: str) -> Record:
    from caretwin.base.errors import DataError
    from caretwin.record.record import open_record
    from caretwin.serve.clock import wall

    if "://" not in where and not Path(where).is_file():
        raise DataError(f"record {where}", seen="no such file", wanted="a record", fix="caretwin live makes one")
    return open_record(where, wall)


def _chosen(record: Record, numbers: Sequence[int]) -> list[Quarantined]:
    from caretwin.record.access import operator
    from caretwin.record.store import keep

    record.reading(operator()).of([""])
    found = keep.quarantined(record.connection())
    strange = [number for number in numbers if number not in {one.number for one in found}]
    if strange:
        waits = ", ".join(str(one.number) for one in found[:20]) or "none"
        raise click.BadParameter(f"{strange[0]} does not wait in quarantine; waiting: {waits}", param_hint="NUMBER")
    return [one for one in found if not numbers or one.number in numbers]


def _doors(waiting: Sequence[Quarantined], config: Path | None, mapping: Path | None, zone: str) -> Doors:
    """Doors by name: those of the configuration; all others read tables by the mapping, where one is given."""
    from caretwin.ingest.mapping import CodeMapping

    found: Doors = {}
    if config is not None:
        from caretwin.serve.running import open_doors
        from caretwin.serve.site import read_site

        found |= open_doors(read_site(config))
    if mapping is not None:
        from caretwin.ingest.doors.tables.door import TablesDoor

        for name in {one.door for one in waiting} - found.keys():
            found[name] = (TablesDoor(name, {"path": ".", "mapping": mapping, "zone": zone}), CodeMapping([]))
    return found


def _without_door(left: Sequence[Quarantined]) -> None:
    """Say once for each door that is not known which messages wait for it."""
    for name in dict.fromkeys(one.door for one in left):
        numbers = ", ".join(str(one.number) for one in left if one.door == name)
        click.echo(f"{numbers}  no door {name!r}: name the site with --config, or a table's --mapping")


def _again(record: Record, writer: Any, one: Quarantined, doors: Doors) -> bool:
    """Take one message in; whether all of it was."""
    found = asyncio.run(_take(record, writer, one, *doors[one.door]))
    if found.outcome:
        _resolve(record, one, found.outcome, found.subjects)
    click.echo(f"{one.number}  {one.door}: {found.outcome or 'the disk is busy: try again'}")
    return found.accepted


async def _take(record: Record, writer: Any, one: Quarantined, door: Any, rules: CodeMapping) -> Again:
    """What became of a message."""
    from caretwin.ingest.again import taken_again
    from caretwin.ingest.intake import Intake
    from caretwin.ingest.timely import births
    from caretwin.ingest.translate import Translator
    from caretwin.record.access import operator
    from caretwin.record.store import keep
    from caretwin.serve.clock import wall

    born = births(record.reading(operator()))
    intake = Intake(door, record, writer, Translator(door.name, rules), wall, births=born)
    found = await taken_again(intake, keep.message(record.connection(), one.number), one.media)
    intake.flush()
    return found


def _resolve(record: Record, one: Quarantined, outcome: str, subjects: tuple[str, ...] = ()) -> None:
    from caretwin.record.access import operator
    from caretwin.record.store import keep
    from caretwin.serve.clock import wall

    who = operator()
    with record.writing(
        who, "write", f"message {one.number} of the quarantine: {outcome.partition(':')[0]}", subjects
    ) as connection:
        keep.resolve(connection, one.number, wall(), who.name, outcome, subjects)
