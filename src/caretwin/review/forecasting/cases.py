"""What was known just before each level: the record cut there, so that nothing later can leak into the forecast.

A case is one level of one subject under one drug model and one history of doses. Its history ends at the level's own
row. Levels drawn at the same time, or received later, are not in it; covariates are those received by then, each
holding its last value (LOCF); doses that start later are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from caretwin.base.errors import CaretwinError
from caretwin.base.units import convert
from caretwin.core.history import History
from caretwin.core.model import MISSING, Model, Observation
from caretwin.record.dosing import CovariateValue, DosingRecord, Level
from caretwin.review.forecasting.level_forecast import Refused
from caretwin.twin.dosing import DosingTwin, bind


@dataclass(frozen=True)
class Case:
    """One level to be forecast.

    level         its place in the record's levels
    alternative   which of the record's histories of doses is assumed, and its prior weight
    history       [E, ...] everything before the level; its last row is the level's, with nothing observed
    target        the level itself as an observation [C]
    channel       index of its channel
    factor        value in the record's unit = factor x value in the model's canonical unit
    earlier       number of earlier levels in the history
    """

    drug: Any
    model: Model
    record: DosingRecord
    level: int
    alternative: int
    prior_weight: float
    history: History
    target: Observation
    channel: int
    factor: float
    earlier: int

    @property
    def name(self) -> str:
        """Address of the case's luck: the same whatever other cases there are."""
        return f"{self.record.subject}/{self.drug.name}/{self.alternative}/{self.level}"


def cases_of(drug: Any, record: DosingRecord) -> tuple[list[Case], list[Refused]]:
    """All cases of a record under one model, and the levels that cannot be forecast, with their reasons.

    Nothing is raised for a record that the model cannot use: whatever is wrong is a refusal.
    """
    found: list[Case] = []
    reasons: dict[str, int] = {}
    bound: dict[Any, Any] = {}
    for place, level in enumerate(record.levels):
        try:
            found += list(_cases_of_level(drug, record, place, level, bound))
        except CaretwinError as error:
            reason = _one_line(error)
            reasons[reason] = reasons.get(reason, 0) + 1
        except Exception as problem:  # one odd record must not stop a validation over many
            reason = f"{type(problem).__name__}: {problem}"
            reasons[reason] = reasons.get(reason, 0) + 1
    return found, [Refused(drug.name, record.subject, count, reason) for reason, count in reasons.items()]


class CannotForecast(CaretwinError):
    """A level that a model has nothing to say about."""


def _cases_of_level(drug: Any, record: DosingRecord, place: int, level: Level, bound: dict[Any, Any]) -> Iterator[Case]:
    if level.channel not in drug.errors:
        raise _cannot(record, level, f"the model does not predict the {level.channel}")
    covariates = _received(record.covariates, level.time_h)
    for number, history in enumerate(record.histories()):
        given = tuple(dose for dose in history.doses if dose.time_h <= level.time_h)
        if level.channel == "level" and not any(dose.time_h < level.time_h for dose in given):
            if len(record.histories()) > 1:
                continue  # under this history the level is impossible
            raise _cannot(record, level, "drawn before any dose: nothing to forecast")
        key = (number, len(given), covariates)
        if key not in bound:
            known = replace(record, doses=given, alternatives=(), covariates=covariates)
            bound[key] = _bind(drug, known)
        yield _case(drug, record, place, level, number, history.weight, bound[key])


def _received(covariates: Sequence[CovariateValue], time_h: float) -> tuple[CovariateValue, ...]:
    return tuple(c for c in covariates if (c.time_h if c.received_h is None else c.received_h) <= time_h)


def _bind(drug: Any, known: DosingRecord) -> DosingTwin:
    levels = tuple(level for level in known.levels if level.channel in drug.errors)
    twin = bind(drug, replace(known, levels=levels), interpolation="locf")
    present = {name: np.asarray([series.values[-1]]) for name, series in twin.covariates.items()}
    hard = [f for f in drug.check_domain(present) if f.severity == "hard"]
    if hard:
        reason = "; ".join(f"{f.subject} {f.seen}: {f.message}" for f in hard)
        raise CannotForecast(known.subject, seen=reason, wanted="a patient inside the model's domain", fix="")
    return twin


def _case(
    drug: Any, record: DosingRecord, place: int, level: Level, alternative: int, weight: float, twin: DosingTwin
) -> Case:
    usable = [i for i, other in enumerate(record.levels) if other.channel in drug.errors]
    sample = twin.samples[usable.index(place)]
    earlier = [
        twin.samples[k]
        for k, i in enumerate(usable)
        if record.levels[i].time_h < level.time_h and _received_by(record.levels[i], level.time_h)
    ]
    whole = replace(twin, samples=(*earlier, sample)).history()
    row = int(np.flatnonzero(whole.y.kind.any(axis=1))[-1])  # the level itself is the last thing observed
    time, u, between, at, value, kind = jax.tree.map(
        lambda leaf: leaf[: row + 1],
        (whole.time, whole.u, whole.between, whole.at, whole.y.value, whole.y.kind),
    )
    target = Observation(value[-1].copy(), kind[-1].copy())
    kind[-1], value[-1] = MISSING, 1.0
    history = History(time, u, between, at, Observation(value, kind), whole.contexts, whole.doses)
    channel = drug.channels[level.channel]
    per_unit = 1.0 if level.unit is None else convert(1.0, channel.unit, level.unit, substance=drug.drug)
    factor = channel.factor * per_unit
    return Case(
        drug, twin.model, record, place, alternative, weight, history, target, sample.channel, factor, len(earlier)
    )


def _received_by(level: Level, time_h: float) -> bool:
    return (level.time_h if level.received_h is None else level.received_h) <= time_h


def _cannot(record: DosingRecord, level: Level, why: str) -> CannotForecast:
    where = f"level of subject {record.subject} at {level.time_h:g} h"
    return CannotForecast(where, seen=why, wanted="a level that the model predicts", fix="")


def _one_line(error: CaretwinError) -> str:
    return f"{error.seen}; {error.fix}" if error.fix else error.seen
