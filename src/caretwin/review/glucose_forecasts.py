"""Forecasts of the next measured glucose, scored on real patients beside what needs no physiology.

Each value after the first of an unbroken run is a target: the twin has taken in everything measured before it and is
told what was given until then, as the plan that was followed. Rivals: the last value carried on (as a point, and as a
random walk of the logarithm), and a logarithm that returns to a mean (AR(1) in continuous time). Their parameters come
from the training folds, like the twin's population.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from caretwin.base.random import raw_key
from caretwin.core.score import crps_ensemble, weighted_quantile
from caretwin.core.score.clustered import clustered_interval, mean
from caretwin.record.bedside import BedsideRecord
from caretwin.twin.glucose import LONGEST_GAP, follow, measured, series

HORIZONS = ((0.0, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 24.0))
"""h since the last value: half-open, the upper end included."""
DRAWS = 400
MINIMUM = 0.1  # h: a nearer value is the same sample, charted twice


class Target(NamedTuple):
    """One measured value and what was said of it beforehand.

    patient   whose it is
    time, hours   h of the record, and since the value before it
    previous, value   mmol/L
    channel   0 laboratory, 1 meter
    insulin   U/h that ran into a vein at the time
    draws     [M] of the twin, measurement error included, mmol/L
    """

    patient: str
    time: float
    hours: float
    previous: float
    value: float
    channel: int
    insulin: float
    draws: Float[np.ndarray, " M"]


def targets(model: Any, patient: str, record: BedsideRecord, *, particles: int = 512, seed: int = 0) -> list[Target]:
    """Every value of a record that follows another within a day, with the twin's forecast of it.

    A value counts only where the one before it had been received by then; the two need not be of one channel.
    """
    found = []
    for end in run_ends(record):
        rows = series(record, end)
        if rows.values < 2:
            continue
        followed = follow(model, rows.history, raw_key(seed), record.person.subject, particles=particles, predict=True)
        found += list(_of_run(patient, record, rows.history, followed))
    return found


def run_ends(record: BedsideRecord) -> list[float]:
    """The time of the last value of each unbroken run of glucose [h]."""
    times, _, _ = measured(record)
    if len(times) == 0:
        return []
    return [float(t) for t in times[np.append(np.diff(times) > LONGEST_GAP, True)]]


def _of_run(patient: str, record: BedsideRecord, history: Any, followed: Any) -> Iterable[Target]:
    kind = np.asarray(history.y.kind)
    seen = np.flatnonzero(kind.any(axis=1))
    known = _received(record)
    uniform = (np.arange(DRAWS) + 0.5) / DRAWS
    for before, row in pairwise(seen):
        hours = float(history.time[row] - history.time[before])
        channel = int(np.argmax(kind[row] > 0))
        last = int(np.argmax(kind[before] > 0))
        if hours < MINIMUM or known(last, history.time[before]) > history.time[row]:
            continue
        draws = weighted_quantile(followed.predicted[row, :, channel], uniform, followed.logw[row])
        yield Target(
            patient,
            float(history.time[row]),
            hours,
            float(history.y.value[before, last]),
            float(history.y.value[row, channel]),
            channel,
            float(history.u["insulin"][row]),
            np.asarray(draws),
        )


def _received(record: BedsideRecord) -> Callable[[int, float], float]:
    """When the value of a channel at a time became known [h]."""
    signals = [record.observations.get(name) for name in ("glucose", "glucose_meter")]

    def known(channel: int, time: float) -> float:
        signal = signals[channel]
        if signal is None or len(signal) == 0:
            return time
        return float(signal.received_h[np.argmin(np.abs(signal.time_h - time))])

    return known


class Rival(NamedTuple):
    """A normal forecast of ln glucose: mean + (last - mean) exp(-hours/tau), variance error^2 + wander^2 f(hours).

    f is 1 - exp(-2 hours/tau) for AR(1), and hours (per hour) for the random walk, whose tau is infinite.
    """

    mean: float
    tau: float
    wander: float
    error: float

    def draws(self, previous: float, hours: float) -> Float[np.ndarray, " M"]:
        """Quantiles [M] of the next value, mmol/L."""
        from scipy.stats import norm

        centre, sd = _centre_and_sd(np.array(self), np.log(previous), hours)
        return np.exp(centre + sd * norm.ppf((np.arange(DRAWS) + 0.5) / DRAWS))


def _centre_and_sd(p: np.ndarray, last: Any, hours: Any) -> tuple[Any, Any]:
    level, tau, wander, error = p
    rho = np.exp(-hours / tau)
    spread = hours if np.isinf(tau) else 1 - rho**2
    return level + (last - level) * rho, np.sqrt(error**2 + wander**2 * spread)


def fit_rival(training: Sequence[Target], *, returns: bool) -> Rival:
    """The rival that makes the training targets most probable; ``returns`` to a mean (AR(1)), or not (random walk)."""
    from scipy.optimize import minimize

    last, value, hours = (np.array(c) for c in zip(*((t.previous, t.value, t.hours) for t in training), strict=True))
    last, value = np.log(last), np.log(value)

    def parameters(z: np.ndarray) -> np.ndarray:
        return np.array([z[0], np.exp(z[1]) if returns else np.inf, np.exp(z[2]), np.exp(z[3])])

    def loss(z: np.ndarray) -> float:
        centre, sd = _centre_and_sd(parameters(z), last, hours)
        return float(np.sum(np.log(sd) + 0.5 * ((value - centre) / sd) ** 2))

    start = np.array([float(np.mean(value)), np.log(10.0), np.log(0.2), np.log(0.1)])
    found = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 2000, "xatol": 1e-4, "fatol": 1e-4})
    return Rival(*map(float, parameters(found.x)))


def scores(found: Sequence[Target], rivals: Mapping[str, Sequence[np.ndarray]]) -> dict[str, Any]:
    """Scores by hours since the last value: CRPS of the twin and its rivals [mmol/L], coverage, and paired differences.

    rivals   by name, one array of draws per target; the point forecast of the last value is added here
    """
    value = np.array([t.value for t in found])
    patient = np.array([t.patient for t in found])
    all_draws = {"twin": [t.draws for t in found], **rivals}
    crps = {name: np.asarray(crps_ensemble(np.stack(draws), value)) for name, draws in all_draws.items()}
    crps["last value"] = np.abs(value - np.array([t.previous for t in found]))
    hours = np.array([t.hours for t in found])
    groups = {f"{low:g}-{high:g} h": (hours > low) & (hours <= high) for low, high in HORIZONS}
    groups |= {"all": hours > 0, "insulin running": np.array([t.insulin > 0 for t in found])}
    return {
        name: _group(value[rows], patient[rows], {n: c[rows] for n, c in crps.items()},
                     {n: np.stack(d)[rows] for n, d in all_draws.items()})
        for name, rows in groups.items() if rows.any()
    }  # fmt: skip


def _group(
    value: np.ndarray, patient: np.ndarray, crps: Mapping[str, np.ndarray], draws: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    covered = {
        f"coverage{int(level)}": {name: float(np.mean(_within(d, value, level / 100))) for name, d in draws.items()}
        for level in (50, 90)
    }
    width = {
        name: float(np.mean(np.quantile(d, 0.95, axis=1) - np.quantile(d, 0.05, axis=1))) for name, d in draws.items()
    }
    gains = {
        name: clustered_interval(crps["twin"] - other, patient, mean) for name, other in crps.items() if name != "twin"
    }
    return {
        "n": len(value),
        "patients": len(np.unique(patient)),
        "crps": {name: float(np.mean(c)) for name, c in crps.items()},
        "crps_twin_minus": {name: [g.estimate, g.lower, g.upper] for name, g in gains.items()},
        **covered,
        "width90": width,
        "median_absolute_error": float(np.median(np.abs(np.median(draws["twin"], axis=1) - value))),
    }


def _within(draws: np.ndarray, value: np.ndarray, level: float) -> np.ndarray:
    low, high = (np.quantile(draws, q, axis=1) for q in ((1 - level) / 2, (1 + level) / 2))
    return (low <= value) & (value <= high)
