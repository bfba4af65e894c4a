"""Which personal parameters moved further than such parameters do: a drift alarm for each.

A parameter is expected to wander at its stated rate. From what the twin believed some hours ago follows what it should
believe now, and how far the data since then may shift it: under the model, the shift over the square root of the
variance that the data took away is standard normal. A larger one means that this patient, or what is charted of them,
is no longer what the twin thought.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from caretwin.twin.bedside_twin import Living
from caretwin.twin.registry import family

LEAST_LEARNT = 0.05
"""Of its variance: a parameter of which the data since then say less has no shift worth a judgement (assumed)."""
NOT_OF_THE_PATIENT = frozenset({"oxygen_aim", "carbon_dioxide_aim"})
"""What staff aim for is no property of the person."""


class Drift(NamedTuple):
    """How one parameter moved.

    name, unit     of :data:`PERSONAL`; hours  h between the two beliefs
    before, now    medians in the unit; low, high  5 and 95 % of the present belief
    size           standard deviations by which it moved beyond what was expected; positive: up
    """

    name: str
    unit: str
    hours: float
    before: float
    now: float
    low: float
    high: float
    size: float


def drifts(model: Any, before: Living, now: Living) -> tuple[Drift, ...]:
    """Every personal parameter of which something was learnt between two beliefs of one twin, the furthest first.

    Example: ``drifts(twin.model, six_hours_ago, present)[0].name``.
    """
    hours = float(now.ensemble.t) - float(before.ensemble.t)
    if hours <= 0.0:
        return ()
    personal = family("physiology").personal
    expected, scattered = _expected(before, hours, np.asarray(model.memory_days))
    located = _places(now)
    shift = located.mean(axis=0) - expected
    learnt = scattered - located.var(axis=0)
    heard = learnt > LEAST_LEARNT * scattered
    size = np.where(heard, shift / np.sqrt(np.where(heard, learnt, 1.0)), 0.0)
    was, present = _values(before), _values(now)
    found = [
        Drift(p.name, p.unit, hours, float(np.median(was[p.name])), *_summary(present[p.name]), float(size[i]))
        for i, p in enumerate(personal)
        if heard[i] and p.name not in NOT_OF_THE_PATIENT
    ]
    return tuple(sorted(found, key=lambda drift: -abs(drift.size)))


def _wandering() -> tuple[list[int], np.ndarray, np.ndarray]:
    """Parameters that wander: their places, standard deviations and hours."""
    personal = family("physiology").personal
    where = [i for i, p in enumerate(personal) if p.wander > 0]
    return where, np.array([personal[i].wander for i in where]), np.array([personal[i].wander_hours for i in where])


def _places(living: Living, kept: Any = 1.0, kept_wander: Any = 1.0) -> Float[np.ndarray, "N d"]:
    """Where each particle stands on the parameters' own scales, without what flutters.

    kept, kept_wander  [d], [K] shares of either part that are not forgotten
    """
    spread = np.array([p.spread for p in family("physiology").personal])
    where, wander, _ = _wandering()
    place = np.asarray(living.ensemble.theta, dtype=float) * spread * kept
    place[:, where] += np.asarray(living.ensemble.x.wander, dtype=float) * wander * kept_wander
    return place


def _expected(
    living: Living, hours: float, memory_days: np.ndarray
) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]:
    """Mean and variance of the places after so many hours without data: both parts of a parameter forget."""
    spread = np.array([p.spread for p in family("physiology").personal])
    where, wander, wander_hours = _wandering()
    kept, kept_wander = np.exp(-hours / (24.0 * memory_days)), np.exp(-hours / wander_hours)
    variance = spread**2 * (1.0 - kept**2)
    variance[where] += wander**2 * (1.0 - kept_wander**2)
    place = _places(living, kept, kept_wander)
    return place.mean(axis=0), place.var(axis=0) + variance


def _values(living: Living) -> dict[str, np.ndarray]:
    """Every parameter of every particle in its unit."""
    ensemble = living.ensemble
    return dict(family("physiology").values_of(ensemble.theta, ensemble.x, living.body))


def _summary(values: np.ndarray) -> tuple[float, float, float]:
    """Median, 5 and 95 %."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(middle), float(low), float(high)
