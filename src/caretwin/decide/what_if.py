"""What would other settings bring? Plans of any mixture of ventilator, norepinephrine and fluid beside no change.

All on the same particles with the same luck: the difference of a plan from no change is paired, and exactly 0.0 for a
plan that changes nothing. It answers; it advises nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from caretwin.base.errors import DomainError
from caretwin.decide import haemodynamics_candidates as drugs
from caretwin.decide import ventilation_candidates as breaths
from caretwin.decide.bedside_change import ITEMS, in_words
from caretwin.decide.bedside_now import Bedside
from caretwin.decide.bedside_outlook import Plan, outlook
from caretwin.decide.ventilation_limits import HARD, SOFT, Limits, breaks, named

BANDS = (0.05, 0.25, 0.5, 0.75, 0.95)
MINUTES = drugs.MINUTES
MOST = 4
"""Plans that can be compared at once."""
UNVENTILATED = 0


@dataclass(frozen=True)
class Tried:
    """One plan and what it would bring.

    change      what differs from what is set, by name (see ``bedside_change.ITEMS``); words  the same for people
    refused     why this patient's data cannot speak for it; empty where they can
    bands       [T, R, 5] quantiles BANDS of each reading
    difference  [T, R, 5] the same of the paired difference from no change
    chances     of breaking each limit within the horizon, by its name
    """

    change: Mapping[str, float]
    words: str
    refused: tuple[str, ...]
    bands: Float[np.ndarray, "T R 5"]
    difference: Float[np.ndarray, "T R 5"]
    chances: Mapping[str, float]


@dataclass(frozen=True)
class WhatIf:
    """The answer: no change first, then the plans as they were asked.

    names, minutes  of the readings; limits  each limit in words, hard ones first
    """

    names: tuple[str, ...]
    minutes: tuple[float, ...]
    tried: tuple[Tried, ...]
    limits: Mapping[str, str]
    hard: tuple[str, ...] = HARD


def what_if(bedside: Bedside, changes: Sequence[Mapping[str, float]], limits: Limits | None = None) -> WhatIf:
    """Try changes on a twin.

    changes  at most MOST, each by name: ventilator settings, norepinephrine (ug/kg/min), fluids (L over 15 min)
    Raises DomainError for too many, for a name that cannot be changed, and for a value that cannot be set.

    Example: ``what_if(bedside, [{"peep": 12.0}, {"peep": 12.0, "norepinephrine": 0.1}]).tried[1].chances["arterial"]``.
    """
    if len(changes) > MOST:
        raise DomainError("what-if", seen=f"{len(changes)} plans", wanted=f"at most {MOST}", fix="leave some out")
    limits = limits or Limits()
    asked = [_planned(bedside, change) for change in ({}, *changes)]
    found = outlook(bedside.twin, bedside.living, [plan for plan, _, _ in asked], MINUTES)
    fio2 = np.array([float(_after(plan).fio2) for plan, _, _ in asked])
    broken = breaks(found, fio2, bedside.predicted_weight, limits)
    bands = _quantiles(found.read)
    difference = _quantiles(found.read - found.read[:, :1])
    tried = tuple(
        Tried(
            change,
            in_words_of(bedside, change),
            refused,
            bands[:, k],
            difference[:, k],
            {name: float(broken.broken[name][k].mean()) for name in (*HARD, *SOFT)},
        )
        for k, (_, change, refused) in enumerate(asked)
    )
    return WhatIf(found.names, found.minutes, tried, named(limits))


def _planned(bedside: Bedside, change: Mapping[str, float]) -> tuple[Any, Mapping[str, float], tuple[str, ...]]:
    """The plan of a change, what of it differs from what is set, and why it is refused."""
    unknown = [name for name in change if name not in ITEMS]
    if unknown:
        raise DomainError(
            f"proposed {unknown[0]}",
            seen=f"{change[unknown[0]]:g}",
            wanted=f"one of {', '.join(ITEMS)}",
            fix="leave it out: there is no checked model of anything else here",
        )
    given = {name: value for name, value in change.items() if name in drugs.GIVEN}
    breath = {name: value for name, value in change.items() if name not in drugs.GIVEN}
    if breath and round(float(bedside.settings.mode)) == UNVENTILATED:
        raise DomainError(
            "proposed ventilator setting",
            seen="nobody whom a ventilator breathes for, as far as the record says",
            wanted="a ventilated patient",
            fix="leave the ventilator's settings out, or let the record have the mode that is set",
        )
    set_ = breaths.candidate(bedside, "asked", breath, np.inf)
    flow = drugs.candidate(bedside._replace(settings=set_.settings), "asked", given)
    refused = tuple(one for one in (set_.refused, flow.refused) if one)
    return flow.plan, {**set_.change, **flow.change}, refused


def _after(plan: Any) -> Any:
    return plan.after if isinstance(plan, Plan) else plan


def _quantiles(read: Float[np.ndarray, "T K N R"]) -> Float[np.ndarray, "T K R 5"]:
    return np.moveaxis(np.quantile(read, BANDS, axis=2), 0, -1)


def in_words_of(bedside: Bedside, change: Mapping[str, float]) -> str:
    """A change as people say it: "PEEP 12 cmH2O (now 8), norepinephrine 0.1 ug/kg/min (now 0)"; "no change"."""
    breath = {name: value for name, value in change.items() if name not in drugs.GIVEN}
    parts = [in_words(bedside.settings, breath)] if breath else []
    for name, value in change.items():
        if name == "norepinephrine":
            now = float(bedside.settings.infusions.norepinephrine)
            parts.append(f"norepinephrine {value:.3g} ug/kg/min (now {now:.3g})")
        elif name in drugs.FLUIDS:
            parts.append(f"{1000.0 * value:.0f} mL of {ITEMS[name].label} in {drugs.OVER:g} min")
    return ", ".join(parts) or "no change"
