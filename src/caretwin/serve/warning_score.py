"""The early warning score of somebody at a minute, from what their course has: only what is recent enough counts."""

from __future__ import annotations

import numpy as np

from caretwin.decide.news2 import News2, news2
from caretwin.twin.living.course import Course

VITALS = ("respiratory_rate", "oxygen_saturation", "systolic_pressure", "heart_rate")
VITAL_COUNTS_MIN = 4 * 60
"""min for which a vital sign counts (assumed: charts of a ward have them every 4 to 6 h, of intensive care hourly)."""
SELDOM_COUNTS_MIN = 12 * 60
"""min for which temperature and consciousness count (assumed: charted twice a day, at least)."""
AIR = 0.21
ALERT_COMA_SCORE, SURELY_NOT_ALERT = 15, 12
"""Glasgow coma scores: all of it; and below what eyes or words answer only to being spoken to. Between them somebody
may be confused as always, which is no point of the score, or newly, which is three."""


def warning_score(course: Course, minute: int) -> News2 | None:
    """NEWS2 of a course at a minute; None where none of its vital signs is known.

    Scale 1 of the saturation: the second has to be prescribed, and no door tells that yet.
    """
    values = {name: known for name in VITALS if (known := _recent(course, name, minute, VITAL_COUNTS_MIN)) is not None}
    if not values:
        return None
    temperature = _recent(course, "temperature", minute, SELDOM_COUNTS_MIN)
    if temperature is not None:
        values["temperature"] = temperature
    return news2(values, oxygen=_on_oxygen(course, minute), alert=_alert(course, minute))


def _recent(course: Course, name: str, minute: int, within: int) -> float | None:
    found = course.latest(name, minute)
    if found is None or minute - found[0] > within or not np.isfinite(found[1]):
        return None
    return found[1]


def _held(course: Course, name: str, minute: int) -> float | None:
    found = course.latest(name, minute)
    return found[1] if found is not None and np.isfinite(found[1]) else None


def _on_oxygen(course: Course, minute: int) -> bool | None:
    fraction, flow = _held(course, "fio2", minute), _held(course, "oxygen_flow", minute)
    if (fraction is not None and fraction > AIR) or (flow is not None and flow > 0.0):
        return True
    return False if fraction is not None or flow is not None else None


def _alert(course: Course, minute: int) -> bool | None:
    """By whichever of coma and sedation scale was charted last."""
    said = [
        (found[0], name, found[1])
        for name in ("glasgow_coma_scale", "sedation_score")
        if (found := course.latest(name, minute)) is not None and minute - found[0] <= SELDOM_COUNTS_MIN
    ]
    if not said:
        return None
    _, name, value = max(said)
    if name == "sedation_score":
        return False if value < 0 else None
    if value >= ALERT_COMA_SCORE:
        return True
    return False if value <= SURELY_NOT_ALERT else None
