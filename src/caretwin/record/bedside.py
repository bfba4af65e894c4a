"""What is known about one patient at the bedside: what was seen, set and given, and when it became known.

A signal is a column of one channel: when each value was true, when it became known, and what its reader thought of it.
Values that came in other units were converted by the reader; what it did not like travels along as findings, so
that nothing is dropped in silence. The channels, their units and their plausible ranges stand in bedside_channels.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from caretwin.record.finding import Finding

Sex = Literal["female", "male"]


class Quality(IntEnum):
    """What a reader thinks of a value: the filter uses what is not REFUSED."""

    GOOD = 0
    SUSPECT = 1  # plausible, but something about it is odd: its finding says what
    REFUSED = 2  # cannot be what its name says: kept for the eye, never used


@dataclass(frozen=True)
class Person:
    """Who the record is about, as far as models and fairness tables need it; None where it is not known.

    age_y [y], height_cm [cm], weight_kg [kg]; race and ethnicity as the source writes them
    """

    subject: str
    sex: Sex | None = None
    age_y: float | None = None
    height_cm: float | None = None
    weight_kg: float | None = None
    race: str | None = None
    ethnicity: str | None = None


@dataclass(frozen=True)
class Signal:
    """One channel over time, in the unit of its :class:`Channel`; rows are in order of ``time_h``.

    time_h      [n]  when it was true (h from the record's origin)
    received_h  [n]  when it became known (h); never before time_h
    value       [n]  in the channel's unit; a setting holds until the next row (NaN: no longer set)
    quality     [n]  :class:`Quality`
    """

    time_h: Float[np.ndarray, " n"]
    received_h: Float[np.ndarray, " n"]
    value: Float[np.ndarray, " n"]
    quality: Int[np.ndarray, " n"]

    @classmethod
    def of(
        cls,
        time_h: Float[np.ndarray, " n"],
        value: Float[np.ndarray, " n"],
        received_h: Float[np.ndarray, " n"] | None = None,
        quality: Int[np.ndarray, " n"] | None = None,
    ) -> Signal:
        """A signal of rows in any order; known when true, and good, unless said otherwise."""
        time = np.asarray(time_h, dtype=float)
        received = time if received_h is None else np.maximum(np.asarray(received_h, dtype=float), time)
        judged = np.zeros(len(time), dtype=int) if quality is None else np.asarray(quality, dtype=int)
        order = np.argsort(time, kind="stable")
        return cls(time[order], received[order], np.asarray(value, dtype=float)[order], judged[order])

    def __len__(self) -> int:
        return len(self.time_h)

    def select(self, rows: np.ndarray) -> Signal:
        """The rows of a mask or of an index."""
        return Signal(self.time_h[rows], self.received_h[rows], self.value[rows], self.quality[rows])

    def known_by(self, now_h: float) -> Signal:
        """What had been received by ``now_h`` (h), refused values left out."""
        return self.select((self.received_h <= now_h) & (self.quality != Quality.REFUSED))

    def held_at(self, times_h: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """The latest value at or before each time [m]; NaN before the first (for settings and infusions)."""
        good = self.select(self.quality != Quality.REFUSED)
        row = np.searchsorted(good.time_h, times_h, side="right") - 1
        if len(good) == 0:
            return np.full(np.shape(times_h), np.nan)
        return np.where(row >= 0, good.value[np.maximum(row, 0)], np.nan)


@dataclass(frozen=True)
class BedsideRecord:
    """Everything that is known about one stay.

    origin, zone  clock time of hour 0, when it is known; the zone (IANA) in which the ward reads its clocks
    observations  by channel name: what was seen (heart_rate, arterial_oxygen_pressure, ...)
    settings      by channel name: what was set or given, each value holding until the next (peep, norepinephrine, ...)
    findings      what the reader saw and did not like
    """

    person: Person
    observations: Mapping[str, Signal] = field(default_factory=dict)
    settings: Mapping[str, Signal] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    origin: datetime | None = None
    zone: str | None = None

    def as_of(self, now_h: float) -> BedsideRecord:
        """The record as it was known at ``now_h`` (h): no row received later, and nothing said of one."""

        def known(signals: Mapping[str, Signal]) -> dict[str, Signal]:
            return {name: signal.known_by(now_h) for name, signal in signals.items()}

        findings = tuple(then for finding in self.findings if (then := finding.known_by(now_h)) is not None)
        return replace(self, observations=known(self.observations), settings=known(self.settings), findings=findings)

    def last_h(self) -> float:
        """Time of the last row of any signal that can be used (h); 0 for a record without one."""
        return max((float(one.time_h[-1]) for one in self._usable()), default=0.0)

    def last_known_h(self) -> float:
        """When the last row that can be used became known (h); 0 for a record without one."""
        return max((float(one.received_h.max()) for one in self._usable()), default=0.0)

    def _usable(self) -> list[Signal]:
        signals = (*self.observations.values(), *self.settings.values())
        return [good for one in signals if len(good := one.select(one.quality != Quality.REFUSED))]


@dataclass(frozen=True)
class Channel:
    """A channel of a bedside record: its unit (UCUM), LOINC code, and the range outside of which it is an artefact."""

    name: str
    unit: str
    low: float
    high: float
    kind: Literal["observation", "setting"]
    loinc: str | None = None
    note: str = ""


@cache
def channels() -> Mapping[str, Channel]:
    """Every channel by name, from bedside_channels.toml."""
    table = tomllib.loads((files("caretwin.record") / "bedside_channels.toml").read_text(encoding="utf-8"))
    kinds: tuple[tuple[Literal["observation", "setting"], str], ...]
    kinds = (("observation", "observations"), ("setting", "settings"))
    return {
        name: Channel(name=name, kind=kind, **entry)
        for kind, section in kinds
        for name, entry in table[section].items()
    }
