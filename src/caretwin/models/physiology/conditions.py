"""Typical patients: health, lung injury, obstruction, shock, as shifts of the personal parameters.

The values and their sources stand in conditions.toml. A shift is the distance, on each parameter's own scale, from the
typical patient of :mod:`parameters` to this one; a severity between two given ones lies on the line between them.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Float

from caretwin.base.errors import DomainError
from caretwin.models.physiology.parameters import INDEX, PERSONAL, to_scale

HEALTHY, UNSHIFTED = "healthy", "intensive_care"
YOUNGEST, OLDEST, REFERENCE_AGE = 20.0, 90.0, 40.0
"""y: between them the parameters follow age; outside they stay (assumed)."""
SLIM, STOUTEST = 25.0, 60.0
"""kg/m2: between them lung parameters follow the body mass index; outside they stay (assumed)."""
NOT_SHIFTED = frozenset({"opening_shift", "oximeter_bias"})
ALIASES = {
    "health": HEALTHY, "normal": HEALTHY, "septic shock": "sepsis", "septic_shock": "sepsis",
    "cardiac failure": "heart_failure", "heart failure": "heart_failure", "cardiogenic shock": "heart_failure",
    "hypovolemia": "hypovolaemia", "haemorrhage": "hypovolaemia", "icu": UNSHIFTED, "intensive care": UNSHIFTED,
}  # fmt: skip


@cache
def table() -> Mapping[str, Any]:
    """conditions.toml as it stands."""
    return tomllib.loads((files("caretwin.models.physiology") / "conditions.toml").read_text(encoding="utf-8"))


def names() -> tuple[str, ...]:
    """Names of the conditions.

    >>> "ards" in names()
    True
    """
    return tuple(table())


def condition_of(text: str) -> str:
    """The condition a person's word means; DomainError for an unknown one.

    >>> condition_of("ARDS"), condition_of("septic shock")
    ('ards', 'sepsis')
    """
    word = " ".join(text.strip().lower().split())
    found = ALIASES.get(word, word.replace(" ", "_"))
    if found not in table():
        raise DomainError(
            f"condition {text!r}",
            seen="a condition without values",
            wanted="one of " + ", ".join(names()),
            fix="choose the nearest of them, or healthy",
        )
    return found


def severity_of(condition: str, severity: float | str) -> float:
    """0 to 1 for a number or one of the condition's words (mild, moderate, severe); DomainError otherwise.

    >>> severity_of("ards", "moderate")
    0.6
    """
    words = table()[condition].get("words", {})
    if isinstance(severity, str) and severity.strip().lower() in words:
        return float(words[severity.strip().lower()])
    if not isinstance(severity, str) and 0.0 <= severity <= 1.0:
        return float(severity)
    raise DomainError(
        f"severity of {condition}",
        seen=repr(severity),
        wanted="a number from 0 (healthy) to 1" + (", or " + ", ".join(words) if words else ""),
        fix="0.3 is mild, 0.6 moderate and 0.9 severe",
    )


def shift(
    condition: str,
    severity: float | str,
    *,
    age: float = REFERENCE_AGE,
    female: bool = False,
    body_mass: float = SLIM,
    personal: Mapping[str, float] | None = None,
) -> Float[np.ndarray, " d"]:
    """Distance from the typical patient of the prior on every parameter's scale.

    condition  name, see :func:`names`; severity 0 (healthy) to 1, ignored by healthy; age y;
               body_mass index kg/m2
    personal   values of parameters that this person has instead, by name, in the units of PERSONAL
    Returns [d] in the order of PERSONAL, for ``Body.shift``. Raises DomainError for an unknown condition or severity.

    >>> float(shift("healthy", 0.0)[INDEX["baroreflex"]].round(3))  # ln (0.96 / 0.5), the typical in intensive care
    0.652
    """
    name = condition_of(condition)
    severity = severity_of(name, severity)
    found = np.zeros(len(PERSONAL)) if name == UNSHIFTED else _of_condition(name, severity, (age, female, body_mass))
    for parameter, value in (personal or {}).items():
        i = INDEX[parameter]
        found[i] = to_scale(value, PERSONAL[i].scale) - to_scale(PERSONAL[i].typical, PERSONAL[i].scale)
    return found


def blood_lost(condition: str, severity: float | str) -> float:
    """Share (0-1) of the usual blood volume that a person of this condition has lost before the course begins.

    Raises DomainError for an unknown condition or severity.

    >>> round(blood_lost("hypovolaemia", "moderate"), 2), blood_lost("ards", 0.6)
    (0.2, 0.0)
    """
    name = condition_of(condition)
    severity = severity_of(name, severity)
    given = table()[name].get("blood_lost")
    if given is None:
        return 0.0
    knots = np.array([0.0, *table()[name]["severities"]])
    return _on_line(severity, knots, np.array([0.0, *given["values"]]))


def _of_condition(name: str, severity: float, who: tuple[float, bool, float]) -> Float[np.ndarray, " d"]:
    healthy = _healthy(*who)
    entry = table()[name] if name != HEALTHY else {}
    knots = np.array([0.0, *entry.get("severities", ())])
    found = healthy.copy()
    for parameter, given in _parameters(entry).items():
        i = INDEX[parameter]
        # Ages, sexes and sizes differ in a condition by as much as in health.
        young = to_scale(_base(False)[parameter], PERSONAL[i].scale)
        at = [young, *(to_scale(value, PERSONAL[i].scale) for value in given["values"])]
        found[i] += _on_line(severity, knots, np.array(at)) - young
    return found - np.array([to_scale(p.typical, p.scale) for p in PERSONAL])


def _on_line(severity: float, knots: np.ndarray, values: np.ndarray) -> float:
    """Between two knots the line between their values; beyond the last the line goes on."""
    i = int(np.clip(np.searchsorted(knots, severity, side="right") - 1, 0, len(knots) - 2))
    share = (severity - knots[i]) / (knots[i + 1] - knots[i])
    return float(values[i] + share * (values[i + 1] - values[i]))


def _parameters(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given for name, given in entry.items() if name in INDEX}


@cache
def _base(female: bool) -> Mapping[str, float]:
    """Healthy values at the reference age, in units."""
    entry = table()[HEALTHY]
    values = {name: float(given["value"]) for name, given in _parameters(entry).items()}
    if female:
        values |= {name: float(given["value"]) for name, given in entry["women"].items()}
    return values


def _healthy(age: float, female: bool, body_mass: float) -> Float[np.ndarray, " d"]:
    """Healthy values [d] at this age and body mass index (kg/m2) on every parameter's scale.

    What is not named is typical of the prior.
    """
    years = float(np.clip(age, YOUNGEST, OLDEST)) - REFERENCE_AGE
    stout = float(np.clip(body_mass, SLIM, STOUTEST)) - SLIM
    base, per_year, per_mass = (_base(female), *(table()[HEALTHY][key] for key in ("per_year", "per_body_mass")))
    found = np.array([to_scale(p.typical, p.scale) for p in PERSONAL])
    for name, value in base.items():
        found[INDEX[name]] = to_scale(value, PERSONAL[INDEX[name]].scale)
        if name in per_year:
            found[INDEX[name]] += years * float(per_year[name]["value"])
        if name in per_mass:
            found[INDEX[name]] += stout * float(per_mass[name]["value"])
    return found
