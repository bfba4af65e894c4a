"""The course of one treatment on draws of one model: levels, effects and areas at the moments when it is looked at."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from caretwin.decide.moments import Moments


@dataclass(frozen=True, eq=False)
class Curves:
    """One course of treatment on N draws of one model, in canonical units; times are h after now.

    level, effect  [N, T]  expected level (dose unit/L) and effect (NaN without one) at ``times``
    area           [N, T]  area under the level from now to each time (dose unit h/L)
    read           what was already read from these curves, by the name of the question
    """

    moments: Moments
    times: np.ndarray
    level: np.ndarray
    effect: np.ndarray
    area: np.ndarray
    read: dict[Any, np.ndarray] = field(default_factory=dict)

    def at(self, values: np.ndarray, times: Any) -> np.ndarray:
        """Columns of ``values`` [N, T] at some of ``times``."""
        return values[:, np.searchsorted(self.times, np.atleast_1d(times) - 1e-9)]

    def auc24(self, window: int) -> np.ndarray:
        """Mean area per 24 h [N] within a window of the moments: 0 the first day, 1 the second, 2 the last interval."""
        (start, stop), (first, last) = self.moments.area[window], self.moments.area_columns[window]
        return (self.area[:, last] - self.area[:, first]) * (24.0 / (stop - start))

    def narrowed(self, look: Moments) -> "Curves":
        """The same curves at the times of one schedule only."""
        columns = np.searchsorted(self.times, look.times - 1e-9)
        return Curves(look, look.times, self.level[:, columns], self.effect[:, columns], self.area[:, columns])


@dataclass(frozen=True, eq=False)
class Course:
    """One regimen as a sum of curves, each times a number: (1, what is in the body), (dose, unit response), ...

    What is linear in the level can be read from each part once and added up; :meth:`whole` adds the curves themselves.
    """

    parts: tuple[tuple[float, Curves], ...]

    @property
    def moments(self) -> Moments:
        """When the regimen is looked at."""
        return self.parts[0][1].moments

    def whole(self) -> Curves:
        """The curves of the regimen."""
        first = self.parts[0][1]
        if len(self.parts) == 1:
            return first
        level = sum((c * part.level for c, part in self.parts[1:]), self.parts[0][0] * first.level)
        area = sum((c * part.area for c, part in self.parts[1:]), self.parts[0][0] * first.area)
        return Curves(first.moments, first.times, level, first.effect, area)
