"""How far a forecast can be trusted for its data: their quality, how much they widened it, and what would help most."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from caretwin.record import quality
from caretwin.record.quality import SubjectQuality
from caretwin.record.reading import Reading
from caretwin.twin.bedside_twin import BedsideTwin, Living
from caretwin.twin.kept_forecasts import HOUR
from caretwin.twin.living.course import MINUTE, Course, minute_of
from caretwin.twin.staff import HELD, Care
from caretwin.twin.vital_forecasts import CHANNELS
from caretwin.twin.worth_measuring import widened

HELPS = 0.02
"""Share by which one measurement has to narrow a forecast to be named (assumed: less is no reason to go to a bedside).
"""
TARGET, HORIZON_H = "mean_arterial_pressure", 1.0
"""The forecast that is asked: the pressure of an hour ahead, on which most decisions of a bedside wait."""
LOOK_BACK = 3 * quality.WINDOW_US
"""us: how far back a person's own rhythm of data is learnt."""


class Doubt(NamedTuple):
    """What there is to say of a subject's data at a forecast.

    score  of their quality in [0, 1]; reason  the gravest in words, "" for none
    wider  how much wider the forecast is than with all stale channels measured now (1: no wider)
    helps  the measurement that would narrow it most, "" where none would by much; narrower  by which share
    """

    score: float
    reason: str
    wider: float
    helps: str
    narrower: float

    def of(self, judged: SubjectQuality) -> Doubt:
        """The same forecast, with data that are judged anew."""
        return self._replace(score=judged.score, reason=judged.reasons[0] if judged.reasons else "")


def judged(reading: Reading, subject: str, now: int) -> SubjectQuality:
    """The quality of a subject's data now (us)."""
    return quality.judge(subject, reading.series(subject, start=now - LOOK_BACK), now, expected=CHANNELS)


def doubt(judged: SubjectQuality, twin: BedsideTwin, fork: Living, now: int, care: Care = HELD) -> Doubt:
    """The doubts about a subject's data now (us); fork  of its twin."""
    names = set(twin.model.channel_names)
    stale = [one.channel for one in judged.channels if one.stale(now) and one.channel in names]
    candidates = sorted({*stale, *CHANNELS} & names)
    found = widened(twin, fork, now / HOUR, TARGET, HORIZON_H, stale, candidates, care)
    best = found.worth[0] if found.worth and found.worth[0].narrower >= HELPS else None
    nothing = Doubt(1.0, "", found.by, best.channel if best else "", best.narrower if best else 0.0)
    return nothing.of(judged)


def outdated(judged: SubjectQuality, at: int, course: Course, now: int) -> bool:
    """Whether what was judged ``at`` (us) is not true any more: what was missing came, or what came stays away.

    It asks the course only, in memory, and is quick.
    """
    seen = course.channels_seen()
    for one in judged.channels:
        heard = seen.get(one.channel)
        known = minute_of(one.last) if one.last is not None else None
        missing = one.last is None or one.stale(at)
        if missing and heard is not None and (known is None or heard > known):
            return True
        times = [one.last, None if heard is None else heard * MINUTE]
        last = max([time for time in times if time is not None], default=None)
        if not missing and replace(one, last=last).stale(now):
            return True
    return False
