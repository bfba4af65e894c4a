"""Clocks: the wall's, and one that runs a past time at any speed, for replays."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


def wall() -> int:
    """Microseconds UTC now."""
    return time.time_ns() // 1000


@dataclass(frozen=True)
class Replayed:
    """A clock that began at ``start`` (us) when it was made, and runs ``speed`` times as fast as the wall's."""

    start: int
    speed: float
    began: int = field(default_factory=time.monotonic_ns)

    def __post_init__(self) -> None:
        if not 0.0 < self.speed <= 1e6:
            raise ValueError(f"speed {self.speed}: wanted more than 0 and at most a million")

    def __call__(self) -> int:
        """Microseconds UTC that it shows now."""
        return self.start + round((time.monotonic_ns() - self.began) / 1000 * self.speed)

    def seconds_until(self, moment: int) -> float:
        """Seconds of the wall's clock until this one shows ``moment`` (us); negative when it has."""
        return (moment - self()) / 1e6 / self.speed
