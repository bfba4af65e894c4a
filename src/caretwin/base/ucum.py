"""Reading UCUM: a text becomes an exact factor to a coherent base, an offset and a dimension.

Kinds that UCUM lets pass for one another, and a patient does not, have dimensions of their own here:

- arbitrary units such as ``[iU]`` (an international unit of heparin is nothing in insulin);
- ``eq`` and ``osm``, which UCUM equates with the mole: 1 mmol of calcium is 2 meq;
- a surface of 1.73 m2 in ``mL/min/{1.73_m2}``, which UCUM drops as a comment.

Grammar and definitions are those of ucumvert and pint, loaded on first use (about 0.6 s, once per process).
Source: The Unified Code for Units of Measure, version 2.2, 2024, https://ucum.org/ucum.
"""

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from caretwin.base.errors import UnitError
from caretwin.base.spellings import REFUSED, STANDARD_BODY, STANDARD_BODY_AREA, atoms, suggest, to_ucum

# Pure numbers: the only dimensionless units that are not a kind of their own.
_PLAIN_NUMBERS = {"percent", "ppm", "ppb", "ppth", "pptr", "_10", "pi", "radian", "degree", "steradian"}
# UCUM calls these moles; here they are kinds of their own.
_NOT_MOLES = {"equivalents": "equivalent", "osmole": "osmole"}
# Scales with a zero of their own: kelvin = factor * value + offset (exact by definition of the scales).
_AFFINE = {
    "Cel": (Fraction(1), Fraction("273.15")),
    "[degF]": (Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
}
_PHRASES = {
    "mass": "a mass",
    "amount": "an amount of substance",
    "length^-3 mass": "a mass per volume",
    "amount length^-3": "an amount of substance per volume",
    "equivalent length^-3": "a charge per volume",
    "length": "a length",
    "length^2": "an area",
    "length^3": "a volume",
    "length^3 time^-1": "a volume per time",
    "length time^-1": "a volume per time and body surface",
    "mass time^-1": "a mass per time",
    "length^-1 mass time^-2": "a pressure",
    "temperature": "a temperature",
    "time": "a time",
    "time^-1": "a rate per time",
    "international_unit": "a number of international units",
    "amount time^-1": "an enzyme activity, amount of substance per time",
    "": "a pure number",
}


@dataclass(frozen=True)
class Unit:
    """One unit.

    code    UCUM code
    factor  coherent base units (kg, m, s, mol, K ...) in one of this unit, exact
    offset  base value at zero of this unit; 0 except for Cel and [degF]
    powers  dimension as (name, power) pairs in alphabetical order
    """

    code: str
    factor: Fraction
    offset: Fraction
    powers: tuple[tuple[str, int], ...]

    @property
    def dimension(self) -> Mapping[str, int]:
        """Power of each base quantity; empty for a pure number."""
        return MappingProxyType(dict(self.powers))

    def __str__(self) -> str:
        """The code and what it measures, as error messages need it: ``mg/L, a mass per volume``."""
        formula = " ".join(name if power == 1 else f"{name}^{power}" for name, power in self.powers)
        return f"{self.code}, {_PHRASES.get(formula, formula)}"


@cache
def parse(ucum: str) -> Unit:
    """Read a unit.

    ucum  UCUM code (case matters), or one of the bedside spellings in ``spellings.ACCEPTED``
    Raises :class:`UnitError` for an unknown or an ambiguous spelling, with a UCUM spelling as the fix.

    Example: ``parse("mcg/mL").dimension`` is ``{"length": -3, "mass": 1}``.
    """
    _refuse_ambiguous(ucum)
    code = to_ucum(ucum)
    if code in _AFFINE:
        return Unit(code, *_AFFINE[code], (("temperature", 1),))
    if code == "[pH]":  # a logarithm: it compares with itself and with nothing else
        return Unit(code, Fraction(1), Fraction(0), (("pH", 1),))
    return _common().get(code) or by_library(code)


@cache
def _common() -> Mapping[str, Unit]:
    """What the library says of everyday units, written down: loading it takes longer than most questions."""
    table = tomllib.loads((Path(__file__).parent / "common_units.toml").read_text(encoding="utf-8"))
    return {
        spelling: Unit(row["code"], Fraction(row["factor"]), Fraction(0), tuple(sorted(row["powers"].items())))
        for spelling, row in table.items()
    }


def by_library(ucum: str) -> Unit:
    """The same as :func:`parse` for a UCUM code, always asking the library."""
    code = ucum
    _refuse_unreadable(ucum, code)
    registry, read = _library()
    try:
        quantity = read(code)
    except Exception as problem:  # the parser and the registry raise a dozen unrelated kinds
        raise _unknown(ucum, f"a spelling that is not UCUM ({_first_line(problem)})") from problem
    factor, powers = _compose(registry, quantity, ucum)
    return Unit(code.replace(STANDARD_BODY_AREA, STANDARD_BODY), factor, Fraction(0), powers)


def _refuse_ambiguous(ucum: str) -> None:
    """Stop at a symbol that means one thing in UCUM and perhaps another in a chart."""
    for atom in atoms(ucum):
        if atom in REFUSED:
            meaning, fix = REFUSED[atom]
            where, wanted = f"unit {ucum!r}", "a unit with one meaning"
            raise UnitError(where, seen=f"{atom!r}: {meaning}", wanted=wanted, fix=fix)


def _refuse_unreadable(ucum: str, code: str) -> None:
    """Stop at what the parser would misread or explain badly."""
    if not code:
        raise _unknown(ucum, "nothing")
    if re.search(r"\d\.\d", code):
        raise _unknown(ucum, "a decimal number inside a unit, where UCUM multiplies at a dot")
    if _AFFINE.keys() & set(atoms(code)):
        raise UnitError(
            f"unit {ucum!r}",
            seen="a temperature scale with a zero of its own inside a larger unit",
            wanted="kelvin, whose differences are those of Cel",
            fix=f"write {code.replace('Cel', 'K').replace('[degF]', 'K')}",
        )


def _unknown(ucum: str, seen: str) -> UnitError:
    near = suggest(ucum)
    fix = f"write {near}, if that is meant" if near else "write the case-sensitive code from https://ucum.org"
    wanted = "a UCUM code, such as mg/L, umol/L or mL/min"
    return UnitError(f"unit {ucum!r}", seen=seen, wanted=wanted, fix=fix)


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]


@cache
def _library() -> tuple[Any, Callable[[str], Any]]:
    """pint's registry with the UCUM definitions, and the reader of UCUM codes."""
    import pint
    import ucumvert

    registry: Any = pint.UnitRegistry()
    # A registry of our own: ucumvert's would add its definitions to the one that the whole process shares.
    registry.load_definitions(Path(ucumvert.__file__).parent / "pint_ucum_defs.txt")
    grammar = ucumvert.get_ucum_parser()
    transformer = ucumvert.UcumToPintTransformer(ureg=registry)
    return registry, lambda code: transformer.transform(ucumvert.parse_ucum(code, grammar))


def _compose(registry: Any, quantity: Any, ucum: str) -> tuple[Fraction, tuple[tuple[str, int], ...]]:
    """Exact factor and dimension of a quantity that the library has read."""
    if not hasattr(quantity, "unit_items"):  # an annotation alone, such as {score}
        return Fraction(1), ()
    factor, powers = _exact(float(quantity.magnitude)), dict[str, int]()
    for name, power in quantity.unit_items():
        one, found = _component(registry, name, ucum)
        factor *= one ** int(power)
        for key, value in found.items():
            powers[key] = powers.get(key, 0) + value * int(power)
    return factor, tuple(sorted((key, power) for key, power in powers.items() if power))


def _component(registry: Any, name: str, ucum: str) -> tuple[Fraction, dict[str, int]]:
    """Exact factor and dimension of one unit of the library, such as ``milligram``."""
    _, base, _ = registry.parse_unit_name(name)[0]
    found = {key.strip("[]"): power for key, power in registry.get_dimensionality(name).items()}
    whole = all(power == int(power) for power in found.values())
    if not (whole and registry.Quantity(1, name)._is_multiplicative):
        raise UnitError(
            f"unit {ucum!r}",
            seen=f"{base}, a logarithmic or shifted scale or a unit with broken powers",
            wanted="a unit that is a multiple of a base unit",
            fix="convert the value where it is measured",
        )
    factor = _exact(float(registry.get_base_units(name)[0]))
    if base in _NOT_MOLES:
        return factor, {_NOT_MOLES[base]: 1}
    if not found and base not in _PLAIN_NUMBERS:
        return factor, {base: 1}
    return factor, {"amount" if key == "substance" else key: int(power) for key, power in found.items()}


def _exact(number: float) -> Fraction:
    """The fraction a float stands for: definitions have up to 12 digits, the rest is rounding noise."""
    for candidate in (Fraction(f"{number:.12g}"), 1 / Fraction(f"{1 / number:.12g}")):
        if math.isclose(candidate, number, rel_tol=1e-15):
            return candidate
    return Fraction(number)
