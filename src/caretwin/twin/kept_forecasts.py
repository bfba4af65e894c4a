"""Forecasts that are kept when they are shown, and scored when the future has arrived.

A forecast is written to the record as it was said, with its provenance. It is scored once, when the window around its
horizon is over: by the value charted nearest to it, or as "nothing came". Scores are entries of their own, about the
forecast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from caretwin.core.score.crps import crps_ensemble
from caretwin.record.bedside import BedsideRecord, Quality
from caretwin.record.entry import Derived, StoredDerived
from caretwin.record.reading import Reading
from caretwin.twin.bedside_twin import BedsideTwin, Living
from caretwin.twin.living.course import MINUTE
from caretwin.twin.vital_forecasts import CHANNELS, HORIZONS_H, WINDOWS_H, as_charted, care_of, samples_ahead

FORECAST, SCORE = "forecast", "forecast_score"
HOUR = 60 * MINUTE
LEVELS = tuple((i + 0.5) / 40 for i in range(40))
"""Quantiles that are kept: 40 of them stand for the samples; scores of them and of all samples differ by less than 1
%.
"""
INSIDE = 0.9
"""The central share of a forecast whose coverage is told."""
FORECAST_FROM_H = 24.0
"""h of the course that a forecast looks at: what is usual for this person, and how values are charted."""


class Said(NamedTuple):
    """A forecast of one channel.

    horizon  number of its horizon in HORIZONS_H; at  when it was said (us); quantiles [40] at LEVELS, in the
             channel's unit
    """

    channel: str
    horizon: int
    at: int
    quantiles: Float[np.ndarray, " Q"]

    @property
    def target(self) -> int:
        """The time that it speaks of (us)."""
        return self.at + round(HORIZONS_H[self.horizon] * HOUR)


def say(twin: BedsideTwin, living: Living, course: BedsideRecord, now: int) -> list[Said]:
    """What the twin says of the next hours: of each channel that this person has, at each horizon.

    living  a fork of the twin: brought to ``now`` by the forecast itself
    course  what is known of the last day (hours since 1970)
    now     us
    A channel whose numbers are not finite is left out: :func:`unsaid` names it.
    """
    known = [name for name in CHANNELS if (signal := course.observations.get(name)) is not None and len(signal)]
    if not known:
        return []
    times = now / HOUR + np.array(HORIZONS_H)
    heard = max(now / HOUR, course.last_h())  # a minute that is still open ends later than now
    samples = samples_ahead(twin, living, times, care_of(course, heard))
    names = twin.model.channel_names
    said = [
        Said(name, k, now, _quantiles(as_charted(samples[k][:, names.index(name)], course.observations[name])))
        for name in known
        for k in range(len(HORIZONS_H))
    ]
    wrong = {one.channel for one in said if not np.isfinite(one.quantiles).all()}
    return [one for one in said if one.channel not in wrong]


def unsaid(course: BedsideRecord, said: Sequence[Said]) -> tuple[str, ...]:
    """Channels that this person has and of which nothing could be said, for the numbers were not finite."""
    spoken = {one.channel for one in said}
    return tuple(name for name in CHANNELS if len(course.observations.get(name, ())) and name not in spoken)


def to_keep(subject: str, said: Sequence[Said], provenance: Mapping[str, Any]) -> list[Derived]:
    """Forecasts as entries of the record. Raises ValueError for one that is not finite: it is nobody's to read."""
    for one in said:
        if not np.isfinite(one.quantiles).all():
            raise ValueError(f"a forecast of {one.channel} that is not finite")
    return [
        Derived(
            subject,
            FORECAST,
            one.at,
            {
                "channel": one.channel,
                "horizon_h": HORIZONS_H[one.horizon],
                "target": one.target,
                "window": [one.at + round(h * HOUR) for h in WINDOWS_H[one.horizon]],
                "quantiles": [round(float(q), 3) for q in one.quantiles],
            },
            provenance,
        )
        for one in said
    ]


def due(reading: Reading, subject: str, now: int, since: int) -> list[StoredDerived]:
    """Forecasts of a subject, said since a time (us), whose window is over and that have no score yet."""
    scored = {one.about for one in reading.derived(subject, [SCORE], start=since)}
    said = reading.derived(subject, [FORECAST], start=since)
    return [one for one in said if one.sequence not in scored and one.body["window"][1] <= now]


def scored(reading: Reading, forecast: StoredDerived, now: int) -> Derived:
    """The score of a forecast whose window is over, by what is known ``now`` (us)."""
    body = forecast.body
    low, high = body["window"]
    found = _nearest(reading, forecast.subject, str(body["channel"]), (int(low), int(high)), int(body["target"]))
    about = {"channel": body["channel"], "horizon_h": body["horizon_h"], "said_at": forecast.at}
    if found is None:
        return Derived(forecast.subject, SCORE, now, {**about, "came": False}, {}, forecast.sequence)
    value, effective = found
    quantiles = np.array(body["quantiles"], dtype=float)
    said = {
        "came": True,
        "value": value,
        "effective": effective,
        "crps": round(float(crps_ensemble(quantiles, np.array(value))), 4),
        "median": float(np.median(quantiles)),
        "inside": bool(np.quantile(quantiles, (1 - INSIDE) / 2) <= value <= np.quantile(quantiles, (1 + INSIDE) / 2)),
        "below": float(np.mean(quantiles < value) + 0.5 * np.mean(quantiles == value)),
    }
    return Derived(forecast.subject, SCORE, now, {**about, **said}, {}, forecast.sequence)


def _nearest(
    reading: Reading, subject: str, channel: str, window: tuple[int, int], target: int
) -> tuple[float, int] | None:
    """The good value nearest to the target within its window, and its time."""
    series = reading.series(subject, [channel], window[0] + 1, window[1] + 1)
    rows = [
        (abs(int(time) - target), float(value), int(time))
        for one in series
        for time, value, quality in zip(one.effective, one.value, one.quality, strict=True)
        if quality == Quality.GOOD and np.isfinite(value)
    ]
    return min(rows)[1:] if rows else None


def _quantiles(samples: Float[np.ndarray, " N"]) -> Float[np.ndarray, " Q"]:
    return np.quantile(samples, LEVELS)
