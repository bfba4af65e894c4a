"""A scenario: a typical patient, what is set and given at first, and a timed list of changes.

It is an invention to be computed, never a record of somebody. Values are in the units of :data:`UNITS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from caretwin.record.bedside import Person

UNITS: Mapping[str, str] = {
    "ventilator_mode": "1",
    "fio2": "1",
    "peep": "cm[H2O]",
    "tidal_volume": "L",
    "rate": "/min",
    "pressure": "cm[H2O]",
    "inspiratory_fraction": "1",
    "relaxed": "1",
    "norepinephrine": "ug/kg/min",
    "epinephrine": "ug/kg/min",
    "phenylephrine": "ug/kg/min",
    "dopamine": "ug/kg/min",
    "vasopressin": "[iU]/h",
    "dobutamine": "ug/kg/min",
    "milrinone": "ug/kg/min",
    "propofol": "mg/kg/h",
    "crystalloid": "L/min",
    "colloid": "L/min",
    "red_cells": "L/min",
    "bleeding": "L/min",
    "temperature": "Cel",
    "inspired_carbon_dioxide": "mm[Hg]",
}
"""Everything that can be set or given, and its unit (UCUM). Pressure is above PEEP; modes as in the bedside record."""
VOLUMES = ("crystalloid", "colloid", "red_cells", "bleeding")
"""What changes how much is in the body: never before minute 0."""

USUAL: Mapping[str, float] = {"fio2": 0.21, "temperature": 37.0}
"""What holds where nothing was said; everything else that is not named is 0: off, or not used by the mode."""


@dataclass(frozen=True)
class Change:
    """Values that hold from ``at_min``; after ``lasts_min`` (None: for good) they are again what they were."""

    at_min: float
    values: Mapping[str, float]
    lasts_min: float | None = None


@dataclass(frozen=True)
class Scenario:
    """One patient's course.

    condition, severity  as the physiology family names them (severity 0-1)
    start                values before minute 0, with which the patient has settled for ``settle_h``
    changes              in order of time
    duration_min, every_min   how long, and the distance of the rows
    personal             values of the model's personal parameters that this patient has instead of the typical ones
    assumed              what the file left open, in words
    """

    title: str
    person: Person
    condition: str
    severity: float | str
    start: Mapping[str, float]
    changes: tuple[Change, ...] = ()
    duration_min: float = 60.0
    every_min: float = 1.0
    settle_h: float = 12.0
    personal: Mapping[str, float] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
