"""A lasting session with a broker: subscriptions that survive a lost connection, and acknowledgements only when told.

What arrived while we were away is delivered first when we are back, and nothing in a message says so. A mark that we
send to ourselves comes after it, so that its arrival is the end of what had waited.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.subscribeoptions import SubscribeOptions

from caretwin.ingest.doors.mqtt.connection import Broker
from caretwin.ingest.doors.mqtt.inbox import Inbox, Waiting
from caretwin.ingest.doors.mqtt.media import Arrival

MARK_WAIT_S = 10.0
"""s after which what waits at the broker is taken to have been delivered, where it does not let us send a mark
(assumed)."""
QOS = 1
TAKEN_OVER, UNSPECIFIED = 0x8E, 0x80
"""Reasons of a broker that ends a connection because another client has its name, and of one that does not say why
(OASIS MQTT 5.0, section 3.14.2.1; brokers need not tell)."""
MARKS = "caretwin/mark/"
"""First levels of the topics of marks."""
SHORT_GAP = 5_000_000
"""us: what waited less than this is taken as of its arrival (assumed)."""


class Session:
    """A session; its callbacks run in paho's thread.

    name     of this client at the broker: the session is kept under it
    window   messages that may be on their way without acknowledgement
    passing  the last trouble that is over when the connection is there again
    taken    that another client took it, which is not over then; "" where none did
    changed  called with "" when all topics are subscribed, and with the reason when the connection is not there
    """

    def __init__(
        self,
        broker: Broker,
        name: str,
        window: int,
        session_s: int,
        inbox: Inbox,
        clock: Callable[[], int],
        changed: Callable[[str], None],
    ) -> None:
        self.broker, self.name, self.window, self.session_s = broker, name, window, session_s
        self._inbox, self._clock, self._changed = inbox, clock, changed
        self.connection, self.losses = 0, 0
        self.passing, self.taken = "", ""
        self._topics: set[str] = set()
        self._asked: dict[int | None, list[str]] = {}
        self._behind, self._mark = False, ""
        self._timer: threading.Timer | None = None
        self._heard: int | None = None
        self._seen: OrderedDict[int, int] = OrderedDict()
        self._client = broker.client(name, lasting=True)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._lost
        self._client.on_connect_fail = lambda *_: self._away(f"no broker answers at {self.broker}")
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._message

    def start(self, topics: Iterable[str]) -> None:
        """Connect, and connect again whenever the connection is lost, later and later."""
        self._topics = set(topics)
        self.broker.connect(self._client, lasting=True, window=self.window, session_s=self.session_s)
        self._client.loop_start()

    def subscribe(self, topics: Iterable[str]) -> None:
        """Further topics."""
        new = set(topics) - self._topics
        self._topics |= new
        if new and self._client.is_connected():
            self._ask(new)

    def acknowledge(self, messages: Iterable[Waiting]) -> None:
        """Tell the broker that these are kept; those of an earlier connection it sends again."""
        for message in messages:
            if message.number and message.connection == self.connection:
                self._client.ack(message.number, QOS)

    def stop(self) -> None:
        """Leave; the broker keeps the session."""
        if self._timer is not None:
            self._timer.cancel()
        self._client.disconnect()
        self._client.loop_stop()

    # in paho's thread ----------------------------------------------------------------------------------------------

    def _connected(self, client: Client, _: Any, flags: Any, reason: Any, __: Any) -> None:
        if reason.is_failure:
            self._away(f"the broker {self.broker} refuses: {reason}")
            return
        self.connection += 1
        # what waits was published after the last message that we heard: it is no older than that
        long = self._heard is None or self._clock() - self._heard > SHORT_GAP
        self._behind = bool(flags.session_present) and long
        self._mark = f"{MARKS}{self.name}/{secrets.token_hex(4)}"
        self._asked.clear()
        self._ask(self._topics | ({f"{MARKS}{self.name}/+"} if self._behind else set()))
        if self._behind:
            client.publish(self._mark, b"", QOS)
            self._timer = threading.Timer(MARK_WAIT_S, self._caught_up)
            self._timer.daemon = True
            self._timer.start()

    def _ask(self, topics: Iterable[str]) -> None:
        """Subscribe. What the broker had retained is sent again: announcements are needed after every start."""
        listed = sorted(topics)
        if not listed:
            self._changed("")
            return
        if self.broker.version == 5:
            _, number = self._client.subscribe([(topic, SubscribeOptions(qos=QOS)) for topic in listed])
        else:
            _, number = self._client.subscribe([(topic, QOS) for topic in listed])
        self._asked[number] = listed

    def _subscribed(self, _: Client, __: Any, number: int, reasons: list[Any], ___: Any) -> None:
        listed = self._asked.pop(number, [])
        refused = [topic for topic, reason in zip(listed, reasons, strict=False) if reason.is_failure]
        refused = [topic for topic in refused if not topic.startswith(MARKS)]
        self._changed(f"the broker does not let us read {len(refused)} of our topics" if refused else "")

    def _lost(self, _: Client, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        self.losses += 1
        if reason.value == TAKEN_OVER:
            self.taken = (
                f"another client took the session over: it is called {self.name} too. Give this door a client of its"
                " own in its section"
            )
            self._changed(self.taken)
            return
        why = (
            f"{reason}; another client called {self.name} would do that" if reason.value == UNSPECIFIED else str(reason)
        )
        self._away(f"the connection to {self.broker} was lost: {why}")

    def _away(self, trouble: str) -> None:
        self.passing = trouble
        self._changed(trouble)

    def _message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no broker should let it through: it is acknowledged in its turn, as a topic of nobody
        if topic == self._mark:
            self._caught_up()
        number = message.mid if message.qos else 0
        self._inbox.put(Waiting(bytes(message.payload), self._arrival(topic, message), number, self.connection))

    def _arrival(self, topic: str, message: MQTTMessage) -> Arrival:
        """How it came; what the broker sends again keeps the time at which it came first."""
        now = self._heard = self._clock()
        key = hash((message.mid, topic, message.payload))
        if message.dup and key in self._seen:
            return Arrival(topic, self._seen[key], bool(message.retain))
        if message.qos:
            self._seen[key] = now
            if len(self._seen) > 2 * self.window:
                self._seen.popitem(last=False)
        return Arrival(topic, now, bool(message.retain), self._behind and not message.retain)

    def _caught_up(self) -> None:
        self._behind = False
        if self._timer is not None:
            self._timer.cancel()
