"""A discovery message of Home Assistant's MQTT integration: what entities it announces, and why one cannot be read.

Source: Home Assistant documentation, "MQTT: MQTT discovery" (single component and device discovery, abbreviations,
base topic "~"), "MQTT sensor", "MQTT binary sensor". Templates are programs; only the form that fetches a field is
read: ``{{ value_json.temperature }}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from caretwin.ingest.decoded import Code
from caretwin.ingest.doors.mqtt.home_classes import (
    ABBREVIATIONS,
    BINARY,
    DEVICE_ABBREVIATIONS,
    METERS,
    SENSORS,
    SPELLINGS,
)
from caretwin.ingest.doors.mqtt.home_rooms import Home, Rooms
from caretwin.ingest.doors.mqtt.payload import clean
from caretwin.record.entry import SubjectRef

LOCAL = "local:homeassistant"
_FIELD = r"(?:\.[A-Za-z_]\w*|\[\s*'[^'\\]+'\s*\]|\[\s*\"[^\"\\]+\"\s*\]|\[\s*\d{1,6}\s*\])"
_TEMPLATE = re.compile(rf"\s*\{{\{{-?\s*(value|value_json({_FIELD}+))\s*-?\}}\}}\s*", re.ASCII)
_STEP = re.compile(r"\.(\w+)|\[\s*['\"]?([^'\"\]]+?)['\"]?\s*\]", re.ASCII)


class NotUnderstoodError(Exception):
    """Raised for an entity that cannot be read, with the reason."""


class Availability(NamedTuple):
    """Where a device says whether it is there, at which place of the message, and by which words."""

    topic: str
    path: str
    online: str
    offline: str


@dataclass(frozen=True)
class Entity:
    """A sensor that a discovery message announced.

    path   JSON pointer of the value; "" for the payload itself
    unit   UCUM; words  of a binary sensor, in small letters, empty for others
    """

    subject: SubjectRef
    device: str
    topic: str
    path: str
    code: Code
    unit: str
    words: Mapping[str, float]
    availability: tuple[Availability, ...]


def entities(component: str, node: str, config: Any, rooms: Rooms) -> Iterator[tuple[str, Entity | str]]:
    """What a configuration announces: (its name, the entity, or the sentence why it is not read).

    component  the first level of the topic below the prefix, such as ``"sensor"`` or ``"device"``
    node       the rest of the topic: the name of a configuration that has no unique id
    """
    if not isinstance(config, dict):
        yield node, "its configuration is no JSON object"
        return
    whole = _long(config)
    parts = whole.get("components") if component == "device" else {"": {"platform": component}}
    if not isinstance(parts, dict):
        yield node, "a device without components"
        return
    shared = {name: value for name, value in whole.items() if name != "components"}
    for key, part in parts.items():
        one = {**shared, **(_long(part) if isinstance(part, dict) else {})}
        name = clean(str(one.get("unique_id") or f"{node} {key}".strip()))
        try:
            yield name, _entity(str(one.get("platform", "")), name, one, rooms)
        except NotUnderstoodError as reason:
            yield name, str(reason)


def _long(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with its names written out and its base topic put in."""
    found = {ABBREVIATIONS.get(name, name): value for name, value in config.items()}
    base = found.pop("~", "")
    if isinstance(base, str) and base:
        found = {name: _based(value, base) if name.endswith("topic") else value for name, value in found.items()}
        if isinstance(found.get("availability"), list):
            found["availability"] = [
                {name: _based(value, base) for name, value in one.items()} if isinstance(one, dict) else one
                for one in found["availability"]
            ]
    if isinstance(found.get("device"), dict):
        found["device"] = {DEVICE_ABBREVIATIONS.get(name, name): value for name, value in found["device"].items()}
    return found


def _based(value: Any, base: str) -> Any:
    if not isinstance(value, str):
        return value
    value = base + value[1:] if value.startswith("~") else value
    return value[:-1] + base if value.endswith("~") else value


def _entity(component: str, name: str, one: Mapping[str, Any], rooms: Rooms) -> Entity:
    if component not in ("sensor", "binary_sensor"):
        raise NotUnderstoodError(f"component {clean(component, 40) or '?'}: only sensors are read")
    device = one["device"] if isinstance(one.get("device"), dict) else {}
    home = rooms.home(_names(name, device), _text(device, "suggested_area"))
    if home is None:
        raise NotUnderstoodError("whose it is, or in which room, is told neither by the file of rooms nor by an area")
    topic, path = _topic(one, "state_topic"), _path(one.get("value_template"))
    code, unit = (_binary if component == "binary_sensor" else _sensor)(one, home)
    words = _words(one) if component == "binary_sensor" else {}
    return Entity(home.subject, name, topic, path, code, unit, words, _availability(one))


def _names(name: str, device: Mapping[str, Any]) -> list[str]:
    """By what the file of rooms may call an entity: its unique id, its device's identifiers, its device's name."""
    ids = device.get("identifiers", [])
    ids = ids if isinstance(ids, list) else [ids]
    return [name, *(str(one) for one in ids if isinstance(one, str | int)), _text(device, "name")]


def _text(table: Mapping[str, Any], name: str) -> str:
    found = table.get(name)
    return clean(found) if isinstance(found, str) else ""


def _topic(one: Mapping[str, Any], name: str) -> str:
    topic = one.get(name)
    if not isinstance(topic, str) or not topic or any(sign in topic for sign in "+#\x00") or not topic.isprintable():
        raise NotUnderstoodError(f"no usable {name}")
    return topic


def _path(template: Any) -> str:
    """The JSON pointer of a template that fetches a field."""
    if template is None:
        return ""
    found = _TEMPLATE.fullmatch(template) if isinstance(template, str) else None
    if found is None:
        raise NotUnderstoodError("a template that does more than fetch a field: {{ value_json.name }} is read")
    steps = [step[1] or step[2] for step in _STEP.finditer(found[2] or "")]
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def _sensor(one: Mapping[str, Any], home: Home) -> tuple[Code, str]:
    kind, unit = _text(one, "device_class"), _text(one, "unit_of_measurement")
    known = SENSORS.get(kind)
    if known is not None and unit not in known.units:
        wanted = ", ".join(known.units)
        raise NotUnderstoodError(f"{kind} in {unit or 'no unit'}: it comes in {wanted}; mend the integration")
    read = known.units[unit] if known is not None else SPELLINGS.get(unit, unit)
    if kind in home.channels:
        return Code("caretwin", home.channels[kind]), read
    meter = kind not in METERS or one.get("state_class") != "measurement"
    if known is not None and home.subject.kind == "place" and meter:
        return Code("caretwin", known.channel), read
    return Code(LOCAL, f"sensor.{kind or 'without_class'}"), read  # of a person: a room's channel would be a guess


def _binary(one: Mapping[str, Any], home: Home) -> tuple[Code, str]:
    kind = _text(one, "device_class")
    if kind in home.channels:
        return Code("caretwin", home.channels[kind]), ""
    if kind in BINARY and home.subject.kind == "place":
        return Code("caretwin", BINARY[kind]), ""
    return Code(LOCAL, f"binary_sensor.{kind or 'without_class'}"), ""


def _words(one: Mapping[str, Any]) -> Mapping[str, float]:
    words = {word_of(one.get("payload_off", "OFF")): 0.0, word_of(one.get("payload_on", "ON")): 1.0}
    if len(words) < 2:
        raise NotUnderstoodError("payload_on and payload_off are the same")
    return words


def word_of(value: Any) -> str:
    """A payload as a word, whichever way it is written.

    >>> word_of(True), word_of("True"), word_of(1), word_of("ON")
    ('true', 'true', '1', 'on')
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean(str(value)).casefold() if isinstance(value, str | int | float) else ""


def _availability(one: Mapping[str, Any]) -> tuple[Availability, ...]:
    given = one.get("availability", [])
    listed = [_long(each) for each in (given if isinstance(given, list) else [given]) if isinstance(each, dict)]
    if "availability_topic" in one:
        listed.append({**one, "topic": one["availability_topic"], "value_template": one.get("availability_template")})
    found = []
    for each in listed:
        online, offline = each.get("payload_available", "online"), each.get("payload_not_available", "offline")
        path = _path(each.get("value_template"))
        found.append(Availability(_topic(each, "topic"), path, word_of(online), word_of(offline)))
    return tuple(found)
