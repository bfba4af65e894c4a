"""``caretwin fit``: a drug model and a table of many subjects in, the most probable parameters of each out."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from caretwin.base.counted import counted
from caretwin.cli import output_files
from caretwin.cli.errors import friendly
from caretwin.cli.models import chosen_drug

ROWS_SHOWN = 25


@click.command()
@click.option("--drug", "drug_name", required=True, metavar="FILE|NAME", help="Drug file, or a name from `drug list`.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Table with NONMEM columns.")
@click.option("--json", "out", required=True, type=click.Path(path_type=Path), help="Where the results go.")
@click.option("--map-only", is_flag=True, help="Only the most probable parameters, no draws.")
@click.option("--draws", default=20_000, show_default=True, type=click.IntRange(100, 200_000), help="Per subject.")
@click.option(
    "--covariates",
    type=click.Choice(["locf", "nocb", "linear"]),
    help="What covariates are between two records: the last value, the next one, or a line. Default: the drug file's.",
)
@click.option("--seed", default=0, show_default=True, help="Another seed gives other draws.")
@friendly
def command(
    drug_name: str, data: Path, out: Path, map_only: bool, draws: int, covariates: str | None, seed: int
) -> None:
    """Fit a drug model to every subject of a table.

    The table has the columns ID TIME AMT RATE (or DUR) EVID MDV CMT DV OCC and covariates, values in the drug
    file's units. The JSON file holds one entry per subject: id, eta, parameters, ofv, and with draws mean, sd and
    pareto_k.
    """
    output_files.check((out,), (data, drug_name))
    drug = chosen_drug(drug_name)
    records, findings = _records(data)

    import jax

    from caretwin.twin.population import estimate

    found = estimate(drug, records, jax.random.key(seed), draws=0 if map_only else draws, interpolation=covariates)
    refused = [one for one in found if one.refused is not None]
    if len(refused) == len(found):
        raise refused[0].refused or AssertionError
    output_files.write(out, json.dumps([entry(one) for one in found], indent=1, allow_nan=False) + "\n")
    _show(drug, found, records, findings, out)


def _records(data: Path) -> tuple[list[Any], Sequence[Any]]:
    from caretwin.base.errors import DataError
    from caretwin.ingest.nonmem_table import read_nonmem_with_findings

    if not data.is_file():
        raise DataError(str(data), seen="no such file", wanted="a table with NONMEM columns", fix="check the path")
    records, findings = read_nonmem_with_findings(data)
    if not records:
        raise DataError(
            str(data),
            seen="no rows below the header",
            wanted="at least one subject",
            fix="give a table with data",
        )
    return records, findings


def entry(one: Any) -> dict[str, Any]:
    """One subject as plain values for JSON; a number that does not exist is null."""
    if one.refused is not None:
        error = one.refused
        reason = {"where": error.where, "seen": error.seen, "wanted": error.wanted, "fix": error.fix}
        return {"id": _identity(one.subject), "error": reason, "status": one.status}
    values: dict[str, Any] = {
        "id": _identity(one.subject),
        "eta": one.eta,
        "parameters": one.parameters,
        "ofv": _finite(one.ofv),
        "levels": one.levels,
        "status": one.status,
        "reliable": one.reliable,
    }
    if one.kappa:
        values["kappa"] = {str(number): effects for number, effects in one.kappa.items()}
        values["parameters_by_occasion"] = {str(number): p for number, p in one.by_occasion.items()}
    if one.mean is not None:
        values |= {"mean": one.mean, "sd": one.sd, "pareto_k": _finite(one.pareto_k), "ess": _finite(one.ess)}
    return values


def _identity(subject: str) -> int | str:
    """A whole number as a number, as the table wrote it."""
    return int(subject) if subject.lstrip("-").isdigit() and str(int(subject)) == subject else subject


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _show(drug: Any, found: Sequence[Any], records: Sequence[Any], findings: Sequence[Any], out: Path) -> None:
    from rich.console import Console

    console = Console()
    fitted = [one for one in found if one.refused is None]
    console.print(f"[bold]{drug.title}[/bold]  {drug.name}, grade {drug.grade}")
    console.print(_table(drug, fitted[:ROWS_SHOWN]))
    if len(fitted) > ROWS_SHOWN:
        console.print(f"... and {len(fitted) - ROWS_SHOWN} more, in {out}")
    levels = sum(one.levels for one in fitted)
    size = f"{counted(len(fitted), 'subject')}, {counted(levels, 'measurement')}"
    console.print(f"{size}, sum of OFV {sum(o.ofv for o in fitted):.3f}")
    for one in fitted:
        if not one.reliable:
            console.print(f"[yellow]subject {one.subject}[/yellow]: {one.status}")
    for one in found:
        if one.refused is not None:
            console.print(f"[red]subject {one.subject} was not fitted[/red]", str(one.refused), sep="\n", markup=True)
    early = [r.subject for r in records if _level_before_dose(r)]
    if early:
        names = ", ".join(early[:10]) + (" ..." if len(early) > 10 else "")
        console.print(
            f"[yellow]a level before any dose[/yellow]: subjects {names}; it says nothing unless the drug was there"
        )
    for subject, words in _outside(drug, records):
        console.print(f"[yellow]subject {subject}[/yellow]: outside what the model was made for: {words}")
    for finding in findings:
        console.print(str(finding), markup=False)
    if drug.assumptions:
        console.print(f"{len(drug.assumptions)} numbers of this model are assumed: see `caretwin drug show`")
    console.print(f"written to {out}")


def _outside(drug: Any, records: Sequence[Any]) -> list[tuple[str, str]]:
    """Subjects whose covariates cross a limit of the model's domain, and which."""
    import numpy as np

    from caretwin.base.errors import CaretwinError
    from caretwin.twin.dosing import bind

    found = []
    for record in records:
        try:
            covariates = bind(drug, record).covariates
        except CaretwinError:
            continue  # said already: the subject was not fitted
        values = {name: np.asarray([series.values[-1]]) for name, series in covariates.items()}
        crossed = [
            f for f in drug.check_domain(values) if f.severity in ("hard", "soft") and "not stated" not in f.seen
        ]
        if crossed:
            found.append((record.subject, "; ".join(f"{f.subject} {f.seen} ({f.message})" for f in crossed)))
    return found


def _level_before_dose(record: Any) -> bool:
    first = min((dose.time_h for dose in record.doses), default=math.inf)
    return any(level.time_h < first for level in record.levels)


def _table(drug: Any, found: Sequence[Any]) -> Any:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("subject")
    table.add_column("levels", justify="right")
    varying = [name for name in drug.structure.parameters if _varies(name, found)]
    for name in varying:
        table.add_column(f"{name}\n{drug.parameters[name].unit}", justify="right")
    for name in drug.etas:
        table.add_column(f"eta\n{name}", justify="right")
    table.add_column("OFV", justify="right")
    drawn = bool(found) and found[0].pareto_k is not None
    if drawn:
        table.add_column("Pareto k", justify="right")
    for one in found:
        cells = [one.subject, str(one.levels), *(f"{one.parameters[name]:.4g}" for name in varying)]
        cells += [f"{one.eta[name]:+.3f}" for name in drug.etas] + [f"{one.ofv:.3f}"]
        table.add_row(*cells, *([f"{one.pareto_k:.2f}"] if drawn else []))
    return table


def _varies(name: str, found: Sequence[Any]) -> bool:
    return len({round(one.parameters[name], 12) for one in found}) > 1 or len(found) == 1
