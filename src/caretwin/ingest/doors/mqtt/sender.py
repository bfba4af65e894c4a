"""A small publisher: what a replay of a record, a demonstration or a test sends to a broker."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import orjson
from paho.mqtt.client import MQTTMessageInfo

from caretwin.base.errors import DataError
from caretwin.ingest.doors.mqtt.connection import broker

WAIT_S = 10.0
"""s for the broker's acknowledgement of a message."""
MOST_UNSENT = 10_000
"""Messages that wait for the broker at once."""


class MqttSender:
    """Publishes to a broker. Use it as a context: leaving it waits until all is acknowledged.

    url  ``mqtt://host:port``; more  further settings of a broker, as the door has them (``user_variable``, ``ca``, ...)

    Example: ``with MqttSender("mqtt://localhost") as sender: sender.send("rooms/12/climate", {"temperature": 21.5})``.
    """

    def __init__(self, url: str, more: Mapping[str, Any] | None = None) -> None:
        self.broker = broker({**(more or {}), "url": url}, "sender")
        self._client = self.broker.client(f"caretwin-sender-{secrets.token_hex(4)}", lasting=False)
        self._client.max_inflight_messages_set(500)
        self._unsent: list[MQTTMessageInfo] = []

    def send(self, topic: str, payload: Any, *, quality: int = 1, retain: bool = False) -> None:
        """Publish: bytes and texts as they are, anything else as JSON.

        quality  of service: 0, 1 or 2; retain  the broker keeps it for those who come later
        Raises DataError when the broker does not take what was sent before.
        """
        raw = payload if isinstance(payload, bytes | str) else orjson.dumps(payload)
        self._unsent.append(self._client.publish(topic, raw, quality, retain))
        if len(self._unsent) >= MOST_UNSENT:
            self.flush()

    def flush(self) -> None:
        """Wait until the broker has acknowledged all. Raises DataError when it does not."""
        for one in self._unsent:
            one.wait_for_publish(WAIT_S)
            if not one.is_published():
                fix = "look whether the broker runs, and whether it lets us publish"
                raise DataError(f"{self.broker}", seen="no acknowledgement", wanted="one for each message", fix=fix)
        self._unsent.clear()

    def __enter__(self) -> MqttSender:
        self.broker.connect(self._client, lasting=False, window=100, session_s=0, wait=True)
        self._client.loop_start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._client.disconnect()
            self._client.loop_stop()
