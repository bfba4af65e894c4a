"""The programs of a twin, compiled or loaded before anybody waits for them."""

from __future__ import annotations

import numpy as np

from caretwin.decide.bedside_now import at_living_bedside
from caretwin.decide.what_if import what_if
from caretwin.record.bedside import Quality
from caretwin.serve.doubt import HORIZON_H, TARGET
from caretwin.twin import kept_forecasts
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.kept_forecasts import HOUR
from caretwin.twin.living.course import MINUTE, Course
from caretwin.twin.living.roll import Found
from caretwin.twin.living.track import Value
from caretwin.twin.living.ward import LivingWard
from caretwin.twin.worth_measuring import widened


def warm(twin: BedsideTwin) -> None:
    """Let a twin of nobody live for two minutes and say what comes next."""
    ward, course = _of_nobody(twin)
    fork = ward.fork("nobody")
    if fork is not None:
        said = kept_forecasts.say(twin, fork, course.record(0, 3), HOUR)
        assert all(np.all(np.isfinite(one.quantiles)) for one in said)
        widened(twin, fork, 1.0, TARGET, HORIZON_H, [], [TARGET])


def warm_what_if(twin: BedsideTwin) -> None:
    """Try a change on a twin of nobody, so that the first who lets a slider go does not wait for a compiler."""
    ward, course = _of_nobody(twin)
    fork = ward.fork("nobody")
    if fork is not None:
        what_if(at_living_bedside(twin, fork, course.record(0, 3), 3.0 / 60.0), [{"norepinephrine": 0.1}])


def _of_nobody(twin: BedsideTwin) -> tuple[LivingWard, Course]:
    course = Course("nobody")
    for number, (channel, value) in enumerate((("heart_rate", 80.0), ("mean_arterial_pressure", 75.0))):
        for minute in (1, 2):
            course.put(Value(channel, minute * MINUTE, value, Quality.GOOD, 10 * number + minute))
    ward = LivingWard(twin)
    ward.roll.adopt(Found(course))
    ward.turn(3 * MINUTE)
    return ward, course
