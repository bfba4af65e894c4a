"""Signals put together: rows of several sources in one, and the better source where two speak at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from caretwin.record.bedside import Quality, Signal, channels

Signals = Mapping[str, Signal]


def together(signals: Sequence[Signal]) -> Signal:
    """The rows of several signals in one, in order of time; of equal times, in the order given."""
    return Signal.of(
        np.concatenate([s.time_h for s in signals]),
        np.concatenate([s.value for s in signals]),
        np.concatenate([s.received_h for s in signals]),
        np.concatenate([s.quality for s in signals]),
    )


def preferred(channel: str, better: Signal, other: Signal) -> tuple[Signal, int]:
    """Both signals in one; a row of ``other`` at the time of a plausible row of ``better`` is REFUSED.

    Returns the signal and how many rows of ``other`` were refused.
    """
    limits = channels()[channel]
    plausible = (better.value >= limits.low) & (better.value <= limits.high) & (better.quality != Quality.REFUSED)
    twice = np.isin(other.time_h, better.time_h[plausible])
    judged = np.where(twice, int(Quality.REFUSED), other.quality)
    return together([better, replace(other, quality=judged)]), int(np.sum(twice))


def union(*parts: Signals) -> dict[str, Signal]:
    """Signals by name from several mappings; the rows of a name that occurs twice are put together."""
    names = {name: None for part in parts for name in part}
    found = {name: [part[name] for part in parts if name in part] for name in names}
    return {name: signals[0] if len(signals) == 1 else together(signals) for name, signals in found.items()}


def without_empty(signals: Signals) -> dict[str, Signal]:
    """The signals that have a row."""
    return {name: signal for name, signal in signals.items() if len(signal)}
