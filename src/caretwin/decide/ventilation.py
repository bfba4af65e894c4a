"""If this ventilator setting is changed, what will happen to this patient, and is it safe?

Every proposed setting is tried on the same particles with the same luck. Hard limits are chance constraints; among
settings
that keep them the most useful small step is advised, and no change wins unless something is clearly better. Silence,
with the reason, when the record cannot carry an answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from caretwin.decide.bedside_now import Bedside, at_bedside, latest
from caretwin.decide.bedside_outlook import Outlook, outlook
from caretwin.decide.ventilation_candidates import (
    Candidate,
    breath_map,
    by_rules,
    candidate,
    oxygen_map,
    small_steps,
)
from caretwin.decide.ventilation_choice import Choice, choose
from caretwin.decide.ventilation_doubts import silences, warnings
from caretwin.decide.ventilation_limits import HARD, SOFT, Limits, breaks
from caretwin.decide.ventilation_tables import OXYGEN_GOAL, Charted, Rule, rules
from caretwin.decide.ventilation_worth import Worth, worth
from caretwin.record.bedside import BedsideRecord
from caretwin.twin.bedside_twin import BedsideTwin

BANDS = (0.05, 0.5, 0.95)
HYPOXAEMIC = 90.0
"""% SpO2 below which, as below the goal of PaO2, FiO2 may rise by 0.3 at once (assumed)."""


@dataclass(frozen=True)
class Question:
    """What is asked: when (h), what is proposed (may be nothing), the limits, the costs, and whether maps are
    wanted."""

    now: float
    asked: tuple[Mapping[str, float], ...] = ()
    limits: Limits = field(default_factory=Limits)
    costs: Worth = field(default_factory=Worth)
    maps: bool = True


@dataclass(frozen=True)
class Judged:
    """One setting with what it would bring.

    bands    [T, R, 3]  5, 50 and 95 % of each reading
    chances  of breaking each limit within the horizon, by name
    settled  min until 90 % of the change against no change, by reading; None: not within the horizon, or no change
    worth    mean over particles; better  share of particles in which it is worth more than no change
    """

    candidate: Candidate
    bands: Float[np.ndarray, "T R 3"]
    chances: Mapping[str, float]
    safe: float
    settled: Mapping[str, float | None]
    worth: float
    better: float


@dataclass(frozen=True)
class SafeMap:
    """Probability that every hard limit holds, for each cell [rows, columns]; NaN where this patient's data cannot
    speak.

    rows, columns   settings by name and their values
    """

    rows: tuple[str, tuple[float, ...]]
    columns: tuple[str, tuple[float, ...]]
    safe: Float[np.ndarray, "r c"]
    why: tuple[str, ...]
    present: tuple[float, float]


@dataclass(frozen=True)
class Advice:
    """The answer.

    chosen      what is advised: None when abstaining; its kind is "as now" when nothing should be changed
    judged      no change first, then what was asked, then the small steps from the best to the worst
    rules       what the written rules say, each with its setting judged
    abstained   reasons for silence; reasons why this and not the others; notes: assumptions, what would make it wrong
    """

    question: Question
    bedside: Bedside
    outlook_names: tuple[str, ...]
    minutes: tuple[float, ...]
    chosen: Judged | None
    choice: Choice
    judged: tuple[Judged, ...]
    rules: tuple[tuple[Rule, Judged], ...]
    maps: tuple[SafeMap, ...]
    charted: Charted
    abstained: tuple[str, ...]
    notes: tuple[str, ...]


def advise(question: Question, twin: BedsideTwin, record: BedsideRecord) -> Advice:
    """Answer the question for one patient from what had been received by its time.

    Raises DataError when nothing had been received, DomainError for a proposed value that cannot be set.

    Example: ``advise(Question(12.0, ({"peep": 14.0},)), bedside_twin(particles=500), record).chosen``.
    """
    bedside = at_bedside(twin, record, question.now)
    abstained = silences(bedside)
    charted = charted_now(bedside)
    written = rules(charted)
    tried = candidates(bedside, question, charted, written)
    found = outlook(twin, bedside.living, [c.settings for c in tried])
    judged, valued = judge(tried, found, bedside, question)
    choice = choose(judged, valued, question.limits, question.costs)
    kinds: dict[str, list[Judged]] = {}
    for j in judged:
        kinds.setdefault(j.candidate.kind, []).append(j)
    steps = sorted(kinds.get("step", []), key=lambda j: choice.rank[id(j)], reverse=True)
    maps = safe_maps(bedside, question) if question.maps and float(bedside.settings.mode) in (1.0, 2.0, 3.0) else ()
    return Advice(
        question, bedside, found.names, found.minutes, None if abstained else choice.best, choice,
        (judged[0], *kinds.get("asked", []), *steps),
        tuple(zip(written, kinds.get("rule", []), strict=True)), maps, charted, tuple(abstained),
        tuple(warnings(bedside)),
    )  # fmt: skip


def candidates(bedside: Bedside, question: Question, charted: Charted, written: tuple[Rule, ...]) -> list[Candidate]:
    """No change first, what was asked, the small steps, the rules."""
    hypoxaemic = (charted.saturation or 100.0) < HYPOXAEMIC or (charted.oxygen or 100.0) < OXYGEN_GOAL[0]
    asked = [candidate(bedside, "asked", change, np.inf) for change in question.asked]
    now = candidate(bedside, "as now", {}, 0.0)
    return [now, *asked, *small_steps(bedside, hypoxaemic), *by_rules(bedside, written)]


def judge(
    tried: list[Candidate], found: Outlook, bedside: Bedside, question: Question
) -> tuple[list[Judged], Float[np.ndarray, "K N"]]:
    """Each candidate with its bands, chances and worth; and the worth [K, N] per particle."""
    limits, weight = question.limits, bedside.predicted_weight
    fio2 = np.array([float(c.settings.fio2) for c in tried])
    broken = breaks(found, fio2, weight, limits)
    valued = worth(
        found, broken, [(f, c.steps) for f, c in zip(fio2, tried, strict=True)], weight, limits, question.costs
    )
    bands = np.moveaxis(np.quantile(found.read, BANDS, axis=2), 0, -1)  # [T, K, R, 3]
    better = (valued > valued[0] + 1e-9).mean(axis=1)
    safe = broken.all_held()
    judged = [
        Judged(
            c, bands[:, k], {name: float(broken.broken[name][k].mean()) for name in (*HARD, *SOFT)}, float(safe[k]),
            settling(found, k), float(valued[k].mean()), float(better[k]),
        )
        for k, c in enumerate(tried)
    ]  # fmt: skip
    return judged, valued


def settling(found: Outlook, k: int, least: float = 0.01) -> dict[str, float | None]:
    """min until 90 % of the last difference from no change, for the median particle, by reading.

    least   relative change below which a reading counts as unchanged (None)
    """
    difference = np.median(found.read[:, k] - found.read[:, 0], axis=1)  # [T, R]
    size = np.median(np.abs(found.read[0, 0]), axis=0)
    times = np.array(found.minutes)
    answer: dict[str, float | None] = {}
    for r, name in enumerate(found.names):
        path = difference[:, r]
        answer[name] = None
        if abs(path[-1]) < least * max(size[r], 1e-6):
            continue
        reached = np.flatnonzero(path / path[-1] < 0.9)
        first = int(reached[-1]) + 1 if len(reached) else 0
        if first == 0:
            answer[name] = 0.0
        elif first < len(times):
            a, b = path[first - 1] / path[-1], path[first] / path[-1]
            answer[name] = float(times[first - 1] + (0.9 - a) / max(b - a, 1e-9) * (times[first] - times[first - 1]))
    return answer


def charted_now(bedside: Bedside) -> Charted:
    """The numbers the written rules ask for, from the chart."""

    def value(name: str, within_h: float) -> float | None:
        row = latest(bedside.record, name, bedside.now, within_h)
        return None if row is None else row[1]

    u = bedside.settings
    volume = value("tidal_volume", 4.0) if float(u.mode) not in (1.0, 3.0) else float(u.tidal_volume)
    per_kg = 1000.0 * (float(u.tidal_volume) if volume is None else volume) / bedside.predicted_weight
    return Charted(
        float(u.fio2), float(u.peep), per_kg, float(u.rate), value("arterial_oxygen_pressure", 6.0),
        value("oxygen_saturation", 4.0), value("arterial_carbon_dioxide_pressure", 12.0), value("arterial_ph", 12.0),
        value("plateau_pressure", 24.0),
    )  # fmt: skip


def safe_maps(bedside: Bedside, question: Question) -> tuple[SafeMap, ...]:
    """The safe region over PEEP x FiO2 and over VT (or pressure) x rate, 30 min after each change."""
    grids = (oxygen_map(bedside), breath_map(bedside))
    found = outlook(bedside.twin, bedside.living, [c.settings for grid in grids for c in grid], MAP_MINUTES)
    fio2 = np.array([float(c.settings.fio2) for grid in grids for c in grid])
    safe = breaks(found, fio2, bedside.predicted_weight, question.limits).all_held()
    answer, start = [], 0
    for grid, axes in zip(grids, _axes(bedside), strict=True):
        rows, columns = axes
        shape = (len(rows[1]), len(columns[1]))
        cells = safe[start : start + len(grid)].reshape(shape)
        refused = np.array([c.refused is not None for c in grid]).reshape(shape)
        start += len(grid)
        answer.append(
            SafeMap(
                rows, columns, np.where(refused, np.nan, cells), tuple(sorted({c.refused for c in grid if c.refused})),
                (_present(bedside, rows[0]), _present(bedside, columns[0])),
            )
        )  # fmt: skip
    return tuple(answer)


MAP_MINUTES = (0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0)


def _axes(bedside: Bedside) -> Any:
    from caretwin.decide import ventilation_candidates as v

    pressure = round(float(bedside.settings.mode)) in v.PRESSURE_MODES
    breath = ("pressure", v.MAP_PRESSURE) if pressure else ("volume_per_kg", v.MAP_VOLUME)
    return ((("peep", v.MAP_PEEP), ("fio2", v.MAP_OXYGEN)), (breath, ("rate", v.MAP_RATE)))


def _present(bedside: Bedside, name: str) -> float:
    if name == "volume_per_kg":
        return 1000.0 * float(bedside.settings.tidal_volume) / bedside.predicted_weight
    return float(getattr(bedside.settings, name))
