"""What a reader may know about the drug beforehand: names and units of one drug file, without importing the
file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DrugHints:
    """Names and units that a table is read against. Everything is optional.

    drug             generic name, such as "vancomycin": rows about another drug are reported and not used,
                     and it is the substance when mmol must become mg
    dose_unit        UCUM unit that doses are converted to; None keeps the table's unit
    channel_units    {"level": "mg/L", "effect": "1", ...}: units that levels are converted to
    channel_names    {"inr": "effect", ...}: names a level row may carry (lower case) and the channel meant
    covariate_units  {"WT": "kg", ...}: units that covariates are converted to
    usual_dose       (smallest, largest) practical dose in ``dose_unit``, to notice milligrams written as
                     grams
    inputs           inputs the drug has, such as ("depot", "central")
    endogenous       True when the body makes the drug itself, so that a level before any dose is no
                     contradiction
    """

    drug: str | None = None
    dose_unit: str | None = None
    channel_units: Mapping[str, str] = field(default_factory=dict)
    channel_names: Mapping[str, str] = field(default_factory=dict)
    covariate_units: Mapping[str, str] = field(default_factory=dict)
    usual_dose: tuple[float, float] | None = None
    inputs: tuple[str, ...] = ()
    endogenous: bool = False
