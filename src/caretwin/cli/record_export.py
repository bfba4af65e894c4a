"""``caretwin record export`` and ``query``: the record as Parquet files, and questions to them."""

from __future__ import annotations

from pathlib import Path

import click

from caretwin.base.counted import counted
from caretwin.cli.errors import friendly
from caretwin.cli.record_open import WHERE, add_row, new_table, open_as_operator, print_table


@click.command("export")
@WHERE
@click.argument("folder", type=click.Path(path_type=Path))
@friendly
def export_(where: str, folder: Path) -> None:
    """Write the record as Parquet files into FOLDER; run again, it adds what came since. No identifiers are written."""
    from caretwin.record.export import export

    record, operator_ = open_as_operator(where)
    counts = export(record, operator_, folder)
    said = (f"{counted(counts[table], 'row')} of {table}" for table in ("observation", "event", "derived"))
    click.echo(", ".join(said))
    record.close()


@click.command("query")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("sql")
@friendly
def query(folder: Path, sql: str) -> None:
    """Ask an export in SQL: tables observation, current_observation, event and derived."""
    from caretwin.record.export_query import ask

    names, rows = ask(folder, sql)
    table = new_table(*names)
    for row in rows:
        add_row(table, *("" if cell is None else str(cell) for cell in row))
    print_table(table)
