"""A care home that does not exist: residents and rooms whose sensors and notes can be sent through the real doors.

Everything here is made up, from plain daily rhythms, so that doors, record and views can be tried without anybody's
data. It is no model of a resident and says nothing about care: every number is assumed, for demonstration only.
Identifiers begin with ``synthetic-``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from caretwin.record.bedside import Person
from caretwin.record.entry import Identifier
from caretwin.serve.replay_plan import SYSTEM, Post, Sent, Way

MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
BED_EVERY_MIN, ROOM_EVERY_MIN, STEPS_EVERY_MIN = 5, 15, 30
"""min between messages of a bed sensor, of a room sensor and of a wearable (assumed)."""
DRINKS_AT_H = (7.5, 10.0, 12.5, 15.0, 17.5, 20.0)
"""h of the day at which fluids are offered and noted (assumed)."""
ROUND_AT_H = (8.0, 19.0)
"""h of the day at which vital signs are taken by hand (assumed)."""
LATE_NOTE_MIN = 90
"""min by which a note is written down late at most (assumed)."""


class _Resident(NamedTuple):
    """What makes one resident's days differ from another's (all drawn once)."""

    number: int
    to_bed_h: float
    up_h: float
    steps_per_hour: float
    drink_ml: float
    pulse: float
    up_at_night: float
    person: Person


def plan_home(residents: int, start: int, hours: float, seed: int) -> list[Post]:
    """Every message of a home of so many residents, one in each room, in order of time.

    start  us, midnight of a day or any other time; seed  of everything that is drawn
    """
    luck = np.random.default_rng(seed)
    found: list[Post] = []
    for number in range(1, residents + 1):
        one = _drawn(number, luck)
        found += [*_registered(one, start), *_bed(one, start, hours, luck), *_wearable(one, start, hours, luck)]
        found += [*_notes(one, start, hours, luck), *_room(number, start, hours, luck)]
    return sorted(found, key=lambda post: (post.at, post.who, post.way))


def _drawn(number: int, luck: np.random.Generator) -> _Resident:
    sex = "female" if luck.random() < 0.7 else "male"
    age, weight = float(luck.uniform(74, 98)), float(np.round(luck.normal(64, 12), 1))
    person = Person(f"synthetic-resident-{number}", sex, age, None, weight)  # type: ignore[arg-type]
    return _Resident(
        number, float(luck.normal(21.5, 0.8)), float(luck.normal(7.0, 0.7)), float(luck.gamma(2.0, 40.0)),
        float(luck.normal(160, 30)), float(luck.normal(68, 8)), float(luck.gamma(2.0, 0.6)), person,
    )  # fmt: skip


def _post(at: int, way: Way, name: str, *values: Sent, kind: str = "resident", person: Person | None = None) -> Post:
    return Post(at, way, Identifier(SYSTEM, name), values, person, kind)  # type: ignore[arg-type]


def _registered(one: _Resident, start: int) -> Iterator[Post]:
    yield _post(start, "fhir", one.person.subject, person=one.person)


def _asleep(one: _Resident, hour: float) -> bool:
    return hour >= one.to_bed_h or hour < one.up_h


def _times(start: int, hours: float, every_min: int) -> Iterator[tuple[int, float]]:
    """Times (us) and hours of the day."""
    for minute in range(0, round(hours * 60), every_min):
        at = start + minute * MINUTE_US
        yield at, at / HOUR_US % 24.0


def _bed(one: _Resident, start: int, hours: float, luck: np.random.Generator) -> Iterator[Post]:
    """A bed sensor: occupied or not, and a pulse while somebody lies still."""
    for at, hour in _times(start, hours, BED_EVERY_MIN):
        away = luck.random() < one.up_at_night * BED_EVERY_MIN / 60.0 * 0.2
        occupied = _asleep(one, hour) and not away
        values = [Sent("bed_occupied", float(occupied), at)]
        if occupied:
            values.append(Sent("pulse_rate", float(np.round(luck.normal(one.pulse - 6, 2))), at))
        yield _post(at, "mqtt", one.person.subject, *values)


def _wearable(one: _Resident, start: int, hours: float, luck: np.random.Generator) -> Iterator[Post]:
    """Steps since the wearer's midnight."""
    steps = 0.0
    for at, hour in _times(start, hours, STEPS_EVERY_MIN):
        if hour < STEPS_EVERY_MIN / 60.0:
            steps = 0.0
        if not _asleep(one, hour):
            steps += float(luck.poisson(one.steps_per_hour * STEPS_EVERY_MIN / 60.0))
        yield _post(at, "mqtt", one.person.subject, Sent("steps", steps, at))


def _notes(one: _Resident, start: int, hours: float, luck: np.random.Generator) -> Iterator[Post]:
    """Care notes: what was drunk, and vital signs by hand; written down late, and now and then not at all."""
    for day in range(-1, int(hours // 24) + 2):
        midnight = start - start % (24 * HOUR_US) + day * 24 * HOUR_US
        for hour in DRINKS_AT_H:
            drunk = max(float(np.round(luck.normal(one.drink_ml, 40), -1)), 0.0)
            yield from _note(one, midnight, hour, start, hours, luck, ("fluid_intake", drunk))
        for hour in ROUND_AT_H:
            signs = (
                ("heart_rate", float(np.round(luck.normal(one.pulse, 5)))),
                ("respiratory_rate", float(np.round(luck.normal(17, 1.5)))),
                ("oxygen_saturation", float(min(np.round(luck.normal(96, 1.2)), 100.0))),
                ("temperature", float(np.round(luck.normal(36.5, 0.25), 1))),
                ("systolic_pressure", float(np.round(luck.normal(132, 12)))),
                ("diastolic_pressure", float(np.round(luck.normal(72, 8)))),
            )
            yield from _note(one, midnight, hour, start, hours, luck, *signs)


def _note(
    one: _Resident,
    midnight: int,
    hour: float,
    start: int,
    hours: float,
    luck: np.random.Generator,
    *values: tuple[str, float],
) -> Iterator[Post]:
    at = midnight + round((hour + float(luck.normal(0, 0.3))) * HOUR_US)
    written = at + round(float(luck.uniform(0, LATE_NOTE_MIN))) * MINUTE_US
    forgotten = luck.random() < 0.08
    if start <= at and written <= start + hours * HOUR_US and not forgotten:
        yield _post(written, "fhir", one.person.subject, *(Sent(name, value, at) for name, value in values))


def _room(number: int, start: int, hours: float, luck: np.random.Generator) -> Iterator[Post]:
    """A room sensor: temperature, humidity and carbon dioxide."""
    temperature = float(luck.normal(21.5, 1.0))
    for at, hour in _times(start, hours, ROOM_EVERY_MIN):
        carbon_dioxide = 650 + 350 * (hour < 7 or hour > 21) + float(luck.normal(0, 40))
        values = (
            Sent("room_temperature", round(temperature + 0.8 * float(np.sin((hour - 9) / 24 * 2 * np.pi)), 1), at),
            Sent("room_humidity", float(np.round(luck.normal(45, 3))), at),
            Sent("room_carbon_dioxide", float(np.round(carbon_dioxide)), at),
        )
        yield _post(at, "mqtt", f"synthetic-room-{number}", *values, kind="place")
