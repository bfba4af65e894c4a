"""What was known just before each level of one patient, under one drug model and one history of doses.

A series is the whole record as one history, with a schedule that says which levels each forecast may have seen.
Covariates hold their last value from the moment they were *received* (LOCF), so nothing in the history before a level
depends on what came later; levels drawn at the same time, or received later, are not seen. A level before which a
covariate was unknown, or the patient outside the model's hard domain, is refused with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from caretwin.base.errors import CaretwinError
from caretwin.base.units import convert
from caretwin.core.history import History
from caretwin.core.model import Model
from caretwin.decide.members import OUTSIDE_POPULATION
from caretwin.record.dosing import CovariateValue, DosingRecord, Level
from caretwin.review.forecasting.level_forecast import Refused
from caretwin.twin.dosing import bind


@dataclass(frozen=True)
class Step:
    """One level to be forecast.

    level    its place in the record's levels
    place    its place among the series' levels, which are in order of time
    seen     places of the levels that were known before it
    channel  index of its channel in the model
    factor   value in the record's unit = factor x value in the model's canonical unit
    trust    prior weight of the model at that time: less where a soft limit of its domain is crossed
    """

    level: int
    place: int
    seen: tuple[int, ...]
    channel: int
    factor: float
    trust: float


@dataclass(frozen=True)
class Series:
    """One patient under one model and one history of doses.

    alternative, prior_weight   which of the record's histories of doses, and its weight
    history   [E, ...] up to the last level that is forecast, levels observed at their rows
    levels    number of levels in the history
    measured  [levels] whether each is a value, not a limit of quantification
    factors   [levels] of each level's unit, as in :class:`Step`
    steps     the levels to be forecast, in order of time
    """

    drug: Any
    model: Model
    record: DosingRecord
    alternative: int
    prior_weight: float
    history: History
    levels: int
    measured: tuple[bool, ...]
    factors: tuple[float, ...]
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """Address of the series' luck: the same whatever other series there are."""
        return f"{self.record.subject}/{self.drug.name}/{self.alternative}"


def series_of(drug: Any, record: DosingRecord) -> tuple[list[Series], list[Refused]]:
    """The series of a record under one model, and the levels that cannot be forecast, with their reasons.

    Nothing is raised for a record that the model cannot use: whatever is wrong is a refusal.
    """
    trusts, reasons = _allowed(drug, record)
    found = []
    for number, history in enumerate(record.histories()):
        kept = {place: trust for place, trust in trusts.items() if _begun(record.levels[place], history.doses)}
        if not kept:
            continue
        try:
            found.append(_series(drug, record, number, history.weight, kept))
        except CaretwinError as error:
            reasons |= dict.fromkeys(kept, _one_line(error))
        except Exception as problem:  # one odd record must not stop a validation over many
            reasons |= dict.fromkeys(kept, f"{type(problem).__name__}: {problem}")
    covered = {step.level for one in found for step in one.steps}
    counts: dict[str, int] = {}
    for place in range(len(record.levels)):
        if place not in covered:
            reason = reasons.get(place, "drawn before any dose: nothing to forecast")
            counts[reason] = counts.get(reason, 0) + 1
    return found, [Refused(drug.name, record.subject, count, reason) for reason, count in counts.items()]


def _allowed(drug: Any, record: DosingRecord) -> tuple[dict[int, float], dict[int, str]]:
    """The levels that the model may forecast with its prior weight then, and why not the others, by place."""
    trusts: dict[int, float] = {}
    reasons: dict[int, str] = {}
    judged: dict[Any, tuple[float, str]] = {}
    for place, level in enumerate(record.levels):
        if level.channel not in drug.errors:
            reasons[place] = f"the model does not predict the {level.channel}"
            continue
        known = tuple(c for c in record.covariates if _received(c) <= level.time_h)
        if known not in judged:
            judged[known] = _judged(drug, replace(record, doses=(), levels=(), alternatives=(), covariates=known))
        trust, reason = judged[known]
        if reason:
            reasons[place] = reason
        else:
            trusts[place] = trust
    return trusts, reasons


def _judged(drug: Any, known: DosingRecord) -> tuple[float, str]:
    """Prior weight of the model for a patient with these covariates, or why it may not speak: as for dosing advice."""
    try:
        covariates = bind(drug, known, interpolation="locf").covariates
        findings = drug.check_domain({n: np.asarray([s.values[-1]]) for n, s in covariates.items()})
    except CaretwinError as error:
        return 0.0, _one_line(error)
    hard = [f for f in findings if f.severity == "hard"]
    if hard:
        return 0.0, f"{hard[0].subject}: {hard[0].message}"  # without the value: patients are counted together
    return OUTSIDE_POPULATION if any(f.severity == "soft" for f in findings) else 1.0, ""


def _begun(level: Level, doses: Sequence[Any]) -> bool:
    return level.channel != "level" or any(dose.time_h < level.time_h for dose in doses)


def _series(drug: Any, record: DosingRecord, number: int, weight: float, trusts: dict[int, float]) -> Series:
    """The history up to the last level that may be forecast, and the schedule of its levels."""
    history = record.histories()[number]
    last = max(record.levels[place].time_h for place in trusts)
    order = sorted(
        (place for place, level in enumerate(record.levels) if _enters(drug, level, history.doses, last)),
        key=lambda place: (record.levels[place].time_h, record.levels[place].row or 0, place),
    )
    known = replace(
        record,
        doses=tuple(dose for dose in history.doses if dose.time_h <= last),
        levels=tuple(record.levels[place] for place in order),
        covariates=tuple(replace(c, time_h=_received(c)) for c in record.covariates if _received(c) <= last),
        alternatives=(),
    )
    twin = bind(drug, known, interpolation="locf")
    factors = tuple(_factor(drug, record.levels[place]) for place in order)
    steps = tuple(
        Step(place, i, _seen(record, order, place), twin.samples[i].channel, factors[i], trusts[place])
        for i, place in enumerate(order)
        if place in trusts
    )
    measured = tuple(record.levels[place].censoring == "measured" for place in order)
    return Series(
        drug, twin.model, record, number, weight, _cut(twin.history(), last), len(order), measured, factors, steps
    )


def _enters(drug: Any, level: Level, doses: Sequence[Any], last: float) -> bool:
    return level.channel in drug.errors and level.time_h <= last and _begun(level, doses)


def _cut(history: History, last: float) -> History:
    """Without the rows after ``last``, such as the end of an infusion."""
    keep = int(np.searchsorted(np.asarray(history.time), last, side="right"))

    def head(tree: Any) -> Any:
        return type(tree)(*(leaf[:keep] for leaf in tree)) if isinstance(tree, tuple) else tree[:keep]

    time, u, between, at, y = map(head, (history.time, history.u, history.between, history.at, history.y))
    return History(time, u, between, at, y, history.contexts, history.doses)


def _seen(record: DosingRecord, order: Sequence[int], place: int) -> tuple[int, ...]:
    now = record.levels[place].time_h
    return tuple(
        i
        for i, other in enumerate(order)
        if record.levels[other].time_h < now and _received(record.levels[other]) <= now
    )


def _received(item: Level | CovariateValue) -> float:
    return item.time_h if item.received_h is None else item.received_h


def _factor(drug: Any, level: Level) -> float:
    channel = drug.channels[level.channel]
    per_unit = 1.0 if level.unit is None else convert(1.0, channel.unit, level.unit, substance=drug.drug)
    return float(channel.factor * per_unit)


def _one_line(error: CaretwinError) -> str:
    return f"{error.seen}; {error.fix}" if error.fix else error.seen
