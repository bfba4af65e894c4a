"""``caretwin live``: open the doors of a site, keep what comes, and let its twins live; shown in the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caretwin.cli.errors import friendly

if TYPE_CHECKING:
    from rich.console import Console

    from caretwin.serve.running import Running

STOPPED = 130
"""Exit code of a program that was stopped by Ctrl-C."""


@click.command()
@click.argument("configuration", type=click.Path(path_type=Path))
@click.option("--seconds", type=click.FloatRange(min=0.0), help="End after so long. Default: until Ctrl-C.")
@click.option("--view/--no-view", default=True, help="Draw the ward; without, plain lines.")
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
    with stopped_calmly():
        _run(configuration, seconds, view, messages, twins)


def _run(configuration: Path, seconds: float | None, view: bool, messages: int, twins: bool) -> None:
    from caretwin.serve.site import read_site

    site = read_site(configuration)
    from caretwin.serve.clock import wall
    from caretwin.serve.running import running

    async def run() -> None:
        async with running(site, wall, twins=twins) as found:
            for line in web_lines(found):
                click.echo(line)
            await watch(found, seconds, view, messages=messages)

    asyncio.run(run())


def web_lines(found: Running) -> list[str]:
    """Where the web application is, and how the first person signs in; nothing where there is none."""
    if found.web is None:
        return []
    lines = [f"web application: {found.web.address}"]
    if found.web.first_link:
        lines.append(f"the first sign-in, once, within 15 minutes: {found.web.first_link}")
    return lines


@contextlib.contextmanager
def stopped_calmly() -> Iterator[None]:
    """Ctrl-C before there is anything to see ends with a sentence and exit code 130, not with "Aborted!"."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\nstopped while starting; everything that was acknowledged is in the record", err=True)
        _end_compiling(STOPPED)
        sys.exit(STOPPED)
    _end_compiling(0)


def _end_compiling(code: int) -> None:
    """End the process where twins are still being woken: a compiler cannot be interrupted, and would abort it."""
    if any(thread.name == "ward" for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


async def watch(
    found: Running, seconds: float | None, view: bool, over: Callable[[], bool] = lambda: False, messages: int = 1
) -> None:
    """Show a running site until the time is over, ``over`` says so, or somebody presses Ctrl-C."""
    from rich.console import Console
    from rich.live import Live

    from caretwin.cli.live_view import picture

    console = Console(highlight=False)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    end = None if seconds is None else loop.time() + seconds
    try:
        if view and console.is_terminal:
            with Live(console=console, auto_refresh=False) as live:
                live.update(picture(found, console.width, messages, console.height), refresh=True)
                while not await _pause(stop, 1.0, end) and not over():
                    live.update(picture(found, console.width, messages, console.height), refresh=True)
        else:
            await _in_lines(found, console, stop, end, over)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    if stop.is_set() and found.loop is not None and found.loop.ward is None:
        raise KeyboardInterrupt  # there was nothing to see yet
    if not (view and console.is_terminal):
        console.print(picture(found, console.width, messages))


async def _in_lines(
    found: Running, console: Console, stop: asyncio.Event, end: float | None, over: Callable[[], bool]
) -> None:
    """What is going on in plain lines: at once what changes at a door, now and then how the ward is doing."""
    from caretwin.cli.live_lines import DoorLines, WardLines
    from caretwin.cli.live_view import summary

    doors, ward, clock = DoorLines(), WardLines(), asyncio.get_running_loop().time
    names = ", ".join(found.intakes) or "none"
    console.print(f"{found.site.name}: record {found.site.record}; doors: {names}; Ctrl-C ends it", soft_wrap=True)
    while True:
        for line in doors.news(found.intakes.values(), clock()):
            console.print(line, soft_wrap=True, markup=False)
        if await _pause(stop, 1.0, end) or over():
            return
        for line in ward.news(summary(found), clock()):
            console.print(line, soft_wrap=True, markup=False)


async def _pause(stop: asyncio.Event, seconds: float, end: float | None) -> bool:
    """Wait a little; whether it is time to end."""
    now = asyncio.get_running_loop().time()
    wait = seconds if end is None else min(seconds, max(end - now, 0.0))
    try:
        await asyncio.wait_for(stop.wait(), wait)
    except TimeoutError:
        return end is not None and asyncio.get_running_loop().time() >= end
    return True
