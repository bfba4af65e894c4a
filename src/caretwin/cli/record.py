"""``caretwin record``: look into a record, export it, deal with what could not be taken in."""

from __future__ import annotations

import click

from caretwin.cli.errors import friendly
from caretwin.cli.record_export import export_, query
from caretwin.cli.record_open import (
    WHERE,
    add_row,
    check_subject,
    delay_text,
    new_table,
    open_as_operator,
    plain,
    print_table,
    time_text,
)
from caretwin.cli.record_people import erase, merge
from caretwin.cli.record_waiting import quarantine, unmapped


@click.group()
def command() -> None:
    """Look into a RECORD (a file, or the URL of a PostgreSQL database), export it, and mend what was refused.

    An encrypted file is opened with the key in the environment variable CARETWIN_RECORD_KEY. Every look is audited.
    """


for one in (export_, query, unmapped, quarantine, merge, erase):
    command.add_command(one)


@command.command("subjects")
@WHERE
@friendly
def subjects(where: str) -> None:
    """Everybody in the record: key, kind, since when, and how much is known."""
    record, operator_ = open_as_operator(where)
    reading = record.reading(operator_)
    table = new_table("subject", "kind", "known since", "channels", "last value")
    for column in table.columns:
        column.no_wrap = True
    for one in reading.subjects():
        latest = reading.latest(one.key)
        last = max((value.effective for value in latest), default=None)
        channels = str(len({value.code for value in latest}))
        add_row(table, one.key, one.kind, time_text(one.received, "minute"), channels, time_text(last, "minute"))
    print_table(table)
    record.close()


@command.command("show")
@WHERE
@click.argument("subject")
@click.option("--as-of", help="As it was known at this time, such as 2026-11-22T10:00:00Z.")
@friendly
def show(where: str, subject: str, as_of: str | None) -> None:
    """The latest value of every channel of a SUBJECT, when it was true, how much later it was received, from where."""
    from caretwin.base.time import parse_instant, to_microseconds
    from caretwin.record.entry import kind_of
    from caretwin.record.store.as_of import ALWAYS
    from caretwin.record.vocabulary import vocabulary
    from caretwin.twin.binding import bindings

    record, operator_ = open_as_operator(where)
    reading = record.reading(operator_)
    check_subject(record, subject)
    moment = ALWAYS if as_of is None else to_microseconds(parse_instant(as_of, "UTC"))
    rows = []
    for one in sorted(reading.latest(subject, as_of=moment), key=lambda v: v.code):
        unit = one.unit or (vocabulary()[one.code].unit if one.code in vocabulary() else "")
        said = str(one.note.get("text", one.note.get("absent", "absent"))) if one.value is None else f"{one.value:.6g}"
        remarks = [] if one.quality == 0 else [one.quality.name.lower()]
        remarks += [str(one.note[name]) for name in ("comparator", "trouble") if name in one.note]
        late = delay_text(one.received - one.effective)
        rows.append(
            (one.code, f"{said} {unit}".strip(), time_text(one.effective), late, one.source, "; ".join(remarks))
        )
    remarked = any(row[-1] for row in rows)
    table = new_table(*("channel", "value", "true at", "delay", "source", "remarks")[: 5 + remarked])
    for number, column in enumerate(table.columns):
        column.no_wrap, column.overflow = number in (1, 2, 3), "fold"
    for row in rows:
        add_row(table, *row[: 5 + remarked])
    print_table(table)
    usable = {one.code for one in reading.latest(subject, as_of=moment) if one.quality == 0 and one.value is not None}
    for binding in bindings(kind_of(subject), usable):
        print_table(plain(binding.sentence()))
    for event in reading.events(subject, as_of=moment)[-10:]:
        print_table(plain(f"{time_text(event.effective)}  {event.kind}  from {event.source}"))
    record.close()


@command.command("verify")
@WHERE
@friendly
def verify(where: str) -> None:
    """Whether the audit trail is whole: no row edited, removed or reordered."""
    from caretwin.record import audit

    record, operator_ = open_as_operator(where)
    record.reading(operator_).of([""])
    rows, trouble = audit.verify(record.connection())
    record.close()
    if trouble:
        raise click.ClickException(f"the audit trail is broken: {trouble}")
    click.echo(f"{rows} rows, each as it was written")


@command.command("vocabulary")
@friendly
def vocabulary_() -> None:
    """Every channel that caretwin knows: unit, plausible range, codes."""
    from caretwin.record.vocabulary import vocabulary

    table = new_table("channel", "unit", "plausible", "about", "codes")
    short = {"http://loinc.org": "LOINC", "http://snomed.info/sct": "SCT", "urn:iso:std:iso:11073:10101": "MDC"}
    for term in vocabulary().values():
        codes = ", ".join(f"{short[system]} {code}" for system, code in term.codes)
        add_row(table, term.name, term.unit, f"{term.low:g} to {term.high:g}", term.about, codes)
    print_table(table)
