"""Which rate of norepinephrine, or which fluid, brings arterial pressure to its target, and what else would it do?

Every rate and every bolus is tried on the same particles with the same luck. Preload responsiveness is a probability:
the
share of possible patients whose output rises by a tenth after a passive leg raise on the twin. The next step is a
small one; no
change wins unless something is clearly better. Silence, with the reason, when the record cannot carry an answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from caretwin.decide.bedside_now import Bedside, assumptions, at_bedside, doubts, imaging, latest
from caretwin.decide.bedside_outlook import Outlook, outlook
from caretwin.decide.haemodynamics_candidates import (
    FLUIDS,
    GRID_FLUID,
    MINUTES,
    Candidate,
    candidate,
    grid,
    grid_rates,
    legs_raised,
    small_steps,
)
from caretwin.record.bedside import BedsideRecord
from caretwin.twin.bedside_twin import BedsideTwin

BANDS = (0.05, 0.5, 0.95)
FROM, TO = 15.0, 60.0
"""min: arterial pressure is judged by its mean between them, so that a passing dip is not a failure."""
OLDEST_PRESSURE_H = 1.0
RESPONSE = 0.10
"""Rise of cardiac output that makes a responder (Monnet et al., 2016, meta-analysis)."""
READ_LEGS_MIN = 2.0
"""min after raising the legs at which output is read."""
PRESSORS = ("epinephrine", "phenylephrine", "dopamine", "vasopressin", "dobutamine", "milrinone")


@dataclass(frozen=True)
class Target:
    """What is wanted and what it costs; every one a local setting, the costs all assumed.

    low, high  mmHg of mean arterial pressure (65: custom, unverified)
    below      cost per 5 mmHg under low;  falls: of being under it at all
    above      cost per 10 mmHg over high while norepinephrine runs
    rate       cost of 0.1 ug/kg/min;  fluid: of 500 mL;  congestion: per mmHg that CVP rises;  output: per 10 % of CO
               lost
    clear      least gain for which a change is advised;  sure: least share of particles in which it is better
    oldest_pressure  h after which an arterial pressure no longer says where the patient is
    """

    low: float = 65.0
    high: float = 70.0
    below: float = 0.5
    falls: float = 0.5
    above: float = 0.2
    rate: float = 0.1
    fluid: float = 0.08
    congestion: float = 0.02
    output: float = 0.15
    clear: float = 0.04
    sure: float = 0.6
    oldest_pressure: float = OLDEST_PRESSURE_H


@dataclass(frozen=True)
class Question:
    """What is asked: when (h), what is proposed (may be nothing), and the target."""

    now: float
    asked: tuple[Mapping[str, float], ...] = ()
    target: Target = field(default_factory=Target)


@dataclass(frozen=True)
class Judged:
    """One thing tried: bands [T, R, 3], chances of mean MAP in, under and over the target, changes against no change.

    output, venous, rate  median and 90 % band (5, 50, 95 %) of the change of CO (%), CVP (mmHg) and HR (/min) at 30 min
    """

    candidate: Candidate
    bands: Float[np.ndarray, "T R 3"]
    inside: float
    below: float
    above: float
    output: tuple[float, float, float]
    venous: tuple[float, float, float]
    rate: tuple[float, float, float]
    worth: float
    better: float


@dataclass(frozen=True)
class Responsiveness:
    """Chance that output rises by 10 %: after a passive leg raise and after 500 mL of crystalloid; and the rise [3]
    in %."""

    legs: float
    legs_rise: tuple[float, float, float]
    fluid: float
    fluid_rise: tuple[float, float, float]


@dataclass(frozen=True)
class Grid:
    """Chances of mean MAP in and under the target [fluids, rates]; NaN where this patient's data cannot speak."""

    rates: tuple[float, ...]
    fluids: tuple[float, ...]
    inside: Float[np.ndarray, "f r"]
    below: Float[np.ndarray, "f r"]


@dataclass(frozen=True)
class Advice:
    """The answer; ``chosen`` is None when abstaining, its kind "as now" when nothing should be changed."""

    question: Question
    bedside: Bedside
    names: tuple[str, ...]
    minutes: tuple[float, ...]
    chosen: Judged | None
    judged: tuple[Judged, ...]
    responsiveness: Responsiveness
    grid: Grid
    reasons: tuple[str, ...]
    abstained: tuple[str, ...]
    notes: tuple[str, ...]


def advise(question: Question, twin: BedsideTwin, record: BedsideRecord) -> Advice:
    """Answer the question for one patient from what had been received by its time.

    Raises DataError when nothing had been received, DomainError for a value that cannot be given.

    Example: ``advise(Question(12.0, ({"norepinephrine": 0.2},)), bedside_twin(particles=500), record).chosen``.
    """
    bedside = at_bedside(twin, record, question.now)
    abstained = silences(bedside, question.target)
    tried = [candidate(bedside, "as now", {}), *(candidate(bedside, "asked", c) for c in question.asked)]
    tried += small_steps(bedside)
    tests = [legs_raised(bedside), candidate(bedside, "test", {"crystalloid": 0.5}).plan]
    cells = grid(bedside)
    plans = [c.plan for c in tried] + tests
    found = outlook(twin, bedside.living, plans, MINUTES)
    judged, valued = judge(tried, found, question.target)
    best, reasons = choose(judged, valued, question.target, bedside)
    steps = sorted((j for j in judged if j.candidate.kind == "step"), key=lambda j: -j.worth)
    ordered = (judged[0], *(j for j in judged if j.candidate.kind == "asked"), *steps)
    response = responsiveness(found, len(tried))
    over = outlook(twin, bedside.living, [c.plan for c in cells], MINUTES)
    return Advice(
        question, bedside, found.names, found.minutes, None if abstained else best, ordered, response,
        _grid(bedside, cells, over, question.target), tuple(reasons), tuple(abstained),
        tuple(warnings(bedside, response)),
    )  # fmt: skip


def judge(tried: Sequence[Candidate], found: Outlook, target: Target) -> tuple[list[Judged], Float[np.ndarray, "K N"]]:
    """Each candidate with its bands, chances and worth; and the worth [K, N] per particle."""
    pressure = mean_pressure(found)
    K = len(tried)
    bands = np.moveaxis(np.quantile(found.read, BANDS, axis=2), 0, -1)
    output, venous, heart = (
        found.of(name)[found.minutes.index(30.0)]
        for name in ("cardiac_output_L_per_min", "central_venous_pressure_mmHg", "heart_rate_per_min")
    )
    relative = output / np.maximum(output[0], 1e-3) - 1.0
    rates = np.array([float(_after(c).infusions.norepinephrine) for c in tried])
    litres = np.array([sum(c.change.get(name, 0.0) for name in FLUIDS) for c in tried])
    cost = target.below / 5.0 * np.maximum(target.low - pressure[:K], 0.0) + target.falls * (pressure[:K] < target.low)
    cost += target.above / 10.0 * np.maximum(pressure[:K] - target.high, 0.0) * (rates > 0)[:, None]
    cost += target.output / 0.1 * np.maximum(-relative[:K], 0.0)
    cost += target.congestion * np.maximum(venous[:K] - venous[0], 0.0)
    cost += (target.rate * rates / 0.1 + target.fluid * litres / 0.5)[:, None]
    valued = -cost
    better = (valued > valued[0] + 1e-9).mean(axis=1)
    judged = [
        Judged(
            c, bands[:, k], *chances(pressure[k], target), _band(100.0 * relative[k]), _band(venous[k] - venous[0]),
            _band(heart[k] - heart[0]), float(valued[k].mean()), float(better[k]),
        )
        for k, c in enumerate(tried)
    ]  # fmt: skip
    return judged, valued


def mean_pressure(found: Outlook) -> Float[np.ndarray, "K N"]:
    """Mean arterial pressure between :data:`FROM` and :data:`TO` minutes, by the trapezium rule (mmHg)."""
    minutes = np.array(found.minutes)
    inside = (minutes >= FROM) & (minutes <= TO)
    pressure, at = found.of("mean_arterial_pressure_mmHg")[inside], minutes[inside]
    return np.trapezoid(pressure, at, axis=0) / (at[-1] - at[0])


def chances(pressure: Float[np.ndarray, " N"], target: Target) -> tuple[float, float, float]:
    """Chances of the pressure within, under and over the target."""
    below, above = float((pressure < target.low).mean()), float((pressure > target.high).mean())
    return 1.0 - below - above, below, above


def _band(values: Float[np.ndarray, " N"]) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, BANDS)
    return float(low), float(middle), float(high)


def _after(c: Candidate) -> Any:
    return getattr(c.plan, "after", c.plan)


def responsiveness(found: Outlook, first: int) -> Responsiveness:
    """Preload responsiveness from the two tests that stand behind the candidates in an outlook."""
    output = found.of("cardiac_output_L_per_min")
    legs_at, fluid_at = found.minutes.index(READ_LEGS_MIN), found.minutes.index(15.0)
    legs = output[legs_at, first] / np.maximum(output[legs_at, 0], 1e-3) - 1.0
    fluid = output[fluid_at, first + 1] / np.maximum(output[fluid_at, 0], 1e-3) - 1.0
    return Responsiveness(
        float((legs >= RESPONSE).mean()), _band(100.0 * legs), float((fluid >= RESPONSE).mean()), _band(100.0 * fluid)
    )


def choose(
    judged: Sequence[Judged], valued: Float[np.ndarray, "K N"], target: Target, bedside: Bedside
) -> tuple[Judged, list[str]]:
    """No change or the best small step, if it is clearly better; and why."""
    options = [k for k, j in enumerate(judged) if j.candidate.kind == "step" and j.candidate.refused is None]
    best = max(options, key=lambda k: judged[k].worth)
    gain = valued[best] - valued[0]
    clear = gain.mean() >= target.clear and (gain > 0).mean() >= target.sure
    chosen, now = judged[best if clear else 0], judged[0]
    reasons = [_compare(now, target, "as now")]
    if clear:
        reasons.append(_compare(chosen, target, "then"))
        low, middle, high = chosen.output
        reasons.append(f"cardiac output {middle:+.0f} % ({low:+.0f} to {high:+.0f}) against no change")
    else:
        reasons.append(
            f"no small step is clearly better: the best gains {gain.mean():+.2f} and is better in "
            f"{100 * (gain > 0).mean():.0f} % of this patient's possible states"
        )
    fluid = [j for j in judged if j.candidate.kind == "step" and "crystalloid" in j.candidate.change]
    if fluid and chosen not in fluid and now.below > 0.05:
        most = max(fluid, key=lambda j: j.candidate.change["crystalloid"])
        reasons.append(
            f"500 mL of crystalloid instead: MAP under {target.low:g} with a chance of {_percent(most.below)}, "
            f"cardiac output {most.output[1]:+.0f} % after 30 min, CVP {most.venous[1]:+.1f} mmHg"
        )
    return chosen, reasons


def _percent(p: float) -> str:
    return "<1 %" if p < 0.005 else ">99 %" if p > 0.995 else f"{100 * p:.0f} %"


def _compare(j: Judged, target: Target, when: str) -> str:
    return (
        f"{when}: MAP under {target.low:g} with a chance of {_percent(j.below)}, within {target.low:g}-{target.high:g} "
        f"with {_percent(j.inside)}, over it with {_percent(j.above)}"
    )


def _grid(bedside: Bedside, cells: Sequence[Candidate], over: Outlook, target: Target) -> Grid:
    rates = grid_rates(bedside)
    shape = (len(GRID_FLUID), len(rates))
    pressure = mean_pressure(over)
    found = np.array(
        [
            chances(p, target)[:2] if c.refused is None else (np.nan, np.nan)
            for p, c in zip(pressure, cells, strict=True)
        ]
    )
    return Grid(rates, GRID_FLUID, found[:, 0].reshape(shape), found[:, 1].reshape(shape))


def silences(bedside: Bedside, target: Target) -> list[str]:
    """Why nothing is advised; empty when there is nothing against it."""
    found = doubts(bedside)
    pressure = latest(bedside.record, "mean_arterial_pressure", bedside.now)
    if pressure is None:
        found.append("no mean arterial pressure was ever charted")
    elif bedside.now - pressure[0] > target.oldest_pressure + 1e-6:
        found.append(
            f"the last arterial pressure is {bedside.now - pressure[0]:.1f} h old, more than "
            f"{target.oldest_pressure:g} h"
        )
    return found


def warnings(bedside: Bedside, response: Responsiveness) -> list[str]:
    """What belongs to the answer: assumptions, and what would make it wrong."""
    infusions = bedside.settings.infusions
    running = [name for name in PRESSORS if float(getattr(infusions, name)) > 0]
    found = assumptions(bedside) + imaging(bedside)
    if running:
        found.append(
            f"{', '.join(running)} running: counted by an assumed equivalence or effect, not by a model "
            "checked on patients"
        )
    if float(infusions.norepinephrine) == 0.0:
        found.append(
            "no norepinephrine runs: this patient's sensitivity to it is that of the population, fourfold wide"
        )
    if latest(bedside.record, "cardiac_output", bedside.now, 24.0) is None:
        found.append("cardiac output was not measured: it is inferred from pressures and the population")
    found.append(
        "preload responsiveness follows here from pressures; in patients central venous pressure hardly tells who "
        "responds (area under the curve 0.56, Marik & Cavallazzi, Crit Care Med 2013;41:1774): a real leg raise does"
    )
    if 0.2 < response.legs < 0.8:
        found.append("preload responsiveness is open: raise the legs of the patient and look, before giving fluid")
    found += [
        "fluid is given in 15 min on top of what runs; norepinephrine changes at once and then holds",
        "bleeding, a failing valve, tamponade, pulmonary embolism and arrhythmia are not in this twin",
        "wrong if the arterial line was flushed, kinked or not level with the heart",
        "the target of 65 mmHg is custom; who lived with hypertension may need more",
    ]
    return found
