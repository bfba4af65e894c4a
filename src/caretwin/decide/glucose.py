"""How much insulin and feed until the next glucose, and when should that be?

Forward bands of insulin sensitivity say where glucose can go under every treatment that may be proposed. For each
interval the treatment that keeps the most of it in the band is sought among those whose chance of a low glucose, at any
minute of the interval, is allowed; the longest interval that stays acceptable is advised. Time in the band is counted
over the longest interval whatever the interval, because insulin acts late: within an hour all rates look alike.
Silence, with the reason, when the record cannot carry an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from caretwin.base.errors import DataError
from caretwin.base.random import raw_key
from caretwin.core.status import Status, sentence, usable
from caretwin.decide.glucose_futures import Futures, futures
from caretwin.decide.glucose_question import Limits, Question
from caretwin.record.bedside import BedsideRecord
from caretwin.twin.glucose import INJECTIONS, Followed, Series, follow, glucose_model, measured, series

__all__ = ["Advice", "Judged", "Limits", "Question", "advise", "candidates", "choose"]

FINE, COARSE = 0.5, 1.0  # U/h between proposed rates, below and above 4 U/h: as pumps are set by hand
FEED_STEP = 0.1  # of the goal
CONTRADICTED = 3.0  # -log10 of the tail: one value in a thousand
TWICE_CONTRADICTED = 2.0  # for two of the last three values


@dataclass(frozen=True)
class Judged:
    """One treatment over intervals of 1 to H hours; arrays [H] as in :class:`.glucose_futures.Futures`.

    insulin   U/h
    feed      mmol/min of glucose into the stomach
    utility   share of time in the band over the longest interval, less what highs, a smaller feed and a change cost
    bands     [T, 5]  quantiles of glucose every ten minutes
    """

    insulin: float
    feed: float
    low: Float[np.ndarray, " H"]
    severe: Float[np.ndarray, " H"]
    inside: Float[np.ndarray, " H"]
    excess: Float[np.ndarray, " H"]
    above: Float[np.ndarray, " H"]
    utility: float
    bands: Float[np.ndarray, "T 5"]

    def allowed(self, hours: int, limits: Limits) -> bool:
        """Whether the chance of a low glucose within so many hours is allowed."""
        return bool(self.low[hours - 1] <= limits.allowed)


@dataclass(frozen=True)
class Choice:
    """The best treatment of one interval; ``safe`` is False when no treatment is allowed and this one is least bad."""

    hours: int
    best: Judged
    safe: bool


@dataclass(frozen=True)
class Advice:
    """The answer; ``abstained`` lists the reasons when there is none.

    chosen     what is advised, None when abstaining
    choices    the best treatment of every interval
    judged     all treatments, best first for the interval that was chosen
    current    what is running, continued
    series, followed   what the twin took in, and what it made of it; None when it took in nothing
    reasons    why this treatment and this interval
    notes      assumptions that belong to the answer
    """

    question: Question
    record: BedsideRecord
    chosen: Choice | None
    choices: tuple[Choice, ...]
    judged: tuple[Judged, ...]
    current: Judged | None
    series: Series | None
    followed: Followed | None
    reasons: tuple[str, ...]
    abstained: tuple[str, ...]
    notes: tuple[str, ...]


def advise(question: Question, record: BedsideRecord, *, model: Any = None) -> Advice:
    """Answer the question for one patient, from what had been received by its time.

    model   another than the installed one, such as one with other constants
    Raises DataError when the record has no glucose before the time of the question.

    Example: ``advise(Question(now=30.0, feed_goal=0.6), record).chosen``.
    """
    known = record.as_of(question.now)
    model = glucose_model() if model is None else model
    rows = series(known, question.now, uncharted=question.uncharted)
    key = raw_key(question.seed)
    followed = follow(model, rows.history, key, record.person.subject)
    abstained = _doubts(question, known, rows, followed)
    u = running(rows)
    if not abstained:
        abstained = _pump_doubts(u, question.limits)
    tried = candidates(u, question)
    limits = question.limits
    hours = max(limits.intervals)
    context = {name: np.asarray(value[0]) for name, value in rows.history.contexts.items()}
    bounds = (limits.severe, limits.low, limits.high)
    found = futures(model, key, followed.ensemble, tried, context, hours, bounds, record.person.subject)
    judged = judge(tried, found, question, u["insulin"])
    choices, chosen, reasons = choose(judged, limits)
    current = next(j for j in judged if (j.insulin, j.feed) == (u["insulin"], u["enteral_glucose"]))
    ranked = sorted(judged, key=lambda j: _rank(j, chosen.hours, limits), reverse=True)
    return Advice(
        question,
        record,
        None if abstained else chosen,
        choices,
        tuple(ranked),
        current,
        rows,
        followed,
        tuple(reasons),
        tuple(abstained),
        tuple(_notes(question, rows)),
    )


def running(rows: Series) -> dict[str, float]:
    """What flows in at the end of the rows, by name of input; what was injected is not repeated."""
    return {name: 0.0 if name in INJECTIONS else float(values[-1]) for name, values in rows.history.u.items()}


def candidates(u: dict[str, float], question: Question) -> dict[str, Float[np.ndarray, " K"]]:
    """Every treatment that may be proposed, as inputs by name [K]; what is running is always among them.

    u   what is running, by name of input
    The feed changes only where a goal is given and something is being fed.
    """
    limits = question.limits
    now, feed = u["insulin"], u["enteral_glucose"]
    most = max(min(now + limits.insulin_rise, limits.insulin_most), now)
    rates = np.concatenate([np.arange(0, 4, FINE), np.arange(4, most + 1e-9, COARSE), [most]])
    rates = np.unique(np.concatenate([rates[rates <= most], [now]]))
    feeds = np.array([feed])
    if question.feed_goal and feed > 0:
        goal = question.feed_goal
        share = np.arange(limits.feed_least, 1 + 1e-9, FEED_STEP)
        within = np.abs(share - feed / goal) <= limits.feed_change + 1e-9
        feeds = np.unique(np.concatenate([np.round(share[within] * goal, 6), [feed]]))
    insulin, enteral = (grid.ravel() for grid in np.meshgrid(rates, feeds, indexing="ij"))
    held = {name: np.full(len(insulin), value) for name, value in u.items()}
    return held | {"insulin": insulin, "enteral_glucose": enteral}


def judge(
    tried: dict[str, Float[np.ndarray, " K"]], found: Futures, question: Question, running: float
) -> list[Judged]:
    """The candidates with what was counted for them; ``running`` is the present rate of insulin [U/h]."""
    limits = question.limits
    starved = np.zeros(len(tried["insulin"]))
    if question.feed_goal:
        starved = np.maximum(1 - tried["enteral_glucose"] / question.feed_goal, 0.0)
    utility = found.inside[:, -1] - limits.cost_above * found.excess[:, -1] - limits.cost_feed * starved
    utility = utility - limits.cost_change * np.abs(tried["insulin"] - running)
    rows = zip(tried["insulin"], tried["enteral_glucose"], *found[:5], utility.tolist(), found.bands, strict=True)
    return [Judged(float(insulin), float(feed), *rest) for insulin, feed, *rest in rows]


def choose(judged: Sequence[Judged], limits: Limits) -> tuple[tuple[Choice, ...], Choice, list[str]]:
    """The best treatment of each interval, the one that is advised, and why."""
    choices = [_best(judged, hours, limits) for hours in limits.intervals]
    shortest = choices[0]
    chosen, reasons = shortest, []
    for choice in reversed(choices):
        trouble = _trouble(choice, limits)
        if trouble is None:
            chosen = choice
            break
        if choice is not shortest:
            reasons.append(f"not {choice.hours} h: {trouble}")
    best, hours = chosen.best, chosen.hours
    if reasons and chosen is shortest and best.above[hours - 1] > limits.allowed_above:
        above = f"{100 * best.above[hours - 1]:.0f} %"
        reasons.append(
            f"{hours} h is the shortest there is: glucose ends above {limits.high:g} mmol/L with {above} too"
        )
    if not chosen.safe:
        reasons.insert(
            0,
            f"no treatment keeps the chance of a glucose below {limits.low:g} mmol/L within {hours} h at or under "
            f"{100 * limits.allowed:g} %: the least, {100 * best.low[hours - 1]:.0f} %, has {best.insulin:g} U/h",
        )
    else:
        better = [j for j in judged if j.utility > best.utility and not j.allowed(hours, limits)]
        if better:
            tempting = max(better, key=lambda j: j.utility)
            reasons.insert(
                0,
                f"{tempting.insulin:g} U/h would keep more of the time in the band, but has a chance of "
                f"{100 * tempting.low[hours - 1]:.0f} % of a glucose below {limits.low:g} mmol/L",
            )
    return tuple(choices), chosen, reasons


def _best(judged: Sequence[Judged], hours: int, limits: Limits) -> Choice:
    best = max(judged, key=lambda j: _rank(j, hours, limits))
    return Choice(hours, best, best.allowed(hours, limits))


def _rank(j: Judged, hours: int, limits: Limits) -> tuple[bool, float, float]:
    """Allowed ones by their utility, then the others by how little they risk."""
    if j.allowed(hours, limits):
        return True, j.utility, -j.insulin
    return False, -float(j.low[hours - 1]), -j.insulin


def _trouble(choice: Choice, limits: Limits) -> str | None:
    """Why the interval is too long, None when it is acceptable."""
    at = choice.hours - 1
    if not choice.safe:
        return f"a glucose below {limits.low:g} mmol/L would have a chance of {100 * choice.best.low[at]:.0f} %"
    if choice.best.above[at] > limits.allowed_above and choice.hours > limits.intervals[0]:
        return f"glucose would end above {limits.high:g} mmol/L with a chance of {100 * choice.best.above[at]:.0f} %"
    return None


def _doubts(question: Question, known: BedsideRecord, rows: Series, followed: Followed) -> list[str]:
    """Why the twin must not speak for this patient now."""
    found = [f"the record contradicts itself: {f}" for f in known.findings if f.severity == "error"]
    times, values, _ = measured(known)
    age = question.now - times[times <= question.now][-1]
    oldest = question.limits.oldest_glucose
    if age > oldest:
        found.append(
            f"the last glucose that is known was taken {age:.1f} h ago, longer than {oldest:g} h: measure first"
        )
    seen = np.asarray(followed.info.seen).any(axis=1)
    surprises = np.asarray(followed.info.surprise).max(axis=1)[seen][-3:]
    last = int(np.asarray(followed.info.status)[seen][-1])
    if not usable(last):
        found.append(sentence(Status(last)))
    if len(surprises) > 1 and (surprises[-1] >= CONTRADICTED or np.sum(surprises >= TWICE_CONTRADICTED) >= 2):
        latest = values[times <= question.now][-1]
        found.append(
            f"the last values contradict the twin ({latest:.1f} mmol/L had a chance of {10 ** -surprises[-1]:.1g}): "
            "check the sample, the line it came from, the pump and what was fed, then measure again"
        )
    return found


def _pump_doubts(u: dict[str, float], limits: Limits) -> list[str]:
    if u["insulin"] > 3 * limits.insulin_most:
        return [f"the pump is charted with {u['insulin']:g} U/h, far beyond what is proposed here: check the unit"]
    return []


def _notes(question: Question, rows: Series) -> list[str]:
    found = []
    if rows.uncharted:
        found.append(
            "no feed is charted: an unknown, wandering flow of glucose is assumed to enter, and it is not advised on"
        )
    if question.feed_goal is None:
        found.append("no goal of the feed was given: only insulin is advised, the feed goes on as it is")
    if rows.values < 3:
        found.append(f"only {rows.values} glucose values are known: mostly the population speaks")
    found.append("insulin and feed are taken to run as charted until the next decision")
    return found


def checked_goal(goal: float | None) -> float | None:
    """The goal of the feed [mmol/min]; DataError for one that cannot be."""
    if goal is not None and not 0 < goal <= 6:
        raise DataError(
            "goal of the feed",
            seen=f"{goal:g} mmol/min",
            wanted="glucose of the full feed, above 0 and at most 6 mmol/min (1500 g/day)",
            fix="divide grams of carbohydrate per day by 259 to get mmol/min",
        )
    return goal
