"""A value and its unit as a chart writes them, in the unit of a channel of the bedside record."""

from __future__ import annotations

import re
from typing import overload

import numpy as np
from jaxtyping import Float

from caretwin.base.errors import UnitError
from caretwin.base.units import compatible, convert, parse
from caretwin.record.bedside import channels

SUBSTANCES = {
    "glucose": "glucose",
    "enteral_glucose": "glucose",
    "parenteral_glucose": "glucose",
    "creatinine": "creatinine",
    "lactate": "lactic acid",
    "haemoglobin": "haemoglobin monomer",
}
INTERNATIONAL_UNITS = frozenset(
    {"insulin", "insulin_bolus", "insulin_subcutaneous_rapid", "insulin_subcutaneous_long", "vasopressin"}
)
"""Drugs whose charted "units" can only be international units."""
_SPELLINGS = {
    "breaths/min": "/min", "insp/min": "/min", "beats/min": "/min", "br/min": "/min", "l/m": "L/min", "lpm": "L/min",
    "f": "[degF]", "c": "Cel", "deg. f": "[degF]", "deg. c": "Cel", "deg f": "[degF]", "deg c": "Cel",
    "celsius": "Cel", "fahrenheit": "[degF]", "mm hg": "mm[Hg]", "cmh20": "cm[H2O]", "cm h2o": "cm[H2O]",
    "ph": "1", "": "1", "fraction": "1", "ml/b": "mL",
}  # fmt: skip
"""Spellings that mean one thing on a bedside chart. Our own judgement."""
_STONES = frozenset({"st", "stone", "stones"})
"""Of a body weight: 14 pounds of 0.45359237 kg (Weights and Measures Act 1985, schedule 1; the pound also in NIST SP
811, 2008, appendix B.8), so 6.35029318 kg. Elsewhere in UCUM st is the stere, a cubic metre.
"""


@overload
def to_channel(value: float, unit: str, channel: str, weight_kg: float | None = None) -> float: ...
@overload
def to_channel(
    value: Float[np.ndarray, " n"], unit: str, channel: str, weight_kg: float | None = None
) -> Float[np.ndarray, " n"]: ...
def to_channel(
    value: float | Float[np.ndarray, " n"], unit: str, channel: str, weight_kg: float | None = None
) -> float | Float[np.ndarray, " n"]:
    """The value in the unit of the channel.

    value      number or array [n] in ``unit``
    unit       as charted: UCUM, or an accepted bedside spelling ("mcg/kg/min", "units/hour", "breaths/min")
    channel    name in bedside_channels.toml
    weight_kg  body weight (kg), needed between a rate and a rate per weight; None when it is not known
    Raises UnitError for an unreadable unit, for one of another kind, and when a weight is needed and not known.

    >>> round(to_channel(25.0, "mcg/kg/min", "propofol"), 6), to_channel(0.02, "units/min", "insulin")
    (1.5, 1.2)
    """
    wanted = channels()[channel].unit
    read = ucum(unit, channel)
    substance = SUBSTANCES.get(channel)
    if compatible(read, wanted, substance=substance):
        return convert(value, read, wanted, substance=substance)
    for charted, target, factor in _by_weight(read, wanted, weight_kg):
        if compatible(charted, target, substance=substance):
            return convert(value, charted, target, substance=substance) * factor
    if weight_kg is None and any(compatible(a, b, substance=substance) for a, b, _ in _by_weight(read, wanted, 1.0)):
        raise UnitError(
            f"{channel} in {unit}",
            seen="no body weight",
            wanted=f"a weight, by which {unit} becomes {wanted}",
            fix="give the patient's weight in kg, or the rate per kg",
        )
    return convert(value, read, wanted, substance=substance)  # raises, with the two kinds named


def ucum(unit: str, channel: str) -> str:
    """The UCUM code of a charted unit; "units" are international units where the channel can mean nothing else, and
    "st" is stones of a body weight.

    >>> ucum("st", "weight"), ucum("units/h", "insulin")
    ('[stone_av]', '[iU]/h')
    """
    text = unit.strip()
    if channel in INTERNATIONAL_UNITS:
        text = re.sub(r"^(m?)(units?|U|IU)(?=$|/)", r"\1[iU]", text, flags=re.IGNORECASE)
    if channel == "weight" and text.lower() in _STONES:
        text = "[stone_av]"
    return parse(_SPELLINGS.get(text.lower(), text)).code


def _by_weight(read: str, wanted: str, weight_kg: float | None) -> list[tuple[str, str, float]]:
    """Ways between a rate and a rate per kg: (unit read, unit wanted, factor)."""
    if weight_kg is None:
        return []
    ways = []
    if "/kg" in wanted and "/kg" not in read:
        ways.append((read, wanted.replace("/kg", ""), 1.0 / weight_kg))
    if "/kg" in read and "/kg" not in wanted:
        ways.append((read.replace("/kg", ""), wanted, weight_kg))
    return ways
