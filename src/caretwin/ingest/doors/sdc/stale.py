"""Our own clock of how fresh each signal is.

A consumer library keeps the last value for as long as it lives, and may take itself for connected when no subscription
is left (issues 326 and 380 of sdc11073). So freshness is not asked of it: every value restarts the clock of its
signal, and a signal whose clock runs out is stale, whatever the connection says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from caretwin.ingest.doors.sdc.report import Coded, Stale
from caretwin.record.vocabulary import STALE_AFTER, by_code, vocabulary


class Pace(NamedTuple):
    """How often a device says that a signal comes; None where it does not say (s).

    period  determination period; life  how long a value is of use; continuous  whether it is always measured
    setting  whether it holds until it is changed
    """

    period: float | None = None
    life: float | None = None
    continuous: bool = True
    setting: bool = False


def limit(pace: Pace, codes: Sequence[Coded], expected_s: float) -> float | None:
    """s after which a value is stale; None: never by itself.

    expected_s  s between values of a continuous signal whose device does not say
    The device's own word comes first; an intermittent signal has the interval of its channel.
    """
    if pace.life:
        return pace.life
    if pace.period:
        return STALE_AFTER * pace.period
    if pace.setting:
        return None
    if pace.continuous:
        return STALE_AFTER * expected_s
    channels = [by_code()[one.system, one.code] for one in codes if (one.system, one.code) in by_code()]
    interval = vocabulary()[channels[0]].interval if channels else None
    return STALE_AFTER * interval if interval else None


@dataclass
class _Signal:
    mds: str
    codes: tuple[Coded, ...]
    limit_s: float
    determined: int
    refreshed: int
    stale: bool = False

    def said(self, handle: str, until: int | None) -> Stale:
        return Stale(handle, self.mds, self.codes, self.limit_s, self.determined, until)


@dataclass
class FreshnessClock:
    """When each signal of a device was last refreshed, by our clock (us)."""

    signals: dict[str, _Signal] = field(default_factory=dict)

    def refresh(
        self, handle: str, mds: str, codes: tuple[Coded, ...], limit_s: float | None, determined: int, now: int
    ) -> Stale | None:
        """A signal got a value that was determined at a new time (us); returns the end of its staleness, if it was."""
        known = self.signals.get(handle)
        if limit_s is None:
            self.signals.pop(handle, None)
        else:
            self.signals[handle] = _Signal(mds, codes, limit_s, determined, now)
        return known.said(handle, determined) if known is not None and known.stale else None

    def due(self, now: int) -> list[Stale]:
        """Signals that have become stale since the last time."""
        found = []
        for handle, signal in self.signals.items():
            if not signal.stale and now - signal.refreshed > signal.limit_s * 1e6:
                signal.stale = True
                found.append(signal.said(handle, None))
        return found

    def forget(self, mds: str) -> None:
        """The person changed: what was measured of the last one is nobody's to refresh."""
        self.signals = {handle: one for handle, one in self.signals.items() if one.mds != mds}

    def stale(self) -> list[str]:
        """Names of the signals that are stale now."""
        return [
            one.codes[0].text or handle if one.codes else handle for handle, one in self.signals.items() if one.stale
        ]
