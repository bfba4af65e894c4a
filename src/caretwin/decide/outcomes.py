"""What each regimen would do to this patient: every one simulated on the same draws from the posterior.

For linear drugs a schedule is simulated once, with doses of 1; base (what is already in the body) + dose x unit
response + loading dose x its unit response then gives every regimen exactly. Other drugs are simulated regimen by
regimen. Models of one structure go through one compiled call.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from caretwin.core.events import GivenDose, Series
from caretwin.core.history import History, bucket, small_bucket, stack
from caretwin.core.program import program
from caretwin.core.simulate import run
from caretwin.decide.moments import Moments, moments
from caretwin.decide.regimen import Regimen
from caretwin.twin.dosing import DosingTwin

MOST_VALUES = 4_000_000  # predictions held at once (32 MB)


@dataclass(frozen=True, eq=False)
class Curves:
    """One course of treatment on N draws of one model, in canonical units; times are h after now.

    level, effect  [N, T]  expected level (dose unit/L) and effect (NaN without one) at ``times``
    area           [N, T]  area under the level from now to each time (dose unit h/L)
    read           what was already read from these curves, by the name of the question
    """

    moments: Moments
    times: np.ndarray
    level: np.ndarray
    effect: np.ndarray
    area: np.ndarray
    read: dict[Any, np.ndarray] = field(default_factory=dict)

    def at(self, values: np.ndarray, times: Any) -> np.ndarray:
        """Columns of ``values`` [N, T] at some of ``times``."""
        return values[:, np.searchsorted(self.times, np.atleast_1d(times) - 1e-9)]

    def auc24(self, window: tuple[float, float]) -> np.ndarray:
        """Mean area per 24 h within a window [N]."""
        start, stop = window
        inside = self.at(self.area, stop)[:, 0] - self.at(self.area, start)[:, 0]
        return inside * 24.0 / (stop - start)


@dataclass(frozen=True, eq=False)
class Course:
    """One regimen as a sum of curves, each times a number: (1, what is in the body), (dose, unit response), ...

    What is linear in the level can be read from each part once and added up; :meth:`whole` adds the curves themselves.
    """

    parts: tuple[tuple[float, Curves], ...]

    @property
    def moments(self) -> Moments:
        """When the regimen is looked at."""
        return self.parts[0][1].moments

    def whole(self) -> Curves:
        """The curves of the regimen."""
        first = self.parts[0][1]
        if len(self.parts) == 1:
            return first
        level = sum((c * part.level for c, part in self.parts[1:]), self.parts[0][0] * first.level)
        area = sum((c * part.area for c, part in self.parts[1:]), self.parts[0][0] * first.area)
        return Curves(first.moments, first.times, level, first.effect, area)


def simulate(
    twins: Sequence[DosingTwin],
    thetas: Sequence[np.ndarray],
    regimens: Sequence[Regimen],
    now: float,
    horizon: float,
    shape: bool = True,
) -> list[list[Course]]:
    """Courses [models][regimens] on the draws theta [N, d] of each model.

    shape  whether the curve between doses is wanted (peaks of absorbed drugs, time above a level), not only areas
    Doses recorded at or after ``now`` are replaced by the regimen's.
    """
    found: list[list[Course]] = [[] for _ in twins]
    groups: dict[Any, list[int]] = {}
    for i, twin in enumerate(twins):
        linear = twin.model.proportional and "TDD" not in twin.covariates
        groups.setdefault((jax.tree.structure(twin.model), linear), []).append(i)
    for (_, linear), places in groups.items():
        group = _Group([twins[i] for i in places], np.stack([thetas[i] for i in places]), now, horizon, shape)
        courses = group.combined(regimens) if linear else group.one_by_one(regimens)
        for i, course in zip(places, courses, strict=True):
            found[i] = course
    return found


class _Group:
    """Models of one structure: their draws [M, N, d], and what was given to this patient before now."""

    def __init__(self, twins: list[DosingTwin], theta: np.ndarray, now: float, horizon: float, shape: bool) -> None:
        self.twins, self.theta, self.now, self.horizon, self.shape = twins, theta, now, horizon, shape
        drug = twins[0].drug
        self.target = int(drug.structure.inputs.index(drug.dose.input))
        models = [t.model for t in twins]
        size = small_bucket(len(twins))
        self.padding = [*range(len(twins)), *[len(twins) - 1] * (size - len(twins))]
        self.models = jax.tree.map(lambda *leaves: np.stack([leaves[i] for i in self.padding]), *models)

    def given(self, twin: DosingTwin) -> tuple[GivenDose, ...]:
        """Doses that began before now."""
        return tuple(d for d in twin.doses if d.time < self.now)

    def one_by_one(self, regimens: Sequence[Regimen]) -> list[list[Course]]:
        """Every regimen with everything that was given before it."""
        looks = [moments(r, self.horizon, self.shape) for r in regimens]
        times = _stacked_times([look.times for look in looks])
        histories = [
            [
                follow(twin, r, self.now).history(
                    doses=self.given(twin) + r.all_doses(self.now, self.horizon, self.target),
                    times=self.now + t,
                    samples=False,
                )
                for r, t in zip(regimens, times, strict=True)
            ]
            for twin in self.twins
        ]
        curves = self._read(histories, times, looks)
        return [[Course(((1.0, c),)) for c in row] for row in curves]

    def combined(self, regimens: Sequence[Regimen]) -> list[list[Course]]:
        """Schedules with doses of 1, and what is already in the body, to be added up."""
        keys = [(r.interval, r.duration, r.loading is not None, r.loading_duration) for r in regimens]
        schedules = list(dict.fromkeys(keys))
        examples = [regimens[keys.index(key)] for key in schedules]
        looks = [moments(r, self.horizon, self.shape) for r in examples]
        times = _stacked_times([look.times for look in looks])
        union = np.unique(np.concatenate([look.times for look in looks]))
        loads = sorted({r.loading_duration for r in regimens if r.loading is not None})

        base = self._base(union)
        shared = [(r.doses(self.now, self.horizon, self.target, 1.0), t) for r, t in zip(examples, times, strict=True)]
        unit = self._units(shared, times, looks)
        dose_now = [((GivenDose(self.now, 1.0, d, self.target),), union) for d in loads]
        load = self._units(dose_now, np.tile(union, (len(loads), 1)), [looks[0]] * len(loads)) if loads else []
        found = []
        for m in range(len(self.twins)):
            bases = [_narrow(base[m], look) for look in looks]
            extra = {
                (s, d): _narrow(load[m][k], looks[s]) for s in range(len(looks)) for k, d in enumerate(loads)
                if schedules[s][2] and schedules[s][3] == d
            }  # fmt: skip
            row = []
            for r, key in zip(regimens, keys, strict=True):
                s = schedules.index(key)
                parts = [(1.0, bases[s]), (r.dose, unit[m][s])]
                if r.loading is not None:
                    parts.append((r.loading, extra[s, r.loading_duration]))
                row.append(Course(tuple(parts)))
            found.append(row)
        return found

    def _base(self, union: np.ndarray) -> list[Curves]:
        histories = []
        for twin in self.twins:
            given = self.given(twin)
            origin = min((d.time for d in given), default=self.now)
            history = twin.history(doses=given, times=self.now + union, samples=False, start=min(origin, self.now))
            histories.append([history])
        look = Moments(((0.0, 0.0),) * 3, (0.0, 0.0), (0.0, 0.0), union, union)
        return [row[0] for row in self._read(histories, union[None], [look])]

    def _units(
        self, schedules: Sequence[tuple[tuple[GivenDose, ...], np.ndarray]], times: np.ndarray, looks: Sequence[Moments]
    ) -> list[list[Curves]]:
        # The rows of a schedule are the same for every model; only the parameters' context differs.
        end = self.now + self.horizon
        whole = [t.history(doses=(), times=(end,), samples=False, start=self.now).contexts for t in self.twins]
        constant = all(len(c.occasion) == 1 for c in whole)
        histories = []
        for twin, contexts in zip(self.twins, whole, strict=True):
            if constant and histories:
                histories.append([h._replace(contexts=contexts) for h in histories[0]])
                continue
            known = contexts if constant else None  # else something changes after now: a covariate of a later time
            histories.append([
                twin.history(doses=d, times=self.now + at, samples=False, start=self.now, contexts=known)
                for d, at in schedules
            ])  # fmt: skip
        return self._read(histories, times, looks)

    def _read(self, histories: list[list[History]], times: np.ndarray, looks: Sequence[Moments]) -> list[list[Curves]]:
        """Curves [models][courses] of histories [models][courses], read at times [courses, T] after now."""
        count, courses = len(histories), len(histories[0])
        size = small_bucket(courses)
        flat = stack([h for row in histories for h in [*row, *[row[-1]] * (size - courses)]])
        many = jax.tree.map(lambda leaf: leaf.reshape(count, size, *leaf.shape[1:])[self.padding], flat)
        many = jax.tree.map(lambda leaf: np.swapaxes(leaf, 0, 1), many)
        wide = _wide(np.concatenate([times, np.repeat(times[-1:], size - courses, axis=0)]))
        theta = self.theta[self.padding]
        level, effect, area = (
            np.asarray(part) for part in _read_compiled(self.models, theta, many, self.now + wide, np.asarray(self.now))
        )
        return [
            [
                Curves(look, t, level[i, m][:, :n], effect[i, m][:, :n], area[i, m][:, :n])
                for i, look in enumerate(looks)
                for t, n in [_own(times[i])]
            ]
            for m in range(count)
        ]


def _stacked_times(times: Sequence[np.ndarray]) -> np.ndarray:
    """Times [courses, T]; shorter lists repeat their last time."""
    longest = max(len(t) for t in times)
    return np.stack([np.concatenate([t, np.repeat(t[-1:], longest - len(t))]) for t in times])


def _wide(times: np.ndarray) -> np.ndarray:
    extra = bucket(times.shape[1]) - times.shape[1]
    return np.concatenate([times, np.repeat(times[:, -1:], extra, axis=1)], axis=1)


def _own(times: np.ndarray) -> tuple[np.ndarray, int]:
    """A list of times without its padding, and its length."""
    n = int(np.searchsorted(times, times[-1])) + 1
    return times[:n], n


def _narrow(curves: Curves, look: Moments) -> Curves:
    """The same curves at the times of one schedule."""
    columns = np.searchsorted(curves.times, look.times - 1e-9)
    return Curves(look, look.times, curves.level[:, columns], curves.effect[:, columns], curves.area[:, columns])


def follow(twin: DosingTwin, regimen: Regimen, now: float) -> DosingTwin:
    """The twin with those covariates that a regimen itself sets, such as the total daily dose of lithium."""
    if "TDD" not in twin.covariates:
        return twin
    old = twin.covariates["TDD"]
    daily = regimen.per_day / twin.drug.dose.label_factor
    kept = [(t, v) for t, v in zip(old.times, old.values, strict=True) if t < now]
    times, values = zip(*kept, (now, daily), strict=True)
    return replace(twin, covariates=twin.covariates | {"TDD": Series(times, values, old.rule)})


@program
def _read_compiled(models: Any, theta: Array, histories: History, wanted: Array, now: Array) -> tuple[Array, ...]:
    """Level, effect and area [R, M, N, T]; histories are [R, M, ...], wanted times [R, T]."""

    def course(pair: tuple[History, Array]) -> tuple[Array, ...]:
        rows, times = pair

        def of_model(model: Any, draws: Array, history: History) -> tuple[Array, ...]:
            return jax.vmap(partial(_columns, model, history, times, now))(draws)

        return jax.vmap(of_model)(models, theta, rows)

    # As many courses at once as fit in the processor's caches and memory; the rest in turn.
    values = theta.shape[0] * theta.shape[1] * histories.time.shape[-1]
    return jax.lax.map(course, (histories, wanted), batch_size=max(1, MOST_VALUES // values))


def _columns(model: Any, history: History, times: Array, now: Array, theta: Array) -> tuple[Array, ...]:
    outcome = run(model, theta, history)
    # The first row at a time is the one before a dose of that moment: a trough is a trough.
    rows = jnp.searchsorted(outcome.time, jnp.append(times, now) - 1e-9)
    rows = jnp.clip(rows, 0, outcome.time.shape[0] - 1)
    area = jnp.cumsum(outcome.exposure)[rows]
    predicted = outcome.predicted[rows]
    effect = predicted[:-1, -1] if predicted.shape[-1] > 1 else jnp.full(times.shape, jnp.nan)
    return predicted[:-1, 0], effect, area[:-1] - area[-1]
