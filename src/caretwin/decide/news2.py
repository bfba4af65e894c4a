"""National Early Warning Score 2 (Royal College of Physicians, London, December 2017, chart 1), as a range.

What was not measured is not normal: each missing part can be anything that it can be, so that the score is a smallest
and a largest number, one only where all parts are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

MOST = 20
"""The largest score."""
_INFINITY = float("inf")
_Bands = Sequence[tuple[float, int]]
BANDS: Mapping[str, _Bands] = {
    "respiratory_rate": ((8, 3), (11, 1), (20, 0), (24, 2), (_INFINITY, 3)),
    "oxygen_saturation": ((91, 3), (93, 2), (95, 1), (_INFINITY, 0)),
    "systolic_pressure": ((90, 3), (100, 2), (110, 1), (219, 0), (_INFINITY, 3)),
    "heart_rate": ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (_INFINITY, 3)),
    "temperature": ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (_INFINITY, 2)),
}
"""Up to and with which value (/min, %, mmHg, /min, degrees Celsius) how many points; saturation on scale 1."""
SCALE_2: Mapping[bool, _Bands] = {
    False: ((83, 3), (85, 2), (87, 1), (_INFINITY, 0)),
    True: ((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (_INFINITY, 3)),
}
"""Saturation (%) on scale 2, breathing air and on oxygen."""
ON_OXYGEN, NOT_ALERT = 2, 3
DECIMALS = {"temperature": "0.1"}
"""To what a value is rounded, half up, before it is scored: the chart has gaps between its bands."""


class Part(NamedTuple):
    """One part of the score: the least and the most that it can be, equal where it is known."""

    name: str
    low: int
    high: int

    @property
    def known(self) -> bool:
        """Whether it is one number."""
        return self.low == self.high


class News2(NamedTuple):
    """The score as a range; parts in the order of the chart."""

    parts: tuple[Part, ...]

    @property
    def low(self) -> int:
        """The least that it can be."""
        return sum(part.low for part in self.parts)

    @property
    def high(self) -> int:
        """The most that it can be."""
        return sum(part.high for part in self.parts)

    @property
    def complete(self) -> bool:
        """Whether every part is known."""
        return all(part.known for part in self.parts)

    @property
    def single_three(self) -> bool:
        """Whether one part alone surely has three points: that calls for an urgent review by itself."""
        return any(part.low == 3 for part in self.parts)


def news2(
    values: Mapping[str, float], *, oxygen: bool | None = None, alert: bool | None = None, scale_2: bool | None = False
) -> News2:
    """The score of what is known.

    values   respiratory_rate (/min), oxygen_saturation (%), systolic_pressure (mmHg), heart_rate (/min) and
             temperature (degrees Celsius); those that are missing are unknown
    oxygen   whether oxygen is given; alert  whether awake and not newly confused; None: not known
    scale_2  whether a clinician prescribed the second scale of saturation (88-92 %); None: not known, both count

    Example: a pulse of 100 alone is at least 1:

    >>> score = news2({"heart_rate": 100.0})
    >>> score.low, score.high, score.complete
    (1, 18, False)
    >>> news2({"respiratory_rate": 20.5, "oxygen_saturation": 96, "systolic_pressure": 120, "heart_rate": 70,
    ...        "temperature": 37.0}, oxygen=False, alert=True).low
    2
    """
    order = (
        "respiratory_rate",
        "oxygen_saturation",
        "oxygen",
        "systolic_pressure",
        "heart_rate",
        "alert",
        "temperature",
    )
    known = {name: _part(name, bands, values.get(name)) for name, bands in BANDS.items()}
    known["oxygen_saturation"] = _saturation(values.get("oxygen_saturation"), oxygen, scale_2)
    known["oxygen"] = _either("oxygen", None if oxygen is None else ON_OXYGEN * oxygen, ON_OXYGEN)
    known["alert"] = _either("alert", None if alert is None else NOT_ALERT * (not alert), NOT_ALERT)
    return News2(tuple(known[name] for name in order))


def _saturation(value: float | None, oxygen: bool | None, scale_2: bool | None) -> Part:
    """The part on the scale that is prescribed; on all that are possible where that, or oxygen, is not known."""
    scales = list[_Bands]()
    if scale_2 is not True:
        scales.append(BANDS["oxygen_saturation"])
    if scale_2 is not False:
        scales += [SCALE_2[given] for given in (False, True) if oxygen in (given, None)]
    parts = [_part("oxygen_saturation", bands, value) for bands in scales]
    return Part("oxygen_saturation", min(part.low for part in parts), max(part.high for part in parts))


def _part(name: str, bands: _Bands, value: float | None) -> Part:
    points = [point for _, point in bands]
    if value is None:
        return Part(name, min(points), max(points))
    rounded = Decimal(repr(float(value))).quantize(Decimal(DECIMALS.get(name, "1")), ROUND_HALF_UP)
    found = next(point for limit, point in bands if rounded <= Decimal(repr(float(limit))))
    return Part(name, found, found)


def _either(name: str, points: int | None, most: int) -> Part:
    return Part(name, 0, most) if points is None else Part(name, int(points), int(points))
