"""Units at the border: a value enters with a UCUM unit, is converted once, and is a plain number after that.

How a unit is read, and which kinds are kept apart, stands in ``ucum.py``; bedside spellings that are accepted
or refused stand in ``spellings.py``; molar masses and charges, by which mg becomes mmol or meq, in
``substances.toml``.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from caretwin.base.errors import DataError, UnitError
from caretwin.base.spellings import STANDARD_BODY, suggest
from caretwin.base.substances import Substance
from caretwin.base.substances import substance as find_substance
from caretwin.base.ucum import Unit, parse

__all__ = ["Unit", "compatible", "convert", "dimension", "parse", "suggest", "to_base_factor"]


@overload
def convert(value: float, from_: str, to: str, *, substance: str | None = None) -> float: ...
@overload
def convert(value: NDArray[Any], from_: str, to: str, *, substance: str | None = None) -> NDArray[np.float64]: ...
def convert(
    value: float | NDArray[Any], from_: str, to: str, *, substance: str | None = None
) -> float | NDArray[np.float64]:
    """The same quantity in another unit.

    value      number or array of any shape, in ``from_``; NaN stays NaN, because absent stays absent
    from_, to  UCUM codes or accepted bedside spellings
    substance  generic name, needed only between mass, amount (mol) and charge (eq)
    Returns float, or float64 array of the same shape, in ``to``.
    Raises :class:`UnitError` when a unit cannot be read or the two measure different things, and
    :class:`DataError` for an infinite value.

    Example: ``convert(1.0, "mg/dL", "umol/L", substance="creatinine")`` is 88.4.
    """
    source, target = parse(from_), parse(to)
    bridge = _way(source, target, substance)
    if bridge is None:
        raise _refusal(source, target, _named(substance))
    if np.isinf(value).any():
        raise DataError(
            f"conversion from {source.code} to {target.code}",
            seen="an infinite value",
            wanted="a finite value, or NaN where it is absent",
            fix="find what divided by zero, or leave the value out",
        )
    factor = source.factor * bridge / target.factor
    offset = (source.offset - target.offset) / target.factor
    converted = _affine(np.asarray(value, dtype=np.float64), factor, offset)
    return converted if isinstance(value, np.ndarray) else float(converted)


def compatible(first: str, second: str, *, substance: str | None = None) -> bool:
    """Whether a value in ``first`` can be converted to ``second`` (through ``substance``, when named).

    Raises :class:`UnitError` for a unit that cannot be read, or a substance that is needed and not in the table.

    Example: ``compatible("mg/dL", "umol/L")`` is False, and True with ``substance="creatinine"``.
    """
    return _way(parse(first), parse(second), substance) is not None


def dimension(ucum: str) -> Mapping[str, int]:
    """Power of each base quantity in a unit; empty for a pure number.

    Names: mass, length, time, amount (of substance), temperature, current, equivalent, osmole, pH,
    international_unit and other arbitrary units. Raises :class:`UnitError` for a unit that cannot be read.

    Example: ``dimension("mg/L")`` is ``{"length": -3, "mass": 1}``.
    """
    return parse(ucum).dimension


def to_base_factor(ucum: str) -> float:
    """Coherent base units (kg, m, s, mol, K ...) in one ``ucum``.

    Raises :class:`UnitError` for a unit that cannot be read, and for Cel and [degF], which have an offset.

    Example: ``to_base_factor("mg/L")`` is 0.001, in kg/m3.
    """
    unit = parse(ucum)
    if unit.offset:
        raise UnitError(
            f"factor of {ucum!r}",
            seen=f"{unit.code}, a scale with a zero of its own",
            wanted="a unit that is a multiple of a base unit",
            fix=f"call convert(value, {unit.code!r}, 'K')",
        )
    return float(unit.factor)


def _named(substance: str | None) -> Substance | None:
    return None if substance is None else find_substance(substance)


def _way(source: Unit, target: Unit, substance: str | None) -> Fraction | None:
    """Factor between two dimensions; a substance is looked up only when needed, for not all are in the table."""
    direct = _bridge(source, target, None)
    return direct if direct is not None or substance is None else _bridge(source, target, _named(substance))


def _affine(numbers: NDArray[np.float64], factor: Fraction, offset: Fraction) -> NDArray[np.float64]:
    """Factor * numbers + offset, with little rounding: 7 mg are 0.007 g to the last bit.

    Dividing by 1000 is correctly rounded where multiplying by 0.001 is not. A shift that is a whole number is
    made before the scaling, so that 100.4 [degF], 32 less first, are 38 Cel and not a little below.
    """
    before = offset / factor
    if Fraction(float(before)) == before:
        numbers, offset = numbers + float(before), Fraction(0)
    scaled = numbers * float(factor) if factor >= 1 else numbers / float(1 / factor)
    return scaled + float(offset)


def _bridge(source: Unit, target: Unit, named: Substance | None) -> Fraction | None:
    """Factor between two dimensions through a substance (1 when equal), or ``None`` when there is no way."""
    difference = dict(target.powers)
    for key, power in source.powers:
        difference[key] = difference.get(key, 0) - power
    mass, amount, charge = (difference.pop(key, 0) for key in ("mass", "amount", "equivalent"))
    if any(difference.values()) or mass + amount + charge != 0:
        return None
    if mass == amount == charge == 0:
        return Fraction(1)
    if named is None or (charge and named.charge is None):
        return None
    return named.molar_mass**mass * Fraction(named.charge or 1) ** charge


def _refusal(source: Unit, target: Unit, named: Substance | None) -> UnitError:
    """Why two units cannot be converted, with what the reader can do."""
    kinds = {key for key, _ in (*source.powers, *target.powers)}
    anything = Substance("anything", "", Fraction(1), 1, "")
    if named is not None and named.charge is None and _bridge(source, target, anything) is not None:
        fix = f"give {named.name} a charge in caretwin/base/substances.toml, with its source, or send mmol"
    elif named is None and _bridge(source, target, anything) is not None:
        fix = f"name the substance, or send {target.code}"
    elif "international_unit" in kinds:
        fix = f"international units have no fixed mass or amount: send {target.code}"
    elif STANDARD_BODY in source.code + target.code:
        fix = "multiply or divide by the patient's own body surface: one of the two is indexed to it"
    else:
        fix = f"check that the unit belongs to this value, or send {target.code}"
    of = f" of {named.name}" if named else ""
    return UnitError(f"conversion{of}", seen=str(source), wanted=str(target), fix=fix)
