"""Rates of one thing from several orders: a step for every change, summed while more than one bag runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from caretwin.record.bedside import Quality, Signal


class Step(NamedTuple):
    """From ``time_h`` on, the order runs at ``rate`` (0: stopped), until its next step."""

    order: str
    time_h: float
    rate: float
    quality: int = int(Quality.GOOD)


def summed(steps: Iterable[Step], not_running_before_h: float | None = None) -> Signal:
    """The sum of all orders as a signal, one row for each time at which one of them changed.

    steps                 in any order; of two steps of one order at one time the later in the list counts
    not_running_before_h  a time (h) from which the record is complete: when the first step is later, a row of 0
                          stands there, because what is charted to start then did not run before

    A row is as good as the worst order that runs.

    >>> two = [Step("a", 0.0, 5.0), Step("b", 1.0, 5.0), Step("a", 1.0, 0.0), Step("b", 3.0, 0.0)]
    >>> summed(two).time_h.tolist(), summed(two).value.tolist()
    ([0.0, 1.0, 3.0], [5.0, 5.0, 0.0])
    """
    times: list[float] = []
    rates: list[float] = []
    qualities: list[int] = []
    running: dict[str, Step] = {}
    for step in sorted(steps, key=lambda s: s.time_h):
        running[step.order] = step
        if not times or step.time_h > times[-1]:
            times.append(step.time_h)
            rates.append(0.0)
            qualities.append(0)
        active = [s for s in running.values() if s.rate != 0]
        rates[-1] = sum(s.rate for s in active)
        qualities[-1] = max((s.quality for s in active), default=int(Quality.GOOD))
    if times and not_running_before_h is not None and times[0] > not_running_before_h:
        times, rates, qualities = [not_running_before_h, *times], [0.0, *rates], [0, *qualities]
    return Signal.of(np.array(times), np.array(rates), quality=np.array(qualities, dtype=int))
