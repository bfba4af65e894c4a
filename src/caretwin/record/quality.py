"""How good the data of a subject are, channel by channel: a score with plain reasons.

A score is what is left after the losses of all checks (see :mod:`caretwin.record.quality_checks`): 1 is as good as
can be, 0 is of no use. It judges data and nobody who wrote them down; it is shown so that a forecast is read for what
it is worth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from caretwin.record import quality_checks as checks
from caretwin.record.quality_checks import Loss, Rows, joined
from caretwin.record.store.read_observations import SeriesData
from caretwin.record.vocabulary import vocabulary

WINDOW_US = 24 * checks.HOUR_US
"""The time that is judged."""
PAIRS: Mapping[str, tuple[tuple[str, float, float, float], ...]] = {
    "heart_rate": (("pulse_rate", 60.0, 8.0, 0.1),),
    "oxygen_saturation": (("arterial_saturation", 900.0, 4.0, 0.04),),
}
"""What has to agree: the other channel, within how many s, and by how much they may differ (assumed)."""


@dataclass(frozen=True)
class ChannelQuality:
    """One channel of one subject.

    score     in [0, 1]; reasons  why it is not 1, the gravest first
    values    in the window; interval_s  s between values that were expected, None for none
    last      effective time of the last usable value (us), None where there is none
    """

    channel: str
    score: float
    reasons: tuple[str, ...]
    values: int
    interval_s: float | None
    last: int | None

    def stale(self, now: int) -> bool:
        """Whether the last value is older than can be expected."""
        if self.interval_s is None:
            return False
        return self.last is None or now - self.last > checks.STALE_AFTER * self.interval_s * 1e6


@dataclass(frozen=True)
class SubjectQuality:
    """All channels of a subject: the score is the mean of those that are expected to be there, weighted alike."""

    subject: str
    score: float
    channels: tuple[ChannelQuality, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is wrong, channel by channel, the worst channel first."""
        worst = sorted(self.channels, key=lambda one: one.score)
        return tuple(f"{one.channel.replace('_', ' ')}: {one.reasons[0]}" for one in worst if one.reasons)


def judge(
    subject: str, series: Sequence[SeriesData], now: int, expected: Iterable[str] = (), window: int = WINDOW_US
) -> SubjectQuality:
    """The quality of a subject's data, of what is known ``now``.

    series    everything known of the subject, longer back than the window where its own rhythm is to be learnt
    now       us
    expected  channels that there should be: one without any value scores 0
    window    us before ``now`` that are judged

    Example: ``judge(key, reading.series(key, start=now - 3 * WINDOW_US), now).reasons``.
    """
    rows = _by_channel(series, now)
    found = [_channel(name, rows, now, window) for name in rows]
    found += [
        ChannelQuality(name, 0.0, ("nothing was ever sent",), 0, vocabulary()[name].interval, None)
        for name in expected
        if name not in rows
    ]
    wanted = set(expected)
    counted = [one.score for one in found if not wanted or one.channel in wanted]
    score = float(np.mean(counted)) if counted else 0.0
    return SubjectQuality(subject, score, tuple(sorted(found, key=lambda one: one.channel)))


def _by_channel(series: Sequence[SeriesData], now: int) -> dict[str, Rows]:
    parts: dict[str, list[Rows]] = {}
    for one in series:
        if one.code in vocabulary():
            known = one.received <= now
            rows = Rows(one.effective[known], one.received[known], one.value[known], one.quality[known])
            if len(rows.effective):
                parts.setdefault(one.code, []).append(rows)
    return {name: joined(several) for name, several in parts.items()}


def _channel(name: str, rows: Mapping[str, Rows], now: int, window: int) -> ChannelQuality:
    term, all_rows = vocabulary()[name], rows[name]
    interval = None if term.kind == "setting" else checks.expected_interval(all_rows.good(), term.interval)
    start = now - window
    recent = all_rows.where(all_rows.effective >= start)
    losses = [checks.staleness(all_rows, now, interval), checks.plausibility(recent)]
    if term.kind != "setting":
        losses += [
            checks.completeness(recent, start, now, interval),
            checks.delay(recent),
            checks.flat_line(name, recent),
            checks.spikes(recent),
            *checks.charting(recent),
            *_consistency(name, recent, rows),
        ]
    usable = all_rows.good()
    last = int(usable.effective[-1]) if len(usable.effective) else None
    return ChannelQuality(name, _left(losses), _reasons(losses), len(recent.effective), interval, last)


def _consistency(name: str, recent: Rows, rows: Mapping[str, Rows]) -> list[Loss]:
    return [
        checks.disagreement(name, recent, other, rows[other], within, absolute, relative)
        for other, within, absolute, relative in PAIRS.get(name, ())
        if other in rows
    ]


def _left(losses: Sequence[Loss]) -> float:
    return float(np.prod([1.0 - loss.share for loss in losses]))


def _reasons(losses: Sequence[Loss]) -> tuple[str, ...]:
    return tuple(loss.reason for loss in sorted(losses, key=lambda loss: -loss.share) if loss.reason)
