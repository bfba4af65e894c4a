"""Devices that announce themselves by Home Assistant's MQTT discovery: a mapping that nobody has to write."""

from __future__ import annotations

from typing import Any

from caretwin.ingest.decoded import CodedValue, Decoded, Refusal, RefusedError
from caretwin.ingest.doors.mqtt.home_config import Entity, entities, word_of
from caretwin.ingest.doors.mqtt.home_rooms import Rooms
from caretwin.ingest.doors.mqtt.media import Arrival
from caretwin.ingest.doors.mqtt.payload import MISSING, Json, Reading, at, reading, refused
from caretwin.ingest.doors.mqtt.rules import RETAINED, arrived
from caretwin.ingest.doors.mqtt.times import instant

MOST_ENTITIES = 20_000
"""Of one broker (assumed): whoever may publish announcements must not fill the memory."""


class HomeAssistant:
    """What has been announced so far, and what its messages say.

    prefix  of announcements, usually ``"homeassistant"``; rooms  whom devices are about
    time    JSON pointer of a time within states, "" for none (zigbee2mqtt can send ``last_seen``)

    not_understood  why announced entities are not read, by name
    """

    def __init__(self, prefix: str, rooms: Rooms, time: str = "") -> None:
        self.prefix, self.rooms, self.time = prefix.strip("/"), rooms, time
        self.not_understood: dict[str, str] = {}
        self._of_config: dict[str, list[Entity]] = {}
        self._names: dict[str, list[str]] = {}
        self._states: dict[str, list[Entity]] = {}
        self._presence: dict[str, list[Entity]] = {}

    @property
    def announcements(self) -> tuple[str, ...]:
        """Topics on which devices announce themselves."""
        return (f"{self.prefix}/+/+/config", f"{self.prefix}/+/+/+/config")

    @property
    def topics(self) -> set[str]:
        """Topics of everything that is announced."""
        return self._states.keys() | self._presence.keys()

    @property
    def entities(self) -> list[Entity]:
        """Everything that is read."""
        return [entity for many in self._of_config.values() for entity in many]

    def announces(self, topic: str) -> bool:
        """Whether a topic is one of announcements."""
        levels = topic.removeprefix(self.prefix + "/").split("/")
        return topic.startswith(self.prefix + "/") and levels[-1] == "config" and len(levels) in (3, 4)

    def learn(self, topic: str, config: Json) -> Decoded:
        """Take an announcement in, in place of an earlier one of that topic; an empty one takes it back."""
        _, component, *node, _ = [self.prefix, *topic.removeprefix(self.prefix + "/").split("/")]
        self._of_config.pop(topic, None)
        for name in self._names.pop(topic, ()):
            self.not_understood.pop(name, None)
        said, found, names = [], list[Entity](), list[str]()
        for name, entity in entities(component, "/".join(node), config, self.rooms) if config != "" else ():
            if len(self._of_config) + len(self.not_understood) + len(found) >= MOST_ENTITIES:
                said.append(f"announced, not read: more than {MOST_ENTITIES} entities")
            elif isinstance(entity, Entity):
                found.append(entity)
                said.append(f"announced: {entity.code.code}")
            else:
                names.append(name)
                self.not_understood[name] = entity
                said.append(f"announced, not read: {entity}")
        if found:
            self._of_config[topic] = found
        if names:
            self._names[topic] = names
        self._index()
        return Decoded((), ignored=tuple(said) or ("an announcement taken back",))

    def read(self, topic: str, content: Json, arrival: Arrival) -> Decoded | None:
        """What a message on an announced topic says; None for a topic that nobody announced."""
        speaks, presence = self._states.get(topic, ()), self._presence.get(topic, ())
        if not speaks and not presence:
            return None
        effective = self._when(content, arrival)
        if effective is None:
            return Decoded((), ignored=(RETAINED,))
        parts = [part for entity in presence for part in _gone(entity, topic, content, effective)]
        problems = list[Refusal]()
        for entity in speaks:
            try:
                parts += _state(entity, content, effective)
            except RefusedError as error:
                problems.append(error.refusal)
        if problems and not parts:
            raise RefusedError(problems[0])
        return Decoded(tuple(parts), tuple(problems), ignored=() if parts else ("no value, or a device that is there",))

    def _when(self, content: Json, arrival: Arrival) -> int | None:
        own = at(content, self.time) if self.time else MISSING
        if own is MISSING or own is None:
            return arrived(arrival)
        return instant(own, "ms", "", self.time, arrival.received)

    def _index(self) -> None:
        states, presence = dict[str, list[Entity]](), dict[str, list[Entity]]()
        for entity in self.entities:
            states.setdefault(entity.topic, []).append(entity)
            for topic in {one.topic for one in entity.availability}:
                presence.setdefault(topic, []).append(entity)
        self._states, self._presence = states, presence


def _state(entity: Entity, content: Json, effective: int) -> list[CodedValue]:
    found = at(content, entity.path)
    if found is MISSING:
        return []
    said = _on_or_off(entity, found) if entity.words else reading(found, {}, entity.path or "the payload")
    return [_coded(entity, said, said.unit or entity.unit, effective)]


def _on_or_off(entity: Entity, found: Any) -> Reading:
    word = word_of(found)
    if word in entity.words:
        return Reading(entity.words[word])
    said = reading(found, {}, entity.path or "the payload")
    if said.absent:
        return said
    seen = "a word that is neither payload_on nor payload_off"
    raise refused(entity.path or "the payload", seen, " or ".join(entity.words), "look at the device's announcement")


def _gone(entity: Entity, topic: str, content: Json, effective: int) -> list[CodedValue]:
    """A device that says that it is not there: its value is absent from then on, whatever it was."""
    for one in entity.availability:
        if one.topic == topic and word_of(at(content, one.path)) == one.offline:
            return [_coded(entity, Reading(None, absent="temp-unknown", text="device not available"), "", effective)]
    return []


def _coded(entity: Entity, said: Reading, unit: str, effective: int) -> CodedValue:
    note = said.note() or None
    device = entity.device
    place = entity.path or "the payload"
    return CodedValue(
        entity.subject, (entity.code,), effective, said.value, unit, device=device, note=note, place=place
    )
