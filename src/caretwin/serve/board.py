"""The ward at a glance, as numbers: who is here, what was heard last, what the twin expects, and how far it can be
trusted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from caretwin.serve.doubt import Doubt
from caretwin.serve.trouble import trouble
from caretwin.twin.kept_forecasts import LEVELS, Said
from caretwin.twin.living_ward import LivingWard
from caretwin.twin.vital_forecasts import CHANNELS, HORIZONS_H

SHOWN_HORIZON = HORIZONS_H.index(1.0)
LOW, HIGH = 0.05, 0.95
SURPRISED = 3.0
"""Surprise (log10 of odds against) from which a datum is named: it lay where one in a thousand does."""


class Vital(NamedTuple):
    """One vital sign: the last value and its minute; what the twin expects in an hour (5 %, median, 95 %)."""

    value: float
    minute: int
    ahead: tuple[float, float, float] | None


class BoardRow(NamedTuple):
    """One subject.

    heard      last minute of which anything of the bedside is known, None for nothing; twin  minute of the twin's
               last row
    replaying  whether the twin is going through its past again
    surprises  channels whose last datum the twin did not expect
    mode, fio2, norepinephrine  what is set, None where nothing was charted
    doubt      about its data, as of the last forecast
    trouble    what is wrong with the twin itself, in a sentence, "" for nothing
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


def board(
    ward: LivingWard,
    said: Mapping[str, Sequence[Said]],
    doubts: Mapping[str, Doubt],
    troubles: Mapping[str, str] = MappingProxyType({}),
) -> tuple[BoardRow, ...]:
    """A row for every subject of a ward. For the ward's own thread.

    troubles  of the forecasts of subjects, in words
    """
    return tuple(
        _row(ward, subject, said.get(subject, ()), doubts.get(subject), troubles.get(subject, ""))
        for subject in ward.subjects()
    )


def _row(ward: LivingWard, subject: str, said: Sequence[Said], found: Doubt | None, unsaid: str) -> BoardRow:
    course, alive = ward.course(subject), ward.subjects()[subject]
    ahead = {one.channel: _interval(one) for one in said if one.horizon == SHOWN_HORIZON}
    vitals = {
        name: Vital(known[1], known[0], ahead.get(name))
        for name in CHANNELS
        if (known := course.latest(name)) is not None and np.isfinite(known[1])
    }
    surprises = _surprises(ward, alive.info) if alive is not None and alive.info is not None else ()
    held = {name: course.latest(name) for name in ("ventilator_mode", "fio2", "norepinephrine")}
    numbers = [None if found is None or not np.isfinite(found[1]) else found[1] for found in held.values()]
    seen = course.last_minute()
    return BoardRow(
        subject,
        seen,
        None if alive is None else alive.minute,
        ward.replays(subject),
        vitals,
        surprises,
        *numbers,
        found,
        trouble(ward, subject) or unsaid,
    )


def _surprises(ward: LivingWard, info: object) -> tuple[str, ...]:
    surprise = np.asarray(info.surprise)  # type: ignore[attr-defined]
    seen = np.asarray(info.seen)  # type: ignore[attr-defined]
    names = ward.twin.model.channel_names
    return tuple(names[i] for i in np.flatnonzero(seen & (surprise >= SURPRISED)))


def _interval(one: Said) -> tuple[float, float, float]:
    low, middle, high = (float(np.interp(level, LEVELS, one.quantiles)) for level in (LOW, 0.5, HIGH))
    return low, middle, high
