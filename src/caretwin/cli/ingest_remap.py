"""``caretwin ingest remap``: what came before its code was mapped, shown as it would become, and mapped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from caretwin.ingest.mapping import CodeMapping
    from caretwin.ingest.remap import Change, Plan


def remap_values(where: str, config: Path | None, mapping: Path | None, *, yes: bool) -> None:
    """Show what would be mapped, ask, and do it."""
    from caretwin.base.counted import counted
    from caretwin.cli.record_open import open_as_operator
    from caretwin.ingest.remap import plan, remap
    from caretwin.serve.clock import wall

    mapping_of = _mapping_of(config, mapping)
    record, operator_ = open_as_operator(where)
    try:
        found = plan(record, operator_, mapping_of)
        _show(found, where)
        if not found.changes:
            return
        if not yes:
            codes = counted(len(found.changes), "code")
            question = f"Map {counted(found.values, 'value')}" if found.values else f"Take {codes} from the list"
            click.confirm(f"What was known before stays as it was known. {question}?", abort=True)
        done = remap(record, operator_, mapping_of, wall)
    finally:
        record.close()
    never = f", {found.unusable:,} of which can never be used" if found.unusable else ""
    click.echo(f"{counted(done, 'value')} mapped{never}; twins of a running site take them in as late data")


def _mapping_of(config: Path | None, mapping: Path | None) -> Callable[[str], CodeMapping]:
    """The mapping of a door by its name: the site's own, else the file's, else the standard codes alone."""
    from caretwin.base.errors import DataError
    from caretwin.ingest.mapping import CodeMapping, read_mapping

    if mapping is not None and mapping.suffix.lower() == ".toml":
        raise DataError(
            f"mapping {mapping}",
            seen="the mapping of a table (TOML)",
            wanted="a CSV file that says what codes mean",
            fix=f"take the table in again with it: caretwin ingest load TABLE --mapping {mapping} --record RECORD",
        )
    others = CodeMapping([]) if mapping is None else read_mapping(mapping)
    own: dict[str, CodeMapping] = {}
    if config is not None:
        from caretwin.serve.running import open_doors
        from caretwin.serve.site import read_site

        own = {name: rules for name, (_, rules) in open_doors(read_site(config)).items() if rules.rules}
    return lambda door: own.get(door, others)  # a door without a mapping of its own: the file's


def _show(found: Plan, where: str) -> None:
    from caretwin.base.counted import counted
    from caretwin.cli.record_open import add_row, new_table, print_table

    if not found.changes:
        click.echo("nothing to map: no value stands under a code that is mapped now")
    else:
        table = new_table("values", "code", "unit", "from", "becomes")
        for column in table.columns[1:]:
            column.overflow = "fold"
        for one in found.changes:
            count = "" if one.values == 0 else f"{one.values:,}"
            add_row(table, count, one.code, one.unit, one.source, _becomes(one))
        print_table(table)
    if found.left:
        click.echo(f"{counted(found.left, 'code')} still to be mapped: caretwin record unmapped {where}")


def _becomes(one: Change) -> str:
    """What values become, in words."""
    from caretwin.ingest.mapping import IGNORE
    from caretwin.record.vocabulary import vocabulary

    if one.channel == IGNORE:
        return "ignored: it leaves the list"
    unit = f" {vocabulary()[one.channel].unit}" if one.channel else ""
    if one.never is None:
        return f"{one.channel}{unit}"
    never = f"{one.unusable:,} of them can" if one.unusable < one.values else "can"
    return f"{one.channel}{unit}: {never} never be used: {one.never.reason}".lstrip(": ")
