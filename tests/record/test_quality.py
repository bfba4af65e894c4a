"""Data quality: what is wrong with a channel is found, said in plain words, and counted; what is right is not."""

import numpy as np
import pytest

from caretwin.record import quality_checks as checks
from caretwin.record.bedside import Quality
from caretwin.record.quality import ChannelQuality, SubjectQuality, judge
from caretwin.record.store.read_observations import SeriesData

HOUR, MINUTE = checks.HOUR_US, checks.MINUTE_US
NOW = 1000 * HOUR


def series(
    code: str, value: np.ndarray, *, every_min: float = 60.0, end: int = NOW, late_min: float = 0.0, **more: object
) -> SeriesData:
    n = len(value)
    effective = end - (np.arange(n)[::-1] * every_min * MINUTE).astype(np.int64)
    received = more.pop("received", effective + round(late_min * MINUTE))
    quality = more.pop("quality", np.zeros(n, dtype=int))
    zeros = np.zeros(n, dtype=int)
    return SeriesData(
        code,
        "",
        "monitor",
        effective,
        np.asarray(received),
        np.asarray(value, float),
        np.asarray(quality),
        zeros,
        zeros,
        {},
    )


def rate(n: int = 48, seed: int = 0) -> np.ndarray:
    return np.round(80 + 4 * np.random.default_rng(seed).standard_normal(n))


def of(*parts: SeriesData, **more: object) -> SubjectQuality:
    return judge("p1", parts, NOW, **more)  # type: ignore[arg-type]


def channel(found: SubjectQuality, name: str = "heart_rate") -> ChannelQuality:
    return next(one for one in found.channels if one.channel == name)


def test_good_data_have_nothing_to_complain_about() -> None:
    found = channel(of(series("heart_rate", rate())))
    assert (found.score, found.reasons) == (1.0, ())
    assert not found.stale(NOW)


def test_fewer_values_score_lower_and_say_how_many_are_missing() -> None:
    whole = series("heart_rate", rate(72))
    keep = np.ones(72, dtype=bool)
    keep[-20:-8] = False
    part = SeriesData(
        "heart_rate", "", "m", *(getattr(whole, name)[keep] for name in ("effective", "received", "value", "quality")),
        whole.status[keep], whole.sequence[keep], {},
    )  # fmt: skip
    found = channel(of(part))
    assert found.score == pytest.approx(0.5, abs=0.06)
    assert "of the values expected every 60 min are missing" in found.reasons[0]


def test_silence_makes_a_channel_stale_by_its_own_rhythm() -> None:
    quiet = series("heart_rate", rate(), end=NOW - 5 * HOUR)
    hourly, by_minute = channel(of(quiet)), channel(of(series("heart_rate", rate(), every_min=1, end=NOW - 5 * MINUTE)))
    assert hourly.stale(NOW) and by_minute.stale(NOW)
    assert "last value 300 min ago" in hourly.reasons[0] or "last value 5 h ago" in hourly.reasons[0]
    slow = channel(of(series("temperature", 37 + 0.1 * rate(20), every_min=480, end=NOW - 6 * HOUR)), "temperature")
    assert not slow.stale(NOW)


def test_nothing_is_worse_than_something_and_is_never_good() -> None:
    found = of(series("heart_rate", rate()), expected=["heart_rate", "oxygen_saturation"])
    assert channel(found, "oxygen_saturation").score == 0.0
    assert found.score == pytest.approx(0.5)
    assert "oxygen saturation: nothing was ever sent" in found.reasons


def test_refused_values_cost_their_share() -> None:
    quality = np.zeros(48, dtype=int)
    quality[-6:] = Quality.REFUSED
    found = channel(of(series("heart_rate", rate(), quality=quality)))
    assert any("24% of the values cannot be what they say" in reason for reason in found.reasons)


def test_a_frozen_monitor_is_found_and_a_steady_saturation_is_not() -> None:
    frozen = rate()
    frozen[-14:] = 81
    assert "is the source frozen" in channel(of(series("heart_rate", frozen))).reasons[0]
    steady = channel(of(series("oxygen_saturation", np.full(48, 97.0))), "oxygen_saturation")
    assert steady.score == 1.0


def test_single_spikes_are_found_and_a_real_rise_is_not() -> None:
    spiked = rate()
    spiked[-10] = 190
    assert "far off both neighbours" in channel(of(series("heart_rate", spiked))).reasons[0]
    risen = rate()
    risen[-10:] += 60
    assert channel(of(series("heart_rate", risen))).score == 1.0


def test_heart_rate_and_pulse_that_disagree_are_named() -> None:
    heart = rate()
    found = channel(of(series("heart_rate", heart), series("pulse_rate", np.where(np.arange(48) % 2, heart, 40.0))))
    assert "heart rate and pulse rate disagree in 4" in found.reasons[0]
    assert channel(of(series("heart_rate", heart), series("pulse_rate", heart + 1))).score == 1.0


def test_results_that_come_late_are_told() -> None:
    found = channel(of(series("lactate", 1 + 0.1 * rate(10), every_min=240, late_min=300)), "lactate")
    assert any("5.0 h late" in reason for reason in found.reasons)
    assert found.score > 0.7


def test_rounding_and_writing_down_afterwards_are_habits_that_show() -> None:
    rounded = np.round(rate(60, seed=3) * 2, -1)
    found = channel(of(series("systolic_pressure", rounded)), "systolic_pressure")
    assert any("end in 0" in reason for reason in found.reasons)
    whole = series("heart_rate", rate())
    received = whole.effective.copy()
    received[-9:-1] = whole.effective[-1]
    found = channel(of(series("heart_rate", rate(), received=received)))
    assert any("written down at once" in reason for reason in found.reasons)


def test_what_had_not_been_received_is_not_judged() -> None:
    early = judge("p1", [series("heart_rate", rate(), late_min=600)], NOW)
    assert channel(early).values < 24
    assert channel(early).last is not None and channel(early).last <= NOW - 10 * HOUR  # type: ignore[operator]


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_shares_and_losing_values_never_helps(seed: int) -> None:
    luck = np.random.default_rng(seed)
    whole = series("heart_rate", rate(60, seed))
    keep = luck.random(60) > 0.4
    keep[[0, -1]] = True
    part = SeriesData(
        "heart_rate", "", "m", *(getattr(whole, name)[keep] for name in ("effective", "received", "value", "quality")),
        whole.status[keep], whole.sequence[keep], {},
    )  # fmt: skip
    full, less = of(whole).score, of(part).score
    assert 0.0 <= less <= full <= 1.0
