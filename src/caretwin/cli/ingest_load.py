"""``caretwin ingest load``: which door a source needs, and what became of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import click

from caretwin.base.counted import counted

if TYPE_CHECKING:
    from caretwin.ingest.doors.tables.proposal import Hints
    from caretwin.ingest.intake import DoorState, Intake
    from caretwin.record.record import Record


class Loadable(Protocol):
    """A door that can take everything in once."""

    name: str
    kind: str

    async def load(self, intake: Intake, stop: asyncio.Event) -> None:
        """Take everything in."""
        ...


class Asked(NamedTuple):
    """What the options say."""

    kind: str | None
    name: str
    mapping: Path | None
    hints: Hints
    codes: str
    as_charted: bool


def door_for(source: Path, asked: Asked) -> Loadable:
    """The door that reads a source. Raises DataError for what is not there, and for questions that are open."""
    from caretwin.base.errors import DataError

    if not source.exists():
        raise DataError(f"{source}", seen="no such file or folder", wanted="data", fix="look at its name")
    kind = asked.kind or kind_of(source)
    name = asked.name or kind
    system = {"system": asked.hints.system} if asked.hints.system else {}
    if kind == "clif":
        from caretwin.ingest.doors.research.clif import ClifDoor

        return ClifDoor(name, {"path": source, "as_charted": asked.as_charted, **system})
    if kind == "meds":
        from caretwin.ingest.doors.research.meds import MedsDoor

        more = {"codes": asked.codes} if asked.codes else {}
        zone = {"zone": asked.hints.zone} if asked.hints.zone else {}
        return MedsDoor(name, {"path": source, "as_charted": asked.as_charted, **system, **more, **zone})
    return _tables(source, name, asked)


def kind_of(source: Path) -> str:
    """What lies there: a CLIF folder by the names of its tables, MEDS by its columns, else tables."""
    names = [path.name.lower() for path in source.iterdir()] if source.is_dir() else [source.name.lower()]
    if any(name.startswith(("clif_hospitalization.", "clif_patient.")) for name in names):
        return "clif"
    parquet = sorted(source.rglob("*.parquet")) if source.is_dir() else [source]
    if any(path.suffix == ".parquet" and _is_meds(path) for path in parquet[:50]):
        return "meds"
    return "tables"


def _is_meds(path: Path) -> bool:
    from importlib import import_module

    try:
        return {"subject_id", "time", "code"} <= set(import_module("pyarrow.parquet").read_schema(path).names)
    except (ImportError, OSError, ValueError):
        return False


def _tables(source: Path, name: str, asked: Asked) -> Loadable:
    from caretwin.base.errors import DataError
    from caretwin.ingest.doors.tables.door import TablesDoor
    from caretwin.ingest.doors.tables.mapping import read_table_mapping
    from caretwin.ingest.doors.tables.propose import propose

    settings = {"path": source, "zone": asked.hints.zone, "as_charted": asked.as_charted}
    if asked.mapping is not None:
        return TablesDoor(name, settings, read_table_mapping(asked.mapping))
    if source.is_dir():
        fix = "caretwin ingest preview ONE_OF_THEM --write mapping.toml, then --mapping mapping.toml"
        raise DataError(f"folder {source.name}", seen="no mapping", wanted="--mapping for a folder of tables", fix=fix)
    found = propose(source, asked.hints)
    if not found.ready:
        seen = "; ".join(one.text for one in found.questions)
        fix = "; ".join(dict.fromkeys(one.fix for one in found.questions))
        raise DataError(f"table {source.name}", seen=seen, wanted="answers, or a mapping", fix=fix)
    return TablesDoor(name, settings, found.mapping)


def take_in(door: Loadable, where: str) -> bool:
    """Load, and say what became of it; whether a part was refused."""
    from caretwin.ingest.intake import Intake
    from caretwin.ingest.mapping import CodeMapping
    from caretwin.ingest.translate import Translator
    from caretwin.record.record import open_record
    from caretwin.record.writer import Writer
    from caretwin.serve.clock import wall

    record = open_record(where, wall)
    try:
        before = _waiting(record, door)
        with Writer(record) as writer:
            intake = Intake(door, record, writer, Translator(door.name, CodeMapping([])), wall)  # type: ignore[arg-type]
            asyncio.run(_load(door, intake))
            intake.flush()
        waiting = sum(times - before.get(code, 0) for code, times in _waiting(record, door).items())
        _report(door, intake.state, where, waiting)
        return bool(intake.state.counters["refused"]) or bool(intake.state.trouble)
    finally:
        record.close()


async def _load(door: Loadable, intake: Any) -> None:
    """Load; while it lasts, a terminal shows how far it is."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    task = asyncio.create_task(door.load(intake, asyncio.Event()))
    with console.status("reading ..."):
        while not task.done():
            await asyncio.wait([task], timeout=0.5)
            kept = intake.state.counters["entries"]
            if console.is_terminal and not task.done():
                console.print(counted(kept, "entry", "entries"), end="\r")
    await task


def _waiting(record: Record, door: Loadable) -> dict[tuple[str, str, str], int]:
    """How often each code of a door came that is still to be mapped: what came before may have been since."""
    from caretwin.record.store import keep

    listed = keep.unmapped(record.connection())
    return {(one.system, one.code, one.unit): one.times for one in listed if one.source == door.name}


def _report(door: Loadable, state: DoorState, where: str, unmapped: int) -> None:
    from caretwin.cli.ingest_unusable import unusable_lines
    from caretwin.cli.record_open import print_table

    counters = state.counters
    known = counters["duplicates"]
    click.echo(
        f"{counted(counters['entries'] - known, 'new entry', 'new entries')} in {where}"
        + (f", {known} were known already" if known else "")
        + (f"; {_unmapped(unmapped)}" if unmapped else "")
    )
    if counters["unusable"]:
        for line in unusable_lines(state.unusable, counters["unusable"]):
            print_table(line)
    if unmapped:
        click.echo(f"which codes, and a file to map them: caretwin record unmapped {where} --csv codes.csv")
        click.echo(f"then, for what is there already: caretwin ingest remap {where} --mapping codes.csv")
    left = getattr(door, "left", None)
    if left:
        most = ", ".join(f"{code} ({times})" for code, times in left.most_common(3))
        click.echo(
            f"left out, for their codes have no meaning or no number: {counted(sum(left.values()), 'event')}: {most}"
            + (", ..." if len(left) > 3 else "")
        )
    for said in getattr(door, "told", {}).values():
        click.echo(said)
    if counters["refused"] or state.trouble:
        click.echo(f"refused: {state.trouble}")
        click.echo(f"what was refused waits: caretwin record quarantine {where}")


def _unmapped(number: int) -> str:
    return f"{counted(number, 'value')} {'has' if number == 1 else 'have'} a code that nobody mapped"
