"""What each regimen would do to this patient: every one simulated on the same draws from the posterior.

For linear drugs a schedule is simulated once, with doses of 1; base (what is already in the body) + dose x unit response
+ loading dose x its unit response then gives every regimen exactly. Other drugs are simulated regimen by regimen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from caretwin.core.events import GivenDose, Series
from caretwin.core.history import History, stack
from caretwin.core.simulate import run
from caretwin.decide.moments import Moments, moments
from caretwin.decide.regimen import Regimen
from caretwin.twin.dosing import DosingTwin


@dataclass(frozen=True)
class Curves:
    """One regimen on N draws of one model, in canonical units; times are h after now.

    level, effect  [N, T]  expected level (dose unit/L) and effect (NaN without one) at ``times``
    area           [N, T]  area under the level from now to each time (dose unit h/L)
    """

    moments: Moments
    times: np.ndarray
    level: np.ndarray
    effect: np.ndarray
    area: np.ndarray

    def at(self, values: np.ndarray, times: Any) -> np.ndarray:
        """Columns of ``values`` [N, T] at some of ``times``."""
        return values[:, np.searchsorted(self.times, np.atleast_1d(times) - 1e-9)]

    def auc24(self, window: tuple[float, float]) -> np.ndarray:
        """Mean area per 24 h within a window [N]."""
        start, stop = window
        inside = self.at(self.area, stop)[:, 0] - self.at(self.area, start)[:, 0]
        return inside * 24.0 / (stop - start)


def simulate(
    twin: DosingTwin, theta: np.ndarray, regimens: Sequence[Regimen], now: float, horizon: float
) -> list[Curves]:
    """Curves of every regimen on the draws theta [N, d]. Doses recorded after ``now`` are replaced by the regimen's."""
    given = tuple(d for d in twin.doses if d.time < now)
    if twin.model.proportional and "TDD" not in twin.covariates:
        return _combined(twin, theta, regimens, given, now, horizon)
    return _one_by_one(twin, theta, regimens, given, now, horizon)


def _one_by_one(
    twin: DosingTwin, theta: np.ndarray, regimens: Sequence[Regimen], given: tuple[GivenDose, ...], now: float,
    horizon: float,
) -> list[Curves]:
    target = _target(twin)
    looks = [moments(r, horizon) for r in regimens]
    longest = max(len(look.times) for look in looks)
    histories, wanted = [], []
    for regimen, look in zip(regimens, looks, strict=True):
        doses = given + regimen.doses(now, horizon, target) + _loading(regimen, now, target)
        times = _padded(look.times, longest)
        histories.append(_follow(twin, regimen, now).history(doses=doses, times=now + times, samples=False))
        wanted.append(now + times)
    level, effect, area = _read(twin.model, theta, stack(histories), np.asarray(wanted), now)
    return [
        Curves(look, look.times, level[i][:, :n], effect[i][:, :n], area[i][:, :n])
        for i, look in enumerate(looks)
        for n in [len(look.times)]
    ]


def _combined(
    twin: DosingTwin, theta: np.ndarray, regimens: Sequence[Regimen], given: tuple[GivenDose, ...], now: float,
    horizon: float,
) -> list[Curves]:
    target = _target(twin)
    keys = [(r.interval, r.duration, r.loading is not None, r.loading_duration) for r in regimens]
    schedules = list(dict.fromkeys(keys))
    examples = [regimens[keys.index(key)] for key in schedules]
    looks = [moments(r, horizon) for r in examples]
    union = np.unique(np.concatenate([look.times for look in looks]))
    loads = sorted({r.loading_duration for r in regimens if r.loading is not None})

    origin = min((d.time for d in given), default=now)
    base = twin.history(doses=given, times=now + union, samples=False, start=min(origin, now))
    singles = [
        twin.history(doses=(GivenDose(now, 1.0, d, target),), times=now + union, samples=False, start=now) for d in loads
    ]
    before = _read(twin.model, theta, stack([base]), (now + union)[None], now)
    load = _read(twin.model, theta, stack(singles), np.tile(now + union, (len(loads), 1)), now) if loads else None

    longest = max(len(look.times) for look in looks)
    units = [
        twin.history(
            doses=r.doses(now, horizon, target, 1.0), times=now + _padded(look.times, longest), samples=False, start=now
        )
        for r, look in zip(examples, looks, strict=True)
    ]
    wanted = np.stack([now + _padded(look.times, longest) for look in looks])
    unit = _read(twin.model, theta, stack(units), wanted, now)

    found = []
    for regimen, key in zip(regimens, keys, strict=True):
        s = schedules.index(key)
        look = looks[s]
        n, place = len(look.times), np.searchsorted(union, look.times)
        parts = []
        for channel in (0, 2):
            value = before[channel][0][:, place] + regimen.dose * unit[channel][s][:, :n]
            if regimen.loading is not None and load is not None:
                value = value + regimen.loading * load[channel][loads.index(regimen.loading_duration)][:, place]
            parts.append(value)
        found.append(Curves(look, look.times, parts[0], np.full_like(parts[0], np.nan), parts[1]))
    return found


def _target(twin: DosingTwin) -> int:
    inputs = twin.drug.structure.inputs
    return int(inputs.index(twin.drug.dose.input))


def _loading(regimen: Regimen, now: float, target: int) -> tuple[GivenDose, ...]:
    if regimen.loading is None:
        return ()
    return (GivenDose(now, regimen.loading, regimen.loading_duration, target, order=1 << 20),)


def _follow(twin: DosingTwin, regimen: Regimen, now: float) -> DosingTwin:
    """The twin with those covariates that a regimen itself sets, such as the total daily dose of lithium."""
    from dataclasses import replace

    if "TDD" not in twin.covariates:
        return twin
    old = twin.covariates["TDD"]
    daily = regimen.per_day / twin.drug.dose.label_factor
    changed = Series((*old.times, now), (*old.values, daily), old.rule)
    return replace(twin, covariates=twin.covariates | {"TDD": changed})


def _padded(times: np.ndarray, size: int) -> np.ndarray:
    return np.concatenate([times, np.repeat(times[-1:], size - len(times))])


def _read(
    model: Any, theta: np.ndarray, histories: History, wanted: np.ndarray, now: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level, effect and area [R, N, T] at the wanted times [R, T] of R histories."""
    found = _read_compiled(model, theta, histories, wanted, np.asarray(now))
    level, effect, area = (np.asarray(part) for part in found)
    return level, effect, area


@jax.jit
def _read_compiled(model: Any, theta: Array, histories: History, wanted: Array, now: Array) -> tuple[Array, ...]:
    def one(history: History, times: Array) -> tuple[Array, ...]:
        return jax.vmap(partial(_columns, model, history, times, now))(theta)

    return jax.lax.map(lambda pair: one(*pair), (histories, wanted), batch_size=8)


def _columns(model: Any, history: History, times: Array, now: Array, theta: Array) -> tuple[Array, ...]:
    outcome = run(model, theta, history)
    # The first row at a time is the one before a dose of that moment: a trough is a trough.
    rows = jnp.searchsorted(outcome.time, jnp.append(times, now) - 1e-9)
    rows = jnp.clip(rows, 0, outcome.time.shape[0] - 1)
    area = jnp.cumsum(outcome.exposure)[rows]
    predicted = outcome.predicted[rows]
    effect = predicted[:-1, -1] if predicted.shape[-1] > 1 else jnp.full(times.shape, jnp.nan)
    return predicted[:-1, 0], effect, area[:-1] - area[-1]


