"""When the curve of a regimen is looked at: early, in the first days or interval, and late, at the horizon's end."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from caretwin.decide.regimen import Regimen

GRID = 24  # points of one dosing interval at which levels are compared with a threshold


@dataclass(frozen=True)
class Moments:
    """Times (h after now) at which one schedule is read.

    area    (start, stop) of the windows for AUC24: the first day, the second day, the last whole intervals
    peak, trough   end of infusion and end of interval, for the first and the last interval
    early, late    grids [GRID] of the first and of the last interval; empty when nobody asks for the curve's shape
    wait           grid [GRID // 2] of the time before the first dose, if there is such a time
    """

    area: tuple[tuple[float, float], ...]
    peak: tuple[float, float]
    trough: tuple[float, float]
    early: np.ndarray
    late: np.ndarray
    wait: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @cached_property
    def times(self) -> np.ndarray:
        """All of them, sorted and distinct."""
        edges = [t for window in self.area for t in window]
        return np.unique(np.concatenate([edges, self.peak, self.trough, self.early, self.late, self.wait]))

    @cached_property
    def area_columns(self) -> tuple[tuple[int, int], ...]:
        """Where the edges of each window lie in ``times``."""
        return tuple((int(a), int(b)) for a, b in np.searchsorted(self.times, np.asarray(self.area) - 1e-9))


def moments(regimen: Regimen, horizon: float, shape: bool = True) -> Moments:
    """When to read a regimen over a horizon (h); without its ``shape``, only areas, peaks and troughs."""
    interval = regimen.interval
    start = regimen.start
    last = start + max(1, math.floor((horizon - start + 1e-9) / interval)) * interval  # end of the last whole interval
    whole = interval * math.ceil(24.0 / interval - 1e-9)
    begin = last - interval
    duration = regimen.duration if 0 < regimen.duration < interval else min(1e-3, interval)
    first_duration = duration if regimen.loading is None else max(regimen.loading_duration, 1e-3)
    inside = (np.arange(GRID if shape else 0) + 0.5) / GRID * interval
    return Moments(
        area=((0.0, 24.0), (24.0, 48.0), (max(last - whole, 0.0), last)),
        peak=(start + first_duration, begin + duration),
        trough=(start + interval, last),
        early=start + inside,
        late=begin + inside,
        wait=(np.arange(GRID // 2 if shape and start > 0 else 0) + 0.5) / (GRID // 2) * start,
    )
