"""The command line: one file per command, loaded only when it is called, so that each starts quickly."""

import gc
import os
from importlib import import_module

import click

# The compiled programs have threads of their own; those of OpenBLAS would wait for its next small matrix by spinning.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

COMMANDS = {
    "accounts": "Who may sign in to the web application of a site: add, list, close, print a link.",
    "circulate": "Which pressor and fluid bring arterial pressure to its target, and would fluid help at all?",
    "ct": "How much air the lungs hold on a chest CT, as figures a lung model can observe.",
    "demo": "A ward of real stays that lives, fed through the real doors.",
    "dose": "Which dose, of all the practical ones, is most likely to work and least likely to harm?",
    "drug": "List, show and check drug models.",
    "fit": "Fit a drug model to the patients of a NONMEM-style table.",
    "glucose": "How much insulin and feed until the next glucose, and when should that be?",
    "ingest": "Take tables and research data in: propose a mapping, load, test doors, replay what was refused.",
    "live": "Open the doors of a site, keep what comes, and let its twins live.",
    "record": "Look into a record, export it, deal with what could not be taken in.",
    "replay": "Play real stays, or a synthetic home, through the real doors at any speed.",
    "simulate": "A typical patient through a timed list of settings, infusions and bleeding.",
    "tour": "Fit real measured patients, forecast each next level, decide one dose, write a report.",
    "validate": "Score forecasts on measured patients.",
    "ventilate": "What would this ventilator setting do to this patient, and is it safe?",
}


class Lazy(click.Group):
    """A group whose commands are imported when they are called; the help needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command of that name, from the module of that name."""
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"caretwin.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line per command, without importing it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="caretwin")
def main() -> None:
    """Digital twins for care: what is likely to happen next, and what a change would do.

    caretwin advises. It never actuates, and it says when it does not know.
    """
    # A command makes a million objects that live as long as it does: looking for cycles among them takes a tenth of it.
    gc.set_threshold(500_000, 20, 100)
