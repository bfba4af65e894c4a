"""What a twin says is kept as it was said, and scored by what came."""

import numpy as np
import pytest

from caretwin.core.score.crps import crps_ensemble
from caretwin.record.entry import Batch
from caretwin.record.record import Record
from caretwin.twin import kept_forecasts
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.kept_forecasts import FORECAST, HOUR, SCORE
from caretwin.twin.living import record as living_record
from caretwin.twin.living.course import MINUTE
from tests.twin.conftest import START
from tests.twin.test_living_ward import up_to_date, vitals, write


def said_of(record: Record, twin: BedsideTwin, minutes: int) -> tuple[str, int]:
    """A ward that lived so long, its forecasts kept; the subject and the time."""
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, range(minutes))))
    now = START + minutes * MINUTE
    up_to_date(ward, minutes)
    fork = ward.fork(key)
    assert fork is not None
    course = ward.course(key).record(now // MINUTE - 24 * 60, now // MINUTE)
    said = kept_forecasts.say(twin, fork, course, now)
    entries = kept_forecasts.to_keep(key, said, {"seed": 0})
    record.append(living_record.TWIN, [Batch(tuple(entries), now, living_record.TWIN.name)])
    return key, now


def test_a_forecast_is_kept_and_scored_once_when_its_time_is_over(record: Record, twin: BedsideTwin) -> None:
    key, now = said_of(record, twin, 30)
    reading = record.reading(living_record.TWIN)
    stored = reading.derived(key, [FORECAST])
    assert len(stored) == 12  # four channels, three horizons
    assert kept_forecasts.due(reading, key, now, 0) == []
    write(record, vitals(0, range(30, 60)))
    later = now + HOUR // 2
    due = kept_forecasts.due(reading, key, later, 0)
    assert {one.body["horizon_h"] for one in due} == {0.25}
    scores = [kept_forecasts.scored(reading, one, later) for one in due]
    record.append(living_record.TWIN, [Batch(tuple(scores), later, "twin")])
    assert kept_forecasts.due(reading, key, later, 0) == []
    for forecast, score in zip(due, reading.derived(key, [SCORE]), strict=True):
        assert score.about == forecast.sequence
        quantiles = np.array(forecast.body["quantiles"])
        assert np.all(np.diff(quantiles) >= 0)
        minute = round((score.body["effective"] - START) / MINUTE)
        assert abs(score.body["effective"] - forecast.body["target"]) <= 35_000_000, minute
        assert score.body["crps"] == pytest.approx(
            float(crps_ensemble(quantiles, np.array(score.body["value"]))), abs=1e-3
        )


def test_a_future_that_never_came_is_not_a_hit(record: Record, twin: BedsideTwin) -> None:
    key, now = said_of(record, twin, 10)
    reading = record.reading(living_record.TWIN)
    later = now + 5 * HOUR
    due = kept_forecasts.due(reading, key, later, 0)
    assert len(due) == 12
    bodies = [kept_forecasts.scored(reading, one, later).body for one in due]
    assert all(body["came"] is False and "crps" not in body for body in bodies)


def test_forecasts_widen_when_nothing_comes(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, range(60))))
    up_to_date(ward, 60)
    course = ward.course(key).record(0, START // MINUTE + 60)

    def width(hours: float) -> float:
        fork = ward.fork(key)
        assert fork is not None
        said = kept_forecasts.say(twin, fork, course, START + 60 * MINUTE + round(hours * HOUR))
        soon = [one.quantiles for one in said if one.horizon == 0]
        return float(np.mean([np.std(quantiles) / np.median(quantiles) for quantiles in soon]))

    assert width(0.0) < width(2.5)
