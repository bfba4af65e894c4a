"""``caretwin live``: open the doors of a site, keep what comes, and let its twins live; shown in the terminal."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import click

from caretwin.cli.errors import friendly

LINE_EVERY_S = 10
"""s between lines where there is no picture."""


@click.command()
@click.argument("configuration", type=click.Path(path_type=Path))
@click.option("--seconds", type=click.FloatRange(min=0.0), help="End after so long. Default: until Ctrl-C.")
@click.option("--view/--no-view", default=True, help="Draw the ward; without, one line every ten seconds.")
@click.option(
    "--messages", default=1, show_default=True, type=click.IntRange(0, 10), help="Last messages of each door."
)
@click.option("--twins/--no-twins", default=True, help="Without: only keep what comes, as a light gateway.")
@friendly
def command(configuration: Path, seconds: float | None, view: bool, messages: int, twins: bool) -> None:
    """Run the site of a CONFIGURATION file: its doors, its record, its twins.

    docs/live.md has a configuration to copy. Nothing is sent back through the doors but acknowledgements: caretwin
    advises,
    it never actuates.
    """
    from caretwin.serve.site import read_site

    site = read_site(configuration)
    from caretwin.serve.clock import wall
    from caretwin.serve.running import running

    async def run() -> None:
        async with running(site, wall, twins=twins) as found:
            await watch(found, seconds, view, messages=messages)

    asyncio.run(run())


async def watch(
    found: object, seconds: float | None, view: bool, over: Callable[[], bool] = lambda: False, messages: int = 1
) -> None:
    """Show a running site until the time is over, ``over`` says so, or somebody presses Ctrl-C."""
    from rich.console import Console
    from rich.live import Live

    from caretwin.cli.live_view import picture, summary
    from caretwin.serve.running import Running

    assert isinstance(found, Running)
    console = Console(highlight=False)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    end = None if seconds is None else loop.time() + seconds
    try:
        if view and console.is_terminal:
            with Live(picture(found, console.width, messages), console=console, auto_refresh=False) as live:
                while not await _pause(stop, 1.0, end) and not over():
                    live.update(picture(found, console.width, messages), refresh=True)
        else:
            seconds_shown = 0
            while not await _pause(stop, 1.0, end) and not over():
                seconds_shown += 1
                if seconds_shown % LINE_EVERY_S == 0:
                    summary(found, console)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    if not (view and console.is_terminal):
        console.print(picture(found, console.width, messages))


async def _pause(stop: asyncio.Event, seconds: float, end: float | None) -> bool:
    """Wait a little; whether it is time to end."""
    now = asyncio.get_running_loop().time()
    wait = seconds if end is None else min(seconds, max(end - now, 0.0))
    try:
        await asyncio.wait_for(stop.wait(), wait)
    except TimeoutError:
        return end is not None and asyncio.get_running_loop().time() >= end
    return True
