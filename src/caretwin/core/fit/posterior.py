"""The batch posterior of many subjects at once: optimum, Laplace, importance sampling, and a fallback when that fails.

Every subject's draws come from a stream of its own, so that one more subject changes no other. Subjects are padded to a
power of two and histories to a bucket: the compiled program depends on the model's structure and these sizes only.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, Int

from caretwin.base.random import stable_hash, stream
from caretwin.core.ensemble import Ensemble
from caretwin.core.fit import importance, tempering
from caretwin.core.fit.halves import in_halves
from caretwin.core.fit.newton import Optimum
from caretwin.core.fit.ridges import MOST_STEPS as RIDGE_STEPS
from caretwin.core.fit.ridges import NEAR_THE_CREST, with_ridges
from caretwin.core.fit.search import CANDIDATES, FEW_SUBJECTS, Mode, modes, search
from caretwin.core.history import History, small_bucket, stack
from caretwin.core.model import MISSING, Model
from caretwin.core.program import program
from caretwin.core.status import Status

LEAST_ESS = 50.0
FEW_KEYS = 16
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
    found = modes(*stacked, starts)
    drawn = in_halves(lambda part: _importance(*part, draws), (*stacked, keys, found.optima))
    poor = np.flatnonzero(_poor(drawn, draws)[: len(subjects)])
    if poor.size:
        drawn = _follow_ridges(stacked, keys, found.optima, poor, drawn, draws)
    bad = np.flatnonzero(~_reliable(drawn, draws)[: len(subjects)])
    if bad.size:
        drawn = _replace_unreliable(stacked, key, list(subjects), bad, drawn, draws)
    whole = _assemble(stacked[1], found, drawn, bad)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[: len(subjects)], whole)


def find_modes(models: Sequence[Model], histories: Sequence[History], *, starts: int = CANDIDATES) -> Mode:
    """Only the most probable theta of many subjects; leaves [S, ...]."""
    stacked = _stacked(models, histories)
    found = modes(*stacked, starts)
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


def _keys(key: Array, name: str, subjects: list[int | str]) -> np.ndarray:
    """Raw keys [S, 2]: picked from in numpy, where typed keys would need programs of their own."""
    numbers = np.asarray([stable_hash(s) if isinstance(s, str) else s for s in subjects], dtype=np.int64)
    # Few subjects share one program, however few.
    return np.asarray(_stream_of_each(key, name, np.resize(numbers, max(FEW_KEYS, len(numbers)))))[: len(numbers)]


@program(static=(1,))
def _stream_of_each(key: Array, name: str, subjects: Array) -> Array:
    return jax.random.key_data(jax.vmap(lambda subject: stream(key, name, subject))(subjects))


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


def _demand(draws: int) -> Demand:
    return QUICK if draws < FEW_DRAWS else PRECISE


def _poor(drawn: importance.Draws, draws: int) -> np.ndarray:
    wanted = _demand(draws)
    return (np.asarray(drawn.pareto_k) > wanted.ridge_k) | (np.asarray(drawn.ess) < wanted.ridge_share * draws)


def _follow_ridges(
    stacked: tuple[Model, History],
    keys: np.ndarray,
    optima: Optimum,
    poor: np.ndarray,
    drawn: importance.Draws,
    draws: int,
) -> importance.Draws:
    def crest(z: np.ndarray, across: np.ndarray) -> Optimum:
        subject = np.repeat(poor, z.shape[1])
        flat = (len(subject), z.shape[2])
        found = search(stacked, subject, z.reshape(flat), across.reshape(flat), RIDGE_STEPS, NEAR_THE_CREST)
        return jax.tree.map(lambda leaf: leaf.reshape(*z.shape[:2], *leaf.shape[1:]), found)

    places = with_ridges(jax.tree.map(lambda leaf: np.asarray(leaf)[poor], optima), crest)
    # Few subjects go through the program for all, which is loaded already.
    rows = np.resize(np.arange(poor.size), len(keys) if len(keys) <= FEW_SUBJECTS else small_bucket(poor.size))
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
    return (np.asarray(drawn.pareto_k) <= wanted.fallback_k) & (np.asarray(drawn.ess) >= enough)


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


def _assemble(histories: History, found: Mode, drawn: importance.Draws, bad: np.ndarray) -> Fit:
    kind = np.asarray(histories.y.kind)
    nothing = np.all(kind == MISSING, axis=(1, 2))
    status: Any = np.where(nothing, Status.PRIOR_ONLY, Status.OK)
    status = np.where(found.converged, status, Status.OPTIMISER_NOT_CONVERGED)
    status = np.where(np.asarray(drawn.ess) < LEAST_ESS, Status.WEIGHTS_COLLAPSED, status)
    status = np.where(np.isfinite(drawn.log_evidence), status, Status.NON_FINITE)
    # A search that stopped short does not matter to the fallback, which does not start from it.
    healthy = np.isin(status[bad], [Status.OK, Status.OPTIMISER_NOT_CONVERGED])
    status[bad[healthy]] = Status.FALLBACK_SAMPLER
    ensemble = Ensemble(drawn.theta, drawn.x, drawn.logw, histories.time[:, -1])
    return Fit(
        ensemble, found.theta, found.hessian, found.ofv, found.gradient, drawn.log_evidence, drawn.pareto_k, drawn.ess,
        status,
    )  # fmt: skip
