"""Reading one controller again and again: in its rhythm, at once when it tells a change, seldom while silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from bacpypes3.pdu import Address
from bacpypes3.primitivedata import ObjectIdentifier

from caretwin.ingest.doors.bacnet.client import NetworkTroubles, ReadingApplication, find, read, silent
from caretwin.ingest.doors.bacnet.decode import SILENT
from caretwin.ingest.doors.bacnet.points import Device
from caretwin.ingest.intake import Intake

SELDOM = 8
"""Times its rhythm that a silent device is left alone at most (assumed): doubled from one to this."""
STALE_AFTER = 3
"""Readings without an answer after which its values are absent, as everywhere (caretwin.record.vocabulary)."""
LIFETIME_S = 300
"""s of a subscription to changes; it is renewed by the library."""
SETTLED_S = 0.05
"""s after a told change before the device is read: changes come in groups (assumed)."""


class Poll:
    """The reading of one device.

    changed  called when it begins or ceases to answer
    """

    def __init__(
        self, device: Device, app: ReadingApplication, intake: Intake, changed: Callable[[], None], where: str = ""
    ) -> None:
        self.device, self._app, self._intake, self._changed, self._where = device, app, intake, changed, where
        self.address, self.answers, self.misses = device.address, False, 0
        self._told = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Read until ``stop`` is set."""
        listeners = list[asyncio.Task[None]]()
        try:
            while not stop.is_set():
                await self._once()
                if self.answers and self.device.cov and not listeners:
                    listeners = [asyncio.create_task(self._listen(point.object)) for point in self.device.points]
                await self._wait(stop)
        finally:
            for one in listeners:
                one.cancel()
            await asyncio.gather(*listeners, return_exceptions=True)

    async def _once(self) -> None:
        names = [point.object for point in self.device.points]
        try:
            if not self.address and self.device.instance is not None:
                self.address = await find(self._app, self.device.instance, self._where)
            if not self.address:
                raise TimeoutError
            answers = await read(self._app, self.address, names)
        except NetworkTroubles as problem:
            await self._missed(names, SILENT if silent(problem) else str(problem))
            return
        self.answers, self.misses = True, 0
        self._changed()
        await self._keep(answers)

    async def _missed(self, names: Sequence[str], why: str) -> None:
        """Nothing came; after some such readings the values are absent, and once that is enough to say."""
        self.misses += 1
        self.answers = False
        self._intake.state.counters["silent"] += 1
        self._intake.state.trouble = f"{self.device.name}: {why}"
        self._changed()
        if self.misses == STALE_AFTER:
            await self._keep([{"object": name, "error": SILENT} for name in names])

    async def _keep(self, answers: Sequence[dict[str, Any]]) -> None:
        said = {"device": self.device.name, "at": self._intake.clock(), "answers": answers}
        try:
            await self._intake.accept(orjson.dumps(said), "bacnet")
        except Exception as problem:  # the record cannot be written now: the next reading is as good as this
            self._intake.state.trouble = f"a reading of {self.device.name} was lost: {type(problem).__name__}"
            self._intake.state.counters["lost"] += 1

    async def _wait(self, stop: asyncio.Event) -> None:
        """Until the next reading is due, a change is told, or it is time to stop."""
        seconds = self.device.every * min(2 ** max(self.misses - 1, 0), SELDOM)
        waits = [asyncio.create_task(event.wait()) for event in (stop, self._told)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
        if self._told.is_set():
            await asyncio.sleep(SETTLED_S)
            self._told.clear()

    async def _listen(self, name: str) -> None:
        """Be told of changes of a point; a device that cannot tell is read in its rhythm as any other."""
        try:
            change = self._app.change_of_value(Address(self.address), ObjectIdentifier(name), None, False, LIFETIME_S)
            async with change as told:
                while True:
                    await told.get_value()
                    self._told.set()
        except NetworkTroubles as problem:
            self._intake.state.counters["not_told"] += 1
            self._intake.state.trouble = f"{self.device.name} does not tell changes: {problem}"
