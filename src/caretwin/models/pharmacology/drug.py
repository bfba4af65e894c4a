"""A drug model as data: everything its file says, and the few things that follow from it alone.

A :class:`Drug` turns covariates into typical and individual parameters; it knows nothing of doses over time,
which is the business of the kinetics. Parameters come in the order of ``drug.structure.parameters`` and in
canonical units: amounts in the dose unit, volumes in L, times in h, effects in the unit of their channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .covariates import Derivation, derive
from .description import (
    Bounds,
    Choices,
    Covariance,
    Covariate,
    Disputed,
    DomainRule,
    Dose,
    DrugChannel,
    Limit,
    Parameter,
    Practical,
    ResidualError,
    Target,
    TestDose,
    TestVector,
    Variability,
)
from .domain import Finding, check_domain
from .expression import Expression
from .individual import Evaluator
from .structure import Structure

__all__ = [
    "Bounds",
    "Choices",
    "Covariance",
    "Covariate",
    "Derivation",
    "Disputed",
    "DomainRule",
    "Dose",
    "Drug",
    "DrugChannel",
    "Finding",
    "Limit",
    "Parameter",
    "Practical",
    "ResidualError",
    "Target",
    "TestDose",
    "TestVector",
    "Variability",
]


@dataclass(frozen=True, eq=False)
class Drug:
    """One drug model, as read from its file; compared by identity.

    name, version, drug, title, population, source   what it is and where it comes from
    grade            draft, verified (code equals at least one independent second source), validated,
                     monitored
    checked          the date on which the numbers were last compared with their sources
    structure        compartments and the order of parameters
    covariates       by name, given ones and derived ones
    definitions      named intermediate expressions of covariates, in file order
    parameters       by name: those of the structure first, in its order, then auxiliary ones
    etas, omega      names [d] and covariance [d, d] of the effects between subjects
    occasion_etas, occasion_omega   names [o] and covariance [o, o] of the effects between occasions
    """

    name: str
    version: str
    drug: str
    title: str
    grade: str
    population: str
    source: str
    checked: str
    structure: Structure
    dose: Dose
    covariates: Mapping[str, Covariate]
    definitions: Mapping[str, Expression]
    parameters: Mapping[str, Parameter]
    covariances: tuple[Covariance, ...]
    etas: tuple[str, ...]
    omega: np.ndarray
    occasion_etas: tuple[str, ...]
    occasion_omega: np.ndarray
    errors: Mapping[str, ResidualError]
    channels: Mapping[str, DrugChannel]
    doi: str | None = None
    pmid: str | None = None
    grade_reason: str | None = None
    targets: tuple[Target, ...] = ()
    limits: tuple[Limit, ...] = ()
    practical: Practical | None = None
    domain: tuple[DomainRule, ...] = ()
    disputed: tuple[Disputed, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    tests: tuple[TestVector, ...] = ()
    path: str | None = None

    @cached_property
    def _evaluator(self) -> Evaluator:
        return Evaluator(self)

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """The covariates that parameters depend on, in file order: the columns [C] of ``individual``."""
        return self._evaluator.covariate_names

    @property
    def positive(self) -> np.ndarray:
        """Which parameters of the structure must be above zero [P] (bool)."""
        return np.array([self.parameters[name].positive for name in self.structure.parameters])

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Every number of this file that no source states, one sentence each: to be shown wherever it is
        used."""
        return tuple(_assumptions(self))

    def derive(self, covariates: Mapping[str, Any]) -> Derivation:
        """Fill covariates that can be computed from the given ones; see :func:`.covariates.derive`."""
        return derive(self.covariates, covariates)

    def check_domain(self, covariates: Mapping[str, Any]) -> list[Finding]:
        """What speaks against using this model for these covariates; see :func:`.domain.check_domain`."""
        return check_domain(self, covariates)

    def typical(self, covariates: Mapping[str, Any]) -> np.ndarray:
        """Typical parameters [K, P] for covariates {name: [K] or number} in their declared units.

        Derived covariates are filled in. All random effects are 0. Raises DomainError when a covariate is
        missing or a value that must be positive is not.

        >>> from caretwin.models.pharmacology.drug_file import load_shipped
        >>> goti = load_shipped()["vancomycin.goti2018"]
        >>> goti.typical({"CRCL": 120.0, "WT": 70.0, "DIAL": 0.0}).round(3).tolist()   # CL V1 Q2 V2
        [[4.5, 58.4, 6.5, 38.4]]
        """
        return self._evaluator.typical(covariates)

    def individual(self, eta: Any, covariates: Any, kappa: Any = None, xp: Any = None) -> Any:
        """Individual parameters [P] for effects ``eta`` [d], covariate values [C] in the order of
        ``covariate_names``.

        ``kappa`` [o] are the effects of the present occasion, in the order of ``occasion_etas`` (None: all
        0). ``xp`` is the array module: jax.numpy by default, so that the result can be traced, or numpy.
        Never raises for a value: positivity is checked by ``typical``, on data.
        """
        return self._evaluator.individual(eta, covariates, kappa, xp)

    def log_loading(self) -> np.ndarray | None:
        """B [T, P, d] with individual = sum over terms T of exp(log typical + B eta), or None when the model is not
        of that form; see :mod:`.loading`. Nearly every published model has one term."""
        whole = self._loading
        return None if whole is None else whole[..., : len(self.etas)]

    def occasion_loading(self) -> np.ndarray | None:
        """The same for the effects between occasions: [T, P, o]."""
        whole = self._loading
        return None if whole is None else whole[..., len(self.etas) :]

    @cached_property
    def _loading(self) -> np.ndarray | None:
        parameters = self._evaluator.terms
        if parameters is None:
            return None
        found = np.zeros((max(map(len, parameters)), len(parameters), len(self.etas) + len(self.occasion_etas)))
        for i, own in enumerate(parameters):
            for t, term in enumerate(own):
                found[t, i] = term.row
        return found

    def log_typical(self, covariates: Mapping[str, Any], room: int | None = None) -> np.ndarray:
        """Log of the typical terms [K, room, P] for covariates as in ``typical``; terms that a parameter does not have
        are -inf. As many as the model has when no room is given.

        Raises ValueError for a model without ``log_loading``, and as ``typical`` does.
        """
        if self._loading is None:
            raise ValueError(f"{self.name} is no sum of log-affine terms")
        return self._evaluator.log_typical(covariates, room or len(self._loading))


def _assumptions(drug: Drug) -> list[str]:
    found = []
    for p in drug.parameters.values():
        if p.assumed:
            found.append(f"{p.name}: value assumed" + (f" ({p.note})" if p.note else ""))
        for label, v in (("variability", p.variability), ("variability between occasions", p.occasion)):
            if v is not None and v.assumed:
                found.append(f"{p.name}: {label} assumed" + (f" ({v.note})" if v.note else ""))
    found += [
        f"{c.between[0]}, {c.between[1]}: correlation assumed" + (f" ({c.note})" if c.note else "")
        for c in drug.covariances
        if c.assumed
    ]
    found += [
        f"residual error of {e.channel} assumed" + (f" ({e.note})" if e.note else "")
        for e in drug.errors.values()
        if e.assumed
    ]
    found += [f"target assumed: {t.label}" for t in drug.targets if t.assumed]
    found += [f"limit assumed: {limit.label}" for limit in drug.limits if limit.assumed]
    return found
