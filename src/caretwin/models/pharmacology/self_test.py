"""Runs a drug file's own test vectors: parameters, levels, effect-site levels, effects and areas against the expected.

The same kinetics are used as for patients, so that a file which passes says the same at the bedside.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from caretwin.core.events import GivenDose, Series
from caretwin.core.history import History, bucket, pad_rows
from caretwin.core.model import Model
from caretwin.core.simulate import individuals, pick, schedule, start
from caretwin.models.pharmacology.assembly import dynamics
from caretwin.models.pharmacology.description import TestDose, TestVector
from caretwin.models.pharmacology.drug import Drug
from caretwin.models.pharmacology.timeline import build_history


def failures(drug: Drug) -> list[str]:
    """One sentence for every number of the file's test vectors that is not met; empty when all are.

    Example: ``failures(read_drug("my_drug.toml")) == []``.
    """
    return [sentence for vector in drug.tests for sentence in _failures_of(drug, vector)]


def _failures_of(drug: Drug, vector: TestVector) -> list[str]:
    found = _parameters(drug, vector)
    expected = [(name, vector.parameters[name], found[name], drug.parameters[name].unit) for name in vector.parameters]
    if vector.doses:
        expected += _over_time(drug, vector)
    return [
        f"test {vector.name!r}: {what} is {got:.7g} {unit}, expected {wanted:.7g} within {vector.tolerance:g} relative"
        for what, wanted, got, unit in expected
        if not abs(got - wanted) <= vector.tolerance * max(abs(wanted), 1e-12)
    ]


def _parameters(drug: Drug, vector: TestVector) -> dict[str, float]:
    """Individual parameters in the file's units, those that only serve others included."""
    evaluator = drug._evaluator
    derived = drug.derive(vector.covariates).values
    drug.typical(vector.covariates)  # says which covariate is missing, when one is
    covariates = {name: np.asarray(derived[name], float) for name in evaluator.covariate_names}
    known = evaluator.values(covariates, vector.eta, np)
    return {name: float(np.asarray(known[name])) / evaluator.base[name] for name in drug.parameters}


def _over_time(drug: Drug, vector: TestVector) -> list[tuple[str, float, float, str]]:
    model = dynamics(drug)
    theta = np.zeros(model.prior.mean.shape[0])
    for name, value in vector.eta.items():
        theta[drug.etas.index(name)] = value
    history = _history(drug, vector, model.movable)
    time, predicted, states, exposure = (_numpy(part) for part in _trajectory(model, theta, history))
    rows = np.searchsorted(time, np.asarray(vector.times) - 1e-9)
    level, channels = drug.channels["level"], drug.structure.channels
    checks = []
    for at, row in enumerate(rows):
        clock = f"at {vector.times[at]:g} h"
        if vector.levels:
            checks.append((f"level {clock}", vector.levels[at], predicted[row, 0] * level.factor, level.unit))
        if vector.effect_site:
            site = states["effect_site"][row] * level.factor
            checks.append((f"effect-site level {clock}", vector.effect_site[at], site, level.unit))
        if vector.effects:
            effect = predicted[row, channels.index("effect")]
            checks.append((f"effect {clock}", vector.effects[at], effect, drug.channels["effect"].unit))
    for begin, end, area in vector.auc:
        inside = (time > begin + 1e-9) & (time <= end + 1e-9)
        checks.append((f"area {begin:g}-{end:g} h", area, exposure[inside].sum() * level.factor, f"{level.unit}.h"))
    return checks


def _history(drug: Drug, vector: TestVector, movable: bool) -> History:
    doses = [given for dose in vector.doses for given in _given(drug, dose)]
    times = {*vector.times, *(edge for begin, end, _ in vector.auc for edge in (begin, end))}
    covariates = {name: Series((0.0,), (value,)) for name, value in vector.covariates.items()}
    history = build_history(drug, doses, (), covariates, times=sorted(times), movable=movable)
    return pad_rows(history, bucket(len(history.time)))


def _given(drug: Drug, dose: TestDose) -> list[GivenDose]:
    place = drug.structure.inputs.index(dose.input)
    return [GivenDose(dose.time + k * dose.interval, dose.amount, dose.duration, place) for k in range(dose.count)]


def _numpy(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)


@jax.jit
def _trajectory(model: Model, theta: Array, history: History) -> tuple[Array, Array, Mapping[str, Array], Array]:
    """Times [E], predictions [E, C], states [E] and exposure [E] along a history."""
    phis = individuals(model, theta, history)
    rows = schedule(model, phis, history)

    def step(x: Any, row: Any) -> tuple[Any, Any]:
        dt, u, between, at = row
        phi = pick(phis, between)
        after = model.transition(phi, x, u, jnp.zeros(model.noise_dimension), dt)
        return after, (model.predict(pick(phis, at), after, u), after, model.exposure(phi, x, after, u, dt))

    columns = (rows.dt, rows.u, rows.between, rows.at)
    _, (predicted, states, exposure) = jax.lax.scan(step, start(model, phis, history), columns)
    return rows.time, predicted, states, exposure
