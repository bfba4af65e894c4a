"""How fast something was given, as its sender tells it, in the unit of a setting channel. Nothing is guessed.

A rate is a quantity (5 ug/min), a ratio (4 mg in 1 h), a dose that is itself per time (5 mg/hr), or a dose that was
given over a known period. A rate of volume becomes one of a drug by the concentration, where the message states it for
what was given; the strength of a vial, in the words of a product, is not that of the bag that was made of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from caretwin.base.errors import UnitError
from caretwin.base.units import compatible, convert
from caretwin.ingest.bedside.units import to_channel, ucum
from caretwin.ingest.infusion_drugs import Drug, drug_of

HOUR_US = 3_600_000_000
NO_WEIGHT = "no body weight"
LARGEST = 1e12
"""No amount, rate or concentration of a drug is larger, in any unit (assumed)."""
_TIMES = ("/s", "/min", "/h", "/hr", "/hour", "/d", "/day")


class Rate(NamedTuple):
    """A rate as it was sent; unit: as charted."""

    value: float
    unit: str


class UnusableError(Exception):
    """Raised for what cannot be made a rate of a channel; says why in a sentence."""


def rate_of(body: Mapping[str, Any], start: int, stop: int | None) -> Rate:
    """The rate of an administration's body. start, stop: from when until when (us). Raises UnusableError."""
    found = _rate_of(body, start, stop)
    _bounded(found.value)
    return found


def _rate_of(body: Mapping[str, Any], start: int, stop: int | None) -> Rate:
    said, dose = body.get("rate"), body.get("dose")
    if isinstance(said, Mapping) and "numerator" in said:
        return _of_ratio(said)
    if isinstance(said, Mapping) and said.get("value") is not None:
        return Rate(*_quantity(said, "rate"))
    if isinstance(dose, Mapping) and dose.get("value") is not None:
        amount, unit = _quantity(dose, "dose")
        if any(unit.lower().endswith(time) for time in _TIMES):
            return Rate(amount, unit)
        if stop is not None and stop > start:
            return Rate(amount * HOUR_US / (stop - start), f"{unit}/h")
    raise UnusableError("no rate, and no dose over a known period")


def dose_of(body: Mapping[str, Any], channel: str) -> float:
    """A single dose in the unit of a channel. Raises UnusableError."""
    dose = body.get("dose")
    if not isinstance(dose, Mapping) or dose.get("value") is None:
        raise UnusableError("no dose")
    return _converted(*_quantity(dose, "dose"), channel, None)


def in_channel(rate: Rate, drug: Drug, body: Mapping[str, Any], weight_kg: float | None) -> float:
    """The rate in the unit of the drug's channel. Raises UnusableError."""
    if drug.running:
        return float(rate.value > 0)
    flow = _flow(rate)
    if flow is not None and drug.mmol_per_l:
        return _converted(flow * drug.mmol_per_l / 1000.0, "mmol/h", drug.channel, None)
    if flow is not None and not _fits("mL/h", drug.channel):
        amount, unit = _concentration(body, drug)
        rate = Rate(flow * amount, f"{unit}/h")
    return _converted(rate.value, rate.unit, drug.channel, weight_kg)


def _of_ratio(said: Mapping[str, Any]) -> Rate:
    amount, unit = _quantity(said.get("numerator") or {}, "rate")
    time, per = _quantity(said.get("denominator") or {}, "rate")
    if time <= 0 or not per:
        raise UnusableError("a rate without its time")
    return Rate(amount / time, f"{unit}/{per}")


def _quantity(said: Mapping[str, Any], what: str) -> tuple[float, str]:
    value, unit = said.get("value"), str(said.get("unit") or "")
    if said.get("comparator"):
        raise UnusableError(f"a bound ({said['comparator']}) instead of a {what}")
    if not isinstance(value, int | float) or not unit:
        raise UnusableError(f"a {what} without a number or a unit")
    return _bounded(value), unit


def _bounded(value: float) -> float:
    if not abs(value) <= LARGEST:  # nor for what is no number
        raise UnusableError("a number without end")
    return float(value)


def _flow(rate: Rate) -> float | None:
    """mL/h of a rate of volume; None for any other."""
    try:
        read = ucum(rate.unit, "crystalloid")
        return float(convert(rate.value, read, "mL/h")) if compatible(read, "mL/h") else None
    except UnitError:
        return None


def _fits(unit: str, channel: str) -> bool:
    try:
        to_channel(1.0, unit, channel)
    except UnitError:
        return False
    return True


def _concentration(body: Mapping[str, Any], drug: Drug) -> tuple[float, str]:
    """Amount of a drug in 1 mL of what was given, and its unit. Raises UnusableError."""
    parts = body.get("ingredients") or ()
    mine = [one for one in parts if isinstance(found := drug_of(one), Drug) and found.channel == drug.channel]
    if len(mine) == 1 and isinstance(mine[0].get("amount"), Mapping):
        said = mine[0]["amount"]
        return _per_ml(said["numerator"], said.get("denominator")) if "numerator" in said else _mixed(said, parts)
    if isinstance(body.get("strength"), Mapping):
        return _per_ml(body["strength"], body.get("strength_volume"))
    raise UnusableError("a rate of volume without the concentration of what was given")


def _mixed(amount: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> tuple[float, str]:
    """An additive in the volume of its base."""
    bases = [one.get("amount") for one in parts if one.get("kind") == "base"]
    return _per_ml(amount, bases[0] if len(bases) == 1 else None)


def _per_ml(amount: Mapping[str, Any] | None, volume: Mapping[str, Any] | None) -> tuple[float, str]:
    value, unit = _quantity(amount or {}, "concentration")
    if volume is None and "/" in unit:
        unit, _, per = unit.partition("/")
        millilitres = _millilitres(1.0, per)
    else:
        millilitres = _millilitres(*_quantity(volume or {}, "concentration"))
    return value / millilitres, unit


def _millilitres(value: float, unit: str) -> float:
    try:
        found = float(convert(value, ucum(unit, "crystalloid"), "mL"))
    except UnitError:
        found = 0.0
    if found <= 0:
        raise UnusableError("a concentration that is not per volume")
    return found


def _converted(value: float, unit: str, channel: str, weight_kg: float | None) -> float:
    try:
        return float(to_channel(_bounded(value), unit, channel, weight_kg if weight_kg else None))
    except UnitError as problem:
        reason = NO_WEIGHT if problem.seen == NO_WEIGHT else f"{problem.seen}; wanted {problem.wanted}"
        raise UnusableError(reason) from None
