"""``caretwin record merge``, ``part`` and ``erase``: who is one person, who is not, and who must be forgotten."""

from __future__ import annotations

from typing import Any

import click

from caretwin.base.counted import counted
from caretwin.cli.errors import friendly
from caretwin.cli.record_open import WHERE, extent_text, find_subject, open_as_operator, time_text

YES = click.option("--yes", is_flag=True, help="Do not ask again.")


@click.command("merge")
@WHERE
@click.argument("kept")
@click.argument("other")
@click.option("--reason", required=True, help="How it is known that the two are one: stays in the audit trail.")
@YES
@friendly
def merge(where: str, kept: str, other: str, reason: str, yes: bool) -> None:
    """Say that two subjects are one: all of OTHER is of KEPT from now on, and a twin lives on both.

    For whom no system sends a merge (HL7 v2 ADT^A40, FHIR Patient.link); then `caretwin ingest replay` takes in what
    waited.
    """
    from caretwin.record.entry import Batch, Link
    from caretwin.serve.clock import wall

    record, operator_ = open_as_operator(where)
    reading = record.reading(operator_)
    kinds = {one.key: one.kind for one in reading.subjects()}
    kept, other = find_subject(reading, kept, "KEPT"), find_subject(reading, other, "OTHER")
    for name, key in (("KEPT", kept), ("OTHER", other)):
        if key not in kinds:
            into = next(one for one, others in reading.merges().items() if key in others)
            raise click.BadParameter(f"{key} was merged into {into}: name that one", param_hint=name)
    if kept == other or kinds[kept] != kinds[other]:
        seen = "the same subject twice" if kept == other else f"a {kinds[kept]} and a {kinds[other]}"
        raise click.BadParameter(f"{seen}: wanted two subjects of one kind", param_hint="OTHER")
    if not yes:
        for key in (kept, other):
            click.echo(f"{key}: {extent_text(reading, key)}")
        click.echo("what comes from now on stays with KEPT, even if the two are parted later")
        click.confirm("Make them one?", abort=True)
    link = Link(_as_known(reading, kept), _as_known(reading, other), f"by hand: {reason}", again=True)
    record.append(operator_, [Batch((link,), wall(), operator_.name, f"merge: {reason}")])
    record.close()
    click.echo(f"{other} is {kept} now")


def _as_known(reading: Any, key: str) -> Any:
    from caretwin.record.entry import SubjectRef

    return SubjectRef(tuple(reading.identifiers(key)))


@click.command("part")
@WHERE
@click.argument("other")
@click.option("--reason", required=True, help="How it is known that the two are two: stays in the audit trail.")
@YES
@friendly
def part(where: str, other: str, reason: str, yes: bool) -> None:
    """Say that OTHER, who was merged into somebody, is somebody else after all.

    Each has again what was kept of it before the merge, and its numbers. What came since stays with the one into whom
    OTHER was merged. No sender's message merges the two again; `caretwin record merge` does.
    """
    from caretwin.serve.clock import wall

    record, operator_ = open_as_operator(where)
    reading = record.reading(operator_)
    other = find_subject(reading, other, "OTHER")
    try:
        merge = reading.merge_of(other)
    except KeyError:
        raise click.BadParameter(_merged_into_nobody(reading, other), param_hint="OTHER") from None
    if not yes:
        click.echo(f"{other} was merged into {merge.kept}\non {time_text(merge.received)}, {merge.source}")
        click.confirm("Make them two again?", abort=True)
    done = record.part(operator_, other, wall(), reason)
    record.close()
    click.echo(f"{other} is its own again; numbers that lead to it: {done.numbers}")
    if done.values or done.events:
        click.echo(
            f"kept since the merge, and still with {done.survivor}: values {done.values}, events {done.events}\n"
            "look whose they are (caretwin record show): what is sent again under a number of\n"
            f"{other} goes over to it"
        )


def _merged_into_nobody(reading: Any, key: str) -> str:
    others = reading.merges().get(key, ())
    more = f": into it were merged {', '.join(others)}; name one of these" if others else ""
    return f"{key} is merged into nobody{more}"


@click.command("erase")
@WHERE
@click.argument("subject")
@click.option("--reason", required=True, help="The request or the law that asks for it: stays in the audit trail.")
@click.option(
    "--word",
    "words",
    multiple=True,
    help="A name or word by which refused messages are the person's, beside the numbers that the record knows.",
)
@YES
@friendly
def erase(where: str, subject: str, reason: str, words: tuple[str, ...], yes: bool) -> None:
    """Erase everything about a SUBJECT, under all keys of that person, as the law may ask; the audit trail keeps that
    it was done, and why. Exports and backups are outside of the record: they are named, and others have to delete them.
    """
    record, operator_ = open_as_operator(where)
    reading = record.reading(operator_)
    subject = find_subject(reading, subject)
    if not yes:
        click.echo(f"{subject}: {extent_text(reading, subject)}")
        click.confirm("Everything about this subject will be gone for ever. Go on?", abort=True)
    gone = record.erase(operator_, subject, reason, words)
    record.close()
    click.echo(
        f"{counted(gone.rows, 'row')} erased, {counted(gone.messages, 'refused message')},"
        f" {counted(gone.examples, 'example')} of codes nobody mapped"
    )
    if gone.elsewhere:
        click.echo(f"of the rows, {gone.elsewhere} stood under the keys of others: merged once, or a wrong number")
    if not gone.overwritten:
        click.echo("another program was reading: close all that have the record open, and its log goes too")
    click.echo("not in the record, and to be deleted by whoever made them: backups, copies, replicas, archived logs")
    for one in gone.exports:
        click.echo(f"  an export of {time_text(one.at)} by {one.actor}: {one.detail}")
