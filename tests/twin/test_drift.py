"""A drift alarm: quiet while a parameter moves as such parameters do, loud when it does not."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest

from caretwin.core.ensemble import Ensemble, equal_log_weights
from caretwin.core.exact_moments import exact_moments
from caretwin.record.bedside import BedsideRecord, Person, Signal
from caretwin.twin.bedside_twin import Living, bedside_twin, follow
from caretwin.twin.drift import drifts
from caretwin.twin.registry import family

PERSONAL = family("physiology").personal
WANDERING = [i for i, p in enumerate(PERSONAL) if p.wander > 0]
PRESSURE = next(i for i, p in enumerate(PERSONAL) if p.name == "venous_pressure")
MODEL = SimpleNamespace(memory_days=[p.days for p in PERSONAL])
N, HOURS = 300, 6.0


def living(theta: np.ndarray, wander: np.ndarray, hour: float) -> Living:
    """As much of a twin as a drift looks at."""
    body = family("physiology").body(female=False, age=60.0, height=175.0, weight=80.0)
    ensemble = Ensemble(theta, SimpleNamespace(wander=wander), equal_log_weights(np.zeros(N)), hour)
    return Living(ensemble, None, None, None, body, None, 0.0, None)  # type: ignore[arg-type]


def test_sizes_are_standard_normal_where_nature_does_what_the_model_says(monkeypatch) -> None:
    """Nature draws a parameter, lets it wander six hours, and charts it with an error: Kalman's belief is exact."""
    monkeypatch.setattr("caretwin.twin.drift._values", lambda living: {p.name: np.ones(N) for p in PERSONAL})
    random = np.random.default_rng(3)
    p = PERSONAL[PRESSURE]
    k = WANDERING.index(PRESSURE)
    keep_theta, keep = np.exp(-HOURS / (24.0 * p.days)), np.exp(-HOURS / p.wander_hours)
    transition = np.diag([keep_theta, keep])
    error, sees = 0.3, np.array([p.spread, p.wander])
    noise = np.asarray(exact_moments(random.standard_normal((N, 2))))
    sizes = []
    for _ in range(400):
        truth = random.standard_normal(2)
        later = transition @ truth + np.sqrt(1.0 - np.array([keep_theta, keep]) ** 2) * random.standard_normal(2)
        seen = sees @ later + error * random.standard_normal()
        gain = sees / (sees @ sees + error**2)  # the prior is stationary: mean 0, variance 1 at any time
        mean, covariance = gain * seen, np.eye(2) - np.outer(gain, sees)
        theta, wander = np.zeros((N, len(PERSONAL))), np.zeros((N, len(WANDERING)))
        theta[:, PRESSURE], wander[:, k] = noise.T
        after = mean + noise @ np.linalg.cholesky(covariance).T
        theta_after, wander_after = theta.copy(), wander.copy()
        theta_after[:, PRESSURE], wander_after[:, k] = after.T
        found = drifts(MODEL, living(theta, wander, 0.0), living(theta_after, wander_after, HOURS))
        sizes += [d.size for d in found if d.name == p.name]
    assert len(sizes) == 400
    assert abs(np.mean(sizes)) < 0.15  # three standard errors of 400 draws
    assert np.std(sizes) == pytest.approx(1.0, abs=0.12)


def charted(venous: dict[float, float]) -> BedsideRecord:
    hours = np.arange(0.0, 18.1, 1.0)

    def signal(value, at=hours) -> Signal:
        return Signal.of(np.asarray(at, float), np.broadcast_to(np.asarray(value, float), np.shape(at)))

    random = np.random.default_rng(1)
    observations = {
        "heart_rate": signal(90.0 + random.standard_normal(len(hours))),
        "mean_arterial_pressure": signal(75.0 + 3.0 * random.standard_normal(len(hours))),
        "oxygen_saturation": signal(96.0 + 0.5 * random.standard_normal(len(hours))),
        "central_venous_pressure": signal(list(venous.values()), list(venous)),
    }
    settings = {
        "ventilator_mode": signal([1.0], [0.0]), "fio2": signal([0.5], [0.0]), "peep": signal([8.0], [0.0]),
        "tidal_volume_set": signal([0.42], [0.0]), "respiratory_rate_set": signal([18.0], [0.0]),
    }  # fmt: skip
    return BedsideRecord(Person("two", "male", 60.0, 178.0, 82.0), observations, settings)


def moved(record: BedsideRecord) -> dict[str, float]:
    twin = bedside_twin(particles=500)  # as the commands make it: one compiled program serves all
    (_, before, _), (_, now, _) = follow(twin, record, [12.0, 18.0])
    assert before is not None and now is not None
    return {d.name: d.size for d in drifts(twin.model, before, now)}


@pytest.mark.slow
def test_a_venous_pressure_that_doubles_and_stays_is_an_alarm_of_that_parameter_and_a_steady_one_is_none() -> None:
    steady = moved(charted({float(h): 7.0 + 0.5 * (-1) ** h for h in range(0, 19)}))
    risen = moved(charted({float(h): (7.0 if h <= 12 else 19.0) + 0.5 * (-1) ** h for h in range(0, 19)}))
    assert max(abs(size) for size in steady.values()) < 3.0
    assert risen["venous_pressure"] > 3.5
    assert risen["venous_pressure"] == max(risen.values(), key=abs)


def test_without_time_between_two_beliefs_nothing_has_moved() -> None:
    place = (jax.numpy.zeros((N, len(PERSONAL))), jax.numpy.zeros((N, len(WANDERING))))
    assert drifts(MODEL, living(*place, 2.0), living(*place, 2.0)) == ()
