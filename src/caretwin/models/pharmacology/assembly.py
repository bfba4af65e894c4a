"""From a drug file to the engine's model: typical values stay data, so that drugs of one structure share a program."""

import hashlib

import numpy as np

from caretwin.core.model import GaussianPrior
from caretwin.models.pharmacology.drug import Drug
from caretwin.models.pharmacology.kinetics import ByFormula, DrugModel, Formula, LogAffine
from caretwin.models.pharmacology.residual import FORMS, LOG_ADDITIVE, ResidualError

# Models with few parameters get idle random effects, so that all of one structure have the same shapes and one
# compiled program. An idle effect moves no parameter: its posterior is its prior, and no other number changes.
MOST_PADDED = 4


def dynamics(drug: Drug, *, occasions: int = 0, prior_weight: float = 1.0) -> DrugModel:
    """The drug as a model of the engine.

    occasions     how many occasions to allow for (0: variability between occasions is left out)
    prior_weight  below 1 flattens the prior: the covariance of the random effects is divided by it

    Example: ``dynamics(load_shipped()["vancomycin.goti2018"])``.
    """
    occasions = occasions if drug.occasion_etas else 0
    parameters = len(drug.structure.parameters)
    loading, effects = drug.log_loading(), len(drug.etas)
    omega = np.asarray(drug.omega, dtype=np.float64).reshape(effects, effects)
    if loading is not None and parameters <= MOST_PADDED:
        omega = _extended(omega, parameters)
        loading = np.concatenate([loading, np.zeros((parameters, parameters - effects))], axis=1)
        effects = parameters
    covariance = omega
    for _ in range(occasions):
        covariance = _block(covariance, np.asarray(drug.occasion_omega, dtype=np.float64))
    factor = np.linalg.cholesky(covariance / prior_weight) if len(covariance) else np.zeros((0, 0))
    prior = GaussianPrior(np.zeros(len(factor)), factor)
    if loading is None:
        individualise: LogAffine | ByFormula = ByFormula(Formula(_fingerprint(drug), drug.individual))
    else:
        individualise = _affine(drug, loading, occasions)
    return DrugModel(prior, individualise, residual_error(drug), drug.structure, effects, occasions)


def _extended(omega: np.ndarray, size: int) -> np.ndarray:
    return _block(omega, np.eye(size - len(omega)))


def _block(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    whole = np.zeros((len(first) + len(second),) * 2)
    whole[: len(first), : len(first)] = first
    whole[len(first) :, len(first) :] = second
    return whole


def _fingerprint(drug: Drug) -> str:
    """What names a drug's formulas: their text, and that of everything they are computed from."""
    parts = [drug.name, drug.version, repr(drug.structure), repr(sorted(drug.etas)), repr(drug.occasion_etas)]
    parts += [f"{name} {c.unit}" for name, c in drug.covariates.items()]
    parts += [f"{name} = {e.text}" for name, e in drug.definitions.items()]
    parts += [f"{name} = {p.value.text} {p.unit} {p.factor!r} {p.eta}" for name, p in drug.parameters.items()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _affine(drug: Drug, loading: np.ndarray, occasions: int) -> LogAffine:
    per_occasion = drug.occasion_loading() if occasions else np.zeros((len(loading), 0))
    return LogAffine(np.asarray(loading, dtype=np.float64), np.asarray(per_occasion, dtype=np.float64))


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
