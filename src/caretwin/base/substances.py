"""Molar mass and charge of the substances in ``substances.toml``, so that mg can become mmol and mmol meq."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from caretwin.base.errors import UnitError

_ELEMENT = re.compile(r"([A-Z][a-z]?)(\d*)")


@dataclass(frozen=True)
class Substance:
    """A chemical substance.

    name        as written in ``substances.toml``
    formula     molecular formula, "" where the molar mass is stated in its place
    molar_mass  kg/mol, exact sum of the abridged standard atomic weights
    charge      elementary charges of the ion in body fluid, or ``None`` where that depends on pH
    note        what exactly the name stands for
    """

    name: str
    formula: str
    molar_mass: Fraction
    charge: int | None
    note: str


@cache
def substances() -> Mapping[str, Substance]:
    """Every known substance by name, read once from ``substances.toml``."""
    text = files("caretwin.base").joinpath("substances.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text, parse_float=Fraction)
    weights = table["atomic_weights"]
    return MappingProxyType(
        {
            name: Substance(
                name=name,
                formula=row.get("formula", ""),
                molar_mass=_stated(row) or _molar_mass(row["formula"], weights),
                charge=row.get("charge"),
                note=row.get("note", ""),
            )
            for name, row in table["substances"].items()
        }
    )


def substance(name: str) -> Substance:
    """The substance of that generic name.

    Raises :class:`UnitError` when the name is not in the table. Sources stand in the head of the table.

    Example: ``float(substance("creatinine").molar_mass)`` is 0.11312 kg/mol.
    """
    found = substances().get(name.strip().lower())
    if found is None:
        raise UnitError(
            "molar mass",
            seen=f"substance {name!r}",
            wanted=f"one of {', '.join(sorted(substances()))}",
            fix="add its formula, with its source, to caretwin/base/substances.toml, or send a unit of mass",
        )
    return found


def _stated(row: Mapping[str, Any]) -> Fraction | None:
    """kg/mol of what has no formula that could be written."""
    return Fraction(row["molar_mass"]) / 1000 if "molar_mass" in row else None


def _molar_mass(formula: str, weights: Mapping[str, Fraction]) -> Fraction:
    """Sum of atomic weights (g/mol, exact as printed), in kg/mol."""
    grams = (weights[element] * int(count or 1) for element, count in _ELEMENT.findall(formula))
    return sum(grams, Fraction(0)) / 1000
