"""Patients for the speed jobs: two compartments, infusions, one to four levels; drawn from the model itself."""

import numpy as np

from caretwin.core.history import History
from caretwin.core.model import MEASURED, GaussianPrior, Observation
from caretwin.models.pharmacology.kinetics import DoseContext, DrugModel, LogAffine
from caretwin.models.pharmacology.placement import DoseInputs
from caretwin.models.pharmacology.residual import ResidualError
from caretwin.models.pharmacology.structure import Structure

TYPICAL = np.array([4.0, 70.0, 4.0, 50.0])  # CL L/h, V1 L, Q2 L/h, V2 L: the cohort of the reference set by Tucuxi
SPREAD = 0.45  # standard deviation of the log of CL, V1 and V2
ERROR = 0.22  # proportional residual standard deviation


def model() -> DrugModel:
    """The model all patients share."""
    loading = np.zeros((4, 4))
    loading[0, 0] = loading[1, 1] = loading[3, 2] = 1.0
    prior = GaussianPrior(np.zeros(4), np.diag([SPREAD, SPREAD, SPREAD, 1.0]))
    error = ResidualError(np.zeros(1), np.array([ERROR]), np.zeros(1, np.int32))
    return DrugModel(prior, LogAffine(loading[None], np.zeros((1, 4, 0))), error, Structure(2), 4, 0)


def history(times: np.ndarray, starts: np.ndarray, amount: float, hours: float) -> History:
    """Infusions of ``amount`` mg over ``hours`` h at ``starts``, with rows at ``times`` too (h)."""
    rows = np.unique(np.concatenate([times, starts, starts + hours]))
    rate = np.zeros((len(rows), 1))
    for start in starts:
        rate[1:, 0] += np.where((rows[:-1] >= start) & (rows[1:] <= start + hours), amount / hours, 0.0)
    nothing = Observation(np.ones((len(rows), 1)), np.zeros((len(rows), 1), np.int32))
    index = np.zeros(len(rows), np.int32)
    context = DoseContext(np.log(TYPICAL)[None], np.zeros(1, np.int32))
    return History(rows, DoseInputs(np.zeros_like(rate), rate), index, index, nothing, context)


def patients(count: int, seed: int) -> list[History]:
    """``count`` patients with three infusions and one to four levels each."""
    from functools import partial

    import jax

    from caretwin.core.simulate import run

    luck = np.random.default_rng(seed)
    grid = np.array([2.0, 12.0, 20.0, 23.5, 25.5, 36.0, 47.0, 52.0, 66.0])
    blank = history(grid, np.array([0.0, 24.0, 48.0]), 400.0, 1.0)
    theta = luck.standard_normal((count, 4)) * SPREAD
    levels = np.asarray(jax.jit(jax.vmap(partial(_levels, run, model(), blank)))(theta))
    found = []
    for i in range(count):
        chosen = np.sort(luck.choice(grid, size=1 + i % 4, replace=False))
        one = history(chosen, np.array([t for t in (0.0, 24.0, 48.0) if t < chosen[-1]]), 400.0, 1.0)
        rows = np.searchsorted(one.time, chosen)
        value, kind = one.y.value.copy(), one.y.kind.copy()
        true = levels[i, np.searchsorted(blank.time, chosen)]
        value[rows, 0] = true * (1 + ERROR * np.clip(luck.standard_normal(len(rows)), -3, 3))
        kind[rows, 0] = MEASURED
        kept = int(rows[-1]) + 1
        u = DoseInputs(one.u.bolus[:kept], one.u.rate[:kept])
        y = Observation(value[:kept], kind[:kept])
        found.append(History(one.time[:kept], u, one.between[:kept], one.at[:kept], y, one.contexts))
    return found


def _levels(run, model, blank, theta):  # type: ignore[no-untyped-def]
    return run(model, theta, blank).predicted[:, 0]
