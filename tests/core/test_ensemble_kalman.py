"""The ensemble Kalman filter: exact where exactness is possible, unmoved by artefacts, honest about chance and time."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from caretwin.core.ensemble import Ensemble, equal_log_weights
from caretwin.core.ensemble_kalman import (
    KalmanSettings,
    Past,
    correct,
    correct_with_past,
    relax,
    update,
)
from caretwin.core.ensemble_update import Datum, robust_variance
from caretwin.core.model import Observation
from caretwin.core.status import Status

NOISE, STEP = 0.5, 0.3


class Level(NamedTuple):
    """A level x that walks at random towards nothing, with an offset theta; two channels see x + theta and x."""

    dof: float = 1e6

    channel_names = ("sum", "level")
    noise_dimension = 1
    memory_days = (1e9,)

    def individual(self, theta: Any, context: Any) -> Any:
        return theta

    def transition(self, phi: Any, x: Any, u: Any, w: Any, dt: Any) -> Any:
        return x + STEP * jnp.sqrt(dt) * w[0]

    def predict(self, phi: Any, x: Any, u: Any) -> Any:
        return jnp.stack([x + phi[0], x])

    def scaled(self, values: Any) -> Any:
        return values

    def noise_scale(self, dtype: Any = None) -> Any:
        return jnp.full(2, NOISE, dtype)

    def degrees(self, dtype: Any = None) -> Any:
        return jnp.full(2, self.dof, dtype)

    def to_vector(self, x: Any) -> Any:
        return x[None]

    def from_vector(self, v: Any, x: Any) -> Any:
        return v[0]


def prior(count: int, seed: int = 0) -> Ensemble:
    z = np.random.default_rng(seed).normal(size=(count, 2))
    z = (z - z.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T))).T  # the sample moments are those of the prior
    return Ensemble(jnp.asarray(z[:, :1]), jnp.asarray(z[:, 1]), equal_log_weights(jnp.zeros(count)), jnp.asarray(0.0))


def seen(*values: float | None) -> Observation:
    kinds = [0 if v is None else 1 for v in values]
    return Observation(jnp.asarray([1.0 if v is None else v for v in values]), jnp.asarray(kinds))


def settings(count: int, passes: int = 1) -> KalmanSettings:
    return KalmanSettings(count, passes, False)


def taken(model: Level, ensemble: Ensemble, y: Observation, passes: int = 1) -> tuple[Ensemble, Any]:
    count = ensemble.theta.shape[0]
    return correct(model, settings(count, passes), ensemble, 0.0, 0.0, y)


def exact(y: list[float], H: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of (theta, x) given y, from the prior N(0, I)."""
    S = H @ H.T + NOISE**2 * np.eye(len(y))
    K = H.T @ np.linalg.inv(S)
    return K @ np.asarray(y), np.eye(2) - K @ H


def moments(ensemble: Ensemble) -> tuple[np.ndarray, np.ndarray]:
    z = np.concatenate([np.asarray(ensemble.theta), np.asarray(ensemble.x)[:, None]], axis=1)
    return z.mean(0), np.cov(z.T)


def test_a_value_above_what_was_expected_raises_the_level() -> None:
    after, _ = taken(Level(), prior(500), seen(None, 2.0))
    assert after.x.mean() > 0.5
    assert abs(after.theta.mean()) < 0.1  # the second channel says nothing of theta


@pytest.mark.parametrize("passes", [1, 3])
def test_the_posterior_of_a_linear_model_is_that_of_kalman(passes: int) -> None:
    # 20,000 particles: standard error of a mean 0.007 of a standard deviation; of a variance 1 %.
    after, _ = taken(Level(), prior(20_000), seen(1.5, -0.4), passes)
    mean, covariance = exact([1.5, -0.4], np.array([[1.0, 1.0], [0.0, 1.0]]))
    found_mean, found_covariance = moments(after)
    np.testing.assert_allclose(found_mean, mean, atol=0.02)
    np.testing.assert_allclose(found_covariance, covariance, atol=0.02)


def test_two_hundred_particles_have_the_mean_of_kalman_without_luck() -> None:
    # The sample moments of this prior are exact and no datum is perturbed: what is left is the shrinkage of chance
    # correlations, below 0.5 % of the moments with 200 particles.
    after, _ = taken(Level(), prior(200), seen(1.5, -0.4))
    mean, covariance = exact([1.5, -0.4], np.array([[1.0, 1.0], [0.0, 1.0]]))
    found_mean, found_covariance = moments(after)
    np.testing.assert_allclose(found_mean, mean, atol=0.01)
    np.testing.assert_allclose(found_covariance, covariance, atol=0.01)
    again, _ = taken(Level(), prior(200), seen(1.5, -0.4))
    np.testing.assert_array_equal(after.theta, again.theta)


def test_channels_beyond_those_that_can_be_seen_need_not_be_worked_on() -> None:
    every, _ = taken(Level(), prior(100), seen(None, 1.0))
    some, _ = correct(Level(), settings(100), prior(100), 0.0, 0.0, seen(None, 1.0), most=1)
    np.testing.assert_allclose(some.x, every.x, rtol=1e-12)


def test_the_evidence_of_a_linear_model_is_the_normal_density() -> None:
    _, info = taken(Level(), prior(20_000), seen(1.5, -0.4))
    H = np.array([[1.0, 1.0], [0.0, 1.0]])
    S = H @ H.T + NOISE**2 * np.eye(2)
    y = np.array([1.5, -0.4])
    expected = -0.5 * (y @ np.linalg.solve(S, y) + np.log(np.linalg.det(2 * np.pi * S)))
    assert float(info.log_evidence) == pytest.approx(expected, abs=0.03)


def test_a_datum_with_nothing_seen_changes_no_bit() -> None:
    before = prior(300)
    after, info = taken(Level(), before, seen(None, None))
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True))
    assert float(info.log_evidence) == 0.0


def test_an_artefact_pulls_less_than_a_tenth_of_what_it_asks_and_is_called_surprising() -> None:
    robust, info = taken(Level(dof=4.0), prior(2000), seen(None, 30.0))
    trusting, _ = taken(Level(), prior(2000), seen(None, 30.0))
    assert float(trusting.x.mean()) > 20.0
    assert float(robust.x.mean()) < 3.0
    assert int(info.status) >= Status.SURPRISING_DATUM


def test_an_ordinary_value_is_believed_as_much_as_without_protection() -> None:
    h = jnp.asarray(np.random.default_rng(0).normal(size=(1, 4000)))
    near, _ = robust_variance(h, Datum(jnp.array([0.2]), jnp.ones(1), jnp.full(1, 0.25)), jnp.full(1, 4.0))
    far, _ = robust_variance(h, Datum(jnp.array([20.0]), jnp.ones(1), jnp.full(1, 0.25)), jnp.full(1, 4.0))
    assert 0.2 < float(near[0]) < 0.3
    assert float(far[0]) > 20 * 0.25


def test_a_late_value_moves_the_present_as_if_it_had_come_in_time() -> None:
    # x(1) is seen late, at time 2: Kalman with both in order gives the same mean and covariance of x(2).
    model, count, key, nobody = Level(), 20_000, jax.random.key(3), jnp.asarray(0)
    nothing = seen(None, None)
    one, _ = update(model, settings(count), key, nobody, prior(count), 0.0, 0.0, nothing, jnp.asarray(1.0))
    expected = jax.vmap(lambda t, x: model.predict(t, x, 0.0))(one.theta, one.x)
    two, _ = update(model, settings(count), key, nobody, one, 0.0, 0.0, nothing, jnp.asarray(2.0))
    past = Past(expected[:, None], jnp.asarray(0))
    late, kept, _ = correct_with_past(model, settings(count), two, 0.0, 0.0, seen(None, 2.0), past)
    variance = 1.0 + STEP**2  # of x(1)
    gain = variance / (variance + NOISE**2)
    assert float(late.x.mean()) == pytest.approx(2.0 * gain, abs=0.03)
    assert float(late.x.var()) == pytest.approx(variance - gain * variance + STEP**2, abs=0.03)
    assert float(kept[:, 0, 1].mean()) == pytest.approx(2.0 * gain, abs=0.03)  # the kept past learns as well


def test_what_is_unrelated_is_left_nearly_alone_even_in_a_small_ensemble() -> None:
    # Over 200 informative updates of x, the spread of theta, which they do not concern, must not collapse.
    ensemble, model = prior(100), Level()
    key = jax.random.key(0)
    step = jax.jit(
        lambda e, t: update(model, settings(100), key, jnp.asarray(0), e, 0.0, 0.0, seen(None, 0.0), t)[0],
    )
    for i in range(200):
        ensemble = step(ensemble, jnp.asarray(1.0 + i))
    assert float(ensemble.theta.std()) > 0.6


def test_theta_relaxes_to_its_prior_at_the_stated_rate_without_luck() -> None:
    theta = jnp.asarray(np.random.default_rng(0).normal(2.0, 0.1, size=(400, 1)))
    later = relax(theta, jnp.asarray(24.0), jnp.asarray([1.0]))
    r = np.exp(-1.0)
    assert float(later.mean()) == pytest.approx(float(theta.mean()) * r)
    assert float(later.var()) == pytest.approx(float(theta.var()) * r**2 + 1 - r**2)
    assert np.array_equal(np.argsort(theta[:, 0]), np.argsort(later[:, 0]))
    same = relax(theta, jnp.asarray(0.0), jnp.asarray([1.0]))
    np.testing.assert_allclose(same, theta, rtol=1e-12)
