"""A broker: its address, who we are to it, and a client that speaks to it. Secrets come from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from caretwin.base.errors import DataError

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""IANA service names mqtt and secure-mqtt."""
KEEPALIVE_S = 30
"""s after which a silent connection is looked at (assumed)."""
SOONEST_S, LATEST_S = 1, 60
"""s before a connection is tried again: doubled from one to the other."""


@dataclass(frozen=True)
class Broker:
    """Where the broker is and by which means it knows us.

    user, password  the values themselves, already out of the environment; "" for none
    ca, certificate, key  PEM files; version  5 or 3 (MQTT 5.0 or 3.1.1)
    """

    host: str
    port: int
    secure: bool
    user: str = ""
    password: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    version: int = 5

    def __str__(self) -> str:
        return f"{'mqtts' if self.secure else 'mqtt'}://{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"Broker({self})"  # without the password

    def client(self, name: str, *, lasting: bool) -> Client:
        """A client that is not connected yet; it acknowledges only when told to.

        lasting  the broker keeps its subscriptions, and what arrives for them while it is away
        """
        old = self.version != 5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=not lasting if old else None,
            protocol=MQTTv311 if old else MQTTv5,
            manual_ack=True,
        )
        if self.user:
            client.username_pw_set(self.user, self.password or None)
        if self.secure:
            client.tls_set(self.ca or None, self.certificate or None, self.key or None)
        client.reconnect_delay_set(SOONEST_S, LATEST_S)
        return client

    def connect(self, client: Client, *, lasting: bool, window: int, session_s: int, wait: bool = False) -> None:
        """Begin to connect, or ``wait`` for the connection; see :class:`Broker` and the settings of the door."""
        more: dict[str, Any] = {}
        if self.version == 5:
            more = {"clean_start": not lasting, "properties": _properties(lasting, window, session_s)}
        (client.connect if wait else client.connect_async)(self.host, self.port, KEEPALIVE_S, **more)


def _properties(lasting: bool, window: int, session_s: int) -> Properties:
    found = Properties(PacketTypes.CONNECT)
    found.ReceiveMaximum = window
    found.SessionExpiryInterval = session_s if lasting else 0
    return found


def broker(settings: Mapping[str, Any], where: str) -> Broker:
    """The broker of a door's settings.

    Raises DataError for an address that is none, one with a password in it, a variable or a file that is missing.
    """
    host, port, secure = address(str(settings["url"]), where)
    names = [str(settings.get(name, "")) for name in ("user_variable", "password_variable")]
    for name in filter(None, names):
        if name not in os.environ:
            fix = "set it where the server starts, or take it out of the section"
            raise DataError(where, seen=f"no environment variable {name}", wanted="the credential in it", fix=fix)
    files = [str(settings.get(name, "")) for name in ("ca", "certificate", "key")]
    for path in filter(None, files):
        if not Path(path).is_file():
            raise DataError(where, seen=f"no file {path}", wanted="a certificate or key in PEM", fix="look at its name")
    if any(files) and not secure:
        raise DataError(where, seen="certificates, and mqtt://", wanted="mqtts://", fix="write mqtts:// in its url")
    version = int(settings.get("version", 5))
    if version not in (3, 5):
        raise DataError(where, seen=f"version = {version}", wanted="5, or 3 for MQTT 3.1.1", fix="write one of them")
    user, password = (os.environ.get(name, "") if name else "" for name in names)
    ca, certificate, key = files
    return Broker(host, port, secure, user, password, ca, certificate, key, version)


def address(url: str, where: str) -> tuple[str, int, bool]:
    """Host, port, and whether the connection is encrypted. Raises DataError.

    >>> address("mqtts://broker.home", "door")
    ('broker.home', 8883, True)
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.username or parts.password:
        fix = "put them into environment variables and name these as user_variable and password_variable"
        raise DataError(where, seen="a url with a user or a password in it", wanted="mqtt://host:port", fix=fix)
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        fix = "name the broker's host, and topics in the mapping"
        raise DataError(where, seen="a url that is no broker's", wanted="mqtt://host:port or mqtts://host", fix=fix)
    return parts.hostname, port or PORTS[parts.scheme], parts.scheme == "mqtts"
