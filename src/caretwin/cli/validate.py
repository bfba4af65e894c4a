"""``caretwin validate``: what the models would have said before each measured level, against what was measured."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from caretwin.base.counted import counted
from caretwin.cli import output_files
from caretwin.cli.errors import friendly
from caretwin.cli.validate_bedside import forecasts, ventilation

SETS = ("remifentanil", "phenobarbital", "quinidine", "theophylline", "warfarin")
DRAWS = 1000
NOT_COMPARABLE = {
    "warfarin.xia2024": "its effect is the INR; the measured set holds prothrombin complex activities",
}


@click.group()
def command() -> None:
    """Score forecasts on measured patients."""


command.add_command(ventilation)
command.add_command(forecasts)


@command.command()
@click.option(
    "--set", "set_name", type=click.Choice([*SETS, "all"]), default=None, help="Which measured set. Default: all."
)
@click.option(
    "--mimic3", type=click.Path(path_type=Path), help="Folder with MIMIC-III tables: vancomycin in intensive care."
)
@click.option("--json", "out", type=click.Path(path_type=Path), help="Where the results go, as a list of entries.")
@click.option("--draws", default=DRAWS, show_default=True, type=click.IntRange(200, 20_000), help="Per forecast.")
@click.option("--seed", default=0, show_default=True, help="Another seed gives other draws.")
@friendly
def dosing(set_name: str | None, mimic3: Path | None, out: Path | None, draws: int, seed: int) -> None:
    """Forecast every measured drug level before it is seen, and score the forecasts.

    Each level is forecast twice: a priori, from doses and covariates, and one step ahead, from the earlier levels
    too. MdPE and MdAPE are the median (absolute) prediction error relative to the measured level; the 90 % interval
    should hold 90 % of the levels. With --mimic3, only that folder is read unless --set is given too.
    """
    from rich.console import Console

    console = Console()
    output_files.check((out,))
    entries: list[dict[str, Any]] = []
    chosen = SETS if set_name == "all" or (set_name is None and mimic3 is None) else (set_name,) if set_name else ()
    for name in chosen:
        entries += _measured_set(console, name, draws, seed)
    if mimic3 is not None:
        entries += _mimic3(console, mimic3, draws, seed)
    if out is not None:
        output_files.write(out, json.dumps(entries, indent=1, allow_nan=False) + "\n")
        console.print(f"written to {out}")


def _measured_set(console: Any, name: str, draws: int, seed: int) -> list[dict[str, Any]]:
    from caretwin.base.errors import DataError
    from caretwin.ingest.measured_sets import measured_set

    try:
        records = measured_set(name)
    except DataError as error:
        console.print(f"[yellow]{name} was left out[/yellow]: {error.seen}; {error.fix}")
        return []
    return score(console, name, models_for(name), records, draws=draws, seed=seed)[1]


def models_for(drug: str) -> list[Any]:
    """The shipped models of a drug whose channels mean what the measured sets hold."""
    from caretwin.twin.registry import family

    pharmacology = family("pharmacology")
    return [pharmacology.load(name) for name in pharmacology.names(drug) if name not in NOT_COMPARABLE]


def score(
    console: Any, title: str, drugs: Sequence[Any], records: Sequence[Any], *, draws: int, seed: int
) -> tuple[Any, list[dict[str, Any]]]:
    """Replay, print and return the replay with its entries; models without a single forecast are only printed."""
    from caretwin.cli.forecast_tables import not_forecast, refusals_table, results_table
    from caretwin.review.forecasting import replay, summarise
    from caretwin.review.forecasting.replay import patient_of

    with progress_bar(console, title) as progress:
        found = replay(drugs, records, draws=draws, seed=seed, progress=progress)
    channels = dict.fromkeys(level.channel for record in records for level in record.levels)
    every = [entry for channel in channels for entry in summarise(found, set_name=title, channel=channel)]
    entries = [entry for entry in every if entry["levels"]]
    heading = f"{title}: {counted(found.patients, 'patient')}, {counted(found.levels, 'measurement')}"
    console.print(results_table(heading, entries) if entries else f"{heading}: nothing could be forecast")
    rows = not_forecast(found.refused, patient_of)
    if rows:
        console.print(refusals_table("not forecast", rows, ("model", "reason", "levels", "patients")))
    unreliable = sum(not f.reliable for f in found.forecasts if f.model != "average")
    if unreliable:
        of = f"{counted(unreliable, 'forecast')} of a posterior that is not reliable"
        console.print(f"{of}: scored all the same")
    console.print()
    return found, entries


@contextmanager
def progress_bar(console: Any, title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told (done, total) and shows the time gone; it disappears when all is done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"{title}: fitting before each level", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _mimic3(console: Any, folder: Path, draws: int, seed: int) -> list[dict[str, Any]]:
    from caretwin.cli.forecast_tables import refusals_table
    from caretwin.ingest.mimic3.vancomycin import join_mimic3_vancomycin

    joined = join_mimic3_vancomycin(folder)
    counts = [(what, str(rows), str(patients)) for what, rows, patients in joined.counts]
    console.print(refusals_table("vancomycin in MIMIC-III: what could be joined", counts, ("", "rows", "patients")))
    refused = [(what, reason, str(rows), str(patients)) for what, reason, rows, patients in joined.refused()]
    if refused:
        console.print(refusals_table("\nrefused", refused, ("", "reason", "rows", "patients")))
    for table in joined.missing:
        console.print(f"[yellow]not in the folder[/yellow]: {table}")
    console.print()
    uncertain = sum(len(record.histories()) > 1 for record in joined.records)
    console.print(
        f"doses: {uncertain} of {len(joined.records)} admissions have several possible histories of doses;"
        " each is fitted, and they are mixed by their evidence"
    )
    found, entries = score(
        console, "mimic3 vancomycin", models_for("vancomycin"), joined.records, draws=draws, seed=seed
    )
    used = {entry["model"] for entry in entries}
    for entry in entries:
        entry["levels_joined"] = found.levels
        entry["patients_joined"] = found.patients
        entry["models_not_used"] = sorted(set(found.models) - used)
    return entries
