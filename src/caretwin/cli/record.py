"""``caretwin record``: look into a record, export it, deal with what could not be taken in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caretwin.cli.errors import friendly

if TYPE_CHECKING:
    from caretwin.record.record import Record

WHERE = click.argument("where", metavar="RECORD")


@click.group()
def command() -> None:
    """Look into a RECORD (a file, or the URL of a PostgreSQL database), export it, and mend what was refused.

    An encrypted file is opened with the key in the environment variable CARETWIN_RECORD_KEY. Every look is audited.
    """


@command.command("subjects")
@WHERE
@friendly
def subjects(where: str) -> None:
    """Everybody in the record: key, kind, since when, and how much is known."""
    from rich.table import Table

    record, operator_ = _open(where)
    reading = record.reading(operator_)
    table = Table("subject", "kind", "known since", "channels", "last value", box=None)
    for one in reading.subjects():
        latest = reading.latest(one.key)
        last = max((value.effective for value in latest), default=None)
        table.add_row(one.key, one.kind, _time(one.received), str(len({v.code for v in latest})), _time(last))
    _print(table)
    record.close()


@command.command("show")
@WHERE
@click.argument("subject")
@click.option("--as-of", help="As it was known at this time, such as 2026-11-22T10:00:00Z.")
@friendly
def show(where: str, subject: str, as_of: str | None) -> None:
    """The latest value of every channel of a SUBJECT, when it was true, when it was received, and from where."""
    from rich.table import Table

    from caretwin.base.time import parse_instant, to_microseconds
    from caretwin.record.entry import kind_of
    from caretwin.record.store.as_of import ALWAYS
    from caretwin.record.vocabulary import vocabulary
    from caretwin.twin.binding import bindings

    record, operator_ = _open(where)
    reading = record.reading(operator_)
    _known(record, subject)
    moment = ALWAYS if as_of is None else to_microseconds(parse_instant(as_of, "UTC"))
    table = Table("channel", "value", "unit", "true at", "received", "source", "remarks", box=None)
    for one in sorted(reading.latest(subject, as_of=moment), key=lambda v: v.code):
        unit = one.unit or (vocabulary()[one.code].unit if one.code in vocabulary() else "")
        said = str(one.note.get("text", one.note.get("absent", "absent"))) if one.value is None else f"{one.value:.6g}"
        remarks = [] if one.quality == 0 else [one.quality.name.lower()]
        remarks += [str(one.note[name]) for name in ("comparator", "trouble") if name in one.note]
        table.add_row(one.code, said, unit, _time(one.effective), _time(one.received), one.source, "; ".join(remarks))
    _print(table)
    usable = {one.code for one in reading.latest(subject, as_of=moment) if one.quality == 0 and one.value is not None}
    for binding in bindings(kind_of(subject), usable):
        click.echo(binding.sentence())
    for event in reading.events(subject, as_of=moment)[-10:]:
        click.echo(f"{_time(event.effective)}  {event.kind}  from {event.source}")
    record.close()


@command.command("export")
@WHERE
@click.argument("folder", type=click.Path(path_type=Path))
@friendly
def export_(where: str, folder: Path) -> None:
    """Write the record as Parquet files into FOLDER; run again, it adds what came since. No identifiers are written."""
    from caretwin.record.export import export

    record, operator_ = _open(where)
    counts = export(record, operator_, folder)
    click.echo(", ".join(f"{count} rows of {table}" for table, count in counts.items() if table != "superseded"))
    record.close()


@command.command("query")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("sql")
@friendly
def query(folder: Path, sql: str) -> None:
    """Ask an export in SQL: tables observation, current_observation, event and derived."""
    from rich.table import Table

    from caretwin.record.query import ask

    names, rows = ask(folder, sql)
    table = Table(*names, box=None)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    _print(table)


@command.command("unmapped")
@WHERE
@click.option("--csv", "target", type=click.Path(path_type=Path), help="Write a mapping file to fill in.")
@friendly
def unmapped(where: str, target: Path | None) -> None:
    """Codes that came in and that nobody has mapped yet, the most frequent first."""
    import csv

    from rich.table import Table

    from caretwin.ingest.mapping import COLUMNS, to_fill_in
    from caretwin.record.store import keep

    record, operator_ = _open(where)
    record.reading(operator_).of([""])
    found = keep.unmapped(record.connection())
    if target is not None:
        with target.open("w", encoding="utf-8", newline="") as file:
            table_ = csv.DictWriter(file, COLUMNS)
            table_.writeheader()
            table_.writerows(to_fill_in(found))
        click.echo(
            f"{len(found)} codes in {target}: fill in the column channel, and name the file as the door's mapping"
        )
    else:
        table = Table("times", "source", "system", "code", "unit", "display", "such as", box=None)
        for one in found:
            cells = (one.source, one.system, one.code, one.unit, one.display, one.example)
            table.add_row(str(one.times), *cells)
        _print(table)
    record.close()


@command.command("quarantine")
@WHERE
@click.option("--raw", type=int, help="Print the message of this number as it came.")
@friendly
def quarantine(where: str, raw: int | None) -> None:
    """Messages that were refused, with the reason; caretwin ingest replay takes them in again after a fix."""
    from caretwin.record.store import keep

    record, operator_ = _open(where)
    record.reading(operator_).of([""])
    found = keep.quarantined(record.connection(), waiting=raw is None)
    if raw is not None:
        content = next((one.raw for one in found if one.number == raw), None)
        if content is None:
            raise click.BadParameter(f"no message {raw} in quarantine", param_hint="--raw")
        click.echo(content, nl=False)
    for one in found if raw is None else ():
        again = f", {one.times} times, last {_time(one.last)}" if one.times > 1 else ""
        click.echo(f"{one.number}  {_time(one.received)}  {one.door}  {len(one.raw)} bytes{again}")
        click.echo("    " + one.reason.replace("\n", "\n    "))
    record.close()


@command.command("verify")
@WHERE
@friendly
def verify(where: str) -> None:
    """Whether the audit trail is whole: no row edited, removed or reordered."""
    from caretwin.record import audit

    record, operator_ = _open(where)
    record.reading(operator_).of([""])
    rows, trouble = audit.verify(record.connection())
    record.close()
    if trouble:
        raise click.ClickException(f"the audit trail is broken: {trouble}")
    click.echo(f"{rows} rows, each as it was written")


@command.command("merge")
@WHERE
@click.argument("kept")
@click.argument("other")
@click.option("--reason", required=True, help="How it is known that the two are one: stays in the audit trail.")
@click.confirmation_option(prompt="Two people who are made one cannot be parted again. Go on?")
@friendly
def merge(where: str, kept: str, other: str, reason: str) -> None:
    """Say that two subjects are one: all of OTHER is of KEPT from now on, and a twin lives on both.

    For whom no system sends a merge (HL7 v2 ADT^A40, FHIR Patient.link); then `caretwin ingest replay` takes in what
    waited.
    """
    from caretwin.record.entry import Batch, Link
    from caretwin.serve.clock import wall

    record, operator_ = _open(where)
    reading = record.reading(operator_)
    kinds = {one.key: one.kind for one in reading.subjects()}
    for name, key in (("KEPT", kept), ("OTHER", other)):
        if key not in kinds:
            raise click.BadParameter(f"no subject {key!r}: caretwin record subjects lists them", param_hint=name)
    if kept == other or kinds[kept] != kinds[other]:
        seen = "the same subject twice" if kept == other else f"a {kinds[kept]} and a {kinds[other]}"
        raise click.BadParameter(f"{seen}: wanted two subjects of one kind", param_hint="OTHER")
    link = Link(_as_known(reading, kept), _as_known(reading, other), f"by hand: {reason}")
    record.append(operator_, [Batch((link,), wall(), operator_.name, f"merge: {reason}")])
    record.close()
    click.echo(f"{other} is {kept} now")


def _as_known(reading: Any, key: str) -> Any:
    from caretwin.record.entry import SubjectRef

    return SubjectRef(tuple(reading.identifiers(key)))


@command.command("erase")
@WHERE
@click.argument("subject")
@click.option("--reason", required=True, help="The request or the law that asks for it: stays in the audit trail.")
@click.option(
    "--word",
    "words",
    multiple=True,
    help="A name or word by which refused messages are the person's, beside the numbers that the record knows.",
)
@click.confirmation_option(prompt="Everything about this subject will be gone for ever. Go on?")
@friendly
def erase(where: str, subject: str, reason: str, words: tuple[str, ...]) -> None:
    """Erase everything about a SUBJECT, under all keys of that person, as the law may ask; the audit trail keeps that
    it was done, and why. Exports and backups are outside of the record: they are named, and others have to delete them.
    """
    record, operator_ = _open(where)
    _known(record, subject)
    gone = record.erase(operator_, subject, reason, words)
    record.close()
    click.echo(
        f"{gone.rows} rows erased, {gone.messages} refused messages, {gone.examples} examples of codes nobody mapped"
    )
    if not gone.overwritten:
        click.echo("another program was reading: close all that have the record open, and its log goes too")
    click.echo("not in the record, and to be deleted by whoever made them: backups, copies, replicas, archived logs")
    for one in gone.exports:
        click.echo(f"  an export of {_time(one.at)} by {one.actor}: {one.detail}")


@command.command("vocabulary")
@friendly
def vocabulary_() -> None:
    """Every channel that caretwin knows: unit, plausible range, codes."""
    from rich.table import Table

    from caretwin.record.vocabulary import vocabulary

    table = Table("channel", "unit", "plausible", "about", "codes", box=None)
    short = {"http://loinc.org": "LOINC", "http://snomed.info/sct": "SCT", "urn:iso:std:iso:11073:10101": "MDC"}
    for term in vocabulary().values():
        codes = ", ".join(f"{short[system]} {code}" for system, code in term.codes)
        table.add_row(term.name, term.unit, f"{term.low:g} to {term.high:g}", term.about, codes)
    _print(table)


def _open(where: str) -> tuple[Record, Any]:
    from caretwin.base.errors import DataError
    from caretwin.record.access import operator
    from caretwin.record.record import open_record
    from caretwin.serve.clock import wall

    if "://" not in where and not Path(where).is_file():
        raise DataError(f"record {where}", seen="no such file", wanted="a record", fix="caretwin live makes one")
    return open_record(where, wall), operator()


def _known(record: Record, subject: str) -> None:
    from caretwin.record.store.read_subjects import numbers

    if not numbers(record.connection(), subject):
        raise click.BadParameter(f"no subject {subject!r}: caretwin record subjects lists them", param_hint="SUBJECT")


def _time(us: int | None) -> str:
    from caretwin.base.time import from_microseconds

    return "-" if us is None else f"{from_microseconds(us):%Y-%m-%d %H:%M:%S}Z"


def _print(table: Any) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    console.print(table, soft_wrap=not console.is_terminal)
