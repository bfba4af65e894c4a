"""Takes in the levels of many patients one after the other, and forecasts each from those before it.

Particles of the static parameters are weighted by each new level; when their effective number falls below half, the
level is taken in by parts (tempering), the particles are resampled and moved. This is the iterated batch importance
sampling of Chopin, Biometrika 2002;89:539-552, doi:10.1093/biomet/89.3.539, with the adaptive ladder of Del Moral,
Doucet & Jasra 2006, doi:10.1111/j.1467-9868.2006.00553.x. One pass over a record gives the posterior before every
level, where a fit before each would start anew; a test holds the two against one another.

Series of one structure share one compiled program in groups of one size. What a series' particles do depends on its
own levels so far and its own luck only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from caretwin.base.random import stable_hash, streams
from caretwin.core.fit.posterior import stack_models
from caretwin.core.history import History, bucket, pad_contexts, pad_doses, pad_rows, small_bucket
from caretwin.review.forecasting.particles import Cloud, Target, moved
from caretwin.review.forecasting.predictive import Predictive, measurements, spread
from caretwin.review.forecasting.series import Series, Step

GROUP = 4  # series that are moved at once: few need it at the same time
MOST_SERIES = 256  # in memory at once
MOVES = 5
LEAST_SHARE = 0.5  # effective number of particles, as a share of all, below which they are resampled and moved
RELIABLE = 50.0  # effective number of particles from which a forecast is trusted
WORTH_A_PROGRAM = 20_000  # rows: running fewer than this costs less time than compiling another program
MOST_PARTS = 40  # of one level that is taken in
Numbers = NDArray[np.float64]
Progress = Callable[[int], None]


@dataclass
class _State:
    """The particles of one series: z, predicted levels, densities [N, ...], log weights [N], and what was seen."""

    series: Series
    place: int
    typical: Numbers
    prior_level: Numbers
    prior_density: Numbers
    z: Numbers
    level: Numbers
    density: Numbers
    logw: Numbers
    seen: set[int]
    evidence: float = 0.0


def forecast_all(
    every: Sequence[Series], key: Array, *, draws: int, progress: Progress = lambda done: None
) -> list[list[tuple[Step, Predictive]]]:
    """Every step of every series with its predictive distribution, in the order of the series.

    draws     particles per series
    progress  told how many more levels are done
    """
    found: list[list[tuple[Step, Predictive]]] = [[] for _ in every]
    for places in _batches(every):
        batch = _Batch([every[i] for i in places], key, draws)
        for i, steps in zip(places, batch.run(progress), strict=True):
            found[i] = steps
    return found


def _batches(every: Sequence[Series]) -> list[list[int]]:
    """Places of the series that share a program: one structure, and one or two sizes."""
    groups: dict[Any, list[tuple[int, int]]] = {}
    for i, one in enumerate(every):
        structure = (jax.tree.structure(one.model), one.history.doses is None)
        groups.setdefault(structure, []).append((_rows(one.history), i))
    parts = [part for sizes in groups.values() for part in _by_size(sorted(sizes))]
    return [part[i : i + MOST_SERIES] for part in parts for i in range(0, len(part), MOST_SERIES)]


def _by_size(order: list[tuple[int, int]]) -> list[list[int]]:
    """In two parts when that saves enough work to be worth a compilation."""
    places = [place for _, place in order]
    whole = len(order) * bucket(order[-1][0])
    cuts = [k for k in range(1, len(order)) if bucket(order[k - 1][0]) < bucket(order[k][0])]
    work = {k: k * bucket(order[k - 1][0]) + (len(order) - k) * bucket(order[-1][0]) for k in cuts}
    best = min(work, key=lambda k: work[k], default=0)
    return [places] if not best or whole - work[best] < WORTH_A_PROGRAM else [places[:best], places[best:]]


def _rows(history: History) -> int:
    """Rows that are run through: those of the history, and two for each dose that a parameter places in time."""
    return len(history.time) + 2 * _doses(history)


def _doses(history: History) -> int:
    return 0 if history.doses is None else len(history.doses.time)


def _contexts(history: History) -> int:
    return int(jax.tree.leaves(history.contexts)[0].shape[0])


class _Batch:
    """Series of one structure, padded to one size."""

    def __init__(self, every: Sequence[Series], key: Array, draws: int) -> None:
        self.every, self.draws = list(every), draws
        rows = bucket(max(len(one.history.time) for one in every))
        contexts = small_bucket(max(_contexts(one.history) for one in every))
        doses = small_bucket(max(_doses(one.history) for one in every))
        even = [pad_doses(pad_contexts(pad_rows(one.history, rows), contexts), doses) for one in every]
        self.histories = jax.tree.map(lambda *leaves: np.stack(leaves), *even)
        self.models = stack_models([one.model for one in every]).simplified(self.histories)
        self.samples = small_bucket(max(one.levels for one in every))
        self.size = min(GROUP, small_bucket(len(every)))
        self.keys = streams(key, "forecast", [one.name for one in every])
        self.effects = int(every[0].model.prior.mean.shape[0])

    def run(self, progress: Progress) -> list[list[tuple[Step, Predictive]]]:
        """Step by step through all series together: take in what has become known, then forecast."""
        states = self._start()
        found: list[list[tuple[Step, Predictive]]] = [[] for _ in states]
        for number in range(max(len(state.series.steps) for state in states)):
            here = [state for state in states if number < len(state.series.steps)]
            self._take_in(here, number)
            for state, one in zip(here, _forecasts(here, number), strict=True):
                found[state.place].append((state.series.steps[number], one))
            progress(len(here))
        return found

    def _start(self) -> list[_State]:
        """Particles from the prior; the first of them, the typical person, is taken out again."""
        count, shape = self.draws + 1, (self.draws + 1, self.samples)
        draw = jax.jit(jax.vmap(lambda key: jax.random.normal(key, (count, self.effects))))
        z = np.array(draw(_folded(self.keys, 0)))
        z[:, 0] = 0.0
        empty = np.zeros((len(self.every), *shape))
        cloud, _ = self._moved(range(len(self.every)), Cloud(z, empty, empty), self._anywhere(), 0, compute=True)
        equal = np.full(count, -np.log(self.draws))
        equal[0] = -np.inf  # it stays in the cloud, so that all clouds have one size, but counts for nothing
        return [
            _State(
                one, i, cloud.level[i, 0], cloud.level[i, 1:], cloud.log_density[i, 1:],
                cloud.z[i], cloud.level[i], cloud.log_density[i], equal.copy(), set(),
            )
            for i, one in enumerate(self.every)
        ]  # fmt: skip

    def _anywhere(self) -> Target:
        count, d = len(self.every), self.effects
        return Target(
            np.zeros((count, self.samples)), np.zeros((count, d)), np.broadcast_to(np.eye(d), (count, d, d)).copy()
        )

    def _moved(
        self, places: Sequence[int], cloud: Cloud, target: Target, turn: int, *, compute: bool = False
    ) -> tuple[Cloud, Numbers]:
        """The clouds [S, ...] of the series at ``places`` after moves, group by group."""
        places = np.asarray(places)
        keys = _folded(self.keys, turn + 1)
        found = []
        for first in range(0, len(places), self.size):
            inside = np.arange(first, min(first + self.size, len(places)))
            inside = np.concatenate([inside, np.repeat(inside[-1:], self.size - len(inside))])
            rows = places[inside]
            pick = lambda leaf, rows=rows: np.asarray(leaf)[rows]  # noqa: E731
            models, histories = jax.tree.map(pick, (self.models, self.histories))
            mine = jax.tree.map(lambda leaf, i=inside: leaf[i], (cloud, target))
            moves = np.asarray(-1 if compute else MOVES, dtype=np.int32)
            found.append(jax.tree.map(np.asarray, moved(models, histories, *mine, keys[rows], moves)))
        whole, accepted = jax.tree.map(lambda *leaves: np.concatenate(leaves)[: len(places)], *found)
        return whole, accepted

    def _take_in(self, states: Sequence[_State], number: int) -> None:
        """Weight by the levels that have become known since the last step; resample and move where needed."""
        fresh = {s.place: [i for i in s.series.steps[number].seen if i not in s.seen] for s in states}
        left = {s.place: 1.0 for s in states if fresh[s.place]}
        for part in range(MOST_PARTS):
            waiting = [s for s in states if s.place in left]
            if not waiting:
                return
            tired = []
            for state in waiting:
                share = _reweighted(state, fresh[state.place], left[state.place], last=part == MOST_PARTS - 1)
                left[state.place] -= share
                if left[state.place] <= 0:
                    del left[state.place]
                    state.seen |= set(fresh[state.place])
                if _ess(state.logw) < LEAST_SHARE * self.draws * 1.01:
                    tired.append(state)
            if tired:
                self._refresh(tired, fresh, left, 1000 * (number + 1) + part)

    def _refresh(
        self, states: Sequence[_State], fresh: dict[int, list[int]], left: dict[int, float], turn: int
    ) -> None:
        seen = np.zeros((len(states), self.samples))
        means, spreads, chosen = [], [], []
        for row, state in enumerate(states):
            seen[row, list(state.seen)] = 1.0
            if state.place in left:
                seen[row, fresh[state.place]] = 1.0 - left[state.place]
            weights = np.exp(state.logw - state.logw.max())
            weights /= weights.sum()
            mean = weights @ state.z
            offset = state.z - mean
            means.append(mean)
            spreads.append((weights[:, None] * offset).T @ offset)
            chosen.append(_systematic(weights))
        old = Cloud(
            *(
                np.stack([getattr(state, name)[index] for state, index in zip(states, chosen, strict=True)])
                for name in ("z", "level", "density")
            )
        )
        target = Target(seen, np.stack(means), np.stack(spreads))
        cloud, _ = self._moved([state.place for state in states], old, target, turn)
        for row, state in enumerate(states):
            state.z, state.level, state.density = cloud.z[row], cloud.level[row], cloud.log_density[row]
            state.logw = np.full(len(state.logw), -np.log(len(state.logw)))


@jax.jit
def _folded(keys: Array, turn: int) -> Array:
    return jax.vmap(lambda key: jax.random.fold_in(key, turn))(keys)


def _reweighted(state: _State, fresh: list[int], most: float, *, last: bool) -> float:
    """Weight by as much of the new levels as keeps half of the particles; returns how much that was."""
    new = state.density[:, fresh].sum(axis=1)
    enough = LEAST_SHARE * np.isfinite(state.logw).sum()
    share = most
    if not last and _ess(_times(state.logw, new, most)) < enough and _ess(state.logw) >= enough:
        low, high = 0.0, most
        for _ in range(30):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if _ess(_times(state.logw, new, middle)) >= enough else (low, middle)
        share = max(low, 1e-6)
    logw = _times(state.logw, new, share)
    total = _logsumexp(logw)
    if not np.isfinite(total):  # no particle can explain the level: it is left out, and the evidence says so
        state.evidence = -np.inf
        return most
    state.evidence += float(total - _logsumexp(state.logw))
    state.logw = logw - total
    return share


def _times(logw: Numbers, new: Numbers, exponent: float) -> Numbers:
    """Log weights times a density to a power; without weight stays without weight."""
    alive = np.isfinite(logw) & np.isfinite(new)
    return np.where(alive, logw + exponent * np.where(alive, new, 0.0), -np.inf)


def _logsumexp(values: Numbers) -> float:
    top = values.max()
    return float(top + np.log(np.exp(values - top).sum())) if np.isfinite(top) else float(top)


def _ess(logw: Numbers) -> float:
    if not np.isfinite(logw.max()):
        return 0.0
    weights = np.exp(logw - logw.max())
    return float(weights.sum() ** 2 / (weights**2).sum())


def _systematic(weights: Numbers) -> NDArray[np.intp]:
    cumulative = np.cumsum(weights)
    places = np.searchsorted(cumulative / cumulative[-1], (np.arange(len(weights)) + 0.5) / len(weights))
    return np.minimum(places, len(weights) - 1)


def _forecasts(states: Sequence[_State], number: int) -> list[Predictive]:
    """The predictive distributions of one step of many series."""
    steps = [state.series.steps[number] for state in states]
    prior = np.stack([spread(s.prior_level[:, t.place], np.ones(len(s.prior_level))) for s, t in _both(states, steps)])
    level = np.stack([spread(s.level[:, t.place], _weights(s.logw)) for s, t in _both(states, steps)])
    extra = small_bucket(len(states)) - len(states)  # so that another number of series needs no other program
    models = [s.series.model for s in states] + [states[-1].series.model] * extra
    channels = [t.channel for t in steps] + [0] * extra
    padded = [np.concatenate([one, np.repeat(one[-1:], extra, axis=0)]) for one in (prior, level)]
    drawn = [
        measurements(models, channels, values, [_luck(s, number, which) for s in (*states, *[states[-1]] * extra)])
        for which, values in enumerate(padded)
    ]
    return [
        _shown(state, step, prior[i], drawn[0][i], level[i], drawn[1][i])
        for i, (state, step) in enumerate(_both(states, steps))
    ]


def _both(states: Sequence[_State], steps: Sequence[Step]) -> list[tuple[_State, Step]]:
    return list(zip(states, steps, strict=True))


def _weights(logw: Numbers) -> Numbers:
    weights: Numbers = np.exp(logw - logw.max())
    return weights


def _luck(state: _State, number: int, which: int) -> np.random.Generator:
    address = [stable_hash(state.series.name) % 2**63, number, which]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(address)))


def _shown(
    state: _State, step: Step, prior: Numbers, prior_next: Numbers, level: Numbers, following: Numbers
) -> Predictive:
    """In the unit of the record; densities are then per that unit."""
    series, at = state.series, step.place
    per_unit = np.log(step.factor) if series.measured[at] else 0.0
    ess = _ess(state.logw)
    seen = sum(np.log(series.factors[i]) for i in state.seen if series.measured[i])
    score = _logsumexp(_times(state.logw, state.density[:, at], 1.0)) - _logsumexp(state.logw)
    before = _logsumexp(state.prior_density[:, at]) - np.log(len(state.prior_density))
    return Predictive(
        typical=float(state.typical[at]) * step.factor,
        prior=prior * step.factor,
        prior_next=prior_next * step.factor,
        level=level * step.factor,
        next=following * step.factor,
        log_score=score - per_unit,
        prior_log_score=before - per_unit,
        log_evidence=state.evidence - seen,
        ess=ess,
        reliable=ess >= RELIABLE and bool(np.isfinite(state.evidence)),
    )
