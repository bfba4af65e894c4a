"""From covariates and random effects to individual parameters: the formulas of a drug file, evaluated in
order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from caretwin.base.errors import DomainError

from .dimension import unit
from .expression import Expression, Name, evaluate
from .loading import Term, Terms, never_negative, terms

if TYPE_CHECKING:
    from .drug import Drug


MOST_KNOWN = 64  # sets of covariates whose typical terms are kept, per drug


class Evaluator:
    """The formulas of one drug, put in order once: definitions first, then parameters that others refer
    to."""

    def __init__(self, drug: Drug) -> None:
        self.drug = drug
        self.order = in_order({name: p.value for name, p in drug.parameters.items()})
        self.base = {name: unit(p.unit)[0] for name, p in drug.parameters.items()}
        used = _needed(drug)
        self.definitions = {name: e for name, e in drug.definitions.items() if name in used}
        self.covariate_names = tuple(name for name in drug.covariates if name in used)
        self.covariate_base = {name: unit(drug.covariates[name].unit)[0] for name in self.covariate_names}
        self._known: dict[Any, np.ndarray] = {}

    def values(self, covariates: Mapping[str, Any], effects: Mapping[str, Any], xp: Any) -> dict[str, Any]:
        """Every parameter in coherent base units, given covariates in theirs and effects by parameter
        name."""
        known = {name: covariates[name] * self.covariate_base[name] for name in self.covariate_names}
        for name, expression in self.definitions.items():
            known[name] = expression.evaluate(known, xp)
        for name in self.order:
            parameter = self.drug.parameters[name]
            known[name] = parameter.value.evaluate(known, xp)
            if name not in effects:
                continue
            if parameter.eta == "additive":
                known[name] = known[name] + effects[name] * self.base[name]
            else:
                known[name] = known[name] * xp.exp(effects[name])
        return known

    def canonical(self, known: Mapping[str, Any], xp: Any, shape: tuple[int, ...] = ()) -> Any:
        """The structure's parameters [..., P] in canonical units."""
        parameters = self.drug.parameters
        columns = [
            xp.broadcast_to(xp.asarray(known[name] * (parameters[name].factor / self.base[name]), dtype=float), shape)
            for name in self.drug.structure.parameters
        ]
        return xp.stack(columns, axis=-1)

    def typical(self, covariates: Mapping[str, Any]) -> np.ndarray:
        """See :meth:`.drug.Drug.typical`."""
        derived = self.drug.derive(covariates)
        needed = {
            name: np.atleast_1d(np.asarray(derived.values.get(name, np.nan), float)) for name in self.covariate_names
        }
        for name, value in needed.items():
            if np.isnan(value).any():
                raise _missing(self.drug, name, derived.missing.get(name, ()))
        size = max((len(v) for v in needed.values()), default=1)
        given = [len(np.atleast_1d(v)) for v in covariates.values()]
        shape = (max([size, *given]),)
        found: np.ndarray = self.canonical(self.values(needed, {}, np), np, shape)
        self._check(found)
        return found

    def _check(self, found: np.ndarray) -> None:
        for i, name in enumerate(self.drug.structure.parameters):
            strict = self.drug.parameters[name].positive
            worst = float(np.min(found[:, i])) if np.isfinite(found[:, i]).all() else float("nan")
            if not (worst > 0 if strict else worst >= 0):
                raise DomainError(
                    f"{self.drug.name}: typical {name}",
                    seen=f"{worst:g} for the typical {name} of these covariates",
                    wanted="a value above 0" if strict else "a value of at least 0",
                    fix="the covariates lie outside what this model was made for: use another model",
                )

    def individual(self, eta: Any, covariates: Any, kappa: Any = None, xp: Any = None) -> Any:
        """See :meth:`.drug.Drug.individual`."""
        if xp is None:
            import jax.numpy as xp
        effects = {name: eta[i] for i, name in enumerate(self.drug.etas)}
        if kappa is not None:
            for i, name in enumerate(self.drug.occasion_etas):
                effects[name] = effects.get(name, 0.0) + kappa[i]
        values = {name: covariates[i] for i, name in enumerate(self.covariate_names)}
        return self.canonical(self.values(values, effects, xp), xp)

    @cached_property
    def terms(self) -> tuple[Terms, ...] | None:
        """The terms of every parameter of the structure by all effects, those between occasions last; see
        :mod:`.loading`."""
        columns = (*self.drug.etas, *self.drug.occasion_etas)
        moving: dict[str, Terms] = {}
        nonnegative = {n for n, c in self.drug.covariates.items() if c.flag or _at_least_zero(c)}
        for name, definition in self.definitions.items():
            if never_negative(definition.tree, nonnegative):
                nonnegative.add(name)
        for name in self.order:
            parameter = self.drug.parameters[name]
            if never_negative(parameter.value.tree, nonnegative):
                nonnegative.add(name)
            found = terms(parameter.value.tree, moving, len(columns), nonnegative)
            own = np.array([float(column == name) for column in columns])
            if found is None or (own.any() and parameter.eta == "additive"):
                return None
            if own.any() or len(found) > 1 or found[0].row.any():
                moving[name] = tuple(Term(term.typical, term.row + own) for term in found)
        still = np.zeros(len(columns))
        return tuple(moving.get(name, (Term(Name(name, 0), still),)) for name in self.drug.structure.parameters)

    def log_typical(self, covariates: Mapping[str, Any], room: int) -> np.ndarray:
        """See :meth:`.drug.Drug.log_typical`. The last ones are kept: a decision asks for the same person's again and
        again, under other doses."""
        key = (room, *((name, np.asarray(value, float).tobytes()) for name, value in covariates.items()))
        if key not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._log_typical(covariates, room)
        return self._known[key]

    def _log_typical(self, covariates: Mapping[str, Any], room: int) -> np.ndarray:
        typical = self.typical(covariates)
        found = np.full((len(typical), room, typical.shape[1]), -np.inf)
        derived = self.drug.derive(covariates).values
        known = self.values({name: np.asarray(derived[name], float) for name in self.covariate_names}, {}, np)
        with np.errstate(divide="ignore"):
            for i, own in enumerate(self.terms or ()):
                parameter = self.drug.parameters[self.drug.structure.parameters[i]]
                parts = [typical[:, i]]
                if len(own) > 1:
                    scale = parameter.factor / self.base[parameter.name]
                    parts = [evaluate(term.typical, known) * scale for term in own]
                for t, part in enumerate(parts):
                    if np.any(np.asarray(part) < 0):
                        raise _negative(self.drug, parameter.name)
                    found[:, t, i] = np.log(part)
        found.flags.writeable = False
        return found


def in_order(expressions: Mapping[str, Expression]) -> list[str]:
    """Names in an order in which each comes after those it refers to; raises ValueError(name) for a
    circle."""
    ordered: list[str] = []
    visiting: set[str] = set()

    def visit(name: str) -> None:
        if name in ordered:
            return
        if name in visiting:
            raise ValueError(name)
        visiting.add(name)
        for other in sorted(expressions[name].names & expressions.keys()):
            visit(other)
        ordered.append(name)

    for name in expressions:
        visit(name)
    return ordered


def _needed(drug: Drug) -> set[str]:
    needed = set().union(*(p.value.names for p in drug.parameters.values()))
    for name in reversed(list(drug.definitions)):
        if name in needed:
            needed |= drug.definitions[name].names
    return needed


def _at_least_zero(covariate: Any) -> bool:
    return covariate.hard is not None and covariate.hard.low is not None and covariate.hard.low >= 0


def _negative(drug: Drug, name: str) -> DomainError:
    return DomainError(
        f"{drug.name}: typical {name}",
        seen=f"a negative part of the typical {name} for these covariates",
        wanted="parts that are not negative",
        fix="a covariate lies outside its hard limits: correct it, or use another model",
    )


def _missing(drug: Drug, name: str, ingredients: tuple[str, ...]) -> DomainError:
    covariate = drug.covariates[name]
    what = f"{name} ({covariate.description}, {covariate.unit})"
    return DomainError(
        f"{drug.name}: parameters for these covariates",
        seen=f"no {what}",
        wanted=what + (f", or what it can be computed from (missing: {', '.join(ingredients)})" if ingredients else ""),
        fix=f"give {name}; it is not assumed to be normal",
    )
