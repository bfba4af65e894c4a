"""The ward at a glance, as numbers: who is here, what was heard last, what the twin expects, and how far it can be
trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from caretwin.decide.news2 import News2
from caretwin.record.bedside import Person
from caretwin.serve.doubt import Doubt
from caretwin.serve.forecasts import Forecasts
from caretwin.serve.places import NOWHERE, Place, place_of
from caretwin.serve.trouble import trouble
from caretwin.serve.warning_score import warning_score
from caretwin.twin.kept_forecasts import HOUR, LEVELS, Said
from caretwin.twin.living.course import Course, minute_of
from caretwin.twin.living.ward import LivingWard
from caretwin.twin.vital_forecasts import CHANNELS, HORIZONS_H

SHOWN_HORIZON = HORIZONS_H.index(1.0)
LOW, HIGH = 0.05, 0.95
SHOWN = (*CHANNELS, "systolic_pressure", "temperature")
"""Vital signs of the board."""
LEFT_SHOWN_US = 24 * HOUR
"""us for which who left is shown."""
SURPRISED = 3.0
"""Surprise (log10 of odds against) from which a datum is named: it lay where one in a thousand does."""


TREND_MIN = 4 * 60
"""min back that a trend is drawn, and with whose early warning score that of now is compared."""


class Vital(NamedTuple):
    """One vital sign: the last value and its minute; what the twin expects in an hour (5 %, median, 95 %)."""

    value: float
    minute: int
    ahead: tuple[float, float, float] | None
    ahead_at: int | None = None
    """Time of which that is expected (us)."""
    trend: tuple[tuple[int, float], ...] = ()
    """Minutes and values of the last hours."""


class BoardRow(NamedTuple):
    """One subject.

    heard      last minute up to now of which anything of the bedside is known, None for nothing
    twin       minute of the twin's last row
    replaying  whether the twin is going through its past again
    surprises  channels whose last datum the twin did not expect
    mode, fio2, norepinephrine  what is set, None where nothing was charted
    doubt      about its data: what they cost the last forecast, and how good they are now
    trouble    what is wrong with the twin itself, in a sentence, "" for nothing
    left       when the person was discharged or died (us), None for who is here; twin is None when the twin has ended
    place      where they lie; person  who it is, as far as a twin needs it
    warning    early warning score, and what it was TREND_MIN before; None where no vital sign is known
    """

    subject: str
    heard: int | None
    twin: int | None
    replaying: bool
    vitals: Mapping[str, Vital]
    surprises: tuple[str, ...]
    mode: float | None
    fio2: float | None
    norepinephrine: float | None
    doubt: Doubt | None = None
    trouble: str = ""
    left: int | None = None
    place: Place = NOWHERE
    person: Person | None = None
    warning: News2 | None = None
    warned: News2 | None = None


def board(ward: LivingWard, forecasts: Forecasts, now: int) -> tuple[BoardRow, ...]:
    """A row for every subject of a ward, those who left within the last day at the end. For the ward's own thread.

    now  clock (us)
    """
    here = [_row(ward, subject, forecasts, now) for subject in ward.subjects()]
    gone = [
        BoardRow(subject, one.heard, None, False, {}, (), None, None, None, left=one.left)
        for subject, one in ward.roll.ended.items()
        if now - one.left < LEFT_SHOWN_US
    ]
    return (*here, *gone)


def _row(ward: LivingWard, subject: str, forecasts: Forecasts, now: int) -> BoardRow:
    course, alive, minute = ward.course(subject), ward.subjects()[subject], minute_of(now)
    left = course.left()
    ahead = {one.channel: one for one in forecasts.said.get(subject, ()) if one.horizon == SHOWN_HORIZON}
    vitals = {
        name: _vital(course, name, known, ahead.get(name))
        for name in SHOWN
        if (known := course.latest(name, minute)) is not None and np.isfinite(known[1])
    }
    return BoardRow(
        subject,
        course.last_minute(minute),
        None if alive is None else alive.minute,
        ward.replays(subject),
        vitals,
        _surprises(ward, alive.info) if alive is not None and alive.info is not None else (),
        _set(course, "ventilator_mode", minute),
        _set(course, "fio2", minute),
        _set(course, "norepinephrine", minute),
        forecasts.doubts.get(subject),
        trouble(ward, subject) or forecasts.troubles.get(subject, ""),
        None if left is not None and left > now else left,
        place_of(course.stays()),
        course.person,
        warning_score(course, minute),
        warning_score(course, minute - TREND_MIN),
    )


def _vital(course: Course, name: str, known: tuple[int, float], said: Said | None) -> Vital:
    trend = tuple(course.points(name, known[0] - TREND_MIN, known[0]))
    ahead = None if said is None else _interval(said)
    return Vital(known[1], known[0], ahead, None if said is None else said.target, trend)


def _set(course: Course, name: str, minute: int) -> float | None:
    """What is set in a minute, None where nothing was charted, or it is no longer set."""
    found = course.latest(name, minute)
    return found[1] if found is not None and np.isfinite(found[1]) else None


def _surprises(ward: LivingWard, info: object) -> tuple[str, ...]:
    surprise = np.asarray(info.surprise)  # type: ignore[attr-defined]
    seen = np.asarray(info.seen)  # type: ignore[attr-defined]
    names = ward.twin.model.channel_names
    return tuple(names[i] for i in np.flatnonzero(seen & (surprise >= SURPRISED)))


def _interval(one: Said) -> tuple[float, float, float]:
    low, middle, high = (float(np.interp(level, LEVELS, one.quantiles)) for level in (LOW, 0.5, HIGH))
    return low, middle, high
