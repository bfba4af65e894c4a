"""The glucose twin of one patient: what the record says, as rows the filter can take in.

Rows stand at every glucose value, at every change of what is given, and at least once an hour, because insulin
sensitivity is held over a row. What flows in (insulin, feed, dextrose) holds until the next row of its signal; what is
injected acts at its time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caretwin.base.errors import DataError
from caretwin.core.ensemble import Ensemble, quantiles
from caretwin.core.filter import Info, particle_filter
from caretwin.core.forecast import simulate
from caretwin.core.history import History, bucket, pad_rows
from caretwin.core.luck import subject_number
from caretwin.core.model import MEASURED, MISSING, Observation
from caretwin.core.program import program
from caretwin.record.bedside import BedsideRecord, Quality, Signal
from caretwin.twin.registry import family

RATES = ("insulin", "enteral_glucose", "parenteral_glucose")
INJECTIONS = ("insulin_bolus", "insulin_subcutaneous_rapid", "insulin_subcutaneous_long")
GLUCOSE = ("glucose", "glucose_meter")
LEAD = 4.0
"""Hours before the first glucose at which the twin begins, so that insulin that was running then is in the body (five
half-lives of insulin between the cells are 4 h)."""
LONGEST_GAP = 24.0
"""Hours without any glucose after which a series begins anew. Assumed: a day later somebody else's meals decide."""
PARTICLES = 1024
QUANTILES = (0.05, 0.5, 0.95)
SAME_TIME = 1 / 60
"""Hours. Changes nearer than a minute are one row: pumps are charted to the minute."""


@dataclass(frozen=True)
class Series:
    """One patient's rows.

    history     rows of the filter, not padded; times in hours of the record's origin
    values      how many glucose values were taken in
    uncharted   whether feeds and meals count as not charted
    """

    history: History
    values: int
    uncharted: bool


def feeds_are_charted(record: BedsideRecord) -> bool:
    """Whether anything at all was charted as fed; a record without any feed says nothing about feeding."""
    signal = record.settings.get("enteral_glucose")
    return signal is not None and bool(np.any(_good(signal).value > 0))


def measured(record: BedsideRecord) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], np.ndarray]:
    """Times [h], values [mmol/L] and channels (0 laboratory, 1 meter) of every glucose not refused."""
    found = [
        (t, v, channel)
        for channel, name in enumerate(GLUCOSE)
        if name in record.observations
        for t, v in zip(*_times_and_values(record.observations[name]), strict=True)
    ]
    found.sort(key=lambda row: row[0])
    times, values, channels = (np.array(column) for column in zip(*found, strict=True)) if found else ([], [], [])
    return np.asarray(times, dtype=float), np.asarray(values, dtype=float), np.asarray(channels, dtype=int)


def series(record: BedsideRecord, now: float, *, uncharted: bool | None = None) -> Series:
    """Rows of what ``record`` knows up to ``now`` (h), from :data:`LEAD` before its last unbroken run of glucose.

    record     as it was known (:meth:`BedsideRecord.as_of`)
    uncharted  whether glucose may have entered that nobody charted; by default when no feed at all was charted

    Raises DataError when there is no glucose at all.
    Example: ``series(record.as_of(30.0), 30.0)``.
    """
    times, values, channels = measured(record)
    kept = times <= now
    times, values, channels = times[kept], values[kept], channels[kept]
    if len(times) == 0:
        raise DataError(
            f"glucose of subject {record.person.subject}",
            seen="no value before the time of the question",
            wanted="at least one glucose in blood, mmol/L or mg/dL",
            fix="measure one, or ask for a later time",
        )
    breaks = np.flatnonzero(np.diff(times) > LONGEST_GAP)
    first = 0 if len(breaks) == 0 else breaks[-1] + 1
    times, values, channels = times[first:], values[first:], channels[first:]
    hidden = not feeds_are_charted(record) if uncharted is None else uncharted
    return Series(_history(record, times, values, channels, now, hidden), len(times), hidden)


def _history(
    record: BedsideRecord,
    times: Float[np.ndarray, " n"],
    values: Float[np.ndarray, " n"],
    channels: np.ndarray,
    now: float,
    uncharted: bool,
) -> History:
    grid = _grid(record, times, now)
    u = {name: _held(record, name, grid) for name in RATES} | {name: _given(record, name, grid) for name in INJECTIONS}
    value, kind = np.ones((len(grid), len(GLUCOSE))), np.full((len(grid), len(GLUCOSE)), MISSING)
    row = np.argmin(np.abs(grid[None, :] - times[:, None]), axis=1)
    for r, v, c in zip(row, values, channels, strict=True):
        value[r, c] = v if kind[r, c] == MISSING else np.sqrt(value[r, c] * v)  # two at one minute: their middle
        kind[r, c] = MEASURED
    index = np.zeros(len(grid), dtype=int)
    contexts = {"uncharted": np.array([float(uncharted)])}
    return History(grid, u, index, index, Observation(value, kind), contexts)


def _grid(record: BedsideRecord, times: Float[np.ndarray, " n"], now: float) -> Float[np.ndarray, " E"]:
    start = times[0] - LEAD
    end = max(now, times[-1])
    changes = [_good(record.settings[name]).time_h for name in (*RATES, *INJECTIONS) if name in record.settings]
    wanted = np.concatenate([times, *changes, np.arange(start, end, 1.0), [end]])
    wanted = np.sort(wanted[(wanted >= start) & (wanted <= end)])
    kept = [wanted[0]]
    for t in wanted[1:]:
        if t - kept[-1] >= SAME_TIME:
            kept.append(t)
    if end - kept[-1] > 1e-9:
        kept.append(end)
    return np.array(kept)


def _held(record: BedsideRecord, name: str, grid: Float[np.ndarray, " E"]) -> Float[np.ndarray, " E"]:
    if name not in record.settings or len(record.settings[name]) == 0:
        return np.zeros(len(grid))
    before = np.concatenate([grid[:1], grid[:-1]]) + 0.5 * SAME_TIME  # a change within a minute of a row belongs to it
    return np.nan_to_num(record.settings[name].held_at(before), nan=0.0)


def _given(record: BedsideRecord, name: str, grid: Float[np.ndarray, " E"]) -> Float[np.ndarray, " E"]:
    given = np.zeros(len(grid))
    if name in record.settings:
        signal = _good(record.settings[name])
        for t, amount in zip(signal.time_h, signal.value, strict=True):
            row = np.searchsorted(grid, t - 0.5 * SAME_TIME, side="left") + 1  # acts from the row's beginning
            if grid[0] <= t and row < len(grid):
                given[row] += amount
    return given


def _good(signal: Signal) -> Signal:
    return signal.select((signal.quality != Quality.REFUSED) & np.isfinite(signal.value))


def _times_and_values(signal: Signal) -> tuple[np.ndarray, np.ndarray]:
    good = _good(signal)
    good = good.select(good.value > 0)
    return good.time_h, good.value


def padded(history: History) -> History:
    """The history with as many rows as its bucket, so that few programs are compiled."""
    return pad_rows(history, bucket(len(history.time)))


def glucose_model() -> Any:
    """The glucose model of the installed family of physiology."""
    return family("physiology").glucose()


class Followed(NamedTuple):
    """What the twin made of a series; E rows, N particles, C channels.

    ensemble     the posterior at the last row
    info         of every row, see :class:`caretwin.core.filter.Info`
    glucose      [E, 3]  5 %, 50 % and 95 % of glucose after each row, mmol/L
    sensitivity  [E, 3]  of insulin sensitivity, L/mU/min
    predicted    [E, N, C]  what would be measured at each row, before it was; a row of zeros unless asked for
    logw         [E, N]  weights of those predictions
    """

    ensemble: Ensemble
    info: Info
    glucose: Float[Array, "E 3"]
    sensitivity: Float[Array, "E 3"]
    predicted: Float[Array, "E N C"]
    logw: Float[Array, "E N"]


def follow(
    model: Any,
    history: History,
    key: Array,
    subject: str,
    *,
    particles: int = PARTICLES,
    predict: bool = False,
) -> Followed:
    """Take in a history row by row.

    model      such as :func:`glucose_model` gives
    history    of :func:`series`; padded here
    key        raw key of the run (:func:`caretwin.base.random.raw_key`)
    predict    also keep what each row was expected to be, to score it
    """
    rows = len(history.time)
    found = _followed(model, padded(history), key, subject_number(subject), particles, predict)
    short = jax.tree.map(lambda leaf: leaf[:rows], found._replace(ensemble=None))
    return short._replace(ensemble=found.ensemble)


@program(static=(4, 5))
def _followed(model: Any, history: History, key: Array, subject: Array, particles: int, predict: bool) -> Followed:
    twin = particle_filter(model, particles=particles)
    context = jax.tree.map(lambda leaf: leaf[0], history.contexts)
    shares = jnp.array(QUANTILES)

    def step(ensemble: Ensemble, row: Any) -> tuple[Ensemble, Any]:
        time, u, y = row
        expected, logw = jnp.zeros((particles, len(GLUCOSE))), ensemble.logw
        if predict:
            ahead = simulate(
                model, key, ensemble, jax.tree.map(lambda leaf: leaf[None], u), time[None], context, subject
            )
            expected = ahead.sample[:, 0]
        ensemble, info = twin.update(key, ensemble, u, context, y, time, subject)
        glucose = quantiles(ensemble.x.body.G, ensemble.logw, shares)
        sensitivity = quantiles(jnp.exp(ensemble.x.s), ensemble.logw, shares)
        return ensemble, (info, glucose, sensitivity, expected, logw)

    first = twin.init(key, context, history.time[0], subject)
    ensemble, rest = jax.lax.scan(step, first, (history.time, history.u, Observation(*history.y)))
    return Followed(ensemble, *rest)


def begin(model: Any, key: Array, context: Mapping[str, Any], subject: str, particles: int = PARTICLES) -> Ensemble:
    """A twin at hour 0 that has seen nothing."""
    return _begun(model, key, dict(context), subject_number(subject), particles)


@program(static=(4,))
def _begun(model: Any, key: Array, context: Any, subject: Array, particles: int) -> Ensemble:
    return particle_filter(model, particles=particles).init(key, context, jnp.zeros(()), subject)


def update(
    model: Any,
    key: Array,
    ensemble: Ensemble,
    u: Mapping[str, Any],
    context: Mapping[str, Any],
    y: Observation,
    time: float,
    subject: str,
) -> tuple[Ensemble, Info]:
    """The twin at ``time`` (h, at most one after ``ensemble.t``), with ``y`` taken in: one row of :func:`follow`."""
    return _updated(model, key, ensemble, dict(u), dict(context), y, np.asarray(time), subject_number(subject))


@program
def _updated(
    model: Any, key: Array, ensemble: Ensemble, u: Any, context: Any, y: Observation, time: Array, subject: Array
) -> tuple[Ensemble, Info]:
    twin = particle_filter(model, particles=ensemble.logw.shape[0])
    return twin.update(key, ensemble, u, context, y, time, subject)
