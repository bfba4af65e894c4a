"""What can be seen of a channel's data quality: each check says which share is lost, and why, in plain words.

A loss is 0 where nothing is wrong and 1 where nothing can be used. Checks look at what had been received, never ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from caretwin.record.bedside import Quality

MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
STALE_AFTER = 3.0
"""Expected intervals without a value after which a channel is stale (assumed; one missed round of charting is none)."""
FEWEST_FOR_OWN = 8
"""Values from which spikes are looked for (assumed)."""
FEWEST_FOR_RHYTHM = 4
"""Times from which a person's own interval is taken instead of the usual one (assumed)."""
SLOW_RESULT_H = 3.0
"""h from sample to result above which a result is called late: 95 % of results came within 184 min in intensive care
data that we studied (median 70 min)."""
FLAT_RUN = {
    "heart_rate": 12,
    "systolic_pressure": 8,
    "diastolic_pressure": 8,
    "mean_arterial_pressure": 8,
    "pulse_rate": 12,
}
"""Equal values in a row from which a channel that always moves is called flat (assumed: a rate of whole numbers with a
standard deviation of 3 has 12 equal ones in a row once in 10^10)."""
SPIKE = 6.0
"""Robust standard deviations of the differences that a single value lies off both neighbours to be called a spike
(assumed)."""
DIGIT_SHARE, FEWEST_DIGITS = 0.6, 20
"""Share of values that end in 0 from which a channel is called rounded, of at least so many values: by chance it is
0.1.
"""
BULK = 6
"""Different times of one channel that were all received within one minute, and late: written down afterwards
(assumed).
"""


class Loss(NamedTuple):
    """What a check takes off: its name, the share lost in [0, 1], and the reason in words ("": nothing is lost)."""

    check: str
    share: float
    reason: str


class Rows(NamedTuple):
    """Observations of one channel [n] in order of effective time: us, us, in the channel's unit, Quality."""

    effective: Int[np.ndarray, " n"]
    received: Int[np.ndarray, " n"]
    value: Float[np.ndarray, " n"]
    quality: Int[np.ndarray, " n"]

    def good(self) -> Rows:
        """Rows that can be used."""
        return self.where((self.quality == Quality.GOOD) & np.isfinite(self.value))

    def where(self, which: Bool[np.ndarray, " n"]) -> Rows:
        """Some of the rows."""
        return Rows(*(column[which] for column in self))


def expected_interval(rows: Rows, usual_s: float | None) -> float | None:
    """s between values that can be expected of this subject: its own median, else what is usual; None: no expectation.

    Own intervals below a minute count as a minute: a monitor that skips seconds is no loss.
    """
    times = np.unique(rows.effective)
    if len(times) >= FEWEST_FOR_RHYTHM:
        return max(float(np.median(np.diff(times))) / 1e6, 60.0)
    return usual_s


def completeness(rows: Rows, start: int, now: int, interval_s: float | None) -> Loss:
    """Which share of the expected intervals since the channel began (or ``start``) has a value that can be used."""
    good = rows.good()
    if interval_s is None or not len(rows.effective):
        return Loss("completeness", 0.0, "")
    begin = max(start, int(rows.effective[0]))
    width = round(interval_s * 1e6)
    slots = (now - begin) // width
    if slots < 2:
        return Loss("completeness", 0.0, "")
    filled = np.unique((good.effective[good.effective >= begin] - begin) // width)
    missing = 1.0 - np.sum(filled < slots) / slots
    reason = f"{missing:.0%} of the values expected every {duration(interval_s)} are missing" if missing > 0.1 else ""
    return Loss("completeness", float(missing) if reason else 0.0, reason)


def staleness(rows: Rows, now: int, interval_s: float | None) -> Loss:
    """How much too old the last usable value is: nothing is left of one that is ten expected intervals old."""
    good = rows.good()
    if interval_s is None:
        return Loss("timeliness", 0.0, "")
    if not len(good.effective):
        return Loss("timeliness", 1.0, "no value that can be used")
    age = (now - int(good.effective[-1])) / 1e6
    late = age / interval_s
    if late <= STALE_AFTER:
        return Loss("timeliness", 0.0, "")
    share = min((late - STALE_AFTER) / (10.0 - STALE_AFTER), 1.0)
    return Loss("timeliness", share, f"last value {duration(age)} ago, expected every {duration(interval_s)}")


def delay(rows: Rows) -> Loss:
    """Results that came long after their sample; told, and hardly counted: a late result is still a result."""
    if not len(rows.effective):
        return Loss("delay", 0.0, "")
    hours = float(np.median((rows.received - rows.effective) / HOUR_US))
    if hours <= SLOW_RESULT_H:
        return Loss("delay", 0.0, "")
    return Loss("delay", min(0.05 * hours / SLOW_RESULT_H, 0.3), f"half of the values come {hours:.1f} h late or later")


def plausibility(rows: Rows) -> Loss:
    """Which share was refused: outside what a body can have, or in a unit of another kind."""
    if not len(rows.quality):
        return Loss("plausibility", 0.0, "")
    refused = float(np.mean(rows.quality == Quality.REFUSED))
    reason = f"{refused:.0%} of the values cannot be what they say" if refused else ""
    return Loss("plausibility", refused, reason)


def flat_line(channel: str, rows: Rows) -> Loss:
    """A channel that always moves and stands still: a frozen source, or values that are copied."""
    longest = FLAT_RUN.get(channel)
    good = rows.good()
    if longest is None or len(good.value) < longest:
        return Loss("flat line", 0.0, "")
    ends = np.flatnonzero(np.diff(good.value) != 0)
    runs = np.diff(np.concatenate([[-1], ends, [len(good.value) - 1]]))
    if runs[-1] >= longest:
        return Loss("flat line", 0.8, f"the last {runs[-1]} values are all {good.value[-1]:g}: is the source frozen?")
    if runs.max() >= longest:
        return Loss("flat line", 0.3, f"{runs.max()} equal values in a row")
    return Loss("flat line", 0.0, "")


def spikes(rows: Rows) -> Loss:
    """Single values far off both neighbours, which agree with one another."""
    value = rows.good().value
    if len(value) < FEWEST_FOR_OWN:
        return Loss("artefacts", 0.0, "")
    steps = np.abs(np.diff(value))
    scale = max(1.4826 * float(np.median(steps)), 1e-3 * float(np.abs(np.median(value))), 1e-9)
    off = np.minimum(np.abs(value[1:-1] - value[:-2]), np.abs(value[1:-1] - value[2:]))
    same_side = (value[1:-1] - value[:-2]) * (value[1:-1] - value[2:]) > 0
    number = int(np.sum((off > SPIKE * scale) & same_side & (np.abs(value[2:] - value[:-2]) < 0.5 * off)))
    if not number:
        return Loss("artefacts", 0.0, "")
    words = "a single value stands" if number == 1 else f"{number} single values stand"
    return Loss("artefacts", min(number / len(value) * 2.0, 0.5), f"{words} far off both neighbours")


def charting(rows: Rows) -> list[Loss]:
    """Habits of whoever writes values down: rounding to tens, and writing many down at once, afterwards."""
    found = []
    good = rows.good()
    whole = good.value[good.value == np.round(good.value)]
    if len(whole) >= FEWEST_DIGITS and np.ptp(whole) >= 20:
        share = float(np.mean(whole % 10 == 0))
        if share >= DIGIT_SHARE:
            found.append(Loss("charting", 0.2, f"{share:.0%} of the values end in 0: rounded when written down"))
    late = rows.where(rows.received - rows.effective > 30 * MINUTE_US)
    minutes, counts = np.unique(late.received // MINUTE_US, return_counts=True)
    if len(minutes) and counts.max() >= BULK:
        found.append(Loss("charting", 0.1, f"{counts.max()} values were written down at once, afterwards"))
    return found


def disagreement(
    name: str, rows: Rows, other_name: str, other: Rows, within_s: float, absolute: float, relative: float
) -> Loss:
    """Two sources of one thing that differ by more than ``absolute`` and by more than ``relative`` of their mean."""
    good, against = rows.good(), other.good()
    if not len(good.effective) or not len(against.effective):
        return Loss("consistency", 0.0, "")
    place = np.clip(np.searchsorted(against.effective, good.effective), 1, len(against.effective)) - 1
    after = np.minimum(place + 1, len(against.effective) - 1)
    nearer = np.abs(against.effective[after] - good.effective) < np.abs(against.effective[place] - good.effective)
    match = np.where(nearer, after, place)
    together = np.abs(against.effective[match] - good.effective) <= within_s * 1e6
    if np.sum(together) < 3:
        return Loss("consistency", 0.0, "")
    first, second = good.value[together], against.value[match][together]
    gap = np.abs(first - second)
    share = float(np.mean((gap > absolute) & (gap > relative * 0.5 * np.abs(first + second))))
    if share <= 0.1:
        return Loss("consistency", 0.0, "")
    words = f"{name.replace('_', ' ')} and {other_name.replace('_', ' ')} disagree in {share:.0%} of their common times"
    return Loss("consistency", 0.5 * share, words)


def duration(seconds: float) -> str:
    """A length of time in words.

    >>> duration(90), duration(3600), duration(260_000)
    ('2 min', '60 min', '72 h')
    """
    if seconds < 60.0:
        return f"{seconds:.0f} s"
    if seconds <= 5400.0:
        return f"{seconds / 60.0:.0f} min"
    return f"{seconds / 3600.0:.0f} h"


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows of several sources in one, in order of effective time."""
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return Rows(*(column[order] for column in columns))
