"""The door at work: slices into the spool, complete series through the intake, one after the other.

What the spool still holds when the door starts is what a crash left: it is measured like everything else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from caretwin.ingest.decoded import Decoded, RefusedError
from caretwin.ingest.doors.dicom.arrivals import Arrivals
from caretwin.ingest.doors.dicom.folder import Watched
from caretwin.ingest.doors.dicom.form import MEDIA, Form
from caretwin.ingest.doors.dicom.listener import Heard, Hearing, Listener, Listening
from caretwin.ingest.doors.dicom.spool import Spool
from caretwin.ingest.intake import Intake
from caretwin.ingest.pauses import BackOff, rest

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
"""s between attempts at what does not work: twice as long each time."""
BEAT_S = 0.25
"""s between two looks at what is complete (assumed)."""
DAY_S = 86_400.0


class Waits(NamedTuple):
    """How long a door waits; see its settings (s, and days of ``keep_days``)."""

    quiet_s: float
    settle_s: float
    every_s: float
    keep_days: float


class Running:
    """One run of a door.

    follows    whether a series of the spool has no gap; decode  measures one (both slow, called in threads)
    listening  told the port that is listened at, 0 when none is
    """

    def __init__(
        self,
        intake: Intake,
        spool: Spool,
        waits: Waits,
        follows: Callable[[str], bool],
        decode: Callable[[bytes], Decoded],
        free_bytes: int,
        listening: Callable[[int], None],
    ) -> None:
        self._intake, self._spool, self._waits = intake, spool, waits
        self._follows, self._decode, self._free_bytes, self._listening = follows, decode, free_bytes, listening
        self._arrivals = Arrivals(waits.quiet_s, waits.settle_s)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._where: dict[str, str] = {}

    async def run(self, how: Listening | None, watched: Watched | None, stop: asyncio.Event) -> None:
        """Until ``stop`` is set."""
        self._loop = asyncio.get_running_loop()
        if not await self._retried(self._open, stop):
            return
        jobs = [self._measure(stop)]
        jobs += [self._listen(how, stop)] if how is not None else []
        jobs += [self._watch(watched, stop)] if watched is not None else []
        try:
            await asyncio.gather(*jobs)
        finally:
            self._at("listener", ""), self._at("folder", "")

    # in the event loop ---------------------------------------------------------------------------------------------

    async def _listen(self, how: Listening, stop: asyncio.Event) -> None:
        hearing = Hearing(self._keep, self._ended, self._count, self._trouble)
        listener = Listener(how, hearing)
        try:
            if await self._retried(listener.start, stop):
                self._listening(listener.port)
                self._at("listener", f"{how.host}:{listener.port} as {how.title}")
                await stop.wait()
        finally:
            self._listening(0)
            self._at("listener", "")
            await asyncio.to_thread(listener.stop)

    async def _watch(self, watched: Watched, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                found = await asyncio.to_thread(watched.look)
                self._at("folder", "a folder")
                self._intake.state.counters.update({"slices": found.slices, "not CT": found.others})
                for name in found.series:
                    self._arrivals.came(name, time.monotonic())
            except OSError as problem:
                self._at("folder", "")
                self._intake.state.trouble = f"the folder cannot be read or kept: {problem.strerror}"
            await rest(stop, self._waits.every_s)

    async def _measure(self, stop: asyncio.Event) -> None:
        """Measure what is complete; what cannot be kept now is tried again."""
        pauses, swept = BackOff(2 * BEAT_S, LONGEST_WAIT_S), -DAY_S
        while not stop.is_set():
            now = time.monotonic()
            if now - swept > DAY_S / 24:
                swept = now
                await asyncio.to_thread(self._sweep)
            good = True
            for name in await asyncio.to_thread(self._arrivals.due, now, self._follows):
                good = not stop.is_set() and await self._one(name) and good
            if good:
                pauses.reset()
            await rest(stop, BEAT_S if good else pauses.next_s())

    async def _one(self, name: str) -> bool:
        """Whether a series is in the record or in quarantine."""
        self._arrivals.taken(name)
        slices = len(self._spool.slices(name))
        if not slices:
            return True  # a slice that was sent again while its series was measured
        form = Form(name, slices, self._intake.clock())
        self._intake.state.counters["messages"] += 1
        try:
            decoded = await asyncio.to_thread(self._understood, form)
            wrong = tuple(str(one) for one in decoded.refused)
            raw = form._replace(wrong=wrong).raw()
            outcome = await self._intake.accept_decoded(decoded, raw, MEDIA)
        except Exception as problem:  # the disk is full, the record is closed: the slices stay where they are
            self._intake.state.trouble = f"a series could not be kept ({type(problem).__name__}): it is tried again"
            self._arrivals.came(name, time.monotonic() - self._waits.quiet_s)
            return False
        if outcome.result == "busy":
            self._arrivals.came(name, time.monotonic() - self._waits.quiet_s)
            return False
        if outcome.result == "accepted":
            await asyncio.to_thread(self._spool.remove, name, slices)
        else:
            await asyncio.to_thread(self._spool.refuse, name, slices)
        return True

    async def _retried(self, job: Callable[[], None], stop: asyncio.Event) -> bool:
        """Whether a job that raises OSError has succeeded; False only when it is time to stop."""
        pauses = BackOff(FIRST_WAIT_S, LONGEST_WAIT_S)
        while not stop.is_set():
            try:
                await asyncio.to_thread(job)
                return True
            except OSError as problem:
                self._intake.state.trouble = f"cannot begin: {problem.strerror or type(problem).__name__}"
                self._intake.state.counters["reconnects"] += 1
            await pauses.rest(stop)
        return False

    def _at(self, what: str, where: str) -> None:
        self._where[what] = where
        self._intake.state.listening = ", ".join(one for one in self._where.values() if one)

    # in threads ------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._spool.open()
        for name in self._spool.waiting():
            self._arrivals.came(name, time.monotonic())

    def _sweep(self) -> None:
        dropped = self._spool.drop_old(self._intake.clock() / 1e6 - self._waits.keep_days * DAY_S)
        for _ in range(dropped):
            self._count("dropped")

    def _understood(self, form: Form) -> Decoded:
        try:
            return self._decode(form.raw())
        except RefusedError as error:
            return Decoded((), (error.refusal,))

    def _keep(self, heard: Heard) -> bool:
        """Keep a slice that came; it may be acknowledged when this says True."""
        if self._spool.free_bytes() < self._free_bytes + len(heard.raw):
            self._trouble("the disk of the spool is full: slices are refused")
            self._count("busy")
            return False
        name = self._spool.put(heard.raw, heard.series, heard.instance)
        self._arrivals.came(name, time.monotonic(), heard.association)
        self._count("slices")
        return True

    def _ended(self, association: int, released: bool) -> None:
        self._arrivals.ended(association, released=released)

    def _count(self, name: str) -> None:
        self._soon(lambda: self._intake.state.counters.update({name: 1}))

    def _trouble(self, words: str) -> None:
        self._soon(lambda: setattr(self._intake.state, "trouble", words))

    def _soon(self, job: Callable[[], None]) -> None:
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(job)
