"""A proposed change of settings: what may be named, in which range, and the settings that follow from it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from caretwin.base.errors import DomainError

MODES = {"vc": 1.0, "pc": 2.0, "prvc": 3.0}
"""Controlled modes that can be proposed: volume control, pressure control, pressure-regulated volume control."""


class Item(NamedTuple):
    """One thing that can be set: range, unit, and a hint for the mistake that is made most."""

    low: float
    high: float
    unit: str
    label: str
    hint: str


ITEMS: Mapping[str, Item] = {
    "peep": Item(0.0, 30.0, "cmH2O", "PEEP", "give PEEP in cmH2O, between 0 and 30"),
    "fio2": Item(0.21, 1.0, "", "FiO2", "give a fraction: 0.40 for 40 %"),
    "tidal_volume": Item(0.1, 1.2, "L", "VT", "give mL, such as 420"),
    "rate": Item(4.0, 45.0, "/min", "rate", "give breaths per minute"),
    "pressure": Item(1.0, 45.0, "cmH2O", "pressure above PEEP", "give cmH2O above PEEP"),
    "inspiratory_fraction": Item(0.15, 0.7, "", "share of inspiration", "give I:E such as 1:2"),
    "mode": Item(1.0, 3.0, "", "mode", "give vc, pc or prvc"),
    "norepinephrine": Item(0.0, 2.0, "ug/kg/min", "norepinephrine", "give ug/kg/min, of the base"),
    "crystalloid": Item(0.0, 2.0, "L", "crystalloid", "give mL, at most 2000"),
    "colloid": Item(0.0, 1.0, "L", "colloid", "give mL, at most 1000"),
    "red_cells": Item(0.0, 1.0, "L", "red cells", "give mL, at most 1000"),
}
"""Ranges of what may be asked at all (assumed: nobody sets more; a mistyped unit falls outside)."""


VOLUME_SET, PRESSURE_SET = frozenset({1, 3}), frozenset({2})
"""Modes that may be proposed, by what decides the size of a breath."""


def checked(name: str, value: float) -> float:
    """The value, if it can be set at all.

    Raises DomainError for one outside its range or not a number.

    >>> checked("peep", 12.0)
    12.0
    """
    item = ITEMS[name]
    if np.isfinite(value) and item.low <= value <= item.high:
        return float(value)
    scale, unit = (1000.0, "mL") if item.unit == "L" else (1.0, item.unit)
    raise DomainError(
        f"proposed {item.label}",
        seen=f"{value * scale:g} {unit}".strip(),
        wanted=f"{item.low * scale:g} to {item.high * scale:g} {unit}".strip(),
        fix=item.hint,
    )


def applied(settings: Any, change: Mapping[str, float]) -> Any:
    """The model's settings after a change of ventilator settings, each value checked.

    Raises DomainError for a value that cannot be set, and for another kind of breath without its size.
    """
    kind, now = round(change.get("mode", float(settings.mode))), round(float(settings.mode))
    size = "pressure" if kind in PRESSURE_SET else "tidal_volume"
    if kind != now and not {kind, now} <= VOLUME_SET and size not in change:
        raise DomainError(
            f"proposed mode, {amount('mode', kind)}",
            seen=f"no {ITEMS[size].label} beside it",
            wanted="the size of the breaths: with pressure control the pressure above PEEP, else the tidal volume",
            fix="add --pressure 15 (cmH2O)" if size == "pressure" else "add --vt 420 (mL)",
        )
    return settings._replace(**{name: np.asarray(checked(name, value)) for name, value in change.items()})


def differing(settings: Any, change: Mapping[str, float]) -> dict[str, float]:
    """The part of a change that differs from what is set."""
    return {name: value for name, value in change.items() if abs(value - float(getattr(settings, name))) > 1e-6}


def amount(name: str, value: float) -> str:
    """A setting as people write it.

    >>> amount("tidal_volume", 0.42), amount("fio2", 0.5), amount("peep", 10.0), amount("mode", 2.0)
    ('420 mL', '0.50', '10 cmH2O', 'pressure control')
    """
    if name == "fio2":
        return f"{value:.2f}"
    if name == "mode":
        return {1: "volume control", 2: "pressure control", 3: "pressure-regulated volume control"}.get(
            round(value), "an assisted mode"
        )
    if name == "inspiratory_fraction":
        return f"I:E 1:{(1.0 - value) / value:.1f}" if value > 0 else "I:E as usual"
    item = ITEMS[name]
    if item.unit == "L":
        return f"{1000.0 * value:.0f} mL"
    digits = f"{value:.3g}"
    return f"{digits} {item.unit}".strip() if item.unit != "/min" else f"{digits}/min"


def in_words(settings: Any, change: Mapping[str, float]) -> str:
    """A change against what is set, such as "PEEP 10 cmH2O (now 12)"; "no change" when there is none."""
    found = []
    for name, value in differing(settings, change).items():
        now = amount(name, float(getattr(settings, name)))
        label = "" if name in ("inspiratory_fraction", "mode") else f"{ITEMS[name].label} "
        found.append(f"{label}{amount(name, value)} (now {now})")
    return ", ".join(found) or "no change"
