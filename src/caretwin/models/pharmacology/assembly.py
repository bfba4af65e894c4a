"""From a drug file to the engine's model: typical values stay data, so that drugs of one structure share a program."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from caretwin.core.model import GaussianPrior
from caretwin.models.pharmacology.drug import Drug
from caretwin.models.pharmacology.kinetics import ByFormula, DrugModel, Formula, LogAffine
from caretwin.models.pharmacology.residual import FORMS, LOG_ADDITIVE, ResidualError

# Models with few parameters get idle random effects, so that all of one structure have the same shapes and one
# compiled program. An idle effect moves no parameter: its posterior is its prior, and no other number changes.
MOST_PADDED = 4


def dynamics(drug: Drug, *, occasions: int = 0, prior_weight: float = 1.0, beside: Sequence[Drug] = ()) -> DrugModel:
    """The drug as a model of the engine.

    occasions     how many occasions to allow for (0: variability between occasions is left out)
    prior_weight  below 1 flattens the prior: the covariance of the random effects is divided by it
    beside        other drug models that are asked the same question: those of one structure get one shape

    Example: ``dynamics(load_shipped()["vancomycin.goti2018"])``.
    """
    occasions = occasions if drug.occasion_etas else 0
    loading, effects = drug.log_loading(), len(drug.etas)
    omega = np.asarray(drug.omega, dtype=np.float64).reshape(effects, effects)
    individualise: LogAffine | ByFormula = ByFormula(Formula(_fingerprint(drug), drug.individual))
    if loading is not None:
        room, effects = _room([drug, *beside])
        omega = _block(omega, np.eye(effects - len(omega)))
        per_occasion = drug.occasion_loading() if occasions else loading[..., :0]
        individualise = LogAffine(_widened(loading, room, effects), _widened(per_occasion, room))
    covariance = omega
    for _ in range(occasions):
        covariance = _block(covariance, np.asarray(drug.occasion_omega, dtype=np.float64))
    factor = np.linalg.cholesky(covariance / prior_weight) if len(covariance) else np.zeros((0, 0))
    prior = GaussianPrior(np.zeros(len(factor)), factor)
    return DrugModel(prior, individualise, residual_error(drug), drug.structure, effects, occasions)


def _room(drugs: Sequence[Drug]) -> tuple[int, int]:
    """Terms and random effects that log-affine models of the first one's structure have room for."""
    same = [(d, d.log_loading()) for d in drugs if d.structure == drugs[0].structure]
    loadings = [loading for _, loading in same if loading is not None]
    parameters = len(drugs[0].structure.parameters)
    least = parameters if parameters <= MOST_PADDED else 0
    return max(len(loading) for loading in loadings), max(least, *(loading.shape[2] for loading in loadings))


def _widened(loading: Any, room: int, effects: int | None = None) -> np.ndarray:
    """The loading [T, P, d] with further terms and effects, which move nothing."""
    terms, parameters, own = loading.shape
    found = np.zeros((room, parameters, own if effects is None else effects))
    found[:terms, :, :own] = loading
    return found


def _block(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    whole = np.zeros((len(first) + len(second),) * 2)
    whole[: len(first), : len(first)] = first
    whole[len(first) :, len(first) :] = second
    return whole


def _fingerprint(drug: Drug) -> str:
    """What names a drug's formulas: their trees, with shared formulas written out, and those they are computed from."""
    parts = [drug.name, drug.version, repr(drug.structure), repr(sorted(drug.etas)), repr(drug.occasion_etas)]
    parts += [f"{name} {c.unit}" for name, c in drug.covariates.items()]
    parts += [f"{name} = {e.tree!r}" for name, e in drug.definitions.items()]
    parts += [f"{name} = {p.value.tree!r} {p.unit} {p.factor!r} {p.eta}" for name, p in drug.parameters.items()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def residual_error(drug: Drug) -> ResidualError:
    """The residual error of every channel in canonical units; a channel without one has none to observe."""
    additive, proportional, form = [], [], []
    for name in drug.structure.channels:
        error, channel = drug.errors.get(name), drug.channels.get(name)
        code = FORMS[error.form] if error else 0
        scale = channel.factor if channel and code != LOG_ADDITIVE else 1.0
        additive.append(error.additive / scale if error else 0.0)
        proportional.append(error.proportional if error else 0.0)
        form.append(code)
    return ResidualError(
        np.asarray(additive), np.asarray(proportional), np.asarray(form, dtype=np.int32), LOG_ADDITIVE in form
    )
