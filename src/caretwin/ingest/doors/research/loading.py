"""Loading what was charted long ago: in parts, and when wanted received when its source could know it.

The record's received time is when *we* got a thing. For research and replay that is of no use: with ``as_charted`` a
value is received when it was available at its source (its result time, else when it was true), so that the record can
be read as it would have been known then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from caretwin.ingest.decoded import CodedValue, Decodable, Decoded
from caretwin.ingest.intake import Intake
from caretwin.record.entry import Link

AT_ONCE = 2_000
"""Entries of one batch: what is kept or refused together."""
TOGETHER = 400
"""Batches that wait for the disk at one time: they share a commit."""
AGAIN_S = 1.0
"""s after which a batch for which there was no room is sent again."""


class Known(NamedTuple):
    """A part, and when it could be known at its source (us)."""

    available: int
    part: Decodable


def known(part: Decodable) -> Known:
    """When a part was available: its result time where it has one, else when it was true."""
    if isinstance(part, Link):
        return Known(0, part)
    issued = part.note.get("issued") if isinstance(part, CodedValue) and part.note else None
    return Known(max(issued, part.effective) if isinstance(issued, int) else part.effective, part)


async def keep_all(intake: Intake, parts: Sequence[Known], as_charted: bool, stop: asyncio.Event) -> int:
    """Keep parts; returns how many are on the disk: all of them, unless ``stop`` was set."""
    kept = 0
    waiting: list[tuple[int | None, tuple[Decodable, ...]]] = list(_batches(parts, as_charted))
    for begin in range(0, len(waiting), TOGETHER):
        if stop.is_set():
            return kept
        now = waiting[begin : begin + TOGETHER]
        await asyncio.gather(*(_keep(intake, received, batch, stop) for received, batch in now))
        kept += sum(len(batch) for _, batch in now)
    return kept


def _batches(parts: Sequence[Known], as_charted: bool) -> Iterator[tuple[int | None, tuple[Decodable, ...]]]:
    if not as_charted:
        yield from ((None, batch) for batch in _cut([one.part for one in parts]))
        return
    for available, group in groupby(sorted(parts, key=lambda one: one.available), key=lambda one: one.available):
        yield from ((available, batch) for batch in _cut([one.part for one in group]))


def _cut(parts: Sequence[Decodable]) -> Iterable[tuple[Decodable, ...]]:
    return (tuple(parts[begin : begin + AT_ONCE]) for begin in range(0, len(parts), AT_ONCE))


async def _keep(intake: Intake, received: int | None, batch: tuple[Decodable, ...], stop: asyncio.Event) -> None:
    while (await intake.accept_decoded(Decoded(batch), received=received)).result == "busy" and not stop.is_set():
        await asyncio.sleep(AGAIN_S)


async def load_once(
    load: Callable[[Intake, asyncio.Event], Awaitable[None]], path: Path, intake: Intake, stop: asyncio.Event
) -> None:
    """Load data once, then wait: research data do not change."""
    await load(intake, stop)
    intake.state.listening = f"{path.name}, loaded"
    await stop.wait()
    intake.state.listening = ""
