"""Which unit values without one can be in: the units of a channel in which they are plausible, each of them named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from caretwin.base.errors import CaretwinError
from caretwin.base.units import convert
from caretwin.ingest.bedside.units import ucum
from caretwin.ingest.meanings import SUBSTANCES
from caretwin.record.vocabulary import vocabulary

OTHERS: Mapping[str, tuple[str, ...]] = {
    "temperature": ("[degF]",), "room_temperature": ("[degF]",), "glucose": ("mg/dL",), "creatinine": ("umol/L",),
    "haemoglobin": ("g/L", "mmol/L"), "albumin": ("g/L",), "lactate": ("mg/dL",), "bilirubin": ("umol/L",),
    "weight": ("[lb_av]", "g"), "height": ("[in_i]", "m"), "fio2": ("%",), "c_reactive_protein": ("mg/dL",),
    "tidal_volume": ("mL",), "tidal_volume_set": ("mL",), "arterial_oxygen_pressure": ("kPa",),
    "arterial_carbon_dioxide_pressure": ("kPa",), "end_tidal_carbon_dioxide": ("kPa", "%"),
    "sleep_duration": ("min",), "fluid_intake": ("L",), 
    "norepinephrine": ("ug/min", "mg/h"), "propofol": ("mg/h", "ug/kg/min"), "urine_output": ("mL/kg/h",),
}  # fmt: skip
"""Units in which a channel is also charted. Our own judgement."""
MOST = 0.9
"""Share of values that have to be plausible in a unit (assumed)."""


class Fit(NamedTuple):
    """Units in which the values are plausible, the channel's own first; and the share that is so in the unit that was
    told (None: none was).
    """

    units: tuple[str, ...]
    told: float | None = None


def fit(channel: str, values: Sequence[float], unit: str = "", least: float = MOST) -> Fit:
    """In which units values of a channel are plausible.

    >>> fit("temperature", [97.9, 98.6, 101.2]).units, fit("weight", [70.0, 82.0]).units
    (('[degF]',), ('kg', '[lb_av]'))
    """
    term = vocabulary()[channel]
    units = tuple(one for one in (term.unit, *OTHERS.get(channel, ())) if share(channel, values, one) >= least)
    return Fit(units, share(channel, values, unit) if unit else None)


def share(channel: str, values: Sequence[float], unit: str) -> float:
    """Share of values that are plausible in a unit; 0 in one that cannot be of this channel."""
    term = vocabulary()[channel]
    if not values:
        return 1.0
    try:
        here = [_in_channel_unit(channel, value, unit) for value in values]
    except CaretwinError:
        return 0.0
    return sum(term.plausible(value) for value in here) / len(values)


def _in_channel_unit(channel: str, value: float, unit: str) -> float:
    """Raises CaretwinError for a unit that cannot be of the channel."""
    wanted = vocabulary()[channel].unit
    if unit == wanted:
        return value
    return float(convert(value, ucum(unit, channel), wanted, substance=SUBSTANCES.get(channel)))
