"""``caretwin record``: look into a record, export it, deal with what could not be taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from caretwin.base.counted import counted
from caretwin.cli.errors import friendly
from caretwin.cli.record_export import export_, query
from caretwin.cli.record_open import WHERE, add_row, new_table, open_as_operator, print_table, time_text
from caretwin.cli.record_people import erase, merge, part
from caretwin.cli.record_show import show
from caretwin.cli.record_waiting import quarantine, unmapped

if TYPE_CHECKING:
    from caretwin.record.entry import Stored
    from caretwin.record.reading import Reading


@click.group()
def command() -> None:
    """Look into a RECORD (a file, or the URL of a PostgreSQL database), export it, and mend what was refused.

    An encrypted file is opened with the key in the environment variable CARETWIN_RECORD_KEY. Every look is audited.
    """


for one in (show, export_, query, unmapped, quarantine, merge, part, erase):
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
        latest = _latest(reading, one.key)
        last = max((value.effective for value in latest), default=None)
        channels = str(len({value.code for value in latest}))
        add_row(table, one.key, one.kind, time_text(one.received, "minute"), channels, time_text(last, "minute"))
    print_table(table)
    record.close()


def _latest(reading: Reading, key: str) -> list[Stored]:
    """The last of every series that can be used, and the last words."""
    from caretwin.record.bedside import Quality

    words = [one for one in reading.latest(key) if one.quality != Quality.REFUSED]
    return [*reading.latest(key, usable=True), *words]


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
    click.echo(f"{counted(rows, 'row')}, each as it was written")


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
