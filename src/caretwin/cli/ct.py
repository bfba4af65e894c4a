"""``caretwin ct``: how much air the lungs hold on a chest CT, as figures that a lung model can observe."""

import json
from dataclasses import asdict
from typing import Any

import click

from caretwin.cli import output_files
from caretwin.cli.errors import FiniteRange, friendly


@click.command()
@click.argument("folder", type=click.Path(exists=True))
@click.option("--series", type=click.IntRange(1), help="Which series of the folder, as the message that lists them.")
@click.option("--chest", is_flag=True, help="It is a chest, whatever the label of the files says.")
@click.option("--time-h", default=0.0, show_default=True, type=FiniteRange(), help="When it was taken (h of the stay).")
@click.option("--received-h", type=FiniteRange(), help="When it became known (h). Default: when it was taken.")
@click.option("--with-date", is_flag=True, help="Write the date and time of the scan into the result.")
@click.option("--json", "json_out", type=click.Path(dir_okay=False), metavar="FILE", help="Where the JSON file goes.")
@friendly
def command(
    folder: str,
    series: int | None,
    chest: bool,
    time_h: float,
    received_h: float | None,
    with_date: bool,
    json_out: str | None,
) -> None:
    """How much of the lungs on a chest CT holds no air, little, normal, or too much?

    FOLDER holds the DICOM files of one chest CT. Only facts of the scan are read from them, nothing about the person.

    The figures are densities inside an outline that a program drew: no diagnosis. Exit status: 0 with figures, 1 when
    there is no chest CT that can be measured.
    """
    output_files.check((json_out,))
    from caretwin.ingest.lung_ct.aeration import read_lung_aeration

    aeration = read_lung_aeration(
        folder, time_h=time_h, received_h=received_h, series=series, chest=chest, clock=with_date
    )
    if json_out:
        output_files.write(json_out, json.dumps(as_json(aeration), indent=1, allow_nan=False) + "\n")
    _print(aeration)
    if json_out:
        click.echo(f"numbers written to {json_out}")


def as_json(aeration: Any) -> dict[str, Any]:
    """The result as JSON values: figures, observations for a model, findings, and the sentence of what it is not."""
    import caretwin
    from caretwin.record.imaging import NOT_A_DIAGNOSIS

    content = _plain(asdict(aeration))
    content["observations"] = [_plain(asdict(observation)) for observation in aeration.observations()]
    content["no_diagnosis"] = NOT_A_DIAGNOSIS
    content["code_version"] = caretwin.__version__
    return content


def _plain(value: Any) -> Any:
    """Values that JSON knows; a share of nothing (not a number) becomes null."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and value != value else value


def _print(aeration: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    from caretwin.ingest.findings import describe
    from caretwin.record.imaging import COMPARTMENTS, NOT_A_DIAGNOSIS

    console = Console(highlight=False, markup=False, emoji=False)
    console.print(_summary(aeration))
    console.print("share of the tissue mass" + (", and of each third along gravity" if aeration.thirds else ""))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "both lungs", "tenable", *_layer_names(aeration)):
        table.add_column(heading, no_wrap=True)
    for name in COMPARTMENTS:
        e = aeration.of_mass[name]
        layers = [f"{layer.of_mass[name]:.0%}" if layer.tissue_mass_g > 0 else "-" for layer in aeration.thirds]
        shown = [f"{e.value:.1%} ± {e.standard_error:.1%}", f"{e.low:.0%} to {e.high:.0%}"]
        table.add_row(name.replace("_", " "), *shown, *layers)
    console.print(table)
    if aeration.findings:
        console.print(describe(aeration.findings))
    if aeration.quality == "poor":
        console.print("The quality is poor: no observation is passed on to a model.")
    console.print(NOT_A_DIAGNOSIS)


def _summary(aeration: Any) -> str:
    gas, mass = aeration.gas_volume_l, aeration.tissue_mass_g
    return (
        f"quality {aeration.quality}; gas {gas.value:.2f} ± {gas.standard_error:.2f} L; "
        f"tissue {mass.value:.0f} ± {mass.standard_error:.0f} g ({mass.low:.0f} to {mass.high:.0f} g tenable)"
    )


def _layer_names(aeration: Any) -> list[str]:
    return ["upper", "middle", "lower"] if aeration.thirds else []
