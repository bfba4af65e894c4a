"""``caretwin ingest``: what a table means, taking tables and research data in, and the doors of a site."""

from __future__ import annotations

from pathlib import Path

import click

from caretwin.cli.errors import friendly


def _zone(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """A zone of the IANA database, or "". Raises BadParameter, with an example, for anything else."""
    from caretwin.base.errors import DataError
    from caretwin.ingest.door import zone_name

    try:
        return zone_name(value, "--zone")
    except DataError as problem:
        raise click.BadParameter(f"there is no zone {value!r}; write such as Europe/London or Etc/UTC") from problem


ZONE = click.option(
    "--zone", default="", callback=_zone, help="IANA zone of clock times without an offset, such as Europe/London."
)
DATES = click.option("--dates", type=click.Choice(["dmy", "mdy"]), help="Whether the day or the month comes first.")
SUBJECT = click.option("--subject", default="", help="Whom the file is about, where no column says it.")
SYSTEM = click.option("--system", default="", help="Who gives subjects their numbers, as your other doors say it.")
AS_CHARTED = click.option(
    "--as-charted", is_flag=True, help="Received when available at the source, not now: for research and replay."
)
MAPPING = click.option(
    "--mapping", type=click.Path(path_type=Path, dir_okay=False), help="The mapping that preview wrote."
)


@click.group(invoke_without_command=True)
@click.option("--preview", "previewed", type=click.Path(path_type=Path), metavar="FILE", help="As the command preview.")
@click.pass_context
def command(context: click.Context, previewed: Path | None) -> None:
    """Take in tables (CSV, Excel, Parquet) and research data (CLIF, MEDS); look after the doors of a site.

    Begin with caretwin ingest preview FILE: it says what it takes each column for, and why.
    """
    if previewed is not None:
        context.invoke(preview, file=previewed)
    elif context.invoked_subcommand is None:
        click.echo(context.get_help())


@command.command("preview")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--write", "target", type=click.Path(path_type=Path), help="Write the mapping into this file.")
@click.option("--overwrite", is_flag=True, help="Write over a mapping that is there, with all that was filled in.")
@ZONE
@DATES
@SUBJECT
@SYSTEM
@click.option("--rows", type=click.IntRange(1, 1000), default=8, help="How many decoded values are shown.")
@friendly
def preview(
    file: Path,
    target: Path | None = None,
    overwrite: bool = False,
    zone: str = "",
    dates: str | None = None,
    subject: str = "",
    system: str = "",
    rows: int = 8,
) -> None:
    """Propose what the columns of FILE mean, and why.

    Every choice is shown with its reason and its doubts, and the first values as they would be kept. Nothing is kept
    yet. What could be two things is a question, and is not read before you answer it.
    """
    from caretwin.cli import output_files
    from caretwin.cli.ingest_view import show_proposal
    from caretwin.ingest.doors.tables.proposal import Hints
    from caretwin.ingest.doors.tables.propose import propose
    from caretwin.ingest.doors.tables.write import to_toml

    if target is not None:
        output_files.check([target], [file])
        if target.is_file() and not overwrite:
            raise click.BadParameter(
                f"{target} is there, and what was filled in would be lost; name another file, or add --overwrite",
                param_hint="--write",
            )
    found = propose(file, Hints(zone, dates or "", subject, system))
    if target is not None:
        output_files.write(target, to_toml(found))
    show_proposal(found, file, rows, target)


@command.command("load")
@click.argument("source", metavar="FILE_OR_FOLDER", type=click.Path(path_type=Path))
@click.option("--record", required=True, metavar="RECORD", help="A file (made where there is none), or a URL.")
@click.option("--kind", type=click.Choice(["tables", "clif", "meds"]), help="Default: told by what is there.")
@click.option("--name", default="", help="Name of the door: part of the source of every value. Default: its kind.")
@MAPPING
@ZONE
@DATES
@SUBJECT
@SYSTEM
@click.option("--codes", default="", help="MEDS: mimic_iv, or a TOML file that says what codes mean.")
@AS_CHARTED
@friendly
def load(
    source: Path,
    record: str,
    kind: str | None,
    name: str,
    mapping: Path | None,
    zone: str,
    dates: str | None,
    subject: str,
    system: str,
    codes: str,
    as_charted: bool,
) -> None:
    """Take FILE_OR_FOLDER into a record, once.

    It is a table, a folder of tables, a CLIF folder or a MEDS data set. A table without --mapping is read by the
    proposed one, if that leaves no question open. Exit status 3 when a part was refused: it waits in quarantine.
    """
    from caretwin.cli.ingest_load import Asked, door_for, take_in
    from caretwin.ingest.doors.tables.proposal import Hints

    asked = Asked(kind, name, mapping, Hints(zone, dates or "", subject, system), codes, as_charted)
    if take_in(door_for(source, asked), record):
        raise SystemExit(3)


@command.command("replay")
@click.argument("record", metavar="RECORD")
@click.argument("numbers", nargs=-1, type=int, metavar="[NUMBER...]")
@click.option("--config", type=click.Path(path_type=Path), help="The site whose doors understand the messages.")
@MAPPING
@ZONE
@click.option("--drop", is_flag=True, help="Take nothing in: these messages are not wanted. Needs NUMBER and --reason.")
@click.option("--reason", default="", help="Why they are dropped: it stays in the record.")
@friendly
def replay(
    record: str,
    numbers: tuple[int, ...],
    config: Path | None,
    mapping: Path | None,
    zone: str,
    drop: bool,
    reason: str,
) -> None:
    """Take messages that were refused in again, after a fix.

    Without a NUMBER all that wait. Messages are decoded by their door as --config has it now; those of a table that was
    loaded, by --mapping. Exit status 3 when one is refused again.
    """
    from caretwin.cli.ingest_replay import drop_messages, replay_messages

    if drop:
        if not numbers or not reason.strip():
            raise click.UsageError("--drop needs the numbers of the messages and --reason")
        drop_messages(record, numbers, reason)
    elif replay_messages(record, numbers, config, mapping, zone):
        raise SystemExit(3)


@command.command("remap")
@click.argument("record", metavar="RECORD")
@click.option("--config", type=click.Path(path_type=Path), help="The site whose doors' mappings are meant.")
@click.option(
    "--mapping",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What codes mean: the file that caretwin record unmapped --csv made, filled in.",
)
@click.option("--yes", is_flag=True, help="Do not ask again.")
@friendly
def remap(record: str, config: Path | None, mapping: Path | None, yes: bool) -> None:
    """Map what came before its code was mapped.

    Shows what each code would become and how many values, then asks. Without --mapping and --config it goes by the
    standard codes that caretwin knows. What was known before stays as it was known; twins take it in as late data.
    """
    from caretwin.cli.ingest_remap import remap_values

    remap_values(record, config, mapping, yes=yes)


@command.command("doors")
@click.argument("kind", required=False)
@friendly
def doors_(kind: str | None) -> None:
    """Every kind of door that is installed, with its settings.

    KIND shows one of them. How well each is tested stands beneath its title.
    """
    from caretwin.cli.ingest_doors import show_doors

    show_doors(kind)


@command.command("test")
@click.argument("configuration", type=click.Path(path_type=Path))
@click.argument("door", required=False)
@friendly
def test(configuration: Path, door: str | None) -> None:
    """Test the doors of a site's CONFIGURATION file.

    A sentence for each, or for one DOOR. Nothing is changed, there or here. Exit status 3 when one does not work.
    """
    from caretwin.cli.ingest_doors import try_doors

    if not try_doors(configuration, door):
        raise SystemExit(3)
