"""What a ward says of its forecasts stays true between them, fails for one subject alone, and is forgotten with it."""

from typing import Any

import pytest
from tests.twin.conftest import START
from tests.twin.test_living_orders import bag
from tests.twin.test_living_stays import live, stay
from tests.twin.test_living_ward import up_to_date, vitals, write

from caretwin.record.access import operator
from caretwin.record.record import Record
from caretwin.serve.board import board
from caretwin.serve.forecasts import Forecasts
from caretwin.twin import kept_forecasts
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.kept_forecasts import FORECAST, SCORE
from caretwin.twin.living import record as living_record
from caretwin.twin.living.course import MINUTE
from caretwin.twin.living.roll import ENDS_AFTER_US


def only(entries: list[Any], *channels: str) -> list[Any]:
    return [entry for entry in entries if entry.code in channels]


def test_what_was_missing_and_came_is_not_said_to_be_missing(record: Record, twin: BedsideTwin) -> None:
    ward, forecasts = living_record.start(record, twin), Forecasts(record, twin, 60 * MINUTE)
    (key,) = set(write(record, only(vitals(0, range(30)), "heart_rate")))
    up_to_date(ward, 30)
    forecasts.turn(ward, START + 30 * MINUTE)
    assert "nothing was ever sent" in forecasts.doubts[key].reason
    before = forecasts.doubts[key]
    write(record, vitals(0, range(20, 32)))
    up_to_date(ward, 32)
    forecasts.turn(ward, START + 32 * MINUTE)
    after = forecasts.doubts[key]
    assert "nothing was ever sent" not in after.reason and after.score > before.score
    assert after.wider == before.wider  # of the forecast that was said
    assert board(ward, forecasts, START + 32 * MINUTE)[0].doubt == after


def test_what_came_and_stays_away_is_said(record: Record, twin: BedsideTwin) -> None:
    ward, forecasts = living_record.start(record, twin), Forecasts(record, twin, 600 * MINUTE)
    (key,) = set(write(record, vitals(0, range(60))))
    up_to_date(ward, 60)
    forecasts.turn(ward, START + 60 * MINUTE)
    before = forecasts.doubts[key]
    forecasts.turn(ward, START + 180 * MINUTE)
    assert forecasts.doubts[key].score < before.score
    looked = forecasts._judged[key]
    for _ in range(3):
        forecasts.turn(ward, START + 180 * MINUTE)
    assert forecasts._judged[key] is looked  # not at every tick


def test_a_forecast_that_goes_wrong_is_told_and_the_next_is_said(
    record: Record, twin: BedsideTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward, forecasts = living_record.start(record, twin), Forecasts(record, twin, 60 * MINUTE)
    keys = [write(record, vitals(patient, range(5)))[0] for patient in range(2)]
    up_to_date(ward, 5)
    real = kept_forecasts.say
    calls: list[int] = []

    def failing(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("no luck")
        return real(*args)

    monkeypatch.setattr(kept_forecasts, "say", failing)
    for _ in range(2):
        forecasts.turn(ward, START + 5 * MINUTE)
    assert forecasts.troubles[keys[0]] == "no forecast: RuntimeError: no luck"
    assert list(forecasts.said) == [keys[1]]
    assert board(ward, forecasts, START)[0].trouble.startswith("no forecast")
    forecasts.turn(ward, START + 6 * MINUTE)
    assert set(forecasts.said) == set(keys) and not any(forecasts.troubles.values())


def test_a_forecast_without_finite_numbers_is_told_and_not_kept(record: Record, twin: BedsideTwin) -> None:
    import numpy as np

    ward, forecasts = living_record.start(record, twin), Forecasts(record, twin, 60 * MINUTE)
    (key,) = set(write(record, vitals(0, range(5))))
    up_to_date(ward, 5)
    np.asarray(ward.subjects()[key].state.ensemble.theta)[...] = np.nan  # type: ignore[union-attr]
    forecasts.turn(ward, START + 5 * MINUTE)
    assert forecasts.said.get(key, []) == []
    assert "no forecast" in forecasts.troubles[key]
    assert record.reading(living_record.TWIN).derived(key, [FORECAST]) == []


def test_who_is_erased_is_forgotten(record: Record, twin: BedsideTwin) -> None:
    ward, forecasts = living_record.start(record, twin), Forecasts(record, twin, 60 * MINUTE)
    (key,) = set(write(record, vitals(0, range(5))))
    up_to_date(ward, 5)
    forecasts.turn(ward, START + 5 * MINUTE)
    assert key in forecasts.said and key in forecasts.doubts
    record.erase(operator(), key, "request")
    up_to_date(ward, 5)
    forecasts.forget_others({*ward.subjects(), *ward.roll.ended})
    assert not any((forecasts.said, forecasts.doubts, forecasts.troubles, forecasts._judged, forecasts._next))


def test_who_left_is_shown_so_and_what_was_said_is_scored(record: Record, twin: BedsideTwin) -> None:
    ward, forecasts = living_record.start(record, twin), Forecasts(record, twin, 60 * MINUTE)
    (key,) = set(write(record, [stay(0), *vitals(0, range(40))]))
    live(record, ward, 40)
    forecasts.turn(ward, START + 40 * MINUTE)
    reading = record.reading(living_record.TWIN)
    kept = len(reading.derived(key, [FORECAST]))
    write(record, [stay(0, 41, 1)])
    now = 41 + ENDS_AFTER_US // MINUTE
    live(record, ward, now)
    assert key in ward.roll.ended
    write(record, vitals(0, range(41, 42)))  # a last value that came late
    for turn in range(3):
        forecasts.turn(ward, START + (now + 61 * turn) * MINUTE)
    assert len(reading.derived(key, [FORECAST])) == kept  # nothing is said of who is not there
    assert len(reading.derived(key, [SCORE])) == kept
    (row,) = board(ward, forecasts, START + now * MINUTE)
    assert (row.left, row.twin, row.vitals) == (START + 41 * MINUTE, None, {})
    assert board(ward, forecasts, START + (now + 24 * 60) * MINUTE) == ()


def test_the_board_shows_what_is_true_now_and_no_end_that_was_told_beforehand(
    record: Record, twin: BedsideTwin
) -> None:
    ward, forecasts = living_record.start(record, twin), Forecasts(record, twin, 60 * MINUTE)
    write(record, [*vitals(0, range(10)), bag("a", 2, 0.1), bag("a", 60, None, "stop"), stay(0, 90)])
    live(record, ward, 10)
    (row,) = board(ward, forecasts, START + 10 * MINUTE)
    assert (row.norepinephrine, row.heard, row.left) == (0.1, START // MINUTE + 9, None)
    (row,) = board(ward, forecasts, START + 100 * MINUTE)
    assert (row.norepinephrine, row.left) == (None, START + 90 * MINUTE)
