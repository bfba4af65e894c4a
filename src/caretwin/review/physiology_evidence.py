"""The coupled physiology model held against measured figures: what a table of the evidence holds.

Every figure comes from a scenario, run by the same code as ``caretwin simulate``; targets carry their source. What
other programs give for the same question stands beside ours where it was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from caretwin.record.bedside import Person
from caretwin.record.scenario import Change, Scenario
from caretwin.twin.scenario import Course, run

STANDARD = Person("typical", "male", 44.0, 180.2, 75.3)
"""The man of the ventilated reference states: 44 y, 75.3 kg actual and predicted."""
AWAKE: Mapping[str, float] = {"ventilator_mode": 0.0, "fio2": 0.21}


@dataclass(frozen=True)
class Line:
    """One figure: ours, the measured range (None: open, or no range), and what peers give.

    what, unit, source   in words; peers   by name
    """

    what: str
    ours: float
    unit: str
    low: float | None = None
    high: float | None = None
    source: str = ""
    peers: Mapping[str, float] = field(default_factory=dict)

    @property
    def inside(self) -> bool | None:
        """Whether ours lies within the range; None without a range."""
        if self.low is None and self.high is None:
            return None
        above = self.low is None or self.ours >= self.low
        return above and (self.high is None or self.ours <= self.high)


@dataclass(frozen=True)
class Section:
    """Lines that belong together, and what to know when reading them."""

    name: str
    title: str
    lines: tuple[Line, ...]
    note: str = ""
    curves: Mapping[str, Sequence[Sequence[float]]] = field(default_factory=dict)

    @property
    def inside(self) -> tuple[int, int]:
        """How many lines lie within their range, of how many that have one."""
        judged = [line.inside for line in self.lines if line.inside is not None]
        return sum(judged), len(judged)


def course(
    condition: str,
    severity: float,
    start: Mapping[str, float],
    changes: Sequence[Change] = (),
    *,
    minutes: float = 1.0,
    every: float = 1.0,
    personal: Mapping[str, float] | None = None,
    draws: int = 0,
    person: Person = STANDARD,
) -> Course:
    """The course of a scenario; settings in the units of the scenario record."""
    return run(
        Scenario(
            title=condition,
            person=person,
            condition=condition,
            severity=severity,
            start=start,
            changes=tuple(changes),
            duration_min=minutes,
            every_min=every,
            personal=personal or {},
        ),
        draws,
    )


def ventilated(
    tidal_volume: float, rate: float, peep: float, fio2: float, ratio: float = 0.5, mode: float = 1.0
) -> dict[str, float]:
    """Settings of a passive patient: L, /min, cmH2O, fraction, I:E as one number."""
    return {
        "ventilator_mode": mode,
        "tidal_volume": tidal_volume,
        "rate": rate,
        "peep": peep,
        "fio2": fio2,
        "inspiratory_fraction": ratio / (1.0 + ratio),
        "relaxed": 1.0,
    }


def at(found: Course, column: str, minute: float) -> float:
    """The typical patient's value at a time (min), between two rows the line between them."""
    return float(np.interp(minute, found.minutes, found.of(column)[0]))


def change(found: Course, column: str, before: float, after: float) -> Float[np.ndarray, " N"]:
    """Relative change in percent of every draw between two of the rows' times."""
    values = found.of(column)
    i, j = (int(np.argmin(np.abs(found.minutes - t))) for t in (before, after))
    return 100.0 * (values[:, j] / values[:, i] - 1.0)


def difference(found: Course, column: str, before: float, after: float) -> Float[np.ndarray, " N"]:
    """Difference of every draw between two of the rows' times."""
    values = found.of(column)
    i, j = (int(np.argmin(np.abs(found.minutes - t))) for t in (before, after))
    return values[:, j] - values[:, i]
