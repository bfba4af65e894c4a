"""What a model says about this one person: individual parameters beside those of its population."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from caretwin.decide.members import Member

POPULATION_DRAWS = 1024


@dataclass(frozen=True)
class Personal:
    """One parameter in the drug file's unit: median and 90 % interval of this person, and of people like them.

    typical    the model's value for someone with these covariates
    varies     whether the model lets people differ in it; if not, the interval is a point
    """

    name: str
    unit: str
    median: float
    low: float
    high: float
    population: tuple[float, float, float]
    varies: bool

    @property
    def typical(self) -> float:
        """Median of the population with this person's covariates."""
        return self.population[0]


def personal(member: Member) -> tuple[Personal, ...]:
    """Every parameter of the model's structure, with the covariates as they were last known.

    The population is the model's own prior at this person's covariates, so the difference is what the levels taught.
    """
    drug, model = member.twin.drug, member.twin.model
    covariates = {name: np.asarray([s.values[-1]]) for name, s in member.twin.covariates.items()}
    effects = len(drug.etas)
    mine = _values(drug, np.asarray(member.ensemble.theta)[:, :effects], covariates)
    standard = np.random.Generator(np.random.PCG64(1)).standard_normal((POPULATION_DRAWS, effects))
    factor = np.asarray(model.prior.cholesky)[:effects, :effects]
    theirs = _values(drug, standard @ factor.T, covariates)
    found = []
    for i, name in enumerate(drug.structure.parameters):
        scale = 1.0 / drug.parameters[name].factor
        middle, low, high = np.quantile(mine[:, i] * scale, (0.5, 0.05, 0.95))
        people = np.quantile(theirs[:, i] * scale, (0.5, 0.05, 0.95))
        varies = bool(np.ptp(theirs[:, i]) > 1e-12 * abs(people[0]))
        unit = drug.parameters[name].unit
        found.append(Personal(name, unit, float(middle), float(low), float(high), tuple(map(float, people)), varies))
    return tuple(found)


def _values(drug: Any, eta: np.ndarray, covariates: dict[str, np.ndarray]) -> np.ndarray:
    """Individual parameters [N, P] in canonical units for effects [N, d]."""
    loading = drug.log_loading()
    if loading is not None:
        typical = drug.log_typical(covariates)[:1]
        found: np.ndarray = np.exp(typical + np.einsum("tpd,nd->ntp", loading, eta)).sum(axis=1)
        return found
    known = drug.derive(covariates).values
    values = [known[name][0] for name in drug.covariate_names]
    return np.stack([drug.individual(one, values, None, np) for one in eta])
