"""Covariates that can be computed from others: creatinine clearance from creatinine, lean mass from height
and weight.

A value that was given is never replaced. A value that cannot be computed stays absent, and the answer says
what is missing: nothing is taken to be normal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .description import Covariate
from .dimension import unit


@dataclass(frozen=True)
class Derivation:
    """What is known of a drug's covariates.

    values    {name: [K]} in declared units; nan where absent
    computed  names of which at least one value was computed here
    missing   {name: what it would take} for every covariate that is absent somewhere: the absent ingredients,
              or () when it can only be measured; ("undefined",) when the formula does not hold for these
              values
    """

    values: dict[str, np.ndarray]
    computed: tuple[str, ...]
    missing: dict[str, tuple[str, ...]]


def derive(covariates: Mapping[str, Covariate], given: Mapping[str, Any]) -> Derivation:
    """Fill the covariates of a drug that were not given and can be computed.

    given  {name: number or [K]} in the declared units, nan for an absent value; names the drug does not use
           are ignored.
    """
    arrays = {name: np.asarray(given[name], float) for name in covariates if name in given}
    shape = np.broadcast_shapes(*(a.shape for a in arrays.values())) if arrays else ()
    values = {name: np.broadcast_to(arrays.get(name, np.nan), shape).astype(float) for name in covariates}
    computed = []
    for name in _ingredients_first(covariates):
        expression = covariates[name].derived
        absent = np.isnan(values[name])
        if expression is None or not absent.any():
            continue
        base = {n: values[n] * unit(covariates[n].unit)[0] for n in expression.names}
        found = np.broadcast_to(expression.evaluate(base), shape) / unit(covariates[name].unit)[0]
        # A comparison with an absent value is false, not absent: without this an unknown age counts as young.
        for n in expression.names:
            found = np.where(np.isnan(values[n]), np.nan, found)
        values[name] = np.where(absent, found, values[name])
        if not np.isnan(values[name][absent]).all():
            computed.append(name)
    missing = {n: _missing(n, covariates, values) for n in covariates if np.isnan(values[n]).any()}
    return Derivation(values, tuple(computed), missing)


def _ingredients_first(covariates: Mapping[str, Covariate]) -> list[str]:
    from .individual import in_order

    return in_order({name: c.derived for name, c in covariates.items() if c.derived is not None})


def _missing(name: str, covariates: Mapping[str, Covariate], values: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    expression = covariates[name].derived
    if expression is None:
        return ()
    absent = tuple(sorted(n for n in expression.names if np.isnan(values[n]).any()))
    return absent or ("undefined",)
