"""Real stays as the messages that systems would have sent: what, through which door, and when it became known.

All stays begin at one moment, so that a ward of them lives at once. Monitors speak HL7 v2, the laboratory and the
patient register FHIR, ventilators and pumps MQTT.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from caretwin.record.bedside import BedsideRecord, Person, Quality, Signal, channels
from caretwin.record.entry import Identifier, SubjectKind

SYSTEM = "urn:caretwin:replay"
"""System of the identifiers of a replay: nobody's hospital number."""
UNIT = "ICU"
"""Unit of a replay: nobody knows the beds of those who are in it, so they are numbered."""
HOUR_US = 3_600_000_000
LABORATORY = frozenset(
    {
        "arterial_oxygen_pressure", "arterial_carbon_dioxide_pressure", "arterial_ph", "arterial_saturation",
        "central_venous_saturation", "base_excess", "bicarbonate", "lactate", "haemoglobin", "albumin", "creatinine",
        "glucose",
    }
)  # fmt: skip
DEVICES = frozenset(
    {
        "plateau_pressure", "peak_pressure", "mean_airway_pressure", "total_peep", "minute_ventilation", "tidal_volume",
        "end_tidal_carbon_dioxide", "non_aerated_tissue_fraction", "urine_output",
    }
)  # fmt: skip
MONITORED = frozenset(
    {
        "heart_rate", "oxygen_saturation", "respiratory_rate", "systolic_pressure", "diastolic_pressure",
        "mean_arterial_pressure", "central_venous_pressure", "temperature",
    }
)  # fmt: skip
"""What a simulated monitor publishes by SDC."""
Way = Literal["hl7v2", "fhir", "mqtt", "sdc"]


class Sent(NamedTuple):
    """A value to send, in the unit of its channel; None: no longer set. effective  us of the replay's clock"""

    channel: str
    value: float | None
    effective: int


class Post(NamedTuple):
    """One message: when it becomes known (us of the replay's clock), how it travels, whose it is, and what it says.

    person  who it is, in the first message of a stay through FHIR; None in all others
    place   unit and bed, in a message that tells of the admission; None in all others
    kind    what the subject is
    """

    at: int
    way: Way
    who: Identifier
    values: tuple[Sent, ...]
    person: Person | None = None
    kind: SubjectKind = "patient"
    place: tuple[str, str] | None = None


def way_of(channel: str, *, by_sdc: bool = False) -> Way:
    """Through which door a channel comes; by_sdc  whether the bed has a monitor that speaks SDC."""
    if by_sdc and channel in MONITORED:
        return "sdc"
    if channel in LABORATORY:
        return "fhir"
    return "mqtt" if channel in DEVICES or channels()[channel].kind == "setting" else "hl7v2"


def plan(records: Mapping[str, BedsideRecord], start: int, hours: float, by_sdc: Collection[str] = ()) -> list[Post]:
    """Every message of these stays in order of the time at which it becomes known.

    records  by stay; hour 0 of each becomes ``start`` (us)
    hours    how long the replay lasts: what becomes known later is left out, what is from before hour 0 too
    by_sdc   stays whose monitor speaks SDC
    """
    found = [
        post
        for bed, (stay, record) in enumerate(records.items(), start=1)
        for post in _of_stay(stay, record, start, hours, stay in by_sdc, f"{bed:02d}")
    ]
    return sorted(found, key=lambda post: (post.at, post.place is None, post.who, post.way))


def _of_stay(stay: str, record: BedsideRecord, start: int, hours: float, by_sdc: bool, bed: str) -> Iterator[Post]:
    who = Identifier(SYSTEM, stay)
    yield Post(start, "hl7v2", who, (), place=(UNIT, bed))
    yield Post(start, "fhir", who, (), record.person)
    together: dict[tuple[int, Way], list[Sent]] = defaultdict(list)
    for part in (record.observations, record.settings):
        for channel, signal in part.items():
            for known, sent in _rows(channel, signal, start, hours):
                together[known, way_of(channel, by_sdc=by_sdc)].append(sent)
    for (known, way), values in together.items():
        yield Post(known, way, who, tuple(sorted(values, key=lambda one: (one.effective, one.channel))))


def _rows(channel: str, signal: Signal, start: int, hours: float) -> Iterator[tuple[int, Sent]]:
    """Rows of a signal within the replay, with the minute at which each becomes known."""
    setting = channels()[channel].kind == "setting"
    inside = (signal.received_h >= 0.0) & (signal.received_h <= hours) & (signal.time_h >= 0.0)
    usable = inside & (signal.quality != Quality.REFUSED) & (np.isfinite(signal.value) | setting)
    for row in np.flatnonzero(usable):
        value = float(signal.value[row])
        known = start + round(float(signal.received_h[row]) * 60) * (HOUR_US // 60)
        effective = start + round(float(signal.time_h[row]) * HOUR_US)
        yield max(known, effective), Sent(channel, None if np.isnan(value) else value, effective)


def busiest(records: Mapping[str, BedsideRecord], count: int, hours: float) -> Sequence[str]:
    """The stays of which most is charted in the first ``hours``."""

    def rows(record: BedsideRecord) -> int:
        signals = [*record.observations.values(), *record.settings.values()]
        return sum(int(np.sum((signal.time_h >= 0.0) & (signal.time_h <= hours))) for signal in signals)

    return sorted(records, key=lambda stay: -rows(records[stay]))[:count]
