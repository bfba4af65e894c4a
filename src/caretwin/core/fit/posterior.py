"""The batch posterior of many subjects at once: optimum, Laplace, importance sampling, and a fallback when that fails.

Every subject's draws come from a stream of its own, so that one more subject changes no other. Subjects are padded to a
power of two and histories to a bucket: the compiled program depends on the model's structure and these sizes only.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from caretwin.base.random import stable_hash, stream
from caretwin.core.ensemble import Ensemble
from caretwin.core.fit import importance, tempering
from caretwin.core.fit.newton import GRADIENT_TOLERANCE, Optimum, minimise
from caretwin.core.fit.objective import objective, ofv, to_theta
from caretwin.core.fit.ridges import MOST_STEPS as RIDGE_STEPS
from caretwin.core.fit.ridges import NEAR_THE_CREST, with_ridges
from caretwin.core.history import History, measured, small_bucket, stack
from caretwin.core.model import Model
from caretwin.core.program import keeps, program
from caretwin.core.status import Status

CANDIDATES = 24  # starts whose objective is looked at
REFINED = 3  # of these, the best that Newton is run from
# Lag times and estimated durations fold the surface at every sample: one valley on each side of each fold.
CANDIDATES_WITH_KINKS = 120
REFINED_WITH_KINKS = 10
THE_SAME = 1e-3  # prior standard deviations; two searches that end closer than this have found one optimum
FIRST_STEPS = 8  # enough for most searches; the others are gathered and finished together
MOST_STEPS = 60
FEW_SUBJECTS = 16  # up to here the whole batch is run on: gathering the slow ones would cost another compilation
ACCEPTED_GRADIENT = 1e-4  # prior standard deviations; what integrated models reach, and far below any decision
LEAST_ESS = 50.0
CACHED_DRAWS = 64_000  # draws that are weighted at a time; measured: half as many or four times as many are slower


class Demand(NamedTuple):
    """How good a proposal must be: Pareto k at most, effective sample size at least (a share of the draws).

    Below the first pair places along the ridges are added to the proposal, below the second the fallback is used.
    """

    ridge_k: float
    ridge_share: float
    fallback_k: float
    fallback_share: float


# Who asks for many draws asks for precision: between k = .4 and the .7 that is commonly allowed (Vehtari et al. 2024),
# spreads were seen to be wrong by a tenth, more than 4,000 draws scatter. With fewer that would only cost time.
FEW_DRAWS = 4000
QUICK, PRECISE = Demand(0.5, 0.25, 0.7, 0.05), Demand(0.3, 0.55, 0.4, 0.1)


class Fit(NamedTuple):
    """Posterior of one subject, or of many with a leading axis S.

    ensemble      weighted draws of theta [N, d] with the state at the end of the history
    mode          [d]     most probable theta (maximum a posteriori)
    hessian       [d, d]  of the objective at the mode, in prior standard deviations (the prior alone: identity)
    ofv           []      NONMEM's objective function value at the mode
    gradient      []      largest absolute component at the mode, in prior standard deviations
    log_evidence  []      ln p(y) under the model
    pareto_k      []      reliability of the importance weights; see :class:`Demand` for what follows from it
    ess           []      effective sample size of the draws
    status        []      a code of :class:`caretwin.core.status.Status`
    """

    ensemble: Ensemble
    mode: Float[Array, " d"]
    hessian: Float[Array, "d d"]
    ofv: Float[Array, ""]
    gradient: Float[Array, ""]
    log_evidence: Float[Array, ""]
    pareto_k: Float[Array, ""]
    ess: Float[Array, ""]
    status: Int[Array, ""]


class Mode(NamedTuple):
    """The most probable theta [d] of one subject, with what was found around it; see :class:`Fit`."""

    theta: Float[Array, " d"]
    hessian: Float[Array, "d d"]
    ofv: Float[Array, ""]
    gradient: Float[Array, ""]
    converged: Array
    optima: Optimum


keeps(Ensemble, Fit, Mode, Optimum, importance.Draws)


def fit(model: Model, key: Array, history: History, *, subject: int | str = 0, draws: int = 1000) -> Fit:
    """Posterior of one subject given its history.

    model    a model whose transition is deterministic (drug kinetics)
    history  [E, ...] rows in time order
    draws    number of weighted draws N

    Example: ``fit(model, jax.random.key(0), history, subject="7f3c", draws=2000).ensemble``.
    """
    many = fit_many([model], key, [history], subjects=[subject], draws=draws)
    return jax.tree.map(lambda leaf: leaf[0], many)


def fit_many(
    models: Sequence[Model],
    key: Array,
    histories: Sequence[History],
    *,
    subjects: Sequence[int | str],
    draws: int = 1000,
    starts: int = CANDIDATES,
) -> Fit:
    """Posteriors of many subjects, each with its own model of one common structure; leaves [S, ...].

    Raises ValueError when the models differ in structure.
    """
    stacked = _stacked(models, histories)
    size = small_bucket(len(subjects))
    keys = _keys(key, "fit", list(subjects) + [f"padding {i}" for i in range(size - len(subjects))])
    found = _modes(*stacked, starts)
    drawn = _importance(*stacked, keys, found.optima, draws)
    poor = np.flatnonzero(_poor(drawn, draws)[: len(subjects)])
    if poor.size:
        drawn = _follow_ridges(stacked, keys, found.optima, poor, drawn, draws)
    bad = np.flatnonzero(~_reliable(drawn, draws)[: len(subjects)])
    if bad.size:
        drawn = _replace_unreliable(stacked, key, list(subjects), bad, drawn, draws)
    whole = _assemble(stacked, found, drawn, bad)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[: len(subjects)], whole)


def find_modes(models: Sequence[Model], histories: Sequence[History], *, starts: int = CANDIDATES) -> Mode:
    """Only the most probable theta of many subjects; leaves [S, ...]."""
    stacked = _stacked(models, histories)
    found = _modes(*stacked, starts)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[: len(histories)], found)


def _stacked(models: Sequence[Model], histories: Sequence[History]) -> tuple[Model, History]:
    model = stack_models(models)
    many = stack(list(histories))
    return _pad_subjects(model.simplified(many)), _pad_subjects(many)


def stack_models(models: Sequence[Model]) -> Model:
    """Models of one structure as one model with leaves [S, ...]."""
    shapes = {jax.tree.structure(m) for m in models}
    if len(shapes) > 1:
        raise ValueError(f"models of {len(shapes)} structures cannot be fitted in one batch: group them first")
    return jax.tree.map(lambda *leaves: np.stack(leaves), *models)


def _pad_subjects(tree: Any) -> Any:
    count = jax.tree.leaves(tree)[0].shape[0]
    extra = small_bucket(count) - count
    return jax.tree.map(lambda leaf: np.concatenate([leaf, np.repeat(leaf[-1:], extra, axis=0)]), tree)


def _keys(key: Array, name: str, subjects: list[int | str]) -> Array:
    numbers = [stable_hash(s) if isinstance(s, str) else s for s in subjects]
    return _stream_of_each(key, name, np.asarray(numbers, dtype=np.int64))


@program(static=(1,))
def _stream_of_each(key: Array, name: str, subjects: Array) -> Array:
    return jax.vmap(lambda subject: stream(key, name, subject))(subjects)


def _modes(models: Model, histories: History, starts: int) -> Mode:
    """Newton from the best few starts of every subject; the slow searches are then finished together."""
    if histories.doses is not None:
        starts = max(starts, CANDIDATES_WITH_KINKS)
    z = _choose_starts(models, histories, starts)
    zeros = np.zeros(z.shape)
    optima = jax.tree.map(np.array, _newton(models, histories, z, zeros, FIRST_STEPS, GRADIENT_TOLERANCE))
    subject, place = np.nonzero(~optima.converged)
    if subject.size:
        unfinished = optima.z[subject, place]
        finished = _search((models, histories), subject, unfinished, np.zeros(unfinished.shape), MOST_STEPS)
        for old, new in zip(optima, finished, strict=True):
            old[subject, place] = new
    return _best(models, histories, optima)


def _search(
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


@program
def _best(models: Model, histories: History, optima: Optimum) -> Mode:
    return eqx.filter_vmap(_best_one)(models, histories, optima)


def _best_one(model: Model, history: History, optima: Optimum) -> Mode:
    kept = _distinct(optima)
    optima = jax.tree.map(lambda leaf: leaf[kept], optima)
    steepest = jnp.max(jnp.abs(optima.gradient[0]))
    return Mode(
        to_theta(model.prior, optima.z[0]),
        optima.hessian[0],
        ofv(optima.value[0], history),
        steepest,
        steepest < ACCEPTED_GRADIENT,
        optima,
    )


def _distinct(optima: Optimum) -> Array:
    """The best optima [REFINED], the lowest first; one that repeats a better one comes after all others."""
    value = jnp.where(jnp.isfinite(optima.value), optima.value, jnp.inf)
    order = jnp.argsort(value)
    z = optima.z[order]
    near = jnp.max(jnp.abs(z[:, None] - z[None]), axis=2) < THE_SAME
    repeats = jnp.any(near & jnp.tri(z.shape[0], k=-1, dtype=bool), axis=1)
    return order[jnp.argsort(repeats, stable=True)][:REFINED]


def _start_points(d: int, count: int) -> np.ndarray:
    """Starts [count, d] in prior standard deviations: the centre, both ways along each axis, then scattered points."""
    axes = np.concatenate([np.eye(d), -np.eye(d)])
    scattered = np.random.Generator(np.random.PCG64(20181)).standard_normal((max(count, 1), d))
    return np.concatenate([np.zeros((1, d)), axes, scattered])[: max(count, 1 + 2 * d)]


@program(static=(4,))
def _importance(models: Model, histories: History, keys: Array, optima: Optimum, draws: int) -> importance.Draws:
    def of_one(one: tuple[Model, Array, Optimum, History]) -> importance.Draws:
        model, key, places, history = one
        return importance.sample(model, key, places, history, draws)

    # As many subjects at a time as the processor's caches hold.
    return jax.lax.map(of_one, (models, keys, optima, histories), batch_size=max(1, CACHED_DRAWS // draws))


@program(static=(3,))
def _tempered(models: Model, histories: History, keys: Array, draws: int) -> importance.Draws:
    return eqx.filter_vmap(partial(tempering.sample, draws=draws))(models, keys, histories)


def _ess(logw: Array) -> np.ndarray:
    weights = np.exp(np.asarray(logw))
    return weights.sum(axis=-1) ** 2 / np.maximum((weights**2).sum(axis=-1), 1e-300)


def _demand(draws: int) -> Demand:
    return QUICK if draws < FEW_DRAWS else PRECISE


def _poor(drawn: importance.Draws, draws: int) -> np.ndarray:
    wanted = _demand(draws)
    return (np.asarray(drawn.pareto_k) > wanted.ridge_k) | (_ess(drawn.logw) < wanted.ridge_share * draws)


def _follow_ridges(
    stacked: tuple[Model, History], keys: Array, optima: Optimum, poor: np.ndarray, drawn: importance.Draws, draws: int
) -> importance.Draws:
    def crest(z: np.ndarray, across: np.ndarray) -> Optimum:
        subject = np.repeat(poor, z.shape[1])
        flat = (len(subject), z.shape[2])
        found = _search(stacked, subject, z.reshape(flat), across.reshape(flat), RIDGE_STEPS, NEAR_THE_CREST)
        return jax.tree.map(lambda leaf: leaf.reshape(*z.shape[:2], *leaf.shape[1:]), found)

    places = with_ridges(jax.tree.map(lambda leaf: np.asarray(leaf)[poor], optima), crest)
    rows = np.resize(np.arange(poor.size), small_bucket(poor.size))
    chosen = jax.tree.map(lambda leaf: np.asarray(leaf)[poor[rows]], stacked)
    again = _importance(*chosen, keys[poor[rows]], jax.tree.map(lambda leaf: leaf[rows], places), draws)

    def put(old: Array, new: Array) -> np.ndarray:
        whole = np.array(old)
        whole[poor] = np.asarray(new)[: poor.size]
        return whole

    return jax.tree.map(put, drawn, again)


def _reliable(drawn: importance.Draws, draws: int) -> np.ndarray:
    wanted = _demand(draws)
    enough = max(LEAST_ESS, wanted.fallback_share * draws)
    return (np.asarray(drawn.pareto_k) <= wanted.fallback_k) & (_ess(drawn.logw) >= enough)


def _replace_unreliable(
    stacked: tuple[Model, History],
    key: Array,
    subjects: list[int | str],
    bad: np.ndarray,
    drawn: importance.Draws,
    draws: int,
) -> importance.Draws:
    chosen = _pad_subjects(jax.tree.map(lambda leaf: np.asarray(leaf)[bad], stacked))
    names = [subjects[i] for i in bad]
    names += [names[-1]] * (small_bucket(bad.size) - bad.size)
    better = _tempered(*chosen, _keys(key, "fit/tempering", names), draws)
    # The reason for the fallback stays visible: the Pareto k that was too high is reported, not the new sampler's.
    kept = np.asarray(drawn.pareto_k)

    def put(old: Array, new: Array) -> np.ndarray:
        whole = np.array(old)
        whole[bad] = np.asarray(new)[: bad.size]
        return whole

    return jax.tree.map(put, drawn, better)._replace(pareto_k=kept)


@program
def _assemble_arrays(models: Model, histories: History, found: Mode, drawn: importance.Draws) -> Fit:
    theta = jax.vmap(lambda prior, z: jax.vmap(lambda one: to_theta(prior, one))(z))(models.prior, drawn.z)
    ess = jnp.exp(-jax.scipy.special.logsumexp(2 * drawn.logw, axis=-1))
    nothing = ~jnp.any(measured(histories) | (histories.y.kind > 1), axis=(-2, -1))
    status = jnp.where(nothing, int(Status.PRIOR_ONLY), int(Status.OK))
    status = jnp.where(found.converged, status, int(Status.OPTIMISER_NOT_CONVERGED))
    status = jnp.where(ess < LEAST_ESS, int(Status.WEIGHTS_COLLAPSED), status)
    status = jnp.where(jnp.isfinite(drawn.log_evidence), status, int(Status.NON_FINITE))
    ensemble = Ensemble(theta, drawn.x, drawn.logw, histories.time[:, -1])
    return Fit(
        ensemble, found.theta, found.hessian, found.ofv, found.gradient, drawn.log_evidence, drawn.pareto_k, ess, status
    )


def _assemble(stacked: tuple[Model, History], found: Mode, drawn: importance.Draws, bad: np.ndarray) -> Fit:
    whole = _assemble_arrays(*stacked, found, drawn)
    if not bad.size:
        return whole
    status = np.array(whole.status)
    # A search that stopped short does not matter to the fallback, which does not start from it.
    healthy = np.isin(status[bad], [Status.OK, Status.OPTIMISER_NOT_CONVERGED])
    status[bad[healthy]] = int(Status.FALLBACK_SAMPLER)
    return whole._replace(status=status)
