"""``caretwin ingest test``: whether the other side of every door of a site answers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

TEST_S = 30.0
"""s after which a test that has not ended has failed."""


def try_doors(configuration: Path, name: str | None) -> bool:
    """Print what each door's test found; whether all work."""
    from caretwin.base.errors import CaretwinError
    from caretwin.ingest.door import Door, Tested
    from caretwin.serve.running import open_doors
    from caretwin.serve.site import read_site

    found = open_doors(read_site(configuration))
    if name is not None and name not in found:
        raise click.BadParameter(f"no door {name!r}: the file has {', '.join(found) or 'none'}", param_hint="DOOR")

    async def look(door: Door) -> Tested:
        try:
            return await asyncio.wait_for(door.test(), TEST_S)
        except TimeoutError:
            return Tested(False, f"no answer within {TEST_S:g} s")
        except (CaretwinError, OSError) as problem:
            return Tested(False, str(problem))

    good = True
    for one, (door, _) in found.items():
        if name in (None, one):
            said = asyncio.run(look(door))
            good = good and said.works
            click.echo(f"{one} ({door.kind}): {'works' if said.works else 'does not work'}: {said.sentence}")
    if not found:
        click.echo("the configuration has no doors")
    return good


def show_doors(kind: str | None) -> None:
    """Print the kinds of doors that are installed, with their settings in words."""
    from rich.console import Console
    from rich.markup import escape
    from rich.padding import Padding
    from rich.table import Table

    found = _installed()
    if kind is not None and kind not in found:
        raise click.BadParameter(f"no kind {kind!r}: there are {', '.join(found)}", param_hint="KIND")
    console = Console(highlight=False)
    for name, factory in found.items():
        if kind not in (None, name):
            continue
        if isinstance(factory, ImportError):
            console.print(f"[bold]{name}[/bold]  [red]cannot be loaded: {factory}[/red]\n")
            continue
        console.print(f"[bold]{name}[/bold]  {factory.title}")
        console.print(Padding(f"[dim]{factory.tier.value}[/dim]", (0, 0, 0, 2)))
        table = Table.grid(padding=(0, 2, 0, 0))
        for setting in factory.settings:
            table.add_row(setting.name, escape(f"{setting.what} {_otherwise(setting.default)}".strip()))
        console.print(Padding(table, (0, 0, 1, 4)))


def _installed() -> dict[str, Any]:
    """Factories by kind; one that cannot be imported is there with the reason, and hides no other."""
    from importlib.metadata import entry_points

    from caretwin.ingest.door import GROUP

    found: dict[str, Any] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            found[point.name] = point.load()
        except ImportError as problem:
            found[point.name] = problem
    return found


def _otherwise(default: object) -> str:
    """What holds when a setting is not given."""
    if default is None:
        return "(must be given)"
    if default == "" or default is False or not isinstance(default, str | int | float):
        return ""
    return f"(otherwise {default:g})" if isinstance(default, float) else f"(otherwise {default})"
