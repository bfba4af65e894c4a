"""One quantity of a scenario: its key, its unit and the range outside of which it is a mistake."""

import difflib
import math
import re
from collections.abc import Mapping
from typing import Any

from caretwin.base.errors import DataError, DomainError, UnitError
from caretwin.base.units import compatible, convert
from caretwin.ingest.bedside.units import INTERNATIONAL_UNITS, ucum
from caretwin.record.bedside import Person
from caretwin.record.scenario import UNITS, VOLUMES

ALIASES = {
    "mode": "ventilator_mode", "vt": "tidal_volume", "tidal_volume_set": "tidal_volume", "respiratory_rate": "rate",
    "respiratory_rate_set": "rate", "rr": "rate", "inspiratory_pressure": "pressure", "pressure_support": "pressure",
    "driving_pressure": "pressure", "noradrenaline": "norepinephrine", "adrenaline": "epinephrine",
    "ringer": "crystalloid", "saline": "crystalloid", "red_blood_cells": "red_cells", "blood_loss": "bleeding",
    "haemorrhage": "bleeding", "hemorrhage": "bleeding", "inspiratory_expiratory_ratio": "ie", "ie_ratio": "ie",
    "neuromuscular_block": "relaxed", "inspired_co2": "inspired_carbon_dioxide", "for": "lasts", "time": "at",
}  # fmt: skip
"""Other words for a key."""
MODES = {
    "spontaneous": 0, "breathing alone": 0, "none": 0, "not ventilated": 0, "volume control": 1, "vc": 1, "vcv": 1,
    "vc-cmv": 1, "vc-ac": 1, "cmv": 1, "assist control": 1, "pressure control": 2, "pc": 2, "pcv": 2, "pc-cmv": 2,
    "pc-ac": 2, "pressure-regulated volume control": 3, "prvc": 3, "autoflow": 3, "pressure support": 4, "psv": 4,
    "cpap": 4, "simv": 5, "volume support": 6, "non-invasive": 7, "niv": 7,
}  # fmt: skip
RANGES: Mapping[str, tuple[float, float]] = {
    "age": (18.0, 110.0), "height": (120.0, 220.0), "weight": (30.0, 300.0),
    "duration": (1e-3, 20_160.0), "every": (1 / 60, 1440.0), "settle": (0.0, 72.0), "at": (0.0, 20_160.0),
    "lasts": (1e-3, 20_160.0),
    "fio2": (0.21, 1.0), "peep": (0.0, 35.0), "tidal_volume": (0.1, 1.5), "rate": (2.0, 60.0), "pressure": (0.0, 60.0),
    "inspiratory_fraction": (0.05, 0.9), "relaxed": (0.0, 1.0), "norepinephrine": (0.0, 5.0),
    "epinephrine": (0.0, 5.0), "phenylephrine": (0.0, 20.0), "dopamine": (0.0, 60.0), "vasopressin": (0.0, 30.0),
    "dobutamine": (0.0, 60.0), "milrinone": (0.0, 3.0), "propofol": (0.0, 15.0), "crystalloid": (0.0, 0.5),
    "colloid": (0.0, 0.5), "red_cells": (0.0, 0.5), "bleeding": (0.0, 2.0), "temperature": (28.0, 43.0),
    "inspired_carbon_dioxide": (0.0, 80.0),
}  # fmt: skip
"""In the units of the scenario. Assumed: wide enough for any adult and any machine, narrow enough to catch a slip."""
OWN_UNITS = {
    "age": "a", "height": "cm", "weight": "kg", "duration": "min", "every": "min", "settle": "h", "at": "min",
    "lasts": "min",
}  # fmt: skip
EXAMPLES = {
    "age": '"60 y"', "height": '"175 cm"', "weight": '"75 kg"', "duration": '"60 min"', "every": '"1 min"',
    "settle": '"12 h"', "at": '"10 min"', "lasts": '"30 min"', "fio2": "0.40", "peep": '"5 cmH2O"',
    "tidal_volume": '"450 mL" (or "6 mL/kg" of predicted weight)', "rate": '"16 /min"', "pressure": '"12 cmH2O"',
    "norepinephrine": '"0.1 ug/kg/min"', "vasopressin": '"2 [iU]/h"', "propofol": '"2 mg/kg/h"',
    "crystalloid": '"1000 mL" with lasts = "30 min", or "33 mL/min"', "bleeding": '"150 mL/min"',
    "temperature": '"38.5 Cel"', "inspired_carbon_dioxide": '"35 mmHg" or "5 %"', "ie": '"1:2"',
    "inspiratory_fraction": "0.33", "relaxed": "true",
}  # fmt: skip
PURE = frozenset({"fio2", "inspiratory_fraction", "relaxed", "ie"})
"""What has no unit."""
DRY_PRESSURE = 713.0
"""mmHg: barometric 760 less water vapour 47 at 37 degC."""
_SUFFIXES = {"mmHg": "mm[Hg]", "percent": "%", "y": "a", "years": "a", "C": "Cel", "degC": "Cel", "fraction": "1"}
_TEXT = re.compile(r"^\s*([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|[-+]?\.\d+)\s*(.*?)\s*$")


class Reader:
    """Reads quantities for one person (None: before the person is known)."""

    def __init__(self, person: Person | None) -> None:
        self._person = person

    def example(self, name: str) -> str:
        """How a quantity is written, such as ``peep = "5 cmH2O"``."""
        rate = "/kg" in UNITS.get(name, "")
        return f"{name} = " + EXAMPLES.get(name, '"0.1 ug/kg/min"' if rate else '"500 mL" with lasts = "30 min"')

    def is_time(self, key: str) -> bool:
        """Whether the key says when a change happens or how long it lasts."""
        return _split(key, ("at", "lasts"))[0] is not None

    def quantities(
        self, table: Mapping[str, Any], where: str, names: tuple[str, ...], plain: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """Quantities by name in the scenario's units; ``plain`` keys are taken as they stand."""
        found: dict[str, Any] = {}
        for key, value in table.items():
            if key in plain:
                found[key] = value
                continue
            name, unit = _split(key, names)
            if name is None:
                raise _unknown(key, where, (*names, *plain))
            self._once(name, found, where)
            found[name] = self._value(name, value, unit, where)
        return found

    def settings(self, table: Mapping[str, Any], where: str, lasts: float | None = None) -> dict[str, float]:
        """Settings, infusions and fluids by the names of :data:`UNITS`, in its units.

        lasts  min: over which an amount ("500 mL") runs
        """
        names = (*UNITS, "ie")
        found: dict[str, float] = {}
        for key, value in table.items():
            name, unit = _split(key, names)
            if name is None:
                raise _unknown(key, where, ("mode", *(n for n in names if n != "ventilator_mode")))
            target = "inspiratory_fraction" if name == "ie" else name
            self._once(target, found, where)
            if name == "ventilator_mode":
                found[name] = _mode(value, where)
            elif name == "ie":
                found[target] = _fraction(value, where)
            elif isinstance(value, bool):
                found[name] = self._switch(name, value, where)
            else:
                found[name] = self._value(name, value, unit, where, lasts)
        return found

    def _once(self, name: str, found: Mapping[str, Any], where: str) -> None:
        if name in found:
            raise DataError(where, seen=f"{name} twice", wanted="one value", fix="take one of the two out")

    def _switch(self, name: str, value: bool, where: str) -> float:
        if name != "relaxed":
            raise DataError(
                f"{name} in {where}", seen=repr(value).lower(), wanted="a number with its unit", fix=self.example(name)
            )
        return float(value)

    def _value(self, name: str, value: Any, unit: str | None, where: str, lasts: float | None = None) -> float:
        place = f"{name} in {where}"
        number, written = self._number_and_unit(name, value, unit, place)
        if not math.isfinite(number):
            raise DataError(place, seen=repr(value), wanted="a finite number", fix=self.example(name))
        converted = self._converted(name, number, written, place, lasts)
        low, high = RANGES[name]
        if not low - 1e-9 <= converted <= high + 1e-9:
            raise self._outside(name, value, converted, place)
        return converted

    def _number_and_unit(self, name: str, value: Any, unit: str | None, place: str) -> tuple[float, str]:
        if isinstance(value, str):
            read = _TEXT.match(value)
            if read is None:
                raise DataError(
                    place, seen=repr(value), wanted="a number and its unit", fix="write " + self.example(name)
                )
            if read[2] and unit:
                raise DataError(
                    place, seen=f"a unit in the key and another in {value!r}", wanted="one unit", fix=self.example(name)
                )
            number, unit = float(read[1]), read[2] or unit
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            number = float(value)
        else:
            raise DataError(place, seen=repr(value), wanted="a number with its unit", fix="write " + self.example(name))
        if not unit:
            if name not in PURE:
                raise UnitError(
                    place,
                    seen=f"{value!r} without a unit",
                    wanted="a number with its unit",
                    fix="write " + self.example(name),
                )
            unit = "1"
        return number, unit

    def _converted(self, name: str, number: float, unit: str, place: str, lasts: float | None) -> float:
        wanted = OWN_UNITS.get(name) or UNITS[name]
        read = _ucum(unit, name)
        if name == "inspired_carbon_dioxide" and compatible(read, "1"):
            return DRY_PRESSURE * convert(number, read, "1")
        if name == "tidal_volume" and compatible(read, "L/kg") and self._person is not None:
            return convert(number, read, "L/kg") * _predicted_weight(self._person)
        if name in VOLUMES and compatible(read, "L"):
            if lasts is None:
                raise UnitError(
                    place,
                    seen=f"{number:g} {unit}, an amount without the time it takes",
                    wanted="a rate, or an amount and how long it runs",
                    fix='add lasts = "30 min" to this change, or write a rate such as "33 mL/min"',
                )
            return convert(number, read, "L") / lasts
        weight = None if self._person is None else self._person.weight_kg
        if weight and "/kg" in wanted and "/kg" not in read and compatible(read, wanted.replace("/kg", "")):
            return convert(number, read, wanted.replace("/kg", "")) / weight
        try:
            return convert(number, read, wanted)
        except UnitError as problem:
            raise UnitError(
                place, seen=problem.seen, wanted=problem.wanted, fix="write " + self.example(name)
            ) from problem

    def _outside(self, name: str, value: Any, converted: float, place: str) -> DomainError:
        low, high = RANGES[name]
        unit = OWN_UNITS.get(name) or UNITS[name]
        shown = "" if unit == "1" else f" {unit}"
        fix = f"correct the value or its unit, such as {self.example(name)}"
        if name == "fio2" and 21 <= converted <= 100:
            fix = f'write the fraction {converted / 100:g}, or "{converted:g} %"'
        if converted < 0:
            fix = "a rate, a dose and a setting are never negative; use another key for what goes the other way"
        return DomainError(
            place, seen=f"{value!r}, that is {converted:g}{shown}", wanted=f"{low:g} to {high:g}{shown}", fix=fix
        )


def _split(key: str, names: tuple[str, ...]) -> tuple[str | None, str | None]:
    """The name and the unit in a key: peep_cmH2O is peep in cmH2O; (None, None) when no name fits."""
    known = sorted({**{name: name for name in names}, **ALIASES}.items(), key=lambda pair: -len(pair[0]))
    lower = key.lower()
    for written, name in known:
        if name not in names:
            continue
        if lower == written:
            return name, None
        if lower.startswith(written + "_"):
            return name, _unit_of_suffix(key[len(written) + 1 :])
    return None, None


def _unit_of_suffix(suffix: str) -> str:
    """``ug_per_kg_per_min`` and ``ug_kg_min`` are ug/kg/min; ``per_min`` is /min."""
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    parts = [part for part in suffix.split("_") if part]
    leading = "/" if parts and parts[0] == "per" else ""
    return leading + "/".join(part for part in parts if part != "per")


def _ucum(unit: str, name: str) -> str:
    spelled = unit.replace("mmHg", "mm[Hg]").replace(" per ", "/")
    return ucum(spelled, name if name in INTERNATIONAL_UNITS else "peep")


def _predicted_weight(person: Person) -> float:
    """kg: 50 (men) or 45.5 (women) + 0.91 (height - 152.4) (ARDS Network, N Engl J Med 2000;342:1301)."""
    return (45.5 if person.sex == "female" else 50.0) + 0.91 * (float(person.height_cm or 0.0) - 152.4)


def _unknown(key: str, where: str, names: tuple[str, ...]) -> DataError:
    near = difflib.get_close_matches(key.lower(), names, n=1)
    return DataError(
        where,
        seen=f"unknown key {key!r}",
        wanted="one of " + ", ".join(names) + ", with its unit in the value or behind the key",
        fix=f"did you mean {near[0]}?" if near else "correct the spelling, or take the key out",
    )


def _mode(value: Any, where: str) -> float:
    word = str(value).strip().lower().replace("_", " ")
    if word not in MODES:
        raise DataError(
            f"mode in {where}", seen=repr(value), wanted="one of " + ", ".join(MODES), fix="choose one of them"
        )
    return float(MODES[word])


def _fraction(value: Any, where: str) -> float:
    """Inspiratory share of a breath for I:E written as "1:2" or as the number 0.5."""
    read = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*:\s*(\d+(?:\.\d+)?)\s*", value) if isinstance(value, str) else None
    if read is not None and float(read[1]) + float(read[2]) > 0:
        fraction = float(read[1]) / (float(read[1]) + float(read[2]))
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        fraction = float(value) / (1.0 + float(value))
    else:
        raise DataError(f"I:E in {where}", seen=repr(value), wanted='"1:2", or 0.5', fix='write ie = "1:2"')
    low, high = RANGES["inspiratory_fraction"]
    if not low <= fraction <= high:
        raise DomainError(f"I:E in {where}", seen=repr(value), wanted="1:19 to 9:1", fix='write ie = "1:2"')
    return fraction
