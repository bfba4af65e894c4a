"""Real stays played through the real doors: what :mod:`caretwin.serve.replay_plan` planned is sent when its time has
come.

Every way has a task of its own, so that a slow one keeps no other waiting; a message is sent again until it is
acknowledged.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from caretwin.base.time import from_microseconds
from caretwin.ingest.decoded import LOINC, Code
from caretwin.ingest.doors.fhir import sender as fhir_sender
from caretwin.ingest.doors.hl7v2 import sender as hl7v2_sender
from caretwin.ingest.doors.mqtt import sender as mqtt_sender
from caretwin.ingest.doors.sdc.provider import SimulatedMonitor
from caretwin.record.bedside import Person
from caretwin.record.entry import KIND_LETTERS
from caretwin.record.vocabulary import vocabulary
from caretwin.serve.clock import Replayed
from caretwin.serve.replay_plan import SYSTEM, Post, Sent, Way

CHARTED_S = 3600.0
"""s between two values of a chart of intensive care: hourly (assumed; see also the vocabulary's intervals)."""
TOPIC = "replay/{kind}/{subject}/devices"
DAYS_PER_YEAR = 365.2425


class Targets(NamedTuple):
    """Where the doors are: MLLP host and port, the base of the FHIR server and its token, the URL of the broker; and
    the
    simulated monitors, by stay, to which doors have connected.
    """

    mllp: tuple[str, int]
    fhir: str
    token: str
    mqtt: str
    monitors: Mapping[str, SimulatedMonitor] = {}


@dataclass
class Played:
    """How far a replay is: messages sent by way, values in them, the last trouble in words."""

    total: int
    sent: Counter[str] = field(default_factory=Counter)
    values: int = 0
    trouble: str = ""

    @property
    def over(self) -> bool:
        """Whether all was sent."""
        return sum(self.sent.values()) >= self.total


async def play(posts: Sequence[Post], clock: Replayed, targets: Targets, played: Played) -> None:
    """Send every post when the clock shows its time; ends when all are sent."""
    ways: dict[Way, list[Post]] = {"hl7v2": [], "fhir": [], "mqtt": [], "sdc": []}
    for post in posts:
        ways[post.way].append(post)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_by_mllp(ways["hl7v2"], clock, targets, played))
        tasks.create_task(_by_fhir(ways["fhir"], clock, targets, played))
        tasks.create_task(_by_mqtt(ways["mqtt"], clock, targets, played))
        tasks.create_task(_by_sdc(ways["sdc"], clock, targets, played))


async def _by_mllp(posts: Sequence[Post], clock: Replayed, targets: Targets, played: Played) -> None:
    async with hl7v2_sender.MllpSender(*targets.mllp) as sender:
        for number, post in enumerate(posts):
            await _wait(post, clock)
            if post.place is not None:
                told = await sender.send(
                    hl7v2_sender.admission(post.who, f"A{number}", post.at, post.place, visit=f"V{post.who.value}")
                )
                _told(told, played)
                _count(played, post)
                continue
            values = [
                hl7v2_sender.Measured(*_code(one.channel), one.value, vocabulary()[one.channel].unit, one.effective)
                for one in post.values
            ]
            order = f"{post.who.value}-{post.at}"
            told = await sender.send(hl7v2_sender.oru(post.who, values, f"R{number}", post.at, order=order))
            _told(told, played)
            _count(played, post)


def _told(told: hl7v2_sender.Told, played: Played) -> None:
    if not told.kept:
        played.trouble = f"HL7 v2: {told.code} {told.text}"


async def _by_fhir(posts: Sequence[Post], clock: Replayed, targets: Targets, played: Played) -> None:
    async with fhir_sender.Sender(targets.fhir, targets.token) as sender:
        for post in posts:
            await _wait(post, clock)
            resources = [] if post.person is None else _register(post, post.person)
            reference = f"Patient/{post.who.value}"
            resources += [_observation(post, one, reference) for one in post.values]
            answer = await sender.post(fhir_sender.bundle(resources))
            if answer.status >= 300:
                played.trouble = f"FHIR: status {answer.status}"
            _count(played, post)


async def _by_mqtt(posts: Sequence[Post], clock: Replayed, targets: Targets, played: Played) -> None:
    if not posts:
        return
    sender = await asyncio.to_thread(mqtt_sender.MqttSender, targets.mqtt)
    with sender:
        for post in posts:
            await _wait(post, clock)
            for effective in sorted({one.effective for one in post.values}):
                said = {one.channel: one.value for one in post.values if one.effective == effective}
                payload = {"at": fhir_sender.iso(effective), **said}
                sender.send(TOPIC.format(kind=post.kind, subject=post.who.value), payload)
            _count(played, post)


async def _by_sdc(posts: Sequence[Post], clock: Replayed, targets: Targets, played: Played) -> None:
    for post in posts:
        await _wait(post, clock)
        monitor = targets.monitors[post.who.value]
        for effective in sorted({one.effective for one in post.values}):
            shown = {one.channel: one.value for one in post.values if one.effective == effective}
            await asyncio.to_thread(monitor.publish, shown, effective)
        _count(played, post)


def monitors(stays: Sequence[str]) -> dict[str, SimulatedMonitor]:
    """A simulated monitor for each of these stays, not yet switched on."""
    return {
        stay: SimulatedMonitor(
            f"urn:uuid:00000000-0000-4000-8000-{number:012d}", {"fac": "replay", "bed": str(number)}, period_s=CHARTED_S
        )
        for number, stay in enumerate(stays, start=1)
    }


def topics() -> str:
    """The mapping file by which the MQTT door understands the replay's devices."""
    values = [f'    {{ at = "{name}", code = "{name}", unit = "{term.unit}" }},' for name, term in vocabulary().items()]
    lines: list[str] = []
    for kind in KIND_LETTERS:
        lines += [
            "[[topic]]",
            f'pattern = "{TOPIC.format(kind=kind, subject="{subject}")}"',
            f'subject = {{ system = "{SYSTEM}", value = "{{subject}}", kind = "{kind}" }}',
            'time = "at"',
            "value = [",
            *values,
            "]",
        ]
    return "\n".join(lines) + "\n"


async def _wait(post: Post, clock: Replayed) -> None:
    seconds = clock.seconds_until(post.at)
    if seconds > 0:
        await asyncio.sleep(seconds)


def _count(played: Played, post: Post) -> None:
    played.sent[post.way] += 1
    played.values += len(post.values)


def _code(channel: str) -> tuple[str, str, str]:
    """System, code and words of a channel: LOINC where it has one."""
    found = next((code for code in vocabulary()[channel].codes if code[0] == LOINC), None)
    system, code = found or ("caretwin", channel)
    return system, code, channel.replace("_", " ")


def _observation(post: Post, one: Sent, reference: str) -> dict[str, Any]:
    name = f"{post.who.value}-{one.channel.replace('_', '-')}-{one.effective // 1_000_000}"[:64]
    unit, code = vocabulary()[one.channel].unit, [Code(*_code(one.channel))]
    absent = "unknown" if one.value is None else ""
    return fhir_sender.observation(name, reference, code, one.effective, one.value, unit, issued=post.at, absent=absent)


def _register(post: Post, person: Person) -> list[dict[str, Any]]:
    """The Patient, and height and weight where they are known."""
    birth = None
    if person.age_y is not None:
        born = from_microseconds(post.at) - timedelta(days=person.age_y * DAYS_PER_YEAR)
        birth = f"{born:%Y-%m-%d}"
    who = fhir_sender.patient(post.who.value, [(SYSTEM, post.who.value)], person.sex, birth)
    known = (("height", person.height_cm), ("weight", person.weight_kg))
    sizes = [Sent(name, value, post.at) for name, value in known if value is not None]
    return [who, *(_observation(post, one, f"Patient/{post.who.value}") for one in sizes)]
