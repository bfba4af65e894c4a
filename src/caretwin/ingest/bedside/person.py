"""Sex, weight and height of a person from what is charted: the first plausible value, as it was known on the way in.

The first and not the last weight of a stay: a weight of next week is not known today, pumps are set by the weight on
admission, and later weights hold litres of fluid.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from caretwin.ingest.findings import Findings
from caretwin.record.bedside import Sex

WEIGHT_KG = (25.0, 350.0)
"""Of adults. Assumed."""
HEIGHT_CM = (120.0, 230.0)
"""Of adults. Assumed."""
HEIGHT_IN = (48.0, 84.0)
"""A height in this range cannot be in cm for an adult and can be in inches. Assumed."""


def sex(text: str | None) -> Sex | None:
    """Female or male from the words and letters that tables write; None for anything else."""
    word = (text or "").strip().lower()
    if word in {"female", "f", "woman"}:
        return "female"
    return "male" if word in {"male", "m", "man"} else None


def weight(time_h: Float[np.ndarray, " n"], kg: Float[np.ndarray, " n"], findings: Findings) -> float | None:
    """The first plausible weight (kg), or None with a finding."""
    return _first("weight", time_h, kg, WEIGHT_KG, "kg", findings)


def height(time_h: Float[np.ndarray, " n"], cm: Float[np.ndarray, " n"], findings: Findings) -> float | None:
    """The first plausible height (cm); one that was plainly in inches is converted, with a finding."""
    inches = (cm >= HEIGHT_IN[0]) & (cm <= HEIGHT_IN[1])
    if inches.any():
        findings.warning(
            None,
            "height",
            seen=f"a height of {cm[inches][0]:g} cm in an adult",
            wanted="cm",
            fix=f"it was taken as inches, {cm[inches][0] * 2.54:.0f} cm; correct the chart",
        )
    return _first("height", time_h, np.where(inches, cm * 2.54, cm), HEIGHT_CM, "cm", findings)


def _first(
    name: str,
    time_h: Float[np.ndarray, " n"],
    value: Float[np.ndarray, " n"],
    limits: tuple[float, float],
    unit: str,
    findings: Findings,
) -> float | None:
    plausible = (value >= limits[0]) & (value <= limits[1])
    wrong = value[~plausible & np.isfinite(value)]
    wanted = f"{limits[0]:g} to {limits[1]:g} {unit}"
    if len(wrong):
        seen = f"{len(wrong)} values such as {wrong[0]:g} {unit}"
        findings.warning(None, name, seen=seen, wanted=wanted, fix="they were not read")
    if not plausible.any():
        findings.warning(None, name, seen=f"no {name}", wanted=wanted, fix=f"give the patient's {name} in {unit}")
        return None
    order = np.argsort(np.where(plausible, time_h, np.inf), kind="stable")
    return round(float(value[order[0]]), 2)
