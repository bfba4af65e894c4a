"""Whether a broker lets us read: connect under a name of our own, subscribe, look at what it has retained, leave."""

from __future__ import annotations

import secrets
import ssl
import threading
from collections.abc import Collection
from typing import Any

from paho.mqtt.client import Client, MQTTMessage

from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.door import Tested
from caretwin.ingest.doors.mqtt.connection import Broker
from caretwin.ingest.doors.mqtt.home import HomeAssistant
from caretwin.ingest.doors.mqtt.payload import content_of

ANSWER_S, LOOK_S = 5.0, 1.0
"""s to wait for the broker's answer, and for what it has retained."""
SHOWN = 5


class _Probe:
    """What a client met; its callbacks run in paho's thread."""

    def __init__(self, client: Client, topics: Collection[str]) -> None:
        self.client, self.topics = client, sorted(topics)
        self.refused, self.trouble, self.messages = list[str](), "", list[tuple[str, bytes]]()
        self.done = threading.Event()
        client.on_connect, client.on_subscribe, client.on_message = self._connected, self._subscribed, self._message

    def _connected(self, client: Client, _: Any, __: Any, reason: Any, ___: Any) -> None:
        if reason.is_failure:
            self.trouble = str(reason)
            self.done.set()
        else:
            client.subscribe([(topic, 1) for topic in self.topics])

    def _subscribed(self, _: Client, __: Any, ___: int, reasons: list[Any], ____: Any) -> None:
        self.refused = [topic for topic, reason in zip(self.topics, reasons, strict=False) if reason.is_failure]
        self.done.set()

    def _message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        self.messages.append((message.topic, bytes(message.payload)))


def probe(broker: Broker, topics: Collection[str], home: HomeAssistant | None) -> Tested:
    """Test a broker (blocks for some seconds)."""
    client = broker.client(f"caretwin-test-{secrets.token_hex(4)}", lasting=False)
    found = _Probe(client, topics)
    try:
        broker.connect(client, lasting=False, window=100, session_s=0, wait=True)
        client.loop_start()
        answered = found.done.wait(ANSWER_S)
        if answered and not found.trouble and not found.refused:
            threading.Event().wait(LOOK_S)
    except (OSError, ssl.SSLError) as problem:
        return Tested(False, f"{broker} does not answer: {problem.strerror or type(problem).__name__}")
    finally:
        client.disconnect()
        client.loop_stop()
    if not answered or found.trouble:
        return Tested(False, f"{broker} does not let us in: {found.trouble or 'it says nothing'}")
    if found.refused:
        return Tested(False, f"{broker} does not let us read {', '.join(found.refused[:SHOWN])}")
    return Tested(True, f"{broker} lets us read {len(found.topics)} topics; {_retained(found, home)}")


def _retained(found: _Probe, home: HomeAssistant | None) -> str:
    """What is there already, in words."""
    if home is None:
        return f"{len(found.messages)} retained messages"
    seen = HomeAssistant(home.prefix, home.rooms, home.time)
    for topic, raw in found.messages:
        if seen.announces(topic):
            try:
                seen.learn(topic, content_of(raw))
            except RefusedError:
                continue
    sentence = f"{len(seen.entities)} announced sensors are read, {len(seen.not_understood)} are not"
    reasons = list(dict.fromkeys(seen.not_understood.values()))[:SHOWN]
    return sentence + (": " + "; ".join(reasons) if reasons else "")
