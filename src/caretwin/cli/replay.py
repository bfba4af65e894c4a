"""``caretwin replay``: real stays, or a home that does not exist, played through the real doors at any speed."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caretwin.cli.errors import friendly
from caretwin.cli.live import stopped_calmly

if TYPE_CHECKING:
    from caretwin.record.entry import SubjectKind
    from caretwin.serve.replay_plan import Post, Way

START = "2026-01-05T07:00:00Z"
"""A Monday morning: when every stay begins."""
TOKEN = "demonstration"
SDC_BEDS = 2
"""Beds whose monitor speaks SDC; those of the others speak HL7 v2."""
PORT = 8400
"""Of the web application; another one where it is taken."""
NAMES = {"stays": "A ward of real stays (MIMIC-IV demo)", "home": "A home that does not exist (synthetic)"}


@click.command()
@click.argument("what", type=click.Choice(["stays", "home"]))
@click.option("--subjects", default=8, show_default=True, type=click.IntRange(1, 200), help="Stays, or residents.")
@click.option("--hours", default=24.0, show_default=True, type=click.FloatRange(0.5, 1000), help="How long they last.")
@click.option("--speed", default=60.0, show_default=True, type=click.FloatRange(1, 3600), help="Faster than life.")
@click.option(
    "--clif", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Stays of this CLIF folder."
)
@click.option("--seed", default=0, show_default=True, help="Of the home's luck.")
@click.option("--record", "kept", type=click.Path(path_type=Path), help="Keep the record in this new file.")
@click.option("--view/--no-view", default=True, help="Draw what comes; without, plain lines.")
@click.option("--web/--no-web", "web", default=False, help="Also serve the web application; prints a link to sign in.")
@friendly
def command(
    what: str,
    subjects: int,
    hours: float,
    speed: float,
    clif: Path | None,
    seed: int,
    kept: Path | None,
    view: bool,
    web: bool,
) -> None:
    """Play WHAT through the doors of a site of its own, on this machine's loopback interface.

    \b
    stays  real intensive care stays: vital signs by HL7 v2 or SDC,
           laboratory and persons by FHIR, ventilators and pumps by MQTT
    home   synthetic residents and rooms: bed and room sensors and
           wearables by MQTT, care notes by FHIR; nobody's data
    """  # noqa: D301 click keeps the lines after a backspace
    play(what, subjects, hours, speed, clif, seed, kept, view, PORT if web else None)


def play(
    what: str,
    subjects: int,
    hours: float,
    speed: float,
    clif: Path | None,
    seed: int,
    kept: Path | None,
    view: bool,
    port: int | None,
) -> None:
    """Plan, open the doors, play, and show it until it is over (see :func:`command`).

    port  of the web application, 0 for a free one; None: without it
    """
    if kept is not None and kept.exists():
        raise click.BadParameter(f"{kept} exists already: name a new file", param_hint="--record")
    if clif is not None and what != "stays":
        raise click.BadParameter("only stays come from a folder", param_hint="--clif")
    with stopped_calmly(), tempfile.TemporaryDirectory(prefix="caretwin-replay-") as temporary:
        posts = _planned(what, subjects, hours, clif, seed)
        people: SubjectKind = "patient" if what == "stays" else "resident"
        asyncio.run(_live(NAMES[what], posts, speed, Path(temporary), kept, view, people, port))


def _planned(what: str, subjects: int, hours: float, clif: Path | None, seed: int) -> list[Post]:
    from caretwin.base.time import parse_instant, to_microseconds
    from caretwin.serve.synthetic_home import plan_home

    start = to_microseconds(parse_instant(START))
    if what == "home":
        return plan_home(subjects, start, hours, seed)
    from caretwin.ingest.clif.stays import demo_folder, hospitalisations, read_clif
    from caretwin.serve.replay_plan import busiest, plan

    click.echo("reading the stays ...")
    folder = clif or demo_folder()
    records = read_clif(folder, hospitalisations(folder))
    chosen = busiest(records, subjects, hours)
    return plan({stay: records[stay] for stay in chosen}, start, hours, chosen[:SDC_BEDS])


async def _live(
    name: str,
    posts: list[Post],
    speed: float,
    folder: Path,
    kept: Path | None,
    view: bool,
    people: SubjectKind,
    port: int | None,
) -> None:
    """Open the doors on free ports, play, and show the ward until all was played.

    port  of the web application, 0 for a free one; None: without it
    """
    from rich.console import Console

    from caretwin.cli.live import watch
    from caretwin.cli.live_view import goodbye
    from caretwin.cli.web_address import open_for_visitors, with_web
    from caretwin.serve import replay
    from caretwin.serve.broker import broker
    from caretwin.serve.clock import Replayed
    from caretwin.serve.running import listening, running

    console = Console(highlight=False)
    stays = sorted({post.who.value for post in posts if post.way == "sdc"})
    async with broker() as url, _switched_on(stays, posts[0].at) as monitors:
        site, targets = _site(name, folder, url, kept, people, monitors, {post.way for post in posts})
        begun = Held(posts[0].at)
        site = site if port is None else with_web(site, port)
        async with running(site, begun, twins=people == "patient") as found:
            await listening(found)
            if found.loop is not None:
                click.echo("waking the twins (the first time their programs are compiled, about half a minute) ...")
                await asyncio.to_thread(found.loop.wait_until_ready)
            if found.web is not None:
                await asyncio.to_thread(open_for_visitors, found.web, console)
            begun.clock = clock = Replayed(posts[0].at, speed)
            found.clock = clock
            played = replay.Played(len(posts))
            task = asyncio.create_task(replay.play(posts, clock, targets, played))
            looked_at = found.web is not None and console.is_terminal  # then it ends when they say so
            await watch(found, None, view, lambda: task.done() and not (looked_at and _went_well(task)))
            if task.done():
                task.result()
            task.cancel()
            goodbye(found, played, console, kept)


def _went_well(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is None


class Held:
    """A clock that stands still until it is given one that runs: the replay begins when everything is ready."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.clock: Any = None

    def __call__(self) -> int:
        """Microseconds UTC that it shows."""
        return self.now if self.clock is None else int(self.clock())


@contextlib.asynccontextmanager
async def _switched_on(stays: list[str], now: int) -> AsyncIterator[dict[str, Any]]:
    """Simulated monitors of these stays, each with its patient."""
    from caretwin.serve.replay import monitors
    from caretwin.serve.replay_plan import SYSTEM

    with contextlib.ExitStack() as stack:
        found = monitors(stays)
        for stay, monitor in found.items():
            await asyncio.to_thread(stack.enter_context, monitor)
            await asyncio.to_thread(monitor.admit, [(SYSTEM, stay)], now - 1_000_000)
        yield found


def _site(
    name: str, folder: Path, mqtt: str, kept: Path | None, people: SubjectKind, monitors: dict[str, Any], ways: set[Way]
) -> tuple[Any, Any]:
    """A site with a door of each kind that is used, on free ports, and where its doors are."""
    import hashlib

    from caretwin.serve.broker import free_port
    from caretwin.serve.replay import Targets, topics
    from caretwin.serve.site import Site

    mllp, http = free_port(), free_port()
    (folder / "topics.toml").write_text(topics(), encoding="utf-8")
    (folder / "tokens").write_text(f"demo: {hashlib.sha256(TOKEN.encode()).hexdigest()}\n", encoding="utf-8")
    (folder / "tokens").chmod(0o600)
    doors: dict[str, dict[str, Any]] = {
        "monitors": {"kind": "hl7v2", "port": mllp},
        "laboratory": {
            "kind": "fhir",
            "listen": f"127.0.0.1:{http}",
            "tokens": str(folder / "tokens"),
            "people": people,
        },
        "devices": {"kind": "mqtt", "url": mqtt, "topics": str(folder / "topics.toml")},
    }
    doors = {door: settings for door, settings in doors.items() if settings["kind"] in ways}
    for number, monitor in enumerate(monitors.values(), start=1):
        doors[f"bed {number}"] = {"kind": "sdc", "provider": monitor.address, "demo": True, "expected_s": 14_400}
    site = Site(
        name, "UTC", str(kept or folder / "record.db"), doors,
        forecast_every_min=60.0, folder=folder,
    )  # fmt: skip
    return site, Targets(("127.0.0.1", mllp), f"http://127.0.0.1:{http}/fhir", TOKEN, mqtt, monitors)
