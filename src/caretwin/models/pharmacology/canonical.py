"""The one unit in which each parameter is computed: amounts in the dose unit, volumes in L, times in h."""

from __future__ import annotations

_UNITS = {
    "L/h": ("CL", "Q2", "Q3", "CLM"),
    "L": ("V1", "V2", "V3", "VM"),
    "h-1": ("KA", "KE0", "KOUT"),
    "h": ("LAG1", "LAG2", "D1", "D2", "MTT_FAST", "MTT_SLOW", "DELAY"),
    "{dose}/h": ("VMAX", "PRODUCTION"),
    "{dose}/L": ("KM", "EC50"),
    "1": ("F1", "F2", "FM", "HILL", "HILL_LOW", "HILL_HIGH"),
    "{effect}": ("E0", "R0", "BASE", "INRMAX"),
}
_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names}

# Parameters that may be zero: a fraction, a delay, an endogenous production, an effect that falls to nothing.
MAY_BE_ZERO = frozenset({"LAG1", "LAG2", "F1", "F2", "FM", "PRODUCTION", "EMAX", "BASE", "INRMAX", "E0", "DELAY"})


def canonical_unit(parameter: str, dose: str, effect: str, response: str) -> str:
    """UCUM unit of a structure's parameter, given the dose unit, the effect's unit and the kind of response.

    >>> canonical_unit("VMAX", "mg", "1", "none")
    'mg/h'
    """
    if parameter == "EMAX":  # a level of the effect for a sigmoid, a fraction inhibited for a turnover response
        return effect if response == "sigmoid" else "1"
    return _UNIT_OF[parameter].replace("{dose}", dose).replace("{effect}", effect)
