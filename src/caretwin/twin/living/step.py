"""One step of a living twin, and a compiled program that takes many steps of many twins in one call.

The program works through a list of jobs: each names a twin of the group and one row of data, and steps that twin. A
whole ward at its minute is a list with one job per twin; the replay of one twin is a list with many jobs of that one.
The machine code is the same for both, so a twin that is replayed has the same numbers, to the last bit, as one that
was never late.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from caretwin.core import luck
from caretwin.core.ensemble import Ensemble
from caretwin.core.ensemble_kalman import KalmanSettings, begin, move
from caretwin.core.filter import Info
from caretwin.core.program import program
from caretwin.twin.bedside_twin import LONGEST_GAP_H, SETTLE_H, Scatter, assimilated

TOGETHER = 16
"""Twins in a group: the arrays of a call stay in the processor's cache (measured)."""
JOBS = 32
"""Rows of data in a call, at most: a call is over in some 30 ms, so that whoever comes meanwhile waits no longer."""


class State(NamedTuple):
    """A twin after its last row: all that the next step needs, and nothing else.

    subject   number of its luck; body  what does not change; scatter  how far this person's data lie from what is
              expected
    left_out  rows at the end that were left out, because the numbers after them would not have been finite
    begun     minute at which the twin was begun anew because of that, -1 for never
    """

    ensemble: Ensemble
    scatter: Scatter
    body: Any
    subject: Int[Array, ""]
    left_out: Int[Array, ""]
    begun: Int[Array, ""]


class Jobs(NamedTuple):
    """Rows of data, each for the twin in a slot of the group; only the first ``count`` are done.

    slot [J]; settings leaves [J]; value, kind [J, C]; time [J] h
    """

    slot: Int[Array, " J"]
    settings: Any
    value: Float[Array, "J C"]
    kind: Int[Array, "J C"]
    time: Float[Array, " J"]


@program(static=(1,))
def born(model: Any, settings: KalmanSettings, key: Array, body: Any, u: Any, t: Any, subject: Any) -> State:
    """The twin of a person before the first datum, which is of hour t: the prior, settled under the first settings."""
    ensemble = begin(model, settings, key, body, t - SETTLE_H, subject)
    ensemble, _ = move(model, key, subject, ensemble, u, body, t)
    nothing = jnp.zeros(len(model.channel_names))
    return State(ensemble, Scatter(nothing, nothing, nothing), body, subject, jnp.asarray(0), jnp.asarray(-1))


@program(static=(1,), used_up=(3,))
def advanced(
    model: Any, settings: KalmanSettings, key: Array, group: State, jobs: Jobs, count: Any
) -> tuple[State, Info, Int[Array, " J"]]:
    """The group after its jobs, in their order; what each datum said, Info with an axis of jobs; and how many rows in a
    row had been left out of the twin of each job after it.

    group  leaves [K, ...]; it is used up: its memory becomes that of the answer
    """

    def one(number: Array, carry: tuple[State, Info, Array]) -> tuple[State, Info, Array]:
        group, infos, left_out = carry
        slot = jobs.slot[number]
        state = jax.tree.map(lambda leaf: leaf[slot], group)
        row = jax.tree.map(lambda leaf: leaf[number], jobs)
        state, info = step(model, settings, key, state, row)
        group = jax.tree.map(lambda leaf, new: leaf.at[slot].set(new), group, state)
        infos = jax.tree.map(lambda leaf, new: leaf.at[number].set(new), infos, info)
        return group, infos, left_out.at[number].set(state.left_out)

    first = jax.tree.map(lambda leaf: leaf[0], (group, jobs))
    shapes = jax.eval_shape(lambda state, row: step(model, settings, key, state, row)[1], *first)
    infos = jax.tree.map(lambda s: jnp.zeros((len(jobs.slot), *s.shape), s.dtype), shapes)
    nothing = jnp.zeros(len(jobs.slot), group.left_out.dtype)
    return jax.lax.fori_loop(0, count, one, (group, infos, nothing))  # type: ignore[no-any-return]


def step(model: Any, settings: KalmanSettings, key: Array, state: State, row: Jobs) -> tuple[State, Info]:
    """A twin after one row of data: a pure function of the twin and the row.

    A row after which a number would not be finite is left out: the twin stays what it was, and counts it.
    """
    gap = jnp.minimum(row.time - state.ensemble.t, LONGEST_GAP_H)  # after a longer silence it has forgotten that day
    before = state.ensemble._replace(t=row.time - gap)
    ensemble, _, info, scatter = assimilated(
        model, settings, key, state.body, before, None, row.settings, row.value, row.kind, row.time, -1, state.subject,
        state.scatter,
    )  # fmt: skip
    fine = finite(ensemble, scatter)
    new = jax.tree.map(
        lambda after, same: jnp.where(fine, after, same), (ensemble, scatter), (state.ensemble, state.scatter)
    )
    left_out = jnp.where(fine, 0, state.left_out + 1)
    return State(*new, state.body, state.subject, left_out, state.begun), info


def finite(ensemble: Ensemble, scatter: Scatter) -> Any:
    """Whether every number of a twin is finite; a weight may be nothing (a log of minus infinity), not all of them."""
    numbers = [leaf for leaf in jax.tree.leaves((ensemble.theta, ensemble.x, ensemble.t, scatter))]
    fine = [jnp.all(jnp.isfinite(leaf)) for leaf in numbers if jnp.issubdtype(leaf.dtype, jnp.floating)]
    weights = jnp.isfinite(jnp.max(ensemble.logw)) & ~jnp.any(jnp.isnan(ensemble.logw))
    return jnp.all(jnp.stack([*fine, weights]))


def sound(state: State) -> bool:
    """As :func:`finite`, of a state that is at hand, without a compiled program."""
    ensemble, scatter = state.ensemble, state.scatter
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves((ensemble.theta, ensemble.x, ensemble.t, scatter))]
    weights = np.asarray(ensemble.logw)
    fine = all(bool(np.isfinite(leaf).all()) for leaf in leaves if np.issubdtype(leaf.dtype, np.floating))
    return fine and bool(np.isfinite(weights.max())) and not bool(np.isnan(weights).any())


def subject_number(key: str) -> Any:
    """The number by which a subject's luck is addressed."""
    return luck.subject_number(key)
