"""Fits one drug model to the records of many subjects in one batch, and says the result in the drug file's own words.

Subjects share one compiled program: their histories are padded to one size and go through it in groups that fit in
memory. A subject whose record does not fit the model is refused with the reason; it never stops the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array

from caretwin.base.errors import CaretwinError
from caretwin.core.ensemble import covariance, weighted_mean
from caretwin.core.fit.posterior import Fit, find_modes, fit_many, stack_models
from caretwin.core.history import History, stack
from caretwin.core.model import MISSING, Model
from caretwin.core.status import Status, sentence
from caretwin.record.dosing import DosingRecord
from caretwin.twin.dosing import DosingTwin, bind, occasion_numbers

MOST_DRAWS_AT_ONCE = 640_000  # over all subjects of a group; about 1 GB at the peak
MOST_MODES_AT_ONCE = 1024


@dataclass(frozen=True)
class Estimate:
    """What the data say about one subject under one drug model.

    eta            most probable random effects, by parameter name (0: as the covariates predict)
    kappa          the same between occasions, by occasion as the record numbers it; empty without such effects
    parameters     individual parameters at the end of the record, in the units of the drug file
    by_occasion    the same at the end of each occasion
    ofv            NONMEM's objective function value at ``eta``
    levels         number of measurements that were used
    status         what a person should know about the estimate
    mean, sd       posterior mean and standard deviation of the random effects; None without draws
    pareto_k, ess  reliability of the draws and their effective number; None without draws
    refused        why the subject was not fitted; everything else is then empty
    """

    subject: str
    eta: dict[str, float]
    kappa: dict[int, dict[str, float]]
    parameters: dict[str, float]
    by_occasion: dict[int, dict[str, float]]
    ofv: float
    levels: int
    status: str
    reliable: bool
    mean: dict[str, float] | None = None
    sd: dict[str, float] | None = None
    pareto_k: float | None = None
    ess: float | None = None
    refused: CaretwinError | None = None


def estimate(
    drug: Any,
    records: Sequence[DosingRecord],
    key: Array,
    *,
    draws: int = 0,
    interpolation: str | None = None,
) -> list[Estimate]:
    """One estimate per record, in their order.

    drug           from the family "pharmacology"
    draws          posterior draws per subject; 0 for the most probable parameters only
    interpolation  "locf", "nocb" or "linear" for every covariate; None: the rule of the drug file

    Example: ``estimate(drug, read_nonmem("data.csv"), jax.random.key(0))[0].eta["CL"]``.
    """
    occasions = max((len(occasion_numbers(r)) for r in records), default=0)
    bound = [_bound(drug, record, interpolation, occasions) for record in records]
    twins = [twin for twin in bound if isinstance(twin, DosingTwin)]
    fitted = iter(_fit(twins, key, draws) if twins else [])
    return [next(fitted) if isinstance(twin, DosingTwin) else twin for twin in bound]


def _bound(drug: Any, record: DosingRecord, interpolation: str | None, occasions: int) -> DosingTwin | Estimate:
    try:
        twin = bind(drug, record, interpolation=interpolation, occasions=occasions)
        twin.history()
    except CaretwinError as error:
        return Estimate(record.subject, {}, {}, {}, {}, float("nan"), 0, "not fitted", False, refused=error)
    return twin


def _fit(twins: list[DosingTwin], key: Array, draws: int) -> list[Estimate]:
    histories = [_until_last_sample(twin) for twin in twins]
    even = stack(histories)
    histories = [jax.tree.map(lambda leaf, i=i: leaf[i], even) for i in range(len(twins))]
    room = max(1, MOST_DRAWS_AT_ONCE // draws) if draws else MOST_MODES_AT_ONCE
    size = min(1 << (room.bit_length() - 1), len(twins))  # a power of two: batches are padded to one
    found: list[Estimate] = []
    for first in range(0, len(twins), size):
        group = slice(first, first + size)
        found += _fit_group(twins[group], histories[group], key, draws, size)
    return found


def _fit_group(twins: list[DosingTwin], histories: list[History], key: Array, draws: int, size: int) -> list[Estimate]:
    # The last group is filled up to the size of the others, so that it does not need a program of its own.
    extra = size - len(twins)
    padded, rows = twins + twins[-1:] * extra, histories + histories[-1:] * extra
    models = [twin.model for twin in padded]
    if draws:
        names = [twin.subject for twin in twins] + [f"filling {i}" for i in range(extra)]
        posterior = fit_many(models, key, rows, subjects=names, draws=draws)
        theta, moments = np.asarray(posterior.mode), _moments(posterior)
        codes = np.asarray(posterior.status)
    else:
        mode = find_modes(models, rows)
        posterior, moments, theta = None, None, np.asarray(mode.theta)
        codes = np.where(np.asarray(mode.converged), int(Status.OK), int(Status.OPTIMISER_NOT_CONVERGED))
    ofv = np.asarray(posterior.ofv if posterior is not None else mode.ofv)
    parameters = _parameters(padded, theta)
    found = []
    for i, twin in enumerate(twins):
        one = _estimate(twin, theta[i], parameters[i], float(ofv[i]), int(codes[i]), rows[i])
        if posterior is not None and moments is not None:
            one = _with_draws(one, twin, moments, posterior, i)
        found.append(one)
    return found


def _until_last_sample(twin: DosingTwin) -> History:
    """What comes after the last measurement says nothing about the subject, and is not run through."""
    if not twin.samples:
        return twin.history()
    last = max(sample.time for sample in twin.samples)
    given = [dose for dose in twin.doses if dose.time <= last]
    whole = twin.history(doses=given)
    keep = int(np.searchsorted(whole.time, last, side="right"))
    cut = jax.tree.map(lambda leaf: leaf[:keep], (whole.time, whole.u, whole.between, whole.at, whole.y))
    return History(*cut, whole.contexts, whole.doses)


def _parameters(twins: list[DosingTwin], theta: Array) -> list[dict[int | None, dict[str, float]]]:
    """Individual parameters in the drug file's units at the end of the record (None) and of each occasion."""
    moments = [_moments_of_interest(twin) for twin in twins]
    most = max(len(found) for found in moments)
    contexts = []
    for found in moments:
        rows = [context for _, context in found]
        rows += rows[-1:] * (most - len(rows))
        contexts.append(jax.tree.map(lambda *leaves: np.stack(leaves), *rows))
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *contexts)
    values = {n: np.asarray(v) for n, v in _individuals(stack_models([t.model for t in twins]), theta, stacked).items()}
    return [
        {
            which: {n: float(v[i, j]) / twin.drug.parameters[n].factor for n, v in values.items()}
            for j, (which, _) in enumerate(moments[i])
        }
        for i, twin in enumerate(twins)
    ]


def _moments_of_interest(twin: DosingTwin) -> list[tuple[int | None, Any]]:
    whole = twin.history()

    def context(row: int) -> Any:
        return jax.tree.map(lambda leaf: leaf[whole.at[row]], whole.contexts)

    found: list[tuple[int | None, Any]] = [(None, context(-1))]
    of_row = np.asarray(whole.contexts.occasion)[whole.at]
    for place, number in enumerate(twin.occasion_numbers):
        rows = np.flatnonzero(of_row == place)
        if rows.size:
            found.append((number, context(int(rows[-1]))))
    return found


@eqx.filter_jit
def _individuals(models: Model, theta: Array, contexts: Any) -> dict[str, Array]:
    def of_one(model: Model, theta: Array, contexts: Any) -> dict[str, Array]:
        return jax.vmap(lambda context: model.individual(theta, context).p)(contexts)

    return eqx.filter_vmap(of_one)(models, theta, contexts)


@jax.jit
def _mean_and_covariance(theta: Array, logw: Array) -> tuple[Array, Array]:
    return jax.vmap(weighted_mean)(theta, logw), jax.vmap(covariance)(theta, logw)


def _moments(posterior: Fit) -> tuple[np.ndarray, np.ndarray]:
    mean, spread = _mean_and_covariance(posterior.ensemble.theta, posterior.ensemble.logw)
    return np.asarray(mean), np.sqrt(np.diagonal(np.asarray(spread), axis1=1, axis2=2))


def _estimate(
    twin: DosingTwin,
    theta: np.ndarray,
    parameters: dict[int | None, dict[str, float]],
    ofv: float,
    code: int,
    history: History,
) -> Estimate:
    drug, model = twin.drug, twin.model
    kappa = theta[model.effects :].reshape(model.occasions, -1) if model.occasions else np.zeros((0, 0))
    levels = int(np.sum(np.asarray(history.y.kind) != MISSING))
    code = int(Status.PRIOR_ONLY) if levels == 0 and code == Status.OK else code
    return Estimate(
        subject=twin.subject,
        eta=_named(drug.etas, theta),
        kappa={n: _named(drug.occasion_etas, kappa[place]) for place, n in enumerate(twin.occasion_numbers)},
        parameters=parameters[None],
        by_occasion={which: values for which, values in parameters.items() if which is not None},
        ofv=ofv,
        levels=levels,
        status=sentence(code),
        reliable=code < Status.UNRELIABLE,
    )


def _with_draws(
    found: Estimate, twin: DosingTwin, moments: tuple[np.ndarray, np.ndarray], posterior: Fit, i: int
) -> Estimate:
    return replace(
        found,
        mean=_named(twin.drug.etas, moments[0][i]),
        sd=_named(twin.drug.etas, moments[1][i]),
        pareto_k=float(posterior.pareto_k[i]),
        ess=float(posterior.ess[i]),
    )


def _named(names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return {name: float(values[i]) for i, name in enumerate(names)}
