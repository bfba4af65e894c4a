"""What is wrong with a twin, in a sentence for the board."""

from __future__ import annotations

from caretwin.base.time import from_microseconds
from caretwin.twin.living.course import MINUTE
from caretwin.twin.living.twin import Alive
from caretwin.twin.living.ward import LivingWard

TOLD_MIN = 24 * 60
"""min for which it is told that a twin was begun anew, or went back: until it has learnt the person again (assumed)."""


def trouble(ward: LivingWard, subject: str) -> str:
    """What is wrong with a subject's twin, "" for nothing. Raises KeyError for one that the ward does not have."""
    failure = ward.failure(subject)
    if failure is not None:
        return f"the twin is not up to date: {failure.reason}; tried {failure.tries} x, and tried again"
    alive = ward.subjects()[subject]
    return "" if alive is None else _of_numbers(alive, ward.restarted(subject))


def _of_numbers(alive: Alive, restarted: int | None) -> str:
    """Of numbers that were not finite; the gravest first."""
    left_out, begun = int(alive.state.left_out), int(alive.state.begun)
    if left_out:
        return f"the last {left_out} min of data would have made the twin no number: left out"
    if begun >= 0 and alive.minute - begun < TOLD_MIN:
        return f"the twin became no number and was begun anew at {_clock(begun)}: what it knew of before is lost"
    if restarted is not None and alive.minute - restarted < TOLD_MIN:
        return f"the twin became no number at {_clock(restarted)} and was made again from a checkpoint"
    return ""


def _clock(minute: int) -> str:
    return f"{from_microseconds(minute * MINUTE):%H:%M} UTC"
