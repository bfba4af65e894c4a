"""The curve behind and ahead of a patient: what the level was, as the models believe, and what regimens make of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from caretwin.core.history import History, stack
from caretwin.core.program import program
from caretwin.core.simulate import run
from caretwin.decide.batches import groups, padded, stacked
from caretwin.decide.dosing import Advice
from caretwin.decide.members import Member
from caretwin.decide.outcomes import follow
from caretwin.decide.ranking import weighted_quantiles
from caretwin.decide.regimen import Regimen

BEFORE, AFTER = 96, 144  # points of the curve before and after now; counts, so that every report has one shape
DRAWS_OF_EACH = 128  # per model
AHEAD = 96.0  # h after now


@dataclass(frozen=True)
class Band:
    """Expected value of a channel over time: median and 90 % interval of the averaged models.

    times      h from the record's origin
    regimen    what is given from now on; None after now: nothing
    """

    channel: str
    unit: str
    times: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    regimen: Regimen | None


def bands(advice: Advice, regimens: Sequence[Regimen | None]) -> list[Band]:
    """One band per regimen from the first dose to some days after now, on the channel that the target is about.

    regimens  what is given from now on in each; two or fewer share one compiled program
    """
    channel = 1 if advice.target is not None and advice.target.kind == "effect" else 0
    times = _times(advice)
    values, weights = [], []
    for places in groups([m.twin.model for m in advice.speaking]):
        group = [advice.speaking[i] for i in places]
        found = _simulated(group, regimens, times, advice)[..., channel]  # [R, M, N, T]
        values.append(found.reshape(len(found), -1, len(times)))
        weights += [np.full(DRAWS_OF_EACH, m.weight / DRAWS_OF_EACH) for m in group]
    pooled, weight = np.concatenate(values, axis=1), np.concatenate(weights)
    drug = advice.speaking[0].twin.drug
    name = drug.structure.channels[channel]
    shown = drug.channels[name]
    result = []
    for regimen, draws in zip(regimens, pooled, strict=True):
        low, median, high = weighted_quantiles(draws.T, weight, (0.05, 0.5, 0.95)) * shown.factor
        result.append(Band(name, shown.unit, times, median, low, high, regimen))
    return result


def _times(advice: Advice) -> np.ndarray:
    now = advice.question.now
    twin = advice.speaking[0].twin
    begin = min([d.time for d in twin.doses] + [s.time for s in twin.samples] + [now])
    begin = max(begin, now - 10 * 24.0)
    ahead = min(AHEAD, advice.question.horizon)
    if advice.best is not None:
        ahead = min(max(ahead, 3 * advice.best.regimen.interval), advice.question.horizon)
    before = np.linspace(begin, now, BEFORE, endpoint=False) if begin < now else np.full(BEFORE, now)
    return np.concatenate([before, np.linspace(now, now + ahead, AFTER)])


def _simulated(
    group: Sequence[Member], regimens: Sequence[Regimen | None], times: np.ndarray, advice: Advice
) -> np.ndarray:
    now, horizon = advice.question.now, advice.question.horizon
    drug = group[0].twin.drug
    target = int(drug.structure.inputs.index(drug.dose.input))
    histories = []
    for regimen in regimens:
        for member in group:
            twin = member.twin
            given = tuple(d for d in twin.doses if d.time < now)
            if regimen is not None:
                twin = follow(twin, regimen, now)
                given += regimen.all_doses(now, horizon, target)
            histories.append(twin.history(doses=given, times=times, samples=False))
    rows = [padded(histories[r * len(group) : (r + 1) * len(group)]) for r in range(len(regimens))]
    flat = stack([history for row in rows for history in row])
    many = jax.tree.map(lambda leaf: leaf.reshape(len(rows), len(rows[0]), *leaf.shape[1:]), flat)
    step = len(group[0].ensemble.theta) // DRAWS_OF_EACH
    theta = np.stack(padded([np.asarray(m.ensemble.theta)[::step] for m in group]))
    return np.asarray(_curves(stacked([m.twin.model for m in group]), theta, many, times))[:, : len(group)]


@program
def _curves(models: Any, theta: Array, histories: History, wanted: Array) -> Array:
    """Expected value of every channel [R, M, N, T, C] at the wanted times; histories are [R, M, ...]."""

    def of_draw(model: Any, history: History, draw: Array) -> Array:
        outcome = run(model, draw, history)
        rows = jnp.clip(jnp.searchsorted(outcome.time, wanted - 1e-9), 0, outcome.time.shape[0] - 1)
        return outcome.predicted[rows]

    def of_regimen(history: History) -> Array:
        return jax.vmap(lambda m, h, draws: jax.vmap(partial(of_draw, m, h))(draws))(models, history, theta)

    return jax.lax.map(of_regimen, histories)
