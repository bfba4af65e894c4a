"""The door for IEEE 11073 SDC: bedside devices that publish what they measure on the network (read only).

The door connects to chosen devices, subscribes to their metrics, alarms, contexts and waveforms, and passes on what
they say. It never sets anything on a device: the services for that are not even connected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from caretwin.ingest.decoded import Decoded, RefusedError
from caretwin.ingest.door import Setting, Tested, Tier
from caretwin.ingest.doors.sdc.decode import Decoder
from caretwin.ingest.doors.sdc.feed import Feed
from caretwin.ingest.doors.sdc.handover import Handover
from caretwin.ingest.doors.sdc.report import MEDIA, Report, read, write
from caretwin.ingest.doors.sdc.settings import SETTINGS, Choice, choice
from caretwin.ingest.erasures import Erasures
from caretwin.ingest.pauses import BackOff, rest

if TYPE_CHECKING:
    from caretwin.ingest.doors.sdc.session import Connect, Session
    from caretwin.ingest.intake import Intake

FIRST_PAUSE_S = 1.0
"""s before a connection is tried again; doubled each time, up to the setting ``retry_s``."""
AGAIN_S = 0.2
"""s after which a report is offered again when the record had no room."""
CLOCKS_APART_US = 60_000_000
"""us by which a device's clock may differ from ours before it is said (assumed): its times stay as they are. A newest
value may be as old as the values that are expected of it are apart.
"""


class SdcDoor:
    """SDC devices of one network, or one device by its address. See docs/doors/sdc.md."""

    kind, title, tier = "sdc", "IEEE 11073 SDC devices", Tier.LOOPBACK
    settings: tuple[Setting, ...] = SETTINGS

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.name = name
        self.choice: Choice = choice(name, settings)
        self.source = f"{self.kind}:{name}"
        self.erasures = Erasures()

    def decode(self, raw: bytes, media: str) -> Decoded:
        """What a report says; ``raw`` is our JSON form of it (see :mod:`~caretwin.ingest.doors.sdc.report`)."""
        return self._decoded(read(raw))[0]

    def _decoded(self, report: Report) -> tuple[Decoded, Decoder]:
        wish = self.choice
        decoder = Decoder(self.source, wish.fixed, wish.demo, wish.waveforms)
        return decoder.decode(report), decoder

    async def test(self) -> Tested:
        """Whether the chosen devices answer; reads their description and leaves."""
        return await asyncio.to_thread(self._test)

    def _test(self) -> Tested:
        from caretwin.ingest.doors.sdc import targets as sdc_targets

        return sdc_targets.test(self.choice)

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Follow the chosen devices until ``stop`` is set."""
        await _Run(self, intake, stop).run()


@dataclass
class _Run:
    """One time that the door is open."""

    door: SdcDoor
    intake: Intake
    stop: asyncio.Event
    feeds: dict[str, Feed] = field(default_factory=dict)
    connected: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    forgotten: int = 0
    """us: reports that were made until then may speak of who was erased."""

    async def run(self) -> None:
        self.queue = Handover(asyncio.get_running_loop())
        deliver = asyncio.create_task(self._deliver())
        deliver.add_done_callback(lambda _: self.over.set())  # what cannot be kept is not asked for any longer
        others = [asyncio.create_task(one) for one in (self._watch_freshness(), self._end_with_the_site())]
        try:
            await self._look_for_devices()
        finally:
            self.over.set()
            await asyncio.gather(*self.tasks.values(), *others, return_exceptions=True)
            self.queue.close()
            await deliver

    async def _end_with_the_site(self) -> None:
        stopped = asyncio.create_task(self.stop.wait())
        over = asyncio.create_task(self.over.wait())
        await asyncio.wait((stopped, over), return_when=asyncio.FIRST_COMPLETED)
        self.over.set()
        stopped.cancel()

    # devices -------------------------------------------------------------------------------------------------------

    async def _look_for_devices(self) -> None:
        """Follow each chosen device in a task of its own; a search finds those that come later, and new addresses."""
        from caretwin.ingest.doors.sdc import targets as sdc_targets

        addresses: dict[str, str] = {}
        while not self.over.is_set():
            try:
                addresses |= await asyncio.to_thread(sdc_targets.targets, self.door.choice)
            except OSError as problem:
                self._trouble("search_failed", f"the search failed: {problem}")
            for name in addresses:
                if name not in self.tasks or self.tasks[name].done():
                    self.tasks[name] = asyncio.create_task(self._follow(name, addresses))
            await self._pause(self.door.choice.search_s)

    async def _follow(self, name: str, addresses: Mapping[str, str]) -> None:
        """Connect, stay connected, connect again: for as long as the door is open."""
        pauses = BackOff(FIRST_PAUSE_S, self.door.choice.retry_s)
        while not self.over.is_set():
            session = await self._connect(name, addresses[name])
            if session is None:
                await pauses.rest(self.over)
                continue
            pauses.reset()
            try:
                why = await self._until_lost(session)
            finally:
                self._listening(name, "")
                await asyncio.to_thread(session.close)
            if why:
                self._trouble("reconnects", f"{name}: {why}")

    async def _connect(self, name: str, address: str) -> Session | None:
        from caretwin.ingest.doors.sdc.session import Session, words

        try:
            session = await asyncio.to_thread(Session.open, self._way(address), self._feed)
        except Exception as problem:  # a device can be out of order in any way: it is tried again, and said
            self._trouble("connect_failed", f"{name}: {words(problem)}")
            return None
        self._listening(name, address)
        self.intake.state.counters["connects"] += 1
        return session

    def _way(self, address: str) -> Connect:
        from caretwin.ingest.doors.sdc import targets as sdc_targets

        return sdc_targets.way(self.door.choice, address)

    def _feed(self, provider: str) -> Feed:
        """What is known of a device outlives its connections."""
        if provider not in self.feeds:
            self.feeds[provider] = Feed(
                provider, self.intake.clock, self.door.choice.expected_s, lambda said, may: self._send(said, may)
            )
        return self.feeds[provider]

    async def _until_lost(self, session: Session) -> str:
        """Why the connection was lost; "" when the door closes."""
        while not self.over.is_set():
            await self._pause(self.door.choice.check_s)
            if not self.over.is_set() and (why := await asyncio.to_thread(session.lost)):
                return why
        return ""

    # reports -------------------------------------------------------------------------------------------------------

    def _send(self, report: Report, droppable: bool) -> None:
        """Called by the library's threads."""
        self.queue.put(write(report), droppable)

    async def _deliver(self) -> None:
        while (raw := await self.queue.get()) is not None:
            try:
                report = read(raw)
            except RefusedError:
                await self.intake.accept(raw, MEDIA)  # into quarantine, with the reason
                continue
            decoded, decoder = self.door._decoded(self._without_erased(report))
            self._count(report, decoder)
            if decoded.parts:
                await self._keep(decoded, raw)

    def _without_erased(self, report: Report) -> Report:
        """A report; where somebody was erased since it was made, without those who are no longer with the device."""
        if self.door.erasures.happened():
            self.forgotten = self.intake.clock()
            for feed in list(self.feeds.values()):
                feed.forget()
        return report.of_who_is_there() if report.received <= self.forgotten else report

    async def _keep(self, decoded: Decoded, raw: bytes) -> None:
        """Offer until there is room: a device says a thing once."""
        self.intake.state.counters["messages"] += 1
        while (await self.intake.accept_decoded(decoded, raw, MEDIA)).result == "busy":
            await asyncio.sleep(AGAIN_S)

    def _count(self, report: Report, decoder: Decoder) -> None:
        counters = self.intake.state.counters
        counters.update({f"left out: {reason}": count for reason, count in decoder.left.items()})
        if self.queue.dropped:
            counters["waveform blocks dropped"] = self.queue.dropped
        times = [one.when for one in report.metrics if one.when is not None]
        apart = max(times) - report.received if times else 0
        behind = max(CLOCKS_APART_US, round(self.door.choice.expected_s * 1e6))
        if (apart > CLOCKS_APART_US or -apart > behind) and not counters["clocks_apart"]:
            counters["clocks_apart"] = 1
            words = f"its clock, or its newest value, is {apart / 1e6:+.0f} s from now"
            self.intake.state.trouble = f"{report.provider}: {words}"

    # state ---------------------------------------------------------------------------------------------------------

    async def _watch_freshness(self) -> None:
        """Our own clock: runs whether or not anything is connected."""
        while not self.over.is_set():
            await self._pause(min(1.0, self.door.choice.expected_s))
            stale = await asyncio.to_thread(self._stale)
            counters = self.intake.state.counters
            if len(stale) > counters["stale_now"]:
                self.intake.state.trouble = _stale_words(stale)
            counters["stale_now"] = len(stale)

    def _stale(self) -> list[str]:
        names: list[str] = []
        for feed in list(self.feeds.values()):
            feed.tick()
            names += feed.stale()
        return names

    def _listening(self, name: str, address: str) -> None:
        if address:
            self.connected[name] = address
        else:
            self.connected.pop(name, None)
        self.intake.state.listening = ", ".join(self.connected.values())

    def _trouble(self, counter: str, words: str) -> None:
        self.intake.state.counters[counter] += 1
        self.intake.state.trouble = words

    async def _pause(self, seconds: float) -> None:
        await rest(self.over, seconds)


def _stale_words(names: list[str]) -> str:
    said = "1 signal is" if len(names) == 1 else f"{len(names)} signals are"
    return f"{said} stale: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
