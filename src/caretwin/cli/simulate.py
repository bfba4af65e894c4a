"""``caretwin simulate``: a typical patient through a timed list of changes, as a table of what a bedside shows."""

import csv
from pathlib import Path
from typing import Any

import click

from caretwin.base.counted import counted
from caretwin.cli import output_files
from caretwin.cli.errors import friendly


@click.command()
@click.argument("scenario", type=click.Path(exists=True, dir_okay=False))
@click.option("--csv", "csv_out", required=True, type=click.Path(dir_okay=False), metavar="FILE",
              help="Where the table goes: one row per time, the unit of every column in its name.")  # fmt: skip
@click.option("--draws", default=0, show_default=True, type=click.IntRange(0, 5000),
              help="Patients of the prior around the typical one; columns then also have a 90 % interval.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Another seed gives other draws.")
@friendly
def command(scenario: str, csv_out: str, draws: int, seed: int) -> None:
    """What happens to a typical patient in this SCENARIO, a file in TOML?

    \b
    [patient]                       every quantity with its unit
    sex = "male"                    or "female"
    age = "60 y"
    height = "175 cm"
    weight = "80 kg"
    condition = "ARDS"              healthy, ards, copd, sepsis, heart_failure, hypovolaemia, intensive_care
    severity = 0.6                  0 (healthy) to 1; 0.3, 0.6, 0.9 are mild, moderate, severe
    \b
    [run]
    duration = "60 min"
    every = "1 min"
    \b
    [start]                         the patient has settled with these before minute 0
    mode = "volume control"         spontaneous, pressure control, pressure support, PRVC, SIMV, ...
    tidal_volume = "6 mL/kg"        of predicted weight; or "450 mL"
    rate = "20 /min"
    peep = "5 cmH2O"
    fio2 = 0.6
    ie = "1:2"
    norepinephrine = "0.1 ug/kg/min"
    \b
    [[change]]
    at = "10 min"
    peep = "15 cmH2O"
    \b
    [[change]]
    at = "20 min"
    lasts = "30 min"                afterwards the value is again what it was
    crystalloid = "500 mL"          also colloid, red_cells, bleeding; or a rate, "150 mL/min"

    A unit may stand behind the key instead: peep_cmH2O = 15. Further keys: pressure (above PEEP), inspiratory_fraction,
    relaxed (true: no effort), temperature, inspired_carbon_dioxide, epinephrine, phenylephrine, dopamine, vasopressin,
    dobutamine, milrinone, propofol. A row shows the moment before what changes at its time.

    Exit status: 1 for mistakes in the scenario, 2 for a command that was not understood. A simulated patient is nobody:
    never treat by it.
    """  # noqa: D301  click looks for the character that the escape stands for
    output_files.check((csv_out,), (scenario,))
    from caretwin.core.program import programs_ahead

    with programs_ahead("simulate"):
        from caretwin.ingest.scenario_file import read_scenario
        from caretwin.twin.scenario import run

        read = read_scenario(scenario)
        course = run(read, draws, seed)
    try:
        _write(course, csv_out)
    except OSError as error:
        raise click.ClickException(f"{csv_out}: {error.strerror}; name another file with --csv") from error
    _print(read, course)
    click.echo(f"{counted(len(course.minutes), 'row')} written to {csv_out}")


def _write(course: Any, path: str) -> None:
    import numpy as np

    from caretwin.twin.scenario import QUANTILES

    draws = len(course.values) > 1
    header = ["time_min"]
    columns = [course.minutes]
    for name in course.columns:
        values = course.of(name)
        found = np.quantile(values, QUANTILES, axis=0) if draws else np.stack([values[0]] * 3)
        header.append(name)
        columns.append(found[1])
        if draws:
            header += [f"{name}_p05", f"{name}_p95"]
            columns += [found[0], found[2]]
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([f"{value:.10g}" for value in row] for row in np.column_stack(columns))


def _print(scenario: Any, course: Any) -> None:
    from rich.console import Console

    from caretwin.cli.simulate_view import show

    show(Console(highlight=False, markup=False, emoji=False), scenario, course)
