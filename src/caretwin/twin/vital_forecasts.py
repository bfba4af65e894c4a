"""Forecasts of vital signs at a bedside: what the twin said before each value was charted, under care as it is given.

At an issue time the twin has everything received by then. A forecast is for the time at which the next value near a
horizon was really charted, so irregular charting is scored as it is.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caretwin.core import luck
from caretwin.core.ensemble import Ensemble
from caretwin.core.ensemble_kalman import KalmanSettings, move
from caretwin.core.program import program
from caretwin.record.bedside import BedsideRecord, Quality, Signal
from caretwin.twin.bedside_twin import BedsideTwin, Living, follow
from caretwin.twin.staff import HELD, Care, answered, for_each, kept

CHANNELS = ("mean_arterial_pressure", "heart_rate", "oxygen_saturation", "respiratory_rate")
HORIZONS_H = (0.25, 1.0, 4.0)
WINDOWS_H = ((0.1, 0.45), (0.7, 1.3), (3.5, 4.5))
"""h after the issue within which a charted value counts as of that horizon; the one nearest to it is taken."""
FASTEST_L_PER_MIN = 0.25 / 60.0
"""Settings are held in a forecast, but no bolus: from the issue on, each fluid runs at no more than 250 mL/h (assumed;
a bolus is charted as a rate, and its end is not known before it has come)."""
LOOK_H = 1.0
"""h: staff look, and change settings, at least so often (assumed: intensive care is charted hourly)."""
FLUIDS = ("crystalloid", "colloid", "red_cells")


class Target(NamedTuple):
    """One value to be forecast, and what was known of its channel at the issue.

    last, previous, usual  the latest value, the one before, the mean of the last 24 h (NaN: none)
    samples                [N] what the twin said, measurement error included
    """

    subject: str
    channel: str
    horizon_h: float
    issued_h: float
    ahead_h: float
    value: float
    last: float
    previous: float
    usual: float
    samples: Float[np.ndarray, " N"]


def forecasts_of(twin: BedsideTwin, record: BedsideRecord, *, every_h: float = 2.0, most: int = 60) -> Iterator[Target]:
    """Every forecast of one record.

    every_h  h between issues; most  issues per record, evenly spread over it
    """
    issues = issue_times(record, every_h, most)
    for time, living, _ in follow(twin, record, list(issues)):
        if living is None:
            continue
        wanted = [
            (c, k, *found) for c in CHANNELS for k in range(3) if (found := _target(record, c, time, k)) is not None
        ]
        if wanted:
            moments = np.array(
                [np.median([w[2] for w in wanted if w[1] == k] or [time + h]) for k, h in enumerate(HORIZONS_H)]
            )
            samples = samples_ahead(twin, living, np.maximum.accumulate(moments), care_of(record, time))
            names = twin.model.channel_names
            for channel, k, when, value in wanted:
                known = _known(record.observations[channel], time)
                said = as_charted(samples[k][:, names.index(channel)], record.observations[channel].known_by(time))
                yield Target(
                    record.person.subject, channel, HORIZONS_H[k], time, when - time, value, *known, said
                )  # fmt: skip


def as_charted(values: Float[np.ndarray, " N"], known: Signal) -> Float[np.ndarray, " N"]:
    """Values as this place charts them: whole numbers where every value known so far is one."""
    return np.round(values) if np.all(known.value == np.round(known.value)) else values


def issue_times(record: BedsideRecord, every_h: float, most: int) -> Sequence[float]:
    """Times of charted vital signs from two hours after the first on, at least ``every_h`` apart, at most ``most``."""
    times = np.unique(
        np.concatenate(
            [s.received_h[s.quality == Quality.GOOD] for c in CHANNELS if (s := record.observations.get(c))] or [[]]
        )
    )
    if len(times) == 0:
        return []
    chosen, last = [], times[0] + 2.0 - every_h
    for time in times:
        if time >= last + every_h:
            chosen.append(float(time))
            last = time
    if len(chosen) > most:
        chosen = [chosen[i] for i in np.unique(np.linspace(0, len(chosen) - 1, most).astype(int))]
    return chosen


def _target(record: BedsideRecord, channel: str, time: float, k: int) -> tuple[float, float] | None:
    signal = record.observations.get(channel)
    if signal is None:
        return None
    low, high = WINDOWS_H[k]
    inside = (signal.time_h > time + low) & (signal.time_h <= time + high) & (signal.quality == Quality.GOOD)
    rows = np.flatnonzero(inside & np.isfinite(signal.value))
    if not len(rows) or not np.isfinite(_known(signal, time)[0]):
        return None
    row = rows[np.argmin(np.abs(signal.time_h[rows] - time - HORIZONS_H[k]))]
    return float(signal.time_h[row]), float(signal.value[row])


def _known(signal: Signal, time: float) -> tuple[float, float, float]:
    good = signal.select(
        (signal.received_h <= time + 1e-6) & (signal.quality == Quality.GOOD) & np.isfinite(signal.value)
    )
    recent = good.value[good.time_h > time - 24.0]
    if not len(recent) or good.time_h[-1] < time - 3.0:
        return (np.nan, np.nan, np.nan)
    return float(good.value[-1]), float(good.value[-2] if len(good) > 1 else good.value[-1]), float(recent.mean())


def care_of(record: BedsideRecord, time: float) -> Care:
    """What staff keep up at a time (h): the usual pressure and saturation, means of the last 24 h."""

    def usual(channel: str) -> float:
        signal = record.observations.get(channel)
        return float("nan") if signal is None else _known(signal, time)[2]

    return Care(usual("mean_arterial_pressure"), usual("oxygen_saturation"))


def samples_ahead(
    twin: BedsideTwin, living: Living, times: Float[np.ndarray, " H"], care: Care = HELD
) -> Float[np.ndarray, "H N C"]:
    """What would be measured at each of the rising times (h) if care went on like this and a bolus ended.

    care  what staff keep up; otherwise the present settings are held
    """
    when = np.maximum(times - living.shift, float(living.ensemble.t) + 1e-3)
    held = living.settings
    u = held._replace(**{name: np.minimum(getattr(held, name), FASTEST_L_PER_MIN) for name in FLUIDS})
    return np.asarray(
        _ahead(twin.model, twin.settings, twin.key, living.body, living.ensemble, u, when, living.subject, care)
    )


@program(static=(1,))
def _ahead(
    model: Any,
    settings: KalmanSettings,
    key: Array,
    body: Any,
    ensemble: Ensemble,
    u: Any,
    times: Array,
    subject: Any,
    care: Care,
) -> Array:
    count = len(model.channel_names)

    def step(carry: tuple[Ensemble, Any], t: Array) -> tuple[tuple[Ensemble, Any], Array]:
        looks = jnp.maximum(jnp.ceil((t - carry[0].t) / LOOK_H - 1e-6), 1.0).astype(int)

        def look(i: Array, carry: tuple[Ensemble, Any]) -> tuple[Ensemble, Any]:
            ensemble, given = carry
            hours = (t - ensemble.t) / (looks - i)
            given = answered(model, ensemble, given, body, care, hours)
            return move(model, key, subject, ensemble, given, body, ensemble.t + hours, apart=True)[0], given

        later, given = jax.lax.fori_loop(0, looks, look, carry)
        later = kept(model, settings, later, u, body, care, t - carry[0].t)
        e = luck.measurement_noise(key, subject, t, settings.particles, count)

        def measured(theta: Array, x: Any, u: Any, e: Array) -> Array:
            return model.sample_observation(model.individual(theta, body), x, u, e)

        return (later, given), jnp.asarray(jax.vmap(measured)(later.theta, later.x, given, e))

    return jax.lax.scan(step, (ensemble, for_each(u, settings.particles, ensemble.theta.dtype)), times)[1]
