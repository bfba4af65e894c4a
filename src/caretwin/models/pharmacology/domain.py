"""Is this model meant for this patient? Hard findings block advice, soft ones accompany it, unknown ones
ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .covariates import Derivation
from .description import Bounds, Covariate
from .dimension import unit

if TYPE_CHECKING:
    from .drug import Drug


@dataclass(frozen=True)
class Finding:
    """One reason against using a model: ``severity`` hard, soft or unknown; what was seen, and the file's
    message."""

    severity: str
    subject: str
    seen: str
    message: str


def check_domain(drug: Drug, covariates: Mapping[str, Any]) -> list[Finding]:
    """Findings for covariates {name: number or [K]} in declared units, hard ones first; empty when nothing
    speaks against.

    Any of K values outside a limit is a finding. A rule whose covariates are absent gives an "unknown"
    finding: the model may still fit, but somebody has to say so.
    """
    known = drug.derive(covariates)
    found = [f for c in drug.covariates.values() for f in _limits(c, known)]
    found += _needed(drug, known)
    found += _rules(drug, known)
    return sorted(found, key=lambda f: ("hard", "soft", "unknown").index(f.severity))


def _limits(covariate: Covariate, known: Derivation) -> list[Finding]:
    values = known.values[covariate.name]
    values = values[~np.isnan(values)]
    if covariate.flag and ((values != 0) & (values != 1)).any():
        return [Finding("hard", covariate.name, _range(values, "1"), "must be 0 (no) or 1 (yes)")]
    for severity, bounds in (("hard", covariate.hard), ("soft", covariate.soft)):
        if bounds is not None and _outside(values, bounds):
            return [Finding(severity, covariate.name, _range(values, covariate.unit), bounds.message)]
    return []


def _outside(values: np.ndarray, bounds: Bounds) -> bool:
    low = bounds.low is not None and bool((values < bounds.low).any())
    high = bounds.high is not None and bool((values > bounds.high).any())
    return low or high


def _range(values: np.ndarray, ucum: str) -> str:
    low, high = float(values.min()), float(values.max())
    text = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return text if ucum == "1" else f"{text} {ucum}"


def _needed(drug: Drug, known: Derivation) -> list[Finding]:
    found = []
    for name in drug.covariate_names:
        if name in known.missing:
            ways = known.missing[name]
            if ways == ("undefined",):
                message = "its formula does not hold for this patient; give it as measured"
            else:
                message = "the model needs it" + (f"; or give {', '.join(ways)}" if ways else "")
            found.append(Finding("hard", name, f"not stated: {drug.covariates[name].description}", message))
    return found


def _rules(drug: Drug, known: Derivation) -> list[Finding]:
    found = []
    for rule in drug.domain:
        names = sorted(rule.require.names)
        absent = [n for n in names if n in known.missing]
        if absent:
            found.append(
                Finding("unknown", ", ".join(absent), f"not stated, needed for: {rule.require.text}", rule.message)
            )
            continue
        base = {n: known.values[n] * unit(drug.covariates[n].unit)[0] for n in names}
        if not np.all(np.asarray(rule.require.evaluate(base)) != 0):
            seen = ", ".join(f"{n} {_range(np.atleast_1d(known.values[n]), drug.covariates[n].unit)}" for n in names)
            found.append(Finding(rule.severity, ", ".join(names), seen, rule.message))
    return found
