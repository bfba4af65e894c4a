"""``caretwin record unmapped`` and ``quarantine``: what could not be taken in as it came."""

from __future__ import annotations

from pathlib import Path

import click

from caretwin.base.counted import counted
from caretwin.cli.errors import friendly
from caretwin.cli.record_open import WHERE, add_row, new_table, open_as_operator, print_table, time_text


@click.command("unmapped")
@WHERE
@click.option("--csv", "target", type=click.Path(path_type=Path), help="A mapping file to fill in or to add to.")
@friendly
def unmapped(where: str, target: Path | None) -> None:
    """Codes that came in and that nobody has mapped yet, the most frequent first."""
    from caretwin.cli import output_files
    from caretwin.ingest.mapping import with_unmapped
    from caretwin.record.store import keep

    if target is not None:
        output_files.check([target], [where])

    record, operator_ = open_as_operator(where)
    record.reading(operator_).of([""])
    found = keep.unmapped(record.connection())
    if target is not None:
        text, new = with_unmapped(target, found)
        if new or not target.is_file():
            output_files.write(target, text)
        old = len(found) - new
        known = f"; {old} {'was' if old == 1 else 'were'} there, and {'stays' if old == 1 else 'stay'} as before"
        click.echo(f"{counted(new, 'code')} new in {target}{known if old else ''}")
        click.echo("fill in the column channel, and name the file as the door's mapping")
        click.echo(f"what came before that is mapped by: caretwin ingest remap {where} --mapping {target}")
    else:
        table = new_table("times", "source", "system", "code", "unit", "display", "such as")
        for one in found:
            cells = (one.source, one.system, one.code, one.unit, one.display, one.example)
            add_row(table, str(one.times), *cells)
        print_table(table)
    record.close()


@click.command("quarantine")
@WHERE
@click.option("--raw", type=int, help="Print the message of this number as it came.")
@friendly
def quarantine(where: str, raw: int | None) -> None:
    """Messages that were refused, with the reason; caretwin ingest replay takes them in again after a fix."""
    from caretwin.record.store import keep

    record, operator_ = open_as_operator(where)
    reading = record.reading(operator_).of([""])
    if raw is not None:
        try:
            click.echo(reading.refused(raw), nl=False)
        except KeyError:
            raise click.BadParameter(f"no message {raw} in quarantine", param_hint="--raw") from None
    for one in keep.quarantined(record.connection()) if raw is None else ():
        again = f", {one.times} times, last {time_text(one.last)}" if one.times > 1 else ""
        click.echo(f"{one.number}  {time_text(one.received)}  {one.door}  {one.size} bytes{again}")
        click.echo("    " + one.reason.replace("\n", "\n    "))
    record.close()
