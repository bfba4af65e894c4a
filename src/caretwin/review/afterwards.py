"""What came of a recommendation: was it done, and was what had been foretold charted?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from caretwin.record.bedside import Quality
from caretwin.record.reading import Reading
from caretwin.record.store.read_observations import SeriesData
from caretwin.review.recommendations import Foretold, Recommendation

MINUTE_US = 60_000_000
CHARTED: Mapping[str, str] = {
    "mean_arterial_pressure_mmHg": "mean_arterial_pressure", "heart_rate_per_min": "heart_rate",
    "oxygen_saturation_percent": "oxygen_saturation", "arterial_oxygen_pressure_mmHg": "arterial_oxygen_pressure",
    "arterial_carbon_dioxide_pressure_mmHg": "arterial_carbon_dioxide_pressure", "arterial_ph": "arterial_ph",
    "plateau_pressure_cmH2O": "plateau_pressure", "central_venous_pressure_mmHg": "central_venous_pressure",
    "cardiac_output_L_per_min": "cardiac_output",
}  # fmt: skip
"""The channel in which a reading is charted."""
SET: Mapping[str, str] = {
    "peep": "peep", "fio2": "fio2", "rate": "respiratory_rate_set", "tidal_volume": "tidal_volume_set",
    "pressure": "inspiratory_pressure", "norepinephrine": "norepinephrine",
}  # fmt: skip
"""The channel in which a setting is charted; fluids are charted in too many ways to say."""
WINDOW_US = 20 * MINUTE_US
"""us around the time foretold within which a charted value counts as of it (assumed: charts are hourly at best)."""
DONE_WITHIN_US = 60 * MINUTE_US
SAME = 0.05
"""Share by which what is set may differ from what was proposed, and is still it."""


class Came(NamedTuple):
    """A reading that was foretold, and what was charted (None: nothing came); inside  the nine in ten."""

    foretold: Foretold
    value: float | None
    inside: bool | None


class Afterwards(NamedTuple):
    """What came of a recommendation.

    done  by setting: whether it was charted within the hour; None where nothing was charted of it
    """

    done: Mapping[str, bool | None]
    came: tuple[Came, ...]


def afterwards(reading: Reading, one: Recommendation) -> Afterwards:
    """What was charted after a recommendation, as it is known now."""
    names = sorted({*SET.values(), *CHARTED.values()})
    known = reading.series(one.subject, names, one.at, one.at + 2 * DONE_WITHIN_US)
    done = {name: _done(known, name, value, one.at) for name, value in one.proposal.change.items()}
    return Afterwards(done, tuple(_came(known, foretold, one.at) for foretold in one.proposal.foretold))


def _done(known: list[SeriesData], name: str, wanted: float, at: int) -> bool | None:
    rows = [one for one in known if one.code == SET.get(name)]
    said = [
        float(value)
        for one in rows
        for time, value in zip(one.effective, one.value, strict=True)
        if at < time <= at + DONE_WITHIN_US and np.isfinite(value)
    ]
    if not said:
        return None
    return any(abs(value - wanted) <= SAME * max(abs(wanted), 0.02) for value in said)


def _came(known: list[SeriesData], foretold: Foretold, at: int) -> Came:
    target = at + round(foretold.minute * MINUTE_US)
    near = [
        (abs(int(time) - target), float(value))
        for one in known
        if one.code == CHARTED.get(foretold.reading)
        for time, value, quality in zip(one.effective, one.value, one.quality, strict=True)
        if quality == Quality.GOOD and np.isfinite(value) and abs(int(time) - target) <= WINDOW_US and time > at
    ]
    if not near:
        return Came(foretold, None, None)
    value = min(near)[1]
    return Came(foretold, value, foretold.low <= value <= foretold.high)
