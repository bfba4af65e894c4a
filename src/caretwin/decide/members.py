"""Which models may speak for this patient, what each has learnt from the levels, and how much each is believed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from caretwin.base.errors import CaretwinError
from caretwin.core.ensemble import Ensemble
from caretwin.core.fit import Fit, fit_many
from caretwin.core.history import History, stack
from caretwin.core.model import MEASURED
from caretwin.core.program import program
from caretwin.core.simulate import run
from caretwin.core.status import sentence, usable
from caretwin.decide.batches import for_each_group, padded, stacked
from caretwin.decide.chi_square import upper_tail
from caretwin.record.dosing import DosingRecord
from caretwin.twin.dosing import DosingTwin, bind
from caretwin.twin.registry import family

# Assumptions: a patient further out than one in a thousand of the model's own population, or levels that the fitted
# model itself would produce less than once in a hundred times, are taken as signs that the model does not fit.
RAREST_PATIENT = 0.001
RAREST_LEVELS = 0.01

# Assumption: before any level is seen, a model whose population this patient does not belong to (a soft finding of its
# domain) is believed a fifth as much as one made for such patients. Levels can still overrule it.
OUTSIDE_POPULATION = 0.2


class Candidate(NamedTuple):
    """A model that may speak: its twin of the patient, its name, its weight before any level, and what to know of it.

    weight         prior weight of the dose history times ``domain_factor``
    domain_factor  1, or OUTSIDE_POPULATION when a soft limit of the model's domain is crossed
    """

    twin: DosingTwin
    label: str
    weight: float
    warnings: tuple[str, ...]
    domain_factor: float = 1.0


@dataclass(frozen=True)
class Excluded:
    """A model that may not speak for this patient, and why."""

    model: str
    reason: str


@dataclass(frozen=True)
class Member:
    """One model of this patient under one history of doses.

    fit           its posterior; ``ensemble`` the equally weighted draws that decisions are simulated on
    weight        share in the average (sums to 1 over those that fit)
    patient_tail  how rare the most probable parameters are in the model's population (upper chi-square tail)
    levels_tail   how often the fitted model would miss its own levels by as much (posterior predictive)
    warnings      soft findings of the model's domain
    domain_factor what these findings multiplied the prior weight with (1: none)
    prior_weight  weight before any level, ``domain_factor`` included
    """

    twin: DosingTwin
    label: str
    fit: Fit
    ensemble: Ensemble
    weight: float
    patient_tail: float
    levels_tail: float
    warnings: tuple[str, ...]
    domain_factor: float = 1.0
    prior_weight: float = 1.0

    @property
    def fits(self) -> bool:
        """Whether the patient could be one of this model's, and the posterior can be used."""
        return (
            self.patient_tail >= RAREST_PATIENT
            and self.levels_tail >= RAREST_LEVELS
            and bool(usable(int(self.fit.status)))
        )

    @property
    def trouble(self) -> str:
        """Why the model does not fit; empty when it does."""
        found = []
        if self.patient_tail < RAREST_PATIENT:
            found.append(f"the levels ask for a patient rarer than {self.patient_tail:.1g} of the model's population")
        if self.levels_tail < RAREST_LEVELS:
            found.append(f"the levels contradict each other under the model (p = {self.levels_tail:.1g})")
        if not usable(int(self.fit.status)):
            found.append(sentence(int(self.fit.status)))
        return "; ".join(found)


def candidates(
    record: DosingRecord, names: Sequence[str], drugs: Sequence[Any], now: float
) -> tuple[list[Candidate], list[Excluded]]:
    """Twins of the patient under every model whose domain allows it, and the models that it does not allow.

    The domain is read before the history is built, so that everything that is missing is said at once.
    """
    family_of_models = family("pharmacology")
    allowed, excluded = [], []
    asked = [*(family_of_models.load(name) for name in names), *drugs]
    for drug in asked:
        try:
            twins = []
            for history in record.histories():
                twin = bind(drug, record.with_history(history).known_by(now), beside=asked)
                label = drug.name if len(record.histories()) == 1 else f"{drug.name}, {history.label}"
                twins.append((twin, label, history.weight))
            findings = drug.check_domain(_present(twins[0][0]))
            hard = [_sentence(drug, f) for f in findings if f.severity == "hard"]
            if not hard:
                for twin, *_ in twins:
                    twin.history(times=(now,))
        except CaretwinError as error:
            excluded.append(Excluded(drug.name, _one_line(error)))
            continue
        if hard:
            excluded.append(Excluded(drug.name, "; ".join(hard)))
            continue
        factor = OUTSIDE_POPULATION if any(f.severity == "soft" for f in findings) else 1.0
        warnings = tuple(_sentence(drug, f) for f in findings) + _stale(twins[0][0], now)
        allowed += [Candidate(twin, label, weight * factor, warnings, factor) for twin, label, weight in twins]
    return allowed, excluded


def _sentence(drug: Any, finding: Any) -> str:
    """A finding of a domain in words; what a covariate is made of is said, for there are several clearances."""
    kinds = [drug.covariates[n].kind for n in finding.subject.split(", ") if n in drug.covariates]
    kind = "; ".join(k for k in kinds if k and "not stated" in finding.seen)
    subject = "" if finding.seen.startswith(finding.subject) else f"{finding.subject} "
    return f"{subject}{finding.seen}{f' ({kind})' if kind else ''}: {finding.message}"


def _stale(twin: DosingTwin, now: float) -> tuple[str, ...]:
    """Covariates that are older than the model lets them be."""
    found = []
    for name, series in twin.covariates.items():
        longest = twin.drug.covariates[name].maximum_age
        age = now - series.times[-1]
        if longest is not None and age > longest:
            found.append(f"{name} is {age:.0f} h old; the model takes it as current for {longest:g} h: measure again")
    return tuple(found)


def _present(twin: DosingTwin) -> dict[str, np.ndarray]:
    """The last value of each covariate: advice is about what comes next."""
    return {name: np.asarray([series.values[-1]]) for name, series in twin.covariates.items()}


def _one_line(error: CaretwinError) -> str:
    return f"{error.seen}; {error.fix}"


def learn(allowed: Sequence[Candidate], key: Array, now: float, *, draws: int, particles: int) -> list[Member]:
    """Posterior of every candidate, in as few batches as there are structures, with averaging weights.

    A weight is evidence x prior weight: how well the model foretold the levels, times how far it was made for
    such patients.
    """

    def of_structure(places: list[int]) -> list[Member]:
        return _learn_together([allowed[i] for i in places], key, now, draws, particles)

    members: dict[int, Member] = {}
    for places, found in for_each_group(of_structure, [candidate.twin.model for candidate in allowed]):
        members |= zip(places, found, strict=True)
    return _normalised([members[i] for i in range(len(allowed))])


def _learn_together(allowed: Sequence[Candidate], key: Array, now: float, draws: int, particles: int) -> list[Member]:
    """Posteriors of candidates of one structure; their weights are still logarithms."""
    twins = [candidate.twin for candidate in allowed]
    # What comes after the last sample teaches nothing, so now needs no row of its own: a slip of the chart then has
    # the rows of the chart, and goes through the same program.
    histories = [twin.history(times=() if twin.samples else (now,)) for twin in twins]
    subjects = [f"{candidate.twin.subject}/{candidate.label}" for candidate in allowed]
    fits = fit_many([t.model for t in twins], key, histories, subjects=subjects, draws=draws)
    patient, levels = _tails(twins, histories, fits)
    members = []
    for k, candidate in enumerate(allowed):
        fit = jax.tree.map(lambda leaf, k=k: np.asarray(leaf[k]), fits)
        # Without a level the evidence is 1 for every model; its estimate would only add noise.
        evidence = fit.log_evidence if candidate.twin.samples else 0.0
        members.append(
            Member(
                twin=candidate.twin,
                label=candidate.label,
                fit=fit,
                ensemble=_equal(fit.ensemble, particles),
                weight=float(np.log(candidate.weight) + evidence),
                patient_tail=patient[k],
                levels_tail=levels[k],
                warnings=candidate.warnings,
                domain_factor=candidate.domain_factor,
                prior_weight=candidate.weight,
            )
        )
    return members


def _normalised(members: list[Member]) -> list[Member]:
    fitting = [m.weight for m in members if m.fits]
    if not fitting:
        return [replace(m, weight=0.0) for m in members]
    top = max(fitting)
    total = sum(np.exp(w - top) for w in fitting)
    return [replace(m, weight=float(np.exp(m.weight - top) / total) if m.fits else 0.0) for m in members]


def _equal(ensemble: Ensemble, count: int) -> Ensemble:
    """``count`` equally weighted draws: systematic resampling at the midpoints."""
    cumulative = np.cumsum(np.exp(ensemble.logw))
    index = np.searchsorted(cumulative / cumulative[-1], (np.arange(count) + 0.5) / count)
    index = np.minimum(index, len(ensemble.logw) - 1)
    theta = np.asarray(ensemble.theta)[index]
    x = jax.tree.map(lambda leaf: np.asarray(leaf)[index], ensemble.x)
    return Ensemble(theta, x, np.full(count, -np.log(count)), ensemble.t)


def thinned(ensemble: Ensemble, count: int) -> Ensemble:
    """``count`` of an equally weighted ensemble's draws, evenly picked."""
    index = (np.arange(count) * len(ensemble.logw)) // count
    theta, x = jax.tree.map(lambda leaf: np.asarray(leaf)[index], (ensemble.theta, ensemble.x))
    return Ensemble(theta, x, np.full(count, -np.log(count)), ensemble.t)


def _tails(twins: Sequence[DosingTwin], histories: Sequence[History], fits: Fit) -> tuple[list[float], list[float]]:
    """How rare each patient is in the model's population, and how often the model would miss its own levels as much.

    The first is the upper chi-square tail of the most probable effects; the second the posterior predictive p-value of
    the sum of squared standardised residuals (Gelman, Meng & Stern, Stat Sin 1996;6:733-807).
    """
    theta = np.stack(padded(list(np.asarray(fits.ensemble.theta))))
    discrepancy = np.asarray(_discrepancies(stacked([t.model for t in twins]), stack(padded(histories)), theta))
    patient, levels = [], []
    for i, twin in enumerate(twins):
        prior = twin.model.prior
        standard = np.linalg.solve(prior.cholesky, fits.mode[i] - prior.mean)
        idle = twin.model.effects - len(twin.drug.etas)  # random effects that move nothing count for nothing
        patient.append(float(upper_tail(max(len(standard) - idle, 1), np.sum(standard**2))))
        count = int(np.sum(np.asarray(histories[i].y.kind) == MEASURED))
        share = np.exp(fits.ensemble.logw[i])
        levels.append(float(np.sum(share * upper_tail(count, discrepancy[i]))) if count else 1.0)
    return patient, levels


@program
def _discrepancies(models: Any, histories: History, theta: Array) -> Array:
    def of_draw(model: Any, history: History, draw: Array) -> Array:
        outcome = run(model, draw, history)
        rows = model.schedule(jax.vmap(partial(model.individual, draw))(history.contexts), history)
        z = model.error.standardised(outcome.predicted, rows.y.value)
        return jnp.sum(jnp.where(rows.y.kind == MEASURED, z**2, 0.0))

    def of_patient(model: Any, history: History, draws: Array) -> Array:
        return jax.vmap(lambda d: of_draw(model, history, d))(draws)

    return eqx.filter_vmap(of_patient)(models, histories, theta)
