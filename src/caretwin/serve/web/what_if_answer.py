"""Futures of a twin under other settings, for the browser: bands of each reading, paired differences, limits."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caretwin.base.errors import DataError
from caretwin.decide.bedside_change import ITEMS, checked
from caretwin.decide.bedside_now import at_living_bedside, doubts
from caretwin.decide.haemodynamics_candidates import GIVEN
from caretwin.decide.what_if import BANDS, Tried, WhatIf, what_if
from caretwin.review.bedside_words import READINGS
from caretwin.serve.ward_loop import WardLoop
from caretwin.serve.web.views.what_if import Control, Futures, LimitChance, PlanFuture, ReadingBand
from caretwin.twin.kept_forecasts import FORECAST_FROM_H, HOUR
from caretwin.twin.living.course import minute_of
from caretwin.twin.living.ward import AHEAD_MIN

VENTILATOR = ("peep", "fio2", "rate", "tidal_volume", "pressure")
DRAWN = (
    "mean_arterial_pressure_mmHg", "heart_rate_per_min", "cardiac_output_L_per_min", "central_venous_pressure_mmHg",
    "oxygen_saturation_percent", "arterial_oxygen_pressure_mmHg", "arterial_carbon_dioxide_pressure_mmHg",
    "arterial_ph", "plateau_pressure_cmH2O", "driving_pressure_cmH2O", "mechanical_power_J_per_min",
    "intrinsic_peep_cmH2O",
)  # fmt: skip
_ONE_AT_A_TIME = threading.Lock()
"""Two what-ifs at once would each take twice as long: a compiled program uses a core, and the ward needs one too."""


def futures(loop: WardLoop, subject: str, changes: Sequence[Mapping[str, float]], now: int) -> Futures:
    """What plans would bring to a living twin, which is not touched.

    changes  by name, in the units of :data:`caretwin.decide.bedside_change.ITEMS`; now  clock (us)
    Raises DataError for a subject without a living twin, DomainError for what cannot be set.
    """
    ward = loop.ward
    fork = ward.fork(subject) if ward is not None and subject in ward.subjects() else None
    if ward is None or fork is None or fork.settings is None:
        raise DataError(
            "what-if",
            seen="nobody's twin lives here, or it has not taken in a row yet",
            wanted="a twin that lives",
            fix="look at the person's page: it says what the twin waits for",
        )
    minute = minute_of(now)
    course = ward.course(subject).record(minute - round(FORECAST_FROM_H * 60), minute + AHEAD_MIN)
    bedside = at_living_bedside(loop.twin, fork, course, max(now / HOUR, float(fork.ensemble.t)))
    with _ONE_AT_A_TIME:
        answer = what_if(bedside, changes)
    return Futures(
        now=now,
        minutes=list(answer.minutes),
        levels=list(BANDS),
        controls=controls(bedside.settings),
        plans=[_plan(answer, one) for one in answer.tried],
        doubts=doubts(bedside),
    )


def controls(settings: Any) -> list[Control]:
    """What can be tried on this person, with what is set now and the range that can be asked."""
    ventilated = round(float(settings.mode)) > 0
    pressure = round(float(settings.mode)) == 2
    left_out = {"tidal_volume"} if pressure else {"pressure"}
    names = [name for name in VENTILATOR if ventilated and name not in left_out] + list(GIVEN)
    return [_control(name, settings) for name in names]


def _control(name: str, settings: Any) -> Control:
    item = ITEMS[name]
    if name == "norepinephrine":
        now = float(settings.infusions.norepinephrine)
    else:
        now = 0.0 if name in GIVEN else float(getattr(settings, name))
    scale, unit = (1000.0, "mL") if item.unit == "L" else (1.0, item.unit)
    return Control(
        name=name, label=item.label, unit=unit, scale=scale, low=item.low, high=item.high, now=now,
        group="ventilator" if name in VENTILATOR else "drug" if name == "norepinephrine" else "fluid",
    )  # fmt: skip


def _plan(answer: WhatIf, one: Tried) -> PlanFuture:
    places = [answer.names.index(name) for name in DRAWN]
    return PlanFuture(
        change=dict(one.change),
        words=one.words,
        refused=list(one.refused),
        readings=[_reading(answer.names[place], one, place) for place in places],
        limits=[
            LimitChance(name=name, label=answer.limits[name], chance=chance, hard=name in answer.hard)
            for name, chance in one.chances.items()
        ],
    )


def _reading(name: str, one: Tried, place: int) -> ReadingBand:
    label, unit, digits = READINGS[name]
    return ReadingBand(
        name=name,
        label=label,
        unit=unit,
        digits=digits,
        bands=_rounded(one.bands[:, place], digits),
        difference=_rounded(one.difference[:, place], digits),
    )


def _rounded(values: np.ndarray, digits: int) -> list[list[float]]:
    """Two digits more than are shown: nobody sees the difference, and the answer stays small."""
    found: list[list[float]] = np.round(values.astype(float), digits + 2).tolist()
    return found


def in_units(change: Mapping[str, float]) -> dict[str, float]:
    """A change with each value checked. Raises DomainError for a value that cannot be set."""
    return {name: checked(name, value) if name in ITEMS else value for name, value in change.items()}
