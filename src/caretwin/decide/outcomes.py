"""What each regimen would do to this patient: every one simulated on the same draws from the posterior.

For linear drugs the response to one dose is simulated once, and base (what is already in the body) + dose x response of
the schedule + loading dose x its response then gives every regimen exactly. Other drugs are simulated regimen by
regimen. Models of one structure go through one compiled call.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from scipy.sparse import csr_array

from caretwin.core.events import GivenDose, Series
from caretwin.core.history import BUCKETS, History, bucket, stack
from caretwin.core.program import program
from caretwin.core.simulate import run
from caretwin.decide.batches import for_each_group, groups, padded, stacked
from caretwin.decide.curves import Course, Curves
from caretwin.decide.moments import Moments, moments
from caretwin.decide.regimen import NOTHING, Regimen
from caretwin.decide.superposition import Terms, superposition
from caretwin.twin.dosing import DosingTwin

MOST_VALUES = 4_000_000  # predictions held at once (32 MB)
# Rows and times come in few sizes, because loading one more program costs more than rows that stay empty.
SIZES_OF_SUMS = (64, 128, 512, 2048)


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

    def of_structure(places: list[int]) -> list[list[Course]]:
        group = _Group([twins[i] for i in places], [thetas[i] for i in places], now, horizon, shape)
        linear = all(_adds_up(twins[i], now, horizon) for i in places)
        return group.combined(regimens) if linear else group.one_by_one(regimens)

    found: dict[int, list[Course]] = {}
    for places, courses in for_each_group(of_structure, [twin.model for twin in twins]):
        found |= zip(places, courses, strict=True)
    return [found[i] for i in range(len(twins))]


def after_another_past(
    twins: Sequence[DosingTwin], thetas: Sequence[np.ndarray], courses: Sequence[Sequence[Course]], now: float
) -> list[list[Course]] | None:
    """The same courses [models][regimens] if other doses had been given before now; None if these do not add up."""
    if any(len(course.parts) == 1 for row in courses for course in row):
        return None
    found: list[list[Course]] = [[] for _ in twins]
    times = np.unique(np.concatenate([course.moments.times for row in courses for course in row]))
    for places in groups([twin.model for twin in twins]):
        group = _Group([twins[i] for i in places], [thetas[i] for i in places], now, float(times[-1]), True)
        for i, own in zip(places, group.base(times), strict=True):
            looks = {id(course.moments): course.moments for course in courses[i]}
            before = {key: own.narrowed(look) for key, look in looks.items()}
            found[i] = [Course(((1.0, before[id(c.moments)]), *c.parts[1:])) for c in courses[i]]
    return found


def _adds_up(twin: DosingTwin, now: float, horizon: float) -> bool:
    """Whether doses from now on act independently of each other and of when they are given."""
    if not twin.model.proportional or "TDD" in twin.covariates:
        return False
    ahead = twin.history(doses=(), times=(now + horizon,), samples=False, start=now)
    return len(jax.tree.leaves(ahead.contexts)[0]) == 1  # no covariate changes after now


class _Group:
    """Models of one structure: their draws [M, N, d], and what was given to this patient before now."""

    def __init__(
        self, twins: list[DosingTwin], thetas: list[np.ndarray], now: float, horizon: float, shape: bool
    ) -> None:
        self.twins, self.now, self.horizon, self.shape = twins, now, horizon, shape
        drug = twins[0].drug
        self.target = int(drug.structure.inputs.index(drug.dose.input))
        self.models, self.theta = stacked([t.model for t in twins]), np.stack(padded(thetas))

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
        """What is already in the body, and schedules and loading doses of 1, to be added up."""
        keys = [(r.interval, r.duration, r.loading is not None, r.loading_duration, r.start) for r in regimens]
        examples = {key: r for key, r in zip(keys, regimens, strict=True)}
        looks = {key: moments(r, self.horizon, self.shape) for key, r in examples.items()}
        asked = [(looks[key], r.doses(0.0, self.horizon, self.target, 1.0)) for key, r in examples.items()]
        loaded = [key for key in examples if key[2]]
        asked += [(looks[key], (GivenDose(0.0, 1.0, key[3], self.target),)) for key in loaded]
        base = self.base(np.unique(np.concatenate([look.times for look in looks.values()])))
        units = self._unit_responses(asked)
        found = []
        for own, unit in zip(base, units, strict=True):
            before = {key: own.narrowed(look) for key, look in looks.items()}
            schedule = dict(zip(examples, unit, strict=False))
            load = dict(zip(loaded, unit[len(examples) :], strict=True))
            found.append([
                Course((
                    (1.0, before[key]),
                    (r.dose, schedule[key]),
                    *(() if r.loading is None else ((r.loading, load[key]),)),
                ))
                for r, key in zip(regimens, keys, strict=True)
            ])  # fmt: skip
        return found

    def base(self, times: np.ndarray) -> list[Curves]:
        """What was given before now, if nothing else follows."""
        histories = []
        for twin in self.twins:
            given = self.given(twin)
            origin = min((d.time for d in given), default=self.now)
            history = twin.history(doses=given, times=self.now + times, samples=False, start=min(origin, self.now))
            histories.append([history])
        return [row[0] for row in self._read(histories, times[None], [_nothing_special(times)])]

    def _unit_responses(self, asked: Sequence[tuple[Moments, tuple[GivenDose, ...]]]) -> list[list[Curves]]:
        """Curves [models][asked] of doses (h after now) in an empty body, each read at its own moments."""
        drug = self.twins[0].drug
        instant = f"D{self.target + 1}" in drug.structure.parameters  # the model itself gives doses a duration
        pushed, infused = zip(*(superposition(doses, look.times, instant) for look, doses in asked), strict=True)
        endless = GivenDose(self.now, self.horizon, self.horizon, self.target)
        parts = [
            self._responses(dose, terms)
            for dose, terms in ((GivenDose(self.now, 1.0, 0.0, self.target), pushed), (endless, infused))
            if any(len(t.row) for t in terms)
        ]
        found = []
        for of_model in zip(*parts, strict=True):
            curves = []
            for (look, _), *pairs in zip(asked, *of_model, strict=True):
                level, area = (sum(values).T for values in zip(*pairs, strict=True))
                curves.append(Curves(look, look.times, level, np.full((1, len(look.times)), np.nan), area))
            found.append(curves)
        return found

    def _responses(self, dose: GivenDose, terms: Sequence[Terms]) -> list[list[tuple[np.ndarray, np.ndarray]]]:
        """Level and area [T, N], for [models][terms]: sums of the response to one dose at several ages."""
        ages, column = np.unique(np.concatenate([t.age for t in terms]), return_inverse=True)
        histories = [
            [twin.history(doses=(dose,), times=self.now + ages, samples=False, start=self.now)] for twin in self.twins
        ]
        edges = np.cumsum([0, *(t.times for t in terms)])
        row = np.concatenate([t.row + edge for t, edge in zip(terms, edges[:-1], strict=True)])
        factor = np.concatenate([t.factor for t in terms])
        matrix = csr_array((factor, (row, column)), shape=(edges[-1], len(ages)))
        return [
            [
                (level, area)
                for level, area in zip(
                    np.split(matrix @ c.level.T, edges[1:-1]), np.split(matrix @ c.area.T, edges[1:-1]), strict=True
                )
            ]
            for (c,) in self._read(histories, ages[None], [_nothing_special(ages)])
        ]

    def _read(self, histories: list[list[History]], times: np.ndarray, looks: Sequence[Moments]) -> list[list[Curves]]:
        """Curves [models][courses] of histories [models][courses], read at times [courses, T] after now."""
        courses = padded(list(zip(*padded(histories), strict=True)))  # [courses][models]
        sizes = SIZES_OF_SUMS if len(looks) == 1 else BUCKETS
        flat = stack([history for row in courses for history in row], sizes)
        count = len(courses[0])
        many = jax.tree.map(lambda leaf: leaf.reshape(-1, count, *leaf.shape[1:]), flat)
        wide = _wide(np.stack(padded(list(times))), sizes)
        level, effect, area = (
            np.asarray(part)
            for part in _read_compiled(self.models, self.theta, many, self.now + wide, np.asarray(self.now))
        )
        return [
            [
                Curves(look, t, level[i, m][:, :n], effect[i, m][:, :n], area[i, m][:, :n])
                for i, look in enumerate(looks)
                for t, n in [_own(times[i])]
            ]
            for m in range(len(self.twins))
        ]


def _stacked_times(times: Sequence[np.ndarray]) -> np.ndarray:
    """Times [courses, T]; shorter lists repeat their last time."""
    longest = max(len(t) for t in times)
    return np.stack([np.concatenate([t, np.repeat(t[-1:], longest - len(t))]) for t in times])


def _wide(times: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    extra = bucket(times.shape[1], sizes) - times.shape[1]
    return np.concatenate([times, np.repeat(times[:, -1:], extra, axis=1)], axis=1)


def _own(times: np.ndarray) -> tuple[np.ndarray, int]:
    """A list of times without its padding, and its length."""
    n = int(np.searchsorted(times, times[-1])) + 1
    return times[:n], n


def _nothing_special(times: np.ndarray) -> Moments:
    """Times that belong to no regimen."""
    return Moments(((0.0, 0.0),) * 3, (0.0, 0.0), (0.0, 0.0), times, times)


def follow(twin: DosingTwin, regimen: Regimen, now: float) -> DosingTwin:
    """The twin with those covariates that a regimen itself sets, such as the total daily dose of lithium."""
    if "TDD" not in twin.covariates or regimen == NOTHING:  # a clearance that rises with the dose stays as it was
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
