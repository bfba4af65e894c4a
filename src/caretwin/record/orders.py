"""Infusions of one drug by several orders at once: what runs is their sum, until each is ended by itself.

An order is the name under which a bag was hung (``note["order"]`` of a rate). A rate without one, as a pump tells it,
is of all that runs of the drug: it holds until an order is told later, and its end leaves what the orders say. So a
pump and a chart that tell the same bag are not counted twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from caretwin.record.bedside import Quality, Signal, channels

UNNAMED = ""
DOSES = frozenset({"insulin_bolus", "insulin_subcutaneous_rapid", "insulin_subcutaneous_long"})
"""Settings that do not hold: a dose at its time is nobody's rate."""


@cache
def added() -> frozenset[str]:
    """Settings that orders may share: rates that add up, and whether something runs, which any of them makes true."""
    return frozenset(name for name, one in channels().items() if one.kind == "setting") - DOSES


class Told(NamedTuple):
    """The last rate of an order: from when it holds (any one unit), and what it is; NaN: it has ended."""

    since: float
    rate: float


def counting(told: Mapping[str, Told]) -> list[str]:
    """The orders, of those with a rate told, whose rates count: the named ones, or the unnamed where it was told last.

    >>> counting({"a": Told(1, 0.1), "b": Told(2, 0.2)}), counting({"a": Told(1, 0.1), "": Told(2, 0.1)})
    (['a', 'b'], [''])
    """
    named = [order for order in told if order != UNNAMED]
    whole = told.get(UNNAMED)
    if whole is None or not named:
        return [*told]
    over = math.isnan(whole.rate) or whole.since <= max(told[order].since for order in named)
    return named if over else [UNNAMED]


def together(channel: str, told: Mapping[str, Told]) -> float:
    """What runs by several orders, of what runs by each; NaN where none runs. The order of telling is no matter.

    >>> together("norepinephrine", {"a": Told(1, 0.1), "b": Told(2, 0.2), "c": Told(2, float("nan"))})
    0.30000000000000004
    >>> together("neuromuscular_block", {"a": Told(1, 1.0), "b": Told(2, 1.0)})
    1.0
    """
    running = [told[order].rate for order in counting(told) if not math.isnan(told[order].rate)]
    if not running:
        return math.nan
    return max(running) if channels()[channel].unit == "1" else math.fsum(running)


class _Rate(NamedTuple):
    """A rate of one order: from when it holds, since when that is known, and what its reader thought of it."""

    time: float
    known: float
    value: float
    quality: int


def combined(
    channel: str,
    time: Float[np.ndarray, " n"],
    received: Float[np.ndarray, " n"],
    value: Float[np.ndarray, " n"],
    quality: Int[np.ndarray, " n"],
    orders: Sequence[str],
) -> Signal:
    """A channel whose rows [n] are of several orders, as one signal; times and receipts in any one unit.

    The sum at a time is told once for each state of knowledge: with what was received by then, and again where a rate
    of before came late. So :meth:`Signal.known_by` sees at any time what was known then. Refused rows stay as they are.
    """
    if channel not in added() or len(set(orders)) < 2:
        return Signal.of(time, value, received, quality)
    used = quality != Quality.REFUSED
    known = np.maximum(received, time)
    held: dict[str, list[_Rate]] = {}
    found: list[_Rate] = []
    # an end (NaN) after a rate of its time, and the better of two that are told alike
    place = np.flatnonzero(used)[np.lexsort((-quality[used], value[used], time[used]))]
    for at, same in groupby(place, key=lambda row: float(time[row])):
        for row in same:
            _put(held, orders[row], _Rate(at, float(known[row]), float(value[row]), int(quality[row])))
        found += _sums(channel, held, at)
    found += [_Rate(float(time[i]), float(known[i]), float(value[i]), int(quality[i])) for i in np.flatnonzero(~used)]
    columns = np.array(found, dtype=float).reshape(-1, len(_Rate._fields)).T
    return Signal.of(columns[0], columns[2], columns[1], columns[3].astype(int))


def _put(held: dict[str, list[_Rate]], order: str, rate: _Rate) -> None:
    """The rates of an order that may count from now on, in order of time: those that became known later than this."""
    earlier = [one for one in held.get(order, []) if one.known < rate.known]
    while len(earlier) > 1 and earlier[1].known <= rate.time:
        earlier.pop(0)
    held[order] = [*earlier, rate]


def _sums(channel: str, held: dict[str, list[_Rate]], at: float) -> Iterable[_Rate]:
    """What runs at a time, for each state of knowledge from then on."""
    for heard in sorted({max(one.known, at) for rates in held.values() for one in rates}):
        last = {order: known[-1] for order, rates in held.items() if (known := [r for r in rates if r.known <= heard])}
        if last:
            told = {order: Told(one.time, one.value) for order, one in last.items()}
            counted = [last[order] for order in counting(told)]
            running = [one for one in counted if not math.isnan(one.value)] or counted
            yield _Rate(at, heard, together(channel, told), max(one.quality for one in running))
