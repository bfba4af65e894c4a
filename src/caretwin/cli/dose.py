"""``caretwin dose``: the dosing question for one patient, from a table to an answer a person can check."""

import hashlib
import json
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click

from caretwin.cli import output_files
from caretwin.cli.errors import FiniteRange, friendly
from caretwin.review.drawing_process import DrawingProcess

ABSTAINED = 3


class Outputs(NamedTuple):
    """Files that were asked for, and who draws for the report."""

    json: str | None
    html: str | None
    artist: DrawingProcess | None

    @property
    def wanted(self) -> bool:
        """Whether any file is."""
        return bool(self.json or self.html)


@click.command()
@click.argument("patient", type=click.Path(exists=True, dir_okay=False))
@click.option("--drug", required=True, help="Generic name, such as vancomycin; see `drug list`.")
@click.option("--now", "now_text", metavar="H|ISO", help="When the next dose could be given. Default: the last record.")
@click.option("--target", metavar="KIND", help="Target of the drug file, such as auc24_over_mic. Default: the file's.")
@click.option("--mic", metavar="MIC", help='In mg/L: "1", or with probabilities "0.5:0.2,1:0.5,2:0.3".')
@click.option("--model", "models", multiple=True, metavar="NAME", help="Only this model; may be given again.")
@click.option("--drug-file", "files", multiple=True, type=click.Path(exists=True, dir_okay=False), metavar="FILE",
              help="A drug model of your own, besides the shipped ones; may be given again.")  # fmt: skip
@click.option("--horizon", default=168.0, show_default=True, type=FiniteRange(24, 2000),
              help="How long regimens are followed (h).")  # fmt: skip
@click.option("--cost-under", default=1.0, show_default=True, type=FiniteRange(0), help="Cost of being under.")
@click.option("--cost-over", default=1.0, show_default=True, type=FiniteRange(0), help="Cost of being over.")
@click.option("--seed", default=0, show_default=True, help="Another seed gives other draws.")
@click.option("--json", "json_out", type=click.Path(dir_okay=False), metavar="FILE", help="Where the JSON file goes.")
@click.option("--html", "html_out", type=click.Path(dir_okay=False), metavar="FILE", help="Where the report goes.")
@click.option("--no-report", is_flag=True, help="Write only the files that --json and --html name.")
@click.pass_context
@friendly
def command(
    context: click.Context,
    patient: str,
    drug: str,
    now_text: str | None,
    target: str | None,
    mic: str | None,
    models: tuple[str, ...],
    files: tuple[str, ...],
    horizon: float,
    cost_under: float,
    cost_over: float,
    seed: int,
    json_out: str | None,
    html_out: str | None,
    no_report: bool,
) -> None:
    """Which regimen for this PATIENT is most likely to work and least likely to harm?

    PATIENT is a table of doses, levels and covariates as `docs/data-formats.md` describes, or one subject with NONMEM
    columns. Without --json and --html, PATIENT.DRUG.json and PATIENT.DRUG.html are written into the present folder.

    Exit status: 0 with advice, 3 without (caretwin abstains and says why), 1 for mistakes in the input, 2 for a command
    that was not understood. caretwin advises; it never gives anything.
    """
    drug = drug.lower()
    stem = Path(f"{Path(patient).stem}.{drug}")
    if not no_report:
        json_out, html_out = json_out or f"{stem}.json", html_out or f"{stem}.html"
    with ExitStack() as stack:
        from caretwin.core.program import programs_ahead

        stack.enter_context(programs_ahead(" ".join(("dose", drug, *models))))
        from caretwin.cli import dose_input as given

        output_files.check((json_out, html_out), (patient, *files))
        names, read = given.models_of(drug, models, files)
        names = given.by_effect(patient, names)
        record = given.read_patient(patient, drug, names, read)
        now, when = given.time_of_question(now_text, record)
        mics, mic_source = given.mic_of(mic, record)
        considered = given.loaded(names, read)
        given.check_target(target, considered)

        artist = stack.enter_context(DrawingProcess()) if html_out else None
        from caretwin.decide.dosing import Question
        from caretwin.decide.preferences import Preferences

        weighed = Preferences(cost_under, cost_over)
        question = Question(drug, now, target, mics, "mg/L", names, read, horizon, weighed, seed)
        options = {"now": when, "mic": mic_source or "none", "target": target or "the drug file's default"}
        provenance = _provenance(patient, considered, seed, options)
        if not _answer(question, record, provenance, Outputs(json_out, html_out, artist)):
            context.exit(ABSTAINED)


def _answer(question: Any, record: Any, provenance: Any, outputs: Outputs) -> bool:
    """Answer on the terminal and in the files; whether there is advice."""
    from caretwin.decide.bands import bands
    from caretwin.decide.dosing import advise
    from caretwin.decide.personal import personal
    from caretwin.decide.sensitivity import consequences
    from caretwin.review.dosing_drawings import drawings_of_course, drawings_of_decision

    advice = advise(question, record)
    if outputs.artist:
        outputs.artist.begin(drawings_of_decision(advice))
    curves = []
    if advice.speaking and outputs.wanted:
        chosen = [j.regimen for j in (advice.best, advice.current) if j is not None]
        curves = bands(advice, chosen or [None])
    if outputs.artist:
        outputs.artist.begin(drawings_of_course(advice, curves))
    slips = consequences(advice)
    parameters = {m.label: personal(m) for m in advice.speaking}
    # Files first: who reads the terminal may go away in the middle of it.
    written, failure = [], None
    try:
        written = _write(advice, parameters, slips, curves, provenance, outputs)
    except click.ClickException as error:
        failure = error
    _print(advice, parameters, slips, provenance.options[0][1])
    for line in written:
        click.echo(line)
    if failure is not None:
        raise failure
    return advice.best is not None


def _print(advice: Any, parameters: Any, slips: Any, when: str) -> None:
    from rich.console import Console

    from caretwin.cli.dose_view import show

    show(Console(highlight=False, markup=False, emoji=False), advice, parameters, slips, when)


def _provenance(patient: str, considered: list[Any], seed: int, options: dict[str, str]) -> Any:
    import caretwin
    from caretwin.review.dosing_words import Provenance

    return Provenance(
        code_version=caretwin.__version__,
        computed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=seed,
        source=Path(patient).name,
        source_sha256=_digest(patient),
        models=tuple((drug.name, drug.version, _digest(drug.path)) for drug in considered),
        options=tuple(options.items()),
    )


def _digest(path: str | None) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""


def _write(advice: Any, parameters: Any, slips: Any, curves: Any, provenance: Any, outputs: Outputs) -> list[str]:
    """Write the files that were asked for; what to say of them."""
    said = []
    if outputs.json:
        from caretwin.review.dosing_json import as_json

        content = as_json(advice, parameters, slips, curves, provenance)
        output_files.write(outputs.json, json.dumps(content, indent=1, allow_nan=False) + "\n")
        said.append(f"numbers written to {outputs.json}")
    if outputs.html and outputs.artist:
        from caretwin.review.dosing_report import report

        page = report(advice, parameters, slips, outputs.artist.finished(), provenance)
        output_files.write(outputs.html, page)
        said.append(f"report written to {outputs.html}")
    return said
