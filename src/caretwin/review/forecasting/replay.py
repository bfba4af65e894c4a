"""Replays the treatment of many patients: at each level, what every valid model would have said just before it.

Within one model, histories of doses that are possible are integrated over by their evidence. Over models, forecasts
are averaged with the evidence of the levels seen so far and the prior weights of dosing advice (less for a model that
was not made for such patients); a model whose hard domain excludes the patient is not used, and counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from caretwin.record.dosing import DosingRecord
from caretwin.review.forecasting.level_forecast import AVERAGE, LevelForecast, Refused
from caretwin.review.forecasting.mixture import mix, weights_of
from caretwin.review.forecasting.predictive import Predictive
from caretwin.review.forecasting.scoring import observed, scores
from caretwin.review.forecasting.sequential import forecast_all
from caretwin.review.forecasting.series import Series, Step, series_of

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

    series: Series
    step: Step
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
    draws     particles per patient and model
    progress  told how many forecasts are done, of how many

    The point forecast is the median of the predicted level. Nothing is raised for a patient that no model can be
    used for: it is refused with its reason. Example: ``replay([goti], records).forecasts``.
    """
    every: list[Series] = []
    refused: list[Refused] = []
    for drug in drugs:
        for record in records:
            found, not_found = series_of(drug, record)
            every += found
            refused += not_found
    total = sum(len(one.steps) for one in every)
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total)

    progress(0, total)
    by_model = _over_doses(every, forecast_all(every, jax.random.key(seed), draws=draws, progress=tell))
    healthy = [f for f in by_model if _finite(f.predictive)]
    refused += [
        Refused(f.series.drug.name, f.series.record.subject, 1, "the forecast is not a number")
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
    return all(np.isfinite(values).all() for values in (one.prior, one.prior_next, one.level, one.next))


def _over_doses(every: Sequence[Series], forecasts: Sequence[Sequence[tuple[Step, Predictive]]]) -> list[_Forecast]:
    """One forecast per level and model: the mixture over histories of doses."""
    groups: dict[tuple[str, int, str], list[_Forecast]] = {}
    for series, steps in zip(every, forecasts, strict=True):
        for step, one in steps:
            address = (series.record.subject, step.level, series.drug.name)
            groups.setdefault(address, []).append(_Forecast(series, step, one))
    return [
        _Forecast(
            group[0].series,
            group[0].step,
            mix([float(np.log(one.series.prior_weight)) for one in group], [one.predictive for one in group]),
        )
        for group in groups.values()
    ]


def _over_models(forecasts: Sequence[_Forecast]) -> tuple[list[_Forecast], list[float]]:
    """The average of the models of each level, and the weight of each of ``forecasts`` in it."""
    groups: dict[tuple[str, int], list[int]] = {}
    for i, one in enumerate(forecasts):
        groups.setdefault((one.series.record.subject, one.step.level), []).append(i)
    averaged, weights = [], [0.0] * len(forecasts)
    for places in groups.values():
        trust = [float(np.log(forecasts[i].step.trust)) for i in places]
        members = [forecasts[i].predictive for i in places]
        for i, share in zip(places, weights_of(trust, members), strict=True):
            weights[i] = float(share)
        first = forecasts[places[0]]
        averaged.append(_Forecast(first.series, first.step, mix(trust, members)))
    return averaged, weights


def _level_forecasts(
    forecasts: Sequence[_Forecast], weights: Sequence[float], name: str | None = None
) -> list[LevelForecast]:
    levels = [one.series.record.levels[one.step.level] for one in forecasts]
    prior, following = scores(levels, [one.predictive for one in forecasts])
    return [
        LevelForecast(
            model=name or one.series.drug.name,
            subject=one.series.record.subject,
            patient=patient_of(one.series.record.subject),
            channel=level.channel,
            time_h=level.time_h,
            observed=observed(level),
            measured=level.censoring == "measured",
            earlier=len(one.step.seen),
            typical=float(one.predictive.typical),
            prior=before,
            next=after,
            weight=weight,
            ess=float(one.predictive.ess),
            reliable=bool(one.predictive.reliable),
        )
        for one, level, before, after, weight in zip(forecasts, levels, prior, following, weights, strict=True)
    ]
