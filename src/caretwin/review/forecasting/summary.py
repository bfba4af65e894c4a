"""Sums forecasts up per model: bias, inaccuracy, calibration and sharpness, each with an interval that draws patients.

Every level counts, also a patient's first, for which the one-step-ahead forecast is the a priori one; keys that end in
``_informed`` leave these out. Values beyond a limit of quantification have a log score but no prediction error: they
are counted as ``below_limit`` and left out of the others.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caretwin.core.score import ClusteredScore, clustered_interval, mean, median, median_absolute, prediction_error
from caretwin.review.forecasting.level_forecast import AVERAGE, LevelForecast
from caretwin.review.forecasting.replay import Replay, patient_of

Numbers = NDArray[np.float64]
RESAMPLES = 1000
PIT_BINS = 10


def summarise(found: Replay, *, set_name: str = "", channel: str = "level") -> list[dict[str, Any]]:
    """One entry per model and one for the average, of plain values for JSON (None where a number does not exist).

    set_name  what the records are
    channel   whose levels are summed up

    Errors are fractions relative to the observed level, (forecast - observed) / observed; coverage is a fraction.
    Intervals are 95 % and draw patients. Levels before which a model was excluded are counted in ``refused_levels``.
    """
    forecasts = [f for f in found.forecasts if f.channel == channel]
    names = [*found.models, AVERAGE] if forecasts else list(found.models)
    return [_entry(name, [f for f in forecasts if f.model == name], found, set_name, channel) for name in names]


def _entry(name: str, mine: Sequence[LevelForecast], found: Replay, set_name: str, channel: str) -> dict[str, Any]:
    informed = [f for f in mine if f.earlier > 0]
    refused = [r for r in found.refused if r.model == name]
    reasons: dict[str, int] = {}
    for one in refused:
        reasons[one.reason] = reasons.get(one.reason, 0) + one.levels
    entry: dict[str, Any] = {
        "set": set_name,
        "model": name,
        "channel": channel,
        "patients": len({f.patient for f in mine}),
        "levels": len(mine),
    }
    entry |= _errors("prior", mine, lambda f: f.prior.point)
    entry |= _errors("next", mine, lambda f: f.next.point)
    entry |= _errors("informed", informed, lambda f: f.next.point)
    entry |= _errors("typical", mine, lambda f: f.typical)
    for stage, chosen in (("prior", mine), ("next", mine), ("informed", informed)):
        entry |= _calibration(stage, chosen, "prior" if stage == "prior" else "next")
    places = [f.next.pit for f in mine if np.isfinite(f.next.pit)]
    entry["pit_next"] = [int(n) for n in np.histogram(places, PIT_BINS, (0.0, 1.0))[0]]
    entry |= {
        "levels_informed": len(informed),
        "below_limit": sum(not f.measured for f in mine),
        "unreliable": sum(not f.reliable for f in mine),
        "mean_weight": _number(np.mean([f.weight for f in mine])) if mine else None,
        "refused_levels": sum(r.levels for r in refused),
        "refused_patients": len({patient_of(r.subject) for r in refused} - {f.patient for f in mine}),
        "refused_because": reasons,
    }
    return entry


def _errors(stage: str, mine: Sequence[LevelForecast], point: Callable[[LevelForecast], float]) -> dict[str, Any]:
    measured = [f for f in mine if f.measured and f.observed > 0]
    errors = np.asarray(
        prediction_error(np.asarray([point(f) for f in measured]), np.asarray([f.observed for f in measured]))
    )
    found = _score(f"mdpe_{stage}", errors, measured, median)
    return found | _score(f"mdape_{stage}", errors, measured, median_absolute)


def _calibration(stage: str, mine: Sequence[LevelForecast], of: str) -> dict[str, Any]:
    def column(name: str) -> Numbers:
        return np.asarray([getattr(getattr(f, of), name) for f in mine], dtype=np.float64)

    found = _score(f"coverage90_{stage}", column("inside"), mine, mean)
    found |= _score(f"crps_{stage}", column("crps"), mine, mean)
    return found | _score(f"log_score_{stage}", column("log_score"), mine, mean)


def _score(
    key: str, values: Numbers, mine: Sequence[LevelForecast], statistic: Callable[[Numbers], float]
) -> dict[str, Any]:
    finite = np.where(np.isfinite(values), values, np.nan)
    one: ClusteredScore = clustered_interval(finite, [f.patient for f in mine], statistic, resamples=RESAMPLES)
    interval = [_number(one.lower), _number(one.upper)]
    return {key: _number(one.estimate), f"{key}_interval": None if None in interval else interval}


def _number(value: Any) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
