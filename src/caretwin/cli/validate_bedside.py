"""``caretwin validate ventilation`` and ``caretwin validate forecasts``: the bedside twin against real patients."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from caretwin.cli import output_files
from caretwin.cli.errors import friendly


@click.command()
@click.option("--mimic3", required=True, type=click.Path(path_type=Path), help="Folder with the MIMIC-III tables.")
@click.option("--json", "out", type=click.Path(path_type=Path), help="Where the scores go.")
@click.option(
    "--particles",
    default=1500,
    show_default=True,
    type=click.IntRange(50, 5000),
    help="With 500, as live twins have, seeds differ by up to 3 % in the error of carbon dioxide; with 1500 by 1 %.",
)
@click.option("--seed", default=0, show_default=True, help="Another seed gives other draws.")
@friendly
def ventilation(mimic3: Path, out: Path | None, particles: int, seed: int) -> None:
    """Forecast the blood gas after a change of settings, and score it beside simple rules.

    At each first gas the twin has what had been received; it is told the settings at the next gas and forecasts
    PaO2, PaCO2 and pH. Every rule that is fitted is fitted on the other subjects.
    """
    output_files.check((out,))
    from rich.console import Console

    from caretwin.review.ventilation_scores import score
    from caretwin.twin.bedside_twin import bedside_twin
    from caretwin.twin.gas_pairs import forecast_pairs

    records, pairs = gas_pairs_of(mimic3)
    console = Console()
    twin = bedside_twin(particles=particles, seed=seed)
    with console.status(f"forecasting {len(pairs.record)} gases of {len(set(pairs.subject))} patients"):
        of_record = side_by_side(lambda name: list(forecast_pairs(twin, {name: records[name]}, pairs)), list(records))
        found = score(pairs, [forecast for one in of_record for forecast in one])
    _show(console, "the next blood gas, MIMIC-III", found)
    _write(console, out, found)


def gas_pairs_of(folder: Path) -> tuple[Any, Any]:
    """Records and pairs of a folder of MIMIC-III tables."""
    from caretwin.ingest.mimic3.bedside import places, read_mimic3_bedside
    from caretwin.ingest.mimic3.bedside_gases import gas_pairs
    from caretwin.twin.gas_pairs import GASES, TOLD, Pairs

    found = gas_pairs(folder)
    place = places(folder, found)
    before, after = found.before.values, found.after.values
    pairs = Pairs(
        subject=found.before.subject,
        record=tuple(place.key),
        before_h=place.before_h,
        after_h=place.after_h,
        first={name: before[name] for name in GASES},
        second={name: after[name] for name in GASES},
        told={name: after[name] for name in TOLD},
        fio2_before=before["fio2"],
        clean=found.clean,
        fio2_changed=found.fio2_changed,
        breath_changed=found.breath_changed,
        ventilation_known=found.ventilation_known,
    )
    return read_mimic3_bedside(folder, charted=True), pairs


@click.command()
@click.option("--clif", required=True, type=click.Path(path_type=Path), help="Folder with CLIF tables, or 'demo'.")
@click.option("--json", "out", type=click.Path(path_type=Path), help="Where the scores go.")
@click.option("--particles", default=500, show_default=True, type=click.IntRange(50, 5000))
@click.option("--stays", default=0, show_default=True, help="Only the first so many stays; 0: all.")
@click.option("--seed", default=0, show_default=True, help="Another seed gives other draws.")
@friendly
def forecasts(clif: Path, out: Path | None, particles: int, stays: int, seed: int) -> None:
    """Forecast MAP, heart rate, SpO2 and respiratory rate 15 min, 1 h and 4 h ahead on real stays, and score them."""
    output_files.check((out,))
    from rich.console import Console
    from rich.progress import track

    from caretwin.twin.vital_forecasts import CHANNELS

    console = Console()

    def shown(found: Iterable[Any], stays: int) -> Iterable[Any]:
        return track(found, description="following stays", total=stays, console=console, transient=True)

    found = forecast_scores(clif, particles=particles, stays=stays, seed=seed, shown=shown)
    for channel in CHANNELS:
        for horizon, scores in found[channel].items():
            _show(console, f"{channel.replace('_', ' ')}, {horizon} h ahead", scores)
    _write(console, out, found)


def forecast_scores(
    clif: Path,
    *,
    particles: int,
    stays: int = 0,
    seed: int = 0,
    shown: Callable[[Iterable[Any], int], Iterable[Any]] = lambda found, stays: found,
) -> dict[str, Any]:
    """What ``caretwin validate forecasts`` writes: scores by channel and horizon, and by sex, race and age.

    clif   folder with CLIF tables, or "demo"; stays  only the first so many (0: all)
    shown  passes on what was found of so many stays, one by one, and may show how far it is
    """
    from caretwin.ingest.clif.stays import demo_folder, hospitalisations, patients, read_clif
    from caretwin.review.vital_scores import score
    from caretwin.twin.bedside_twin import bedside_twin
    from caretwin.twin.vital_forecasts import forecasts_of

    folder = demo_folder() if str(clif) == "demo" else clif
    names = hospitalisations(folder)
    records = list(read_clif(folder, names[:stays] if stays else names).values())
    twin = bedside_twin(particles=particles, seed=seed, single=True)
    of_record = side_by_side(lambda record: list(forecasts_of(twin, record)), records)
    targets = [target for one in shown(of_record, len(records)) for target in one]
    people = [record.person for record in records]
    groups: dict[str, dict[str, str]] = {
        "sex": {p.subject: p.sex or "not known" for p in people},
        "race": {p.subject: p.race or "not known" for p in people},
        "age": {p.subject: _age_group(p.age_y) for p in people},
    }
    return score(targets, patients(folder), groups)


def side_by_side(work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    """What ``work`` makes of each item, in their order, on as many cores as there are: people are independent."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from pool.map(work, items)


def _age_group(age: float | None) -> str:
    if age is None:
        return "not known"
    return "under 50" if age < 50 else "50-64" if age < 65 else "65-79" if age < 80 else "80 and over"


def _show(console: Any, title: str, scores: dict[str, float]) -> None:
    console.print(f"[bold]{title}[/bold]  " + "  ".join(f"{k} {v:.4g}" for k, v in scores.items()))


def _write(console: Any, out: Path | None, found: dict[str, Any]) -> None:
    if out is None:
        return
    output_files.write(out, json.dumps(finite(found), indent=1, allow_nan=False) + "\n")
    console.print(f"written to {out}")


def finite(value: Any) -> Any:
    """The same with null for what is not a number: JSON has no other word for absent."""
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    return None if isinstance(value, float) and value != value else value
