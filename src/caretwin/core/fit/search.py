"""Finds the optima of many subjects at once: Newton from the best of many starts, the slow ones finished together."""

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caretwin.core.fit.halves import in_halves
from caretwin.core.fit.newton import GRADIENT_TOLERANCE, Optimum, minimise
from caretwin.core.fit.objective import objective
from caretwin.core.history import History
from caretwin.core.model import MEASURED, Model
from caretwin.core.program import program

CANDIDATES = 24  # starts whose objective is looked at
REFINED = 3  # of these, the best that Newton is run from
# Lag times and estimated durations fold the surface at every sample: one valley on each side of each fold.
CANDIDATES_WITH_KINKS = 120
REFINED_WITH_KINKS = 10
THE_SAME = 1e-3  # prior standard deviations; two searches that end closer than this have found one optimum
FIRST_STEPS = 8  # enough for most searches; the others are gathered and finished together
MOST_STEPS = 60
FEW_SUBJECTS = 16  # up to here the slow searches are finished in a batch of the first one's shape
ACCEPTED_GRADIENT = 1e-4  # prior standard deviations; what integrated models reach, and far below any decision


class Mode(NamedTuple):
    """The most probable theta [d] of one subject, with what was found around it; see :class:`Fit`."""

    theta: Float[Array, " d"]
    hessian: Float[Array, "d d"]
    ofv: Float[Array, ""]
    gradient: Float[Array, ""]
    converged: Array
    optima: Optimum


def modes(models: Model, histories: History, starts: int) -> Mode:
    """Newton from the best few starts of every subject; the slow searches are then finished together."""
    if histories.doses is not None:
        starts = max(starts, CANDIDATES_WITH_KINKS)

    def first(subjects: tuple[Model, History]) -> Optimum:
        z = _choose_starts(*subjects, starts)
        found: Optimum = _newton(*subjects, z, np.zeros(z.shape), FIRST_STEPS, GRADIENT_TOLERANCE)
        return found

    optima = jax.tree.map(np.array, in_halves(first, (models, histories)))
    subject, place = np.nonzero(~optima.converged)
    if subject.size:
        unfinished = optima.z[subject, place]
        finished = search((models, histories), subject, unfinished, np.zeros(unfinished.shape), MOST_STEPS)
        for old, new in zip(optima, finished, strict=True):
            old[subject, place] = new
    return _best(models, histories, optima)


def search(
    stacked: tuple[Model, History],
    subject: np.ndarray,
    z: np.ndarray,
    across: np.ndarray,
    most_steps: int,
    tolerance: float = GRADIENT_TOLERANCE,
) -> Optimum:
    """Newton for any number of searches, leaves [K, ...], in the shapes that are compiled already.

    subject, z, across   [K], [K, d], [K, d]: whose search it is, where it starts and what it does not move along
    """
    size = len(stacked[1].time)
    few = size <= FEW_SUBJECTS
    width = (REFINED if stacked[1].doses is None else REFINED_WITH_KINKS) if few else 1
    packs = _packs(subject, width)
    rows = size if few else max(FEW_SUBJECTS, size // 8)
    found: Any = None
    for first in range(0, len(packs), rows):
        batch = np.resize(packs[first : first + rows], (rows, width))
        model, history = jax.tree.map(lambda leaf, i=subject[batch[:, 0]]: np.asarray(leaf)[i], stacked)
        done = _newton(model, history, z[batch], across[batch], most_steps, tolerance)
        if found is None:
            found = jax.tree.map(lambda leaf: np.zeros((len(z), *leaf.shape[2:]), leaf.dtype), done)
        for old, new in zip(found, done, strict=True):
            old[batch] = np.asarray(new)
    return found


def _packs(subject: np.ndarray, width: int) -> np.ndarray:
    """Places [P, width] of the searches in rows of one subject each; a row that is not full repeats its last."""
    rows = []
    for one in dict.fromkeys(subject.tolist()):
        mine = np.flatnonzero(subject == one)
        for first in range(0, len(mine), width):
            part = mine[first : first + width]
            rows.append(np.concatenate([part, np.repeat(part[-1:], width - len(part))]))
    return np.stack(rows)


@program(static=(2,))
def _choose_starts(models: Model, histories: History, starts: int) -> Array:
    return eqx.filter_vmap(partial(_starts_of_one, starts=starts))(models, histories)


def _starts_of_one(model: Model, history: History, starts: int) -> Array:
    """The prior's mode and the most probable of a fixed set of points [R, d]."""
    candidates = jnp.asarray(_start_points(model.prior.mean.shape[0], starts))
    values = jax.vmap(lambda z: objective(model, z, history)[0])(candidates)
    values = jnp.where(jnp.isfinite(values), values, jnp.inf).at[0].set(-jnp.inf)
    return candidates[jnp.argsort(values)[: REFINED if history.doses is None else REFINED_WITH_KINKS]]


@program
def _newton(models: Model, histories: History, z: Array, across: Array, most_steps: Array, tolerance: Array) -> Optimum:
    def of_one(model: Model, history: History, starts: Array, across: Array) -> Optimum:
        search = partial(minimise, model, history=history, most_steps=most_steps, tolerance=tolerance)
        return jax.vmap(lambda start, normal: search(z=start, across=normal))(starts, across)

    return eqx.filter_vmap(of_one)(models, histories, z, across)


def _best(models: Any, histories: History, optima: Optimum) -> Mode:
    """The distinct optima of every subject, the lowest first, and the lowest as its mode."""
    kept = np.stack([_distinct(value, z) for value, z in zip(optima.value, optima.z, strict=True)])
    optima = jax.tree.map(
        lambda leaf: np.take_along_axis(leaf, kept.reshape(kept.shape + (1,) * (leaf.ndim - 2)), 1), optima
    )
    steepest = np.max(np.abs(optima.gradient[:, 0]), axis=1)
    prior = models.prior
    theta = np.asarray(prior.mean) + np.einsum("sij,sj->si", np.asarray(prior.cholesky), optima.z[:, 0])
    count = np.sum(np.asarray(histories.y.kind) == MEASURED, axis=(1, 2))
    ofv = 2.0 * np.asarray(optima.value[:, 0]) - count * np.log(2 * np.pi)
    return Mode(theta, optima.hessian[:, 0], ofv, steepest, steepest < ACCEPTED_GRADIENT, optima)


def _distinct(value: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Places of the best optima [REFINED] of one subject; one that repeats a better one comes after all others."""
    value = np.where(np.isfinite(value), value, np.inf)
    order = np.argsort(value, kind="stable")
    near = np.max(np.abs(z[order][:, None] - z[order][None]), axis=2) < THE_SAME
    repeats = np.any(near & np.tri(len(order), k=-1, dtype=bool), axis=1)
    return order[np.argsort(repeats, kind="stable")][:REFINED]


def _start_points(d: int, count: int) -> np.ndarray:
    """Starts [count, d] in prior standard deviations: the centre, both ways along each axis, then scattered points."""
    axes = np.concatenate([np.eye(d), -np.eye(d)])
    scattered = np.random.Generator(np.random.PCG64(20181)).standard_normal((max(count, 1), d))
    return np.concatenate([np.zeros((1, d)), axes, scattered])[: max(count, 1 + 2 * d)]
