"""Which rates of norepinephrine and which fluids are tried: nothing changed, what was asked, small steps, and a
grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caretwin.base.errors import DomainError
from caretwin.decide.bedside_change import ITEMS, checked
from caretwin.decide.bedside_now import Bedside
from caretwin.decide.bedside_outlook import AT_ONCE, Plan

FLUIDS = ("crystalloid", "colloid", "red_cells")
GIVEN = ("norepinephrine", *FLUIDS)
MINUTES = (0.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0, 60.0)
"""min after the change at which it is read; as many as for the ventilator, so that one program serves both."""
OVER = 15.0
"""min over which a fluid is given (assumed: a fluid challenge of 500 mL in 10-15 min is usual)."""
LEGS_RAISED = 0.3
"""L of blood that passive raising of the legs brings back (assumed; Guerin et al., 2015, PMC4657233, give the
pressures)."""
RATE_STEPS = (0.02, 0.05)
"""ug/kg/min: changes of norepinephrine in one advice (assumed; Maas et al., 2013: 0.04 raised MAP by 20 mmHg)."""
BOLUSES = (0.25, 0.5)  # L in one advice (assumed)
GRID_RATES = (0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.0)
GRID_FLUID = (0.0, 0.25, 0.5, 0.75, 1.0)
GRID_COLUMNS = 9
FURTHEST = 0.2
"""ug/kg/min beyond the rates that this patient has been seen under, where nothing is said (assumed)."""


@dataclass(frozen=True)
class Candidate:
    """One thing to try; ``change`` in ug/kg/min and L, ``plan`` for the twin, ``refused`` why it is not judged."""

    kind: str
    change: Mapping[str, float]
    plan: Any
    refused: str | None = None


def candidate(bedside: Bedside, kind: str, change: Mapping[str, float]) -> Candidate:
    """A candidate with its plan: a rate from now on, fluids over :data:`OVER` minutes on top of what runs.

    Raises DomainError for a name without a checked model, and for a value that cannot be given.
    """
    u = bedside.settings
    unknown = [name for name in change if name not in GIVEN]
    if unknown:
        raise DomainError(
            f"proposed {unknown[0]}",
            seen=f"{change[unknown[0]]:g}",
            wanted=f"one of {', '.join(GIVEN)}: there is no checked model of anything else here",
            fix="leave it out; what already runs is counted, as an assumption",
        )
    change = {name: checked(name, value) for name, value in change.items()}
    rate = change.get("norepinephrine", float(u.infusions.norepinephrine))
    after = u._replace(infusions=u.infusions._replace(norepinephrine=np.asarray(rate)))
    given = {name: np.asarray(float(getattr(u, name)) + change.get(name, 0.0) / OVER) for name in FLUIDS}
    plan = Plan(after._replace(**given), OVER, after) if any(change.get(name) for name in FLUIDS) else after
    low, high = rates_seen(bedside)
    refused = None
    if rate > high + FURTHEST + 1e-9 or rate < low - FURTHEST - 1e-9:
        refused = f"more than {FURTHEST:g} ug/kg/min beyond the rates this patient has been seen under"
    different = {name: v for name, v in change.items() if v != _present(u, name)}
    return Candidate(kind, different, plan, refused)


def _present(u: Any, name: str) -> float:
    return float(u.infusions.norepinephrine) if name == "norepinephrine" else 0.0


def rates_seen(bedside: Bedside) -> tuple[float, float]:
    """The lowest and highest norepinephrine rate so far (ug/kg/min), the present one included."""
    present = float(bedside.settings.infusions.norepinephrine)
    signal = bedside.record.settings.get("norepinephrine")
    values = [present]
    if signal is not None:
        values += [float(v) for v in signal.value[np.isfinite(signal.value) & (signal.time_h <= bedside.now)]]
    return min(values), max(values)


def legs_raised(bedside: Bedside) -> Plan:
    """The twin's passive leg raise: stressed volume that comes back at once and stays."""
    u = bedside.settings
    return Plan(u._replace(colloid=np.asarray(float(u.colloid) + LEGS_RAISED / AT_ONCE)), 0.0, u)


def small_steps(bedside: Bedside) -> list[Candidate]:
    """One rate or one bolus each, as small as an advice may be."""
    rate = float(bedside.settings.infusions.norepinephrine)
    high = ITEMS["norepinephrine"].high
    rates = {round(max(rate + sign * s, 0.0), 4) for s in RATE_STEPS for sign in (-1, 1)}
    rates = {r for r in rates if r != rate and r <= high}
    found = [{"norepinephrine": r} for r in sorted(rates)]
    found += [{"crystalloid": b} for b in BOLUSES]
    return [candidate(bedside, "step", change) for change in found]


def grid_rates(bedside: Bedside) -> tuple[float, ...]:
    """Rates of the grid: the nearest ones to what runs, which is among them (ug/kg/min)."""
    rate = round(float(bedside.settings.infusions.norepinephrine), 4)
    near = sorted(GRID_RATES, key=lambda r: (abs(r - rate), r))
    others = [r for r in near if abs(r - rate) > 1e-9][: GRID_COLUMNS - 1]
    return tuple(sorted([rate, *others]))


def grid(bedside: Bedside) -> list[Candidate]:
    """Crystalloid by norepinephrine: row after row of :data:`GRID_FLUID`."""
    return [
        candidate(bedside, "grid", {"norepinephrine": rate, "crystalloid": volume})
        for volume in GRID_FLUID
        for rate in grid_rates(bedside)
    ]
