"""Any course of doses from the response to a single one: levels of a linear drug add up, and start later with the dose.

    bolus of D at s                level(t) = D g(t - s)
    D over d hours from s          level(t) = D / d [G(t - s) - G(t - s - d)]

with g the response to a bolus of 1 and G the response to an infusion of 1 per hour that never ends, both at age 0
before. Gibaldi & Perrier, Pharmacokinetics, 2nd ed. 1982, app. E (superposition).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from caretwin.core.events import GivenDose

_SAME_AGE = 9  # decimals of an hour: ages that differ by rounding only are one


class Terms(NamedTuple):
    """level(t[row]) = sum of factor x response(age) over the terms of that row; all [K].

    times  number of rows
    """

    row: np.ndarray
    age: np.ndarray
    factor: np.ndarray
    times: int


def superposition(doses: Sequence[GivenDose], times: np.ndarray, instant: bool = False) -> tuple[Terms, Terms]:
    """The terms over bolus responses, and those over the response to an endless infusion.

    times    [T] h, in the clock of the doses
    instant  every dose counts as a bolus: the model itself gives it a duration

    Example: ``superposition([GivenDose(0.0, 10.0, 2.0, 0)], np.array([3.0]))`` has 5 G(3) - 5 G(1).
    """
    start = np.asarray([d.time for d in doses])
    amount = np.asarray([d.amount for d in doses])
    duration = np.asarray([0.0 if instant else d.duration for d in doses])
    pushed = duration == 0
    rate = amount / np.where(pushed, 1.0, duration)
    first = _terms(times, start[pushed], amount[pushed])
    begun = _terms(times, start[~pushed], rate[~pushed])
    ended = _terms(times, (start + duration)[~pushed], -rate[~pushed])
    both = (np.concatenate(pair) for pair in zip(begun[:3], ended[:3], strict=True))
    return first, Terms(*both, len(times))


def _terms(times: np.ndarray, start: np.ndarray, factor: np.ndarray) -> Terms:
    """At the very moment of a dose nothing of it is in the body yet: a trough is a trough."""
    age = np.round(times[:, None] - start, _SAME_AGE)
    row, column = np.nonzero(age > 0)
    return Terms(row, age[row, column], factor[column], len(times))
