"""A site whose ward lives, with its web application at a real address."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
from tests.serve.web.conftest import Web

from caretwin.record.access import Actor
from caretwin.record.entry import Batch, Event, Identifier, Observation, SubjectRef
from caretwin.serve.running import running
from caretwin.serve.site import site_of

DOOR = Actor("door:monitors", "door")
MINUTE = 60_000_000
USUAL = {
    "heart_rate": 84.0, "mean_arterial_pressure": 72.0, "oxygen_saturation": 96.0, "respiratory_rate": 18.0,
    "systolic_pressure": 118.0,
}  # fmt: skip
VENTILATED = {
    "ventilator_mode": 1.0, "peep": 8.0, "fio2": 0.5, "tidal_volume_set": 0.42, "respiratory_rate_set": 18.0,
}  # fmt: skip


class LivingWeb(Web):
    """As :class:`Web`, with twins."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, {})
        table: dict[str, Any] = {"record": {"url": "ward.db"}, "web": {"listen": "127.0.0.1:0"}}
        self.site = site_of({**table, "twins": {"particles": 60}}, "test", folder)

    async def _run(self) -> None:
        try:
            async with running(self.site, self.clock, twins=True, people_clock=self.clock) as self.running:
                assert self.running.loop is not None
                await asyncio.to_thread(self.running.loop.wait_until_ready)
                self._ready.set()
                while not self._over.is_set():
                    await asyncio.sleep(0.02)
        except BaseException as problem:
            self._problem = problem
        finally:
            self._ready.set()

    def charted(self, number: str, unit: str, bed: str, minutes: Sequence[int], **values: float) -> str:
        """Somebody who lies in a bed, ventilated, with vital signs at these minutes before now; their key."""
        who = SubjectRef((Identifier("urn:test", number),))
        now = self.clock()
        place = {"status": "admitted", "class": "inpatient", "location": {"point_of_care": unit, "bed": bed}}
        entries: list[Any] = [Event(who, "encounter", now - 300 * MINUTE, "adt", place, None, f"stay {number}")]
        begun = now - (max(minutes) + 1) * MINUTE
        for name, value in VENTILATED.items():
            entries.append(Observation(who, name, begun, value, "ventilator", f"{number} {name}"))
        for minute in minutes:
            for name, value in {**USUAL, **values}.items():
                at = now - minute * MINUTE
                entries.append(Observation(who, name, at, value, "monitor", f"{number} {name} {at}"))
        (receipt,) = self.running.record.append(DOOR, [Batch(tuple(entries), now, DOOR.name)])
        return receipt.subjects[0]

    def until(self, seen: Callable[[], Any], seconds: float = 180.0) -> Any:
        """Wait until something is true of the ward, which lives in a thread of its own."""
        end = time.monotonic() + seconds
        while not (found := seen()):
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.25)
        return found

    def row(self, client: httpx.Client, subject: str) -> dict[str, Any] | None:
        """A person's row on the board, once the twin is up to date and has said what comes next."""
        answer = client.get("/api/board")
        assert answer.status_code == 200, answer.text
        rows = answer.json()["rows"]
        found = next((one for one in rows if one["subject"] == subject), None)
        ahead = found is not None and any(one["ahead"] for one in found["vitals"])
        return found if ahead and found is not None and found["twin"]["state"] == "live" else None
