"""Many settings tried on one bedside twin: the same particles with the same luck, every setting, every time, in one
program.

What staff aim for (the channels that say which oxygen pressure somebody steers to) has no place in a what-if: here
the settings
are given, and only physiology answers.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caretwin.core import luck
from caretwin.core.ensemble_kalman import relax
from caretwin.core.program import program
from caretwin.twin.bedside_twin import BedsideTwin, Living
from caretwin.twin.registry import family

MINUTES = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
"""min after the change at which a what-if is read; at 0 only what follows at once (pressures) has changed.
Whoever asks for as many other times uses the same program."""
AT_ONCE = 0.02
"""min: the length of the first part, which lets pressures follow and leaves stores where they are."""
TOGETHER = (4, 50)
"""Settings in one call of a program: few, or many. What is asked for is filled up to one of them, or cut into several
calls of it, so that two programs do for every question."""
FEW = 8
"""Settings up to which calls of the smaller program are quicker than one of the larger: two cores work at once."""


class Outlook(NamedTuple):
    """What would be read [T, K, N, R] at ``minutes`` [T] under K settings, for N particles, by ``names`` [R]."""

    read: Float[np.ndarray, "T K N R"]
    minutes: tuple[float, ...]
    names: tuple[str, ...]

    def of(self, name: str) -> Float[np.ndarray, "T K N"]:
        """One quantity, by its name with unit, such as "plateau_pressure_cmH2O"."""
        return self.read[..., self.names.index(name)]

    def until(self, minutes: float) -> "Outlook":
        """The part up to so many minutes."""
        count = sum(m <= minutes + 1e-9 for m in self.minutes)
        return Outlook(self.read[:count], self.minutes[:count], self.names)


class Plan(NamedTuple):
    """Settings that hold until some minutes after now, and those afterwards (a bolus, then what ran before)."""

    first: Any
    until: float
    after: Any


def outlook(twin: BedsideTwin, living: Living, tried: Sequence[Any], minutes: tuple[float, ...] = MINUTES) -> Outlook:
    """What each of the settings would bring; the twin must have been brought to the time of the question.

    tried    settings of the model, each to hold from now on, or a :class:`Plan`
    minutes  rising, beginning at 0
    Particles and luck are the same for all: two equal settings differ by exactly 0.0. Single precision.

    Example: ``outlook(twin, living, [u, u._replace(peep=12.0)]).of("cardiac_output_L_per_min")[-1]``.
    """
    parts = np.diff(minutes, prepend=-AT_ONCE).astype(np.float32)
    parts[0] = AT_ONCE
    courses = [[_during(one, end) for end in minutes] for one in tried]
    together = TOGETHER[0] if len(courses) <= FEW else TOGETHER[-1]
    batches = [courses[i : i + together] for i in range(0, len(courses), together)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # a compiled program uses one core
        found = list(pool.map(lambda batch: _batch(twin, living, batch, parts, together), batches))
    names = family("physiology").read_ahead
    return Outlook(np.concatenate(found, axis=1), tuple(minutes), names)


def _during(tried: Any, end: float) -> Any:
    """The settings of the part that ends at this minute."""
    if isinstance(tried, Plan):
        return tried.first if end <= tried.until + 1e-9 else tried.after
    return tried


def _batch(twin: BedsideTwin, living: Living, batch: list[list[Any]], parts: np.ndarray, together: int) -> np.ndarray:
    filled = batch + [batch[0]] * (together - len(batch))
    in_time = zip(*filled, strict=True)
    rows = [jax.tree.map(lambda *leaves: np.asarray(leaves, dtype=np.float32), *row) for row in in_time]
    u = jax.tree.map(lambda *leaves: np.stack(leaves), *rows)
    ensemble = living.ensemble
    single = jax.tree.map(_single, (ensemble.theta, ensemble.x, living.body))
    read = _ahead(twin.model, twin.key, *single, u, parts, float(ensemble.t), living.subject)
    return np.asarray(read)[:, : len(batch)]


def _single(leaf: Any) -> Any:
    leaf = np.asarray(leaf)
    return leaf.astype(np.float32) if np.issubdtype(leaf.dtype, np.floating) else leaf


@program
def _ahead(
    model: Any, key: Array, theta: Any, x: Any, body: Any, u: Any, parts: Any, start: Any, subject: Any
) -> Array:
    """What is read [S, K, N, R] after each part, for settings u [S, K]."""
    ahead = family("physiology").ahead
    memory = jnp.asarray(model.memory_days, theta.dtype)
    count, settings = theta.shape[0], jax.tree.leaves(u)[0].shape[1]

    def step(carry: tuple[Any, Any, Any], part: tuple[Array, Any]) -> tuple[tuple[Any, Any, Any], Array]:
        theta, states, hours = carry
        minutes, u = part
        theta = relax(theta, minutes / 60.0, memory)
        hours = hours + minutes.astype(hours.dtype) / 60.0
        w = luck.centred_process_noise(key, subject, hours, count, model.noise_dimension, theta.dtype)

        def particle(theta: Array, x: Any, w: Array, u: Any) -> Any:
            return ahead(model, model.individual(theta, body), x, u, w, minutes)

        over_particles = jax.vmap(particle, in_axes=(0, 0, 0, None))
        later = jax.vmap(over_particles, in_axes=(None, 0, None, 0))(theta, states, w, u)
        return (theta, later.state, hours), later.read

    states = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (settings, *leaf.shape)), x)
    return jax.lax.scan(step, (theta, states, jnp.asarray(start, jnp.float64)), (parts, u))[1]
