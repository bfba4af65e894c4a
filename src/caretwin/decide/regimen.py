"""What can be given: every practical combination of dose, interval, infusion time and loading dose."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from caretwin.base.units import convert
from caretwin.core.events import GivenDose


@dataclass(frozen=True)
class Regimen:
    """A way of giving a drug from now on; amounts in the drug's dose unit, times in h.

    duration   infusion time; 0 for a bolus or a tablet, equal to ``interval`` for a continuous infusion
    loading    one larger first dose, given now over ``loading_duration``; the maintenance starts one interval later
    start      time until the first dose: the next one is due an interval after the last that was given
    """

    dose: float
    interval: float
    duration: float
    loading: float | None = None
    loading_duration: float = 0.0
    start: float = 0.0

    @property
    def per_day(self) -> float:
        """Maintenance amount per 24 h (dose unit)."""
        return self.dose * 24.0 / self.interval

    def describe(self, unit: str) -> str:
        """In words, such as "1000 mg every 12 h over 1 h, after 2000 mg over 2 h"."""
        if self == NOTHING:
            return "nothing more given"
        if self.duration >= self.interval:
            text = f"{self.per_day:g} {unit} per day as a continuous infusion"
        else:
            over = f" over {self.duration:g} h" if self.duration > 0 else ""
            text = f"{self.dose:g} {unit} every {self.interval:g} h{over}"
        if self.loading is None:
            return text if self.start == 0 else f"{text}, first in {self.start:g} h"
        over = f" over {self.loading_duration:g} h" if self.loading_duration > 0 else ""
        return f"{text}, after {self.loading:g} {unit}{over}"

    def doses(self, now: float, horizon: float, target: int, amount: float | None = None) -> tuple[GivenDose, ...]:
        """Maintenance doses from ``now`` for ``horizon`` h; ``amount`` replaces the dose (1 for a unit response)."""
        size = self.dose if amount is None else amount
        # A continuous infusion follows its loading dose at once; other doses keep their interval.
        wait = self.loading_duration if self.duration >= self.interval else self.interval
        first = now + (self.start if self.loading is None else wait)
        count = max(0, round((now + horizon - first) / self.interval + 0.499999))
        return tuple(
            GivenDose(first + k * self.interval, size, self.duration, target, order=1 << 20) for k in range(count)
        )

    def all_doses(self, now: float, horizon: float, target: int) -> tuple[GivenDose, ...]:
        """The loading dose, when there is one, and the maintenance."""
        maintenance = self.doses(now, horizon, target)
        if self.loading is None:
            return maintenance
        return (GivenDose(now, self.loading, self.loading_duration, target, order=1 << 20), *maintenance)


NOTHING = Regimen(0.0, 24.0, 0.0)
"""No dose from now on: what happens then is no regimen's fault."""


def practical_regimens(
    drug: Any,
    weight: float | None,
    *,
    every_duration: bool = False,
    since_last: float | None = None,
    pause: float = 0.0,
) -> tuple[Regimen, ...]:
    """All regimens that the drug file calls practical.

    weight          kg, for loading doses per kg; without it they are left out
    every_duration  try every infusion time (targets that depend on the shape of the curve); else only the shortest
                    that the highest rate allows
    since_last      h since the last dose began: the next is given when it is due; None when nothing was given yet
    pause           h to wait longer than that, then without a loading dose
    """
    practical = drug.practical
    if practical is None:
        return ()
    doses = [convert(v, practical.doses.unit, drug.dose.unit, substance=drug.drug) for v in practical.doses.values]
    found = []
    for interval in practical.intervals.values:
        for dose in doses:
            for duration in _durations(practical, dose, interval, every_duration):
                start = pause + (0.0 if duration >= interval else due(interval, since_last))
                for loading, time in _loadings(drug, dose, weight, pause == 0):
                    found.append(Regimen(dose, interval, duration, loading, time, start if loading is None else 0.0))
    return tuple(_different(found))


def due(interval: float, since_last: float | None) -> float:
    """Time (h) until a dose is due, an interval after the last one; to the next quarter of an hour, as rounds are."""
    return 0.0 if since_last is None else max(0.0, math.ceil((interval - since_last) * 4 - 1e-6) / 4)


def _different(regimens: list[Regimen]) -> Iterator[Regimen]:
    """Each once: a continuous infusion of one daily amount is the same, however it is cut into bags."""
    seen = set()
    for r in sorted(regimens, key=lambda r: -r.interval):
        continuous = r.duration >= r.interval
        what = (round(r.per_day, 6), r.loading, r.start) if continuous else r
        if what not in seen:
            seen.add(what)
            yield r


def _durations(practical: Any, dose: float, interval: float, every: bool) -> Iterator[float]:
    allowed = [
        d
        for d in sorted(practical.durations.values)
        if d < interval and (practical.maximum_rate is None or d == 0 or dose / d <= practical.maximum_rate + 1e-9)
    ]
    yield from allowed if every else allowed[:1]
    if practical.continuous and every:
        yield interval


def _loadings(drug: Any, dose: float, weight: float | None, wanted: bool) -> Iterator[tuple[float | None, float]]:
    yield None, 0.0
    choices = drug.practical.loading
    if choices is None or not wanted:
        return
    step = _step(drug)
    amounts = [_amount(drug, value, choices.unit, weight) for value in choices.values]
    rounded = {round(amount / step) * step for amount in amounts if amount is not None}
    for amount in sorted(amount for amount in rounded if amount > dose + 1e-9):
        yield amount, _shortest(drug.practical, amount)


def _amount(drug: Any, value: float, unit: str, weight: float | None) -> float | None:
    if not unit.endswith("/kg"):
        return convert(value, unit, drug.dose.unit, substance=drug.drug)
    if weight is None:
        return None
    return convert(value * weight, unit.removesuffix("/kg"), drug.dose.unit, substance=drug.drug)


def _step(drug: Any) -> float:
    values = sorted(drug.practical.doses.values)
    steps = [b - a for a, b in pairwise(values)]
    step = min(steps) if steps else values[0]
    return convert(step, drug.practical.doses.unit, drug.dose.unit, substance=drug.drug)


def _shortest(practical: Any, amount: float) -> float:
    durations = sorted(practical.durations.values)
    rate = practical.maximum_rate
    fitting = [d for d in durations if rate is None or d == 0 or amount / d <= rate + 1e-9]
    return fitting[0] if fitting else amount / rate
