"""The MQTT door: sensors of homes, gateways of wards, anything that publishes readings to a broker.

Standards: OASIS MQTT 5.0 (2019) and 3.1.1 (2014). Subscriptions are of quality of service 1 in a lasting session, and a
message is acknowledged after it is on the disk: what was not yet kept is sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import Decoded
from caretwin.ingest.door import Setting, Tested, Tier, given
from caretwin.ingest.doors.mqtt.connection import broker
from caretwin.ingest.doors.mqtt.home import HomeAssistant
from caretwin.ingest.doors.mqtt.home_rooms import Rooms, read_rooms
from caretwin.ingest.doors.mqtt.inbox import Inbox
from caretwin.ingest.doors.mqtt.keep import keep_together
from caretwin.ingest.doors.mqtt.mapping import read_topics
from caretwin.ingest.doors.mqtt.media import Arrival, arrival_of
from caretwin.ingest.doors.mqtt.payload import content_of
from caretwin.ingest.doors.mqtt.probe import probe
from caretwin.ingest.doors.mqtt.rules import TopicRule, read_message
from caretwin.ingest.doors.mqtt.session import MARKS, Session
from caretwin.ingest.intake import Intake
from caretwin.ingest.own_name import own_name

MOST_WINDOW = 65_535
"""Greatest receive maximum (OASIS MQTT 5.0, section 3.1.2.11.3)."""


class MqttDoor:
    """Readings from a broker, by a mapping file, by Home Assistant's discovery, or by both.

    name  of the door; settings  see :attr:`settings`
    """

    kind, title, tier = "mqtt", "MQTT broker: sensors, gateways, Home Assistant", Tier.PEER
    settings = (
        Setting("url", "mqtt://host:port, or mqtts://host:port for an encrypted connection"),
        Setting("topics", "TOML file that says what topics mean (examples/mqtt_topics.toml)", "", path=True),
        Setting("discovery", "prefix of Home Assistant's announcements, usually homeassistant", ""),
        Setting("rooms", "TOML file that says whom devices are about (examples/mqtt_rooms.toml)", "", path=True),
        Setting("time", "JSON pointer of the time within states of announced devices (ms or ISO 8601)", "last_seen"),
        Setting("client", "our name at the broker: it keeps the session under it; one of its own otherwise", ""),
        Setting("user_variable", "environment variable with the user's name", ""),
        Setting("password_variable", "environment variable with the password", ""),
        Setting("ca", "PEM file with the authority of the broker's certificate; the system's otherwise", "", path=True),
        Setting("certificate", "PEM file with our certificate, where the broker asks for one", "", path=True),
        Setting("key", "PEM file with its key", "", path=True),
        Setting("version", "5, or 3 for MQTT 3.1.1", 5),
        Setting("window", "messages on their way without acknowledgement", 2000),
        Setting("session_s", "s that the broker keeps what arrives while we are away (MQTT 5)", 604_800),
    )

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        said = given(self.settings, settings)
        where = f"door {name} (mqtt)"
        self.name = name
        self.broker = broker(said, where)
        self.rules: tuple[TopicRule, ...] = read_topics(said["topics"]) if said["topics"] else ()
        self.home: HomeAssistant | None = None
        if said["discovery"]:
            rooms = read_rooms(said["rooms"]) if said["rooms"] else Rooms()
            self.home = HomeAssistant(str(said["discovery"]), rooms, str(said["time"]))
        if not self.rules and self.home is None:
            fix = 'write topics = "topics.toml" or discovery = "homeassistant" into its section'
            raise DataError(where, seen="neither topics nor discovery", wanted="what messages mean", fix=fix)
        self.window, self.session_s = int(said["window"]), int(said["session_s"])
        if not 1 <= self.window <= MOST_WINDOW:
            wanted, fix = f"1 to {MOST_WINDOW}", "write a number of them"
            raise DataError(where, seen=f"window = {self.window}", wanted=wanted, fix=fix)
        self.client = str(said["client"]) or own_name(name)
        self._rule = lru_cache(maxsize=10_000)(self._rule_of)

    @property
    def topics(self) -> set[str]:
        """What to subscribe to."""
        found = {rule.pattern.filter for rule in self.rules}
        return found | {*self.home.announcements, *self.home.topics} if self.home is not None else found

    def decode(self, raw: bytes, media: str) -> Decoded:
        """See :class:`caretwin.ingest.door.Door`; media: see :mod:`caretwin.ingest.doors.mqtt.media`."""
        return self.understand(raw, arrival_of(media))

    def understand(self, raw: bytes, arrival: Arrival) -> Decoded:
        """What a message says that came in this way. Raises RefusedError."""
        if arrival.topic.startswith(MARKS):
            return Decoded((), ignored=("our own mark",))
        home = self.home
        if home is not None and home.announces(arrival.topic):
            return home.learn(arrival.topic, content_of(raw))
        if not raw:
            return Decoded((), ignored=("an empty message: a retained one was taken back",))
        found = self._rule(arrival.topic)
        if found is not None:
            return read_message(*found, content_of(raw), arrival)
        said = home.read(arrival.topic, content_of(raw), arrival) if home is not None else None
        return said if said is not None else Decoded((), ignored=("a topic that no mapping names",))

    def _rule_of(self, topic: str) -> tuple[TopicRule, Mapping[str, str]] | None:
        for rule in self.rules:
            names = rule.pattern.read(topic)
            if names is not None:
                return rule, names
        return None

    async def test(self) -> Tested:
        """Connect under another name, subscribe, and look at what the broker has retained."""
        return await asyncio.to_thread(probe, self.broker, self.topics, self.home)

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """See :class:`caretwin.ingest.door.Door`."""
        state = intake.state

        def changed(trouble: str) -> None:
            if trouble:
                state.trouble = trouble
            elif state.trouble == session.passing:
                state.trouble = session.taken
            state.listening = "" if trouble else f"{self.broker} as {self.client}"

        inbox = Inbox(self.window, asyncio.get_running_loop())
        session = Session(self.broker, self.client, self.window, self.session_s, inbox, intake.clock, changed)
        session.start(self.topics)
        waker = asyncio.create_task(_wake(inbox, stop))
        try:
            while not stop.is_set():
                messages = await inbox.take()
                if messages:
                    session.acknowledge(await keep_together(intake, self.understand, messages, stop))
                    session.subscribe(self.topics)
                state.counters["reconnects"] = session.losses
        finally:
            waker.cancel()
            inbox.close()
            await asyncio.to_thread(session.stop)
            state.listening = ""


async def _wake(inbox: Inbox, stop: asyncio.Event) -> None:
    await stop.wait()
    inbox.wake()
