"""Replays the treatment of many patients: at each level, what every valid model would have said just before it.

Within one model, histories of doses that are possible are integrated over by their evidence. Over models, forecasts
are averaged with the evidence of the levels seen so far; a model whose hard domain excludes the patient is not used
for that patient, and counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from caretwin.record.dosing import DosingRecord
from caretwin.review.forecasting.cases import Case, cases_of
from caretwin.review.forecasting.level_forecast import AVERAGE, LevelForecast, Refused
from caretwin.review.forecasting.mixture import mix, weights_of
from caretwin.review.forecasting.predictive import Predictive, predictives
from caretwin.review.forecasting.scoring import measured, observed, scores

DRAWS = 1000
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Replay:
    """Every forecast, of each model and of their average, and every level that a model did not forecast.

    models   names of all models that were tried, in order
    levels   how many levels the records hold
    patients how many patients
    """

    models: tuple[str, ...]
    forecasts: tuple[LevelForecast, ...]
    refused: tuple[Refused, ...]
    levels: int
    patients: int


@dataclass(frozen=True)
class _Forecast:
    """One model's forecast of one level, histories of doses integrated over."""

    case: Case
    predictive: Predictive


def patient_of(subject: str) -> str:
    """The person behind a record: what stands before the first hyphen (the rest names the admission)."""
    return subject.split("-")[0]


def replay(
    drugs: Sequence[Any],
    records: Sequence[DosingRecord],
    *,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> Replay:
    """One-step-ahead forecasts of every level of every record under every model, and their average.

    drugs     drug models of the family "pharmacology"
    draws     posterior draws per level and model
    progress  told how many fits are done, of how many

    The point forecast is the median of the predicted level. Nothing is raised for a patient that no model can be
    used for: it is refused with its reason. Example: ``replay([goti], records).forecasts``.
    """
    cases: list[Case] = []
    refused: list[Refused] = []
    for drug in drugs:
        for record in records:
            found, not_found = cases_of(drug, record)
            cases += found
            refused += not_found
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        progress(done, len(cases))

    progress(0, len(cases))
    every = predictives(cases, jax.random.key(seed), draws=draws, progress=tell)
    by_model = _over_doses(cases, every)
    healthy = [f for f in by_model if _finite(f.predictive)]
    refused += [
        Refused(f.case.drug.name, f.case.record.subject, 1, "the forecast is not a number")
        for f in by_model
        if not _finite(f.predictive)
    ]
    average, weights = _over_models(healthy)
    forecasts = _level_forecasts(healthy, weights) + _level_forecasts(average, [1.0] * len(average), AVERAGE)
    return Replay(
        tuple(drug.name for drug in drugs),
        tuple(forecasts),
        tuple(refused),
        sum(len(record.levels) for record in records),
        len({patient_of(record.subject) for record in records}),
    )


def _finite(one: Predictive) -> bool:
    return bool(np.isfinite(one.level).all() and np.isfinite(one.next).all() and np.isfinite(one.prior_next).all())


def _over_doses(cases: Sequence[Case], every: Sequence[Predictive]) -> list[_Forecast]:
    """One forecast per level and model: the mixture over histories of doses."""
    groups: dict[tuple[str, int, str], list[int]] = {}
    for i, case in enumerate(cases):
        groups.setdefault((case.record.subject, case.level, case.drug.name), []).append(i)
    return [
        _Forecast(cases[places[0]], mix([np.log(cases[i].prior_weight) for i in places], [every[i] for i in places]))
        for places in groups.values()
    ]


def _over_models(forecasts: Sequence[_Forecast]) -> tuple[list[_Forecast], list[float]]:
    """The average of the models of each level, and the weight of each of ``forecasts`` in it."""
    groups: dict[tuple[str, int], list[int]] = {}
    for i, one in enumerate(forecasts):
        groups.setdefault((one.case.record.subject, one.case.level), []).append(i)
    averaged, weights = [], [0.0] * len(forecasts)
    for places in groups.values():
        equal = [0.0] * len(places)
        members = [forecasts[i].predictive for i in places]
        for i, share in zip(places, weights_of(equal, members), strict=True):
            weights[i] = float(share)
        averaged.append(_Forecast(forecasts[places[0]].case, mix(equal, members)))
    return averaged, weights


def _level_forecasts(
    forecasts: Sequence[_Forecast], weights: Sequence[float], name: str | None = None
) -> list[LevelForecast]:
    cases = [one.case for one in forecasts]
    prior, following = scores(cases, [one.predictive for one in forecasts])
    return [
        LevelForecast(
            model=name or one.case.drug.name,
            subject=one.case.record.subject,
            patient=patient_of(one.case.record.subject),
            channel=one.case.record.levels[one.case.level].channel,
            time_h=one.case.record.levels[one.case.level].time_h,
            observed=observed(one.case),
            measured=measured(one.case),
            earlier=one.case.earlier,
            typical=float(one.predictive.typical),
            prior=before,
            next=after,
            weight=weight,
            pareto_k=float(one.predictive.pareto_k),
            reliable=bool(one.predictive.reliable),
        )
        for one, before, after, weight in zip(forecasts, prior, following, weights, strict=True)
    ]
